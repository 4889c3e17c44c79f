"""Every row of a store into another one, and the proof that they are the same.

Rows are streamed in small chunks, table by table, parents before children, so that the memory does not grow with the
store. A table's digest is the sum of the hashes of its rows: the order in which a database hands them out is its own
affair.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Table, func, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.store.dialect import is_postgresql, is_unavailable
from syncd.store.schema import instance, metadata, pace_taken, worker

Row = tuple[Any, ...]
#: Is told of a table, how many of its rows are done and how many there are.
Progress = Callable[[str, int, int], None]

#: Not copied: what a store is, for two are never the same one (docs/decisions/0009); and what was true of one database
#: by its own clock alone, the processes that lived there and the places they had taken for their next calls.
LEFT = (instance, worker, pace_taken)
TABLES: tuple[Table, ...] = tuple(table for table in metadata.sorted_tables if table not in LEFT)
#: Rows held in memory at a time: an order's bytes are a few kilobytes, an invoice's file a few hundred.
CHUNK = 100


@dataclass(frozen=True, slots=True)
class Content:
    """What is in a table: how many rows, and the digest of them all."""

    table: str
    rows: int
    digest: str


class CannotHold(Exception):
    """The other database has no place for a value of this one; nothing was written."""

    def __init__(self, table: str, why: str) -> None:
        super().__init__(f"{table}: {why}")
        self.table = table


class Summing:
    """Adds up rows in whatever order they come."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._sum = 0
        self.rows = 0
        self._encode = msgspec.msgpack.Encoder().encode

    def add(self, rows: Iterable[Row]) -> None:
        for row in rows:
            digest = hashlib.blake2b(self._encode(row), digest_size=32).digest()
            self._sum = (self._sum + int.from_bytes(digest)) % 2**256
            self.rows += 1

    def content(self) -> Content:
        return Content(self._table, self.rows, f"{self._sum:064x}")


async def counted(connection: AsyncConnection, tables: Sequence[Table] = TABLES) -> dict[str, int]:
    """How many rows each table has."""
    found: dict[str, int] = {}
    for table in tables:
        found[table.name] = int(await connection.scalar(select(func.count()).select_from(table)) or 0)
    return found


async def contents(connection: AsyncConnection, progress: Progress, counts: dict[str, int]) -> list[Content]:
    """What is in every table, read through; `counts` are for the progress alone."""
    found: list[Content] = []
    for table in TABLES:
        summing = Summing(table.name)
        async for rows in _chunks(connection, table):
            summing.add(rows)
            progress(table.name, summing.rows, counts.get(table.name, summing.rows))
        found.append(summing.content())
    return found


async def copy(
    source: AsyncConnection, target: AsyncConnection, progress: Progress, counts: dict[str, int]
) -> list[Content]:
    """Every row into the empty tables of `target`, in the transactions of both; what was read. Raises CannotHold."""
    found: list[Content] = []
    for table in TABLES:
        try:
            found.append(await _copied(source, target, table, progress, counts[table.name]))
        except DBAPIError as error:
            if is_unavailable(error):
                raise
            raise CannotHold(table.name, str(error.orig)) from error
        await _count_on(target, table)
        await _analyse(target, table)
    return found


async def _copied(
    source: AsyncConnection, target: AsyncConnection, table: Table, progress: Progress, count: int
) -> Content:
    summing = Summing(table.name)
    progress(table.name, 0, count)
    storable = _without_nul if is_postgresql(target) else list
    async with _writing(target, table) as write:
        async for chunk in _chunks(source, table):
            rows = storable(chunk)
            await write(rows)
            summing.add(rows)
            progress(table.name, summing.rows, count)
    return summing.content()


async def _chunks(connection: AsyncConnection, table: Table) -> AsyncIterator[list[Row]]:
    result = await connection.stream(select(*table.c).execution_options(yield_per=CHUNK))
    try:
        async for rows in result.partitions(CHUNK):
            yield [tuple(row) for row in rows]
    finally:
        await result.close()


def _without_nul(rows: list[Row]) -> list[Row]:
    """PostgreSQL's text knows no NUL, which a buyer's name may hold; the row's own bytes are kept as they are."""
    return [
        tuple(one.replace("\x00", "\ufffd") if isinstance(one, str) and "\x00" in one else one for one in row)
        for row in rows
    ]


# -- writing -----------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def _writing(connection: AsyncConnection, table: Table) -> AsyncIterator[Callable[[list[Row]], Any]]:
    """How rows get into a table of this database: COPY where there is one, else one statement for each chunk."""
    if is_postgresql(connection):
        async with _copying_in(connection, table) as write:
            yield write
        return
    quote = connection.dialect.identifier_preparer.quote
    names, places = ", ".join(quote(column.name) for column in table.c), ", ".join("?" for _ in table.c)
    statement = f"INSERT INTO {quote(table.name)} ({names}) VALUES ({places})"

    async def write_chunk(rows: list[Row]) -> None:
        await connection.exec_driver_sql(statement, rows)

    yield write_chunk


@asynccontextmanager
async def _copying_in(connection: AsyncConnection, table: Table) -> AsyncIterator[Callable[[list[Row]], Any]]:
    """Raises CannotHold."""
    import psycopg

    quote = connection.dialect.identifier_preparer.quote
    names = ", ".join(quote(column.name) for column in table.c)
    driver: Any = (await connection.get_raw_connection()).driver_connection
    try:
        async with (
            driver.cursor() as cursor,
            cursor.copy(f"COPY {quote(table.name)} ({names}) FROM STDIN") as stream,
        ):

            async def write_rows(rows: list[Row]) -> None:
                for row in rows:
                    await stream.write_row(row)

            yield write_rows
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        raise CannotHold(table.name, str(error).splitlines()[0]) from error


async def _analyse(connection: AsyncConnection, table: Table) -> None:
    """A server that knows nothing of a large table would read it as a whole until it comes to look by itself."""
    if is_postgresql(connection):
        await connection.exec_driver_sql(f"ANALYZE {connection.dialect.identifier_preparer.quote(table.name)}")


async def _count_on(connection: AsyncConnection, table: Table) -> None:
    """Keys that the database counts up go on behind the last one copied; SQLite looks that up by itself."""
    column = table.autoincrement_column
    if column is None or not is_postgresql(connection):
        return
    last = await connection.scalar(select(func.max(column)))
    if last is not None:
        await connection.execute(
            text("SELECT setval(pg_get_serial_sequence(:table, :column), :last)"),
            {"table": table.name, "column": column.name, "last": last},
        )
