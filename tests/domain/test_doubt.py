"""An order that may have been sent in a time the store has forgotten: asked about before anything else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from syncd.domain.decision import Adopt, Believe, Case, Drop, Resend, RestLane, SetAside, Wait
from syncd.domain.invoice import Colour, Expected, Invoice
from syncd.domain.judgement import SECOND_LOOK, judge_answer
from syncd.domain.lifecycle import Hold, Phase, State
from syncd.domain.outcome import Blocked, Failed, Issued, NotFound, Outcome, Processing, Unknown
from syncd.domain.ports import Class
from syncd.domain.trouble import Care, Verdict

NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
SETTLE = timedelta(minutes=10)
EXPECTED = Expected("91110302562134916R", Decimal("113.00"), Colour.BLUE)
OURS = Invoice("26332000000000000001", "", Decimal("113.00"), Colour.BLUE, buyer_tax_no=EXPECTED.buyer_tax_no)
AHEAD = (NotFound(), NotFound(), NotFound())
DOUBTED = Case(
    state=State.PENDING,
    phase=Phase.NONE,
    generation=0,
    expected=EXPECTED,
    wdt_status=45,
    trust=Class.A,
    settle_for=SETTLE,
    doubted_at=NOW - SETTLE,
    missed_at=NOW - SECOND_LOOK,
)


def test_what_nobody_knows_is_believed_at_the_second_look_a_settling_time_later() -> None:
    assert judge_answer(DOUBTED, NotFound(), AHEAD, NOW) == Believe()


@pytest.mark.parametrize(
    "early",
    [
        replace(DOUBTED, missed_at=None),
        replace(DOUBTED, missed_at=NOW - SECOND_LOOK + timedelta(milliseconds=1)),
        replace(DOUBTED, doubted_at=NOW - SETTLE + timedelta(seconds=1)),
    ],
)
@pytest.mark.parametrize("state", [State.PENDING, State.FAILED, State.DONE85, State.CANCELLED, State.INTENT])
def test_no_earlier_no_ends_a_doubt(early: Case, state: State) -> None:
    decided = judge_answer(replace(early, state=state), NotFound(), AHEAD, NOW)

    assert isinstance(decided, Wait)
    assert decided.missed


def test_what_exists_is_adopted_under_whatever_generation_it_was_issued() -> None:
    assert judge_answer(DOUBTED, Issued(OURS), (), NOW) == Adopt(OURS, 0)
    assert judge_answer(DOUBTED, NotFound(), (Failed("22", ""), Issued(OURS), NotFound()), NOW) == Adopt(OURS, 2)


@pytest.mark.parametrize("outcome", [Processing(), Unknown("timeout")])
def test_what_has_no_end_yet_stays_in_doubt(outcome: Outcome) -> None:
    assert isinstance(judge_answer(DOUBTED, outcome, (), NOW), Wait)


def test_bytes_that_were_cleared_before_the_restore_are_cleared_again_only_by_asking() -> None:
    sent = replace(DOUBTED, state=State.INTENT, phase=Phase.UNKNOWN, sent_at=NOW - timedelta(days=1))

    assert judge_answer(sent, NotFound(), AHEAD, NOW) == Resend()
    assert isinstance(judge_answer(replace(sent, doubted_at=NOW), NotFound(), AHEAD, NOW), Wait)


def test_an_order_that_wdt_has_moved_meanwhile_is_dropped_and_never_believed_to_wait() -> None:
    assert judge_answer(replace(DOUBTED, wdt_status=60), NotFound(), AHEAD, NOW) == Drop(cancelled=False)
    assert judge_answer(replace(DOUBTED, wdt_status=5), NotFound(), AHEAD, NOW) == Drop(cancelled=True)


@pytest.mark.parametrize("state", [State.PENDING, State.INTENT])
@pytest.mark.parametrize("outcome", [NotFound(), Unknown("cannot_be_asked"), Processing(), Failed("22", "")])
def test_an_issuer_that_can_neither_refuse_nor_be_asked_leaves_it_to_a_person(state: State, outcome: Outcome) -> None:
    case = replace(DOUBTED, trust=Class.C, state=state)

    assert judge_answer(case, outcome, AHEAD, NOW) == SetAside(Hold.RESTORED_CLASS_C)


def test_a_lane_that_rests_holds_nobody() -> None:
    resting = Blocked(Verdict(Care.PERSON, "nuonuo", "E9999", ""))

    assert isinstance(judge_answer(replace(DOUBTED, trust=Class.C), resting, (), NOW), RestLane)


def test_without_a_doubt_nothing_of_this_applies() -> None:
    assert judge_answer(replace(DOUBTED, doubted_at=None), NotFound(), AHEAD, NOW) == Drop(cancelled=False)
