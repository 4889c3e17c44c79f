"""Moments: the two vendors live on Beijing time (UTC+8), whatever zone the host has."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta, timezone

Clock = Callable[[], float]
Sleep = Callable[[float], Awaitable[object]]

BEIJING = timezone(timedelta(hours=8))
WDT_EPOCH = 1_325_347_200
"""Unix seconds of 2012-01-01 00:00:00 Beijing time, the zero of WDT time stamps."""

_BOUNDS = (-62_135_596_800, 253_402_271_999)


def beijing_text(unix: float) -> str:
    """`yyyy-MM-dd HH:mm:ss` of unix seconds, in Beijing."""
    return datetime.fromtimestamp(min(max(unix, _BOUNDS[0]), _BOUNDS[1]), BEIJING).strftime("%Y-%m-%d %H:%M:%S")


def beijing_day(unix: float) -> str:
    """`yyyymmdd` of unix seconds, in Beijing."""
    return datetime.fromtimestamp(unix, BEIJING).strftime("%Y%m%d")


def parse_beijing(text: str) -> int | None:
    """Unix seconds of a Beijing text; a bare date means midnight. None when it is neither."""
    for shape in ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d"):
        try:
            return int(datetime.strptime(text, shape).replace(tzinfo=BEIJING).timestamp())
        except ValueError:
            continue
    return None


def http_date(unix: float) -> str:
    """The text of an HTTP `Date` header."""
    return datetime.fromtimestamp(unix, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
