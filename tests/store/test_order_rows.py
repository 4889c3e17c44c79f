"""The bytes of a row stand beside its order: written with it, read where they are wanted, and never missed silently."""

from __future__ import annotations

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError
from store_parts import AT, M, at, keep, raw, row, the, url_of

from syncd.domain.lifecycle import Hold
from syncd.domain.order import MerchantName
from syncd.store.order_view import RowMissing
from syncd.store.schema import order_row
from syncd.store.sightings import Seen
from syncd.store.soundness import contradictions
from syncd.store.store import Store

WITH_ROWS = "SELECT no, raw FROM invoice_order JOIN order_row ON order_id = id ORDER BY id"


def without_its_row(store: Store, no: str) -> None:
    """Somebody else has been at the store, and its triggers did not stop him."""
    with raw(store) as db:
        let = "DROP TRIGGER row_is_never_deleted" if store.path else "SET session_replication_role = replica"
        db.execute(let)
        db.execute("DELETE FROM order_row WHERE order_id = (SELECT id FROM invoice_order WHERE no = ?)", (no,))


async def test_each_order_has_its_own_bytes_in_whatever_order_they_came(store: Store) -> None:
    """More than one statement takes, of two tenants, and some of a page known already."""
    first, second = [row(f"FP{n}") for n in range(0, 40, 2)], [row(f"FP{n}") for n in range(33)]
    async with store.begin() as tx:
        await keep(tx, *first)
        await tx.sightings.keep(MerchantName("m002"), "other_sid", [row("FP7", version=9)], Seen(1, AT))
        await keep(tx, *second, seq=2)

    with raw(store) as db:
        found = [(no, bytes(stored)) for no, stored in db.execute(WITH_ROWS).fetchall()]
    expected = {(one.no, one.raw) for one in (*first, *second, row("FP7", version=9))}
    assert len(found) == len(expected)
    assert set(found) == expected
    async with store.read() as tx:
        whole = await tx.orders.whole([order.id for order in await tx.board.orders()])
        assert {(order.no, order.raw) for order in whole.values()} == expected
        assert {order.raw for order in await tx.orders.to_push(M, AT, 50)} == {one.raw for one in (*first, *second)}


async def test_the_bytes_change_with_their_order_and_with_nothing_else(store: Store) -> None:
    async with store.begin() as tx:
        await keep(tx, row("FP1"), row("FP2"))
        await tx.orders.hold(await the(tx, "FP1"), Hold.BY_OPERATOR, {})
        await keep(tx, row("FP1", version=2), row("FP2"), seq=2, seen_at=at(1))

        assert (await the(tx, "FP1")).raw == row("FP1", version=2).raw
        assert (await the(tx, "FP2")).raw == row("FP2").raw


async def test_a_row_without_its_order_is_refused(store: Store) -> None:
    with pytest.raises(IntegrityError, match=r"FOREIGN KEY|foreign key"):
        async with store.begin() as tx:
            await tx.connection.execute(insert(order_row).values(order_id=7, raw=b"{}"))


async def test_an_order_without_its_row_is_heard_of_by_whoever_wants_to_read_it(store: Store) -> None:
    """It is not left out of what is due, and its bytes are not taken for empty ones."""
    async with store.begin() as tx:
        await keep(tx, row("FP1"), row("FP2"))
    without_its_row(store, "FP1")

    async with store.read() as tx:
        due = {order.no: order for order in await tx.orders.to_push(M, AT, 10)}
        shown = await the(tx, "FP1")

    assert due.keys() == {"FP1", "FP2"}
    assert due["FP2"].raw == row("FP2").raw
    for order in (due["FP1"], shown):
        with pytest.raises(RowMissing, match="FP1"):
            _ = order.raw
    assert [(one.rule, one.example) for one in contradictions(url_of(store))] == [("order_without_row", "FP1")]


async def test_a_change_of_an_order_without_its_row_keeps_nothing_of_its_page(store: Store) -> None:
    async with store.begin() as tx:
        await keep(tx, row("FP1"), row("FP2"))
    without_its_row(store, "FP1")

    with pytest.raises(RowMissing):
        async with store.begin() as tx:
            await keep(tx, row("FP1", version=2), row("FP2", version=2), row("FP3"), seq=2)

    async with store.read() as tx:
        assert {order.no for order in await tx.board.orders()} == {"FP1", "FP2"}
        assert (await the(tx, "FP2")).raw == row("FP2").raw
