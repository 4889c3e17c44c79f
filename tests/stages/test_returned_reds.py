"""A red order may end an application too: its invoice is returned as red, and names the blue one it cancels."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from centre_parts import READ, UPDATE, UPLOAD, alibaba, application, applied, calls, ends, linked
from stage_parts import Open

from syncd.domain.application import Standing, Stuck
from syncd.domain.lifecycle import State
from syncd.sandbox import Sandbox


@pytest.mark.parametrize(
    ("blue_fields", "red_fields"),
    [({}, {"sign": "negative"}), ({}, {"sign": "positive"}), ({"invoice_type": 1}, {"sign": "negative"})],
)
async def test_a_linked_red_is_returned_as_red_and_names_its_blue(
    sandbox: Sandbox, daemon: Open, blue_fields: dict[str, Any], red_fields: dict[str, Any]
) -> None:
    """WDT shows a red row with or without the sign; the centre is told what was issued, with it."""
    async with daemon(alibaba=alibaba(sandbox)) as d:
        blue = sandbox.wdt.put_order(blue_fields)
        await d.comes_to(blue, State.DONE60)
        red = sandbox.wdt.put_red_of(blue, **red_fields)
        await d.turn("poll", "pending")
        applied(sandbox, "A1", red, invoice_type="red")
        await linked(d, "A1", red)
        await d.comes_to(red, State.DONE60)
        await ends(d, "A1")

        assert (await application(d, "A1")).state is Standing.DONE
    cancelled, issued = sandbox.nuonuo.ledger
    (upload,) = sandbox.top.uploads
    texts = upload.texts
    assert (texts["invoice_type"], texts["invoice_no"]) == ("red", issued.number)
    assert (texts["normal_invoice_no"], texts.get("normal_invoice_code", "")) == (cancelled.number, cancelled.code)
    assert Decimal(texts["invoice_amount"]) == -cancelled.total
    assert calls(sandbox) == [READ, UPDATE, UPLOAD, UPDATE]
    assert sandbox.top.complaints == []


async def test_a_blue_that_was_reversed_before_it_was_told_is_a_persons(sandbox: Sandbox, daemon: Open) -> None:
    async with daemon(alibaba=alibaba(sandbox)) as d:
        blue = sandbox.wdt.put_order({})
        await d.comes_to(blue, State.DONE60)
        red = sandbox.wdt.put_red_of(blue)
        await d.comes_to(red, State.DONE60)
        applied(sandbox, "A1", blue)
        await linked(d, "A1", blue)
        held = await ends(d, "A1", Standing.HELD)

    assert held.hold is Stuck.REVERSED
    assert held.hold_facts["invoices"] == sandbox.nuonuo.ledger[0].number
    assert UPDATE not in calls(sandbox)
