"""Never faster than a party allows, and what is urgent first: one pacer per credential."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from syncd.domain.budget import LONGEST_REST, Budget, Slowed
from syncd.domain.trouble import Paced
from syncd.wire.line import Line, Waiter

#: A rest where the party told of none, in seconds.
REST_FOR = 60.0
#: How old, in seconds, what we know of the other workers' rate answers may be.
HEARSAY_FOR = 5.0
#: A place is void so many seconds after its instant: used later, it would be too close to the next one's. What the
#: budget spreads a minute's calls over (`domain.budget.MINUTE`) leaves room for several times as much.
LATE = 0.25
#: Closer than this, in seconds, a place has come: clocks and timers tell no better.
NEAR = 0.001
#: Places taken from the shared row at once reach no further than this, in seconds: what is taken and not used is lost.
AT_ONCE = 1.0


class PaceBook(Protocol):
    """Where a credential's rate survives restarts and is shared by workers."""

    async def slowed(self) -> Slowed | None:
        """What the last rate answer to any worker left behind."""
        ...

    async def slow(self, ceiling: float, began_at: datetime, rest_for: float) -> Slowed:
        """Note a rate answer to a call that began at `began_at`; what it leaves behind."""
        ...


class PlaceBook(Protocol):
    """Where several workers of one credential take their places, so that no two of them have the same."""

    async def take(self, places: int, spacing: float) -> float:
        """Take so many places in a row, `spacing` seconds apart; in how many seconds the first one comes."""
        ...


