"""A clock that runs fast, the same in every process, so that a minute of leases and look-agains takes seconds."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class QuickClock:
    """The host's clocks `speed` times faster; wall time agreed with the host's at `base` (unix seconds).

    Nothing in the program is shortened: leases, settling times and the waits between two questions keep their
    proportions, while sockets, disks and signals keep the host's.
    """

    base: float
    speed: float

    def unix(self) -> float:
        """Unix seconds; what the sandbox calls a clock."""
        return self.base + (time.time() - self.base) * self.speed

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.unix(), UTC)

    def monotonic(self) -> float:
        return time.monotonic() * self.speed
