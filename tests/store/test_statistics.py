"""A server that was never told how our rows are spread, or long ago, is told to look; by a process that is at work."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from archive import LARGE, fill_postgresql
from daemon_parts import NOON, Daemon, VirtualClock, settings_for
from postgres import other_role
from store_parts import ON_A_FILE

from syncd.sandbox import Sandbox
from syncd.store.instants import to_ms
from syncd.store.statistics import refreshed
from syncd.store.store import Store
from syncd.upkeep import kept_up

ORDERS = 30_000
#: What a filled archive has rows of, each more than a megabyte.
GROWN = sorted(LARGE - {"invoice_file"})


@pytest.fixture
def grown(postgres: str) -> str:
    fill_postgresql(postgres, ORDERS, at=to_ms(NOON) - 2 * ORDERS, analysed=False)
    return postgres


def known(url: str) -> set[str]:
    """The tables of which the server knows something."""
    with psycopg.connect(url, autocommit=True) as db:
        rows = db.execute("SELECT DISTINCT tablename FROM pg_stats WHERE schemaname = 'public'").fetchall()
    return {row[0] for row in rows}


async def all_known(url: str) -> None:
    """Come back once the server knows all of them."""
    async with asyncio.timeout(30):
        while await asyncio.to_thread(known, url) != set(GROWN):
            pass


async def test_a_server_looks_once_at_large_tables_that_it_knows_nothing_of(clock: VirtualClock, grown: str) -> None:
    async with Store.at(grown, clock) as store:
        assert await refreshed(store) == GROWN
        assert await refreshed(store) == []

    assert known(grown) == set(GROWN)


async def test_it_looks_again_when_much_of_a_table_has_changed(clock: VirtualClock, grown: str) -> None:
    async with Store.at(grown, clock) as store:
        await refreshed(store)
        with psycopg.connect(grown) as db:
            db.execute("SET session_replication_role = replica")
            for _ in range(2):
                db.execute("UPDATE debt SET looks = looks + 1")

        async with asyncio.timeout(30):
            while not (again := await refreshed(store)):  # a session tells what it has changed when it is gone
                pass
    assert again == ["debt"]


async def test_small_tables_are_left_alone(clock: VirtualClock, postgres: str) -> None:
    fill_postgresql(postgres, 100, at=to_ms(NOON) - 200, analysed=False)

    async with Store.at(postgres, clock) as store:
        assert await refreshed(store) == []


@pytest.fixture
def guest(grown: str) -> Iterator[str]:
    """The same store, for somebody to whom none of its tables belongs."""
    with other_role(grown, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}") as url:
        yield url


async def test_tables_of_somebody_else_are_left_to_them(clock: VirtualClock, grown: str, guest: str) -> None:
    """The server would pass them over, and we would say every minute that it was told."""
    async with Store.at(guest, clock) as store:
        assert await refreshed(store) == []

    assert known(grown) == set()


async def test_of_many_processes_one_sees_to_it(clock: VirtualClock, grown: str) -> None:
    asked: list[bool] = []

    async def speaks() -> bool:
        asked.append(len(asked) >= 2)
        return asked[-1]

    async with Store.at(grown, clock) as store, kept_up(store, every=0.01, speaks=speaks):
        while not any(asked):
            assert known(grown) == set()
            await asyncio.sleep(0)
        await all_known(grown)


@ON_A_FILE
async def test_a_file_knows_by_itself(store: Store) -> None:
    """There a million rows are read by index with and without (tests/store/test_plans.py)."""
    async with kept_up(store):
        assert [task for task in asyncio.all_tasks() if task.get_name() == "upkeep"] == []


async def test_a_daemon_at_work_sees_to_it(sandbox: Sandbox, clock: VirtualClock, grown: str, tmp_path: Path) -> None:
    settings = settings_for(sandbox, tmp_path, store={"url": grown, "witness": str(tmp_path / "witness")})

    async with Daemon.on(settings, clock) as daemon, daemon.app.turning(listen=False):
        await all_known(grown)
