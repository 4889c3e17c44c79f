"""The red gate with a real store and real parties: what waits, goes or is held; and nothing is sent too early."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from daemon_parts import Daemon
from sqlalchemy.exc import IntegrityError
from stage_parts import Open

from syncd.domain.lifecycle import Event, Hold, Phase, State
from syncd.domain.order import WdtStatus
from syncd.domain.release import Change, Standing, release
from syncd.sandbox import Sandbox
from syncd.sandbox.wdt.sample import red_row
from syncd.stages.turn import run_unit
from syncd.store.orders import OrderView

FORM = "saveInvoiceRedConfirm"
NUMBER = "26112000000123456789"


def forms(sandbox: Sandbox) -> list[str]:
    return [json.loads(call.body)["billId"] for call in sandbox.nuonuo.calls.of(FORM)]


def reds(sandbox: Sandbox) -> list[str]:
    return [invoice.blue_number for invoice in sandbox.nuonuo.ledger if invoice.colour == "red"]


async def issued(d: Daemon, sandbox: Sandbox, **fields: Any) -> str:
    no = sandbox.wdt.put_order(fields)
    await d.comes_to(no, State.DONE60)
    return no


async def waiting(d: Daemon, no: str) -> None:
    """Until the order waits for its blue."""

    async def waits() -> bool:
        known = await d.orders()
        return no in known and known[no].phase is Phase.WAITING_BLUE

    await d.until(waits)


async def why(d: Daemon, no: str) -> str:
    """The code of the order's hold."""
    order = await d.comes_to(no, State.HOLD, timedelta(hours=3))
    assert order.hold is Hold.RED_BLUE_MISMATCH
    return order.hold_facts["code"]


async def settled_outside(d: Daemon, held: OrderView) -> None:
    """As `syncd orders release NO --settled-outside` does it, once WDT does not wait for the order any more."""
    async with d.app.store.begin() as tx:
        standing = Standing(held.state, held.phase, WdtStatus.CANCELLED, held.hold, held.held_from)
        change = release(standing, tx.now, settled_outside=True)
        assert isinstance(change, Change)
        assert change.event is not None
        await tx.orders.move(held, change.event, **change.columns)


def just_now(sandbox: Sandbox) -> int:
    """For a red order that no earlier store can have known: when it was created, as WDT shows it."""
    return int(sandbox.wdt.now() * 1000)


def by_hand(sandbox: Sandbox, number: str = NUMBER, **fields: Any) -> str:
    """A blue that somebody issued at the bureau and entered in WDT; the bureau knows it."""
    no = sandbox.wdt.put_order({"status": 60, "invoice_no": number, **fields}, expect="none")
    row = sandbox.wdt.order(no)
    sandbox.nuonuo.declare_blue(number, Decimal(str(row["sum_price"])), Decimal(str(row["sum_tax"])))
    return no


async def test_a_red_waits_until_the_blue_it_names_is_known_to_be_issued(sandbox: Sandbox, daemon: Open) -> None:
    """F64: the clerk saw the number at the bureau; our own question about it has had no answer yet."""
    async with daemon() as d:
        sandbox.nuonuo.faults.force("queryInvoiceResult", "http_502_before", times=6)
        blue = sandbox.wdt.put_order({})
        await d.until(lambda: _true(sandbox.nuonuo.ledger))
        red = sandbox.wdt.put_red_of(blue, invoice_no=sandbox.nuonuo.ledger[0].number)
        await waiting(d, red)
        assert forms(sandbox) == []
        assert (await d.state(blue)) is State.INTENT

        await d.comes_to(red, State.DONE60, timedelta(hours=1))

    assert len(reds(sandbox)) == 1


async def _true(found: object) -> bool:
    return bool(found)


async def test_a_blue_that_wdt_shows_as_issued_is_evidence_enough(sandbox: Sandbox, daemon: Open) -> None:
    blue = by_hand(sandbox)
    red = sandbox.wdt.put_red_of(blue)

    async with daemon() as d:
        await d.comes_to(red, State.DONE60, timedelta(hours=1))

    assert reds(sandbox) == [NUMBER]


async def test_a_red_whose_row_is_corrected_is_looked_at_at_once(sandbox: Sandbox, daemon: Open) -> None:
    """It waited for a number that was mistyped: the stage that sends is woken by the page that shows the right one."""
    async with daemon() as d:
        blue = by_hand(sandbox)
        red = sandbox.wdt.put_red_of(blue, invoice_no="26112000000000000000")
        await waiting(d, red)
        sandbox.wdt.edit(red, relation_invoice_no_out=NUMBER)
        d.clock.advance(1)

        await d.turn("poll", "pending")

        async with d.app.store.read() as tx:
            due = {(unit.stage, unit.key): unit.next_at for unit in await tx.units.all()}
        assert (due["push", "m001"] or d.clock.now()) <= d.clock.now()


