"""`syncd status` about the processes at work: one that takes no work because its clock is wrong is marked."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cli_world import Place, Run

from syncd.domain.clock import SystemClock
from syncd.fleet import Member
from syncd.store.store import Store


@pytest.fixture
def shared(place: Place, postgres: str) -> str:
    """The settings of one installation of several processes, over a new store on PostgreSQL."""
    place.change('url = "sqlite:///s.db"', f'url = "{postgres}"')
    place.change("[console]", '[engine]\nkind = "distributed"\n[console]')
    return postgres


def at_work(url: str, *clocks: timedelta) -> None:
    """A process on a host with each of these clocks, that has said twice that it lives."""

    async def beat(off: timedelta) -> None:
        line = Store.at(url, SystemClock(), connections=1)
        member = Member(line, "all", owner=f"host{off.total_seconds():+.0f}", wall=lambda: datetime.now(UTC) + off)
        async with line:
            for _ in range(2):
                await member._beat()

    async def all_of_them() -> None:
        for off in clocks:
            await beat(off)

    asyncio.run(all_of_them())


def workers(run: Run) -> dict[str, dict[str, Any]]:
    return {one["owner"]: one for one in json.loads(run("status", "--json").stdout)["workers"]}


def test_a_process_whose_clock_is_wrong_is_marked_and_no_other(shared: str, run: Run) -> None:
    """F103."""
    at_work(shared, timedelta(0), timedelta(minutes=-3), timedelta(hours=2))

    told, in_chinese, facts = run("status"), run("status", lang="zh"), workers(run)

    assert told.stdout.count("host's clock") == 2
    assert "1 h 59 min ahead of" in told.stdout or "2 h ahead of" in told.stdout
    assert "behind the database's" in told.stdout
    assert "docs/runbooks/clock-offset.md" in told.stdout
    assert "时钟比数据库慢" in in_chinese.stdout
    assert {owner: one["clock_wrong"] for owner, one in facts.items()} == {
        "host+0": False,
        "host-180": True,
        "host+7200": True,
    }
    assert abs(facts["host-180"]["clock_off_seconds"] + 180) < 5


def test_the_mark_is_gone_once_the_clock_is_right(shared: str, run: Run) -> None:
    at_work(shared, timedelta(minutes=-3))
    assert "host's clock" in run("status").stdout

    async def set_right() -> None:
        line = Store.at(shared, SystemClock(), connections=1)
        member = Member(line, "all", owner="host-180")
        async with line:
            for _ in range(2):
                await member._beat()

    asyncio.run(set_right())

    assert "host's clock" not in run("status").stdout
    assert workers(run)["host-180"]["clock_wrong"] is False
