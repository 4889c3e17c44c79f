"""Work for an engine to do, told from outside when to end."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, LiteralString, Protocol

import psycopg

from syncd.engine.distributed import Distributed, Role
from syncd.engine.engine import Engine
from syncd.engine.jobs import schema_name

PATIENCE = 15.0


class Work:
    """Units that are due until they were run, and work until they are let go."""

    def __init__(self, **due: Sequence[str]) -> None:
        self._due = {stage: list(keys) for stage, keys in due.items()}
        #: Every turn in the order in which it began, as "stage/key".
        self.begun: list[str] = []
        self.begun_at: list[float] = []
        self.ended: list[str] = []
        self.interrupted: list[str] = []
        self.asked: list[str] = []
        #: How many turns at one unit there were at the same time, at most.
        self.most_at_once: Counter[str] = Counter()
        self.defects: set[str] = set()
        self.open = False
        self._gates: dict[str, asyncio.Event] = {}
        self._at_once: Counter[str] = Counter()
        self._changed = asyncio.Event()

    def comes_due(self, stage: str, *keys: str) -> None:
        self._due.setdefault(stage, []).extend(keys)

    async def due(self, stage: str) -> list[str]:
        self.asked.append(stage)
        self._changed.set()
        return list(self._due.get(stage, ()))

    async def run(self, stage: str, key: str) -> None:
        name = f"{stage}/{key}"
        if key in self._due.get(stage, ()) and name not in self.defects:
            self._due[stage].remove(key)  # claimed: nobody is offered it now
        self.begun.append(name)
        self.begun_at.append(time.monotonic())
        self._at_once[name] += 1
        self.most_at_once[name] = max(self.most_at_once[name], self._at_once[name])
        self._changed.set()
        try:
            if name in self.defects:
                raise ValueError("a defect")
            await self._let_go(key)
        except asyncio.CancelledError:
            self.interrupted.append(name)
            raise
        finally:
            self._at_once[name] -= 1
            self._changed.set()
        self.ended.append(name)

    async def _let_go(self, key: str) -> None:
        if not self.open:
            await self._gates.setdefault(key, asyncio.Event()).wait()

    def let_go(self, *keys: str) -> None:
        """Whoever waits in a turn at one of these may end; without any: all do, now and from now on."""
        self.open = self.open or not keys
        for key in keys or list(self._gates):
            self._gates.setdefault(key, asyncio.Event()).set()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for something that turns bring about."""
        async with asyncio.timeout(PATIENCE):
            while not holds():
                self._changed.clear()
                await self._changed.wait()

    async def until_asked_again(self, times: int = 2) -> None:
        """Wait until the engine has looked at its stages so many times more."""
        wanted = len(self.asked) + times
        await self.until(lambda: len(self.asked) >= wanted)

    async def until_begun(self, *names: str) -> None:
        await self.until(lambda: set(names) <= set(self.begun))


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something that nobody tells us of."""
    async with asyncio.timeout(PATIENCE):
        while not await holds():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def by_feed(stage: str, key: str) -> str:
    return f"{stage}/{key.rpartition('/')[2]}" if "/" in key else stage


class Made(Protocol):
    """Makes an engine for some work and starts it; the test's end stops it."""

    def __call__(
        self, work: Work, *stages: str, most_units: int = ..., places: Mapping[str, int] | None = ...
    ) -> Engine: ...


def distributed(
    url: str,
    work: Work,
    *stages: str,
    role: Role = "all",
    most_units: int = 8,
    places: Mapping[str, int] | None = None,
    silent_after: float = 2.0,
    knows: Callable[[tuple[str, str]], bool] = lambda _: True,
) -> Distributed:
    """An engine that shares its work with whoever else is on this database."""
    return Distributed(
        stages,
        work.due,
        work.run,
        url=url,
        groups=[*stages, *(places or {}), "poll/pending"],
        role=role,
        most_units=most_units,
        group=by_feed,
        places=places,
        knows=knows,
        beat=0.3,
        silent_after=silent_after,
    )


@dataclass(slots=True)
class Fleet:
    """Engines that share one database."""

    url: str
    engines: list[Distributed] = field(default_factory=list)

    def join(self, work: Work, *stages: str, **wishes: Any) -> Distributed:
        """One more, started; `wishes` as for `distributed`."""
        engine = distributed(self.url, work, *stages, **wishes)
        engine.start()
        self.engines.append(engine)
        return engine

    async def units(self) -> list[str]:
        """What is in the queue, waiting or at work; the schedulers' own ticks apart."""
        return await self.column("SELECT lock FROM procrastinate_jobs WHERE task_name = 'unit' ORDER BY lock")

    async def workers(self) -> int:
        """How many have signed on and not off."""
        return len(await self.column("SELECT id FROM procrastinate_workers"))

    async def column(self, query: LiteralString) -> list[str]:
        """The one column of what is found in the queue's tables."""
        options = f"-c search_path={schema_name()}"
        async with await psycopg.AsyncConnection.connect(self.url, options=options) as connection:
            rows = await connection.execute(query)
            return [str(row[0]) for row in await rows.fetchall()]
