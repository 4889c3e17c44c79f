"""Many processes on one queue: who ticks, who works, and what becomes of those that die (F10, F11, F110)."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from engine_parts import Fleet, Work, distributed, until

from syncd.engine import jobs

#: A worker that is a process of its own: it says in a file what it begins, and never ends a turn.
_CHILD = """
import asyncio, sys
from syncd.engine.distributed import Distributed

async def due(stage):
    return []

async def run(stage, key):
    with open(sys.argv[2], "a") as told:
        print(stage, key, file=told, flush=True)
    if len(sys.argv) == 3:
        await asyncio.Event().wait()

async def main():
    engine = Distributed(
        ["push"], due, run, url=sys.argv[1], groups=["push"], role="worker", beat=0.3, silent_after=2.0
    )
    engine.start()
    await asyncio.Event().wait()

asyncio.run(main())
"""


@contextmanager
def child(fleet: Fleet, told: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker in its own process."""
    process = subprocess.Popen([sys.executable, "-c", _CHILD, fleet.url, str(told)])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def test_the_fleet_ticks_once_a_second_however_many_schedulers_there_are(fleet: Fleet) -> None:
    work = Work()
    for _ in range(3):
        fleet.join(work, "push")
    await work.until_asked_again(1)

    began = time.monotonic()
    await work.until_asked_again(3)

    assert time.monotonic() - began > 1.8


async def test_schedulers_do_not_work_and_workers_do_not_ask(fleet: Fleet) -> None:
    asks, works = Work(push=["m1"]), Work(push=["m2"])
    works.let_go()
    fleet.join(asks, "push", role="scheduler")
    fleet.join(works, "push", role="worker")

    await works.until(lambda: works.ended == ["push/m1"])

    assert asks.begun == []
    assert works.asked == []


async def test_two_workers_share_the_work_and_never_a_unit(fleet: Fleet) -> None:
    """F110. The same units are offered again and again while they are at work."""
    work = Work(push=["m1", "m2", "m3", "m4"])
    fleet.join(work, "push", most_units=2)
    fleet.join(work, "push", most_units=2)
    await work.until(lambda: len(work.begun) == 4)

    work.comes_due("push", "m1", "m2", "m3", "m4")
    await work.until_asked_again()

    assert [engine.busy for engine in fleet.engines] == [2, 2]
    assert set(work.most_at_once.values()) == {1}


async def test_the_units_of_a_killed_worker_are_run_again_within_ten_seconds(fleet: Fleet, tmp_path: Path) -> None:
    """F10. `kill -9` with a turn under way; the queue's lock dies with its holder's heartbeat."""
    work = Work(push=["m1"])
    told = tmp_path / "told"
    fleet.join(work, "push", role="scheduler")
    with child(fleet, told) as process:
        await until(lambda: _says(told, "push m1"))
        process.kill()
        killed_at = time.monotonic()
        work.comes_due("push", "m1")  # its lease was lost with its owner
        fleet.join(work, "push", role="worker")

        await work.until_begun("push/m1")

    assert time.monotonic() - killed_at < 10


async def test_a_worker_that_was_frozen_goes_on_working(fleet: Fleet, tmp_path: Path) -> None:
    """F11. Others have its units when it thaws, and it takes new ones; what it writes late the fence refuses."""
    work = Work(push=["m1"])
    told = tmp_path / "told"
    fleet.join(work, "push", role="scheduler")
    with child(fleet, told) as process:
        await until(lambda: _says(told, "push m1"))
        process.send_signal(signal.SIGSTOP)
        work.comes_due("push", "m1")
        other = fleet.join(work, "push", role="worker")
        await work.until_begun("push/m1")
        await other.drain(0.0)

        process.send_signal(signal.SIGCONT)
        work.comes_due("push", "m2")

        await until(lambda: _says(told, "push m2"))


async def test_nothing_is_left_in_the_queue(fleet: Fleet) -> None:
    """However a turn ended: by itself, in a defect, or interrupted."""
    work = Work(push=["m1", "m2", "m3"])
    work.defects = {"push/m2"}
    work.let_go("m1")
    engine = fleet.join(work, "push")
    await work.until(lambda: engine.crashes == 1 and work.ended == ["push/m1"] and "push/m3" in work.begun)
    await work.due("push")

    await engine.drain(1.5)

    assert work.interrupted == ["push/m3"]
    assert await fleet.units() in ([], ["push:m2"])  # the last still fails, and may be due again
    assert await fleet.workers() == 0


# -- telling at once ---------------------------------------------------------------------------------------------------


@pytest.fixture
async def outside(fleet: Fleet) -> AsyncIterator[psycopg.AsyncConnection]:
    """A connection that is not the queue's own, in a transaction."""
    await jobs.prepare(fleet.url)
    async with await psycopg.AsyncConnection.connect(fleet.url) as connection:
        await connection.execute("CREATE TABLE fact (what text)")
        await connection.commit()
        yield connection


