"""Files that a person names on the command line: what is wrong with one is a mistake in what was typed."""

from __future__ import annotations

import errno
from pathlib import Path

from syncd.cli.frame import Frame
from syncd.cli.words import CATALOGUE, Say


def why(error: OSError, say: Say) -> str:
    """What the system has against it, in the reader's language where it is something common."""
    key = f"file.{errno.errorcode.get(error.errno or 0, '')}"
    return say(key) if key in CATALOGUE else str(error.strerror or error)


def read(frame: Frame, file: Path) -> bytes:
    """What is in `file`. Raises Unusable."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise frame.unusable("file.unread", file=file, why=why(error, frame.say)) from None


def write(frame: Frame, file: Path, content: bytes) -> None:
    """Put `content` into `file`. Raises Unusable."""
    try:
        file.write_bytes(content)
    except OSError as error:
        raise frame.unusable("file.unwritten", file=file, why=why(error, frame.say)) from None


def require_place(frame: Frame, file: Path, *, overwrite: bool) -> None:
    """That a new file can stand there, before anything is asked for that would fill it. Raises Unusable."""
    if not file.parent.is_dir():
        raise frame.unusable("file.unwritten", file=file, why=frame.say("file.ENOENT.folder"))
    if file.exists() and not overwrite:
        raise frame.unusable("file.exists", file=file)
