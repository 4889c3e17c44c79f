"""One process: an APScheduler tick asks what is due and runs it as asyncio tasks.

APScheduler is only a clock here. Its `shutdown` cancels running coroutines, so we drain our own tasks first; a call
that is under way gets its time to end, and what does not end is an unknown outcome, not a lost one. A tick gets it
too: one that was cancelled while it asked the database, and again when the loop closed, left a connection waiting for
its own dead thread, and the process never ended.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from syncd.engine.alarms import Alarms
from syncd.engine.engine import Drained, Due, Group, Run, by_stage
from syncd.engine.supervise import supervised

#: Seconds between hearing that a unit is due and looking: what is said in one breath is looked for once.
_SOON = 0.005


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
        group: Group = by_stage,
        places: Mapping[str, int] | None = None,
    ) -> None:
        self._stages = tuple(stages)
        self._due = due
        self._run = run
        self._tick = tick
        self._group = group
        self._most = dict(places or {})
        self._most_units = most_units
        #: Per group, how many of its units run, and those that wait for a place, first come first.
        self._taken: Counter[str] = Counter()
        self._waiting: dict[str, OrderedDict[tuple[str, str], None]] = defaultdict(OrderedDict)
        self._running: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._asking: set[asyncio.Task[Any]] = set()
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        self._draining = False
        self._soon: dict[str, asyncio.TimerHandle] = {}
        self._alarms = Alarms(lambda unit: self.wake([unit]))
        self._again: set[tuple[str, str]] = set()
        self.ticked_at = time.monotonic()
        self.crashes = 0

    def start(self) -> None:
        """Begin ticking, at once and then every `tick` seconds."""
        self._scheduler.add_job(
            self._tick_all,
            "interval",
            seconds=self._tick,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
            next_run_time=datetime.now(UTC),
        )
        self._scheduler.start()

    def wake(self, units: Iterable[tuple[str, str]]) -> None:
        """These are due now: they are begun before the next tick, and one that is running as soon as it ends."""
        for stage, key in units:
            if (stage, key) in self._running:
                self._again.add((stage, key))
            elif stage in self._stages and stage not in self._soon and self._scheduler.running:
                self._soon[stage] = asyncio.get_running_loop().call_later(_SOON, self._look, stage)

    def wake_in(self, units: Mapping[tuple[str, str], float]) -> None:
        """These are due in so many seconds, or are found by a tick where that is sooner: none is begun later."""
        if not self._draining:
            self._alarms.set(units)

    def _look(self, stage: str) -> None:
        """A tick between the ticks."""
        del self._soon[stage]
        if not self._draining:
            looking = asyncio.create_task(self.tick(stage), name=f"{stage}/*")
            self._asking.add(looking)
            looking.add_done_callback(self._asking.discard)

    async def _tick_all(self) -> None:
        """All stages at the same moment, so that they may be looked at together."""
        await asyncio.gather(*map(self.tick, self._stages))

    async def tick(self, stage: str) -> None:
        """Start every due unit of `stage` that is not running already."""
        self.ticked_at = time.monotonic()
        if self._draining:
            return
        asking = asyncio.current_task()
        assert asking is not None
        self._asking.add(asking)
        try:
            await supervised(stage, "*", self._start_due(stage))
        finally:
            self._asking.discard(asking)

    async def _start_due(self, stage: str) -> None:
        for key in await self._due(stage):
            if (stage, key) not in self._running and not self._draining:
                group = self._group(stage, key)
                self._waiting[group][(stage, key)] = None
                self._begin(group)

    def _begin(self, group: str) -> None:
        """Let those who wait take what places there are; whoever came first gets one first."""
        waiting = self._waiting[group]
        while waiting and not self._draining and self._taken[group] < self._most.get(group, self._most_units):
            unit, _ = waiting.popitem(last=False)
            self._taken[group] += 1
            self._running[unit] = asyncio.create_task(self._one(*unit, group), name="/".join(unit))

    async def _one(self, stage: str, key: str, group: str) -> None:
        try:
            if not await supervised(stage, key, self._run(stage, key)):
                self.crashes += 1
                await asyncio.sleep(self._tick)  # a defect must not spin
        finally:
            self._running.pop((stage, key), None)
            self._taken[group] -= 1
            self._begin(group)
            if (stage, key) in self._again:
                self._again.discard((stage, key))
                self.wake([(stage, key)])

    @property
    def busy(self) -> int:
        """How many units are running, or are about to."""
        return len(self._running) + sum(map(len, self._waiting.values()))

    @property
    def running(self) -> frozenset[tuple[str, str]]:
        """The units that are running: stage and key."""
        return frozenset(self._running)

    async def drain(self, deadline: float) -> Drained:
        """Start nothing more, wait up to `deadline` seconds for what runs, then interrupt it."""
        self._draining = True
        self._waiting.clear()
        self._alarms.clear()
        for soon in self._soon.values():
            soon.cancel()
        if self._scheduler.running:
            self._scheduler.pause()
        ticks = set(self._asking)
        units = set(self._running.values())
        if ticks or units:
            await asyncio.wait({*ticks, *units}, timeout=deadline)
        left = {task for task in units if not task.done()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        return Drained(len(units) - len(left), len(left))
