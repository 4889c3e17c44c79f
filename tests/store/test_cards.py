"""The mirror of cards, and what is owed to them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from daemon_parts import VirtualClock
from store_parts import SID, M, keep, row, the

from syncd.domain.wallet import Card, Reimburse
from syncd.store.cards import CardView, Kept
from syncd.store.store import Store, Tx

INIT, LOCK, CLOSURE, CANCEL = Reimburse


def card(card_id: str = "c1", status: Reimburse = INIT, **changes: Any) -> Card:
    fields: dict[str, Any] = {"number": "26332000000000000001", "code": "", "gross": Decimal("113.00"), **changes}
    return Card(card_id=card_id, status=status, status_text=status.value, **fields)


def seen(status: Reimburse = INIT, *, fresh: bool = False, **changes: Any) -> Kept:
    return Kept(card(status=status, **changes), b"sealed", fresh)


async def kept(tx: Tx, *cards: Kept) -> CardView:
    await tx.cards.keep(SID, M, cards)
    found = await tx.cards.of_invoice(M, "26332000000000000001")
    assert found is not None
    return found


async def test_a_card_that_is_shown_many_times_is_one_row(store: Store) -> None:
    """The platform counts imports, not cards."""
    async with store.begin() as tx:
        new = await tx.cards.keep(SID, M, [seen(), seen(), seen(card_id="c2")])
        again = await tx.cards.keep(SID, M, [seen(biz_code="BX1")])
        every = await tx.cards.all()

    assert (new, again) == (2, 0)
    assert sorted(one.card_id for one in every) == ["c1", "c2"]
    assert {one.biz_code for one in every} == {"", "BX1"}


async def test_what_the_search_leaves_out_is_not_forgotten(store: Store) -> None:
    async with store.begin() as tx:
        await kept(tx, seen(fresh=True, code="", biz_code="BX1", seller_tax_no="T1"))
        found = await kept(tx, seen(biz_code="", seller_tax_no="", gross=None))

    assert (found.biz_code, found.seller_tax_no, found.gross) == ("BX1", "T1", Decimal("113.00"))


@pytest.mark.parametrize(
    ("first", "then", "stands"),
    [
        (seen(LOCK, fresh=True), seen(INIT), LOCK),
        (seen(LOCK), seen(INIT), INIT),
        (seen(INIT, fresh=True), seen(CLOSURE), CLOSURE),
        (seen(LOCK, fresh=True), seen(INIT, fresh=True), INIT),
    ],
    ids=["stale", "newest", "final", "fresh"],
)
async def test_the_search_may_be_stale_and_a_fresh_look_counts(
    store: Store, first: Kept, then: Kept, stands: Reimburse
) -> None:
    async with store.begin() as tx:
        await kept(tx, first)
        found = await kept(tx, then)

    assert found.status is stands


SELLER, TOTAL = "339902999999789113", Decimal("113.00")


async def test_a_card_of_eight_digits_is_found_by_number_and_code(store: Store) -> None:
    async with store.begin() as tx:
        await tx.cards.keep(SID, M, [seen(number="14869350", code="012001800211")])
        ours = await tx.cards.of_invoice(M, "14869350", "012001800211")
        without = await tx.cards.of_invoice(M, "14869350")
        other = await tx.cards.of_invoice(M, "14869350", "012001800212")
        elsewhere = await tx.cards.of_invoice("m002", "14869350", "012001800211")

    assert ours is not None
    assert (without, other, elsewhere, await _nothing(store)) == (None, None, None, None)


async def test_a_card_that_shows_another_code_or_none_is_never_taken_before_the_very_one(store: Store) -> None:
    """Eight digits are used again under each code: another buyer's card may share them."""
    cards = [
        seen(card_id="ours", number="14869350", code="012001800211"),
        seen(card_id="codeless", number="14869350", fresh=True, seller_tax_no=SELLER),
        seen(card_id="another", number="14869350", code="012001800212", fresh=True, seller_tax_no=SELLER),
    ]
    async with store.begin() as tx:
        await tx.cards.keep(SID, M, cards)
        found = await tx.cards.of_invoice(M, "14869350", "012001800211", seller_tax_no=SELLER, gross=TOTAL)

    assert found is not None
    assert found.card_id == "ours"


@pytest.mark.parametrize(
    ("shown", "is_ours"),
    [
        ({"seller_tax_no": SELLER}, True),
        ({"seller_tax_no": SELLER, "gross": Decimal("50.00")}, False),
        ({"seller_tax_no": SELLER, "gross": None}, False),
        ({"seller_tax_no": "91110302562134916R"}, False),
        ({}, False),
    ],
)
async def test_a_card_without_a_code_is_ours_only_where_seller_and_total_agree(
    store: Store, shown: dict[str, Any], is_ours: bool
) -> None:
    async with store.begin() as tx:
        await tx.cards.keep(SID, M, [seen(number="14869350", **shown)])
        found = await tx.cards.of_invoice(M, "14869350", "012001800211", seller_tax_no=SELLER, gross=TOTAL)
        unknown = await tx.cards.of_invoice(M, "14869350", "012001800211")

    assert (found is not None, unknown) == (is_ours, None)


