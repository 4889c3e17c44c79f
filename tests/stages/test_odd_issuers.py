"""Issuers that take days, lag, split, miscount or break in our own hands: rows of the fault matrix one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any, NoReturn

import pytest
from daemon_parts import VirtualClock
from stage_parts import SUBMIT, Open, submits

from syncd.domain.lifecycle import Hold, Phase, State
from syncd.sandbox import Sandbox
from syncd.wire.issuers.nuonuo.client import NuonuoIssuer


async def test_an_order_that_takes_three_days_is_waited_for_and_never_sent_again(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    """F58."""
    no = sandbox.wdt.put_order({})
    sandbox.nuonuo.script(lambda order: True, "stuck")
    async with daemon() as d:
        await d.comes_to(no, State.INTENT)
        for _ in range(72):
            clock.advance(3600)
            await d.turn("collect")

        waiting = await d.order(no)

    assert (waiting.state, waiting.phase) == (State.INTENT, Phase.ISSUING)
    assert submits(sandbox) == 1
    assert sandbox.wdt.order(no)["status"] == 45


async def test_an_invoice_that_cannot_be_sealed_is_a_persons_and_gets_no_second_key(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    """F59. It exists: neither an 85 nor another generation."""
    no = sandbox.wdt.put_order({}, expect="hold")
    sandbox.nuonuo.script(lambda order: True, "seal_stuck")
    async with daemon() as d:
        await d.comes_to(no, State.INTENT)
        for _ in range(60):
            clock.advance(3600)
            await d.turn("collect")
        held = await d.order(no)

    assert held.hold is Hold.ISSUED_UNSIGNED
    assert len({key for _, key in sandbox.nuonuo.by_key}) == 1
    assert sandbox.wdt.order(no)["status"] == 45


async def test_an_issuer_whose_questions_lag_ten_minutes_behind_issues_once(sandbox: Sandbox, daemon: Open) -> None:
    """F62. Not found, sent again under the same key, duplicate, waited for."""
    no = sandbox.wdt.put_order({})
    sandbox.nuonuo.switches.visibility_lag = 900.0
    sandbox.nuonuo.faults.force(SUBMIT, "lost_after")
    async with daemon(issuer={"settle": "60s"}) as d:
        await d.comes_to(no, State.DONE60, within=timedelta(hours=2))

    assert submits(sandbox) >= 2
    assert len(sandbox.nuonuo.ledger) == 1
    assert len(sandbox.nuonuo.by_key) == 1


async def test_a_defect_in_the_middle_of_a_submission_is_an_unknown_outcome(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F66. The request went out before our own code broke: asked about, never failed, never sent blindly."""
    no = sandbox.wdt.put_order({})
    genuine = NuonuoIssuer.submit

    async def broken(self: NuonuoIssuer, *args: object) -> NoReturn:
        await genuine(self, *args)  # type: ignore[arg-type]
        raise ZeroDivisionError("a defect")

    async with daemon() as d:
        await d.turn("poll", "pending")
        monkeypatch.setattr(NuonuoIssuer, "submit", broken)
        with pytest.raises(ZeroDivisionError):
            await d.turn("push")
        assert (await d.order(no)).phase is Phase.SENT
        monkeypatch.undo()

        clock.advance(120)
        await d.comes_to(no, State.DONE60)

    assert submits(sandbox) == 1


