"""Never faster than a party allows: one pacer per credential."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable


class Pacer:
    """Spaces calls evenly, so that no 60 seconds ever hold more than `per_minute` of them (one more at the seam).

    GCRA without burst: one number of state, `tat`, the earliest instant of the next call on `clock` (seconds). A
    bucket would let twice the limit through after a quiet minute, and WDT locks a credential out for minutes at
    the first call too many. `per_minute` 0 means no limit.
    """

    def __init__(self, per_minute: float, clock: Callable[[], float] = time.monotonic) -> None:
        if per_minute < 0:
            raise ValueError("calls per minute cannot be negative")
        self._spacing = 60.0 / per_minute if per_minute else 0.0
        self._clock = clock
        self.tat = float("-inf")

    def reserve(self) -> float:
        """Take the next place and say in how many seconds it comes; 0.0 is now."""
        now = self._clock()
        turn_at = max(now, self.tat)
        self.tat = turn_at + self._spacing
        return turn_at - now

    async def turn(self) -> None:
        """Wait for one's place: first come, first served.

        Cancelled while waiting, the last in the queue gives its place back; another's stays empty, so that nobody
        behind it is moved and the limit holds.
        """
        wait_for = self.reserve()
        if wait_for <= 0:
            return
        ours = self.tat
        try:
            await asyncio.sleep(wait_for)
        except asyncio.CancelledError:
            if self.tat == ours:
                self.tat = ours - self._spacing
            raise
