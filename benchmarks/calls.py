"""How many calls WDT gets, against the fewest that could do the same.

    python benchmarks/calls.py [--only CASE] [--days N] [--calls-per-minute 50] [--seed 1] [--lock] [--uneven] [--json]

Cases: `quiet` (a day without an order), `1000` and `10000` (a day with so many), `backfill` (a past of 365 days at
1,000 a day, read while 1,000 a day go on arriving), `backlog` (a past whose orders all wait and are issued meanwhile;
10 days). `--days` sets how many days: of the past in the last two, of life in the others. Orders come at random
seconds; with `--uneven` those of the past by a shop's hours (hardly any at night, twice as many in the afternoon), half
as many at weekends, and no day like the other.

The stages, the store (SQLite, durable) and the HTTP calls to the simulated WDT and issuer are the real ones; time is
not. Nothing waits for a clock: it jumps to the next instant at which anybody wakes, a unit is due (the engine looks
once a second) or an order arrives. So a year is read in minutes, and every run of a seed is the same. The simulated
WDT counts the calls of any 60 seconds by itself, and refuses what is beyond `--calls-per-minute`; with `--lock` a
refusal locks the credential for five minutes.

THE MINIMUM is what somebody who knew every order beforehand would still have to call, with pages of `[poll] page_size`
(100) rows and write-backs of `[write_back] batch` (20) documents:

  work list    one page an interval of `[schedule] poll` (60 s): an order is to be noticed within it. A page that would
               not hold all that waits: as many as it takes
  mirror       for each interval of `[schedule] mirror` (15 min) that has settled as many pages as the documents changed
               in it fill, or one: nobody can know that there were none
  deep look    once a day as many pages as the documents of the last three days fill, or one
  backfill     as many pages as its rows fill, as if every page were full
  write-back   for the orders that the same page of the work list showed, as many calls as their documents fill
  looking      for each of these groups as many pages (of 200) as their documents fill: no write-back is believed
  by number    none

The ends of windows, the rounding of pages, reading again, and everything else the rules of docs/windows.md cost are
all in what was made, and none of them in the minimum.
"""

from __future__ import annotations

import argparse
import asyncio
import heapq
import json
import logging
import math
import random
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import structlog

from syncd.app import App, open_app
from syncd.config import from_mapping
from syncd.domain.clock import BEIJING
from syncd.sandbox import Sandbox, SandboxOptions
from syncd.scenarios.clocks import VirtualClock
from syncd.scenarios.onlooker import Onlooker
from syncd.scenarios.settings import settings_for
from syncd.stages.poll.plan import BACKFILL, MIRROR
from syncd.stages.turn import run_unit
from syncd.store.instants import from_ms, to_ms
from syncd.store.store import Store
from syncd.wire.http import Http

POLL, MIRROR_EVERY, SETTLE, PAGE, BATCH, LOOK_PAGE = (
    timedelta(seconds=60),
    timedelta(minutes=15),
    timedelta(minutes=5),
    100,
    20,
    200,
)
DAY = timedelta(days=1)
#: Seconds an issuer takes: a submission is done after something between these.
ISSUES_IN = (1.0, 15.0)
#: What is still under way when a case ends gets so long to be done with.
TO_END = timedelta(minutes=10)

_unit: ContextVar[str] = ContextVar("unit", default="")


# -- the cases ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Case:
    """`live` days with `per_day` new orders; a past of `past` days at `past_per_day`, `waiting` or long issued."""

    name: str
    live: float = 0.0
    per_day: int = 0
    past: float = 0.0
    past_per_day: int = 1000
    waiting: bool = False
    uneven: bool = False


CASES = {
    "quiet": Case("quiet", live=1),
    "1000": Case("1000", live=1, per_day=1000),
    "10000": Case("10000", live=1, per_day=10_000),
    "backfill": Case("backfill", past=365, per_day=1000),
    "backlog": Case("backlog", past=10, waiting=True),
}


def wanted(case: Case, days: float | None, *, uneven: bool) -> Case:
    """The same case over so many days."""
    if days is None:
        return replace(case, uneven=uneven)
    return replace(case, live=case.live and days, past=case.past and days, uneven=uneven)


