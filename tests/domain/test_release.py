"""What an operator's word may do to an order, over every state it can be in."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest

from syncd.domain.lifecycle import OPEN, RELEASES, STEPS, Hold, Phase, State
from syncd.domain.order import WdtStatus
from syncd.domain.release import ACCOUNT_CHANGED, ENDED_ELSEWHERE, Change, Refusal, Standing, hold, release, retry

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
STATUSES = (5, 45, 60, 85)
HELD = [
    Standing(State.HOLD, Phase.NONE, status, why, held_from, held_phase)
    for status, why, held_from, held_phase in itertools.product(STATUSES, Hold, RELEASES, Phase)
]


def test_every_release_is_a_legal_step_that_ends_the_hold() -> None:
    for order, outside in itertools.product(HELD, (False, True)):
        decided = release(order, NOW, settled_outside=outside)

        if isinstance(decided, Refusal):
            continue
        assert decided.event is not None
        assert (State.HOLD, decided.event) in STEPS
        assert decided.columns["hold"] is None
        assert decided.columns["held_from"] is None


def test_no_release_makes_an_order_ready_to_be_sent_that_may_have_been_sent() -> None:
    """READY and plain PENDING are the only doors to the issuer; only a hold from PENDING leads through the latter."""
    for order, outside in itertools.product(HELD, (False, True)):
        decided = release(order, NOW, settled_outside=outside)

        if isinstance(decided, Refusal):
            continue
        assert decided.columns["phase"] is not Phase.READY
        after = STEPS[(State.HOLD, decided.event)]  # type: ignore[index]
        if after is State.PENDING and decided.columns["phase"] is Phase.NONE:
            assert order.held_from is State.PENDING
            assert order.wdt_status == WdtStatus.WAITING
            assert order.hold not in ENDED_ELSEWHERE


def test_nothing_that_has_ended_elsewhere_goes_on() -> None:
    for order in HELD:
        if order.hold in ENDED_ELSEWHERE:
            assert isinstance(release(order, NOW), Refusal)


def test_nothing_that_wdt_still_waits_for_counts_as_settled_outside() -> None:
    for order in HELD:
        decided = release(order, NOW, settled_outside=True)

        assert isinstance(decided, Refusal) is (order.wdt_status == WdtStatus.WAITING)


def test_what_wdt_is_owed_is_owed_again() -> None:
    owed = {state: release(Standing(State.HOLD, Phase.NONE, 45, Hold.WDT_MISSING, state), NOW) for state in RELEASES}

    assert {state: change.owes for state, change in owed.items() if isinstance(change, Change)} == {
        State.PENDING: None,
        State.INTENT: None,
        State.ISSUED: WdtStatus.ISSUED,
        State.DONE60: WdtStatus.ISSUED,
        State.FAILED: WdtStatus.OFFLINE_FAILED,
        State.DONE85: WdtStatus.OFFLINE_FAILED,
        State.CANCELLED: None,
    }


def test_a_released_failure_is_asked_about_before_it_is_reported() -> None:
    decided = release(Standing(State.HOLD, Phase.NONE, 45, Hold.WDT_MISSING, State.FAILED), NOW)

    assert isinstance(decided, Change)
    assert decided.columns["asked_at"] is None
    assert decided.columns["sweep_at"] == NOW


def test_an_order_that_awaited_its_file_awaits_it_again() -> None:
    order = Standing(State.HOLD, Phase.NONE, 45, Hold.BY_OPERATOR, State.ISSUED, Phase.FILE_PENDING)

    decided = release(order, NOW)

    assert isinstance(decided, Change)
    assert decided.columns["phase"] is Phase.FILE_PENDING


@pytest.mark.parametrize("state", [state for state in State if state is not State.HOLD])
def test_only_what_is_held_can_be_released(state: State) -> None:
    assert isinstance(release(Standing(state, Phase.NONE, 45), NOW), Refusal)


def test_a_retry_never_changes_where_an_order_stands_but_for_a_hold_from_pending() -> None:
    for state, phase in itertools.product(State, Phase):
        decided = retry(Standing(state, phase, 45, held_from=None), NOW)

        if isinstance(decided, Change):
            assert state in OPEN
            assert decided.event is None
            assert set(decided.columns) == {"next_at"}
            assert decided.wake


def test_a_retry_of_a_hold_is_a_release_only_from_pending() -> None:
    for order in HELD:
        decided = retry(order, NOW)

        if order.held_from is State.PENDING:
            assert decided == release(order, NOW)
        else:
            assert isinstance(decided, Refusal)


def test_what_could_only_not_be_asked_about_is_released_by_a_retry_and_asked() -> None:
    """No person need look at it first; but a release would end the search for a late invoice of a cancelled one."""
    held = [
        Standing(State.HOLD, Phase.NONE, 45, Hold.CLASS_C_UNKNOWN, state, code=ACCOUNT_CHANGED) for state in RELEASES
    ]

    for order in held:
        decided = retry(order, NOW)

        if order.held_from is State.CANCELLED:
            assert isinstance(decided, Refusal)
        else:
            assert decided == release(order, NOW)
    (sent,) = [retry(order, NOW) for order in held if order.held_from is State.INTENT]
    assert isinstance(sent, Change)
    assert (sent.columns["phase"], sent.wake) == (Phase.UNKNOWN, ("collect",))


def test_what_somebody_put_back_to_waiting_is_not_told_to_have_failed_by_a_retry() -> None:
    held = Standing(
        State.HOLD, Phase.NONE, 45, Hold.CLASS_C_UNKNOWN, State.DONE85, Phase.REPENDED, code=ACCOUNT_CHANGED
    )

    assert isinstance(retry(held, NOW), Refusal)


def test_a_retry_of_what_an_issuer_cannot_tell_is_for_a_person() -> None:
    order = Standing(State.HOLD, Phase.NONE, 45, Hold.CLASS_C_UNKNOWN, State.INTENT)

    assert isinstance(retry(order, NOW), Refusal)


def test_what_is_on_its_way_is_left_alone() -> None:
    assert retry(Standing(State.INTENT, Phase.SENT, 45), NOW) == Refusal("in_flight")


@pytest.mark.parametrize("state", list(State))
def test_only_the_unfinished_can_be_held(state: State) -> None:
    assert isinstance(hold(Standing(state, Phase.NONE, 45)), Change) is (state in OPEN)
