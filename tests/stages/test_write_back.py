from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from daemon_parts import VirtualClock
from stage_parts import UPDATE, Open

from syncd.domain.lifecycle import Hold, State
from syncd.domain.order import UpdateAnswer, WriteBack
from syncd.sandbox import Sandbox
from syncd.sandbox.nuonuo import query
from syncd.wire.wdt.client import WdtClient

FAULTS = ["lost_before", "lost_after", "http_502_before", "http_502_after", "empty", "truncated", "late_duplicate",
          "delayed", "status_100_after", "status_4", "rate"]  # fmt: skip


async def test_a_url_that_is_too_long_is_held_and_its_neighbours_are_written(
    sandbox: Sandbox, daemon: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad, other = [sandbox.wdt.put_order({}) for _ in range(3)]
    real = query.file_url

    def long_for_one(world: Any, submission: Any, invoice: Any) -> str:
        url = real(world, submission, invoice)
        return url + "?" + "x" * 255 if url and submission.order.order_no.startswith(bad) else url

    monkeypatch.setattr(query, "file_url", long_for_one)
    async with daemon() as d:
        await d.settle()
        held = await d.order(bad)

        assert [await d.state(no) for no in (good, other)] == [State.DONE60, State.DONE60]
    assert (held.state, held.hold) == (State.HOLD, Hold.URL_TOO_LONG)
    assert sandbox.wdt.order(bad)["status"] == 45
    assert all("x" * 255 not in call.body for call in sandbox.wdt.calls.of(UPDATE))


async def test_an_order_cancelled_after_its_invoice_was_issued_is_a_persons(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    sandbox.nuonuo.switches.file_delay = 60
    no = sandbox.wdt.put_order({})
    async with daemon() as d:
        await d.comes_to(no, State.ISSUED)
        sandbox.wdt.cancel(no)
        held = await d.comes_to(no, State.HOLD)

    (invoice,) = sandbox.nuonuo.ledger
    assert held.hold is Hold.CANCELLED_AFTER_ISSUE
    assert held.hold_facts["number"] == invoice.number
    assert sandbox.wdt.order(no)["status"] == 5


async def test_a_number_that_is_not_ours_is_a_persons(sandbox: Sandbox, daemon: Open) -> None:
    sandbox.nuonuo.switches.file_delay = 60
    no = sandbox.wdt.put_order({})
    async with daemon() as d:
        await d.comes_to(no, State.ISSUED)
        sandbox.wdt.edit(no, status=60, invoice_no="25332000000000000009")
        held = await d.comes_to(no, State.HOLD)

    (invoice,) = sandbox.nuonuo.ledger
    assert held.hold is Hold.FOREIGN_NUMBER
    assert held.hold_facts == {"number": invoice.number, "wdt_number": "25332000000000000009"}


async def test_a_document_wdt_no_longer_has_is_a_persons_and_the_others_are_done(
    sandbox: Sandbox, daemon: Open
) -> None:
    """发票不存在! by name: the shop was taken away after the order was read."""
    gone = sandbox.wdt.put_order({"shop_no": "shop09"})
    others = [sandbox.wdt.put_order({}) for _ in range(3)]
    async with daemon() as d:
        await d.comes_to(gone, State.INTENT)
        sandbox.wdt.revoke_shop("shop09")
        await d.settle()

        assert (await d.order(gone)).hold is Hold.WDT_MISSING
        assert {await d.state(no) for no in others} == {State.DONE60}
        assert any(entry.facts.get("text") == "发票不存在!" for entry in await d.story(gone))


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_write_back_that_is_lost_either_way_is_written_once_in_effect(
    sandbox: Sandbox, daemon: Open, fault: str
) -> None:
    numbers = [sandbox.wdt.put_order({}) for _ in range(3)]
    sandbox.wdt.faults.force("updateInvoice", fault)
    async with daemon() as d:
        await d.settle(within=timedelta(minutes=30))

        assert {await d.state(no) for no in numbers} == {State.DONE60}
    assert sandbox.wdt.faults.happened[fault] == 1
    assert sandbox.counts()["written_back"] == 3
    assert [len(sandbox.wdt.document(no).written) for no in numbers] == [1, 1, 1]


async def test_write_backs_that_never_arrive_are_said_again_and_not_called_refused(
    sandbox: Sandbox, daemon: Open
) -> None:
    """Six answers in a row are lost before anything was done: WDT refused nothing, so nobody is needed."""
    no = sandbox.wdt.put_order({})
    sandbox.wdt.faults.force("updateInvoice", "lost_before", times=6)
    schedule = {"push": "10m", "collect": "1m", "write_back": "30s", "poll": "10m"}
    async with daemon(schedule=schedule, poll={"settle": "20s"}) as d:
        await d.comes_to(no, State.DONE60, within=timedelta(hours=2))

    assert sandbox.wdt.faults.happened["lost_before"] == 6


async def test_a_chunk_wdt_refuses_as_a_whole_is_halved_until_the_bad_one_is_alone(
    sandbox: Sandbox, daemon: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [sandbox.wdt.put_order({}) for _ in range(5)]
    real = query.file_url

    def odd_for_one(world: Any, submission: Any, invoice: Any) -> str:
        url = real(world, submission, invoice)
        return url + "?😀" if url and submission.order.order_no.startswith(numbers[2]) else url

    monkeypatch.setattr(query, "file_url", odd_for_one)
    async with daemon() as d:
        await d.settle()
        states = {no: await d.state(no) for no in numbers}

    assert states.pop(numbers[2]) is State.HOLD
    assert set(states.values()) == {State.DONE60}


async def test_nothing_is_done_until_wdt_shows_it(sandbox: Sandbox, daemon: Open) -> None:
    """An "ok" of updateInvoice is not proof; the sighting afterwards is."""
    no = sandbox.wdt.put_order({})
    async with daemon() as d:
        await d.comes_to(no, State.ISSUED)
        await d.turn("write_back")
        assert sandbox.wdt.order(no)["status"] == 60
        assert await d.state(no) is State.ISSUED

        await d.comes_to(no, State.DONE60)


async def test_what_the_user_changed_after_the_request_was_frozen_is_issued_as_frozen_and_told(
    sandbox: Sandbox, daemon: Open
) -> None:
    sandbox.nuonuo.switches.file_delay = 60
    no = sandbox.wdt.put_order({})
    async with daemon() as d:
        await d.comes_to(no, State.ISSUED)
        sandbox.wdt.edit(no, payer_name="another buyer")
        done = await d.comes_to(no, State.DONE60)
        events = [entry.event for entry in await d.story(no)]

    assert done.drifted
    assert "order.drifted" in events
    assert [invoice.buyer_name for invoice in sandbox.nuonuo.ledger] == ["个人"]


async def test_what_was_changed_after_a_failure_is_told_when_the_order_is_issued_late(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    """T21. The row was edited at 85, where nobody looks; then only our own write-back changes it."""
    no = sandbox.wdt.put_order({})
    sandbox.nuonuo.switches.revive_after = 2000
    sandbox.nuonuo.script(lambda order: True, "fail_then_issue", times=1)
    async with daemon() as d:
        await d.comes_to(no, State.DONE85)
        sandbox.wdt.edit(no, payer_name="another buyer")
        clock.advance(700)
        await d.turn("poll", "mirror")
        edited = await d.order(no)
        done = await d.comes_to(no, State.DONE60, within=timedelta(hours=2))
        events = [entry.event for entry in await d.story(no)]

    assert (edited.state, edited.payer_name, edited.drifted) == (State.DONE85, "another buyer", False)
    assert [invoice.buyer_name for invoice in sandbox.nuonuo.ledger] == ["个人"]
    assert done.drifted
    assert "order.drifted" in events


async def test_a_reason_longer_than_wdt_takes_is_cut_and_told(sandbox: Sandbox, daemon: Open) -> None:
    no = sandbox.wdt.put_order({}, expect="refuse")
    sandbox.nuonuo.script(lambda order: True, "fail", cause="因" * 300)
    async with daemon() as d:
        await d.comes_to(no, State.DONE85)

    assert len(sandbox.wdt.order(no)["error_info"]) == 100


async def test_a_failure_is_asked_about_again_before_it_is_told_late(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    """The lane was paused for an hour; meanwhile the order was issued after all: no 85 is ever sent."""
    no = sandbox.wdt.put_order({})
    sandbox.nuonuo.switches.revive_after = 600
    sandbox.nuonuo.script(lambda order: True, "fail_then_issue", times=1)
    async with daemon() as d:
        await d.comes_to(no, State.INTENT)
        async with d.app.store.begin() as tx:
            await tx.lanes.pause("m001", "wdt", "demo", None)
        await d.comes_to(no, State.FAILED)
        clock.advance(3600)
        async with d.app.store.begin() as tx:
            await tx.lanes.resume("m001", "wdt")
        await d.comes_to(no, State.DONE60)

    assert [written.status for written in sandbox.wdt.document(no).written] == [60]


async def test_a_write_back_that_wdt_shows_late_is_said_once(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    """F82. A replica that lags by ninety seconds shows the old status: that is no proof that nothing was applied."""
    no = sandbox.wdt.put_order({})
    async with daemon() as d:
        await d.turn("poll", "pending")
        sandbox.wdt.switches.visibility_lag = 90.0

        await d.comes_to(no, State.DONE60)

    assert len(sandbox.wdt.calls.of(UPDATE)) == 1


async def test_a_call_in_doubt_counts_from_its_own_beginning_not_from_when_it_was_drawn_up(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawn up with a call that took twenty seconds, and shown later than a look would tell that counted from then."""
    real, calls = WdtClient.update, 0

    async def slow_at_first(self: WdtClient, documents: Sequence[WriteBack]) -> UpdateAnswer:
        nonlocal calls
        calls += 1
        if calls == 2:
            sandbox.wdt.faults.force("updateInvoice", "lost_after")
        answer = await real(self, documents)
        clock.world += timedelta(seconds=20 if calls == 1 else 0)
        return answer

    monkeypatch.setattr(WdtClient, "update", slow_at_first)
    numbers = [sandbox.wdt.put_order({}) for _ in range(2)]
    async with daemon(write_back={"batch": 1}) as d:
        await d.turn("poll", "pending")
        sandbox.wdt.switches.visibility_lag = 140.0

        for no in numbers:
            await d.comes_to(no, State.DONE60)

    assert sandbox.wdt.faults.happened["lost_after"] == 1
    assert len(sandbox.wdt.calls.of(UPDATE)) == 2
