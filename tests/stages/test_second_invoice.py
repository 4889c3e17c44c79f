"""An issuer that makes good what it had listed as failed: prevented where it can be, noticed where it cannot."""

from __future__ import annotations

from datetime import timedelta

import pytest
from stage_parts import ASK, Open

from syncd.domain.lifecycle import Hold, State
from syncd.sandbox import Sandbox


async def test_an_unchanged_order_gets_no_second_key_that_its_first_could_be_issued_beside(
    sandbox: Sandbox, daemon: Open
) -> None:
    """T18. The issuer makes the first key good hours later, and finds nothing to make good."""
    no = sandbox.wdt.put_order({})
    sandbox.nuonuo.script(lambda order: True, "fail_then_issue", times=1)
    sandbox.nuonuo.switches.revive_after = 3600
    async with daemon() as d:
        await d.comes_to(no, State.DONE85)
        sandbox.wdt.reopen(no)
        done = await d.comes_to(no, State.DONE60)
        for _ in range(3):
            d.clock.advance(timedelta(hours=1))
            await d.pass_by(60)

        assert await d.state(no) is State.DONE60
    assert done.generation == 0
    assert len(sandbox.nuonuo.by_key) == 1
    assert len(sandbox.nuonuo.ledger) == 1


@pytest.mark.parametrize("lost", [0, 3])
async def test_a_second_invoice_under_an_earlier_key_is_noticed_and_held(
    sandbox: Sandbox, daemon: Open, lost: int
) -> None:
    """T18 trusts "failed"; should it come alive within a week, a person is told with both numbers.

    Nobody else ever asks for an earlier key: a question that was `lost` is asked again.
    """
    no = sandbox.wdt.put_order({}, expect="hold")
    sandbox.nuonuo.script(lambda order: True, "fail_then_issue", times=1)
    sandbox.nuonuo.switches.revive_after = 3600
    async with daemon() as d:
        await d.comes_to(no, State.DONE85)
        sandbox.wdt.edit(no, payer_name="another buyer")
        sandbox.wdt.reopen(no)
        await d.comes_to(no, State.DONE60)

        d.clock.advance(timedelta(hours=7))
        sandbox.nuonuo.faults.force(ASK, "lost_before", times=lost)
        await d.comes_to(no, State.HOLD, within=timedelta(days=7))

        order = await d.order(no)
        numbers = {invoice.number for invoice in sandbox.nuonuo.ledger}
        assert len(numbers) == 2
        assert order.hold is Hold.SPLIT_INVOICES
        assert set(order.hold_facts["numbers"].split()) == numbers
    assert not sandbox.nuonuo.faults.forced
