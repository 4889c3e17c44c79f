"""What a red form's state, or its refusal, does to an order: the same machine, with a form that can lapse."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from syncd.domain.decision import Case, Fail, GoOn, Repend, SetAside, Wait
from syncd.domain.invoice import Colour, Expected
from syncd.domain.judgement import judge_answer, judge_submission
from syncd.domain.lifecycle import Hold, Phase, State
from syncd.domain.outcome import Agreed, AlreadyReversed, Failed, NotFound, Processing, Stopped
from syncd.domain.ports import Class

NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
EXPECTED = Expected("", Decimal("-113.00"), Colour.RED, "26112000000123456789")
INTENT = Case(
    state=State.INTENT,
    phase=Phase.SENT,
    generation=0,
    expected=EXPECTED,
    wdt_status=45,
    trust=Class.A,
    settle_for=timedelta(minutes=10),
)


def case(**changes: Any) -> Case:
    return replace(INTENT, **changes)


RED: dict[str, Any] = {"restartable": False, "lapses_for": timedelta(hours=72)}


def test_a_form_that_waits_for_the_buyer_tells_until_when() -> None:
    waiting = case(sent_at=NOW - timedelta(hours=1), tries=7, **RED)

    decided = judge_answer(waiting, Processing(for_buyer=True), (), NOW)

    assert decided == Wait(Phase.WAITING_BUYER, timedelta(minutes=30), until=NOW + timedelta(hours=71))


def test_the_end_of_the_buyers_time_is_not_slept_past() -> None:
    waiting = case(sent_at=NOW - timedelta(hours=71, minutes=59), tries=7, **RED)

    decided = judge_answer(waiting, Processing(for_buyer=True), (), NOW)

    assert isinstance(decided, Wait)
    assert decided.after == timedelta(seconds=62)


def test_a_form_that_waits_for_the_buyer_long_after_the_buyers_time_is_for_a_person() -> None:
    late = case(sent_at=NOW - timedelta(hours=97), tries=7, **RED)
    at_the_end = case(sent_at=NOW - timedelta(hours=73), tries=7, **RED)

    assert isinstance(judge_answer(at_the_end, Processing(for_buyer=True), (), NOW), Wait)
    assert judge_answer(late, Processing(for_buyer=True), (), NOW) == SetAside(
        Hold.RED_FORM, (("code", "red_form_overdue"),)
    )


def test_a_dead_form_is_never_gone_on_with() -> None:
    """It takes a new billId, and only when WDT waits for it again."""
    dead = (Failed("07", "lapsed"), NotFound())

    assert judge_answer(case(restarts=1, unchanged=True, **RED), dead[0], dead[1:], NOW) == Fail("07", "lapsed")
    wanted = case(state=State.DONE85, phase=Phase.REPENDED, unchanged=True, **RED)
    assert judge_answer(wanted, dead[0], dead[1:], NOW) == Repend(1)


def test_a_reversal_by_somebody_else_is_held_and_only_after_the_settling_time() -> None:
    """It may have been this very order, whose form does not show yet."""
    refused = case(phase=Phase.REFUSED, refusal=("already_reversed", "E9103: reversed"), sent_at=NOW, **RED)

    first = judge_answer(refused, NotFound(), (), NOW)
    settled = replace(refused, sent_at=NOW - refused.settle_for, missed_at=NOW - timedelta(minutes=1))
    then = judge_answer(settled, NotFound(), (), NOW)

    assert isinstance(first, Wait)
    assert (first.phase, first.missed) == (Phase.REFUSED, True)
    assert then == SetAside(Hold.RED_BLUE_MISMATCH, (("code", "already_reversed"), ("text", "E9103: reversed")))
    assert judge_submission(case(**RED), AlreadyReversed("E9103", "reversed")) == Wait(
        Phase.REFUSED, timedelta(seconds=1), refusal=("already_reversed", "E9103: reversed")
    )


def test_an_agreed_form_goes_on_only_while_it_still_says_what_is_wanted() -> None:
    """The call may make a legal document."""
    agreed = case(unchanged=True, **RED)

    assert judge_answer(agreed, Agreed(), (), NOW) == GoOn(0)
    for changed in ({"unchanged": False}, {"wdt_status": 5}, {"state": State.DONE85}):
        held = judge_answer(replace(agreed, **changed), Agreed(), (), NOW)  # type: ignore[arg-type]
        assert held == SetAside(Hold.RED_FORM, (("code", "red_form_changed"),))
    stuck = judge_answer(replace(agreed, restarts=20), Agreed(), (), NOW)
    assert stuck == SetAside(Hold.RED_FORM, (("code", "red_form_stuck"), ("rounds", "20")))


def test_a_blocked_form_is_a_persons() -> None:
    held = judge_answer(case(**RED), Stopped("red_form_11", "taxpayer 91120222079642398Y"), (), NOW)

    assert isinstance(held, SetAside)
    assert (held.hold, dict(held.facts)["code"]) == (Hold.RED_FORM, "red_form_11")
    assert "91120222079642398Y" not in dict(held.facts)["text"]