@dataclass(slots=True)
class Figures:
    """What a case came to. `made` and `minimum` by kind of call; durations in seconds of the case's own time."""

    case: str
    calls_per_minute: float
    made: Counter[str]
    minimum: Counter[str]
    refused: int
    took: float
    backfill_took: float = 0.0
    latencies: list[float] = field(default_factory=list)
    unwritten: int = 0
    lost: int = 0
    busiest_minute: int = 0

    @property
    def efficiency(self) -> float:
        """Of all calls: the fewest possible by those made."""
        return sum(self.minimum.values()) / max(1, sum(self.made.values()))

    @property
    def polling(self) -> float:
        """Work list and mirror: made by the fewest possible."""
        live = ("work list", "mirror")
        return sum(self.made[kind] for kind in live) / max(1, sum(self.minimum[kind] for kind in live))

    @property
    def backfill_efficiency(self) -> float:
        return self.minimum["backfill"] / max(1, self.made["backfill"])

    @property
    def wall(self) -> float:
        """How long the backfill took, by how long the fewest calls of that time take at the limit."""
        return self.backfill_took / max(1e-9, sum(self.minimum.values()) * 60 / self.calls_per_minute)

    def p95(self) -> float:
        """Seconds from 45 to written back, of 95 in 100 orders."""
        ordered = sorted(self.latencies)
        return ordered[math.ceil(0.95 * len(ordered)) - 1] if ordered else 0.0

    def told(self) -> dict[str, Any]:
        """Everything, for a machine."""
        return {
            "case": self.case, "calls_per_minute": self.calls_per_minute, "seconds": self.took,
            "made": dict(self.made), "fewest": dict(self.minimum), "refused": self.refused,
            "busiest_minute": self.busiest_minute, "efficiency": self.efficiency, "polling": self.polling,
            "backfill_efficiency": self.backfill_efficiency if self.backfill_took else None,
            "wall": self.wall if self.backfill_took else None, "p95_seconds": self.p95(),
            "orders": len(self.latencies), "unwritten": self.unwritten, "lost": self.lost,
        }  # fmt: skip


# -- time --------------------------------------------------------------------------------------------------------------


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


@contextmanager
def observed(doings: Doings, made: Counter[str], at: Callable[[], float], instants: list[float]) -> Iterator[None]:
    """Every transaction is a doing, and so is every call; those to WDT are counted by the unit that makes them."""
    begin, read, post = Store.begin, Store.read, Http.post

    @asynccontextmanager
    async def begun(self: Store, *given: Any, **named: Any) -> AsyncIterator[Any]:
        with doings.one():
            async with begin(self, *given, **named) as tx:
                yield tx

    @asynccontextmanager
    async def looked(self: Store) -> AsyncIterator[Any]:
        with doings.one():
            async with read(self) as tx:
                yield tx

    async def posted(self: Http, url: str, **named: Any) -> Any:
        kind = _kind(named.get("params") or {}, named.get("body") or b"")
        if kind:
            made[kind] += 1
            instants.append(at())
        with doings.one():
            return await post(self, url, **named)

    Store.begin, Store.read, Http.post = begun, looked, posted  # type: ignore[method-assign]
    try:
        yield
    finally:
        Store.begin, Store.read, Http.post = begin, read, post  # type: ignore[method-assign]


def _kind(params: Any, body: bytes) -> str:
    """What a call to WDT is for; "" for a call to somebody else."""
    method = str(params.get("method", ""))
    if method.endswith("updateInvoice"):
        return "write-back"
    if not method.endswith("search"):
        return ""
    if b"invoice_order_no" in body:
        return "by number"
    stage, _, key = _unit.get().partition(":")
    if stage == "write_back":
        return "looking"
    return {"pending": "work list", "mirror": "mirror", "backfill": "backfill", "deep": "deep look"}.get(
        key.rpartition("/")[2], "reading again"
    )


# -- a case, played ----------------------------------------------------------------------------------------------------


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
    #: When a page of the work list was asked for, while the case lasted.
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
        _unit.set(f"{stage}:{key}")
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
                poll={"start": beijing(clock.now() - timedelta(days=case.past if case.waiting else 0))},
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
    minimum = fewest(played, began, took, past)
    documents = [played.sandbox.wdt.document(no) for no in played.put_at]
    written = [document for document in documents if document.status == 60]
    latencies = [document.modified - played.put_at[document.no].timestamp() for document in written]
    return Figures(
        case.name, calls_per_minute, counted, minimum, played.sandbox.rate_refused(), took.total_seconds(),
        took.total_seconds() if case.past else 0.0, latencies, len(documents) - len(written),
        len(played.sandbox.wdt.documents) - played.stored(),
    )  # fmt: skip


def put_past(sandbox: Sandbox, case: Case, now: datetime, dice: random.Random) -> int:
    """The orders of the past: so many each day, at any second of it."""
    latest = now.timestamp() - (600 if case.waiting else 3600)
    instants = _past(case, now, dice)
    for number, when in enumerate(instants):
        at = min(when, latest)
        row: dict[str, Any] = {}
        if not case.waiting:  # small ones: what is measured is calls
            row = {
                "invoice_order_no": f"FP{number:09}", "status": 60, "invoice_no": f"2511{number:016}",
                "shop_no": "shop01", "invoice_amount": 113, "created": int(at * 1000), "detail_list": [],
            }  # fmt: skip
        sandbox.wdt.put_order(row, modified=at, raw=not case.waiting, expect="none", loose=True)
    sandbox.wdt.tidy()
    return len(instants)


