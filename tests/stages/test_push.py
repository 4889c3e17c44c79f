from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from daemon_parts import VirtualClock, run_once, settings_for
from stage_parts import ASK, SUBMIT, Open, sample_row, submits, submitted_totals

from syncd.domain.lifecycle import Hold, Phase, State
from syncd.sandbox import Sandbox
from syncd.store.workers import Pulse


async def test_the_vendors_own_sample_goes_through_unchanged(sandbox: Sandbox, daemon: Open) -> None:
    """3.53 and 0.47 of tax make 4.00, although 13 % of 3.53 would be 0.46: tax is never recomputed."""
    no = sandbox.wdt.put_order({**sample_row(), "status": 45}, raw=True)

    async with daemon(issuer={"default_kind": "digital_normal"}) as d:
        await d.settle()

        assert await d.state(no) is State.DONE60
    (invoice,) = sandbox.nuonuo.ledger
    assert (invoice.net, invoice.tax, invoice.total) == (Decimal("3.53"), Decimal("0.47"), Decimal("4.00"))
    row = sandbox.wdt.order(no)
    assert (row["status"], row["invoice_no"]) == (60, invoice.number)


@pytest.mark.parametrize(
    "spoilt",
    [
        {"invoice_amount": Decimal("113.01")},
        {"sum_tax": Decimal("12.99")},
        {"goods_amount": Decimal("100.01")},
        {"discount": Decimal("1.00")},
    ],
    ids=lambda spoilt: next(iter(spoilt)),
)
async def test_amounts_that_disagree_are_held_and_never_sent(
    sandbox: Sandbox, daemon: Open, spoilt: dict[str, Any]
) -> None:
    no = sandbox.wdt.put_order({}, expect="hold")
    sandbox.wdt.edit(no, **spoilt)

    async with daemon() as d:
        await d.settle()
        held = await d.order(no)

    assert (held.state, held.hold) == (State.HOLD, Hold.POISON_ROW)
    assert {"expected", "given"} <= set(held.hold_facts)
    assert len(sandbox.nuonuo.calls) == 0


async def test_a_corrected_row_goes_on_by_itself(sandbox: Sandbox, daemon: Open, clock: VirtualClock) -> None:
    no = sandbox.wdt.put_order({}, expect="hold")
    sandbox.wdt.edit(no, invoice_amount=Decimal("113.01"))
    async with daemon() as d:
        await d.comes_to(no, State.HOLD)
        clock.advance(60)
        sandbox.wdt.edit(no, invoice_amount=Decimal("113.00"))
        await d.comes_to(no, State.DONE60)

    assert submitted_totals(sandbox) == [Decimal("113.00")]


async def test_an_order_over_the_limit_waits_for_a_person(sandbox: Sandbox, daemon: Open) -> None:
    no = sandbox.wdt.put_order({"invoice_amount": Decimal("5000.00")}, expect="hold")

    async with daemon(issuer={"amount_limit": 1000}) as d:
        await d.settle()

        assert (await d.order(no)).hold is Hold.AMOUNT_OVER_LIMIT
    assert submits(sandbox) == 0


