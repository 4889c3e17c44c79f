"""A fleet of real workers on a real PostgreSQL, struck again and again, and the wrong ones that must be noticed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from postgres import Server

from syncd.scenarios.run import Order, Result, play

TWINS = Path(__file__).parent / "twins_workers.py"


def storm(server: Server, rows: int, twin: str = "", seed: int = 1) -> Result:
    return play(Order("workers-storm", rows, seed, 4, f"{TWINS}:{twin}" if twin else "", server.url))


@pytest.mark.timeout(300)
def test_workers_that_die_and_freeze_leave_nothing_twice_lost_or_wrong(postgres_server: Server) -> None:
    """F08, F11, F46, F110. How soon a dead worker's units run again is a promise of an idle machine: see the storm."""
    result = storm(postgres_server, 20)
    slow_host = [why for why in result.broken if why.startswith("run_again_seconds") or "proves nothing" in why]

    assert set(result.broken) <= set(slow_host)
    assert result.figures["run_again_seconds"] < 60  # the lease: somebody heard of the death
    assert result.figures["kills"] >= 2


@pytest.mark.storm
@pytest.mark.timeout(7200)
def test_workers_that_die_over_ten_thousand_orders_leave_nothing_twice_lost_or_wrong(postgres_server: Server) -> None:
    """F08, F11, F46, F110, at full size."""
    assert storm(postgres_server, 10_000).broken == ()


@pytest.mark.storm
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(
    ("twin", "figure"),
    [
        ("queue_lock_for_a_fence", "not_fenced"),
        ("silence_unheard", "run_again_seconds"),
        ("own_pace", "rate_refused"),
    ],
)
def test_wrong_workers_do_not_get_through(postgres_server: Server, twin: str, figure: str) -> None:
    result = storm(postgres_server, 100, twin)

    assert figure in {re.split("[ =<>]", line)[0] for line in result.broken}, result.broken
