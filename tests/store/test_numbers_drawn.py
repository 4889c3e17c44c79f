"""Request numbers: each higher than all before it, from whatever process, and seldom a transaction for one."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from daemon_parts import VirtualClock
from store_parts import AT, SID, M, keep, row

from syncd.domain.clock import SystemClock
from syncd.store.numbers import Numbers
from syncd.store.sightings import Seen
from syncd.store.store import Store


async def test_numbers_that_many_ask_for_at_once_are_all_different_and_in_the_order_of_asking() -> None:
    drawn: list[range] = []

    async def draw(_sid: str) -> range:
        start = len(drawn) * 3 + 1
        drawn.append(range(start, start + 3))
        await asyncio.sleep(0)
        return drawn[-1]

    numbers = Numbers(draw)
    found = await asyncio.gather(*(numbers.next(SID) for _ in range(8)))

    assert found == [1, 2, 3, 4, 5, 6, 7, 8]
    assert len(drawn) == 3


async def test_a_process_that_works_alone_draws_many_at_once_and_the_next_one_begins_behind_them(url: str) -> None:
    async with Store.at(url, SystemClock()) as store:
        store.alone = True
        first = [await store.next_seq(sid) for sid in (SID, "other_sid", SID, SID)]
    async with Store.at(url, SystemClock()) as store:
        after = await store.next_seq(SID)

    assert first == [1, 1, 2, 3]
    assert after > 3


async def test_processes_that_share_a_store_take_turns_number_by_number(emptied: str) -> None:
    async with Store.at(emptied, SystemClock()) as one, Store.at(emptied, SystemClock()) as other:
        found = [await store.next_seq(SID) for store in (one, other, one, one, other)]

    assert found == [1, 2, 3, 4, 5]


async def test_who_goes_away_while_numbers_are_drawn_costs_nobody_the_order() -> None:
    may_go = asyncio.Event()
    starts = iter((1, 11))

    async def draw(_sid: str) -> range:
        start = next(starts)
        await may_go.wait()
        return range(start, start + 10)

    numbers = Numbers(draw)
    gone, stays = (asyncio.create_task(numbers.next(SID)) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    may_go.set()

    assert await stays == 11
    assert await numbers.next(SID) == 12


async def test_what_was_drawn_long_ago_is_not_handed_out_where_others_may_have_drawn_since() -> None:
    starts, now = iter((1, 101)), [0.0]

    async def draw(_sid: str) -> range:
        start = next(starts)
        return range(start, start + 10)

    numbers = Numbers(draw, good_for=10.0, clock=lambda: now[0])
    soon = [await numbers.next(SID), await numbers.next(SID)]
    now[0] = 10.0

    assert soon == [1, 2]
    assert [await numbers.next(SID), await numbers.next(SID)] == [101, 102]


async def test_whoever_regains_the_lock_of_a_server_falls_behind_nobody(emptied: str) -> None:
    clock = VirtualClock()
    async with Store.at(emptied, clock) as one, Store.at(emptied, clock) as other:
        one.alone = other.alone = True
        before = await one.next_seq(SID)
        meanwhile = await other.next_seq(SID)
        clock.advance(60.0)
        after = await one.next_seq(SID)

    assert before < meanwhile < after


async def test_whoever_has_lost_the_lock_of_a_server_knows_what_the_next_one_saw_unchanged(emptied: str) -> None:
    """R11: both believe to be alone; the order was another for a moment, which the older answer shows."""
    clock = VirtualClock()
    async with Store.at(emptied, clock) as one, Store.at(emptied, clock) as other:
        one.alone = other.alone = True
        async with one.begin() as tx:
            await keep(tx, row("FP1", 20), seq=1)
        async with other.begin() as tx:
            await tx.sightings.keep(M, SID, [row("FP1", 20)], Seen(3, AT, None, timedelta(seconds=30)))

        async with one.begin() as tx:
            late = await keep(tx, row("FP1", 45, version=2), seq=2)

    assert (late.changed, late.overtaken) == (0, 1)
