"""A turn that is cancelled while it waits for its merchant on PostgreSQL ends then, and leaves nothing of it behind.

A stop of the process cancels what still runs after eight seconds; the lock itself would be waited for much longer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import insert
from store_parts import raw

from syncd.domain.clock import SystemClock
from syncd.store.schema import counter
from syncd.store.script import Ask, rows_of
from syncd.store.store import Store
from syncd.store.units import LEASE, Claim

#: So many turns of the loop after its beginning a turn is cancelled at the latest: by then it waits.
TURNS = 40
#: Seconds. The driver itself may take five to close a session whose statement does not end.
A_STOP_TAKES = 8


@pytest.fixture
async def store(emptied: str) -> AsyncIterator[Store]:
    """One session writes: each turn finds what the last one left."""
    async with Store.at(emptied, SystemClock(), connections=1) as opened:
        yield opened


@pytest.fixture
async def claim(store: Store) -> Claim:
    async with store.begin() as tx:
        await tx.units.ensure("push", "m001")
    async with store.begin(lone=True) as tx:
        granted = await tx.units.claim("push", "m001", LEASE)
    assert granted is not None
    return granted


async def test_a_turn_that_is_cancelled_ends_wherever_it_stood_on_the_way_to_its_lock(
    store: Store, claim: Claim, emptied: str
) -> None:
    async def turn(name: str) -> None:
        async with store.begin(claim) as tx:
            await tx.connection.execute(insert(counter).values(name=name, value=1))

    ends: list[BaseException | None] = []
    async with Store.at(emptied, SystemClock()) as other:
        for turns in range(TURNS):
            async with other.begin(claim):
                task = asyncio.create_task(turn(f"given up:{turns}"))
                for _ in range(turns):
                    await asyncio.sleep(0)
                task.cancel()
                _, late = await asyncio.wait({task}, timeout=A_STOP_TAKES)
                assert not late, turns

            ends += await asyncio.gather(task, return_exceptions=True)
            async with store.begin(claim) as tx:
                assert await rows_of(tx.connection, Ask("SELECT ?::text, ?::text", ("a", "b"))) == [("a", "b")]

    assert [type(end) for end in ends] == [asyncio.CancelledError] * TURNS
    with raw(store) as db:
        assert db.execute("SELECT count(*) FROM counter WHERE starts_with(name, 'given up:')").fetchone() == (0,)
