"""One process among many on one store: what it says of itself there, and how it tells the others of work."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

import structlog
from sqlalchemy.exc import DBAPIError

from syncd.reload import first_of
from syncd.staged import PLACES, group_of
from syncd.stages.turn import Stage
from syncd.store import postgres
from syncd.store.guard import Guard, went_back
from syncd.store.store import Store, StoreUnavailable, WakeNow, this_host
from syncd.store.units import LEASE, Host
from syncd.store.workers import BEAT, Pulse, differ

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from syncd.config import Settings
    from syncd.engine.distributed import Distributed
    from syncd.engine.engine import Due, Run

log = structlog.get_logger("syncd.app")

Role = Literal["all", "scheduler", "worker"]
ROLES: tuple[Role, ...] = ("all", "scheduler", "worker")

#: Units of one stage at work at once in one process, where nothing else is said.
CONCURRENCY = 16
#: What `PLACES` are a part of.
MOST_UNITS = 64
#: Leases of what takes long are looked at once in so many beats.
_BEATS = 10
#: A whole fleet that starts at once waits so long for one of its own that knows the store (seconds).
_VOUCHED_WITHIN = 15.0


def _nobody() -> frozenset[tuple[str, str]]:
    return frozenset()


@dataclass(slots=True)
class Member:
    """This process as the others see it. `line` is a store of one connection: a beat waits for nobody's transaction.

    Each beat also looks whether the store has gone back behind what was heard of it, and whether this host's clock, by
    which much is decided, is the database's. `running` names the units at work here; whoever builds the engine puts it
    in.
    """

    line: Store
    role: Role = "all"
    places: int = CONCURRENCY
    guard: Guard | None = None
    running: Callable[[], Collection[tuple[str, str]]] = _nobody
    pulse: Pulse = field(default_factory=Pulse)
    wall: Callable[[], datetime] = lambda: datetime.now(UTC)
    owner: str = field(default_factory=lambda: f"{this_host().owner}:{secrets.token_hex(3)}")
    settings: str = ""  # their fingerprint, as they are in force here
    differs: bool = False  # whether others have other settings, as of the last look
    beats: int = 0
    may_end_sessions: bool = True  # whether the database lets us, as far as we know
    unheard: bool = False  # whether the last beat did not get through

    @property
    def host(self) -> Host:
        """Who claims units here: with a pulse, and never mistaken for an earlier life of the same container."""
        return replace(this_host(), owner=self.owner, pulse=self.pulse)

    @property
    def silent(self) -> bool:
        """Whether the others take this process for dead."""
        return self.pulse.unheard_for > self.pulse.silent_after.total_seconds()

    @asynccontextmanager
    async def joined(self) -> AsyncIterator[None]:
        """Say inside, once a second, that this process lives; at the end give back whatever it still holds.

        Raises StoreUnavailable.
        """
        async with self.line:
            await self._beat()
            log.info("worker.joined", owner=self.owner, role=self.role)
            over = asyncio.Event()
            beating = asyncio.create_task(self._beat_on(over), name="syncd.beat")
            try:
                yield
            finally:
                over.set()
                await asyncio.wait([beating])  # a beat in the middle of a statement is not cut short
                await self._sign_off()

    async def _beat_on(self, over: asyncio.Event) -> None:
        while not over.is_set():
            began = time.monotonic()
            try:
                await self._beat()
                self.unheard = False
            except StoreUnavailable as error:
                if not self.unheard:
                    log.warning("worker.unheard", why=str(error))
                self.unheard = True
            await first_of(over, timeout=max(0.05, began + BEAT.total_seconds() - time.monotonic()))

    async def _beat(self) -> None:
        # What is believed here ends no later than what is believed there.
        sent_at, silence = self.pulse.now(), self.pulse.unheard_for
        running = self.running()
        vouches = self.guard is not None and self.guard.knows
        furthest = ("", 0) if self.guard is None else self.guard.furthest
        async with self.line.begin(fact="worker.beat", lone=True) as tx:
            here, before = await tx.instance.get(), self.wall()
            said_at = await tx.workers.beat(
                self.owner,
                self.role,
                places=self.places,
                busy=len(running),
                vouches=vouches,
                silent_after=self.pulse.silent_after,
                settings=self.settings,
                off=self.pulse.off,
            )
            self._compare(said_at, before, self.wall())
            silent = await tx.workers.anybody_is_silent()
            if self.beats % _BEATS == 0:
                await tx.workers.extend(self.owner, running, LEASE)
                await tx.workers.forget_the_dead()
                self._note_settings(differ(await tx.workers.all()))
        if self.beats and silence > self.pulse.silent_after.total_seconds():
            log.warning("worker.was_silent", seconds=round(silence, 1))
        if here is not None and self.guard is not None:
            if here.id == furthest[0] and here.epoch < furthest[1]:
                await went_back(self.line, here.epoch, furthest[1])
            self.guard.hear(here)
        self.pulse.beat_at = sent_at
        self.beats += 1
        if silent:
            await self._end_sessions_of_the_silent()

    async def _end_sessions_of_the_silent(self) -> None:
        """After the beat, and not for longer than one: who may not do this, or has to wait, is heard all the same."""
        try:
            async with asyncio.timeout(BEAT.total_seconds()), self.line.read() as tx:
                ended = await tx.workers.end_sessions_of_the_silent()
        except (StoreUnavailable, TimeoutError):
            return
        except DBAPIError as error:
            if self.may_end_sessions:
                log.warning("worker.sessions_left", why=str(error.orig).strip())
            self.may_end_sessions = False
            return
        for owner, sessions in Counter(ended).items():
            log.warning("worker.sessions_ended", owner=owner, sessions=sessions)

    def _note_settings(self, differs: bool) -> None:
        if differs and not self.differs:
            log.warning("worker.settings_differ")
        elif self.differs and not differs:
            log.info("worker.settings_alike")
        self.differs = differs

    def _compare(self, there: datetime, before: datetime, after: datetime) -> None:
        """How far this host's clock is off, at least: the database said `there` between the two."""
        was_astray = self.pulse.astray
        self.pulse.off = max(before - there, min(after - there, timedelta(0)))
        if self.pulse.astray and not was_astray:
            log.error("worker.clock_off", seconds=round(self.pulse.off.total_seconds(), 1))
        elif was_astray and not self.pulse.astray:
            log.info("worker.clock_right")

    async def _sign_off(self) -> None:
        try:
            async with self.line.begin(fact="worker.signed_off", lone=True) as tx:
                freed = await tx.workers.sign_off(self.owner, tx.now)
        except StoreUnavailable as error:  # a few seconds later the others notice by themselves
            log.warning("worker.unheard", why=str(error))
            return
        log.info("worker.left", owner=self.owner, leases_freed=freed)

    async def alone(self) -> bool:
        """Whether nobody else is at work on this store. Raises StoreUnavailable."""
        async with self.line.read() as tx:
            return not any(other.alive and other.owner != self.owner for other in await tx.workers.all())

    async def speaks(self) -> bool:
        """Whether this process has been at work longest of all that are, and so speaks for them."""
        try:
            async with self.line.read() as tx:
                alive = [other.owner for other in await tx.workers.all() if other.alive]
        except StoreUnavailable:
            return False
        return alive[:1] == [self.owner]

    async def vouched(self) -> bool:
        """Whether another process that is at work now knows this store by its witness; one may be about to start."""
        deadline = time.monotonic() + _VOUCHED_WITHIN
        first: dict[str, int] = {}
        while True:
            async with self.line.read() as tx:
                heard = await tx.workers.vouching(self.owner)
            if any(beat_at > first.setdefault(owner, beat_at) for owner, beat_at in heard.items()):
                return True
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(0.2)