async def test_a_blue_nobody_knows_is_a_persons_in_the_end_and_nothing_is_sent(sandbox: Sandbox, daemon: Open) -> None:
    """F64."""
    blue = by_hand(sandbox)
    red = sandbox.wdt.put_red_of(blue, invoice_no="9" * 20, expect="hold")

    async with daemon(push={"red_wait": "10m"}) as d:
        assert await why(d, red) == "blue_unknown"

    assert forms(sandbox) == []


async def test_a_tax_control_blue_is_named_by_number_and_code(sandbox: Sandbox, daemon: Open) -> None:
    async with daemon() as d:
        blue = await issued(d, sandbox, invoice_type=1)
        red = sandbox.wdt.put_red_of(blue)

        await d.comes_to(red, State.DONE60)

    row = sandbox.wdt.order(blue)
    (call,) = sandbox.nuonuo.calls.of(FORM)
    body = json.loads(call.body)
    assert (body["blueInvoiceNumber"], body["blueInvoiceCode"]) == (row["invoice_no"], row["invoice_code"])
    assert "blueElecInvoiceNumber" not in body


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"relation_invoice_no_out": None}, "red_without_blue"),
        ({"relation_invoice_no_out": "14869350"}, "blue_number_malformed"),
        ({"payer_name": "示例科技有限公司", "payer_register_no": "91120222079642398Y"}, "blue_of_another_buyer"),
        ({"invoice_type": 1}, "red_kind_mismatch"),
    ],
)
async def test_a_red_that_does_not_fit_its_blue_is_held_with_the_reason(
    sandbox: Sandbox, daemon: Open, fields: dict[str, Any], code: str
) -> None:
    """F65."""
    async with daemon() as d:
        blue = await issued(d, sandbox)
        red = sandbox.wdt.put_red_of(blue, expect="hold", **fields)

        assert await why(d, red) == code

    assert forms(sandbox) == []


@pytest.mark.parametrize(("gross", "code"), [("100.00", "red_partial"), ("113.01", "red_over_blue")])
async def test_only_a_full_reversal_goes_by_itself(sandbox: Sandbox, daemon: Open, gross: str, code: str) -> None:
    """F65. A form without lines takes back all of the blue, whatever the order says."""
    async with daemon() as d:
        blue = await issued(d, sandbox)
        red = sandbox.wdt.put_red_of(blue, gross=Decimal(gross), expect="hold")

        assert await why(d, red) == code

    assert forms(sandbox) == []


async def test_another_sellers_blue_is_not_ours_to_reverse(sandbox: Sandbox, daemon: Open) -> None:
    blue = by_hand(sandbox, payee_register_no="91110302562134916R")
    red = sandbox.wdt.put_red_of(blue, expect="hold", payee_register_no="339902999999789113")

    async with daemon() as d:
        assert await why(d, red) == "blue_of_another_seller"

    assert forms(sandbox) == []


async def test_a_voided_blue_stays_void_whatever_becomes_of_its_order(sandbox: Sandbox, daemon: Open) -> None:
    """The hold is settled outside, and the order is held for nothing any more: its invoice is no less void."""
    sandbox.nuonuo.script(lambda order: True, "void")
    async with daemon() as d:
        blue = sandbox.wdt.put_order({}, expect="hold")
        held = await d.comes_to(blue, State.HOLD)
        assert held.hold is Hold.VOIDED_OUTSIDE
        (invoice,) = sandbox.nuonuo.ledger
        sandbox.wdt.edit(blue, status=60, invoice_no=invoice.number)
        red = sandbox.wdt.put_red_of(blue, expect="hold")
        await settled_outside(d, held)

        assert await why(d, red) == "blue_voided"
        assert (await d.order(blue)).hold is None

    assert forms(sandbox) == []


async def test_a_second_red_waits_for_the_first_and_is_held_when_that_one_was_issued(
    sandbox: Sandbox, daemon: Open
) -> None:
    """F65."""
    sandbox.nuonuo.switches.red_delay = 300.0
    async with daemon() as d:
        blue = await issued(d, sandbox)
        pair = [sandbox.wdt.put_red_of(blue, expect="hold", created=just_now(sandbox)) for _ in range(2)]
        await waiting(d, pair[1])
        assert len(forms(sandbox)) == 1

        await d.comes_to(pair[0], State.DONE60, timedelta(hours=1))
        code = await why(d, pair[1])

    assert code == "red_over_blue"
    assert len(reds(sandbox)) == 1


