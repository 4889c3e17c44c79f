"""The same deaths where the store is on PostgreSQL; SYNCD_TEST_STORE=postgresql plays all of this folder there."""

from __future__ import annotations

from pathlib import Path

import pytest
from crash_verdict import all_is_well
from postgres import Server
from walks import ORDINARY

from syncd.scenarios.housing import STORE
from syncd.scenarios.nursery import Nursery
from syncd.scenarios.yard import FRESH, QUICK, yard

#: Before and after what must never be done twice.
POINTS = ("push.intended.after", "nuonuo.submit.after", "push.recorded.before", "collect.settled.after")
TWINS = Path(__file__).parents[1] / "scenarios" / "twins_processes.py"


@pytest.fixture(autouse=True)
def _on_server(postgres_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(STORE, postgres_server.url)


@pytest.mark.timeout(300)
async def test_a_daemon_killed_again_and_again_at_a_server_leaves_nothing_twice_and_nothing_lost(
    nursery: Nursery, home: Path
) -> None:
    """F02, F03, F04, F05. What a session did not commit is gone with its daemon, at once and for everybody."""
    assert set(POINTS) <= set(ORDINARY)
    async with yard(nursery, home, orders=4, speed=2 * QUICK) as here:
        for point in POINTS:
            here.sandbox.populate(2, FRESH)
            await here.start(point, mode="serve").dies_at(point)
            assert here.books.newly_submitted() <= here.books.committed_keys(), point
        await here.works_everything_off(90)

        all_is_well(here.books, blind_repeats=False)
        assert here.books.numbers_in_store() == here.books.numbers_in_ledger() != set()


@pytest.mark.parametrize("twin", ["", f"{TWINS}:random_key"], ids=["computed", "drawn"])
async def test_when_the_database_is_lost_only_a_computed_key_finds_its_invoices_again(
    nursery: Nursery, home: Path, twin: str
) -> None:
    """F27."""
    async with yard(nursery, home) as here:
        await here.start("nuonuo.submit.after", twin=twin).dies_at("nuonuo.submit.after")
        here.lose_the_store()
        await here.runs_to_the_end(twin=twin)

        assert (here.books.counts()["doubles"] > 0) == bool(twin)
