"""A key that its issuer lists as failed is gone on with, never left behind for a new one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from daemon_parts import Daemon, VirtualClock
from stage_parts import SUBMIT, Open, submits

from syncd.domain.lifecycle import Phase, State
from syncd.domain.outcome import Blocked, Outcome
from syncd.domain.trouble import Care, Verdict
from syncd.sandbox import Sandbox

REVIVE = "reInvoice"


async def failed_and_wanted_again(d: Daemon, sandbox: Sandbox, no: str, **changes: Any) -> None:
    await d.comes_to(no, State.DONE85)
    if changes:
        sandbox.wdt.edit(no, **changes)
    d.clock.advance(30)
    sandbox.wdt.reopen(no)


async def test_an_unchanged_order_that_waits_again_is_gone_on_with_under_its_old_key(
    sandbox: Sandbox, daemon: Open
) -> None:
    no = sandbox.wdt.put_order({})
    sandbox.nuonuo.script(lambda order: True, "fail", times=1)
    async with daemon() as d:
        await failed_and_wanted_again(d, sandbox, no)
        done = await d.comes_to(no, State.DONE60)
        story = [entry.event for entry in await d.story(no)]

    assert done.generation == 0
    assert (submits(sandbox), len(sandbox.nuonuo.calls.of(REVIVE))) == (1, 1)
    assert len(sandbox.nuonuo.by_key) == len(sandbox.nuonuo.ledger) == 1
    assert story.index("order.resumed") < story.index("order.revived") < story.index("order.issued")


async def test_the_store_says_that_an_order_may_be_revived_before_the_issuer_is_asked_to(
    sandbox: Sandbox, daemon: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An outside write like any other: without the row, a kill here would leave a revival nobody knows of."""
    no = sandbox.wdt.put_order({})
    sandbox.nuonuo.script(lambda order: True, "fail", times=1)
    async with daemon() as d:
        issuer = d.app.stages["push"]._merchants["m001"].issuer  # type: ignore[attr-defined]
        seen: list[tuple[State, Phase, str]] = []
        revive = issuer.revive

        async def watched(key: str, serial: str) -> Outcome:
            order = await d.order(no)
            seen.append((order.state, order.phase, (await d.story(no))[-1].event))
            return await revive(key, serial)  # type: ignore[no-any-return]

        monkeypatch.setattr(issuer, "revive", watched)
        await failed_and_wanted_again(d, sandbox, no)
        await d.comes_to(no, State.DONE60)

    assert seen == [(State.INTENT, Phase.SENT, "order.revived")]


async def test_an_order_that_fails_again_and_again_is_reported_after_the_third_time(
    sandbox: Sandbox, daemon: Open
) -> None:
    no = sandbox.wdt.put_order({}, expect="refuse")
    sandbox.nuonuo.script(lambda order: True, "fail")
    async with daemon() as d:
        await failed_and_wanted_again(d, sandbox, no)
        await d.comes_to(no, State.INTENT)
        await d.comes_to(no, State.DONE85)
        again = await d.order(no)

    assert again.generation == 0
    assert len(sandbox.nuonuo.calls.of(REVIVE)) == 3
    assert (sandbox.wdt.order(no)["status"], len(sandbox.nuonuo.by_key)) == (85, 1)


@pytest.mark.parametrize("times", [1, 2])
async def test_a_revival_that_nobody_answers_is_asked_about_and_tried_again(
    sandbox: Sandbox, daemon: Open, times: int
) -> None:
    no = sandbox.wdt.put_order({})
    sandbox.nuonuo.script(lambda order: True, "fail", times=1)
    async with daemon() as d:
        await d.comes_to(no, State.DONE85)
        for _ in range(times):
            sandbox.nuonuo.faults.force("nuonuo.OpeMplatform.reInvoice", "lost_before")
        sandbox.wdt.reopen(no)
        done = await d.comes_to(no, State.DONE60)

    assert done.generation == 0
    assert len(sandbox.nuonuo.by_key) == len(sandbox.nuonuo.ledger) == 1


async def test_a_row_that_changes_on_the_way_to_its_revival_goes_out_under_the_next_key(
    sandbox: Sandbox, daemon: Open
) -> None:
    """What the issuer would go on with is not what is wanted any more; the old key is listed as dead."""
    no = sandbox.wdt.put_order({})
    sandbox.nuonuo.script(lambda order: True, "fail", times=1)
    async with daemon() as d:
        await failed_and_wanted_again(d, sandbox, no)

        async def revivable() -> bool:
            order = await d.order(no)
            if (order.state, order.phase) != (State.INTENT, Phase.REVIVABLE):
                await d.turn("poll", "pending")
                await d.turn("collect")
            return (await d.order(no)).phase is Phase.REVIVABLE

        await d.until(revivable)
        sandbox.wdt.edit(no, payer_name="another buyer")
        await d.turn("poll", "pending")
        done = await d.comes_to(no, State.DONE60)

    assert done.generation == 1
    assert not sandbox.nuonuo.calls.of(REVIVE)
    assert [invoice.order_no for invoice in sandbox.nuonuo.ledger] == [
        json.loads(call.body)["order"]["orderNo"] for call in sandbox.nuonuo.calls.of(SUBMIT)[1:]
    ]


