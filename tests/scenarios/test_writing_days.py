"""Days on which WDT does not simply take what it is told, and twins that believe it did."""

from __future__ import annotations

import pytest

from syncd.scenarios.run import Order, play

TWINS = "tests/scenarios/twins_writing.py"


def test_every_order_ends_as_wdt_shows_it_and_not_as_it_was_told() -> None:
    """F80, F81, F82, F83, F84, F85, F89, F90."""
    result = play(Order("writeback-mixed", 40, 1, 1))

    assert not result.broken


def test_believing_what_was_sent_loses_write_backs_and_is_noticed() -> None:
    result = play(Order("writeback-mixed", 40, 1, 1, f"{TWINS}:believed_when_sent"))

    assert result.figures["lost"] > 0


@pytest.mark.storm
@pytest.mark.timeout(600)
def test_an_address_cut_to_fit_is_noticed() -> None:
    result = play(Order("writeback-mixed", 40, 1, 1, f"{TWINS}:cut_to_fit"))

    assert result.figures["cut_addresses"] > 0


@pytest.mark.storm
@pytest.mark.timeout(600)
def test_a_foreign_number_taken_for_ours_is_noticed() -> None:
    result = play(Order("writeback-mixed", 40, 1, 1, f"{TWINS}:never_mind_who_finished"))

    assert result.figures["held_otherwise"] > 0
