"""What a person may do with an order, written down while a daemon could be at work."""

from __future__ import annotations

import json

import pytest
from cli_world import Place, Run
from orders_made import due_units, in_store, look_up, make, open_debts, put_off_units, see, story

from syncd.domain.lifecycle import Hold, Phase, State

CORRECTABLE = {"code": "gross_total_differs", "expected": "1.00", "given": "2.00"}


def test_a_held_order_that_was_never_sent_is_planned_again(place: Place, run: Run) -> None:
    make(place.store, "P1", hold=Hold.POISON_ROW, facts=CORRECTABLE)
    put_off_units(place.store)

    result = run("orders", "retry", "P1")

    order = look_up(place.store, "P1")
    assert result.exit_code == 0
    assert (order.state, order.phase, order.hold, order.hold_facts) == (State.PENDING, Phase.NONE, None, {})
    assert ("push", "m001") in due_units(place.store)
    assert [event for event, _ in story(place.store, "P1")] == ["order.retried"]


def test_a_release_of_an_order_that_wdt_has_cancelled_meanwhile_asks_and_never_sends(place: Place, run: Run) -> None:
    """Status 5 was seen while it was held; back at plain PENDING it would be issued for a cancelled order."""
    make(place.store, "P2", hold=Hold.BY_OPERATOR, facts={"by": "x", "reason": "y"}, status=5)

    result = run("orders", "release", "P2", "--yes")

    assert result.exit_code == 0
    assert look_up(place.store, "P2").phase is Phase.LEFT


def test_what_may_have_been_sent_is_asked_about_first(place: Place, run: Run) -> None:
    make(place.store, "I1", State.INTENT, Phase.ISSUING, hold=Hold.ISSUED_UNSIGNED, facts={"text": "seal"})
    put_off_units(place.store)

    result = run("orders", "release", "I1", "--yes", "--reason", "sealed now")

    order = look_up(place.store, "I1")
    assert result.exit_code == 0
    assert (order.state, order.phase) == (State.INTENT, Phase.UNKNOWN)
    assert ("collect", "m001") in due_units(place.store)
    assert ("push", "m001") not in due_units(place.store)
    event, facts = story(place.store, "I1")[-1]
    assert event == "order.released"
    assert facts["reason"] == "sealed now"
    assert facts["hold"] == "issued_unsigned"
    assert facts["by"]


@pytest.mark.parametrize("hold", [Hold.KEY_COLLISION, Hold.SPLIT_INVOICES, Hold.VOIDED_OUTSIDE])
def test_an_order_with_another_invoice_at_the_issuer_never_goes_on(hold: Hold, place: Place, run: Run) -> None:
    make(place.store, "K1", State.INTENT, Phase.UNKNOWN, hold=hold, facts={"number": "1"})

    result = run("orders", "release", "K1", "--yes")

    assert result.exit_code == 1
    assert "--settled-outside" in result.output
    assert look_up(place.store, "K1").state is State.HOLD


def test_settled_outside_is_refused_while_wdt_still_waits_for_us(place: Place, run: Run) -> None:
    """The next reading of a 45 makes it PENDING again, and then it is issued: a second invoice."""
    make(place.store, "S1", hold=Hold.BY_OPERATOR, facts={"by": "x", "reason": "y"})

    result = run("orders", "release", "S1", "--settled-outside", "--yes")

    assert result.exit_code == 1
    assert "45" in result.output
    assert look_up(place.store, "S1").state is State.HOLD


def test_settled_outside_leaves_the_order_alone_for_good(place: Place, run: Run) -> None:
    make(place.store, "S2", State.INTENT, Phase.UNKNOWN, hold=Hold.KEY_COLLISION, status=5)

    result = run("orders", "release", "S2", "--settled-outside", "--yes")

    assert result.exit_code == 0
    assert look_up(place.store, "S2").state is State.MIRRORED


@pytest.mark.parametrize(("state", "kind"), [(State.ISSUED, "60"), (State.FAILED, "85")])
def test_a_release_owes_wdt_again_what_the_hold_made_void(state: State, kind: str, place: Place, run: Run) -> None:
    make(place.store, "W1", state, hold=Hold.WDT_MISSING)
    assert open_debts(place.store, "W1") == []

    result = run("orders", "release", "W1", "--yes")

    assert result.exit_code == 0
    assert look_up(place.store, "W1").state is state
    assert open_debts(place.store, "W1") == [(kind, "owed")]


def test_a_failure_is_asked_about_again_before_it_is_reported(place: Place, run: Run) -> None:
    make(place.store, "F1", State.FAILED, hold=Hold.WDT_MISSING)

    run("orders", "release", "F1", "--yes")

    order = look_up(place.store, "F1")
    assert order.asked_at is None
    assert order.sweep_at is not None


def test_a_release_says_what_will_happen_and_asks(place: Place, run: Run) -> None:
    make(place.store, "A1", hold=Hold.POISON_ROW, facts=CORRECTABLE)

    refused = run("orders", "release", "A1", input="n\n")

    assert refused.exit_code == 1
    assert "checked anew" in refused.output
    assert look_up(place.store, "A1").state is State.HOLD

    gone = run("orders", "release", "A1", input="")

    assert gone.exit_code == 1
    assert look_up(place.store, "A1").state is State.HOLD

    agreed = run("orders", "release", "A1", lang="zh", input="y\n")

    assert agreed.exit_code == 0
    assert "重新核对" in agreed.output
    assert look_up(place.store, "A1").state is State.PENDING


