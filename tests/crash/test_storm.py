"""A storm of kill -9 at random instants over rough parties (F08)."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from crash_daemons import KILLED, Nursery, Yard, until, yard
from crash_ledgers import all_is_well

from syncd.sandbox import HEALTHY

#: Orders that were changed just now, where the next reading will find them.
FRESH = replace(HEALTHY, fresh=1.0)


async def storm(here: Yard, dice: random.Random, *, kills: int, mean: float) -> Counter[str]:
    """Strike `kills` daemons down, each after a time drawn around `mean` seconds; what was met on the way."""
    met: Counter[str] = Counter()
    for _ in range(kills):
        doomed = here.start(mode="serve")
        strike_at = time.monotonic() + dice.expovariate(1 / mean)
        await until(lambda at=strike_at: time.monotonic() > at, "the next strike", within=60)  # type: ignore[misc]
        doomed.kill()
        assert await doomed.end() == KILLED, doomed.log
        met["an intent unanswered"] += here.books.unanswered() > 0
        met["a write-back unproven"] += here.books.unproven() > 0
        assert here.books.sent_before_committed() == set()
        assert "task.crashed" not in doomed.log, doomed.log
        if here.books.open_orders() < kills:
            here.sandbox.populate(kills, FRESH)
    return met


async def weather(nursery: Nursery, home: Path, seed: int, *, orders: int, kills: int, mean: float) -> None:
    dice = random.Random(seed)
    async with yard(nursery, home, orders=orders, seed=seed, faults="rough") as here:
        met = await storm(here, dice, kills=kills, mean=mean)
        here.sandbox.use_faults("calm")
        last = here.start(mode="serve")
        await until(lambda: here.books.broken()["lost"] == 0, "nothing to be lost", within=120, every=0.1)
        await until(lambda: here.books.open_orders() == 0, "nothing to be open", within=120)
        last.kill(signal.SIGTERM)
        await last.ends_well()

    all_is_well(here.books)
    assert met["an intent unanswered"] > 0, met
    assert met["a write-back unproven"] > 0, met
    assert sum(here.sandbox.nuonuo.faults.happened.values()) > 0


async def test_random_deaths_over_rough_parties_leave_nothing_twice_lost_or_wrong(
    nursery: Nursery, tmp_path: Path
) -> None:
    """F08, small. A storm that met no unanswered intent was too kind to prove anything, and fails."""
    await weather(nursery, tmp_path, 1, orders=150, kills=16, mean=0.6)


@pytest.mark.storm
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(2, 6))
async def test_a_long_storm_leaves_nothing_twice_lost_or_wrong(nursery: Nursery, tmp_path: Path, seed: int) -> None:
    """F08."""
    await weather(nursery, tmp_path, seed, orders=1500, kills=300, mean=0.9)
