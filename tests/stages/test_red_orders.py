"""Red orders through the whole program: the gate before the form, the form's states, and what is told to WDT (T20)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal

import pytest
from daemon_parts import Daemon
from stage_parts import Open

from syncd.domain.invoice import IssuerKey
from syncd.domain.lifecycle import Hold, Phase, State
from syncd.domain.outcome import Outcome
from syncd.faultpoint import armed
from syncd.sandbox import Sandbox
from syncd.store.instants import to_ms

FORM, LOOK, REFRESH, MAKE = (
    "saveInvoiceRedConfirm",
    "queryInvoiceRedConfirm",
    "refreshInvoiceRedConfirm",
    "fastInvoiceRed",
)
ALMOST = timedelta(hours=71, minutes=55)


def forms(sandbox: Sandbox) -> list[str]:
    """The billId of every form that arrived, whatever was said to it."""
    return [json.loads(call.body)["billId"] for call in sandbox.nuonuo.calls.of(FORM)]


def reds(sandbox: Sandbox) -> list[str]:
    return [invoice.number for invoice in sandbox.nuonuo.ledger if invoice.colour == "red"]


async def issued(d: Daemon, sandbox: Sandbox) -> str:
    """An ordinary order that was issued and written back."""
    no = sandbox.wdt.put_order({})
    await d.comes_to(no, State.DONE60)
    return no


@pytest.mark.parametrize("sign", ["negative", "positive"])
async def test_a_red_order_reverses_its_blue_and_is_written_back_with_its_own_number(
    sandbox: Sandbox, daemon: Open, sign: str
) -> None:
    """An agreed form is not the end: only the red's own number is. The amount keeps the sign the order has."""
    async with daemon() as d:
        blue = await issued(d, sandbox)
        red = sandbox.wdt.put_red_of(blue, sign=sign)  # type: ignore[arg-type]

        await d.comes_to(red, State.DONE60)

    (number,) = reds(sandbox)
    row = sandbox.wdt.order(red)
    assert (row["status"], row["invoice_no"]) == (60, number)
    assert number != sandbox.wdt.order(blue)["invoice_no"]
    assert row["invoice_outer_amount"] == row["invoice_amount"] == Decimal("-113.00" if sign == "negative" else "113")
    (form,) = sandbox.nuonuo.calls.of(FORM)
    body = json.loads(form.body)
    assert body["blueElecInvoiceNumber"] == sandbox.wdt.order(blue)["invoice_no"]
    assert (body["redReason"], body["applySource"]) == ("1", "0")
    assert "detail" not in body
    assert (sandbox.red_before_blue(), sandbox.red_over_blue()) == (0, 0)


async def test_a_form_whose_answer_is_lost_is_asked_about_under_the_same_key(sandbox: Sandbox, daemon: Open) -> None:
    async with daemon() as d:
        blue = await issued(d, sandbox)
        sandbox.nuonuo.faults.force(FORM, "lost_after", times=1)
        red = sandbox.wdt.put_red_of(blue)

        await d.comes_to(red, State.DONE60)

    assert len(forms(sandbox)) == 1
    assert len(reds(sandbox)) == 1


async def test_a_form_that_never_arrived_goes_again_under_the_same_key(sandbox: Sandbox, daemon: Open) -> None:
    async with daemon() as d:
        blue = await issued(d, sandbox)
        sandbox.nuonuo.faults.force(FORM, "lost_before", times=1)
        red = sandbox.wdt.put_red_of(blue)

        await d.comes_to(red, State.DONE60, timedelta(hours=2))

    assert len(forms(sandbox)) == 2
    assert len(set(forms(sandbox))) == 1
    assert len(reds(sandbox)) == 1


@pytest.mark.parametrize("repeat", ["E9106", "E9999", "same"])
async def test_a_repeated_form_is_one_form_whatever_its_issuer_says_to_the_repetition(
    sandbox: Sandbox, daemon: Open, repeat: str
) -> None:
    """The answer is lost, and the form does not show in queries for longer than the settling time."""
    sandbox.nuonuo.switches.red_repeat = repeat  # type: ignore[assignment]
    async with daemon(issuer={"settle": "30s"}) as d:
        blue = await issued(d, sandbox)
        sandbox.nuonuo.switches.visibility_lag = 120.0
        sandbox.nuonuo.faults.force(FORM, "lost_after", times=1)
        red = sandbox.wdt.put_red_of(blue)

        await d.comes_to(red, State.DONE60, timedelta(hours=2))

    assert len(forms(sandbox)) >= 2
    assert len(set(forms(sandbox))) == 1
    assert len(reds(sandbox)) == 1


