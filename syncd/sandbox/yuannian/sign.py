"""The request signature as the platform computes it, over whatever text the test chose; and WeChat's own for 2.5.

The paper says "MD5" and shows 32 upper-case digits, but not what is signed. Source: seed yuannian-wechat §2.1.1, §2.5;
WeChat's JS-SDK page.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Any

PRESETS = {
    "preset:top_style": "{secret}{header_kv_sorted}{body_json}{secret}",
    "preset:qs_key": "{header_qs_sorted}&key={secret}",
}


def signed_text(template: str, secret: str, header: Mapping[str, Any], body_json: str) -> str:
    """The text that is digested; `sign` itself takes no part. Raises: KeyError for an unknown part."""
    kept = sorted((name, str(value)) for name, value in header.items() if name != "sign")
    parts = {
        "secret": secret,
        "header_kv_sorted": "".join(name + value for name, value in kept),
        "header_qs_sorted": "&".join(f"{name}={value}" for name, value in kept),
        "token": str(header.get("token", "")),
        "timestamp": str(header.get("timestamp", "")),
        "appId": str(header.get("appId", "")),
        "body_json": body_json,
    }
    return re.sub(r"\{([A-Za-z_]+)\}", lambda part: parts[part[1]], PRESETS.get(template, template))


def signature(template: str, secret: str, header: Mapping[str, Any], body_json: str) -> str:
    """32 upper-case hex digits of MD5."""
    return hashlib.md5(signed_text(template, secret, header, body_json).encode()).hexdigest().upper()


def is_signed(template: str, secret: str, header: Mapping[str, Any], body_json: str) -> bool:
    """Compared as text: lower-case digits are another signature."""
    wanted = signature(template, secret, header, body_json)
    return hmac.compare_digest(wanted.encode(), str(header.get("sign", "")).encode())


def body_text(body: Mapping[str, Any], written: str) -> str:
    """The body as `{body_json}`: without blanks, names as sent ("compact") or sorted, or nothing ("none")."""
    if written == "none":
        return ""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), sort_keys=written == "sorted")


def jsapi_signature(ticket: str, noncestr: str, timestamp: str, url: str) -> str:
    """Lower-case SHA-1 of the four raw values in the order of their names; the url ends before any #."""
    page = url.partition("#")[0]
    text = f"jsapi_ticket={ticket}&noncestr={noncestr}&timestamp={timestamp}&url={page}"
    return hashlib.sha1(text.encode()).hexdigest()
