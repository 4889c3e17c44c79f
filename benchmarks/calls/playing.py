"""A case, played: the real stages, store and calls, in a time of its own."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.calls.cases import DAY, Case, arrivals, put_past
from benchmarks.calls.clock import Doings, Time
from benchmarks.calls.counting import at_work, busiest, observed
from benchmarks.calls.figures import Figures
from benchmarks.calls.minimum import PAGE, fewest
from syncd.app import App, open_app
from syncd.config import from_mapping
from syncd.domain.clock import BEIJING
from syncd.sandbox import Sandbox, SandboxOptions
from syncd.scenarios.onlooker import Onlooker
from syncd.scenarios.settings import settings_for
from syncd.stages.poll.plan import BACKFILL, MIRROR
from syncd.stages.turn import run_unit
from syncd.store.instants import from_ms, to_ms

#: Seconds an issuer takes: a submission is done after something between these.
ISSUES_IN = (1.0, 15.0)
#: What is still under way when a case ends gets so long to be done with.
TO_END = timedelta(minutes=10)


@dataclass(slots=True)
class Played:
    """A case under way."""

    case: Case
    clock: Time
    sandbox: Sandbox
    app: App
    doings: Doings
    onlooker: Onlooker
    dice: random.Random
    #: Orders to come: when, latest first.
    coming: list[datetime] = field(default_factory=list)
    put_at: dict[str, datetime] = field(default_factory=dict)
    #: Turns under way, by unit.
    running: dict[tuple[str, str], asyncio.Task[Any]] = field(default_factory=dict)

    async def until(self, done: Callable[[], bool]) -> None:
        """Let time pass until `done`."""
        while not done():
            while self.coming and self.coming[-1] <= self.clock.world:
                self.put_at[self.sandbox.wdt.put_order({})] = self.coming.pop()
            started = self._start_due()
            await self.doings.over()
            if not self._reap() and not started:
                self.clock.go_to(max(self._next(), self.clock.world + timedelta(milliseconds=1)))
                await self.doings.over()

    def _start_due(self) -> int:
        started = 0
        for stage, key, at in self._units():
            if at <= self.clock.world and (stage, key) not in self.running:
                self.running[stage, key] = asyncio.create_task(self._turn(stage, key))
                started += 1
        return started

    def _reap(self) -> int:
        over = [unit for unit, task in self.running.items() if task.done()]
        for unit in over:
            self.running.pop(unit).result()
        return len(over)

    def _next(self) -> datetime:
        instants = [at for stage, key, at in self._units() if (stage, key) not in self.running]
        asleep = self.clock.next_at()
        instants += [asleep] if asleep else []
        instants += self.coming[-1:]
        return min(instants)

    def _units(self) -> list[tuple[str, str, datetime]]:
        """Every unit and the tick at which the engine would see that it is due."""
        now = to_ms(self.clock.now())
        return [(one.stage, one.key, from_ms(-(-one.at // 1000) * 1000)) for one in self.onlooker.units(now)]

    async def _turn(self, stage: str, key: str) -> None:
        at_work.set(f"{stage}:{key}")
        await run_unit(self.app.store, self.app.stages[stage], key, self.dice.random)

    def has_open(self) -> bool:
        """Whether an order is not known yet, or not done with."""
        open_ones = "SELECT 1 FROM invoice_order WHERE state IN ('PENDING', 'INTENT', 'ISSUED') LIMIT 1"
        return bool(self.onlooker.one(open_ones)) or self.stored() < len(self.sandbox.wdt.documents)

    def stored(self) -> int:
        """How many documents the program knows."""
        return int(self.onlooker.one("SELECT count(*) FROM invoice_order"))

    def backfills(self) -> bool:
        return bool(self.onlooker.one("SELECT 1 FROM backfill WHERE done_at IS NULL LIMIT 1"))


async def play(case: Case, *, calls_per_minute: int, seed: int, lock: bool, folder: Path) -> Figures:
    """One case, from an empty store on."""
    clock, dice = Time(), random.Random(seed)
    options = SandboxOptions(
        seed=seed, clock=clock, sleep=clock.sleep, calls_per_minute=calls_per_minute, issue_delay=ISSUES_IN
    )
    made, instants = Counter[str](), list[float]()
    doings = Doings()
    async with Sandbox(options) as sandbox:
        sandbox.wdt.switches.rate_block_for = 300.0 if lock else 60.0
        past = put_past(sandbox, case, clock.now(), dice)
        settings = from_mapping(
            settings_for(
                sandbox.describe(),
                folder,
                clock.now(),
                wdt={"calls_per_minute": calls_per_minute, "timeout": "60s"},
                issuer={"timeout": "60s"},
                schedule={"poll": "60s", "mirror": "15m", "push": "2s", "collect": "2s", "write_back": "2s"},
                poll={"start": _beijing(clock.now() - timedelta(days=case.past if case.waiting else 0))},
            )
        )
        with observed(doings, made, clock, instants):
            async with open_app(settings, clock=clock, rng=dice.random) as app:
                for client in app.parties.wdt.values():
                    client._sleep = clock.sleep
                onlooker = Onlooker(settings.store.url.get_secret_value())
                played = Played(case, clock, sandbox, app, doings, onlooker, dice)
                try:
                    figures = await _played(played, past, calls_per_minute, made)
                finally:
                    onlooker.close()
        figures.busiest_minute = busiest(instants)
        return figures


async def _played(played: Played, past: int, calls_per_minute: int, made: Counter[str]) -> Figures:
    case, clock = played.case, played.clock
    began = clock.world
    if case.past and not case.waiting:
        await _ask_for_past(played)
    lasts = timedelta(days=case.live) if case.live else timedelta(minutes=1.2 * case.past * 1000 / PAGE / 50) + DAY / 8
    arrive = [began + timedelta(seconds=at) for at in arrivals(case.per_day, lasts, played.dice)]
    played.coming = sorted(arrive, reverse=True)
    if case.live:
        await played.until(lambda: clock.world >= began + lasts)
    else:
        await played.until(lambda: clock.world > began + timedelta(seconds=30) and not played.backfills())
    took = clock.world - began
    counted = Counter(made)
    played.coming = []
    end = clock.world + TO_END
    await played.until(lambda: clock.world >= end or not played.has_open())
    if case.waiting:
        counted, took = Counter(made), clock.world - began
    minimum = fewest(case, played.put_at.values(), began, took, past)
    documents = [played.sandbox.wdt.document(no) for no in played.put_at]
    written = [document for document in documents if document.status == 60]
    latencies = [document.modified - played.put_at[document.no].timestamp() for document in written]
    return Figures(
        case.name, calls_per_minute, counted, minimum, played.sandbox.rate_refused(), took.total_seconds(),
        took.total_seconds() if case.past else 0.0, latencies, len(documents) - len(written),
        len(played.sandbox.wdt.documents) - played.stored(),
    )  # fmt: skip


async def _ask_for_past(played: Played) -> None:
    """As `syncd backfill` does, for documents of every state."""
    (merchant,) = played.app.parties.merchants
    now = played.clock.now().replace(microsecond=0)
    start, end = now - timedelta(days=played.case.past), now - timedelta(minutes=10)
    async with played.app.store.begin() as tx:
        await tx.windows.add_backfill(merchant.sid, MIRROR, start, end)
        await tx.units.wake("poll", f"{merchant.name}/{BACKFILL}")


def _beijing(instant: datetime) -> str:
    return instant.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")