async def test_dying_between_the_intent_and_the_form_asks_before_anything_is_sent(
    sandbox: Sandbox, daemon: Open
) -> None:
    class Killed(BaseException):
        pass

    def kill(point: str) -> None:
        if point == "nuonuo.red_submit.before":
            raise Killed

    async with daemon() as d:
        blue = await issued(d, sandbox)
    red = sandbox.wdt.put_red_of(blue)
    with pytest.raises(Killed), armed(kill):
        async with daemon() as d:
            await d.comes_to(red, State.DONE60)
    asked_before = len(sandbox.nuonuo.calls)

    async with daemon() as d:
        await d.comes_to(red, State.DONE60, timedelta(hours=2))

    ours = [call.method.rpartition(".")[2] for call in list(sandbox.nuonuo.calls)[asked_before:]]
    assert ours.index(LOOK) < ours.index(FORM)
    assert len(forms(sandbox)) == 1
    assert len(reds(sandbox)) == 1


async def test_a_buyer_who_confirms_gets_the_red(sandbox: Sandbox, daemon: Open) -> None:
    """Nuonuo's own copy of a form that waits moves only when it is fetched from the bureau."""
    sandbox.nuonuo.switches.red_path = "02"
    async with daemon() as d:
        blue = await issued(d, sandbox)
        red = sandbox.wdt.put_red_of(blue)

        async def waits() -> bool:
            known = await d.orders()
            return red in known and known[red].phase is Phase.WAITING_BUYER

        await d.until(waits)
        story = await d.story(red)
        sandbox.nuonuo.bureau.buyer_confirms(forms(sandbox)[0])
        await d.comes_to(red, State.DONE60, timedelta(hours=3))

    [told] = [entry for entry in story if entry.event == "order.waiting_buyer"]
    assert told.facts["until"]
    assert sandbox.nuonuo.calls.of(REFRESH)
    assert len(reds(sandbox)) == 1


async def test_a_form_that_waits_takes_back_an_earlier_no(sandbox: Sandbox, daemon: Open) -> None:
    """A refusal, and a look that found nothing, count no more once the form is there."""
    sandbox.nuonuo.switches.red_path = "02"
    async with daemon() as d:
        blue = await issued(d, sandbox)
        red = sandbox.wdt.put_red_of(blue)
        await d.comes_to(red, State.INTENT)
        await d.pass_by(30.0)
        async with d.app.store.begin() as tx:
            [order] = await tx.orders.by_no(red)
            noted = {"refusal_code": "E9101", "refusal_text": "no", "missed_at": to_ms(tx.now)}
            await tx.orders.wait(order, **noted, next_at=to_ms(tx.now))

        await d.pass_by(30.0)
        order = await d.order(red)

    assert (order.phase, order.refusal, order.missed_at) == (Phase.WAITING_BUYER, None, None)


async def test_a_form_that_is_found_no_more_is_not_waited_for_in_silence(sandbox: Sandbox, daemon: Open) -> None:
    """It waited for the buyer, and then it is gone. It goes again under its key, and in the end a person looks."""
    sandbox.nuonuo.switches.red_path = "02"
    async with daemon() as d:
        blue = await issued(d, sandbox)
        red = sandbox.wdt.put_red_of(blue, expect="hold")
        await d.comes_to(red, State.INTENT)
        await d.pass_by(30.0)
        assert (await d.order(red)).phase is Phase.WAITING_BUYER
        (form,) = sandbox.nuonuo.bureau.forms.values()
        form.hidden_for = 10**9

        for _ in range(80):
            d.clock.advance(3600.0)
            await d.turn("poll", "refresh")
            await d.turn("push")
            await d.turn("collect")

        held = await d.order(red)

    assert held.state is State.HOLD
    assert len(set(forms(sandbox))) == 1
    assert reds(sandbox) == []