async def _nothing(store: Store) -> CardView | None:
    async with store.read() as tx:
        return await tx.cards.of_invoice(M, "")


async def test_of_two_cards_of_one_invoice_the_one_looked_at_last_counts(store: Store, clock: VirtualClock) -> None:
    async with store.begin() as tx:
        await tx.cards.keep(SID, M, [seen(LOCK, fresh=True)])
    clock.advance(60)
    async with store.begin() as tx:
        await tx.cards.keep(SID, M, [seen(CLOSURE, fresh=True, card_id="c2"), seen(card_id="c3")])
        found = await tx.cards.of_invoice(M, "26332000000000000001")

    assert found is not None
    assert found.card_id == "c2"


async def test_a_look_that_two_want_is_had_once_and_wakes_the_stage(store: Store, clock: VirtualClock) -> None:
    async with store.begin() as tx:
        await tx.units.ensure("wallet", M)
        found = await kept(tx, seen(LOCK, fresh=True))
        await tx.cards.want_look(found)
    wanted_at = clock.now()
    clock.advance(30)
    async with store.begin() as tx:
        again = await kept(tx, seen())
        await tx.cards.want_look(again)
        due = await tx.units.due("wallet")
        (waiting,) = await tx.cards.wanted(M, 10)
        answered = await kept(tx, seen(LOCK, fresh=True))

    assert (due, waiting.wanted_at) == ([M], wanted_at)
    assert (answered.wanted_at, answered.looked_at) == (None, clock.now())


async def test_a_look_that_was_missed_is_answered_too(store: Store, clock: VirtualClock) -> None:
    async with store.begin() as tx:
        found = await kept(tx, seen())
        await tx.cards.want_look(found)
        await tx.cards.missed([found.id], "http_502")
        missed = await kept(tx, seen())
        looked = await kept(tx, seen(fresh=True))

    assert (missed.wanted_at, missed.missed_at, missed.missed_why) == (None, clock.now(), "http_502")
    assert (looked.looked_at, looked.missed_at, looked.missed_why) == (clock.now(), None, "")


async def test_a_merchants_new_name_takes_its_cards_along(store: Store) -> None:
    async with store.begin() as tx:
        await kept(tx, seen())
        await tx.orders.rename(SID, "m009")
        found = await tx.cards.of_invoice("m009", "26332000000000000001")

    assert found is not None


# -- what is owed ------------------------------------------------------------------------------------------------------


async def test_a_card_is_owed_its_end_once(store: Store, clock: VirtualClock) -> None:
    """Whichever red order reversed its invoice, and however often that is recorded."""
    async with store.begin() as tx:
        await keep(tx, row("R1"), row("R2"))
        found = await kept(tx, seen())
        first, second = await the(tx, "R1"), await the(tx, "R2")
        owed = [await tx.cancels.owe(order.id, M, found.id) for order in (first, first, second)]
        (debt,) = await tx.cancels.due(M, 10)

    assert owed == [True, False, False]
    assert (debt.card, debt.order_id, debt.state, debt.tries) == (found.id, first.id, "owed", 0)


async def test_a_debt_waits_is_said_and_is_paid(store: Store, clock: VirtualClock) -> None:
    async with store.begin() as tx:
        await keep(tx, row("R1"))
        found = await kept(tx, seen())
        await tx.cancels.owe((await the(tx, "R1")).id, M, found.id)
        (debt,) = await tx.cancels.due(M, 10)
        await tx.cancels.again_at(debt.id, tx.now + timedelta(minutes=1))
        waits = await tx.cancels.due(M, 10), await tx.cancels.next_due(M)
        said = await tx.cancels.sending(debt.id, tx.now)
        (sent,) = await tx.cancels.due(M, 10)
        await tx.cancels.paid(debt.id)
        late = await tx.cancels.sending(debt.id, tx.now)
        left = await tx.cancels.next_due(M)

    assert waits == ([], clock.now() + timedelta(minutes=1))
    assert (said, sent.state, sent.tries) == (True, "sent", 1)
    assert (late, left) == (False, None)


async def test_what_was_given_up_may_be_owed_by_a_later_red(store: Store) -> None:
    async with store.begin() as tx:
        await keep(tx, row("R1"), row("R2"))
        found = await kept(tx, seen())
        await tx.cancels.owe((await the(tx, "R1")).id, M, found.id)
        (debt,) = await tx.cancels.due(M, 10)
        await tx.cancels.give_up(debt.id, "closure")
        again = await tx.cancels.owe((await the(tx, "R2")).id, M, found.id)

    assert again


async def test_what_is_owed_to_wdt_is_another_matter(store: Store) -> None:
    """Voiding one leaves the other alone: one order may owe several parties, and none blocks another."""
    async with store.begin() as tx:
        await keep(tx, row("R1"))
        order = await the(tx, "R1")
        await tx.cancels.owe(order.id, M, (await kept(tx, seen())).id)
        await tx.debts.owe(order.id, M, kind="60", generation=0, revision=0)
        await tx.debts.void(order.id)

        assert len(await tx.cancels.due(M, 10)) == 1
        assert await tx.debts.due(M, "owed", 10) == []
