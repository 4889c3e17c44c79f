"""A statement that is asked by script finds what SQLAlchemy would have found, on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Select, bindparam, select, update
from store_parts import ON_A_FILE, keep, row, the

from syncd.domain.lifecycle import Event, Phase, State
from syncd.domain.order import WdtStatus
from syncd.store import question, reds
from syncd.store.question import Among
from syncd.store.schema import invoice_order
from syncd.store.script import rows_of
from syncd.store.store import Store

T = invoice_order.c
NUMBERS = ("FP1", "FP2", "FP3")


def named(*conditions: Any) -> Select[Any]:
    return select(T.no, T.state, T.content_hash).where(*conditions).order_by(T.no)


@pytest.mark.parametrize(
    ("statement", "cells"),
    [
        (named(), {}),
        (named(T.no == bindparam("no")), {"no": "FP2"}),
        (named(T.no == bindparam("no")), {"no": "another"}),
        (named(T.state == State.PENDING, T.wdt_status == WdtStatus.WAITING), {}),
        (named(T.phase.in_((Phase.NONE, Phase.WAITING_BLUE)), T.doubted_at.is_(None)), {}),
        (named(T.seq <= bindparam("seq")).limit(bindparam("most")), {"seq": 1, "most": 2}),
        (named().limit(1), {}),
    ],
    ids=["all", "a cell", "nothing", "enumerations", "one of several", "a limit", "a limit of its own"],
)
async def test_it_finds_what_sqlalchemy_finds(store: Store, statement: Select[Any], cells: dict[str, Any]) -> None:
    async with store.begin() as tx:
        await keep(tx, *(row(no) for no in NUMBERS))
        found = await question.rows(tx.connection, statement, **cells)
        expected = (await tx.connection.execute(statement, cells)).all()

    assert [tuple(one) for one in found] == [tuple(one) for one in expected]


@pytest.mark.parametrize("wanted", [[], ["FP2"], ["FP3", "FP1", "another"], ['a "quoted" one', "中文", "FP1"]])
async def test_any_count_of_names_is_asked_for_in_the_same_words(store: Store, wanted: list[str]) -> None:
    async with store.begin() as tx:
        await keep(tx, *(row(no) for no in NUMBERS))
        asked = question.question(tx.connection, named(Among(T.no, "those", "TEXT")), those=wanted)
        found = await question.rows(tx.connection, named(Among(T.no, "those", "TEXT")), those=wanted)
        ids = [(await the(tx, no)).id for no in NUMBERS if no in wanted]
        by_id = await question.rows(tx.connection, named(Among(T.id, "those")), those=list(map(int, ids)))

    assert [one[0] for one in found] == [one[0] for one in by_id] == sorted(set(wanted) & set(NUMBERS))
    assert asked.sql.count("?") == 1


async def test_several_are_answered_in_their_order_and_one_by_its_first_cell(store: Store) -> None:
    async with store.begin() as tx:
        await keep(tx, *(row(no) for no in NUMBERS))
        one = named(T.no == bindparam("no"))
        asked = [question.question(tx.connection, one, no=no) for no in ("FP3", "none", "FP1")]
        found = await question.answers(tx.connection, asked)

        assert [[cells[0] for cells in rows] for rows in found] == [["FP3"], [], ["FP1"]]
        assert await question.first(tx.connection, one, no="FP2") == "FP2"
        assert await question.first(tx.connection, one, no="none") is None


async def test_a_cell_that_nobody_gives_is_not_taken_for_null(store: Store) -> None:
    async with store.begin() as tx:
        with pytest.raises(KeyError, match="of_number"):
            await question.rows(tx.connection, named(T.no == bindparam("of_number")), number="FP1")


async def test_what_waits_to_be_written_is_seen_and_stays_guarded_by_what_was_read(store: Store) -> None:
    """Looking changes no order, so that what is known of them still is; plain words may have changed any of them."""
    of_state = select(T.no).where(T.state == State.INTENT)
    async with store.begin() as tx:
        await keep(tx, row("FP1"))
        order = await the(tx, "FP1")
        await tx.orders.move(order, Event.INTENDED, phase=Phase.SENT)
        seen = await question.rows(tx.connection, of_state)
        known = dict(tx.together.known)
        waking = update(invoice_order).where(T.id == bindparam("one")).values(tries=1).returning(T.tries)
        changed = await rows_of(tx.connection, question.question(tx.connection, waking, one=int(order.id)))

        assert [tuple(one) for one in seen] == [("FP1",)]
        assert known == {order.id: (State.INTENT, Phase.SENT, WdtStatus.WAITING)}
        assert [tuple(one) for one in changed] == [(1,)]
        assert tx.together.known == {}


@ON_A_FILE
async def test_reds_that_wait_are_found_by_what_they_name_in_a_store_nobody_has_analysed(store: Store) -> None:
    """What waits may be a million orders; the words of a list alone tell SQLite nothing of how short it is."""
    async with store.begin() as tx:
        asked = question.question(tx.connection, reds._WAKE_WAITING, ended=["25332000000000000009"], now=0)
        plan = (await tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked.sql}", tuple(asked.values))).all()

    assert "USING INDEX ix_invoice_order_relation (relation=?)" in plan[0].detail
