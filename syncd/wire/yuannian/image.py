"""The picture in an answer: percent-encoded base64 of a PNG or a JPEG, taken apart with suspicion.

Source: seed yuannian-wechat §2.3.3, "URLEncode(Base64, UTF-8)". A `+` in it is a plus sign, never a blank.
"""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote

#: A QR code of the largest size anybody prints is far below this.
LARGEST = 2 * 2**20
_MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")


class NoImage(ValueError):
    """What came is no picture. `why`: empty, too_large, base64, kind."""

    def __init__(self, why: str) -> None:
        super().__init__(f"no image: {why}")
        self.why = why


def decoded(text: str) -> bytes:
    """The bytes of the picture. Raises NoImage."""
    if not text:
        raise NoImage("empty")
    if len(text) > LARGEST * 4:  # each character of base64 may be three of percent-encoding
        raise NoImage("too_large")
    try:
        raw = base64.b64decode(unquote(text, errors="strict"), validate=True)
    except (binascii.Error, ValueError):
        raise NoImage("base64") from None
    if len(raw) > LARGEST:
        raise NoImage("too_large")
    if not raw.startswith(_MAGIC):
        raise NoImage("kind")
    return raw
