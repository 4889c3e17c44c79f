"""One process: an APScheduler tick asks what is due and runs it as asyncio tasks.

APScheduler is only a clock here. Its `shutdown(wait=True)` cancels running coroutines, so we drain our own tasks
first; a call that is under way gets its time to end, and what does not end is an unknown outcome, not a lost one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from syncd.engine.supervise import supervised

log = structlog.get_logger("syncd.engine")

Due = Callable[[str], Awaitable[Sequence[str]]]
Run = Callable[[str, str], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Drained:
    """How a stop went: units that ended by themselves, and units that had to be interrupted."""

    finished: int
    left: int


def _by_stage(stage: str, _key: str) -> str:
    return stage


class Embedded:
    """Drives units of the given stages until drained. `tick` is in seconds.

    Units of one `group` share `most_units` places, or as many as `places` gives their group, and take them in the
    order in which they came due: what fills one group keeps nobody of another waiting.
    """

    def __init__(
        self,
        stages: Sequence[str],
        due: Due,
        run: Run,
        *,
        tick: float = 1.0,
        most_units: int = 64,
        group: Callable[[str, str], str] = _by_stage,
        places: Mapping[str, int] | None = None,
    ) -> None:
        self._stages = tuple(stages)
        self._due = due
        self._run = run
        self._tick = tick
        self._group = group
        self._most = dict(places or {})
        self._most_units = most_units
        self._places: dict[str, asyncio.Semaphore] = {}
        self._running: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._draining = False
        self.ticked_at = time.monotonic()
        self.crashes = 0

    def start(self) -> None:
        """Begin ticking, at once and then every `tick` seconds."""
        for stage in self._stages:
            self._scheduler.add_job(
                self.tick,
                "interval",
                seconds=self._tick,
                args=[stage],
                id=stage,
                max_instances=1,
                coalesce=True,
                misfire_grace_time=None,
                next_run_time=datetime.now(UTC),
            )
        self._scheduler.start()

    async def tick(self, stage: str) -> None:
        """Start every due unit of `stage` that is not running already."""
        self.ticked_at = time.monotonic()
        if self._draining:
            return
        await supervised(stage, "*", self._start_due(stage))

    async def _start_due(self, stage: str) -> None:
        for key in await self._due(stage):
            if (stage, key) not in self._running and not self._draining:
                self._running[(stage, key)] = asyncio.create_task(self._one(stage, key), name=f"{stage}/{key}")

    async def _one(self, stage: str, key: str) -> None:
        try:
            async with self._place(stage, key):
                if not await supervised(stage, key, self._run(stage, key)):
                    self.crashes += 1
                    await asyncio.sleep(self._tick)  # a defect must not spin
        finally:
            self._running.pop((stage, key), None)

    def _place(self, stage: str, key: str) -> asyncio.Semaphore:
        """The places of the unit's group; whoever came first gets one first."""
        group = self._group(stage, key)
        if group not in self._places:
            self._places[group] = asyncio.Semaphore(self._most.get(group, self._most_units))
        return self._places[group]

    @property
    def busy(self) -> int:
        """How many units are running."""
        return len(self._running)

    async def drain(self, deadline: float) -> Drained:
        """Start nothing more, wait up to `deadline` seconds for what runs, then interrupt it."""
        self._draining = True
        if self._scheduler.running:
            self._scheduler.pause()
        tasks = list(self._running.values())
        done, left = await asyncio.wait(tasks, timeout=deadline) if tasks else (set(), set())
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        return Drained(len(done), len(left))
