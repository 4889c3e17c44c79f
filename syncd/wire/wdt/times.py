"""WDT's texts and numbers for instants. The only place of this package that knows Beijing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from syncd.domain.clock import BEIJING

_ZERO = datetime(1970, 1, 1, tzinfo=UTC)
#: As milliseconds 1973, as seconds the year 5138: nothing WDT tells is older or younger.
_SECONDS_BELOW = 100_000_000_000
#: Nothing was created after this; and such an instant has no Beijing time any more.
_LAST_YEAR = 9000
_FORMAT = "%Y-%m-%d %H:%M:%S"


def beijing_text(instant: datetime) -> str:
    """`yyyy-MM-dd HH:mm:ss` at +08:00, the form WDT wants. Raises ValueError for a naive instant."""
    if instant.tzinfo is None:
        raise ValueError("an instant without a zone cannot be told to WDT")
    return instant.astimezone(BEIJING).strftime(_FORMAT)


def from_beijing(text: str) -> datetime:
    """The instant of a full local text. Raises ValueError for anything else (`0000-00-00 00:00:00`, a date)."""
    return datetime.strptime(text, _FORMAT).replace(tzinfo=BEIJING).astimezone(UTC)


def from_epoch_ms(milliseconds: int) -> datetime:
    """The instant `milliseconds` after 1970. Raises OverflowError where no calendar has it."""
    return _ZERO + timedelta(milliseconds=milliseconds)


def created_at(value: object) -> datetime | None:
    """When a row was created: milliseconds or seconds, number or text, or a local text; None where unreadable.

    The seed types it String and shows a number (seed wdt-search §4, §6.1).
    """
    text = str(value).strip()
    try:
        if "-" in text[1:]:
            return from_beijing(text)
        number = int(float(text))
        if number <= 0:
            return None
        instant = from_epoch_ms(number * 1000 if number < _SECONDS_BELOW else number)
        return instant if instant.year < _LAST_YEAR else None
    except (ValueError, OverflowError):
        return None
