from __future__ import annotations

from typing import Any

import pytest
from daemon_parts import VirtualClock
from sqlalchemy.exc import IntegrityError
from store_parts import AT, M, at, raw, submitted

from syncd.store.debts import CLOSE_LOOK, FAILED, ISSUED, Debt
from syncd.store.orders import OrderId
from syncd.store.store import Store


@pytest.fixture
async def order_id(store: Store) -> OrderId:
    return (await submitted(store)).order_id


async def owe(store: Store, order_id: OrderId, kind: str = ISSUED, **changes: Any) -> None:
    cause = {"generation": 0, "revision": 0, **changes}
    async with store.begin() as tx:
        await tx.debts.owe(order_id, M, kind=kind, **cause)


async def due(store: Store, state: str = "owed") -> list[Debt]:
    async with store.read() as tx:
        return await tx.debts.due(M, state, 10)


def states(store: Store) -> list[tuple[str, str]]:
    with raw(store) as db:
        return db.execute("SELECT kind, state FROM debt ORDER BY id").fetchall()


async def test_what_is_owed_is_due_at_once(store: Store, order_id: OrderId) -> None:
    await owe(store, order_id)

    assert [(debt.kind, debt.tries, debt.owed_at) for debt in await due(store)] == [(ISSUED, 0, AT)]


async def test_owing_the_same_twice_is_owing_it_once(store: Store, order_id: OrderId) -> None:
    await owe(store, order_id)
    await owe(store, order_id)

    assert states(store) == [(ISSUED, "owed")]


async def test_a_new_end_of_an_order_voids_the_one_owed_before(store: Store, order_id: OrderId) -> None:
    """A late issue after an 85 that was never sent: only the 60 is owed."""
    await owe(store, order_id, FAILED)
    await owe(store, order_id, ISSUED)

    assert states(store) == [(FAILED, "void"), (ISSUED, "owed")]
    assert [debt.kind for debt in await due(store)] == [ISSUED]


async def test_a_debt_that_was_paid_or_voided_can_be_owed_again(store: Store, order_id: OrderId) -> None:
    await owe(store, order_id, text="E9101: no")
    (first,) = await due(store)
    async with store.begin() as tx:
        await tx.debts.mark_sent([first.id], at(2))
        await tx.debts.paid(first)
    await owe(store, order_id)

    (again,) = await due(store)
    assert (again.id, again.tries, again.sent_at) == (first.id, 0, None)


async def test_a_debt_is_sent_before_it_is_sent_and_paid_on_proof(
    store: Store, order_id: OrderId, clock: VirtualClock
) -> None:
    await owe(store, order_id)
    (debt,) = await due(store)
    async with store.begin() as tx:
        await tx.debts.mark_sent([debt.id], at(2))

    assert await due(store) == []
    assert await due(store, "sent") == []
    clock.advance(2)
    (sent,) = await due(store, "sent")
    assert (sent.tries, sent.looks, sent.sent_at) == (1, 0, AT)

    async with store.begin() as tx:
        await tx.debts.paid(debt)
    assert states(store) == [(ISSUED, "paid")]
    assert await due(store, "sent") == []


async def test_a_look_that_proves_nothing_is_counted_and_repeated_later(
    store: Store, order_id: OrderId, clock: VirtualClock
) -> None:
    await owe(store, order_id)
    (debt,) = await due(store)
    async with store.begin() as tx:
        await tx.debts.mark_sent([debt.id], AT)
        await tx.debts.look_again(debt, at(3))

    assert await due(store, "sent") == []
    clock.advance(3)
    assert [debt.looks for debt in await due(store, "sent")] == [1]


async def test_what_was_sent_is_sought_with_when_its_order_was_last_seen(
    store: Store, order_id: OrderId, clock: VirtualClock
) -> None:
    await owe(store, order_id)
    (debt,) = await due(store)
    async with store.begin() as tx:
        await tx.debts.mark_sent([debt.id], at(2))
        early = await tx.debts.sought(M, 10)
    clock.advance(2)
    async with store.begin() as tx:
        (sought,) = await tx.debts.sought(M, 10)
        (sent,) = await tx.debts.sent([sought.id])
        order = (await tx.orders.by_ids([order_id]))[order_id]
        await tx.debts.void(order_id)
        gone = await tx.debts.sent([sought.id])

    assert early == gone == []
    assert (sought.id, sought.order_id, sought.no, sought.looks) == (debt.id, order_id, order.no, 0)
    assert (sought.sent_at, sought.seen_at) == (AT, order.seen_at)
    assert (sent.state, sent.tries, sent.sent_at) == ("sent", 1, AT)


async def test_what_wdt_said_no_to_is_looked_at_closely_and_now(store: Store, order_id: OrderId) -> None:
    await owe(store, order_id)
    (debt,) = await due(store)
    async with store.begin() as tx:
        await tx.debts.mark_sent([debt.id], at(60))
        await tx.debts.doubt([debt.id])

    assert [debt.looks for debt in await due(store, "sent")] == [CLOSE_LOOK]


async def test_what_was_not_applied_is_owed_again_later(store: Store, order_id: OrderId, clock: VirtualClock) -> None:
    await owe(store, order_id)
    (debt,) = await due(store)
    async with store.begin() as tx:
        await tx.debts.mark_sent([debt.id], AT)
        await tx.debts.owe_again([debt.id], at(3))

    assert await due(store) == []
    clock.advance(3)
    assert [debt.tries for debt in await due(store)] == [1]


async def test_waking_an_order_looks_at_its_open_debt_alone(store: Store, order_id: OrderId) -> None:
    await owe(store, order_id, FAILED)
    await owe(store, order_id, ISSUED)
    (debt,) = await due(store)
    async with store.begin() as tx:
        await tx.debts.postpone([debt.id], at(600))
    assert await due(store) == []

    async with store.begin() as tx:
        await tx.debts.wake(order_id)

    assert [debt.kind for debt in await due(store)] == [ISSUED]
    assert states(store)[0] == (FAILED, "void")


async def test_a_voided_debt_is_never_due(store: Store, order_id: OrderId) -> None:
    await owe(store, order_id)
    async with store.begin() as tx:
        await tx.debts.void(order_id)
        assert await tx.board.debts() == {}

    assert await due(store) == []
    assert states(store) == [(ISSUED, "void")]


async def test_one_cause_makes_one_row(store: Store, order_id: OrderId) -> None:
    await owe(store, order_id)

    with raw(store) as db, pytest.raises(Exception, match=r"UNIQUE constraint failed: debt\.order_id|uq_debt_cause"):
        db.execute(
            "INSERT INTO debt (order_id, merchant, target, kind, generation, revision, state, next_at, owed_at)"
            " SELECT order_id, merchant, target, kind, generation, revision, 'owed', 0, 0 FROM debt"
        )


async def test_a_debt_of_no_order_cannot_be(store: Store) -> None:
    with pytest.raises(IntegrityError, match=r"FOREIGN KEY|foreign key"):
        await owe(store, OrderId(99))


@pytest.mark.parametrize("change", ["state = 'forgotten'", "target = 'nobody'", "tries = 'many'"])
async def test_the_database_refuses_a_debt_to_nobody(store: Store, order_id: OrderId, change: str) -> None:
    await owe(store, order_id)

    with raw(store) as db, pytest.raises(Exception, match=r"ck_debt|cannot store|invalid input syntax"):
        db.execute(f"UPDATE debt SET {change}")