async def queue_made(url: str) -> None:
    """The engine's own tables are there. Raises StoreUnavailable."""
    import psycopg

    from syncd.engine import jobs

    try:
        await jobs.prepare(postgres.conninfo(url))
    except psycopg.Error as error:
        raise StoreUnavailable(str(error).strip()) from error


def shared_engine(
    settings: Settings, member: Member, stages: Mapping[str, Stage], due: Due, run: Run, tick: float
) -> tuple[Distributed, WakeNow]:
    """The engine of one process among many, and how it is told of what comes due."""
    from syncd.engine.distributed import Distributed

    units = {(stage.name, key) for stage in stages.values() for key in stage.keys}
    engine = Distributed(
        list(stages),
        due,
        run,
        url=postgres.conninfo(settings.store.url.get_secret_value()),
        groups=sorted({group_of(stage, key) for stage, key in units}),
        role=member.role,
        tick=tick,
        most_units=max(1, member.places),
        group=group_of,
        places={group: max(1, most * member.places // MOST_UNITS) for group, most in PLACES.items()},
        knows=units.__contains__,
    )

    async def wake_now(connection: AsyncConnection, woken: Sequence[tuple[str, str]]) -> None:
        known = [unit for unit in woken if unit in units]
        if known:
            raw = await connection.get_raw_connection()
            driver: Any = raw.driver_connection
            await engine.wake(driver, known)

    return engine, wake_now
