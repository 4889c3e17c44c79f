"""The WDT signature, as the receiving side computes it."""

import hashlib
import hmac
from collections.abc import Mapping


def signature(secret: str, query: Mapping[str, str], body: bytes) -> str:
    """Lower-case hex MD5 of secret + name/value pairs by ascending name + secret.

    `query` holds decoded values; `sign` is left out and `body` joins as one more parameter with the exact
    bytes received. Source: docs/wire/wdt.md
    """
    parts: dict[str, bytes] = {name: value.encode() for name, value in query.items() if name != "sign"}
    parts["body"] = body
    digest = hashlib.md5(secret.encode(), usedforsecurity=False)
    for name in sorted(parts):
        digest.update(name.encode() + parts[name])
    digest.update(secret.encode())
    return digest.hexdigest()


def is_signed(secret: str, query: Mapping[str, str], body: bytes) -> bool:
    return hmac.compare_digest(signature(secret, query, body).encode(), query.get("sign", "").encode())


def split_appsecret(appsecret: str) -> tuple[str, str]:
    """(secret, salt): split at the first colon; a missing colon means an empty salt."""
    secret, _, salt = appsecret.partition(":")
    return secret, salt
