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
from syncd.store.script import Add, All, Ask, Script, Tell, play, rows_of, tell
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


_NEW = "INSERT INTO counter (name, value) VALUES (?, ?)"
_RAISE = "UPDATE counter SET value = value + 1 WHERE name = ?"


async def test_of_several_that_are_sent_together_each_is_told_what_it_found_itself(url: str) -> None:
    together = All(
        [
            Tell(_NEW, [("script:a", 1)]),
            Tell(_NEW, [("script:b", 2), ("script:c", 3)]),
            ALL,
            Tell(_RAISE, [("script:a",), ("script:x",), ("script:c",)]),
            Tell(_RAISE, [("script:x",)]),
            ALL,
        ]
    )

    def all_of(these: All) -> Script[list[Any]]:
        found: list[Any] = yield these
        return found

    async with Store.at(url, SystemClock()) as store, store.begin() as tx:
        found = await play(tx.connection, all_of(together))
        few = await play(tx.connection, all_of(All([Tell(_RAISE, [("script:b",)]), ALL])))

    before, after = ([("script:a", a), ("script:b", b), ("script:c", c)] for a, b, c in ((1, 2, 3), (2, 2, 4)))
    assert found == [1, 2, before, 2, 0, after]
    assert few == [1, [after[0], ("script:b", 3), after[2]]]


@pytest.mark.parametrize("rows", [1, 9, 10, 11, 25, 50, 99, 161])
async def test_however_many_rows_are_added_each_is_there_once(url: str, rows: int) -> None:
    cells = [(f"script:{number:03}", number) for number in range(rows)]

    def adding() -> Script[int]:
        added: int = yield Add("counter", COUNTER, cells)
        return added

    async with Store.at(url, SystemClock()) as store, store.begin() as tx:
        added = await play(tx.connection, adding())

        assert (added, await rows_of(tx.connection, ALL)) == (rows, cells)


@pytest.mark.parametrize("at", range(3))
async def test_where_one_of_several_is_refused_nothing_of_them_is_kept_and_no_row_is_quoted(url: str, at: int) -> None:
    steps = [Tell(_NEW, [(f"script:{name}", 1)]) for name in "abc"]
    steps[at] = Tell(_NEW, [("script:twice", 1), ("script:twice", 2)])

    def refused() -> Script[None]:
        yield All(steps)

    async with Store.at(url, SystemClock()) as store:
        with pytest.raises(IntegrityError) as error:
            async with store.begin() as tx:
                await play(tx.connection, refused())

        async with store.begin() as tx:
            assert await rows_of(tx.connection, ALL) == []
    assert "script:" not in str(error.value)


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
