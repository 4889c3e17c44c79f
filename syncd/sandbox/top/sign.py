"""The TOP signature, as the gateway computes it (docs/wire/top.md)."""

import hashlib
import hmac
from collections.abc import Mapping

METHODS = ("md5", "hmac", "hmac-sha256")


def canonical(texts: Mapping[str, str]) -> str:
    """Names in byte order, each followed by its raw value, nothing between; `sign` itself left out."""
    return "".join(name + texts[name] for name in sorted(texts, key=str.encode) if name != "sign")


def signature(sign_method: str, secret: str, texts: Mapping[str, str]) -> str:
    """Upper-case hex over every text parameter. Raises: ValueError for an unknown sign_method."""
    plain, key = canonical(texts).encode(), secret.encode()
    match sign_method:
        case "md5":
            return hashlib.md5(key + plain + key).hexdigest().upper()
        case "hmac":
            return hmac.new(key, plain, hashlib.md5).hexdigest().upper()
        case "hmac-sha256":
            return hmac.new(key, plain, hashlib.sha256).hexdigest().upper()
    raise ValueError(f"unknown sign_method {sign_method!r}; known: {', '.join(METHODS)}")


def is_signed(sign_method: str, secret: str, texts: Mapping[str, str], sign: str) -> bool:
    if sign_method not in METHODS:
        return False
    return hmac.compare_digest(signature(sign_method, secret, texts).encode(), sign.encode())
