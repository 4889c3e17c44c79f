"""Statements of which one follows from what another has found, without the ceremony of a single one around each.

A script is a generator that is told what its last step found. On SQLite it is played in one hop to the database's
thread, on PostgreSQL over the driver's own cursor. It must touch nothing but its own values: it may run in that thread.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.store.dialect import driver_sql, is_dead, is_postgresql
from syncd.store.driver import OneHopConnection
from syncd.store.postgres import storable, without_rows

Cells = Sequence[Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ask:
    """One statement whose rows are wanted: a list of tuples. Written with `?` for each value, as all of them are."""

    sql: str
    values: Cells = ()


@dataclass(frozen=True, slots=True)
class Tell:
    """One statement for each of `rows`; how many rows it changed in all is found."""

    sql: str
    rows: Sequence[Cells]


@dataclass(frozen=True, slots=True)
class Add:
    """New rows for `table`. `columns` are their names and, for PostgreSQL, the types.

    There it is a COPY: an INSERT for each of many rows would cost the server several times as much.
    """

    table: str
    columns: Mapping[str, str]
    rows: Sequence[Cells]

    @property
    def sql(self) -> str:
        return f"INSERT INTO {self.into} VALUES ({', '.join('?' * len(self.columns))})"

    @property
    def into(self) -> str:
        return f"{self.table} ({', '.join(self.columns)})"


Step = Ask | Tell | Add
Script = Generator[Step, Any, T]


async def play(connection: AsyncConnection, script: Script[T]) -> T:
    """Play `script` to its end in the transaction of `connection`; what it returns. Raises what SQLAlchemy would."""
    proxied = await connection.get_raw_connection()
    if is_postgresql(connection):
        return await _on_postgresql(connection, proxied.driver_connection, script)
    adapted = cast("OneHopConnection", proxied.dbapi_connection)
    try:
        return cast("T", await adapted.run(_on_sqlite, script))
    except sqlite3.Error as error:
        if is_dead(error):
            await connection.invalidate()
        raise _refused(error, sqlite3.Error) from error


async def rows_of(connection: AsyncConnection, question: Ask) -> list[Cells]:
    """The rows of one question. Raises what SQLAlchemy would."""

    def asking() -> Script[list[Cells]]:
        rows: list[Cells] = yield question
        return rows

    return await play(connection, asking())


async def tell(connection: AsyncConnection, statement: Tell) -> int:
    """How many rows one statement changed. Raises what SQLAlchemy would."""

    def telling() -> Script[int]:
        changed: int = yield statement
        return changed

    return await play(connection, telling())


async def begun(connection: AsyncConnection) -> None:
    """Until the transaction of `connection` has begun, which it does else with its first statement."""

    def nothing() -> Script[None]:
        yield from ()

    await play(connection, nothing())


def _refused(error: Exception, base: type[Exception]) -> BaseException:
    """A driver's error as SQLAlchemy tells it, without the rows it was about."""
    return DBAPIError.instance("a script", None, error, base, hide_parameters=True)


# -- SQLite ------------------------------------------------------------------------------------------------------------


def _on_sqlite(db: sqlite3.Connection, script: Script[T]) -> T:
    found: Any = None
    while True:
        try:
            step = script.send(found)
        except StopIteration as end:
            return cast("T", end.value)
        found = executed(db, step)


def executed(db: sqlite3.Connection, step: Step) -> Any:
    """Every statement of a script passes through here, on SQLite."""
    if isinstance(step, Ask):
        return db.execute(step.sql, step.values).fetchall()
    return db.executemany(step.sql, step.rows).rowcount


# -- PostgreSQL --------------------------------------------------------------------------------------------------------


async def _on_postgresql(connection: AsyncConnection, driver: Any, script: Script[T]) -> T:
    from psycopg import Error

    found: Any = None
    async with driver.cursor() as cursor:
        while True:
            try:
                step = script.send(found)
            except StopIteration as end:
                return cast("T", end.value)
            try:
                found = await done(cursor, step)
            except Error as error:
                without_rows(error)
                if driver.closed:
                    await connection.invalidate()
                raise _refused(error, Error) from error


async def done(cursor: Any, step: Step) -> Any:
    """Every statement of a script passes through here, on PostgreSQL."""
    if isinstance(step, Ask):
        await cursor.execute(driver_sql(True, step.sql), step.values)
        return await cursor.fetchall() if cursor.description else []
    if isinstance(step, Tell) and len(step.rows) == 1:  # many take more ceremony
        await cursor.execute(driver_sql(True, step.sql), step.rows[0])
        return cursor.rowcount
    if isinstance(step, Tell):
        await cursor.executemany(driver_sql(True, step.sql), step.rows)
        return cursor.rowcount
    async with cursor.copy(f"COPY {step.into} FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(list(step.columns.values()))
        for row in storable(step.rows):
            await copy.write_row(row)
    return len(step.rows)