def _past(case: Case, now: datetime, dice: random.Random) -> list[float]:
    """When each order of the past was changed last, in unix seconds."""
    rows, day = round(case.past * case.past_per_day), DAY.total_seconds()
    if not case.uneven:
        return [now.timestamp() - dice.uniform(0, case.past * day) for _ in range(rows)]
    whole = max(1, int(case.past))
    of_days = [dice.uniform(0.6, 1.4) * (0.5 if number % 7 > 4 else 1.2) for number in range(whole)]
    hours = [0.05 + 0.95 * max(0.0, math.sin((hour - 7) / 16 * math.pi)) for hour in range(24)]
    days = dice.choices(range(whole), of_days, k=rows)
    return [
        now.timestamp() - (at + 1) * day + (dice.choices(range(24), hours)[0] + dice.random()) * 3600 for at in days
    ]


async def _ask_for_past(played: Played) -> None:
    """As `syncd backfill` does, for documents of every state."""
    (merchant,) = played.app.parties.merchants
    now = played.clock.now().replace(microsecond=0)
    start, end = now - timedelta(days=played.case.past), now - timedelta(minutes=10)
    async with played.app.store.begin() as tx:
        await tx.windows.add_backfill(merchant.sid, MIRROR, start, end)
        await tx.units.wake("poll", f"{merchant.name}/{BACKFILL}")


def arrivals(per_day: int, lasts: timedelta, dice: random.Random) -> list[float]:
    """Seconds at which orders arrive, at random."""
    span = lasts.total_seconds()
    return [dice.uniform(0, span) for _ in range(round(per_day * span / DAY.total_seconds()))]


# -- the minimum -------------------------------------------------------------------------------------------------------


def fewest(played: Played, began: datetime, took: timedelta, past: int) -> Counter[str]:
    """See the head of this file."""
    case, last = played.case, began + took
    noticed = Counter((at - began) // POLL for at in played.put_at.values() if at <= last)
    changed = Counter((at - began) // MIRROR_EVERY for at in played.put_at.values() if at <= last)
    fewest = Counter[str]()
    for interval in range(took // POLL):
        fewest["work list"] += max(1, pages(noticed[interval], PAGE))
        fewest["write-back"] += pages(noticed[interval], BATCH)
        fewest["looking"] += pages(noticed[interval], LOOK_PAGE)
    for interval in range((took - SETTLE) // MIRROR_EVERY):
        fewest["mirror"] += max(1, pages(changed[interval], PAGE))
    fewest["deep look"] = max(0, math.ceil(took / DAY) - 1)
    fewest["backfill"] = pages(past, PAGE)
    if case.waiting:
        fewest["write-back"] += pages(past, BATCH)
        fewest["looking"] += pages(past, LOOK_PAGE)
    return fewest


def pages(rows: int, size: int) -> int:
    return math.ceil(rows / size)


def busiest(instants: list[float]) -> int:
    """The most calls of any 60 seconds."""
    most, first = 0, 0
    for last, at in enumerate(instants):
        while instants[first] <= at - 60:
            first += 1
        most = max(most, last - first + 1)
    return most


def beijing(instant: datetime) -> str:
    return instant.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S")


# -- saying it ---------------------------------------------------------------------------------------------------------


def show(figures: Figures, seconds: float) -> None:
    length, pace = f"{figures.took / 3600:.2f} h", f"{figures.calls_per_minute:g} calls a minute"
    print(f"\n{figures.case}: {length} at {pace}, in {seconds:.0f} s")
    for kind in sorted(figures.made | figures.minimum):
        print(f"  {kind:14} made {figures.made[kind]:6}   fewest {figures.minimum[kind]:6}")
    print(
        f"  {'all':14} made {sum(figures.made.values()):6}   fewest {sum(figures.minimum.values()):6}"
        f"   efficiency {figures.efficiency:.4f}"
    )
    print(f"  polling: {figures.polling:.3f} of the fewest; refused: {figures.refused};"
          f" most calls in 60 s: {figures.busiest_minute}")  # fmt: skip
    if figures.backfill_took:
        print(f"  backfill: efficiency {figures.backfill_efficiency:.4f}, time {figures.wall:.3f} of the least")
    if figures.latencies:
        print(f"  from 45 to written back: p95 {figures.p95():.0f} s = {figures.p95() / POLL.total_seconds():.2f} poll"
              f" intervals, {len(figures.latencies)} orders, {figures.unwritten} not yet")  # fmt: skip
    print(f"  documents never stored: {figures.lost}")


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=CASES, action="append")
    parser.add_argument("--days", type=float)
    parser.add_argument("--calls-per-minute", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lock", action="store_true")
    parser.add_argument("--uneven", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    for name in given.only or CASES:
        case, began = wanted(CASES[name], given.days, uneven=given.uneven), time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            playing = play(
                case, calls_per_minute=given.calls_per_minute, seed=given.seed, lock=given.lock, folder=Path(folder)
            )
            figures = asyncio.run(playing)
        if given.json:
            print(json.dumps(figures.told(), default=str))
        else:
            show(figures, time.monotonic() - began)


if __name__ == "__main__":
    main()
