"""The program's own engine, ticked by hand in the world's time: its places and its order count, its CPU does not.

`World` runs every due unit at once and lets time go on when all have ended, which is right for what must hold in any
order. Who waits for whom is another question: here turns last as long in the world's time as their budgets make them
wait, others begin meanwhile, and the engine decides who gets a place.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

from syncd.engine.embedded import Embedded
from syncd.scenarios.world import World

#: How often the engine looks; the program's own is one second.
TICK = timedelta(seconds=2)
#: So many rounds of the loop without a call or a transaction, and everybody who is busy waits for time to pass.
_ROUNDS = 10


class Hands:
    """Turns the first worker's engine. Only for a world whose clock sleeps by `world.pauses`."""

    def __init__(self, world: World) -> None:
        self._world = world
        assert isinstance(world.app.engine, Embedded)
        self._engine = world.app.engine
        self._under_way = 0
        self._landed = asyncio.Event()
        self._next_tick: datetime = world.clock.world
        store = world.app.store
        for name in ("begin", "read"):
            vars(store)[name] = self._counting(getattr(store, name))
        for connection in world.app.parties.connections:
            vars(connection)["post"] = self._awaiting(connection.post)

    async def turn_for(self, span: timedelta) -> None:
        """Let the world go on for `span`."""
        clock, pauses = self._world.clock, self._world.pauses
        end = clock.world + span
        while clock.world < end:
            if clock.world >= self._next_tick:
                for stage in self._world.app.stages:
                    await self._engine.tick(stage)
                self._next_tick = clock.world + TICK
            await self._quiet()
            clock.world = max(clock.world, min(end, self._next_tick, pauses.next_at() or end))
            await pauses.wake()

    async def let_go(self) -> None:
        """Interrupt whoever is busy, as a stop does at its deadline."""
        await self._engine.drain(0.0)

    async def _quiet(self) -> None:
        """Until nothing is under way outside and nobody has a next step but to wait."""
        rounds = 0
        while rounds < _ROUNDS:
            if self._under_way:
                self._landed.clear()
                await self._landed.wait()
                rounds = 0
            await asyncio.sleep(0)
            rounds += 1

    def _begun(self) -> None:
        self._under_way += 1

    def _ended(self) -> None:
        self._under_way -= 1
        self._landed.set()

    def _counting(self, opened: Callable[..., AbstractAsyncContextManager[Any]]) -> Callable[..., Any]:
        @asynccontextmanager
        async def counted(*args: Any, **options: Any) -> AsyncIterator[Any]:
            self._begun()
            try:
                async with opened(*args, **options) as tx:
                    yield tx
            finally:
                self._ended()

        return counted

    def _awaiting(self, post: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def counted(*args: Any, **options: Any) -> Any:
            self._begun()
            try:
                return await post(*args, **options)
            finally:
                self._ended()

        return counted
