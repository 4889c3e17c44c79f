"""The Nuonuo gateway signature, as the receiving side computes it."""

import base64
import hashlib
import hmac
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Signed:
    """What a request claims, all from the query except `path` and `body`."""

    path: str
    appkey: str
    senid: str
    nonce: str
    timestamp: str
    body: bytes


def signature(secret: str, request: Signed) -> str:
    """Base64 of HMAC-SHA1; `a`, `l`, `p` are the 3rd, 2nd and 1st segment of the path (docs/wire/nuonuo.md)."""
    p, l, a = [*request.path.strip("/").split("/"), "", "", ""][:3]  # noqa: E741 (the vendor's letters)
    head = f"a={a}&l={l}&p={p}&k={request.appkey}&i={request.senid}&n={request.nonce}&t={request.timestamp}&f="
    digest = hmac.new(secret.encode(), head.encode() + request.body, hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


def is_signed(secret: str, request: Signed, sign: str) -> bool:
    return hmac.compare_digest(signature(secret, request).encode(), sign.encode())
