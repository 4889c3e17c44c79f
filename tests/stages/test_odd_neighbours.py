"""One odd row or answer stops nobody else."""

from __future__ import annotations

from typing import Any

import pytest
from stage_parts import Open

from syncd.domain.lifecycle import State
from syncd.sandbox import Sandbox

SUBMIT = "nuonuo.OpeMplatform.requestBillingNew"


@pytest.mark.parametrize(
    "odd", [{"created": 253_402_300_799_000}, {"status": 2**63}, {"status": -1}, {"created": "9" * 30}]
)
async def test_a_row_with_an_impossible_value_stops_no_neighbour(
    sandbox: Sandbox, daemon: Open, odd: dict[str, Any]
) -> None:
    before, after = sandbox.wdt.put_order({}), ""
    row = {**sandbox.wdt.order(before), "invoice_order_no": "FP202611209998", **odd}
    sandbox.wdt.put_order(row, raw=True, expect="hold")
    after = sandbox.wdt.put_order({})

    async with daemon() as d:
        await d.comes_to(before, State.DONE60)
        await d.comes_to(after, State.DONE60)


async def test_an_order_turned_red_in_wdt_is_still_asked_about_by_the_key_that_was_sent(
    sandbox: Sandbox, daemon: Open
) -> None:
    """The key is computed from the colour; the colour that counts is the one in the frozen request."""
    no = sandbox.wdt.put_order({})
    sandbox.nuonuo.faults.force(SUBMIT, "lost_after")
    async with daemon() as d:
        await d.comes_to(no, State.INTENT)
        sandbox.wdt.edit(no, is_red=True)
        await d.comes_to(no, State.DONE60)

    assert len(sandbox.nuonuo.ledger) == 1
