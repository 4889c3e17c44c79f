"""Processes that share a store on PostgreSQL: a lease ends with whoever holds it (F10, F11, F14, F110)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import psycopg
import pytest
from daemon_parts import VirtualClock

from syncd.store import postgres
from syncd.store.store import Store, this_host
from syncd.store.units import LEASE, Claim, Fenced, LeaseClock, half_spent
from syncd.store.workers import SILENT_AFTER, Pulse

LONG_AGO = timedelta(seconds=-1)
#: So long that no moment's blocking explains it.
TOO_LONG_AGO = -SILENT_AFTER - timedelta(seconds=1)


@pytest.fixture
async def store(emptied: str, clock: VirtualClock) -> AsyncIterator[Store]:
    async with Store.at(emptied, clock, leases=LeaseClock.DATABASE) as opened:
        async with opened.begin() as tx:
            await tx.units.ensure("push", "m001")
        yield opened


def become(store: Store, owner: str, pulse: Pulse | None = None) -> None:
    """From now on units are claimed here as `owner`."""
    store.host = replace(store.host, owner=owner, pulse=pulse)


async def beat(
    store: Store, owner: str, *, silent_after: timedelta = SILENT_AFTER, vouches: bool = False, role: str = "worker"
) -> None:
    async with store.begin(lone=True) as tx:
        await tx.workers.beat(owner, role, places=8, busy=1, vouches=vouches, silent_after=silent_after)


async def claim(store: Store) -> Claim | None:
    async with store.begin(lone=True) as tx:
        return await tx.units.claim("push", "m001", LEASE)


async def claimed(store: Store) -> Claim:
    granted = await claim(store)
    assert granted is not None
    return granted


async def due(store: Store) -> list[str]:
    async with store.read() as tx:
        return await tx.units.due("push")


async def test_nobody_takes_the_unit_of_a_worker_that_is_heard(store: Store) -> None:
    become(store, "a")
    await beat(store, "a")
    await claimed(store)

    assert await due(store) == []
    assert await claim(store) is None


async def test_the_unit_of_a_worker_that_fell_silent_is_due_long_before_its_lease_is_over(store: Store) -> None:
    """F10. `kill -9`: nobody gives anything back."""
    become(store, "a")
    await beat(store, "a")
    await claimed(store)

    await beat(store, "a", silent_after=LONG_AGO)

    assert await due(store) == ["m001"]


async def test_what_a_frozen_worker_writes_late_is_refused(store: Store) -> None:
    """F11. It was taken for dead while it stood still; then it goes on as if nothing had been."""
    become(store, "frozen")
    await beat(store, "frozen", silent_after=LONG_AGO)
    before = await claimed(store)
    become(store, "other")
    await beat(store, "other")
    await claimed(store)

    await beat(store, "frozen")

    with pytest.raises(Fenced):
        async with store.begin(before):
            pass
    with pytest.raises(Fenced):
        async with store.begin(lone=True) as tx:
            await tx.units.finish(before, next_at=tx.now)


async def test_who_never_said_anything_keeps_its_lease(store: Store) -> None:
    """One process on its own, of kind embedded, has no heartbeat: its lease ends when it ends."""
    become(store, "alone")
    await claimed(store)

    assert await due(store) == []


async def test_a_worker_that_leaves_gives_back_what_it_held(store: Store) -> None:
    become(store, "a")
    await beat(store, "a")
    left = await claimed(store)

    async with store.begin(lone=True) as tx:
        freed = await tx.workers.sign_off("a", tx.now)

    assert freed == 1
    assert await due(store) == ["m001"]
    with pytest.raises(Fenced):
        async with store.begin(left):
            pass
    async with store.read() as tx:
        assert await tx.workers.all() == []


async def test_a_call_that_takes_longer_than_a_lease_does_not_lose_it(store: Store) -> None:
    become(store, "a")
    await beat(store, "a")
    async with store.begin(lone=True) as tx:
        granted = await tx.units.claim("push", "m001", timedelta(seconds=0))
    assert await due(store) == ["m001"]

    async with store.begin(lone=True) as tx:
        await tx.workers.extend("a", {("push", "m001")}, LEASE)

    assert granted is not None
    assert await due(store) == []
    async with store.begin(granted):
        pass


async def test_only_what_is_at_work_is_extended(store: Store) -> None:
    """A turn whose end could not be written down must come to an end by its lease."""
    become(store, "a")
    await beat(store, "a")
    async with store.begin(lone=True) as tx:
        await tx.units.claim("push", "m001", timedelta(seconds=0))

    async with store.begin(lone=True) as tx:
        await tx.workers.extend("a", {("push", "m002")}, LEASE)

    assert await due(store) == ["m001"]


async def test_no_outside_write_starts_when_others_may_soon_take_us_for_dead(store: Store) -> None:
    """F14. The loop stood still for three of the five seconds that others wait."""
    now = 100.0
    pulse = Pulse(now=lambda: now, beat_at=100.0)
    become(store, "a", pulse)
    await beat(store, "a")
    granted = await claimed(store)
    assert not half_spent(granted, granted.claimed_at)

    now = 103.0

    assert half_spent(granted, granted.claimed_at)


async def test_a_worker_vouches_for_the_store_as_long_as_it_is_heard(store: Store) -> None:
    """F26. A backup that was put back has nobody at work on it."""

    async def vouching() -> list[str]:
        async with store.read() as tx:
            return list(await tx.workers.vouching("joins"))

    await beat(store, "joins", vouches=True)
    await beat(store, "knows nothing")
    assert await vouching() == []

    await beat(store, "a", vouches=True)
    assert await vouching() == ["a"]

    await beat(store, "a", vouches=True, silent_after=LONG_AGO)
    assert await vouching() == []


async def test_a_process_that_is_not_heard_claims_nothing(store: Store) -> None:
    become(store, "a", Pulse(now=lambda: 103.0, beat_at=100.0))
    assert await claim(store) is None

    become(store, "a", Pulse(now=lambda: 101.0, beat_at=100.0))
    assert await claim(store) is not None


async def test_a_process_whose_host_has_another_time_claims_nothing(store: Store) -> None:
    """F103. What is due and what is settled would be reckoned by a clock that is not the others'."""
    astray = Pulse(now=lambda: 100.0, beat_at=100.0, off=timedelta(seconds=-31))
    become(store, "a", astray)

    assert await claim(store) is None


