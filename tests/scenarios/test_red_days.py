"""Days of red orders: after their blue, never above it, one form at a time; and no twin passes.

F64 F65.
"""

from __future__ import annotations

import pytest
from rules import SHOWN, Shown

from syncd.scenarios.run import Order, play

REDS = [one for one in SHOWN if one.twin.startswith("twins_reds.py:")]


def test_reds_of_every_kind_end_as_they_must() -> None:
    result = play(Order("red-chain", 32, 1, 1))

    assert result.broken == (), result.figures


@pytest.mark.parametrize("shown", REDS, ids=lambda one: one.twin.partition(":")[2])
def test_a_wrong_twin_does_not_pass(shown: Shown) -> None:
    result = play(Order(shown.scenario, shown.rows, shown.seed, shown.workers, shown.path))

    told = [demand for demand in result.broken if demand.split("=")[0] in shown.figures]
    assert told != [], result.figures


@pytest.mark.storm
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(1, 6))
def test_eight_hundred_rows_with_reds_of_every_kind(seed: int) -> None:
    result = play(Order("red-chain", 800, seed, 2))

    assert result.broken == (), result.figures
