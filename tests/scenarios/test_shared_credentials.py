"""Several workers, one credential: the simulated WDT counts any 60 seconds' calls, and locks out who exceeds them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from syncd import pacers
from syncd.scenarios.world import World
from syncd.wire.pace import Pacer

PER_MINUTE, ROWS, RESTARTS = 30, 30, 16


async def refused(folder: Path, *, workers: int, restarts: int = 0) -> tuple[int, int]:
    """How many calls were refused for their number, and how many orders were written back."""
    world = World("shared_credentials", ROWS, 1, workers, folder)
    async with world.parties(calls_per_minute=PER_MINUTE) as sandbox:
        sandbox.wdt.switches.rate_block_for = 300.0
        world.populate()
        async with world.daemons(world.settings(wdt={"calls_per_minute": PER_MINUTE}, poll={"page_size": 1})):
            for _ in range(restarts):
                await world.pass_by(0.5)
                await world.restart()
            await world.settle()
        return sandbox.rate_refused(), sandbox.counts()["written_back"]


async def test_four_workers_keep_the_limit_of_a_credential_together(tmp_path: Path) -> None:
    assert await refused(tmp_path, workers=4) == (0, ROWS)


async def test_workers_that_count_for_themselves_would_be_locked_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: the same day, each worker with a line of its own."""

    def of_ones_own(*given: Any, **named: Any) -> Pacer:
        return Pacer(*given, **{**named, "places": None})

    monkeypatch.setattr(pacers, "Pacer", of_ones_own)

    turned_away, _ = await refused(tmp_path, workers=4)

    assert turned_away > 0


async def test_restarts_within_a_minute_are_no_burst(tmp_path: Path) -> None:
    """Whoever is alone begins one spacing late, as if the one before it had called just now."""
    assert await refused(tmp_path, workers=1, restarts=RESTARTS) == (0, ROWS)


async def test_restarts_that_forget_the_last_call_would_be_locked_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: a process that calls at once."""

    def at_once(*given: Any, **named: Any) -> Pacer:
        return Pacer(*given, **{**named, "last_call_ago": None})

    monkeypatch.setattr(pacers, "Pacer", at_once)

    turned_away, _ = await refused(tmp_path, workers=1, restarts=RESTARTS)

    assert turned_away > 0