async def test_a_second_red_goes_where_the_first_came_to_nothing(sandbox: Sandbox, daemon: Open) -> None:
    async with daemon() as d:
        blue = await issued(d, sandbox)
        sandbox.nuonuo.script_red(lambda form: True, "02-05", times=1)
        pair = [sandbox.wdt.put_red_of(blue) for _ in range(2)]

        await d.comes_to(pair[0], State.DONE85, timedelta(hours=2))
        await d.comes_to(pair[1], State.DONE60, timedelta(hours=2))

    assert len(reds(sandbox)) == 1


async def test_a_refused_red_that_is_wanted_again_gets_a_new_form(sandbox: Sandbox, daemon: Open) -> None:
    """The billId is dead, the buyer said so; WDT waits again: the next generation."""
    async with daemon() as d:
        blue = await issued(d, sandbox)
        sandbox.nuonuo.script_red(lambda form: True, "02-05", times=1)
        red = sandbox.wdt.put_red_of(blue)
        await d.comes_to(red, State.DONE85, timedelta(hours=2))

        sandbox.wdt.reopen(red)
        await d.comes_to(red, State.DONE60, timedelta(hours=2))

    assert len(set(forms(sandbox))) == 2
    assert len(reds(sandbox)) == 1


async def test_two_workers_never_have_two_reds_of_one_blue_on_their_way(sandbox: Sandbox, daemon: Open) -> None:
    """Two merchants of one seller want the same blue reversed, and their push units are worked on at once."""
    sandbox.wdt.add_tenant("other_sid", "other_key", "other_secret:other_salt")
    other = {"url": sandbox.wdt_url, "sid": "other_sid", "key": "other_key", "secret": "other_secret:other_salt"}
    sandbox.nuonuo.switches.red_path = "02"
    async with daemon(more=[{"name": "m002", "issuer": "main", "wdt": other}]) as d:
        blue = await issued(d, sandbox)
        row = red_row(sandbox.wdt.order(blue), None, "negative")
        row["relation_invoice_no_out"] = sandbox.wdt.order(blue)["invoice_no"]
        row["created"] = just_now(sandbox)
        pair = [sandbox.wdt.put_order({**row, "invoice_order_no": f"FP99000000000{n}"}, sid=sid, expect="hold")
                for n, sid in enumerate(("demo_sid", "other_sid"))]  # fmt: skip
        for key in ("m001/pending", "m002/pending"):
            async with d.app.store.begin() as tx:
                await tx.units.wake("poll", key)
            assert await run_unit(d.app.store, d.app.stages["poll"], key, lambda: 0.5) is not None
        push = d.app.stages["push"]

        await asyncio.gather(*(run_unit(d.app.store, push, name, lambda: 0.5) for name in ("m001", "m002")))

        known = await d.orders()
        first, second = sorted((known[no] for no in pair), key=lambda one: one.state)
        assert (first.state, second.state, second.phase) == (State.INTENT, State.PENDING, Phase.WAITING_BLUE)
        with pytest.raises(IntegrityError):  # and the database says so, too
            async with d.app.store.begin() as tx:
                await tx.orders.move(second, Event.INTENDED, red_of=first.red_of, phase=Phase.SENT)
    assert len(forms(sandbox)) == 1


async def test_what_somebody_else_reversed_is_held_and_never_told_as_a_failure(sandbox: Sandbox, daemon: Open) -> None:
    """E9103, and nothing under our key: a red invoice exists that this store knows nothing of."""
    async with daemon(issuer={"settle": "30s"}) as d:
        blue = await issued(d, sandbox)
        known = sandbox.nuonuo.blue(sandbox.wdt.order(blue)["invoice_no"])
        assert known is not None
        sandbox.nuonuo.bureau.open(_asked(known), known, (-known.net, -known.tax), path="01")
        red = sandbox.wdt.put_red_of(blue, expect="hold")

        assert await why(d, red) == "already_reversed"

    assert sandbox.wdt.order(red)["status"] == 45


def _asked(blue: Any) -> Any:
    from syncd.sandbox.nuonuo.form import Asked

    return Asked("BYHAND", blue.kind, False, blue.number, blue.seller_tax_no, blue.buyer_name, "", "1", "", (), {})


async def test_an_agreed_form_is_gone_on_with_where_the_bureau_does_not_do_it_by_itself(
    sandbox: Sandbox, daemon: Open
) -> None:
    """That call may make a legal document: it has an intent of its own, and its lost answer is asked about."""
    sandbox.nuonuo.switches.red_auto = False
    async with daemon(issuer={"red_by_itself": False}) as d:
        blue = await issued(d, sandbox)
        sandbox.nuonuo.faults.force("fastInvoiceRed", "lost_after", times=1)
        red = sandbox.wdt.put_red_of(blue)

        await d.comes_to(red, State.DONE60, timedelta(hours=1))
        events = [entry.event for entry in await d.story(red)]

    assert events.index("order.revivable") < events.index("order.revived") < events.index("order.issued")
    assert len(reds(sandbox)) == 1
    assert len(sandbox.nuonuo.calls.of("fastInvoiceRed")) == 1


