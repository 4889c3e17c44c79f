"""Log lines: one JSON object each, in ASCII, for our own events and for whatever third parties say.

The keys `at` (RFC 3339, UTC, milliseconds), `level` and `event` come first, then the event's fields. `event` is a
constant from `syncd.watch.events`; what comes from outside stands in fields alone.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, MutableMapping
from datetime import UTC
from typing import Any, BinaryIO, cast

import orjson
import structlog
from structlog.typing import EventDict, Processor

from syncd.domain.clock import Clock, SystemClock
from syncd.watch.redaction import Redaction

_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "critical": logging.CRITICAL,
}
_NOT_PLAIN = re.compile(r"[^\x20-\x7e]")
_BARE = re.compile(r"[\w.:/@+*-]+")


def configure(
    format: str,
    level: str,
    stream: BinaryIO,
    *,
    secrets: Collection[str] = (),
    clock: Clock | None = None,
) -> None:
    """Send every log line of this process to `stream`.

    `format` is "json" or "text", `level` one of debug, info, warning, error. `secrets` are values that are taken
    out of every line wherever they stand. Python's own warnings and the records of other libraries come as
    `third_party.logged`, from "warning" up (from "info" up at level debug). A stream that fails loses lines and
    nothing else.
    """
    structlog.configure(
        processors=_processors(format, Redaction(secrets), clock or SystemClock()),
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.BytesLoggerFactory(file=cast("BinaryIO", _Sturdy(stream))),
        cache_logger_on_first_use=False,  # a logger made at import must follow a later `configure`
    )
    _adopt_third_parties(level)


def _processors(format: str, redaction: Redaction, clock: Clock) -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _Stamp(clock),
        structlog.processors.format_exc_info,
        redaction,
        {"json": json_line, "text": text_lines}[format],
    ]


class _Stamp:
    """Puts `at`, `level` and `event` first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def __call__(self, _logger: object, _method: str, event: EventDict) -> EventDict:
        at = self._clock.now().astimezone(UTC).isoformat(timespec="milliseconds")
        first = {"at": at.replace("+00:00", "Z"), "level": event.pop("level", ""), "event": event.pop("event", "")}
        for key in first:
            if key in event:  # a field of that name would hide ours
                event[f"{key}_"] = event.pop(key)
        return {**first, **event}


def json_line(_logger: object, _method: str, event: MutableMapping[str, Any]) -> bytes:
    """One JSON object in printable ASCII: no raw control byte, whatever the fields hold (ASVS 16.4.1)."""
    line = orjson.dumps(event)
    if line.isascii() and b"\x7f" not in line:
        return line
    return _NOT_PLAIN.sub(_json_escape, line.decode()).encode("ascii")


def _json_escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x1_0000:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x1_0000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"


def text_lines(_logger: object, _method: str, event: MutableMapping[str, Any]) -> bytes:
    """A line for a terminal; a traceback follows indented, so nothing in it can pose as a line of ours."""
    fields = dict(event)
    trace = fields.pop("exception", None)
    head = f"{fields.pop('at', '')} {fields.pop('level', ''):<8} {_shown(fields.pop('event', ''))}"
    line = " ".join([head, *(f"{_visible(key)}={_shown(value)}" for key, value in fields.items())])
    if isinstance(trace, str):
        line += "".join(f"\n    {_visible(part)}" for part in trace.splitlines())
    return line.encode("utf-8", "backslashreplace")


def _shown(value: object) -> str:
    text = value if isinstance(value, str) else orjson.dumps(value, default=str).decode()
    return text if _BARE.fullmatch(text) else f'"{_visible(text)}"' if isinstance(value, str) else _visible(text)


def _visible(text: str) -> str:
    """`text` with every character that would move a cursor, break a line or turn the writing direction escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


class _Sturdy:
    """A stream whose failure is not ours: a closed terminal must not stop an invoice half way."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, line: bytes) -> None:
        try:
            self._stream.write(line)
        except (OSError, ValueError):  # ValueError: the stream is closed
            pass

    def flush(self) -> None:
        try:
            self._stream.flush()
        except (OSError, ValueError):
            pass


class ThirdPartyHandler(logging.Handler):
    """Turns the records of other libraries into our lines."""

    def emit(self, record: logging.LogRecord) -> None:
        log = structlog.get_logger()
        level = _LEVELS.get(record.levelname.lower(), logging.WARNING)
        log.log(level, "third_party.logged", logger=record.name, message=_said(record), exc_info=record.exc_info)


def _said(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):  # their arguments do not fit their format
        return str(record.msg)


def _adopt_third_parties(level: str) -> None:
    root = logging.getLogger()
    root.handlers[:] = [ThirdPartyHandler()]
    root.setLevel(logging.INFO if level == "debug" else max(_LEVELS[level], logging.WARNING))
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # it warns of every tick that waits for the last one
    logging.getLogger("aiohttp.access").setLevel(logging.ERROR)  # its lines hold whole request lines
    logging.captureWarnings(True)