class Pacer:
    """Spaces calls evenly, so that no 60 seconds ever hold more than `per_minute` of them (one more at the seam).

    GCRA without burst: one number of state, `tat`, the earliest instant of the next place on `clock` (seconds). A
    bucket would let twice the limit through after a quiet minute, and WDT locks a credential out for minutes at
    the first call too many. `per_minute` 0 means no limit, and is the most there will be: a rate answer halves the
    rate and opens a rest during which no call is made at all (`syncd.domain.budget`).

    Who waits does so in a line: first come, first served, but what is `patient` goes behind what is not. A place is
    the line's, not a caller's: whoever comes in a hurry gets the next one.

    Alone on a credential, a process counts in memory. `last_call_ago` (seconds) says how long ago another one may have
    called before it: the first place comes a spacing after that, so that a restart is no burst. Workers that share a
    credential take their places from `places` instead.
    """

    def __init__(
        self,
        per_minute: float,
        clock: Callable[[], float] = time.monotonic,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
        book: PaceBook | None = None,
        places: PlaceBook | None = None,
        last_call_ago: float | None = None,
        longest_rest: timedelta = LONGEST_REST,
    ) -> None:
        if per_minute < 0:
            raise ValueError("calls per minute cannot be negative")
        self._budget = Budget(per_minute, longest=longest_rest)
        self._clock = clock
        self._now = now
        self._sleep = sleep
        self._book = book
        self._shared = places
        self._read_at = float("-inf")
        self._line = Line()
        self._held = False
        #: Instants on `clock` of places that are ours and not used yet.
        self._places: list[float] = []
        self._at_once, self._used, self._taken_at = 1, 0, float("-inf")
        self.tat = float("-inf") if last_call_ago is None else clock() - last_call_ago + self._budget.spacing(now())

    @property
    def spacing(self) -> float:
        """Seconds from one call to the next, at the present rate."""
        return self._budget.spacing(self._now())

    def reserve(self) -> float:
        """Take the next place and say in how many seconds it comes; 0.0 is now."""
        now = self._clock()
        turn_at = max(now, self.tat)
        self.tat = turn_at + self._budget.spacing(self._now())
        return turn_at - now

    async def turn(self, *, patient: bool = False) -> None:
        """Wait for one's place. Raises Paced during a rest, before and after the wait.

        Cancelled while waiting, one leaves the line, and the place is the next one's.
        """
        await self._come(patient=patient, alone=False)
        await self._refuse_at_rest()

    @asynccontextmanager
    async def alone(self, *, patient: bool = False) -> AsyncIterator[None]:
        """As `turn`, and nobody else of this process calls until the end of this one's call."""
        await self._come(patient=patient, alone=True)
        try:
            await self._refuse_at_rest()
            yield
        finally:
            self._held = False
            self._line.call()

    async def free_at(self, *, patient: bool = False) -> datetime:
        """When a call that asks now would begin: after the rest, and after everybody who goes before it."""
        await self._hear()
        now, clock = self._now(), self._clock()
        first = next((place for place in self._places if place >= clock - LATE), max(clock, self.tat))
        wait_for = max(0.0, first - clock) + self._line.ahead(patient=patient) * self._budget.spacing(now)
        place = now + timedelta(seconds=wait_for)
        return max(place, self._budget.resting(now) or place)

    async def slow(self, began_at: datetime, rest_for: float | None) -> None:
        """The party said that calls come too fast, in answer to one that began at `began_at`."""
        rest_for = REST_FOR if rest_for is None else rest_for
        if self._book is None:
            self._budget = self._budget.after_rate_answer(self._now(), began_at, rest_for)
        else:
            slowed = await self._book.slow(self._budget.ceiling, began_at, rest_for)
            self._budget = replace(self._budget, slowed=slowed)

    async def _come(self, *, patient: bool, alone: bool) -> None:
        """Wait until we are the first, nobody is alone, and a place has come; then use it."""
        await self._refuse_at_rest()
        if not (self._held or len(self._line)) and self._has_come():
            self._use(alone)
            return
        waiter = self._line.join(patient=patient)
        try:
            while not await self._is_our_turn(waiter):
                pass
            self._use(alone)
        finally:
            self._line.leave(waiter)

    def _use(self, alone: bool) -> None:
        self._places.pop(0)
        self._used += 1
        self._held = alone

    def _has_come(self) -> bool:
        """Whether a place is here already, so that there is nothing to stand in line for."""
        now = self._clock()
        while self._places and self._places[0] < now - LATE:
            self._places.pop(0)
        if not self._places and self._shared is None:
            self._places.append(now + self.reserve())
        return bool(self._places) and self._places[0] <= now + NEAR

    async def _is_our_turn(self, waiter: Waiter) -> bool:
        """Whether we may use the first place now; if not, wait for what stands in the way, and look again."""
        if self._held or not self._line.is_first(waiter):
            await waiter.called()
            return False
        if self._has_come():
            return True
        if not self._places:
            await self._fetch_places()
        else:
            await self._sleep(self._places[0] - self._clock())
        return False

    async def _fetch_places(self) -> None:
        assert self._shared is not None
        spacing = self._budget.spacing(self._now())
        if not spacing:
            self._places.append(self._clock() + self.reserve())
            return
        wanted = self._wanted(spacing)
        wait_for = await self._shared.take(wanted, spacing)
        first = self._taken_at = self._clock() + wait_for
        self._places.extend(first + place * spacing for place in range(wanted))
        self.tat = first + wanted * spacing

    def _wanted(self, spacing: float) -> int:
        """As many as wait here; or as were used of the last ones, twice as many where all of them were, and at once."""
        ago, reach = self._clock() - self._taken_at, self._at_once * spacing + LATE
        used = self._used if ago <= 2 * reach else 0
        again = 2 * used if used == self._at_once and ago <= reach else used
        most = max(1, int(AT_ONCE / spacing))
        self._at_once, self._used = min(most, max(len(self._line), again)), 0
        return self._at_once

    async def _refuse_at_rest(self) -> None:
        await self._hear()
        until = self._budget.resting(self._now())
        if until is not None:
            raise Paced(until)

    async def _hear(self) -> None:
        if self._book is not None and self._clock() - self._read_at > HEARSAY_FOR:
            self._read_at = self._clock()
            self._budget = replace(self._budget, slowed=await self._book.slowed())
