"""Time that passes only while nothing is under way: it jumps to the next instant at which anybody wakes."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from syncd.scenarios.clocks import VirtualClock


class Time(VirtualClock):
    """Nobody's sleep is shorter or longer than it should be: whoever sleeps is woken when the clock gets there."""

    def __init__(self) -> None:
        super().__init__()
        self._numbers = count()
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []

    async def sleep(self, seconds: float) -> None:
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.world + timedelta(seconds=seconds), next(self._numbers), woken))
        await woken

    def next_at(self) -> datetime | None:
        """When the first of them wakes."""
        while self._sleepers and self._sleepers[0][2].done():
            heapq.heappop(self._sleepers)
        return self._sleepers[0][0] if self._sleepers else None

    def go_to(self, instant: datetime) -> None:
        """It is `instant` now; whose time has come wakes."""
        self.world = max(self.world, instant)
        while (at := self.next_at()) is not None and at <= self.world:
            heapq.heappop(self._sleepers)[2].set_result(None)


class Doings:
    """What is really under way: transactions and calls. While there are any, no time passes."""

    def __init__(self) -> None:
        self._open = 0
        self._ended = asyncio.Event()

    @contextmanager
    def one(self) -> Iterator[None]:
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1
            self._ended.set()

    async def over(self) -> None:
        """Until everybody sleeps, or waits for somebody who does."""
        quiet = 0
        while quiet < 2:
            self._ended.clear()
            for _ in range(8):
                await asyncio.sleep(0)
            if self._open:
                quiet = 0
                await self._ended.wait()
            elif _about_to_ring():
                quiet = 0
                await asyncio.sleep(0.001)
            else:
                quiet += 1


def _about_to_ring() -> bool:
    """Whether somebody waits for a moment of the host's time, as for company in a transaction."""
    loop: Any = asyncio.get_running_loop()
    return any(not timer.cancelled() and timer.when() < loop.time() + 0.05 for timer in loop._scheduled)
