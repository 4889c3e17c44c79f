"""The gateway's signature, `X-Nuonuo-Sign`: HMAC-SHA1 over the very bytes that are sent.

HMAC-SHA1 is the platform's choice; the secret must not be used for anything else of the same shape.
Source: Nuonuo gateway notes. Not said there: how far the gateway lets the timestamp be off.
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from random import Random


@dataclass(frozen=True, slots=True)
class Stamp:
    """The four values of the query that make each attempt's signature its own.

    `senid` is 32 characters, `nonce` eight digits not starting with 0, `timestamp` Unix seconds.
    """

    app_key: str
    senid: str
    nonce: str
    timestamp: str

    def query(self) -> dict[str, str]:
        """As it travels: in the query string, although the vendor files these under the message body."""
        return {"senid": self.senid, "nonce": self.nonce, "timestamp": self.timestamp, "appkey": self.app_key}


def stamp(app_key: str, now: datetime, random: Random) -> Stamp:
    """A fresh stamp: every attempt takes its own, over the same frozen body."""
    return Stamp(
        app_key=app_key,
        senid=f"{random.getrandbits(128):032x}",
        nonce=str(random.randrange(10_000_000, 100_000_000)),
        timestamp=str(int(now.timestamp())),
    )


def sign(secret: str, path: str, stamped: Stamp, body: bytes) -> str:
    """The header's value for `body` sent to `path`, whose first three segments go into the signed text.

    Raises: ValueError for a path of fewer than three segments.
    """
    head = f"{_place(path)}&k={stamped.app_key}&i={stamped.senid}&n={stamped.nonce}&t={stamped.timestamp}&f="
    digest = hmac.digest(secret.encode(), head.encode() + body, "sha1")
    return base64.b64encode(digest).decode("ascii")


@lru_cache(maxsize=64)
def _place(path: str) -> str:
    segments = path.strip("/").split("/")
    if len(segments) < 3:
        raise ValueError("a Nuonuo address has at least three path segments, as in /open/v1/services")
    first, second, third = segments[:3]
    return f"a={third}&l={second}&p={first}"
