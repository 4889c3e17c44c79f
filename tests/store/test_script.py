"""A script plays many statements in one go, inside the transaction it is played in, on either database."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Any

import pytest
from sqlalchemy import insert, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from store_parts import ON_A_FILE

from syncd.domain.clock import SystemClock
from syncd.store.schema import counter
from syncd.store.script import Add, Ask, Script, Tell, play, rows_of, tell
from syncd.store.store import Store, StoreUnavailable

COUNTER = {"name": "text", "value": "int8"}
_COUNT = insert(counter)
ALL = Ask("SELECT name, value FROM counter WHERE name LIKE ? ORDER BY name", ("script:%",))


def _moved(name: str) -> Script[list[tuple[str, int]]]:
    """Add three, raise all by what the first one has, and tell what is there."""
    yield Add("counter", COUNTER, [(f"script:{one}", number) for one, number in ((name, 7), ("b", 1), ("c", 2))])
    ((first,),) = yield Ask("SELECT value FROM counter WHERE name = ?", (f"script:{name}",))
    changed = yield Tell(
        "UPDATE counter SET value = value + ? WHERE name = ?", [(first, "script:b"), (first, "script:x")]
    )
    assert changed == 1
    found: list[tuple[str, int]] = yield ALL
    return found


async def test_each_step_is_told_what_the_last_one_found(url: str) -> None:
    async with Store.at(url, SystemClock()) as store:
        async with store.begin() as tx:
            found = await play(tx.connection, _moved("a"))
        async with store.read() as tx:
            kept = await rows_of(tx.connection, ALL)

    assert found == kept == [("script:a", 7), ("script:b", 8), ("script:c", 2)]


async def test_nothing_of_a_script_that_is_refused_is_kept_and_no_row_is_quoted(url: str) -> None:
    async with Store.at(url, SystemClock()) as store:
        with pytest.raises(IntegrityError) as refused:
            async with store.begin() as tx:
                await play(tx.connection, _moved("b"))  # a name that is there twice

        async with store.read() as tx:
            assert await rows_of(tx.connection, ALL) == []
    assert "script:b" not in str(refused.value)


async def test_what_waits_to_be_written_goes_before_a_script(url: str) -> None:
    async with Store.at(url, SystemClock()) as store, store.begin() as tx:
        tx.together.add(1, _COUNT, {"name": "script:a", "value": 1})
        seen = await rows_of(tx.connection, ALL)

    assert seen == [("script:a", 1)]


async def test_who_only_looks_cannot_write_by_a_script_either(url: str) -> None:
    async with Store.at(url, SystemClock()) as store:
        with pytest.raises((StoreUnavailable, DBAPIError)):
            async with store.read() as tx:
                await tell(tx.connection, Tell("UPDATE counter SET value = ?", [(1,)]))


async def test_a_script_whose_player_is_cancelled_leaves_nothing_behind(url: str) -> None:
    async with Store.at(url, SystemClock()) as store:
        began = asyncio.Event()
        loop = asyncio.get_running_loop()

        def slowly() -> Script[None]:
            yield Add("counter", COUNTER, [("script:a", 1)])
            loop.call_soon_threadsafe(began.set)
            yield Ask("SELECT 1")

        async def playing() -> None:
            async with store.begin() as tx:
                await play(tx.connection, slowly())
                await asyncio.Event().wait()

        task = asyncio.create_task(playing())
        await began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

        async with store.begin() as tx:
            assert await rows_of(tx.connection, ALL) == []


@ON_A_FILE
async def test_a_handle_that_met_an_input_or_output_error_is_not_used_again(url: str) -> None:
    async with Store.at(url, SystemClock()) as store:

        def broken() -> Script[None]:
            yield Ask("SELECT 1")
            raise sqlite3.OperationalError("disk I/O error")

        handles: list[Any] = []
        for script in (broken, lambda: _moved("a")):
            try:
                async with store.begin() as tx:
                    handles.append((await tx.connection.get_raw_connection()).dbapi_connection)
                    await tx.connection.execute(text("SELECT 1"))
                    await play(tx.connection, script())
            except StoreUnavailable:
                assert script is broken

        assert handles[0] is not handles[1]
