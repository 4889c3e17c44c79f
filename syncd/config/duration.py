"""Spans of time as people write them: "90s", "5m", "1h30m", "2d", or plain seconds."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

_SECONDS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_PART = re.compile(r"(\d{1,9}(?:\.\d{1,6})?)([dhms])", re.ASCII)
_PLAIN = re.compile(r"\d{1,9}(?:\.\d{1,6})?", re.ASCII)
_LONGEST = timedelta(days=3_650)
_HINT = 'must be a span such as "90s", "5m", "2h", "1d" or "1h30m"'


def parse(value: object) -> timedelta:
    """The span that `value` says; a bare number means seconds.

    Raises ValueError with a text that completes the sentence "KEY …".
    """
    if isinstance(value, timedelta):
        return value
    seconds = _seconds(value)
    if not seconds.is_finite() or seconds < 0:
        raise ValueError(_HINT)
    if seconds > Decimal(_LONGEST.total_seconds()):
        raise ValueError("must be at most ten years")
    return timedelta(microseconds=int(seconds * 1_000_000))


def _seconds(value: object) -> Decimal:
    if isinstance(value, bool):
        raise ValueError(_HINT)
    if isinstance(value, int | float | Decimal):
        return Decimal(str(value))
    if isinstance(value, str):
        return _spelled(value.strip().lower())
    raise ValueError(_HINT)


def _spelled(text: str) -> Decimal:
    if _PLAIN.fullmatch(text):
        return Decimal(text)
    parts = _PART.findall(text)
    units = [unit for _, unit in parts]
    if not parts or "".join(number + unit for number, unit in parts) != text or len(set(units)) != len(units):
        raise ValueError(_HINT)
    return sum((Decimal(number) * _SECONDS[unit] for number, unit in parts), Decimal(0))


def spell(span: timedelta) -> str:
    """The shortest text that `parse` reads back as `span`."""
    rest = Decimal(span // timedelta(microseconds=1)) / 1_000_000
    text = ""
    for unit, size in _SECONDS.items():
        if unit == "s":
            break
        count, rest = divmod(rest, size)
        text += f"{int(count)}{unit}" if count else ""
    if rest or not text:
        text += f"{rest.normalize():f}s"
    return text
