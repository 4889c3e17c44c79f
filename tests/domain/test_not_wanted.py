"""What becomes of an order that was never taken by the issuer and that WDT no longer waits for (T09)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from syncd.domain.decision import Case, Decision, Drop, Resend, SetAside, Wait
from syncd.domain.invoice import Colour, Expected
from syncd.domain.judgement import SECOND_LOOK, judge_answer
from syncd.domain.lifecycle import Hold, Phase, State
from syncd.domain.order import OrderNo, Row
from syncd.domain.outcome import Failed, NotFound, SealFailed
from syncd.domain.ports import Class
from syncd.domain.sighting import Known, observe

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
SETTLED = Case(
    state=State.INTENT,
    phase=Phase.UNKNOWN,
    generation=0,
    expected=Expected("", Decimal("4.00"), Colour.BLUE),
    wdt_status=45,
    trust=Class.A,
    settle_for=timedelta(minutes=10),
    sent_at=NOW - timedelta(minutes=11),
    missed_at=NOW - SECOND_LOOK,
)


@pytest.mark.parametrize(
    ("status", "kind"), [(45, Resend), (5, Drop), (60, SetAside), (110, SetAside), (20, Wait), (999, Wait)]
)
def test_only_an_order_that_wdt_still_waits_for_is_sent_again(status: int, kind: type[Decision]) -> None:
    decision = judge_answer(replace(SETTLED, wdt_status=status, wdt_invoice_no="1"), NotFound(), (), NOW)

    assert isinstance(decision, kind)
    if isinstance(decision, SetAside):
        assert decision.hold is Hold.FOREIGN_NUMBER


@pytest.mark.parametrize("phase", [Phase.READY, Phase.SENT, Phase.UNKNOWN])
def test_a_cleared_resend_is_asked_about_again_when_wdt_moved_the_order(phase: Phase) -> None:
    known = Known(State.INTENT, phase, 45, b"old", submitted=True)
    row = Row(OrderNo("FP1"), 60, "26000000000000000001", False, "", "", None, None, b"{}", b"new")

    sight = observe(known, row)

    assert (sight.phase, sight.due) == ((Phase.UNKNOWN, True) if phase is Phase.READY else (phase, False))


def test_a_seal_is_mended_under_the_generation_that_carries_it() -> None:
    """A rebuilt store finds the next generation issued and unsealed: the dead one before it is not pushed again."""
    decision = judge_answer(SETTLED, Failed("22", "no"), (NotFound(), SealFailed("s1", "no seal")), NOW)

    assert decision is not None
    assert getattr(decision, "generation", None) == 2
