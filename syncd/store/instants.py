"""Instants between the domain (aware datetimes) and the tables (whole milliseconds)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import overload

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_DAY = 86_400


@overload
def to_ms(instant: datetime) -> int: ...
@overload
def to_ms(instant: None) -> None: ...
def to_ms(instant: datetime | None) -> int | None:
    """Milliseconds since 1970; exact, no float in between."""
    if instant is None:
        return None
    since = instant - _EPOCH
    return (since.days * _DAY + since.seconds) * 1000 + since.microseconds // 1000


@overload
def from_ms(ms: int) -> datetime: ...
@overload
def from_ms(ms: None) -> None: ...
def from_ms(ms: int | None) -> datetime | None:
    """The aware UTC instant of a stored millisecond count."""
    return None if ms is None else _EPOCH + ms * _MS


def span_ms(span: timedelta) -> int:
    """A span in whole milliseconds."""
    return span // _MS
