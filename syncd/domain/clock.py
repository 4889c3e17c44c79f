"""The one place where "now" comes from, so that tests can hold time in their hand."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone
from typing import Protocol

#: WDT, Nuonuo and every other party here speak UTC+8, whatever the host's zone is.
BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")


class Clock(Protocol):
    """Wall time for stamps and windows, monotonic time for leases and deadlines."""

    def now(self) -> datetime:
        """The present instant, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never step back while the process lives."""
        ...


class SystemClock:
    """The host's clocks."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


def whole_second(instant: datetime) -> datetime:
    """`instant` with its fraction cut off: windows and stamps live in whole seconds."""
    return instant.replace(microsecond=0)