async def test_an_order_cancelled_before_it_is_sent_is_asked_about_and_then_cancelled(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    no = sandbox.wdt.put_order({})
    async with daemon() as d:
        await d.turn("poll", "pending")
        sandbox.wdt.cancel(no)
        clock.advance(121)
        await d.turn("push")
        await d.turn("poll", "refresh")
        assert (await d.order(no)).phase is Phase.LEFT
        assert len(sandbox.nuonuo.calls) == 0

        await d.turn("collect")

        assert await d.state(no) is State.CANCELLED
    assert submits(sandbox) == 0
    assert len(sandbox.nuonuo.calls.of(ASK)) >= 1


@pytest.mark.parametrize("fault", ["lost_before", "lost_after", "http_502_before", "http_502_after", "empty",
                                   "truncated", "html_200", "html_200_after", "late_duplicate", "delayed",
                                   "E9601", "E9999", "E9999_after"])  # fmt: skip
async def test_an_answer_that_is_lost_either_way_ends_in_one_invoice(
    sandbox: Sandbox, daemon: Open, fault: str
) -> None:
    no = sandbox.wdt.put_order({})
    sandbox.nuonuo.faults.force(SUBMIT, fault)

    async with daemon() as d:
        await d.comes_to(no, State.DONE60, within=timedelta(minutes=40))

    assert sandbox.nuonuo.faults.happened[fault] == 1
    assert len(sandbox.nuonuo.ledger) == 1
    assert {key: sandbox.counts()[key] for key in ("doubles", "lost", "wrong")} == {"doubles": 0, "lost": 0, "wrong": 0}


async def test_a_lost_request_is_sent_again_with_the_same_bytes_under_the_same_key(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    no = sandbox.wdt.put_order({})
    sandbox.nuonuo.faults.force(SUBMIT, "lost_before")
    async with daemon() as d:
        await d.comes_to(no, State.DONE60, within=timedelta(minutes=40))
        waited = clock.world - (await d.order(no)).first_seen_at

    first, second = sandbox.nuonuo.calls.of(SUBMIT)
    assert first.body == second.body
    assert waited >= timedelta(seconds=600), "sent again before the issuer's settling time"


async def test_a_duplicate_under_our_key_is_adopted(sandbox: Sandbox, daemon: Open, clock: VirtualClock) -> None:
    """A store that was lost finds its invoice again: the key is computed."""
    sandbox.nuonuo.switches.file_delay = 60  # so that nothing is written back yet
    no = sandbox.wdt.put_order({})
    async with daemon("first") as d:
        await d.comes_to(no, State.ISSUED)
    clock.advance(60)

    async with daemon("second") as d:
        await d.comes_to(no, State.DONE60)

    assert [answer for (method, answer), _ in sandbox.nuonuo.calls.by_answer.items() if SUBMIT in method] == [
        "ok",
        "E9106",
    ]
    (invoice,) = sandbox.nuonuo.ledger
    assert sandbox.wdt.order(no)["invoice_no"] == invoice.number


async def test_a_duplicate_with_other_content_is_shown_to_a_person_side_by_side(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    sandbox.nuonuo.switches.file_delay = 60  # so that nothing is written back yet
    no = sandbox.wdt.put_order({})
    async with daemon("first") as d:
        await d.comes_to(no, State.ISSUED)
    clock.advance(60)
    cheaper = sandbox.wdt.put_order({"invoice_order_no": "FP0", "invoice_amount": Decimal("56.50")}, expect="none")
    row = sandbox.wdt.order(cheaper)
    sandbox.wdt.set_status(cheaper, 20)
    sandbox.wdt.edit(no, **{**row, "invoice_order_no": no})

    async with daemon("second") as d:
        held = await d.comes_to(no, State.HOLD)

    (invoice,) = sandbox.nuonuo.ledger
    assert held.hold is Hold.KEY_COLLISION
    assert held.hold_facts["number"] == invoice.number
    assert (held.hold_facts["issued_total"], held.hold_facts["wanted_total"]) == ("113.00", "56.50")
    assert sandbox.wdt.order(no)["status"] == 45


@pytest.mark.parametrize("logged_out", ["refuse", "wait"])
async def test_a_lost_login_fails_nothing_and_after_it_everything_is_issued_oldest_first(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock, logged_out: Any
) -> None:
    sandbox.nuonuo.switches.logged_out = logged_out
    sandbox.nuonuo.login = "logged_out"
    numbers = [sandbox.wdt.put_order({}, modified=clock() - 6000 + at * 900) for at in range(6)]
    async with daemon(push={"concurrency": 1}) as d:
        await d.pass_by(timedelta(minutes=20))  # the one that was refused is proven not to exist meanwhile
        assert sandbox.counts()["refused"] == 0
        assert {order.state for order in (await d.orders()).values()} <= {State.PENDING, State.INTENT}
        async with d.app.store.read() as tx:
            lanes = {lane.name: (lane.state, lane.reason) for lane in await tx.lanes.all()}
        if logged_out == "refuse":
            assert lanes["m001/main"][0] == "resting"
            assert lanes["m001/main"][1].startswith("person")

        sandbox.nuonuo.login = "ok"
        clock.advance(900)
        for no in numbers:
            await d.comes_to(no, State.DONE60, within=timedelta(minutes=40))
        issued = [invoice.issued_at for no in numbers for invoice in _of(sandbox, no)]
    assert sandbox.counts()["refused"] == 0
    assert len(issued) == 6
    assert issued == sorted(issued)
    accepted = [call for call in sandbox.nuonuo.calls.of(SUBMIT) if call.answer == "ok"]
    assert [json.loads(call.body)["order"]["orderNo"][:14] for call in accepted] == numbers


def _of(sandbox: Sandbox, no: str) -> list[Any]:
    return [invoice for invoice in sandbox.nuonuo.ledger if invoice.order_no.startswith(no)]


async def test_a_run_after_the_login_is_back_finishes_the_work(
    sandbox: Sandbox, tmp_path: Path, clock: VirtualClock
) -> None:
    """A lane whose rest is over is tried again; that it needed a person once does not end the next run."""
    sandbox.nuonuo.switches.logged_out = "refuse"
    sandbox.nuonuo.login = "logged_out"
    sandbox.wdt.put_order({})
    settings = settings_for(sandbox, tmp_path)
    first = await run_once(settings, clock)
    sandbox.nuonuo.login = "ok"
    clock.advance(900)

    second = await run_once(settings, clock)

    assert State.DONE60 not in {order.state for order in first.values()}
    assert {order.state for order in second.values()} == {State.DONE60}


async def test_an_order_corrected_before_the_issuer_took_it_goes_out_as_it_is_now_under_the_same_key(
    sandbox: Sandbox, daemon: Open
) -> None:
    """Confirmed not found twice: the old bytes are nobody's wish, and the key refuses a delayed copy of them."""
    no = sandbox.wdt.put_order({})
    sandbox.nuonuo.faults.force(SUBMIT, "lost_before")
    async with daemon() as d:
        await d.comes_to(no, State.INTENT)
        sandbox.wdt.edit(no, payer_name="another buyer")
        done = await d.comes_to(no, State.DONE60, within=timedelta(minutes=40))
        revisions = [entry.facts["revision"] for entry in await d.story(no) if entry.event == "order.intended"]

    first, second = [json.loads(call.body)["order"] for call in sandbox.nuonuo.calls.of(SUBMIT)]
    assert first["orderNo"] == second["orderNo"]
    assert (first["buyerName"], second["buyerName"]) == ("个人", "another buyer")
    assert revisions == [0, 1]
    assert (done.generation, done.drifted) == (0, False)
    assert [invoice.buyer_name for invoice in sandbox.nuonuo.ledger] == ["another buyer"]


async def test_an_order_the_issuer_had_taken_and_lost_is_a_persons_once_it_was_corrected(
    sandbox: Sandbox, daemon: Open
) -> None:
    no = sandbox.wdt.put_order({}, expect="hold")
    sandbox.nuonuo.script(lambda order: True, "stuck")
    async with daemon() as d:
        await d.comes_to(no, State.INTENT)
        await d.pass_by(5)
        assert (await d.order(no)).phase is Phase.ISSUING
        sandbox.nuonuo.by_key.clear()
        sandbox.wdt.edit(no, payer_name="another buyer")
        held = await d.comes_to(no, State.HOLD, within=timedelta(minutes=40))

    assert (held.hold, held.hold_facts["code"]) == (Hold.CLASS_B_NOT_FOUND, "accepted_not_found")
    assert submits(sandbox) == 1


async def test_an_intent_is_in_the_store_before_the_request_is_at_the_issuer(sandbox: Sandbox, daemon: Open) -> None:
    no = sandbox.wdt.put_order({})
    sandbox.nuonuo.faults.force(SUBMIT, "lost_after")
    async with daemon() as d:
        await d.turn("poll", "pending")
        await d.turn("push")
        story = [entry.event for entry in await d.story(no)]
        order = await d.order(no)

    assert story[0] == "order.intended"
    assert (order.state, order.phase) == (State.INTENT, Phase.UNKNOWN)


async def test_a_process_that_is_no_longer_heard_commits_nothing_that_it_may_not_send(
    sandbox: Sandbox, daemon: Open
) -> None:
    """F11. What it committed would come back unsent at once, to be committed again, and again."""
    no = sandbox.wdt.put_order({})
    async with daemon() as d:
        await d.turn("poll", "pending")
        heard = iter([101.0])  # when the unit is claimed, and never again
        pulse = Pulse(now=lambda: next(heard, 103.0), beat_at=100.0)
        d.app.store.host = replace(d.app.store.host, pulse=pulse)

        await d.turn("push")

        assert await d.state(no) is State.PENDING
    assert len(sandbox.nuonuo.calls) == 0
