"""A red order meets the buyer's wallet: what a card says before it is sent, and what the card is told after."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from daemon_parts import Daemon
from stage_parts import Open

from syncd.domain.lifecycle import Hold, Phase, State
from syncd.domain.release import Change, Standing, release
from syncd.domain.wallet import CardRef, Reimburse
from syncd.sandbox import Sandbox
from syncd.stages.wallet.keeping import keep_cards
from syncd.store.instants import to_ms

FORM = "saveInvoiceRedConfirm"


@asynccontextmanager
async def reversing(
    sandbox: Sandbox, daemon: Open, status: str, kind: int = 0, **settings: Any
) -> AsyncIterator[tuple[Daemon, Any, str]]:
    """A blue that lies in its buyer's wallet with this status, and a red order for it that was just made."""
    yuannian = {**sandbox.describe()["yuannian"], "timeout": "2s", **settings}
    async with daemon(yuannian=yuannian) as d:
        blue = sandbox.wdt.put_order({"invoice_type": kind} if kind else {})
        await d.comes_to(blue, State.DONE60)
        row = sandbox.wdt.order(blue)
        card = sandbox.yuannian.put_card(row["invoice_no"], row["invoice_code"] or "", openid="o1")
        merchant = d.app.parties.merchants[0]
        assert merchant.wallet is not None
        assert merchant.wallet_rules is not None
        found = await merchant.wallet.import_cards([CardRef(card.card_id, card.encrypt_code)], "")
        async with d.app.store.begin() as tx:
            codes = {card.card_id: card.encrypt_code}
            await keep_cards(tx, merchant.sid, "m001", merchant.wallet_rules.seal, found, codes=codes)
        sandbox.yuannian.set_status(card.card_id, status, by="employer")
        d.clock.advance(timedelta(minutes=10))
        yield d, card, sandbox.wdt.put_red_of(blue)


async def test_a_locked_card_is_waited_for_and_then_the_red_goes(sandbox: Sandbox, daemon: Open) -> None:
    async with reversing(sandbox, daemon, "LOCK", red_guard="block") as (d, card, red):
        await d.until(lambda: _waits(d, red))
        await d.pass_by(timedelta(minutes=17))
        assert len(sandbox.nuonuo.calls.of(FORM)) == 0
        told = [entry.facts["why"] for entry in await d.story(red) if entry.event == "order.waiting_blue"]
        assert told == ["card_looked_at", "card_lock"]  # each once, however often it is looked again

        sandbox.yuannian.set_status(card.card_id, "INIT", by="employer")
        await d.comes_to(red, State.DONE60, timedelta(hours=1))


async def _waits(d: Daemon, red: str) -> bool:
    known = await d.orders()
    return red in known and known[red].phase is Phase.WAITING_BLUE


@pytest.mark.parametrize(("status", "code"), [("CLOSURE", "card_closed"), ("CANCEL", "card_cancelled")])
async def test_a_consumed_card_is_a_persons_and_once_released_it_is_not_held_again(
    sandbox: Sandbox, daemon: Open, status: str, code: str
) -> None:
    async with reversing(sandbox, daemon, status, red_guard="block") as (d, _, red):
        held = await d.comes_to(red, State.HOLD)
        assert (held.hold, held.hold_facts["code"]) == (Hold.RED_BLUE_MISMATCH, code)
        assert len(sandbox.nuonuo.calls.of(FORM)) == 0

        await _released(d, red)
        await d.comes_to(red, State.DONE60, timedelta(hours=1))


async def _released(d: Daemon, red: str) -> None:
    """As `syncd orders release` does it."""
    async with d.app.store.begin() as tx:
        [order] = await tx.orders.by_no(red)
        code = order.hold_facts["code"]
        standing = Standing(order.state, order.phase, order.wdt_status, order.hold, order.held_from, code=code)
        change = release(standing, tx.now)
        assert isinstance(change, Change)
        assert change.event is not None
        await tx.orders.move(order, change.event, **{**change.columns, "next_at": to_ms(tx.now)})
        await tx.journal.add("order.released", order_id=order.id, merchant="m001", hold=order.hold, code=code)
        await tx.units.wake("push", "m001")


@pytest.mark.parametrize("status", ["LOCK", "CLOSURE"])
async def test_a_guard_that_only_warns_writes_it_down_and_the_red_goes(
    sandbox: Sandbox, daemon: Open, status: str
) -> None:
    async with reversing(sandbox, daemon, status, red_guard="warn") as (d, _, red):
        await d.comes_to(red, State.DONE60, timedelta(hours=1))
        warned = [entry.facts["why"] for entry in await d.story(red) if entry.event == "order.wallet_warned"]

    assert warned == [status.lower()]


async def test_a_wallet_that_is_down_delays_nothing(sandbox: Sandbox, daemon: Open) -> None:
    async with reversing(sandbox, daemon, "LOCK", red_guard="block") as (d, _, red):
        sandbox.yuannian.switches.down = "502"
        began = d.clock.world

        await d.comes_to(red, State.ISSUED)
        story = await d.story(red)

    assert d.clock.world - began < timedelta(minutes=3)
    assert [entry.facts["why"] for entry in story if entry.event == "order.wallet_warned"] == ["unknown"]


async def test_the_card_is_cancelled_only_when_the_red_has_its_number(sandbox: Sandbox, daemon: Open) -> None:
    sandbox.yuannian.switches.allow_cancel = True
    sandbox.nuonuo.switches.red_delay = 60.0
    async with reversing(sandbox, daemon, "INIT", red_guard="block", allow_cancel=True) as (d, card, red):
        await d.comes_to(red, State.INTENT)
        assert sandbox.yuannian.cards[card.card_id].status == Reimburse.INIT

        await d.comes_to(red, State.DONE60, timedelta(hours=1))

        async def cancelled() -> bool:
            return sandbox.yuannian.cards[card.card_id].status == Reimburse.CANCEL

        await d.until(cancelled, timedelta(hours=1))
        story = [entry.event for entry in await d.story(red)]

    assert story.index("order.issued") < story.index("wallet.owed") < story.index("wallet.cancelled")


async def test_a_card_with_the_same_eight_digits_is_not_cancelled(sandbox: Sandbox, daemon: Open) -> None:
    """Eight digits are used again under each code, and what the search shows of somebody else's card may lack one."""
    sandbox.yuannian.switches.allow_cancel = True
    async with reversing(sandbox, daemon, "INIT", kind=1, allow_cancel=True) as (d, card, red):
        merchant = d.app.parties.merchants[0]
        assert merchant.wallet is not None
        assert merchant.wallet_rules is not None
        another = sandbox.yuannian.put_card(card.number, openid="o2", gross="50.00")
        found = await merchant.wallet.import_cards([CardRef(another.card_id, another.encrypt_code)], "")
        async with d.app.store.begin() as tx:
            codes = {another.card_id: another.encrypt_code}
            await keep_cards(tx, merchant.sid, "m001", merchant.wallet_rules.seal, found, codes=codes)
        await d.comes_to(red, State.DONE60, timedelta(hours=1))

        async def told() -> bool:
            return bool(sandbox.yuannian.calls.of("status.update"))

        await d.until(told, timedelta(hours=1))

    statuses = [sandbox.yuannian.cards[one.card_id].status for one in (card, another)]
    assert statuses == [Reimburse.CANCEL, Reimburse.INIT]