async def test_a_clock_that_is_a_little_ahead_makes_no_unit_due_for_the_others(
    store: Store, clock: VirtualClock
) -> None:
    granted = await claimed(store)
    async with store.begin(lone=True) as tx:
        await tx.units.finish(granted, next_at=clock.now() + timedelta(minutes=5))

    clock.skew = timedelta(seconds=-20)

    assert await due(store) == []


async def test_people_see_who_is_at_work_and_who_fell_silent(store: Store) -> None:
    await beat(store, "a", role="scheduler")
    await beat(store, "b", silent_after=LONG_AGO)

    async with store.read() as tx:
        seen = await tx.workers.all()

    assert [(one.owner, one.role, one.alive) for one in seen] == [("a", "scheduler", True), ("b", "worker", False)]
    assert all(one.silent_for < timedelta(seconds=60) for one in seen)


@asynccontextmanager
async def frozen_in_a_pipeline(url: str, name: str) -> AsyncIterator[None]:
    """A session of that name has a transaction open, and the server waits for the rest of what it was about to say."""
    session = await psycopg.AsyncConnection.connect(postgres.conninfo(url), application_name=name)
    try:
        async with AsyncExitStack() as unsaid:
            await unsaid.enter_async_context(session.pipeline())
            await session.execute("SELECT 1")
            yield
            unsaid.pop_all()  # its end would say that this was all
    finally:
        await session.close()


def sessions(url: str, name: str) -> list[str]:
    """What the sessions of that name are doing, and for what they wait."""
    asked = "SELECT state || ' ' || wait_event FROM pg_stat_activity WHERE application_name = %s"
    with psycopg.connect(postgres.conninfo(url)) as connection:
        return [row[0] for row in connection.execute(asked, [name])]


async def are(url: str, name: str, how: list[str]) -> None:
    """Come back once that is what they are doing."""
    async with asyncio.timeout(10):
        while await asyncio.to_thread(sessions, url, name) != how:
            pass


async def ended(store: Store) -> list[str]:
    async with store.read() as tx:
        return await tx.workers.end_sessions_of_the_silent()


async def test_what_a_silent_process_left_open_is_ended(store: Store, emptied: str) -> None:
    """F11. No limit of the server's ends a session that was frozen in the middle of a pipeline."""
    assert postgres.application_name() == f"syncd {this_host().owner}"
    async with frozen_in_a_pipeline(emptied, "syncd far:42"), frozen_in_a_pipeline(emptied, "syncd near:42"):
        await are(emptied, "syncd far:42", ["active ClientRead"])
        await beat(store, "far:42:abcdef", silent_after=TOO_LONG_AGO)
        await beat(store, "near:42:abcdef")

        assert await ended(store) == ["far:42:abcdef"]

        await are(emptied, "syncd far:42", [])
        assert sessions(emptied, "syncd near:42") == ["active ClientRead"]


async def test_a_process_that_was_blocked_for_a_moment_keeps_its_sessions(store: Store, emptied: str) -> None:
    async with frozen_in_a_pipeline(emptied, "syncd far:42"):
        await beat(store, "far:42:abcdef", silent_after=LONG_AGO)

        assert await ended(store) == []


async def test_the_next_life_of_a_container_does_not_answer_for_the_last(store: Store, emptied: str) -> None:
    """It has the same name and number, and began after the other had said its last."""
    await beat(store, "far:1:abcdef", silent_after=TOO_LONG_AGO)
    async with frozen_in_a_pipeline(emptied, "syncd far:1"):
        assert await ended(store) == []


async def test_a_namesake_that_is_heard_keeps_its_sessions(store: Store, emptied: str) -> None:
    """Two containers on hosts of one name, the first process of each."""
    async with frozen_in_a_pipeline(emptied, "syncd far:1"):
        await beat(store, "far:1:abcdef", silent_after=TOO_LONG_AGO)
        await beat(store, "far:1:fedcba")

        assert await ended(store) == []


async def test_nobody_ends_the_session_in_which_this_is_asked(store: Store) -> None:
    await ended(store)
    await beat(store, f"{this_host().owner}:abcdef", silent_after=TOO_LONG_AGO)

    assert await ended(store) == []


async def test_who_was_silent_for_long_is_forgotten(store: Store) -> None:
    await beat(store, "a", silent_after=timedelta(hours=-2))
    await beat(store, "b", silent_after=LONG_AGO)

    async with store.begin(lone=True) as tx:
        await tx.workers.forget_the_dead()

    async with store.read() as tx:
        assert [one.owner for one in await tx.workers.all()] == ["b"]
