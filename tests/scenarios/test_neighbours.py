"""Days on which budgets are spent and queues are full, and twins that share what must not be shared."""

from __future__ import annotations

import pytest

from syncd.scenarios.run import Order, play

TWINS = "tests/scenarios/twins_neighbours.py"


def test_not_a_call_too_many_is_made_and_everything_is_issued() -> None:
    """F76."""
    result = play(Order("rate-storm", 60, 1, 1))

    assert not result.broken


@pytest.mark.storm
@pytest.mark.timeout(600)
def test_calls_as_fast_as_they_come_are_refused_and_noticed() -> None:
    result = play(Order("rate-storm", 200, 1, 1, f"{TWINS}:no_budget"))

    assert result.figures["rate_refused"] > 0


def test_neither_a_flood_nor_a_dead_issuer_next_door_is_noticed_by_a_quiet_merchant() -> None:
    """F56: other tenants go on."""
    result = play(Order("noisy-neighbour", 100, 1, 1))

    assert not result.broken
