"""Days with a poison row on every page, and twins that let it through or stop for it."""

from __future__ import annotations

import pytest

from syncd.scenarios.run import Order, play

TWINS = "tests/scenarios/twins_hostile.py"


@pytest.mark.parametrize("seed", [1, 2], ids=["json", "text"])
def test_a_poison_row_on_every_page_stops_no_neighbour_and_soils_no_log(seed: int) -> None:
    """F116, F117, F118, F119, F120, F121, F122, F126, F127, F130, F131."""
    result = play(Order("hostile-fields", 100, seed, 1))

    assert not result.broken


@pytest.mark.storm
@pytest.mark.timeout(600)
def test_a_row_that_stops_its_page_is_noticed() -> None:
    result = play(Order("hostile-fields", 40, 1, 1, f"{TWINS}:one_bad_row_stops_all"))

    assert result.figures["lost"] > 0
    assert result.broken


def test_sums_that_nobody_checked_are_noticed() -> None:
    result = play(Order("hostile-fields", 40, 1, 1, f"{TWINS}:sums_are_believed"))

    assert result.figures["wrong_amounts"] > 0
    assert result.figures["poison_sent"] > 0