async def test_red_orders_that_take_long_cost_no_blue_one_its_answer(
    sandbox: Sandbox, daemon: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A form takes several calls; what was learned of blue orders is written down before the first of them."""
    sandbox.nuonuo.switches.red_path = "02"
    async with daemon() as d:
        blues = [sandbox.wdt.put_order({}) for _ in range(12)]
        for blue in blues:
            await d.comes_to(blue, State.DONE60)
        for late in [sandbox.wdt.put_red_of(blue) for blue in blues]:
            await d.comes_to(late, State.INTENT)
        sandbox.nuonuo.issue_delay = (0.0, 0.0)
        fresh = sandbox.wdt.put_order({})
        await d.turn("poll", "pending")
        await d.turn("push")
        d.clock.advance(3600.0)
        seen: list[tuple[str, State]] = []
        channel = d.app.parties.merchants[0].issuer.red
        genuine = channel.ask

        async def slow(keys: Sequence[IssuerKey]) -> Mapping[IssuerKey, Outcome]:
            seen.append((f"{len(keys)} reds", (await d.order(fresh)).state))
            d.clock.advance(11.0)
            return await genuine(keys)

        monkeypatch.setattr(channel, "ask", slow)
        await d.turn("collect")

    assert seen == [("10 reds", State.ISSUED)]  # and the other two in a turn of their own


@pytest.mark.parametrize(
    ("path", "code"), [("02-05", "05"), ("02-04-09", "09"), ("08", "08"), ("10", "10"), ("12", "12"), ("15-16", "16")]
)
async def test_a_form_that_ended_without_a_red_is_a_failure_with_its_reason(
    sandbox: Sandbox, daemon: Open, path: str, code: str
) -> None:
    async with daemon() as d:
        blue = await issued(d, sandbox)
        sandbox.nuonuo.switches.red_path, sandbox.nuonuo.switches.red_delay = path, 60.0
        red = sandbox.wdt.put_red_of(blue)

        await d.comes_to(red, State.DONE85, timedelta(hours=2))

    row = sandbox.wdt.order(red)
    assert row["status"] == 85
    assert row["error_info"].startswith(f"{code}: ")
    assert reds(sandbox) == []


async def test_the_lapse_after_72_hours_is_noticed_when_it_comes(sandbox: Sandbox, daemon: Open) -> None:
    sandbox.nuonuo.switches.red_path = "02"
    async with daemon() as d:
        blue = await issued(d, sandbox)
        red = sandbox.wdt.put_red_of(blue)
        await d.comes_to(red, State.INTENT)
        began = d.clock.world
        await d.pass_by(timedelta(minutes=1))
        d.clock.world = began + ALMOST  # nobody was there in the meantime

        await d.comes_to(red, State.DONE85, timedelta(hours=1))

        assert timedelta(hours=72) <= d.clock.world - began < timedelta(hours=72, minutes=10)
    assert sandbox.wdt.order(red)["error_info"].startswith("07: ")


@pytest.mark.parametrize(("path", "code"), [("03", "03"), ("06", "06"), ("11", "11"), ("13", "13")])
async def test_a_form_that_only_a_person_can_decide_about_is_held(
    sandbox: Sandbox, daemon: Open, path: str, code: str
) -> None:
    async with daemon() as d:
        blue = await issued(d, sandbox)
        sandbox.nuonuo.switches.red_path = path
        red = sandbox.wdt.put_red_of(blue, expect="hold")

        held = await d.comes_to(red, State.HOLD)

    assert (held.hold, held.hold_facts["code"]) == (Hold.RED_FORM, f"red_form_{code}")
    assert sandbox.wdt.order(red)["status"] == 45


async def test_a_state_nobody_knows_is_told_and_is_no_failure(sandbox: Sandbox, daemon: Open) -> None:
    async with daemon() as d:
        blue = await issued(d, sandbox)
        sandbox.nuonuo.switches.red_path = "14"
        red = sandbox.wdt.put_red_of(blue)
        await d.comes_to(red, State.INTENT)
        await d.pass_by(timedelta(minutes=10))

        order = await d.order(red)
        async with d.app.store.read() as tx:
            unheard = await tx.unclassified.all()
        sandbox.nuonuo.bureau.move(forms(sandbox)[0], "01")
        await d.comes_to(red, State.DONE60, timedelta(hours=3))

    assert (order.state, order.phase) == (State.INTENT, Phase.ISSUING)
    assert [one.code for one in unheard] == ["billStatus 14"]
    assert len(reds(sandbox)) == 1
