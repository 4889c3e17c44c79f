from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

import pytest
from daemon_parts import VirtualClock
from store_parts import AT, at, keep, raw, row

from syncd.store.store import Store
from syncd.store.units import LEASE, Claim, Ending, Fenced, Host, half_spent


async def claim(store: Store, key: str = "m001") -> Claim | None:
    async with store.begin() as tx:
        return await tx.units.claim("push", key, LEASE)


async def claimed(store: Store) -> Claim:
    granted = await claim(store)
    assert granted is not None
    return granted


async def due(store: Store) -> list[str]:
    async with store.read() as tx:
        return await tx.units.due("push")


@pytest.fixture(autouse=True)
async def unit(store: Store) -> None:
    async with store.begin() as tx:
        await tx.units.ensure("push", "m001")


async def test_a_unit_is_due_from_its_beginning_and_made_once(store: Store) -> None:
    async with store.begin() as tx:
        await tx.units.ensure("push", "m001")

    assert await due(store) == ["m001"]


async def test_a_unit_is_granted_to_one(store: Store) -> None:
    grants = await asyncio.gather(*(claim(store) for _ in range(8)))

    assert len([grant for grant in grants if grant is not None]) == 1
    assert await due(store) == []


async def test_a_unit_nobody_knows_cannot_be_claimed(store: Store) -> None:
    assert await claim(store, "m999") is None


async def test_each_grant_has_a_higher_epoch(store: Store, clock: VirtualClock) -> None:
    epochs = []
    for _ in range(3):
        granted = await claimed(store)
        epochs.append(granted.epoch)
        async with store.begin(granted) as tx:
            await tx.units.finish(granted, next_at=clock.now())

    assert epochs == [1, 2, 3]


async def test_a_lease_that_ran_out_is_granted_anew_and_its_first_holder_is_fenced(
    store: Store, clock: VirtualClock
) -> None:
    first = await claimed(store)
    clock.advance(LEASE - timedelta(seconds=1))
    assert await claim(store) is None
    clock.advance(1)
    second = await claimed(store)

    assert second.epoch == first.epoch + 1
    with pytest.raises(Fenced):
        async with store.begin(first):
            pytest.fail("a superseded claim must not get a transaction")
    with pytest.raises(Fenced):
        async with store.begin() as tx:
            await tx.units.finish(first, next_at=clock.now())
    async with store.begin(second) as tx:
        await tx.units.check(second)


async def test_what_a_fenced_holder_wrote_is_not_there(store: Store, clock: VirtualClock) -> None:
    first = await claimed(store)
    clock.advance(LEASE)
    await claimed(store)

    with pytest.raises(Fenced):
        async with store.begin() as tx:
            await keep(tx, row("FP1"))
            await tx.units.finish(first, next_at=clock.now())

    async with store.read() as tx:
        assert await tx.board.orders() == []


async def test_no_wall_clock_frees_a_lease(store: Store, clock: VirtualClock) -> None:
    """Leases run on the monotonic clock: a host whose date was set on by a year has not been away for one."""
    await claimed(store)

    clock.skew = timedelta(days=365)

    assert await claim(store) is None
    assert await due(store) == []


async def test_a_lease_of_an_earlier_boot_means_nothing(store: Store) -> None:
    """After a reboot the monotonic clock starts anew and may be far below what was noted."""
    first = await claimed(store)
    store.host = Host(owner="other", boot="another boot")

    second = await claimed(store)

    assert second.epoch == first.epoch + 1


async def test_a_renewed_lease_is_the_same_grant_for_longer(store: Store, clock: VirtualClock) -> None:
    first = await claimed(store)
    clock.advance(40)
    async with store.begin(first) as tx:
        renewed = await tx.units.renew(first, LEASE)
    clock.advance(40)

    assert renewed.epoch == first.epoch
    assert await claim(store) is None
    async with store.begin(first) as tx:
        await tx.units.check(renewed)


async def test_a_superseded_lease_cannot_be_renewed(store: Store, clock: VirtualClock) -> None:
    first = await claimed(store)
    clock.advance(LEASE)
    await claimed(store)

    async with store.begin() as tx:
        with pytest.raises(Fenced):
            await tx.units.renew(first, LEASE)


