"""The store: one writer, a few readers, and transactions that know whose they are."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self, cast

from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from syncd.domain.clock import Clock
from syncd.faultpoint import reached
from syncd.store import postgres, question
from syncd.store.applications import Applications
from syncd.store.board import Board
from syncd.store.cancels import Cancels
from syncd.store.cards import Cards
from syncd.store.debts import Debts
from syncd.store.desk import Desk
from syncd.store.dialect import hold, is_postgresql, is_unavailable, merchant_scope
from syncd.store.engine import private, reader_engine, sqlite_path, writer_engine
from syncd.store.files import Files
from syncd.store.guard import Guard, NoWitness, WentBack, overtaken, went_back
from syncd.store.instance import Disarmed, Instance, Instances
from syncd.store.instants import to_ms
from syncd.store.journal import Journal
from syncd.store.lanes import Lanes
from syncd.store.links import Links
from syncd.store.notices import Notices
from syncd.store.orders import Orders
from syncd.store.reds import Reds
from syncd.store.script import Ask, Cells, begun
from syncd.store.sightings import Sightings
from syncd.store.submissions import Submissions
from syncd.store.together import Patient, Together
from syncd.store.told import AlertsTold
from syncd.store.troubles import StoreUnavailable as StoreUnavailable
from syncd.store.unclassified import Unclassified
from syncd.store.units import Claim, Fenced, Host, LeaseClock, Units, newest_grant
from syncd.store.windows import Windows
from syncd.store.witness import Finding, Overtaken
from syncd.store.workers import Workers

#: Milliseconds: what comes due later than this, whoever looks now and then finds it early enough.
SOON = 5_000
#: Units that come due with a transaction, and the connection it runs on.
WakeNow = Callable[[AsyncConnection, Sequence[tuple[str, str]]], Awaitable[None]]


class Tx:
    """One transaction and the tables seen through it; `now` is the instant everything in it is dated with."""

    def __init__(self, connection: AsyncConnection, clock: Clock, host: Host, leases: LeaseClock) -> None:
        #: Writes about single orders wait here, and go before anything else that is executed.
        self.together = together = Together(connection)
        self.now: datetime = clock.now()
        # What waits is never about units: they need not wait for it.
        self.units = Units(connection, clock, host, leases)
        self.connection = connection = cast("AsyncConnection", Patient(connection, together))
        self.orders = Orders(connection, self.now, together)
        self.sightings = Sightings(connection, self.now)
        self.submissions = Submissions(connection, self.now, together)
        self.debts = Debts(connection, self.now, together)
        self.reds = Reds(connection, self.now)
        self.cards = Cards(connection, self.units, self.now)
        self.cancels = Cancels(connection, self.now)
        self.journal = Journal(connection, self.now, together)
        self.windows = Windows(connection, self.now)
        self.lanes = Lanes(connection, self.now)
        self.instance = Instances(connection, self.now)
        self.applications = Applications(connection, self.now)
        self.links = Links(connection, self.now)
        self.notices = Notices(connection, self.now)
        self.files = Files(connection, self.now)
        self.unclassified = Unclassified(connection, self.now)
        self.told = AlertsTold(connection)
        self.board = Board(connection, self.now)
        self.workers = Workers(connection)
        self.tellings: list[Callable[[], object]] = []
        #: Whether a write to the outside follows this transaction; see `Store.begin`.
        self.outward = False

    async def go_out(self) -> None:
        """A write to the outside follows this transaction. Raises Disarmed, and then none does."""
        await self.instance.require_armed()
        self.outward = True

    def tell(self, line: Callable[[], object]) -> None:
        """Say this once the transaction is durable: a log line about something rolled back would be a lie."""
        self.tellings.append(line)


class Store:
    """Opens transactions. Everything durable goes through `begin`, everything that only looks through `read`."""

    def __init__(
        self,
        writer: AsyncEngine,
        reader: AsyncEngine,
        clock: Clock,
        host: Host,
        path: Path | None = None,
        leases: LeaseClock = LeaseClock.HOST,
    ) -> None:
        self._writer = writer
        self._reader = reader
        self.clock = clock
        self.host = host
        #: The file of a store on SQLite; None for one on PostgreSQL.
        self.path = path
        self.leases = leases
        self._shared = is_postgresql(writer)
        #: Whether this process alone works on the store, so that what others would have to know may stay in memory.
        self.alone = False
        self._passed_over: dict[str, int] = {}  # see `Sightings.passed_over`
        #: Whether a person's command writes here: it changes nothing in a store that a move ended or did not finish.
        self.by_hand = False
        #: For so many seconds, at least, nobody can have called anybody on behalf of this store.
        self.silent_for = 0.0
        #: What must be told before anything goes out; `open_instance` puts it here.
        self.guard: Guard | None = None
        #: Tells the engine, in the transaction itself, of units that it makes due now; the engine puts it here.
        self.wake_now: WakeNow | None = None
        #: Told after the commit which units (stage and key) are due because of it; an engine in this process hears.
        self.on_due: Callable[[Collection[tuple[str, str]]], None] | None = None
        #: Told then, too, which come due within `SOON` because of it, and in how many seconds.
        self.on_soon: Callable[[Mapping[tuple[str, str], float]], None] | None = None
        #: Writes refused for a stale epoch since this process began.
        self.fenced = 0
        self.desk = Desk(self)

    @classmethod
    def at(
        cls, url: str, clock: Clock, *, leases: LeaseClock | None = None, make: bool = True, connections: int = 8
    ) -> Self:
        """A store over the database of `url`, which `migrate.upgrade` has brought up to date. Nothing is opened yet.

        `leases`: by whose clock units are leased; left out, the host's for SQLite and the database's for PostgreSQL,
        whose workers may be on several hosts. `make`: whether a SQLite file is made where there is none.
        `connections` is how many transactions may write to PostgreSQL at a time from here. Raises UnsupportedStore.
        """
        if postgres.is_postgresql(url):
            writer, reader = postgres.writer_engine(url, connections), postgres.reader_engine(url)
            return cls(writer, reader, clock, this_host(), leases=leases or LeaseClock.DATABASE)
        path = sqlite_path(url)
        if make:
            private(path)
        return cls(writer_engine(path), reader_engine(path), clock, this_host(), path, LeaseClock.HOST)

    @asynccontextmanager
    async def begin(
        self,
        claim: Claim | None = None,
        *,
        fact: str = "unnamed",
        outward: bool = False,
        scope: str | None = None,
        lone: bool = False,
    ) -> AsyncIterator[Tx]:
        """One write transaction; with a claim, refused by Fenced when a newer one was granted.

        `fact` names what becomes durable here (syncd/faultpoint.py). `outward`: a write to the outside follows, unless
        `tx.outward` is taken back inside; it is refused by Disarmed, and what is about to go out is witnessed before
        this returns. Never await a remote call inside. Raises StoreUnavailable when the database cannot take it.

        Nobody else writes meanwhile to what this one holds: with a claim everything of its merchant; with a `scope`
        what all who write under that name agree to mean by it ("token:main"); without either the whole store, which
        is for commands and starts. `lone`: it holds nothing, because each of its statements is right by itself.
        Raises InAMove for a command (`by_hand`).
        """
        going: Instance | None = None
        furthest = ("", 0) if self.guard is None else self.guard.furthest
        async with self._transaction(self._writer) as connection:
            grant = None
            if self._shared and not lone:
                grant = await self._held(connection, scope, claim)
            elif not (self._shared or self.alone):  # what is dated here is younger than what was waited for
                await begun(connection)
            tx = Tx(connection, self.clock, self.host, self.leases)
            if self.alone and self.path is not None:  # a server's lock can be lost while its process lives
                tx.sightings.passed_over = self._passed_over
            try:
                if self.by_hand:
                    await tx.instance.require_workable()
                if claim is not None:
                    await tx.units.check(claim, grant)
                if outward:
                    await tx.go_out()
                yield tx
            except Fenced:
                self.fenced += 1
                raise
            await self._wake(tx, claim)
            await tx.journal.flush([*tx.sightings.noting(), *tx.units.waking()])
            if self.wake_now is not None:
                await self._tell_engine(self.wake_now, connection, tx)
            if tx.outward:
                going = await tx.instance.advance()
            reached(f"{fact}.before")
        reached(f"{fact}.after")
        for line in tx.tellings:
            line()
        if self.on_due is not None and tx.units.woken:
            self.on_due(self._due_by(tx))
        if self.on_soon is not None and (soon := self._due_soon(tx)):
            self.on_soon(soon)
        if going is not None and self.guard is not None:
            await self._witnessed(self.guard, going, tx.now, furthest)

    async def _held(
        self, connection: AsyncConnection, scope: str | None, claim: Claim | None
    ) -> Sequence[Cells] | None:
        """Wait until nobody else writes to what this transaction holds; the newest grant of the claim's unit then."""
        if claim is None:
            await question.answers(connection, [Ask(*hold(scope))])
            return None
        whose = Ask(*hold(merchant_scope(claim.key)))
        return (await question.answers(connection, [whose, newest_grant(claim, shared=True)]))[1]

    async def _wake(self, tx: Tx, claim: Claim | None) -> None:
        """Nobody sleeps past what became due here; a unit at work sees to its own."""
        for (stage, merchant), at in tx.orders.dues.items():
            if claim is None or (claim.stage, claim.key) != (stage, merchant):
                await tx.units.wake_by(stage, merchant, at)
        for name in await tx.reds.wake_waiting():
            await tx.units.wake("push", name)
        if tx.orders.moved:
            for stage, merchant in await tx.applications.orders_moved(tx.orders.moved):
                await tx.units.wake(stage, merchant)

    async def _tell_engine(self, wake_now: WakeNow, connection: AsyncConnection, tx: Tx) -> None:
        if due := self._due_by(tx):
            await wake_now(connection, due)

    def _due_by(self, tx: Tx) -> list[tuple[str, str]]:
        """The units that are due by now because of this transaction: a wake in it is a moment younger than itself."""
        now = to_ms(self.clock.now())
        return sorted(unit for unit, at in tx.units.woken.items() if at <= now)

    def _due_soon(self, tx: Tx) -> dict[tuple[str, str], float]:
        now = to_ms(self.clock.now())
        return {unit: (at - now) / 1000 for unit, at in tx.units.woken.items() if now < at <= now + SOON}

    async def _witnessed(self, guard: Guard, going: Instance, at: datetime, furthest: tuple[str, int]) -> None:
        """Let nobody send what the witness has not seen, or after the store went back behind what it had seen.

        Raises Disarmed, StoreUnavailable.
        """
        known, epoch = furthest
        try:
            if going.id == known and going.epoch <= epoch:
                raise WentBack(epoch)
            seen = await guard.advance(going, at)
            if seen > going.epoch:
                await self._require_as_far(going.id, seen)
        except WentBack as back:
            await went_back(self, going.epoch, back.seen)
            raise Disarmed(Finding.RESTORED) from back
        except Overtaken as other:
            await overtaken(self, other)
            raise Disarmed("overtaken") from other
        except NoWitness as error:
            raise StoreUnavailable(str(error)) from error

    async def _require_as_far(self, known: str, seen: int) -> None:
        """A witness is written only after its commit, so the store must have by now what one has seen."""
        async with self.read() as tx:
            here = await tx.instance.get()
        if here is not None and here.id == known and here.epoch < seen:
            raise WentBack(seen)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Tx]:
        """One consistent look at the store; writing is refused by the database itself."""
        async with self._transaction(self._reader) as connection:
            tx = Tx(connection, self.clock, self.host, self.leases)
            yield tx
            await tx.journal.flush()  # refused like any other write
            await tx.units.wake_all()

    @asynccontextmanager
    async def _transaction(self, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        try:
            async with engine.begin() as connection:
                yield connection
        except (DBAPIError, NoConnectionFree) as error:
            if is_unavailable(error):
                raise StoreUnavailable(postgres.told(getattr(error, "orig", None) or error)) from error
            raise

    async def next_seq(self, sid: str) -> int:
        """The number of the next request to this tenant: what a later one stored is never overwritten (R11)."""
        return await self.desk.number(sid)

    async def answers(self) -> bool:
        """Whether the database can be read right now."""
        try:
            async with self.read() as tx:
                await tx.connection.execute(select(1))
        except StoreUnavailable:
            return False
        return True

    async def close(self) -> None:
        """Close both engines; an unclosed connection would outlive the loop and complain."""
        await self.desk.close()
        await self._writer.dispose()
        await self._reader.dispose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


def this_host() -> Host:
    """This process and this boot of its host."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        boot = "unknown"
    return Host(owner=f"{socket.gethostname()}:{os.getpid()}", boot=boot)
