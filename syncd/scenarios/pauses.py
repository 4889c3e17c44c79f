"""Sleep in the world's time: parties that answer late, and workers that stand still while their leases run out."""

from __future__ import annotations

import asyncio
import heapq
from datetime import datetime, timedelta
from itertools import count

from syncd.scenarios.clocks import VirtualClock

#: What dresses an answer, a drip or a connection's end, takes the host's time (seconds).
_OF_THE_HOST = 0.02


class Pauses:
    """Everybody who sleeps until an instant of the world; whoever moves the clock wakes them."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock
        self._numbers = count()
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []
        #: Turns that stand still.
        self.frozen: set[asyncio.Task[bool]] = set()
        self.stirred = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        """For the sandbox: until the world has gone on so far."""
        if seconds <= _OF_THE_HOST:
            await asyncio.sleep(seconds)
            return
        until = self._clock.world + timedelta(seconds=seconds)
        woken = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (until, next(self._numbers), woken))
        await woken

    async def freeze(self, turn: asyncio.Task[bool], seconds: float) -> None:
        """Let `turn` stand still for so long, with all it holds."""
        self.frozen.add(turn)
        self.stirred.set()
        try:
            await self.sleep(seconds)
        finally:
            self.frozen.discard(turn)

    def next_at(self) -> datetime | None:
        """When the first of them wakes."""
        return self._sleepers[0][0] if self._sleepers else None

    async def wake(self) -> None:
        """Wake everybody whose instant has come, in its order, and let each take its next step."""
        while self._sleepers and self._sleepers[0][0] <= self._clock.world:
            _, _, woken = heapq.heappop(self._sleepers)
            if not woken.done():
                woken.set_result(None)
                await asyncio.sleep(0)
                await asyncio.sleep(0)
