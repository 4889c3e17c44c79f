"""2.3: a code by which staff import cards at a PC, as a percent-encoded base64 text of an image."""

import base64
import struct
import zlib
from typing import Any
from urllib.parse import quote

from syncd.sandbox.yuannian.gate import Admitted
from syncd.sandbox.yuannian.refusal import invalid, missing
from syncd.sandbox.yuannian.world import YuannianWorld

LARGEST = 2000
PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
PAGE = "<html><body>error</body></html>"


def qr_code(world: YuannianWorld, call: Admitted) -> dict[str, Any]:
    """The code's content, which is made up where none is given, and its image. Width and height must be numbers."""
    width, height = _side(call, "width"), _side(call, "height")
    content = call.text("content") or f"{int(world.now())}{len(world.qr_codes) + 1:05d}"
    world.qr_codes.append(content)
    return {"content": content, "imageData": _image_data(world, width, height, content)}


def _side(call: Admitted, name: str) -> int:
    value = call.body.get(name)
    if value is None:
        raise missing(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise invalid(name, "应为整数")
    if not 1 <= value <= LARGEST:
        raise invalid(name, f"应为1到{LARGEST}")
    return value


def _image_data(world: YuannianWorld, width: int, height: int, content: str) -> str | None:
    kind = world.switches.qr_image
    if kind == "null":
        return None
    if kind == "broken":
        return "iVBORw0KGgo%ZZ*not base64*"
    image = PAGE.encode() if kind == "html" else _awkward(kind, width, height, content)
    text = quote(base64.b64encode(image).decode(), safe="")
    return text.replace("%2B", "+") if world.switches.qr_plus == "literal" else text


def _awkward(kind: str, width: int, height: int, content: str) -> bytes:
    """An image whose base64 text has a plus, a slash and an equals sign, so that wrong decoding shows."""
    for salt in range(1000):
        image = _png(width, height, content, salt) if kind == "png" else _jpeg(content, salt)
        text = base64.b64encode(image)
        if b"+" in text and b"/" in text and b"=" in text:
            return image
    raise AssertionError("no such image")  # one in three has an equals sign


def _png(width: int, height: int, content: str, salt: int) -> bytes:
    """A grey picture of squares; the content stands in a comment."""
    lines = [b"\x00" + bytes(255 * ((x // 4 + y // 4) % 2) for x in range(width)) for y in range(height)]
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    comment = b"Comment\x00" + f"{content} {salt}".encode()
    chunks = ((b"IHDR", header), (b"tEXt", comment), (b"IDAT", zlib.compress(b"".join(lines), 9)), (b"IEND", b""))
    return PNG + b"".join(_chunk(name, body) for name, body in chunks)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def _jpeg(content: str, salt: int) -> bytes:
    """Only the beginning and the end of a picture, with bytes that need every letter of base64."""
    return JPEG + zlib.compress(f"{content} {salt}".encode()) + bytes(range(256)) + b"\xff\xd9"
