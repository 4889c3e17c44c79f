"""SQLite with one hop a statement keeps what the recipe and SQLAlchemy's own adapter promise."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from syncd.store.driver import OneHopConnection
from syncd.store.engine import writer_engine


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[AsyncEngine]:
    made = writer_engine(tmp_path / "one.db")
    async with made.begin() as connection:
        await connection.execute(text("CREATE TABLE place (id INTEGER PRIMARY KEY, n INTEGER NOT NULL UNIQUE) STRICT"))
    yield made
    await made.dispose()


async def adapted(connection: AsyncConnection) -> OneHopConnection:
    proxied = await connection.get_raw_connection()
    assert isinstance(proxied.dbapi_connection, OneHopConnection)
    return proxied.dbapi_connection


@pytest.fixture
def hops(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was handed to a database's thread."""
    from aiosqlite import Connection

    handed: list[Any] = []
    execute = Connection._execute

    async def counted(self: Connection, fn: Any, *given: Any, **named: Any) -> Any:
        handed.append(fn)
        return await execute(self, fn, *given, **named)

    monkeypatch.setattr(Connection, "_execute", counted)
    return handed


async def test_a_transaction_takes_one_hop_for_each_statement(engine: AsyncEngine, hops: list[Any]) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("INSERT INTO place (n) VALUES (1)"))
        await connection.exec_driver_sql("INSERT INTO place (n) VALUES (?)", [(2,), (3,)])
        found = await connection.execute(text("SELECT n FROM place ORDER BY n"))

    assert [n for (n,) in found] == [1, 2, 3]
    assert len(hops) == 4  # BEGIN IMMEDIATE with the first of three statements, COMMIT; giving it back is none


async def test_a_result_tells_its_columns_its_count_and_the_row_it_made(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        made = await connection.execute(text("INSERT INTO place (n) VALUES (7)"))
        moved = await connection.execute(text("UPDATE place SET n = 8 WHERE n = 7 RETURNING id, n"))
        row = moved.one()
        nobody = await connection.execute(text("UPDATE place SET n = 9 WHERE n = 1"))

    assert (made.lastrowid, row.id, row.n, nobody.rowcount) == (1, 1, 8, 0)


async def test_what_a_statement_is_refused_for_is_told_as_before_and_nothing_is_kept(engine: AsyncEngine) -> None:
    with pytest.raises(IntegrityError) as refused:
        async with engine.begin() as connection:
            await connection.exec_driver_sql("INSERT INTO place (n) VALUES (?)", [(1,), (2,), (1,)])

    async with engine.begin() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM place")) == 0
    assert isinstance(refused.value.orig, sqlite3.IntegrityError)


async def test_a_transaction_that_is_interrupted_leaves_none_behind(engine: AsyncEngine) -> None:
    async def begun(ready: asyncio.Event) -> None:
        async with engine.begin() as connection:
            await connection.execute(text("INSERT INTO place (n) VALUES (1)"))
            ready.set()
            await asyncio.Event().wait()

    ready = asyncio.Event()
    task = asyncio.create_task(begun(ready))
    await ready.wait()
    task.cancel()
    await asyncio.wait({task})

    async with engine.begin() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM place")) == 0
        assert (await adapted(connection))._connection.in_transaction
    async with engine.connect() as connection:
        assert not (await adapted(connection))._connection.in_transaction


async def test_a_transaction_in_which_nothing_is_said_leaves_the_file_alone(
    engine: AsyncEngine, tmp_path: Path, hops: list[Any]
) -> None:
    with sqlite3.connect(tmp_path / "one.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")

        async with engine.begin():
            pass

        other.execute("ROLLBACK")
    assert hops == []


async def test_a_transaction_that_cannot_begin_does_nothing_of_what_it_was_told(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("PRAGMA busy_timeout=20"))
    with sqlite3.connect(tmp_path / "one.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(OperationalError, match="locked"):
            async with engine.begin() as connection:
                await connection.execute(text("INSERT INTO place (n) VALUES (1)"))

        other.execute("ROLLBACK")
    async with engine.begin() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM place")) == 0


async def test_rows_that_are_streamed_first_are_of_one_moment_as_all_others(engine: AsyncEngine) -> None:
    async with engine.begin() as connection:
        await connection.exec_driver_sql("INSERT INTO place (n) VALUES (?)", [(1,), (2,)])

    async with engine.begin() as connection:
        rows = await connection.stream(text("SELECT n FROM place ORDER BY n"))
        in_one = (await adapted(connection))._connection.in_transaction
        found = [n async for (n,) in rows]

    assert (in_one, found) == (True, [1, 2])


async def test_nothing_is_kept_after_a_transaction_that_could_not_begin(engine: AsyncEngine, tmp_path: Path) -> None:
    async with engine.begin() as connection:
        await connection.execute(text("PRAGMA busy_timeout=20"))
    with sqlite3.connect(tmp_path / "one.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(OperationalError, match="has ended already"):
            async with engine.begin() as connection:
                with pytest.raises(OperationalError, match="locked"):
                    await connection.execute(text("INSERT INTO place (n) VALUES (1)"))
                other.execute("ROLLBACK")
                await connection.execute(text("INSERT INTO place (n) VALUES (2)"))

    async with engine.begin() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM place")) == 0


async def test_a_transaction_that_the_database_has_taken_back_is_not_committed(engine: AsyncEngine) -> None:
    with pytest.raises(OperationalError, match="has ended already"):
        async with engine.begin() as connection:
            await connection.execute(text("INSERT INTO place (n) VALUES (1)"))
            with pytest.raises(IntegrityError):
                await connection.execute(text("INSERT OR ROLLBACK INTO place (n) VALUES (1)"))

    async with engine.begin() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM place")) == 0
