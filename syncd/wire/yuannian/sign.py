"""The request's signature, put together as the settings say.

The interface volume says "MD5" and shows 32 upper-case hex digits; which text is signed it does not say (seed
yuannian-wechat §2.1.1). So the text is data: a template over named parts, with nothing claimed to be right.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Digest = Literal["md5", "sha1", "sha256", "hmac-sha256"]
Case = Literal["upper", "lower"]
Canonical = Literal["compact", "sorted", "none"]

#: What stands between braces in a template.
PARTS = frozenset({"secret", "header_kv_sorted", "header_qs_sorted", "token", "timestamp", "appId", "body_json"})
#: Two ways in which neighbouring platforms sign. Guesses, to be checked against a request of a client that works.
PRESETS: Mapping[str, str] = {
    "top_style": "{secret}{header_kv_sorted}{body_json}{secret}",
    "qs_key": "{header_qs_sorted}&key={secret}",
}
_PRESET = "preset:"
_PART = re.compile(r"\{([A-Za-z_]+)\}")


class BadTemplate(ValueError):
    """The template names a part or a preset that does not exist, or signs nothing."""


@dataclass(frozen=True, slots=True)
class SignRule:
    """How requests are signed. `template` is the text itself, or `preset:NAME`; `exclude` are header fields left out.

    `canonical` is how the body is written in `{body_json}`, and how it is sent: the very same characters. With "none"
    the body is not in the text, and goes out compact.
    """

    template: str
    secret: str = field(default="", repr=False)
    digest: Digest = "md5"
    case: Case = "upper"
    exclude: tuple[str, ...] = ("sign",)
    canonical: Canonical = "compact"

    def text(self, header: Mapping[str, str], body_json: str) -> str:
        """What is digested. Raises BadTemplate."""
        kept = sorted((name, value) for name, value in header.items() if name not in self.exclude)
        parts = {
            "secret": self.secret,
            "header_kv_sorted": "".join(f"{name}{value}" for name, value in kept),
            "header_qs_sorted": "&".join(f"{name}={value}" for name, value in kept),
            "token": header.get("token", ""),
            "timestamp": header.get("timestamp", ""),
            "appId": header.get("appId", ""),
            "body_json": "" if self.canonical == "none" else body_json,
        }
        return _PART.sub(lambda found: parts[found[1]], spelled_out(self.template))

    def sign(self, header: Mapping[str, str], body_json: str) -> str:
        """The signature of a header (without its `sign`) and the body as it is sent. Raises BadTemplate."""
        raw = self.text(header, body_json).encode()
        if self.digest == "hmac-sha256":
            made = hmac.new(self.secret.encode(), raw, hashlib.sha256).hexdigest()
        else:
            made = hashlib.new(self.digest, raw, usedforsecurity=False).hexdigest()
        return made.upper() if self.case == "upper" else made

    def body(self, body: Mapping[str, object]) -> str:
        """The body as it is signed and sent."""
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"), sort_keys=self.canonical == "sorted")


def spelled_out(template: str) -> str:
    """The template with a preset's name replaced by its text. Raises BadTemplate."""
    if template.startswith(_PRESET):
        name = template.removeprefix(_PRESET)
        if name not in PRESETS:
            raise BadTemplate(f'there is no preset "{name}"; there are {", ".join(sorted(PRESETS))}')
        return PRESETS[name]
    unknown = {part for part in _PART.findall(template) if part not in PARTS}
    if unknown:
        raise BadTemplate(f"{{{sorted(unknown)[0]}}} is none of {', '.join(sorted(PARTS))}")
    if not _PART.search(template):
        raise BadTemplate("a template without a part in braces would give every request the same signature")
    return template