async def test_the_automatism_is_not_hurried(sandbox: Sandbox, daemon: Open) -> None:
    sandbox.nuonuo.switches.red_delay = 200.0
    async with daemon() as d:
        blue = await issued(d, sandbox)
        red = sandbox.wdt.put_red_of(blue)

        await d.comes_to(red, State.DONE60, timedelta(hours=2))

    assert sandbox.nuonuo.calls.of("fastInvoiceRed") == []


async def test_a_rebuilt_store_asks_about_the_other_red_of_a_blue_before_it_sends_one(
    sandbox: Sandbox, daemon: Open
) -> None:
    """The store is deleted while a form waits; another red order of the blue, older than it, comes first in line."""
    sandbox.nuonuo.switches.red_path = "02"
    async with daemon() as d:
        blue = await issued(d, sandbox)
        first = sandbox.wdt.put_red_of(blue, expect="hold", status=5, created=just_now(sandbox) - 3_600_000)
        d.clock.advance(5)
        under_way = sandbox.wdt.put_red_of(blue)
        await d.comes_to(under_way, State.INTENT)
        sandbox.wdt.edit(first, status=45)
        d.clock.advance(5)
        sandbox.wdt.touch(under_way)

    async with daemon("anew", issuer={"settle": "30s"}) as d:
        await waiting(d, first)
        await d.pass_by(timedelta(minutes=5))
        assert len(forms(sandbox)) == 1

        sandbox.nuonuo.bureau.buyer_confirms(forms(sandbox)[0])
        await d.comes_to(under_way, State.DONE60, timedelta(hours=3))
        assert await why(d, first) == "red_over_blue"

    assert len(set(forms(sandbox))) == 1
    assert len(reds(sandbox)) == 1


async def test_two_old_reds_of_one_blue_are_both_asked_about_and_then_one_goes(sandbox: Sandbox, daemon: Open) -> None:
    """Nobody waits for the other for ever."""
    blue = by_hand(sandbox)
    pair = [sandbox.wdt.put_red_of(blue, expect="hold") for _ in range(2)]

    async with daemon(issuer={"settle": "30s"}) as d:
        await d.comes_to(pair[0], State.DONE60, timedelta(hours=1))
        assert await why(d, pair[1]) == "red_over_blue"
        believed = ["order.believed" in [entry.event for entry in await d.story(no)] for no in pair]

    assert any(believed)
    assert len(forms(sandbox)) == len(reds(sandbox)) == 1


async def test_a_red_cancelled_before_a_store_was_rebuilt_is_a_persons_question(sandbox: Sandbox, daemon: Open) -> None:
    """Its form may wait for the buyer, and no row of this store says so."""
    sandbox.nuonuo.switches.red_path = "02"
    async with daemon() as d:
        blue = await issued(d, sandbox)
        gone = sandbox.wdt.put_red_of(blue, expect="hold")
        await d.comes_to(gone, State.INTENT)
        sandbox.wdt.cancel(gone)

    async with daemon("anew") as d:
        red = sandbox.wdt.put_red_of(blue, expect="hold")
        assert await why(d, red) == "red_forgotten"
        assert (await d.order(red)).hold_facts["other"] == gone

    assert len(forms(sandbox)) == 1


async def test_a_red_settled_outside_while_its_form_lives_keeps_others_from_going(
    sandbox: Sandbox, daemon: Open
) -> None:
    sandbox.nuonuo.script_red(lambda form: True, "11", times=1)
    async with daemon() as d:
        blue = await issued(d, sandbox)
        first = sandbox.wdt.put_red_of(blue, expect="hold")
        held = await d.comes_to(first, State.HOLD)
        sandbox.wdt.cancel(first)
        await settled_outside(d, held)
        red = sandbox.wdt.put_red_of(blue, expect="hold")

        assert await why(d, red) == "red_forgotten"

    assert len(forms(sandbox)) == 1


async def test_a_store_that_forgot_everything_finds_its_form_by_the_key(sandbox: Sandbox, daemon: Open) -> None:
    """The store is deleted while the buyer thinks: the computed key is the billId, and no second form is raised."""
    sandbox.nuonuo.switches.red_path = "02"
    async with daemon() as d:
        blue = await issued(d, sandbox)
        red = sandbox.wdt.put_red_of(blue)
        await d.comes_to(red, State.INTENT)
        await d.pass_by(60.0)

    async with daemon("anew") as d:
        await d.comes_to(red, State.INTENT)
        sandbox.nuonuo.bureau.buyer_confirms(forms(sandbox)[0])
        await d.comes_to(red, State.DONE60, timedelta(hours=3))

    assert len(set(forms(sandbox))) == 1
    assert len(reds(sandbox)) == 1
