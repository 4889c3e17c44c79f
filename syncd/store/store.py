"""The store: one writer, a few readers, and transactions that know whose they are."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import insert, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from syncd.domain.clock import Clock
from syncd.faultpoint import reached
from syncd.store.applications import Applications
from syncd.store.board import Board
from syncd.store.cancels import Cancels
from syncd.store.cards import Cards
from syncd.store.debts import Debts
from syncd.store.engine import private, reader_engine, sqlite_path, writer_engine
from syncd.store.files import Files
from syncd.store.guard import Guard, NoWitness, overtaken
from syncd.store.instance import Disarmed, Instance, Instances
from syncd.store.journal import Journal
from syncd.store.lanes import Lanes
from syncd.store.links import Links
from syncd.store.notices import Notices
from syncd.store.orders import Orders
from syncd.store.reds import Reds
from syncd.store.schema import counter
from syncd.store.sightings import Sightings
from syncd.store.submissions import Submissions
from syncd.store.told import AlertsTold
from syncd.store.unclassified import Unclassified
from syncd.store.units import Claim, Fenced, Host, Units
from syncd.store.windows import Windows
from syncd.store.witness import Overtaken


class StoreUnavailable(Exception):
    """The database did not answer (locked, full, gone): nothing was written, nothing may be sent."""


class Tx:
    """One transaction and the tables seen through it; `now` is the instant everything in it is dated with."""

    def __init__(self, connection: AsyncConnection, clock: Clock, host: Host) -> None:
        self.connection = connection
        self.now: datetime = clock.now()
        self.units = Units(connection, clock, host)
        self.orders = Orders(connection, self.now)
        self.sightings = Sightings(connection, self.now)
        self.submissions = Submissions(connection, self.now)
        self.debts = Debts(connection, self.now)
        self.reds = Reds(connection, self.now)
        self.cards = Cards(connection, self.units, self.now)
        self.cancels = Cancels(connection, self.now)
        self.journal = Journal(connection, self.now)
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
        self.tellings: list[Callable[[], object]] = []
        #: Whether a write to the outside follows this transaction; see `Store.begin`.
        self.outward = False

    def tell(self, line: Callable[[], object]) -> None:
        """Say this once the transaction is durable: a log line about something rolled back would be a lie."""
        self.tellings.append(line)


class Store:
    """Opens transactions. Everything durable goes through `begin`, everything that only looks through `read`."""

    def __init__(self, writer: AsyncEngine, reader: AsyncEngine, clock: Clock, host: Host, path: Path) -> None:
        self._writer = writer
        self._reader = reader
        self.clock = clock
        self.host = host
        self.path = path
        #: What must be told before anything goes out; `open_instance` puts it here.
        self.guard: Guard | None = None
        #: Writes refused for a stale epoch since this process began.
        self.fenced = 0

    @classmethod
    def at(cls, url: str, clock: Clock) -> Self:
        """A store over the SQLite file of `url`, which `migrate.upgrade` has brought up to date."""
        path = sqlite_path(url)
        private(path)
        return cls(writer_engine(path), reader_engine(path), clock, this_host(), path)

    @asynccontextmanager
    async def begin(
        self, claim: Claim | None = None, *, fact: str = "unnamed", outward: bool = False
    ) -> AsyncIterator[Tx]:
        """One write transaction; with a claim, refused by Fenced when a newer one was granted.

        `fact` names what becomes durable here (syncd/faultpoint.py). `outward`: a write to the outside follows, unless
        `tx.outward` is taken back inside; it is refused by Disarmed, and what is about to go out is witnessed before
        this returns. Never await a remote call inside. Raises StoreUnavailable when the database cannot take it.
        """
        going: Instance | None = None
        async with self._transaction(self._writer) as connection:
            tx = Tx(connection, self.clock, self.host)
            tx.outward = outward
            try:
                if claim is not None:
                    await tx.units.check(claim)
                if outward:
                    await tx.instance.require_armed()
                yield tx
            except Fenced:
                self.fenced += 1
                raise
            await tx.journal.flush()
            await self._wake(tx, claim)
            if tx.outward:
                going = await tx.instance.advance()
            reached(f"{fact}.before")
        reached(f"{fact}.after")
        for line in tx.tellings:
            line()
        if going is not None and self.guard is not None:
            await self._witnessed(self.guard, going, tx.now)

    async def _wake(self, tx: Tx, claim: Claim | None) -> None:
        """Nobody sleeps past what became due here; a unit at work sees to its own."""
        for (stage, merchant), at in tx.orders.dues.items():
            if claim is None or (claim.stage, claim.key) != (stage, merchant):
                await tx.units.wake_by(stage, merchant, at)
        if tx.orders.moved:
            for stage, merchant in await tx.applications.orders_moved(tx.orders.moved):
                await tx.units.wake(stage, merchant)

    async def _witnessed(self, guard: Guard, going: Instance, at: datetime) -> None:
        """Let nobody send what the witness has not seen. Raises Disarmed, StoreUnavailable."""
        try:
            await guard.advance(going, at)
        except Overtaken as other:
            await overtaken(self, other)
            raise Disarmed("overtaken") from other
        except NoWitness as error:
            raise StoreUnavailable(str(error)) from error

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Tx]:
        """One consistent look at the store; writing is refused by the database itself."""
        async with self._transaction(self._reader) as connection:
            tx = Tx(connection, self.clock, self.host)
            yield tx
            await tx.journal.flush()  # refused like any other write

    @asynccontextmanager
    async def _transaction(self, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        try:
            async with engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            if error.connection_invalidated or "OperationalError" in type(error).__name__:
                raise StoreUnavailable(str(error.orig)) from error
            raise

    async def next_seq(self) -> int:
        """The number of the next request to WDT: what a later request stored is never overwritten (R11)."""
        async with self.begin(fact="store.numbered") as tx:
            found = await tx.connection.execute(
                update(counter)
                .where(counter.c.name == "request")
                .values(value=counter.c.value + 1)
                .returning(counter.c.value)
            )
            value = found.scalar_one_or_none()
            if value is None:
                await tx.connection.execute(insert(counter).values(name="request", value=1))
                return 1
            return int(value)

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
