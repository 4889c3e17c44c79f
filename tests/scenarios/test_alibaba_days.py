"""Days at Alibaba's invoice centre, and twins that return too much, too often, or listen too little."""

from __future__ import annotations

import pytest

from syncd.scenarios.run import Order, play

TWINS = "tests/scenarios/twins_alibaba.py"


@pytest.mark.parametrize(
    ("scenario", "rows", "workers"),
    [
        ("alibaba-missing", 16, 1),
        ("alibaba-struck", 14, 2),
        ("alibaba-ban", 6, 1),
        ("alibaba-foreign", 12, 1),
        ("alibaba-cancelled-while-issuing", 16, 1),
    ],
)
def test_a_day_at_the_invoice_centre_ends_well(scenario: str, rows: int, workers: int) -> None:
    result = play(Order(scenario, rows, 2, workers))

    assert result.broken == (), result.figures


@pytest.mark.parametrize(
    ("scenario", "rows", "twin", "figure"),
    [
        ("alibaba-missing", 8, "returned_again_at_once", "uploads_double"),
        ("alibaba-missing", 8, "everything_is_missing", "uploads_needless"),
        ("alibaba-foreign", 12, "strangers_overlooked", "strangers_not_named"),
        ("alibaba-cancelled-while-issuing", 16, "withdrawals_unheard", "told_after_withdrawal"),
        ("alibaba-ban", 3, "ban_read_as_refusal", "alibaba_open"),
    ],
)
def test_a_wrong_version_of_the_day_is_noticed(scenario: str, rows: int, twin: str, figure: str) -> None:
    result = play(Order(scenario, rows, 2, 1, f"{TWINS}:{twin}"))

    assert result.figures[figure] > 0, result.figures
    assert result.broken
