from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.domain.lifecycle import CORRECTABLE, STEPS, Hold, Phase, State
from syncd.domain.order import OrderNo, Row
from syncd.domain.sighting import Known, Sighting, observe

SAME, OTHER = b"same", b"other"


def row(status: int, content: bytes = SAME) -> Row:
    return Row(
        no=OrderNo("FP1"),
        status=status,
        invoice_no="",
        is_red=False,
        shop_no="",
        payer_name="",
        amount=None,
        created_at=None,
        raw=content,
        content_hash=content,
    )


def known(state: State, phase: Phase = Phase.NONE, status: int = 45, **changes: Any) -> Known:
    return Known(state, phase, status, SAME, **changes)


FIRST = [
    (45, Sighting(State.PENDING, Phase.NONE, due=True)),
    *((status, Sighting(State.MIRRORED, Phase.NONE)) for status in (5, 10, 20, 40, 50, 60, 70, 80, 85, 110, 999)),
]
AGAIN = [
    # status 45 begins the work, everything else is only mirrored
    (known(State.MIRRORED, status=20), 45, Sighting(State.PENDING, Phase.NONE, "order.waits", due=True)),
    (known(State.MIRRORED, status=20), 60, Sighting(State.MIRRORED, Phase.NONE)),
    # a waiting order that left 45 is asked about before that is believed (T19)
    (known(State.PENDING), 45, Sighting(State.PENDING, Phase.NONE)),
    (known(State.PENDING), 5, Sighting(State.PENDING, Phase.LEFT, "order.left", due=True)),
    (known(State.PENDING), 60, Sighting(State.PENDING, Phase.LEFT, "order.left", due=True)),
    (known(State.PENDING, Phase.LEFT, 5), 5, Sighting(State.PENDING, Phase.LEFT)),
    (known(State.PENDING, Phase.LEFT, 5), 45, Sighting(State.PENDING, Phase.NONE, "order.waits", due=True)),
    # what was closed and waits again is asked about before a new submission (T18)
    (known(State.DONE85, status=85), 45, Sighting(State.DONE85, Phase.REPENDED, "order.repended", due=True)),
    (known(State.CANCELLED, status=5), 45, Sighting(State.CANCELLED, Phase.REPENDED, "order.repended", due=True)),
    (known(State.DONE85, Phase.REPENDED), 45, Sighting(State.DONE85, Phase.REPENDED)),
    (known(State.DONE85, Phase.REPENDED), 85, Sighting(State.DONE85, Phase.NONE)),
    (known(State.CANCELLED, Phase.REPENDED), 5, Sighting(State.CANCELLED, Phase.NONE)),
    (known(State.DONE85, status=85), 85, Sighting(State.DONE85, Phase.NONE)),
    # from the intent on, WDT's state is remembered and moves nothing
    (known(State.INTENT, Phase.SENT), 5, Sighting(State.INTENT, Phase.SENT)),
    (known(State.ISSUED), 60, Sighting(State.ISSUED, Phase.NONE, due=True)),
    (known(State.FAILED), 85, Sighting(State.FAILED, Phase.NONE, due=True)),
    (known(State.FAILED), 45, Sighting(State.FAILED, Phase.NONE)),
    (known(State.DONE60, status=60), 60, Sighting(State.DONE60, Phase.NONE)),
]


@pytest.mark.parametrize(("status", "expected"), FIRST)
def test_a_new_order_waits_at_45_and_is_mirrored_otherwise(status: int, expected: Sighting) -> None:
    assert observe(None, row(status)) == expected


@pytest.mark.parametrize(("before", "status", "expected"), AGAIN)
def test_what_seeing_an_order_again_means(before: Known, status: int, expected: Sighting) -> None:
    assert observe(before, row(status)) == expected


@pytest.mark.parametrize("state", [State.INTENT, State.ISSUED, State.FAILED, State.DONE60])
def test_a_row_changed_after_its_request_was_frozen_has_drifted(state: State) -> None:
    assert observe(known(state), row(45, OTHER)).drifted
    assert not observe(known(state), row(45)).drifted


@pytest.mark.parametrize("hold", sorted(CORRECTABLE))
def test_a_corrected_row_that_was_never_sent_goes_on_by_itself(hold: Hold) -> None:
    seen = observe(known(State.HOLD, hold=hold), row(45, OTHER))

    assert seen == Sighting(State.PENDING, Phase.NONE, "order.corrected", due=True)


@pytest.mark.parametrize("hold", sorted(CORRECTABLE))
@pytest.mark.parametrize(
    ("status", "content", "submitted"),
    [(45, SAME, False), (20, OTHER, False), (45, OTHER, True)],
    ids=["unchanged", "not waiting", "was sent"],
)
def test_a_hold_stays_where_nothing_was_corrected_or_something_was_sent(
    hold: Hold, status: int, content: bytes, submitted: bool
) -> None:
    before = known(State.HOLD, hold=hold, submitted=submitted)

    assert observe(before, row(status, content)) == Sighting(State.HOLD, Phase.NONE)


@pytest.mark.parametrize("hold", sorted(set(Hold) - CORRECTABLE))
def test_no_edit_in_wdt_releases_a_hold_that_a_person_decides(hold: Hold) -> None:
    assert observe(known(State.HOLD, hold=hold), row(45, OTHER)).state is State.HOLD


@given(
    st.sampled_from(State),
    st.sampled_from(Phase),
    st.integers(0, 200),
    st.integers(0, 200),
    st.sampled_from([SAME, OTHER]),
    st.none() | st.sampled_from(Hold),
    st.booleans(),
)
def test_a_sighting_moves_by_the_table_and_never_sends_or_closes(
    state: State, phase: Phase, old: int, status: int, content: bytes, hold: Hold | None, submitted: bool
) -> None:
    """It may make an order wait; it never makes an intent, an invoice, a failure or an end."""
    seen = observe(Known(state, phase, old, SAME, hold, submitted), row(status, content))

    assert seen.state is state or seen.state is State.PENDING
    assert seen.state is state or any(before is state and after is seen.state for (before, _), after in STEPS.items())
    assert seen.state is State.PENDING or not (status == 45 and state is State.MIRRORED)


@given(st.sampled_from(State), st.sampled_from(Phase), st.sampled_from([5, 20, 45, 60, 85]))
def test_seeing_the_same_row_twice_tells_nothing_new(state: State, phase: Phase, status: int) -> None:
    first = observe(Known(state, phase, 20, SAME), row(status, OTHER))

    second = observe(Known(first.state, first.phase, status, OTHER), row(status, OTHER))

    assert (second.state, second.phase, second.event, second.due) == (first.state, first.phase, None, False)
