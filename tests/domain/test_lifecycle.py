from __future__ import annotations

import itertools

import pytest

from syncd.domain.lifecycle import (
    CORRECTABLE,
    FINAL,
    OPEN,
    RELEASES,
    STEPS,
    Event,
    Hold,
    IllegalStep,
    State,
    allowed_moves,
    step,
)

UNLISTED = [pair for pair in itertools.product(State, Event) if pair not in STEPS]


def exits(state: State) -> set[State]:
    return {after for before, after in allowed_moves() if before is state}


@pytest.mark.parametrize(("pair", "after"), STEPS.items(), ids=lambda value: str(value))
def test_every_listed_step_leads_where_the_table_says(pair: tuple[State, Event], after: State) -> None:
    assert step(*pair) is after


@pytest.mark.parametrize(("state", "event"), UNLISTED)
def test_what_the_table_does_not_list_cannot_happen(state: State, event: Event) -> None:
    with pytest.raises(IllegalStep, match=f"{event}.*{state}"):
        step(state, event)


def test_every_state_can_be_reached_from_a_first_sighting() -> None:
    reached = {State.MIRRORED, State.PENDING}

    while new := {after for before, after in allowed_moves() if before in reached} - reached:
        reached |= new

    assert reached == set(State)


def test_every_event_moves_something() -> None:
    assert {event for _, event in STEPS} == set(Event)


def test_each_state_is_open_or_final_or_a_persons() -> None:
    assert {*FINAL, *OPEN, State.HOLD} == set(State)
    assert not FINAL & OPEN
    assert State.HOLD not in FINAL | OPEN


def test_the_moves_are_each_pair_of_the_table_once_and_sorted() -> None:
    moves = allowed_moves()

    assert set(moves) == {(before, after) for (before, _), after in STEPS.items()}
    assert list(moves) == sorted(set(moves))


def test_an_issued_invoice_is_never_forgotten() -> None:
    """From ISSUED there is only the confirmed write-back, or a person."""
    assert exits(State.ISSUED) == {State.DONE60, State.HOLD}
    assert exits(State.DONE60) == {State.HOLD}


def test_an_intent_never_goes_back_to_waiting() -> None:
    """A request that may have been sent ends in an invoice, in a confirmed "no", or with a person."""
    assert exits(State.INTENT) == {State.ISSUED, State.FAILED, State.CANCELLED, State.HOLD}


def test_only_a_waiting_order_a_persons_release_or_an_old_key_gone_on_with_becomes_an_intent() -> None:
    before = {before for before, after in allowed_moves() if after is State.INTENT}

    assert before == {State.PENDING, State.HOLD, State.DONE85, State.CANCELLED}
    assert {event for (state, event), after in STEPS.items() if after is State.INTENT and state in FINAL} == {
        Event.RESUMED
    }


@pytest.mark.parametrize("state", [State.FAILED, State.DONE85, State.CANCELLED])
def test_what_ended_without_an_invoice_can_still_be_found_issued(state: State) -> None:
    assert step(state, Event.ISSUED) is State.ISSUED


def test_a_hold_can_be_released_from_wherever_it_may_begin() -> None:
    held = {before for (before, event) in STEPS if event is Event.HELD}

    assert set(RELEASES) == held


@pytest.mark.parametrize("state", [State.PENDING, State.INTENT, State.ISSUED, State.FAILED])
def test_a_release_goes_back_to_the_state_the_hold_found(state: State) -> None:
    assert step(State.HOLD, RELEASES[state]) is state


def test_a_release_never_opens_a_second_submission() -> None:
    """What was issued, in flight or closed does not come back as waiting."""
    back = {state: step(State.HOLD, event) for state, event in RELEASES.items()}

    assert [state for state, after in back.items() if after is State.PENDING] == [State.PENDING]


def test_what_corrects_itself_was_never_sent() -> None:
    assert {Hold.POISON_ROW, Hold.AMOUNT_OVER_LIMIT, Hold.RED_BLUE_MISMATCH} == CORRECTABLE
