"""What one turn of push has under way: calls in their places, and the answers that have come."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from syncd.domain.outcome import Outcome
from syncd.domain.ports import Channel
from syncd.stages.lane import Gate
from syncd.stages.turn import Merchant
from syncd.store.orders import OrderView
from syncd.store.submissions import Stored
from syncd.store.units import Claim

#: Answers that come within this many seconds are recorded in one transaction, and no more than so many. Nobody waits
#: for it: nobody asks about a call that young, and when the next intents are to be made ready it is not waited longer.
GATHER_FOR, MOST = 0.005, 100
#: The next ones are made ready when no more than so many calls to a place are left: making a batch ready takes as long
#: as some calls do, and the places shall not stand empty meanwhile.
READY = 4


@dataclass(frozen=True, slots=True)
class Job:
    """A committed submission about to be sent, or to be gone on with by the issuer; `order` as it was committed."""

    order: OrderView
    stored: Stored
    channel: Channel
    revive: bool = False


class Outbox:
    """The calls of one turn; `concurrency` of them are made at a time."""

    def __init__(self, merchant: Merchant, claim: Claim, concurrency: int) -> None:
        self.merchant = merchant
        self.claim = claim
        self.tally = {"submitted": 0, "held": 0}
        self.gate = Gate()
        self.places = asyncio.Semaphore(concurrency)
        #: A lane-wide answer came: nothing more begins.
        self.stopped = False
        self._most_waiting = READY * concurrency
        self._calls: dict[asyncio.Task[Outcome], Job] = {}
        self._come: list[asyncio.Task[Outcome]] = []
        self._enough = asyncio.Event()
        self._needed = 1

    @property
    def waiting(self) -> int:
        """How many have no recorded answer yet."""
        return len(self._calls)

    @property
    def has_room(self) -> bool:
        """Whether the places may soon be free: then the next ones are made ready."""
        return len(self._calls) - len(self._come) < self._most_waiting and len(self._come) < MOST

    def post(self, jobs: Sequence[Job], calls: Sequence[Coroutine[Any, Any, Outcome]]) -> None:
        """Begin these calls, each in its turn."""
        for job, call in zip(jobs, calls, strict=True):
            task = asyncio.create_task(call)
            self._calls[task] = job
            task.add_done_callback(self._has_come)

    def _has_come(self, task: asyncio.Task[Outcome]) -> None:
        self._come.append(task)
        if len(self._come) >= self._needed:
            self._enough.set()

    async def some(self, *, until_room: bool = False) -> None:
        """Until answers have come, and those that come a moment later.

        `until_room`: no more than leave room for the next ones.
        """
        await self._come_to(1)
        wanted = len(self._calls) - self._most_waiting + 1 if until_room else len(self._calls)
        with suppress(TimeoutError):
            async with asyncio.timeout(GATHER_FOR):
                await self._come_to(min(MOST, wanted))

    def answers(self) -> list[tuple[Job, Outcome]]:
        """What has come by now and was not taken before, `MOST` of them at a time. A defect in a call is raised."""
        come, self._come = self._come[:MOST], self._come[MOST:]
        return [(self._calls.pop(task), task.result()) for task in come]

    async def _come_to(self, number: int) -> None:
        """Until so many answers have come and are not recorded."""
        if len(self._come) < number:
            self._needed = number
            self._enough.clear()
            await self._enough.wait()

    async def close(self) -> None:
        """Interrupt what is under way: whatever was sent is unknown, and the store says so already."""
        for task in self._calls:
            task.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)
