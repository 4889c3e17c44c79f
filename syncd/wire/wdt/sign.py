"""WDT's stamp and signature.

Source: seed wdt-search §3.2 for names, salt and stamp; the algorithm is the vendor SDKs', reproduced by two public
test vectors. Not said there: what the server does with parameters it does not know.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

#: 2012-01-01 00:00:00 in Beijing, the zero of WDT's seconds (seed wdt-search §3.2).
EPOCH = 1_325_347_200


@dataclass(frozen=True, slots=True)
class Secret:
    """The two halves of an appsecret: `secret` only signs, `salt` travels and is signed. Neither is ever shown."""

    secret: str = field(repr=False)
    salt: str = field(repr=False)

    def __post_init__(self) -> None:
        if not self.secret or not self.salt:
            raise ValueError("an appsecret has two halves, secret:salt, and one of them is empty")
        refuse_control("appsecret", self.secret + self.salt)

    @classmethod
    def parse(cls, appsecret: str) -> Secret:
        """Split at the first colon, after dropping what a secret file leaves at the end of its line."""
        secret, colon, salt = appsecret.rstrip().partition(":")
        if not colon:
            raise ValueError("an appsecret has two halves, secret:salt, and this one has no colon")
        return cls(secret, salt)


def refuse_control(name: str, value: str) -> None:
    """Raise ValueError, without the value, where a credential or number could break out of its line."""
    if any(character < " " or character == "\x7f" for character in value):
        raise ValueError(f"{name} has a line break or another control character in it")


def timestamp(instant: datetime) -> int:
    """Whole seconds since WDT's epoch; the server accepts 120 seconds either side of its own."""
    return int(instant.timestamp() // 1) - EPOCH


def sign(secret: Secret, params: Mapping[str, str], body: bytes) -> str:
    """Lowercase hex MD5 over secret, every name and raw value in order of name, and secret again.

    `params` are the query parameters un-encoded, without `sign`; `body` joins as one of them, as the very bytes
    that are sent. MD5 is the vendor's choice and proves nothing beyond their gate.
    """
    parts = {name.encode(): value.encode() for name, value in params.items()} | {b"body": body}
    key = secret.secret.encode()
    plain = key + b"".join(name + parts[name] for name in sorted(parts)) + key
    return hashlib.md5(plain, usedforsecurity=False).hexdigest()
