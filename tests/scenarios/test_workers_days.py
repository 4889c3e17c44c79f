"""A fleet of real workers on a real PostgreSQL, struck again and again, and the wrong ones that must be noticed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from postgres import Server

from syncd.scenarios.run import Order, Result, play

TWINS = Path(__file__).parent
#: Where a start of the program takes twenty seconds, a dead worker's units wait for its successor, and who is asked to
#: stop while it still starts is killed by the signal; a sleeper whose unit nobody took over has nothing to be refused.
HURRIED = re.compile("run_again_seconds|never_run_again|went_home_badly|not_fenced|.*proves nothing")


def storm(server: Server, rows: int, twin: str = "", seed: int = 1) -> Result:
    return play(Order("workers-storm", rows, seed, 4, str(TWINS / twin) if twin else "", server.url))


@pytest.mark.timeout(300)
def test_workers_that_die_and_freeze_leave_nothing_twice_lost_or_wrong(postgres_server: Server) -> None:
    """F08, F11, F46, F110. What only a machine with room can promise is asked by the storm: see HURRIED."""
    result = storm(postgres_server, 20)

    assert [why for why in result.broken if not HURRIED.match(why)] == []
    assert result.figures["kills"] >= 2


@pytest.mark.storm
@pytest.mark.timeout(7200)
def test_workers_that_die_over_ten_thousand_orders_leave_nothing_twice_lost_or_wrong(postgres_server: Server) -> None:
    """F08, F11, F46, F110, at full size."""
    assert storm(postgres_server, 10_000).broken == ()


@pytest.mark.storm
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("twin", "rows", "figure"),
    [
        ("twins_processes.py:no_fence", 60, "not_fenced"),
        ("twins_workers.py:silence_unheard", 100, "run_again_seconds"),
        ("twins_workers.py:own_pace", 300, "rate_refused"),  # so many that the calls of more than a minute are counted
    ],
)
def test_wrong_workers_do_not_get_through(postgres_server: Server, twin: str, rows: int, figure: str) -> None:
    """F08, F11, F46: it is this demand that breaks."""
    result = storm(postgres_server, rows, twin, seed=2)

    assert figure in {re.split("[ =<>]", line)[0] for line in result.broken}, result.broken