async def test_nothing_is_sent_after_half_a_lease(store: Store, clock: VirtualClock) -> None:
    granted = await claimed(store)

    assert not half_spent(granted, clock.monotonic())
    clock.advance(LEASE / 2)
    assert half_spent(granted, clock.monotonic())


async def test_a_finished_unit_comes_back_when_it_said(store: Store, clock: VirtualClock) -> None:
    granted = await claimed(store)
    async with store.begin(granted) as tx:
        await tx.units.finish(granted, next_at=at(30), failures=2, trouble="wdt 99", notes="7")

    assert await due(store) == []
    clock.advance(30)
    assert await due(store) == ["m001"]
    again = await claimed(store)
    assert (again.notes, again.failures) == ("7", 2)
    async with store.read() as tx:
        (view,) = await tx.units.all()
        assert (view.failures, view.trouble, view.running, view.ran_at) == (2, "wdt 99", True, AT)


async def test_a_wake_makes_a_unit_due_now(store: Store) -> None:
    granted = await claimed(store)
    async with store.begin(granted) as tx:
        await tx.units.finish(granted, next_at=at(600))
    async with store.begin() as tx:
        await tx.units.wake("push", "m001")

    assert await due(store) == ["m001"]


async def test_a_wake_while_the_unit_runs_is_not_slept_through(store: Store) -> None:
    """Else what was stored after the unit looked would wait for a whole interval."""
    granted = await claimed(store)
    async with store.begin() as tx:
        await tx.units.wake("push", "m001")
    assert await due(store) == []

    async with store.begin(granted) as tx:
        await tx.units.finish(granted, next_at=at(600))

    assert await due(store) == ["m001"]


async def test_a_wake_never_makes_a_unit_later(store: Store, clock: VirtualClock) -> None:
    granted = await claimed(store)
    async with store.begin(granted) as tx:
        await tx.units.finish(granted, next_at=at(1))
    clock.advance(5)
    async with store.begin() as tx:
        await tx.units.wake("push", "m001")
        (view,) = await tx.units.all()

    assert view.next_at == at(1)


async def test_a_new_daemon_voids_every_lease_of_the_dead_one(store: Store) -> None:
    dead = await claimed(store)
    async with store.begin() as tx:
        assert await tx.units.take_over() == 1

    assert await due(store) == ["m001"]
    with pytest.raises(Fenced):
        async with store.begin(dead):
            pytest.fail("a voided claim must not get a transaction")


async def test_the_longest_waiting_unit_comes_first(store: Store, clock: VirtualClock) -> None:
    clock.advance(-10)
    async with store.begin() as tx:
        await tx.units.ensure("push", "m002")
    clock.advance(10)

    assert await due(store) == ["m002", "m001"]


async def test_an_epoch_outlives_the_program_that_was_granted_it(store: Store) -> None:
    granted = await claimed(store)

    with raw(store) as db:
        assert db.execute("SELECT epoch FROM unit").fetchone() == (granted.epoch,)


async def test_who_comes_due_within_seconds_is_told_in_how_many(store: Store, clock: VirtualClock) -> None:
    """Whether it was woken for then, or its turn ended with it; what is due later is found by whoever looks."""
    told: list[Mapping[tuple[str, str], float]] = []
    store.on_soon = told.append
    claim = await claimed(store)
    told.clear()

    async with store.begin() as tx:
        await tx.units.wake("collect", "m001", at(4))
        await tx.units.wake("collect", "m002", at(600))
        await tx.units.wake("write_back", "m001")
    clock.advance(1)
    await store.desk.finish(Ending(claim, at(3)))

    assert told == [{("collect", "m001"): 4.0}, {(claim.stage, claim.key): 2.0}]


async def test_whoever_is_woken_now_is_told_at_once_however_long_the_transaction_was(
    store: Store, clock: VirtualClock
) -> None:
    """A wake is a moment younger than the transaction it is part of."""
    told: list[tuple[str, str]] = []
    store.on_due = told.extend

    async with store.begin() as tx:
        clock.advance(0.25)
        await tx.units.wake("push", "m001")

    assert told == [("push", "m001")]
