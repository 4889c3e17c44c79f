"""Two kinds of time for rehearsals: one that only the scenario moves, and one that runs faster than the host's."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


class VirtualClock:
    """The world's time, moved by the scenario alone, and ours, which may be wrong by `skew`."""

    def __init__(self, start: datetime = NOON) -> None:
        self.world = start
        self.skew = timedelta()
        self.began = start

    def now(self) -> datetime:
        return self.world + self.skew

    def monotonic(self) -> float:
        return 1000.0 + (self.world - self.began).total_seconds()

    def __call__(self) -> float:
        """Unix seconds of the world, for the sandbox."""
        return self.world.timestamp()

    def advance(self, by: timedelta | float) -> None:
        self.world += by if isinstance(by, timedelta) else timedelta(seconds=by)

    async def sleep(self, seconds: float) -> None:
        """Time passes while somebody waits: together with others who wait, not after them."""
        until = self.world + timedelta(seconds=seconds)
        await asyncio.sleep(0)
        self.world = max(self.world, until)


@dataclass(frozen=True, slots=True)
class QuickClock:
    """The host's clocks `speed` times faster, the same in every process; agreed with the host's at `base` (unix).

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

    async def sleep(self, seconds: float) -> None:
        """For so many of its own seconds."""
        await asyncio.sleep(seconds / self.speed)
