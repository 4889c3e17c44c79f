"""TOP's stamp, signature and form, and the names it gives to answers.

Source: TOP's pages on system parameters and signing, and the platform's own SDKs, whose results the test vectors are.
Not said there: what the server makes of an empty value; so none is ever sent.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from urllib.parse import urlencode

from syncd.domain.clock import BEIJING

_FORMAT = "%Y-%m-%d %H:%M:%S"
FORM = "application/x-www-form-urlencoded;charset=utf-8"


class SignMethod(StrEnum):
    """How the text is signed; the name travels and is signed with it."""

    MD5 = "md5"
    HMAC = "hmac"  # HMAC-MD5
    HMAC_SHA256 = "hmac-sha256"


def sign(secret: str, params: Mapping[str, str], method: SignMethod) -> str:
    """Upper-case hex over every name and raw value in byte order of the names, nothing between them.

    `params` are all text parameters, without `sign` and without file parts. MD5 is the platform's choice and proves
    nothing beyond its gate.
    """
    pairs = sorted((name.encode(), value.encode()) for name, value in params.items())
    plain = b"".join(name + value for name, value in pairs)
    key = secret.encode()
    if method is SignMethod.MD5:
        return hashlib.md5(key + plain + key, usedforsecurity=False).hexdigest().upper()
    digest = "md5" if method is SignMethod.HMAC else "sha256"
    return hmac.new(key, plain, digest).hexdigest().upper()


def without_empty(params: Mapping[str, str]) -> dict[str, str]:
    """What is sent and signed: a missing value is absent. "0" is a value."""
    return {name: value for name, value in params.items() if value}


def root_key(method: str) -> str:
    """The one key of a plain answer to `method`."""
    return f"{method.removeprefix('taobao.').replace('.', '_')}_response"


# -- bodies ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FilePart:
    """A `byte[]` parameter: it travels beside the text and is not signed. `filename` is ours, never a person's."""

    name: str
    filename: str
    content: bytes


def form(params: Mapping[str, str]) -> bytes:
    """All parameters in the body, so that no session stands in a proxy's access log."""
    return urlencode(list(params.items())).encode("ascii")


def multipart(params: Mapping[str, str], file: FilePart) -> tuple[bytes, str]:
    """The body with a file in it, and its Content-Type. The same input gives the same bytes."""
    boundary = f"syncd-{hashlib.sha256(file.content).hexdigest()[:40]}"
    lines: list[bytes] = []
    for name, value in params.items():
        lines += [f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n'.encode(), value.encode()]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{file.name}"; filename="{file.filename}"\r\n'
    lines += [f"{head}Content-Type: application/octet-stream\r\n".encode(), file.content]
    lines.append(f"--{boundary}--\r\n".encode())
    body = b"\r\n".join(lines)
    if body.count(boundary.encode()) != len(params) + 2:
        raise ValueError("a value holds the boundary of the multipart body")
    return body, f"multipart/form-data; boundary={boundary}"


# -- instants ----------------------------------------------------------------------------------------------------------


def beijing_text(instant: datetime) -> str:
    """`yyyy-MM-dd HH:mm:ss` at +08:00. Raises ValueError for a naive instant."""
    if instant.tzinfo is None:
        raise ValueError("an instant without a zone cannot be told to TOP")
    return instant.astimezone(BEIJING).strftime(_FORMAT)


def from_beijing(text: str) -> datetime:
    """The instant of a full local text. Raises ValueError for anything else."""
    return datetime.strptime(text, _FORMAT).replace(tzinfo=BEIJING).astimezone(UTC)
