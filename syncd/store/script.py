"""Statements of which one follows from what another has found, without the ceremony of a single one around each.

A script is a generator that is told what its last step found. On SQLite it is played in one hop to the database's
thread, on PostgreSQL over the driver's own cursor. It must touch nothing but its own values: it may run in that thread.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any, TypeVar, cast

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.store.dialect import driver_sql, is_dead, is_postgresql
from syncd.store.driver import OneHopConnection
from syncd.store.postgres import storable, without_rows

Cells = Sequence[Any]
T = TypeVar("T")
#: So many statements are worth the ceremony of sending them together.
_MANY = 3
#: So many rows are added by one INSERT, as long as there are so many.
_TOGETHER = (50, 10, 1)


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
    """New rows for `table`. `columns` are their names and PostgreSQL's types; a `bytea` is never None.

    There it is a COPY: an INSERT for each of many rows would cost the server several times as much. On SQLite one
    INSERT takes many rows: Python's lock changes hands with each statement.
    """

    table: str
    columns: Mapping[str, str]
    rows: Sequence[Cells]

    @property
    def sql(self) -> str:
        return self.sql_for(1)

    def sql_for(self, rows: int) -> str:
        """The statement for so many rows at once."""
        return _adding(self.into, len(self.columns), rows)

    @property
    def into(self) -> str:
        return f"{self.table} ({', '.join(self.columns)})"


@cache
def _adding(into: str, width: int, rows: int) -> str:
    one = f"({', '.join('?' * width)})"
    return f"INSERT INTO {into} VALUES {', '.join([one] * rows)}"


@dataclass(frozen=True, slots=True)
class All:
    """Several statements, none of which follows from what another finds; a list of what each has found.

    On PostgreSQL they take one round trip; where one fails, nothing of them may be kept.
    """

    steps: Sequence[Ask | Tell]


Step = Ask | Tell | Add | All
Script = Generator[Step, Any, T]


async def play(connection: AsyncConnection, script: Script[T]) -> T:
    """Play `script` to its end in the transaction of `connection`; what it returns. Raises what SQLAlchemy would."""
    return await _played(connection, await connection.get_raw_connection(), script)


async def play_looking(connection: AsyncConnection, script: Script[T]) -> T:
    """As `play`, for a script that changes no order."""
    raw = getattr(connection, "get_raw_connection_to_look", connection.get_raw_connection)
    return await _played(connection, await raw(), script)


async def _played(connection: AsyncConnection, proxied: Any, script: Script[T]) -> T:
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
        found = [executed(db, one) for one in step.steps] if isinstance(step, All) else executed(db, step)


def executed(db: sqlite3.Connection, step: Ask | Tell | Add) -> Any:
    """Every statement of a script passes through here, on SQLite."""
    if isinstance(step, Ask):
        return db.execute(step.sql, step.values).fetchall()
    if isinstance(step, Add):
        return _added(db, step)
    return db.executemany(step.sql, step.rows).rowcount


def _added(db: sqlite3.Connection, step: Add) -> int:
    cells, width = list(chain.from_iterable(step.rows)), len(step.columns)
    for place, kind in enumerate(step.columns.values()):
        if kind == "bytea":  # Python asks around how bytes are to be adapted, each time they are bound
            cells[place::width] = map(bytearray, cells[place::width])
    at = 0
    for together in _TOGETHER:
        while at + together * width <= len(cells):
            db.execute(step.sql_for(together), cells[at : at + together * width])
            at += together * width
    return len(step.rows)


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
            except asyncio.CancelledError:  # whatever was on its way: nobody meets it, or its answer, in this session
                await driver.close()
                await connection.invalidate()
                raise
            except Error as error:
                without_rows(error)
                if driver.closed:
                    await connection.invalidate()
                raise _refused(error, Error) from error


async def done(cursor: Any, step: Step) -> Any:
    """What `step` finds."""
    if isinstance(step, All):
        return await _all_done(cursor, step.steps)
    if not isinstance(step, Add):
        return await _one_done(cursor, step)
    async with cursor.copy(f"COPY {step.into} FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(list(step.columns.values()))
        for row in storable(step.rows):
            await copy.write_row(row)
    return len(step.rows)


async def _all_done(cursor: Any, steps: Sequence[Ask | Tell]) -> list[Any]:
    if len(steps) + _is_to_begin(cursor.connection) < _MANY:
        return [await _one_done(cursor, step) for step in steps]
    cursors = [cursor.connection.cursor() for _ in steps]
    async with cursor.connection.pipeline():
        try:
            for its, step in zip(cursors, steps, strict=True):
                await sent(its, step)
        except asyncio.CancelledError:  # the end of a pipeline waits for all of it, and that may wait for a lock
            await cursor.connection.close()
            raise
    return [await _found(its, step) for its, step in zip(cursors, steps, strict=True)]


async def _one_done(cursor: Any, step: Ask | Tell) -> Any:
    await sent(cursor, step)
    return await _found(cursor, step)


def _is_to_begin(driver: Any) -> bool:
    """Whether a BEGIN goes before the next statement."""
    return not (driver.autocommit or driver.info.transaction_status)


async def sent(cursor: Any, step: Ask | Tell) -> None:
    """Every statement of a script passes through here, on PostgreSQL; but for new rows that are copied in."""
    sql = driver_sql(True, step.sql)
    if isinstance(step, Ask):
        await cursor.execute(sql, step.values)
    elif len(step.rows) == 1:  # many take more ceremony
        await cursor.execute(sql, step.rows[0])
    else:
        await cursor.executemany(sql, step.rows)


async def _found(cursor: Any, step: Ask | Tell) -> Any:
    if isinstance(step, Tell):
        return cursor.rowcount
    return [] if cursor.rownumber is None else await cursor.fetchall()  # a description would be made for each column
