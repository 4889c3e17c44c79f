"""Never faster than a party allows: one pacer per credential."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from syncd.domain.budget import LONGEST_REST, Budget, Slowed
from syncd.domain.trouble import Paced

#: A rest where the party told of none, in seconds.
REST_FOR = 60.0
#: How old, in seconds, what we know of the other workers' rate answers may be.
HEARSAY_FOR = 5.0


class PaceBook(Protocol):
    """Where a credential's rate survives restarts and is shared by workers."""

    async def slowed(self) -> Slowed | None:
        """What the last rate answer to any worker left behind."""
        ...

    async def slow(self, ceiling: float, began_at: datetime, rest_for: float) -> Slowed:
        """Note a rate answer to a call that began at `began_at`; what it leaves behind."""
        ...


class Pacer:
    """Spaces calls evenly, so that no 60 seconds ever hold more than `per_minute` of them (one more at the seam).

    GCRA without burst: one number of state, `tat`, the earliest instant of the next call on `clock` (seconds). A
    bucket would let twice the limit through after a quiet minute, and WDT locks a credential out for minutes at
    the first call too many. `per_minute` 0 means no limit, and is the most there will be: a rate answer halves the
    rate and opens a rest during which no call is made at all (`syncd.domain.budget`).
    """

    def __init__(
        self,
        per_minute: float,
        clock: Callable[[], float] = time.monotonic,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        book: PaceBook | None = None,
        longest_rest: timedelta = LONGEST_REST,
    ) -> None:
        if per_minute < 0:
            raise ValueError("calls per minute cannot be negative")
        self._budget = Budget(per_minute, longest=longest_rest)
        self._clock = clock
        self._now = now
        self._sleep = sleep
        self._book = book
        self._read_at = float("-inf")
        self.tat = float("-inf")

    def reserve(self) -> float:
        """Take the next place and say in how many seconds it comes; 0.0 is now."""
        now = self._clock()
        turn_at = max(now, self.tat)
        self.tat = turn_at + self._budget.spacing(self._now())
        return turn_at - now

    async def turn(self) -> None:
        """Wait for one's place: first come, first served. Raises Paced during a rest, before and after the wait.

        Cancelled while waiting, the last in the queue gives its place back; another's stays empty, so that nobody
        behind it is moved and the limit holds.
        """
        await self._refuse_at_rest()
        before = self.tat
        wait_for = self.reserve()
        if wait_for <= 0:
            return
        ours = self.tat
        try:
            await self._sleep(wait_for)
        except asyncio.CancelledError:
            if self.tat == ours:
                self.tat = before
            raise
        await self._refuse_at_rest()

    async def free_at(self) -> datetime:
        """When a call that asks now would begin: after the rest, and after everybody who is waiting already."""
        await self._hear()
        now = self._now()
        place = now + timedelta(seconds=max(0.0, self.tat - self._clock()))
        return max(place, self._budget.resting(now) or place)

    async def slow(self, began_at: datetime, rest_for: float | None) -> None:
        """The party said that calls come too fast, in answer to one that began at `began_at`."""
        rest_for = REST_FOR if rest_for is None else rest_for
        if self._book is None:
            self._budget = self._budget.after_rate_answer(self._now(), began_at, rest_for)
        else:
            slowed = await self._book.slow(self._budget.ceiling, began_at, rest_for)
            self._budget = replace(self._budget, slowed=slowed)

    async def _refuse_at_rest(self) -> None:
        await self._hear()
        until = self._budget.resting(self._now())
        if until is not None:
            raise Paced(until)

    async def _hear(self) -> None:
        if self._book is not None and self._clock() - self._read_at > HEARSAY_FOR:
            self._read_at = self._clock()
            self._budget = replace(self._budget, slowed=await self._book.slowed())
