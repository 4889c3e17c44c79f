"""Days on which rows and clocks move while they are read, and twins that must not get away with it."""

from __future__ import annotations

import pytest

from syncd.scenarios.run import Order, play

TWINS = "tests/scenarios/twins_reading.py"


def test_rows_that_move_between_pages_are_all_kept_in_their_newest_version() -> None:
    """F69, F70, F71, F74, F75."""
    result = play(Order("moving-rows", 40, 1, 1))

    assert not result.broken
    assert result.figures["missed"] == 0


def test_a_cursor_of_the_local_present_misses_rows_and_is_noticed() -> None:
    result = play(Order("moving-rows", 60, 1, 1, f"{TWINS}:naive_cursor"))

    assert result.figures["missed"] > 0
    assert result.broken


def test_no_wrong_clock_loses_a_row() -> None:
    """F77, F102, F103, F104."""
    result = play(Order("clock-skew", 26, 1, 1))

    assert not result.broken


@pytest.mark.storm
@pytest.mark.timeout(600)
def test_a_refused_clock_that_is_helped_out_loses_rows_and_is_noticed() -> None:
    result = play(Order("clock-skew", 26, 1, 1, f"{TWINS}:trusted_offset"))

    assert result.figures["missed"] > 0
    assert result.figures["cursors_moved"] > 0


def test_no_midnight_and_no_zone_of_the_host_changes_what_is_said() -> None:
    """F105, F106."""
    result = play(Order("midnight", 24, 1, 1))

    assert not result.broken


@pytest.mark.storm
@pytest.mark.timeout(600)
def test_texts_of_the_host_s_zone_are_noticed() -> None:
    result = play(Order("midnight", 24, 1, 1, f"{TWINS}:zone_of_the_host"))

    assert result.figures["wrong_times"] > 0


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.storm)])
def test_the_same_seed_is_the_same_day(seed: int) -> None:
    """Whatever differs between two runs could never be looked into."""
    first, second = (play(Order("moving-rows", 30, seed, 1)) for _ in range(2))

    assert (first.seen, first.figures["issued"]) == (second.seen, second.figures["issued"])
    assert first.figures["missed"] == second.figures["missed"]
