"""Days of lost answers, logins, outages, races and second wishes: one invoice each, none lost, and no twin passes.

F36 F37 F38 F39 F40 F41 F42 F47 F48 F49 F51 F56 F57 F62 F85 F86.
"""

from __future__ import annotations

import pytest
from _pytest.mark import ParameterSet
from rules import SHOWN, Shown

from syncd.scenarios.run import Order, play

DAYS = (
    *(
        ("lost-answer", 24, 1, 2),
        ("late-answer", 24, 1, 2),
        ("lagging-answer", 12, 1, 1),
        ("mixed-up-answer", 20, 1, 1),
    ),
    *(("foreign-answer", 24, 1, 1), ("cancel-race", 40, 2, 2), ("amount-changed", 30, 1, 1), ("re-pended", 15, 1, 1)),
    *(("login-expired", 12, 0, 1), ("login-expired", 12, 1, 1), ("login-expired", 12, 2, 1), ("quota-empty", 12, 0, 1)),
    *(("quota-empty", 12, 1, 1), ("issuer-down", 10, 1, 1), ("late-issue", 16, 1, 1)),
)
ISSUING = [one for one in SHOWN if one.twin.startswith("twins_issuing.py:")]
#: Twins that take more than a few seconds to be caught.
SLOW = ("history_rewritten", "no_late_sweep", "no_mirror_feed")


def marked(shown: Shown) -> ParameterSet:
    """The slow ones are for storms; every row of the table is played when the table is made."""
    slow = shown.twin.partition(":")[2] in SLOW
    return pytest.param(shown, marks=[pytest.mark.storm] if slow else [])


@pytest.mark.parametrize(("name", "rows", "seed", "workers"), DAYS)
def test_the_day_ends_as_it_must(name: str, rows: int, seed: int, workers: int) -> None:
    result = play(Order(name, rows, seed, workers))

    assert result.broken == (), result.figures


@pytest.mark.parametrize("shown", [marked(one) for one in ISSUING], ids=lambda one: one.twin.partition(":")[2])
def test_a_wrong_twin_does_not_pass(shown: Shown) -> None:
    result = play(Order(shown.scenario, shown.rows, shown.seed, shown.workers, shown.path))

    told = [demand for demand in result.broken if demand.split("=")[0] in shown.figures or "defect" in demand]
    assert told != [], result.figures


@pytest.mark.storm
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(1, 21))
def test_five_thousand_orders_with_lost_answers_are_issued_once_each(seed: int) -> None:
    """F36 F37 F39."""
    result = play(Order("lost-answer", 5000, seed, 4))

    assert result.broken == (), result.figures
