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
from syncd.store.board import Board
from syncd.store.debts import Debts
from syncd.store.engine import private, reader_engine, sqlite_path, writer_engine
from syncd.store.journal import Journal
from syncd.store.lanes import Lanes
from syncd.store.orders import Orders
from syncd.store.schema import counter
from syncd.store.submissions import Submissions
from syncd.store.units import Claim, Host, Units
from syncd.store.windows import Windows


class StoreUnavailable(Exception):
    """The database did not answer (locked, full, gone): nothing was written, nothing may be sent."""


class Tx:
    """One transaction and the tables seen through it; `now` is the instant everything in it is dated with."""

    def __init__(self, connection: AsyncConnection, clock: Clock, host: Host) -> None:
        self.connection = connection
        self.now: datetime = clock.now()
        self.units = Units(connection, clock, host)
        self.orders = Orders(connection, self.now)
        self.submissions = Submissions(connection, self.now)
        self.debts = Debts(connection, self.now)
        self.journal = Journal(connection, self.now)
        self.windows = Windows(connection, self.now)
        self.lanes = Lanes(connection, self.now)
        self.board = Board(connection, self.now)
        self.tellings: list[Callable[[], object]] = []

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

    @classmethod
    def at(cls, url: str, clock: Clock) -> Self:
        """A store over the SQLite file of `url`, which `migrate.upgrade` has brought up to date."""
        path = sqlite_path(url)
        private(path)
        return cls(writer_engine(path), reader_engine(path), clock, this_host(), path)

    @asynccontextmanager
    async def begin(self, claim: Claim | None = None) -> AsyncIterator[Tx]:
        """One write transaction; with a claim, refused by Fenced when a newer one was granted.

        Never await a remote call inside. Raises StoreUnavailable when the database cannot take it.
        """
        async with self._transaction(self._writer) as connection:
            tx = Tx(connection, self.clock, self.host)
            if claim is not None:
                await tx.units.check(claim)
            yield tx
        for line in tx.tellings:
            line()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Tx]:
        """One consistent look at the store; writing is refused by the database itself."""
        async with self._transaction(self._reader) as connection:
            yield Tx(connection, self.clock, self.host)

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
        async with self.begin() as tx:
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
