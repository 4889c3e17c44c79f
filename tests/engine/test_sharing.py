"""Workers share out what is due evenly, and nobody waits for one who does not take it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import LiteralString

import psycopg
import pytest
from engine_parts import Fleet, Work, until
from procrastinate.jobs import Job

from syncd.engine import distributed, sharing
from syncd.engine.distributed import Distributed, Role
from syncd.engine.jobs import schema_name
from syncd.engine.sharing import Share

NEVER = 3600.0


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left to another is left to it for good."""
    monkeypatch.setattr(sharing, "ANYWAY_EVERY", NEVER)


async def put(engine: Distributed, url: str, keys: Sequence[str]) -> None:
    """These come due in one transaction."""
    async with await psycopg.AsyncConnection.connect(url) as connection:
        await engine.wake(connection, [("push", key) for key in keys])


async def joined(fleet: Fleet, work: Work, role: Role = "worker", most_units: int = 16) -> Distributed:
    """One more, which has signed on and listens."""
    engine = fleet.join(work, "push", role=role, most_units=most_units, silent_after=60.0)
    await until(lambda: _all_listen(fleet))
    return engine


async def _all_listen(fleet: Fleet) -> bool:
    """To the last of their groups, too."""
    listening = await fleet.column(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle'"
        " AND query ~ '^LISTEN.*(poll/pending|syncd.tick)'"
    )
    return len(listening) == len(fleet.engines)


def names(number: int, of: int) -> list[str]:
    return [f"m{one:02}" for one in range(number, number + of)]


async def test_what_comes_due_at_once_is_shared_out_evenly(fleet: Fleet) -> None:
    work = Work()
    first, second = await joined(fleet, work), await joined(fleet, work)

    await put(first, fleet.url, names(0, 15))
    await work.until(lambda: len(work.begun) == 15)

    assert sorted([first.busy, second.busy]) == [7, 8]


async def test_whoever_has_less_to_do_takes_what_comes_next(fleet: Fleet) -> None:
    work = Work()
    first = await joined(fleet, work)
    await put(first, fleet.url, names(0, 6))
    await work.until(lambda: len(work.begun) == 6)
    second = await joined(fleet, work)

    await put(first, fleet.url, names(6, 6))
    await work.until(lambda: len(work.begun) == 12)

    assert (first.busy, second.busy) == (6, 6)


async def test_units_that_come_due_one_by_one_are_shared_out_evenly(fleet: Fleet) -> None:
    work = Work()
    engines = [await joined(fleet, work) for _ in range(3)]

    for name in names(0, 9):
        await put(engines[0], fleet.url, [name])
        await work.until_begun(f"push/{name}")

    assert [engine.busy for engine in engines] == [3, 3, 3]


async def test_a_unit_whose_turn_ends_goes_to_whoever_has_less_to_do(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was due again long before, but nobody could have taken it; and nobody looks but who is told."""
    monkeypatch.setattr(distributed, "_LOOK_EVERY", NEVER)
    before, after = Work(), Work()
    first = await joined(fleet, before)
    await put(first, fleet.url, names(0, 4))
    await before.until(lambda: len(before.begun) == 4)
    await put(first, fleet.url, names(0, 4))
    second = await joined(fleet, after)

    for name in names(0, 2):
        before.let_go(name)
        await after.until_begun(f"push/{name}")

    assert (first.busy, second.busy) == (2, 2)


async def test_nobody_waits_for_another_before_it_has_its_own_share(fleet: Fleet) -> None:
    work = Work()
    worker = await joined(fleet, work)
    await _signed_on(fleet, heard="now() + interval '1 hour'")

    await put(worker, fleet.url, names(0, 7))

    await work.until(lambda: len(work.begun) == 4)


async def test_a_worker_alone_fills_all_its_places(fleet: Fleet) -> None:
    """Beside schedulers, who work at nothing, and one that died at its work."""
    work = Work()
    await joined(fleet, work, role="scheduler")
    alone = await joined(fleet, work)
    await _signed_on(fleet, heard="now() - interval '61 seconds'")

    await put(alone, fleet.url, names(0, 16))
    await work.until(lambda: len(work.begun) == 16)

    assert alone.busy == 16


async def test_what_another_does_not_take_is_anybodys(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """F11. It says that it lives, and takes nothing."""
    monkeypatch.setattr(sharing, "ANYWAY_EVERY", 0.1)
    work = Work()
    worker = await joined(fleet, work)
    await _signed_on(fleet, heard="now() + interval '1 hour'")

    await put(worker, fleet.url, names(0, 8))
    await work.until(lambda: len(work.begun) == 8)

    assert worker.busy == 8


async def test_nobody_waits_for_one_whose_places_are_taken(fleet: Fleet) -> None:
    work = Work()
    large, small = await joined(fleet, work), await joined(fleet, work, most_units=1)

    await put(large, fleet.url, names(0, 8))
    await work.until(lambda: len(work.begun) == 8)

    assert (large.busy, small.busy) == (7, 1)


async def test_nobody_waits_for_one_whose_turns_are_over_in_no_time(fleet: Fleet) -> None:
    """Its clock is wrong, or it knows no such merchant: it always has the fewest, and what it takes stays due."""
    works, declines = Work(), Work()
    declines.let_go()
    await joined(fleet, works, role="scheduler")
    worker = await joined(fleet, works)
    await joined(fleet, declines)

    works.comes_due("push", *names(0, 6))
    await works.until(lambda: len(works.begun) == 6)

    assert worker.busy == 6


async def _signed_on(fleet: Fleet, *, heard: LiteralString) -> None:
    """A worker that takes nothing."""
    said: LiteralString = "INSERT INTO procrastinate_workers (last_heartbeat, places) VALUES ("
    await _changed(fleet, said + heard + """, '{"push": 16}')""")


async def _changed(fleet: Fleet, statement: LiteralString) -> None:
    options = f"-c search_path={schema_name()}"
    async with await psycopg.AsyncConnection.connect(fleet.url, options=options) as connection:
        await connection.execute(statement)


# -- for whom others may wait ------------------------------------------------------------------------------------------


def job(number: int, group: str = "push") -> Job:
    return Job(id=number, lock=None, queueing_lock=None, task_name="unit", queue=group)


def test_others_may_wait_for_one_that_has_had_nothing_to_do() -> None:
    share = Share({"push": 4, "collect": 2})

    assert share.said() == '{"push":4,"collect":2}'


def test_nobody_waits_for_one_whose_turns_end_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    share = Share({"push": 4, "collect": 2})
    monkeypatch.setattr(sharing, "IN_NO_TIME", NEVER)
    share.take(job(1))
    share.give_back(job(1))

    assert [share.said(), share.said()] == ['{"collect":2}'] * 2


def test_that_turns_ended_at_once_is_held_against_nobody_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sharing, "HELD_FOR", 0.0)
    share = Share({"push": 4})
    share.take(job(1))
    share.give_back(job(1))

    assert share.said() == '{"push":4}'


def test_short_turns_beside_a_long_one_are_work_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    share = Share({"push": 4})
    share.take(job(1))
    monkeypatch.setattr(sharing, "IN_NO_TIME", NEVER)
    share.take(job(2))
    share.give_back(job(2))
    monkeypatch.setattr(sharing, "IN_NO_TIME", 0.0)

    assert share.said() == '{"push":4}'