@pytest.mark.parametrize("state", [State.PENDING, State.INTENT, State.ISSUED, State.FAILED])
def test_an_unfinished_order_can_be_held_and_let_go_where_it_was(state: State, place: Place, run: Run) -> None:
    phase = Phase.ISSUING if state is State.INTENT else Phase.NONE
    make(place.store, "H1", state, phase)

    held = run("orders", "hold", "H1", "--reason", "wrong title")

    order = look_up(place.store, "H1")
    assert held.exit_code == 0
    assert (order.state, order.hold, order.held_from) == (State.HOLD, Hold.BY_OPERATOR, state)
    assert order.hold_facts["reason"] == "wrong title"
    assert open_debts(place.store, "H1") == []

    assert run("orders", "release", "H1", "--yes").exit_code == 0
    assert look_up(place.store, "H1").state is state


def test_a_finished_order_can_neither_be_held_nor_retried(place: Place, run: Run) -> None:
    no = _number_of(run, "DONE60")

    held, retried = run("orders", "hold", no, "--reason", "x"), run("orders", "retry", no)

    assert (held.exit_code, retried.exit_code) == (1, 1)
    assert look_up(place.store, no).state is State.DONE60


def test_an_order_on_its_way_is_not_asked_about_early(place: Place, run: Run) -> None:
    make(place.store, "T1", State.INTENT, Phase.SENT)

    result = run("orders", "retry", "T1")

    assert result.exit_code == 1
    assert "on its way" in result.output


@pytest.mark.parametrize(
    ("state", "phase", "stage"),
    [
        (State.INTENT, Phase.UNKNOWN, "collect"),
        (State.INTENT, Phase.READY, "push"),
        (State.PENDING, Phase.LEFT, "collect"),
        (State.ISSUED, Phase.NONE, "write_back"),
        (State.FAILED, Phase.NONE, "write_back"),
    ],
)
def test_a_retry_wakes_whoever_the_order_waits_for(
    state: State, phase: Phase, stage: str, place: Place, run: Run
) -> None:
    before = make(place.store, "R1", state, phase)
    put_off_units(place.store)

    result = run("orders", "retry", "R1")

    after = look_up(place.store, "R1")
    assert result.exit_code == 0
    assert (stage, "m001") in due_units(place.store)
    assert (after.state, after.phase) == (before.state, before.phase)


def test_a_mistyped_number_among_several_stops_all_before_anything_is_written(place: Place, run: Run) -> None:
    make(place.store, "Q1", hold=Hold.POISON_ROW, facts=CORRECTABLE)

    result = run("orders", "retry", "Q1", "Q2")

    assert result.exit_code == 2
    assert look_up(place.store, "Q1").state is State.HOLD


def test_a_retry_says_which_lane_it_still_waits_for(place: Place, run: Run) -> None:
    make(place.store, "L1", State.INTENT, Phase.UNKNOWN)
    run("lane", "pause", "m001/main", "--reason", "stock-taking", "--for", "2h")

    result = run("orders", "retry", "L1")

    assert "m001/main" in result.output


def test_a_number_of_two_merchants_must_say_which(place: Place, run: Run) -> None:
    make(place.store, "B1", hold=Hold.POISON_ROW, facts=CORRECTABLE)
    make_other(place, "B1")

    unclear = run("orders", "retry", "B1")
    clear = run("orders", "retry", "B1", "--merchant", "m001")

    assert unclear.exit_code == 2
    assert "m001, m002" in unclear.output
    assert clear.exit_code == 0


@pytest.mark.parametrize("reason", ["", "  ", "x" * 201, "a\x1b[31mb"])
def test_a_reason_must_be_there_short_and_printable(reason: str, place: Place, run: Run) -> None:
    make(place.store, "N1")

    result = run("orders", "hold", "N1", "--reason", reason)

    assert result.exit_code == 2
    assert look_up(place.store, "N1").state is State.PENDING


def make_other(place: Place, no: str) -> None:
    in_store(place.store, lambda tx: see(tx, no, 45, "x", "m002", "other_sid"))


def _number_of(run: Run, state: str) -> str:
    found = run("orders", "list", "--state", state, "--limit", "1", "--json")
    return str(json.loads(found.output)[0]["invoice_order_no"])


def test_a_command_to_type_next_names_the_merchant_where_another_has_an_order_of_that_number(
    place: Place, run: Run
) -> None:
    make(place.store, "N1")
    make(place.store, "N2")
    in_store(place.store, lambda tx: see(tx, "N1", 45, "payer", "m002", "other_sid"))

    held = run("orders", "hold", "N1", "--merchant", "m001", "--reason", "demo")
    story_told = run("explain", "N1", "--merchant", "m001")
    released = run("orders", "release", "N1", "--merchant", "m001", "--yes")

    assert "syncd orders release N1 --merchant m001" in held.stdout
    assert "syncd orders release N1 --merchant m001" in story_told.stdout
    assert "syncd explain N1 --merchant m001" in released.stdout
    assert "--merchant" not in run("orders", "hold", "N2", "--reason", "demo").stdout
