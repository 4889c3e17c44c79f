from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from daemon_parts import Daemon, VirtualClock
from stage_parts import ASK, SUBMIT, Open, submits

from syncd.domain.lifecycle import Hold, Phase, State
from syncd.domain.outcome import Outcome, Refused
from syncd.sandbox import Sandbox
from syncd.wire.issuers.nuonuo.client import NuonuoIssuer


async def test_a_failure_at_the_bureau_is_told_and_a_corrected_order_gets_the_next_generation(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    no = sandbox.wdt.put_order({})
    sandbox.nuonuo.script(lambda order: True, "fail", times=1)
    async with daemon() as d:
        await d.comes_to(no, State.DONE85)
        assert sandbox.wdt.order(no)["status"] == 85
        assert sandbox.wdt.order(no)["error_info"] != ""

        clock.advance(30)
        sandbox.wdt.edit(no, payer_name="another buyer")
        sandbox.wdt.reopen(no)
        done = await d.comes_to(no, State.DONE60)

    assert done.generation == 1
    assert len({key for _, key in sandbox.nuonuo.by_key}) == 2
    assert len(sandbox.nuonuo.ledger) == 1


async def test_a_refusal_that_left_no_record_keeps_its_key(sandbox: Sandbox, daemon: Open, clock: VirtualClock) -> None:
    """The issuer does not list the key as dead, so the next try goes under the same one."""
    no = sandbox.wdt.put_order({})
    sandbox.nuonuo.script(lambda order: True, "refuse", times=1)
    async with daemon() as d:
        await d.comes_to(no, State.DONE85)
        clock.advance(30)
        sandbox.wdt.reopen(no)
        done = await d.comes_to(no, State.DONE60)

    assert done.generation == 0
    assert len(sandbox.nuonuo.by_key) == 1


async def _in_phase(d: Daemon, no: str, phase: Phase) -> bool:
    return (await d.order(no)).phase is phase


async def test_a_refusal_is_confirmed_by_asking_before_anybody_is_told(sandbox: Sandbox, daemon: Open) -> None:
    no = sandbox.wdt.put_order({})
    sandbox.nuonuo.script(lambda order: True, "refuse", times=1)
    async with daemon() as d:
        await d.turn("poll", "pending")
        await d.turn("push")
        assert (await d.order(no)).phase is Phase.REFUSED
        assert sandbox.wdt.order(no)["status"] == 45

        await d.comes_to(no, State.FAILED)

    assert len(sandbox.nuonuo.calls.of(ASK)) >= 1


async def test_a_refusal_that_the_issuer_took_back_counts_no_more_when_it_once_finds_nothing(
    sandbox: Sandbox, daemon: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused, then being issued, then for once not to be found: no answer of these is a failure."""
    no = sandbox.wdt.put_order({})
    genuine = NuonuoIssuer.submit

    async def refused(self: NuonuoIssuer, *args: Any) -> Outcome:
        await genuine(self, *args)
        return Refused("E9101", "refused")

    monkeypatch.setattr(NuonuoIssuer, "submit", refused)
    sandbox.nuonuo.issue_delay = (60.0, 60.0)
    async with daemon() as d:
        await d.turn("poll", "pending")
        await d.turn("push")
        assert (await d.order(no)).phase is Phase.REFUSED
        monkeypatch.setattr(NuonuoIssuer, "submit", genuine)
        await d.turn("collect")
        await d.until(lambda: _in_phase(d, no, Phase.ISSUING))
        (submission,) = sandbox.nuonuo.by_key.values()
        submission.hidden_for = 8

        await d.comes_to(no, State.DONE60)

        assert "order.failed" not in [entry.event for entry in await d.story(no)]

    assert len(sandbox.nuonuo.ledger) == 1


async def test_an_order_that_was_issued_after_all_is_found_and_healed(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    """22 first, issued two minutes later; WDT takes a 60 from 85."""
    no = sandbox.wdt.put_order({})
    sandbox.nuonuo.switches.revive_after = 120
    sandbox.nuonuo.script(lambda order: True, "fail_then_issue", times=1)
    async with daemon() as d:
        await d.comes_to(no, State.DONE85)
        assert sandbox.wdt.order(no)["status"] == 85

        clock.advance(300)
        await d.comes_to(no, State.DONE60)

    (invoice,) = sandbox.nuonuo.ledger
    assert (sandbox.wdt.order(no)["status"], sandbox.wdt.order(no)["invoice_no"]) == (60, invoice.number)
    assert submits(sandbox) == 1


async def test_a_failed_order_is_looked_at_six_times_in_a_week_and_then_left(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    no = sandbox.wdt.put_order({}, expect="refuse")
    sandbox.nuonuo.script(lambda order: True, "fail")
    async with daemon() as d:
        await d.comes_to(no, State.DONE85)
        sandbox.nuonuo.calls.clear()
        looks = 0
        while (sweep_at := (await d.order(no)).sweep_at) is not None:
            clock.world = sweep_at
            await d.turn("collect")
            looks += bool(sandbox.nuonuo.calls.of(ASK))
            sandbox.nuonuo.calls.clear()

        assert looks == 6
        assert await d.state(no) is State.DONE85


async def test_an_invoice_whose_file_is_late_waits_for_it(sandbox: Sandbox, daemon: Open) -> None:
    sandbox.nuonuo.switches.file_delay = 60
    no = sandbox.wdt.put_order({})
    async with daemon() as d:
        issued = await d.comes_to(no, State.ISSUED)
        assert issued.phase is Phase.FILE_PENDING

        await d.comes_to(no, State.DONE60)

    assert sandbox.wdt.order(no)["file_url"].endswith(".pdf")


async def test_a_file_that_is_late_is_asked_for_again_when_the_issuer_once_finds_nothing(
    sandbox: Sandbox, daemon: Open
) -> None:
    """A lagging "not found" about an invoice we hold parks nothing."""
    sandbox.nuonuo.switches.file_delay = 60
    no = sandbox.wdt.put_order({})
    async with daemon() as d:
        await d.comes_to(no, State.ISSUED)
        for submission in sandbox.nuonuo.by_key.values():
            submission.hidden_for = 1

        await d.comes_to(no, State.DONE60, within=timedelta(minutes=5))


async def test_an_invoice_that_was_found_is_not_asked_about_without_end(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    sandbox.nuonuo.switches.file_delay = 60
    no = sandbox.wdt.put_order({})
    async with daemon() as d:
        await d.comes_to(no, State.ISSUED)
        for submission in sandbox.nuonuo.by_key.values():
            submission.hidden_for = 1
        await d.pass_by(10)
        clock.advance(7200)
        asked = len(sandbox.nuonuo.calls.of(ASK))
        await d.turn("collect")

        # One look: the key, and the three after it, of which "none" is believed one by one.
        assert len(sandbox.nuonuo.calls.of(ASK)) - asked <= 6
        await d.comes_to(no, State.DONE60)
        clock.advance(86_400 * 8)
        await d.turn("collect")
        assert await d.state(no) is State.DONE60


async def test_an_issuer_that_shows_nothing_at_first_is_not_sent_to_again(sandbox: Sandbox, daemon: Open) -> None:
    sandbox.nuonuo.switches.visibility_lag = 60
    no = sandbox.wdt.put_order({})
    sandbox.nuonuo.faults.force(SUBMIT, "lost_after")
    async with daemon() as d:
        await d.comes_to(no, State.DONE60, within=timedelta(minutes=40))

    assert submits(sandbox) == 1


async def test_an_unsealed_invoice_is_revived_and_never_reported_as_failed(sandbox: Sandbox, daemon: Open) -> None:
    no = sandbox.wdt.put_order({})
    sandbox.nuonuo.script(lambda order: True, "seal_fail", times=1)
    async with daemon() as d:
        await d.comes_to(no, State.DONE60)

    assert sandbox.counts()["refused"] == 0
    assert len(sandbox.nuonuo.ledger) == 1


async def test_two_invoices_for_one_order_are_a_persons(sandbox: Sandbox, daemon: Open) -> None:
    """F60. Every number is kept, and WDT is told none."""
    no = sandbox.wdt.put_order({}, expect="hold")
    sandbox.nuonuo.script(lambda order: True, "split")
    async with daemon() as d:
        held = await d.comes_to(no, State.HOLD)
        async with d.app.store.read() as tx:
            recorded = await tx.submissions.invoices([held.id])

    assert held.hold is Hold.SPLIT_INVOICES
    assert len(recorded[held.id]) == 2
    assert {invoice.number for invoice in recorded[held.id]} == {one.number for one in sandbox.nuonuo.ledger}
    assert sandbox.wdt.order(no)["status"] == 45


async def test_an_invoice_a_cent_off_is_not_ours(sandbox: Sandbox, daemon: Open) -> None:
    """F61. Never silent: it is shown with both amounts."""
    no = sandbox.wdt.put_order({}, expect="hold")
    sandbox.nuonuo.script(lambda order: True, "cent_off")
    async with daemon() as d:
        held = await d.comes_to(no, State.HOLD)

    assert held.hold is Hold.KEY_COLLISION
    assert held.hold_facts["fields"] == "total"
    assert {"issued_total", "wanted_total"} <= held.hold_facts.keys()
    assert held.hold_facts["issued_total"] != held.hold_facts["wanted_total"]
