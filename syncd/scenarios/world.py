"""The world a scenario is played in: a sandbox, a store in a folder of its own, workers, and time."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from syncd import faultpoint
from syncd.app import App, open_app
from syncd.config import Settings, from_mapping
from syncd.engine.supervise import supervised
from syncd.sandbox import HEALTHY, Mix, Sandbox, SandboxOptions
from syncd.scenarios.clocks import VirtualClock
from syncd.scenarios.diary import Diary
from syncd.scenarios.onlooker import OPEN, Due, Onlooker
from syncd.scenarios.pauses import Pauses
from syncd.scenarios.settings import settings_for
from syncd.stages.turn import Turn, run_unit
from syncd.store.instants import from_ms, to_ms
from syncd.store.store import Tx
from syncd.store.units import Claim, Ending, LeaseClock

#: Nothing the daemon does by itself comes later than this after what causes it, but for late-issue sweeps.
SOON = timedelta(hours=2)
#: So many rounds without time passing, and the daemon spins.
MOST_ROUNDS = 300
#: So many turns that end in a defect, and there is nothing more to learn.
MOST_CRASHES = 50
#: Time never stands still between two rounds in which nothing was due.
SHORTEST_JUMP = timedelta(milliseconds=50)
#: How often all workers try for a unit at the same moment.
EVERYBODY = 0.2


class Struck(BaseException):
    """This worker dies here, as if it had been killed: nothing behind this point happens."""


class Spinning(AssertionError):
    """Something is due again and again without time passing."""


class TooLong(AssertionError):
    """It did not come to that in the time it may take."""


#: Transactions of many turns of a worker, and places in line before a party: whoever stood still there would keep those
#: waiting that are awake. He stands still before he asks for his part instead.
_SHARED = ("unit.claimed", "unit.finished", "unit.slept_on", "store.numbered", "poll.nothing_new", "pace.")
#: Told which worker is about to open the transaction of which fact; for how many seconds it stands still there.
Freeze = Callable[[str, int], float]

_worker: ContextVar[int] = ContextVar("worker", default=-1)
_turn: ContextVar[asyncio.Task[bool]] = ContextVar("turn")


@dataclass(slots=True)
class Worker:
    """One daemon's worth of program on the shared store."""

    number: int
    app: App
    close: Callable[[], Awaitable[None]]


