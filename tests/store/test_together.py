"""Writes that are alike go to the database together, and nothing inside the transaction can tell."""

from __future__ import annotations

import pytest
from sqlalchemy import event, text
from store_parts import keep, raw, row, the, wanted

from syncd.domain.lifecycle import Event, Phase, State
from syncd.store import script
from syncd.store.orders import Stale
from syncd.store.script import executed, sent
from syncd.store.store import Store
from syncd.store.together import Torn
from syncd.store.units import LEASE

NUMBERS = [f"FP{number}" for number in range(20)]


async def test_twenty_intents_cost_as_many_statements_as_two(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async with store.begin() as tx:
        await keep(tx, *(row(no) for no in NUMBERS))
    costs = []
    for few in (NUMBERS[:2], NUMBERS[2:]):
        said: list[str] = []
        event.listen(
            store._writer.sync_engine, "before_cursor_execute", lambda *given, said=said: said.append(given[2])
        )
        monkeypatch.setattr(
            script, "executed", lambda db, step, said=said: (said.append(step.sql), executed(db, step))[1]
        )
        monkeypatch.setattr(script, "sent", lambda at, step, said=said: (said.append(step.sql), sent(at, step))[1])
        async with store.begin() as tx:
            orders = {no: await the(tx, no) for no in few}
            said.clear()
            await tx.submissions.foresee((order.id, wanted(no)) for no, order in orders.items())
            for no, order in orders.items():
                await tx.submissions.intend(order.id, wanted(no), epoch=1)
                await tx.orders.move(order, Event.INTENDED, phase=Phase.SENT)
                await tx.journal.add("order.intended", order_id=order.id)
        costs.append(len(said))

    assert costs[0] == costs[1] > len(("orders", "submissions", "requests", "journal"))


async def test_a_read_sees_what_waits_to_be_written(store: Store) -> None:
    async with store.begin() as tx:
        await keep(tx, row("FP1"))
        await tx.orders.move(await the(tx, "FP1"), Event.INTENDED, phase=Phase.SENT)

        assert (await the(tx, "FP1")).state is State.INTENT


async def test_steps_of_one_order_are_taken_in_their_order(store: Store) -> None:
    """Though the statements are shared with an order that takes them the other way round."""
    async with store.begin() as tx:
        await keep(tx, row("FP1"), row("FP2"))
        first, second = await the(tx, "FP1"), await the(tx, "FP2")
        await tx.orders.wait(first, tries=1)
        await tx.orders.wait(first, next_at=7)
        await tx.orders.wait(second, next_at=8)
        await tx.orders.wait(second, tries=2)
        await tx.orders.wait(first, tries=3)

    with raw(store) as db:
        found = db.execute("SELECT tries, next_at FROM invoice_order ORDER BY no").fetchall()
    assert [tuple(one) for one in found] == [(3, 7), (2, 8)]


async def test_a_decision_for_another_state_is_stale_at_once(store: Store) -> None:
    async with store.begin() as tx:
        await keep(tx, row("FP1"))
        before = await the(tx, "FP1")
        await tx.orders.move(before, Event.INTENDED, phase=Phase.SENT)

        with pytest.raises(Stale):
            await tx.orders.wait(before, tries=1)


async def test_a_guard_that_is_not_met_keeps_nothing_of_the_transaction(store: Store) -> None:
    async with store.begin() as tx:
        await keep(tx, row("FP1"))

    with pytest.raises(Torn):
        async with store.begin() as tx:
            order = await the(tx, "FP1")
            await tx.journal.add("order.intended", order_id=order.id)
            await tx.orders.wait(order, tries=1)
            behind_its_back = text("UPDATE invoice_order SET phase = 'left'")
            await tx.together._connection.execute(behind_its_back)

    async with store.read() as tx:
        assert await tx.journal.of(order.id) == []


async def test_who_is_woken_often_in_one_transaction_is_due_at_the_earliest(store: Store) -> None:
    async with store.begin() as tx:
        await tx.units.ensure("push", "m001")
        claim = await tx.units.claim("push", "m001", LEASE)
        assert claim is not None
        await tx.units.wake_by("push", "m001", 9_000_000_000_000)
        await tx.units.wake_by("push", "m001", 8_000_000_000_000)
        await tx.units.wake_by("push", "m001", 9_500_000_000_000)

    with raw(store) as db:
        assert db.execute("SELECT next_at FROM unit").fetchone()[0] == 8_000_000_000_000