async def test_what_is_told_in_a_transaction_is_run_when_it_commits_and_not_before(
    fleet: Fleet, outside: psycopg.AsyncConnection
) -> None:
    work = Work()
    work.let_go()
    engine = fleet.join(work, "push", role="worker")  # nobody ticks: only what is told is run

    await outside.execute("INSERT INTO fact VALUES ('issued')")
    await engine.wake(outside, [("push", "m1"), ("push", "m2")])
    assert await fleet.units() == []
    await outside.commit()

    await work.until(lambda: sorted(work.ended) == ["push/m1", "push/m2"])


async def test_a_unit_that_comes_due_soon_is_begun_then_and_without_a_tick(
    fleet: Fleet, outside: psycopg.AsyncConnection
) -> None:
    work = Work()
    work.let_go()
    engine = fleet.join(work, "push", role="worker", knows=lambda unit: unit != ("push", "gone"))
    await engine.wake(outside, [("push", "m1")])
    await outside.commit()
    await work.until(lambda: work.ended == ["push/m1"])  # it takes part
    told_at = asyncio.get_running_loop().time()

    engine.wake_in({("push", "m2"): 0.2, ("push", "m3"): 3600.0, ("push", "gone"): 0.0})
    engine.wake_in({("push", "m2"): 3600.0})  # the sooner one stands

    await work.until(lambda: work.ended == ["push/m1", "push/m2"])
    assert asyncio.get_running_loop().time() - told_at >= 0.2


async def test_what_is_told_in_a_transaction_that_rolls_back_was_never_told(
    fleet: Fleet, outside: psycopg.AsyncConnection
) -> None:
    engine = distributed(fleet.url, Work(), "push")

    await outside.execute("INSERT INTO fact VALUES ('issued')")
    await engine.wake(outside, [("push", "m1")])
    await outside.rollback()

    assert await fleet.units() == []


async def test_telling_of_what_waits_already_leaves_the_transaction_usable(
    fleet: Fleet, outside: psycopg.AsyncConnection
) -> None:
    engine = distributed(fleet.url, Work(), "push")
    await engine.wake(outside, [("push", "m1")])
    await outside.commit()

    await engine.wake(outside, [("push", "m1"), ("push", "m2")])
    await outside.execute("INSERT INTO fact VALUES ('issued')")
    await outside.commit()

    assert await fleet.units() == ["push:m1", "push:m2"]
    found = await outside.execute("SELECT what FROM fact")
    assert await found.fetchall() == [("issued",)]


async def test_a_queue_that_cannot_be_told_costs_no_fact(fleet: Fleet, outside: psycopg.AsyncConnection) -> None:
    engine = distributed(fleet.url, Work(), "push")
    await jobs.remove(fleet.url)

    await outside.execute("INSERT INTO fact VALUES ('issued')")
    await engine.wake(outside, [("push", "m1")])
    await outside.commit()

    found = await outside.execute("SELECT what FROM fact")
    assert await found.fetchall() == [("issued",)]


async def test_a_transaction_that_was_lost_while_telling_is_not_taken_for_committed(
    fleet: Fleet, outside: psycopg.AsyncConnection
) -> None:
    engine = distributed(fleet.url, Work(), "push")
    await outside.execute("INSERT INTO fact VALUES ('issued')")
    async with await psycopg.AsyncConnection.connect(fleet.url, autocommit=True) as other:
        await other.execute("SELECT pg_terminate_backend(%s, 5000)", [outside.info.backend_pid])

    await engine.wake(outside, [("push", "m1")])

    with pytest.raises(psycopg.OperationalError):
        await outside.commit()
    assert await fleet.units() == []


# -- the queue itself --------------------------------------------------------------------------------------------------


async def test_of_many_that_start_at_once_one_makes_the_queue(fleet: Fleet) -> None:
    made = await asyncio.gather(*(jobs.prepare(fleet.url) for _ in range(5)))

    assert sorted(made) == [False] * 4 + [True]


async def test_the_queue_of_an_older_version_is_cleared_away_when_nobody_uses_it(fleet: Fleet) -> None:
    await jobs.prepare(fleet.url)
    for number, used in (("1", False), ("2", True)):
        await _older_queue(fleet, f"syncd_jobs_0000000{number}", used=used)
    await _rename_ours(fleet)

    await jobs.prepare(fleet.url)

    assert await jobs.remove(fleet.url) == sorted([jobs.schema_name(), "syncd_jobs_00000002"])


async def _older_queue(fleet: Fleet, name: str, *, used: bool) -> None:
    async with await psycopg.AsyncConnection.connect(fleet.url) as connection:
        await connection.execute(f"CREATE SCHEMA {name}")
        heard = "now()" if used else "now() - interval '2 hours'"
        await connection.execute(
            f"CREATE TABLE {name}.procrastinate_workers AS SELECT 1 AS id, {heard} AS last_heartbeat"
        )


async def _rename_ours(fleet: Fleet) -> None:
    """As if this version had never been here."""
    async with await psycopg.AsyncConnection.connect(fleet.url) as connection:
        await connection.execute(f"DROP SCHEMA {jobs.schema_name()} CASCADE")


async def _says(told: Path, line: str) -> bool:
    return await asyncio.to_thread(lambda: told.exists() and line in told.read_text().splitlines())