@dataclass(slots=True)
class World:
    """Everything a play needs; it fills `seen` (what really happened) and `figures` (what it counted itself)."""

    name: str
    rows: int
    seed: int
    wanted_workers: int
    folder: Path
    twin: str = ""
    #: The store's URL; "" for a file in the folder.
    url: str = ""
    #: The folder of the PostgreSQL server that was started for this world, if one was (`syncd.scenarios.server`).
    server: Path | None = None
    clock: VirtualClock = field(default_factory=VirtualClock)
    seen: Counter[str] = field(default_factory=Counter)
    figures: dict[str, float] = field(default_factory=dict)
    workers: list[Worker] = field(default_factory=list)
    #: Transactions by a worker whose unit had been granted to somebody else since.
    late_writes: int = 0
    #: Turns that ended in a defect, as the engine would have logged it.
    crashes: int = 0
    diary: Diary = field(default_factory=Diary)
    pauses: Pauses = field(init=False)
    _sandbox: Sandbox | None = None
    _settings: Settings | None = None
    _onlooker: Onlooker | None = None
    _running: set[asyncio.Task[bool]] = field(default_factory=set)
    _dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.url = self.url or f"sqlite:///{self.folder}/syncd.db"
        self._dice = random.Random(f"{self.name}/{self.seed}/workers")
        self.pauses = Pauses(self.clock)

    @property
    def began(self) -> datetime:
        """When the world began."""
        return self.clock.began

    @property
    def rng(self) -> random.Random:
        """Dice of this scenario and seed; each reader throws the same ones."""
        return random.Random(f"{self.name}/{self.seed}")

    @property
    def sandbox(self) -> Sandbox:
        assert self._sandbox is not None, "the sandbox is not open"
        return self._sandbox

    @property
    def store_path(self) -> Path:
        return self.folder / "syncd.db"

    # -- opening ---------------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def parties(self, **options: Any) -> AsyncIterator[Sandbox]:
        """The sandbox on the world's clock; `options` as in SandboxOptions."""
        own_time = {"clock": self.clock, "sleep": self.pauses.sleep}
        wanted = {"seed": self.seed, "calls_per_minute": 0, **own_time, **options}
        async with Sandbox(SandboxOptions(**wanted)) as sandbox:
            self._sandbox = sandbox
            yield sandbox

    def populate(self, mix: Mix = HEALTHY) -> list[str]:
        """`rows` orders at the default merchant."""
        return self.sandbox.populate(self.rows, mix)

    def settings(self, **sections: dict[str, Any]) -> Settings:
        """Settings of one merchant at the sandbox; each section is merged over the defaults.

        `wdt` and `issuer` stand for the merchant's WDT account and its issuer.
        """
        return from_mapping(self.settings_tree(**sections))

    def settings_tree(self, **sections: Any) -> dict[str, Any]:
        """The same before it is checked."""
        return settings_for(self.sandbox.describe(), self.folder, self.clock.now(), self.url, **sections)

    @asynccontextmanager
    async def daemons(self, settings: Settings | None = None, *, workers: int | None = None) -> AsyncIterator[None]:
        """So many workers on one store, without the kernel lock that keeps a second daemon out in life.

        What is left between them are leases and fences, as on several machines.
        """
        self._settings = settings or self.settings()
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._close_all)
            for number in range(workers or self.wanted_workers):
                self.workers.append(await self._open(number))
            yield

    async def _open(self, number: int) -> Worker:
        assert self._settings is not None
        alone = number == 0 and self.wanted_workers == 1
        opened = open_app(
            self._settings,
            clock=self.clock,
            rng=random.Random(self.seed).random,
            exclusive=alone,
            leases=LeaseClock.HOST,  # the world's own time: the database's goes on by itself
        )
        try:
            app = await opened.__aenter__()
        except Struck:  # dead before it was born: the next one is started
            self.seen["workers_struck"] += 1
            return await self._open(number)
        for client in app.parties.wdt.values():
            client._sleep = self.clock.sleep

        async def close() -> None:
            await opened.__aexit__(None, None, None)

        return Worker(number, app, close)

    async def _close_all(self) -> None:
        for turn in self._running:  # frozen ones: they end with their worker
            turn.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self._running.clear()
        workers, self.workers = self.workers, []
        for worker in workers:
            await worker.close()
        if self._onlooker is not None:
            self._onlooker.close()
            self._onlooker = None

    async def restart(self) -> None:
        """Close every worker and open as many anew, on the same settings."""
        many = len(self.workers)
        await self._close_all()
        for number in range(many):
            self.workers.append(await self._open(number))

    @property
    def onlooker(self) -> Onlooker:
        """A look into the store, past the program; only while daemons are there."""
        if self._onlooker is None:
            self._onlooker = Onlooker(self.url)
        return self._onlooker

    # -- striking --------------------------------------------------------------------------------------------------

    @contextmanager
    def striking(self, strike: Callable[[str, int], None]) -> Iterator[None]:
        """Every fault point a worker reaches inside is told to `strike(point, worker)`, which may raise Struck."""
        with faultpoint.armed(lambda point: strike(point, _worker.get())):
            yield

    @contextmanager
    def freezing(self, freeze: Freeze) -> Iterator[None]:
        """Inside, a worker about to open a transaction stands still for the seconds that `freeze` says.

        Its lease runs on meanwhile: what it does then, it does late.
        """
        stores = [(worker.number, worker.app.store) for worker in self.workers]
        for number, store in stores:
            vars(store)["begin"] = self._late(store.begin, freeze, number)
            vars(store.desk)["finish"] = self._finishing_late(store.desk.finish, freeze, number)
        try:
            yield
        finally:
            for _, store in stores:
                del vars(store)["begin"], vars(store.desk)["finish"]

    def _late(self, begin: Callable[..., Any], freeze: Freeze, number: int) -> Callable[..., Any]:
        @asynccontextmanager
        async def late(claim: Claim | None = None, *, fact: str = "unnamed", **more: Any) -> AsyncIterator[Tx]:
            if not fact.startswith(_SHARED):
                await self._stand_still(freeze(fact, number))
            overtaken = claim is not None and self._is_overtaken(claim)
            self.seen["overtaken"] += overtaken
            async with begin(claim, fact=fact, **more) as tx:
                yield tx
            self.late_writes += overtaken

        return late

    def _finishing_late(self, finish: Callable[..., Any], freeze: Freeze, number: int) -> Callable[..., Any]:
        async def late(ending: Ending) -> None:
            await self._stand_still(freeze("unit.finished", number))
            await finish(ending)

        return late

    async def _stand_still(self, seconds: float) -> None:
        if seconds > 0:
            self.seen["workers_frozen"] += 1
            await self.pauses.freeze(_turn.get(), seconds)

    def _is_overtaken(self, claim: Claim) -> bool:
        epoch = self.onlooker.one("SELECT epoch FROM unit WHERE stage = ? AND key = ?", claim.stage, claim.key)
        return bool(epoch != claim.epoch)

    # -- time ------------------------------------------------------------------------------------------------------

    @property
    def app(self) -> App:
        """The first worker's program."""
        return self.workers[0].app

    async def settle(self, within: timedelta = SOON) -> None:
        """Until nothing is left that the daemons can do without a person."""

        async def done() -> bool:
            return not self.onlooker.must_go_on() and (await self.app.settled()).done

        await self.until(done, within)

    async def finish(self, within: timedelta = SOON) -> None:
        """Until no order is open, whatever lane rests meanwhile."""

        async def done() -> bool:
            return not self.onlooker.one(f"SELECT 1 FROM invoice_order WHERE {OPEN} LIMIT 1")

        await self.until(done, within)

    async def until(self, holds: Callable[[], Awaitable[bool]], within: timedelta = SOON) -> None:
        """Let time pass, everything that comes due being done, until `holds`. Raises TooLong, Spinning."""
        end = self.clock.world + within
        rounds = 0
        while not await holds():
            if self.clock.world >= end:
                raise TooLong(f"{self.name}: not settled within {within}")
            rounds = rounds + 1 if await self._run_due() else 0
            if rounds > MOST_ROUNDS:
                raise Spinning(f"{self.name}: {MOST_ROUNDS} rounds without time passing")
            if rounds == 0:
                await self._go_on()

    async def pass_by(self, span: timedelta | float) -> None:
        """Let the world go on for `span`, everything that comes due in it being done."""
        end = self.clock.world + (span if isinstance(span, timedelta) else timedelta(seconds=span))
        while self.clock.world < end:
            if not await self._run_due():
                await self._go_on(end)

    async def _go_on(self, at_most: datetime | None = None) -> None:
        """Time jumps to the next instant at which something is due or somebody wakes."""
        instants = [self._instant(due) for due in self.onlooker.units(to_ms(self.clock.now()))]
        instants += [at for at in (self.pauses.next_at(), self.diary.next_at()) if at is not None]
        target = max(min(instants, default=self.clock.world), self.clock.world + SHORTEST_JUMP)
        self.clock.world = min(target, at_most) if at_most is not None else target
        await self.pauses.wake()

    def _instant(self, due: Due) -> datetime:
        """When in the world's time; a lease is on the clock that never steps."""
        if due.by_lease:
            return self.clock.world + timedelta(seconds=due.at / 1000 - self.clock.monotonic())
        return from_ms(due.at) - self.clock.skew

    async def _run_due(self) -> int:
        """Let the workers race for what is due; how many turns were had."""
        await self.pauses.wake()
        await self.diary.carry_out(self.clock.world)
        due = [unit for unit in self.onlooker.units(to_ms(self.clock.now())) if self._instant(unit) <= self.clock.world]
        for unit in due:
            for worker in self._racers():
                if unit.key in worker.app.stages[unit.stage].keys:
                    turn = asyncio.create_task(self._have_turn(worker, unit.stage, unit.key))
                    self._running.add(turn)
        had = 0
        while busy := self._running - self.pauses.frozen:
            had += await self._ended(busy)
        if self.crashes > MOST_CRASHES:
            raise Spinning(f"{self.name}: one defect after the other")
        return had

    async def _ended(self, busy: set[asyncio.Task[bool]]) -> int:
        """Wait until a turn ends or stands still; how many were had to their end."""
        self.pauses.stirred.clear()
        stirred = asyncio.create_task(self.pauses.stirred.wait())
        try:
            done, _ = await asyncio.wait({*busy, stirred}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stirred.cancel()
        ended = busy & done
        self._running -= ended
        return sum(turn.result() for turn in ended)

    def _racers(self) -> list[Worker]:
        """Mostly one of them gets there first; now and then all come at once."""
        return self.workers if self._dice.random() < EVERYBODY else [self._dice.choice(self.workers)]

    async def _have_turn(self, worker: Worker, stage: str, key: str) -> bool:
        _worker.set(worker.number)
        _turn.set(_this_turn())
        turns: list[Turn | None] = []

        async def work() -> None:
            turns.append(await run_unit(worker.app.store, worker.app.stages[stage], key, self._dice.random))

        try:
            if await supervised(stage, key, work()):
                return turns != [None]
            self.crashes += 1
        except Struck:
            self.seen["workers_struck"] += 1
        return True


def _this_turn() -> asyncio.Task[bool]:
    task = asyncio.current_task()
    assert task is not None
    return task