# -- not the invoice's fault -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("obstacle", ["login", "quota"])
async def test_what_fails_for_want_of_a_login_or_a_quota_is_never_reported_and_goes_on_oldest_first(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock, obstacle: str
) -> None:
    """F57. The issuer answers 22 with the cause in words: no 85, one canary at a time, then the rest in their order."""
    _stop(sandbox, obstacle)
    numbers = [sandbox.wdt.put_order({}, modified=clock() - 6000 + at * 600) for at in range(9)]
    async with daemon(push={"concurrency": 1}) as d:
        await d.pass_by(timedelta(minutes=11))
        orders = await d.orders()
        assert {order.state for order in orders.values()} == {State.INTENT}
        assert {order.generation for order in orders.values()} == {0}
        assert await _lane(d) == ("resting", Care.PERSON)
        assert sandbox.counts()["refused"] == 0
        assert not sandbox.nuonuo.calls.of(REVIVE)  # the issuer says itself that nobody has logged in

        _go_on(sandbox, obstacle)
        for no in numbers:
            await d.comes_to(no, State.DONE60, within=timedelta(minutes=30))
        assert await _lane(d) == ("open", None)

    issued = {invoice.order_no[:14]: invoice.issued_at for invoice in sandbox.nuonuo.ledger}
    first, *others = [json.loads(call.body)["orderno"][:14] for call in sandbox.nuonuo.calls.of(REVIVE)]
    assert [first, *others] == numbers
    assert len(sandbox.nuonuo.by_key) == len(sandbox.nuonuo.ledger) == len(numbers)
    assert issued[first] <= min(issued[no] for no in others)


async def test_where_the_login_cannot_be_asked_about_one_submission_at_a_time_finds_out(
    sandbox: Sandbox, daemon: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    _stop(sandbox, "login")
    for _ in range(5):
        sandbox.wdt.put_order({})
    async with daemon() as d:
        issuer = d.app.stages["push"]._merchants["m001"].issuer  # type: ignore[attr-defined]

        async def knows_nothing(*, issuing: bool = False) -> None:
            return None

        monkeypatch.setattr(issuer, "probe", knows_nothing)
        await d.pass_by(timedelta(minutes=16))

        tried = [datetime.fromtimestamp(call.at, UTC) for call in sandbox.nuonuo.calls.of(REVIVE)]
        assert 2 <= len(tried) <= 4
        assert all(after - before >= timedelta(minutes=4) for before, after in pairwise(tried))
        assert sandbox.counts()["refused"] == 0


async def test_an_order_edited_while_nobody_is_logged_in_goes_out_as_it_is_now(sandbox: Sandbox, daemon: Open) -> None:
    _stop(sandbox, "login")
    no = sandbox.wdt.put_order({})
    async with daemon() as d:
        await d.pass_by(timedelta(minutes=7))
        sandbox.wdt.edit(no, payer_name="another buyer")
        await d.pass_by(timedelta(minutes=3))
        _go_on(sandbox, "login")
        done = await d.comes_to(no, State.DONE60, within=timedelta(minutes=30))

    (invoice,) = sandbox.nuonuo.ledger
    assert done.generation == 1
    assert invoice.order_no == json.loads(sandbox.nuonuo.calls.of(SUBMIT)[-1].body)["order"]["orderNo"]
    assert sandbox.counts()["refused"] == 0


async def test_a_refused_login_at_a_revival_leaves_the_order_to_be_revived(
    sandbox: Sandbox, daemon: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    no = sandbox.wdt.put_order({})
    sandbox.nuonuo.script(lambda order: True, "fail", times=1)
    async with daemon() as d:
        issuer = d.app.stages["push"]._merchants["m001"].issuer  # type: ignore[attr-defined]
        revive, answers = issuer.revive, [Blocked(Verdict(Care.PERSON, "nuonuo", "E9999", "未登录", 300.0))]

        async def first_refused(key: str, serial: str) -> Outcome:
            return answers.pop() if answers else await revive(key, serial)

        monkeypatch.setattr(issuer, "revive", first_refused)
        await failed_and_wanted_again(d, sandbox, no)
        done = await d.comes_to(no, State.DONE60)

    assert (done.generation, len(sandbox.nuonuo.ledger)) == (0, 1)


def _stop(sandbox: Sandbox, obstacle: str) -> None:
    if obstacle == "login":
        sandbox.nuonuo.switches.logged_out = "fail"
        sandbox.nuonuo.login = "logged_out"
    else:
        sandbox.nuonuo.switches.quota = "fail"
        sandbox.nuonuo.quota = sandbox.nuonuo.quota * 0


def _go_on(sandbox: Sandbox, obstacle: str) -> None:
    if obstacle == "login":
        sandbox.nuonuo.login = "ok"
    else:
        sandbox.nuonuo.quota = sandbox.nuonuo.quota + 10**6


async def _lane(d: Daemon) -> tuple[str, Care | None]:
    async with d.app.store.read() as tx:
        (lane,) = [lane for lane in await tx.lanes.all() if lane.platform == "main"]
    return lane.state, lane.care