async def test_a_push_that_is_cancelled_at_any_of_its_steps_ends_in_one_invoice(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    """F67. However far the call had come it may have been heard: the order is asked about before anything else."""
    numbers: list[str] = []
    cancelled = True
    async with daemon() as d:
        while cancelled:
            numbers.append(sandbox.wdt.put_order({}))
            await d.turn("poll", "pending")
            cancelled = await _cancelled_after(3 * len(numbers), d.turn("push"))
            clock.advance(61)  # whatever lease it left behind is over
        phases = {(order.state, order.phase) for order in (await d.orders()).values()}
        assert (State.INTENT, Phase.SENT) in phases

        for no in numbers:
            await d.comes_to(no, State.DONE60, within=timedelta(hours=1))

    assert len(numbers) > 10
    assert len(sandbox.nuonuo.ledger) == len(sandbox.nuonuo.by_key) == len(numbers)


async def _cancelled_after(steps: int, work: Coroutine[Any, Any, None]) -> bool:
    """Whether the work was still under way after so many turns of the loop, and is cancelled now."""
    task = asyncio.create_task(work)
    for _ in range(steps):
        await asyncio.sleep(0)
    under_way = task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    return under_way


async def test_an_issuer_whose_door_is_closed_was_certainly_sent_nothing(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    """F52. The intent stays ready, and is tried again later; it is not in doubt."""
    no = sandbox.wdt.put_order({})
    async with daemon(issuer={"url": "http://127.0.0.1:1/open/v1/services"}) as d:
        await d.turn("poll", "pending")
        await d.turn("push")
        ready = await d.order(no)

    assert (ready.state, ready.phase) == (State.INTENT, Phase.READY)
    assert ready.next_at > clock.now()


async def test_an_order_that_vanishes_from_wdt_is_kept_and_shown_to_a_person(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    """F87. It is looked for by its number before it is sent, and nothing is deleted."""
    no = sandbox.wdt.put_order({"shop_no": "shop09"}, expect="hold")
    async with daemon() as d:
        await d.turn("poll", "pending")
        sandbox.wdt.revoke_shop("shop09")
        clock.advance(600)

        held = await d.comes_to(no, State.HOLD)

    assert held.hold is Hold.WDT_MISSING
    assert submits(sandbox) == 0


async def test_the_same_order_number_under_two_accounts_is_two_invoices(sandbox: Sandbox, daemon: Open) -> None:
    """F88. One taxpayer, two WDT accounts, each with its FP1: the account is part of the key."""
    sandbox.wdt.add_tenant("other_sid", "other_key", "othersecret:othersalt")
    for sid in ("demo_sid", "other_sid"):
        sandbox.wdt.put_order({"invoice_order_no": "FP1"}, sid=sid)
    account = {"url": sandbox.wdt_url, "calls_per_minute": 6000, "timeout": "3s"}
    other = {**account, "sid": "other_sid", "key": "other_key", "secret": "othersecret:othersalt"}
    async with daemon(more=[{"name": "m002", "issuer": "main", "wdt": other}]) as d:
        await d.settle()

    assert len(sandbox.nuonuo.ledger) == 2
    numbers = {sandbox.wdt.order("FP1", sid=sid)["invoice_no"] for sid in ("demo_sid", "other_sid")}
    assert numbers == {invoice.number for invoice in sandbox.nuonuo.ledger}
    assert len({invoice.order_no for invoice in sandbox.nuonuo.ledger}) == 2


async def test_after_ninety_five_days_of_silence_four_windows_are_read_oldest_first(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    """F92. No window is wider than WDT allows, and what changed meanwhile is found."""
    async with daemon(poll={"step": "29d"}) as d:
        await d.turn("poll", "pending")
        numbers = [sandbox.wdt.put_order({}, modified=clock() + day * 86_400) for day in (1, 40, 80, 94)]
        clock.advance(timedelta(days=95))
        sandbox.wdt.calls.clear()
        await d.settle()

        assert set(await d.orders()) == set(numbers)
        async with d.app.store.read() as tx:
            assert await tx.windows.gaps() == []
    assert len(sandbox.nuonuo.ledger) == 4


async def test_a_plain_http_address_needs_to_be_allowed(sandbox: Sandbox, daemon: Open) -> None:
    """F93. WDT's own address is plain HTTP, an issuer's is not: the latter only where the settings say so."""
    from syncd.config.problems import SettingsError

    with pytest.raises(SettingsError, match="allow_plain_http"):
        async with daemon(issuer={"allow_plain_http": False, "url": "http://192.0.2.1/open/v1/services"}):
            pass
