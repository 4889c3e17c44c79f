"""Two workers on one unit: the one that was overtaken writes nothing any more (F11)."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from crash_verdict import all_is_well

from syncd.scenarios.nursery import Daemon, Nursery, until
from syncd.scenarios.yard import Yard, yard
from syncd.store import migrate
from syncd.store.store import Store
from syncd.store.units import Claim, Fenced

LEASE = timedelta(seconds=60)
#: At sixty times the pace a lease lasts a second.
QUICK = 60.0
#: No other call takes a place, in a transaction that would fall asleep with the process.
ONE_AT_A_TIME = {"push": {"concurrency": 1}}


# -- with processes ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("point", "unit"),
    [
        ("nuonuo.submit.before", ("push", "m001")),
        ("nuonuo.submit.after", ("push", "m001")),
        ("nuonuo.ask.after", ("collect", "m001")),
        ("wdt.update.before", ("write_back", "m001")),
    ],
)
async def test_a_worker_that_slept_through_its_lease_changes_nothing_when_it_wakes(
    nursery: Nursery, home: Path, point: str, unit: tuple[str, str]
) -> None:
    """Without the store's lock only the fence is left. It keeps a sleeper from our store, not from the issuer: a
    request sent in its sleep is refused there as a duplicate.
    """
    async with yard(nursery, home, speed=QUICK, sections=ONE_AT_A_TIME) as here:
        here.sandbox.nuonuo.switches.timestamp_window = 86_400  # it is refused as a repeat, not as old
        slept = await overslept(here, point, unit)

    fenced = [(line["stage"], line["unit"], line["epoch"]) for line in slept.sleeper.events("unit.fenced")]
    assert fenced == [(*unit, slept.held)]
    assert slept.after == slept.before
    all_is_well(here.books, blind_repeats=point == "nuonuo.submit.before")
    if point == "nuonuo.submit.before":
        assert here.sandbox.nuonuo.calls.by_answer["nuonuo.OpeMplatform.requestBillingNew", "E9106"] > 0


@dataclass(frozen=True, slots=True)
class Overslept:
    """The worker that slept, the epoch it held, and everything in the store before and after it woke."""

    sleeper: Daemon
    held: int
    before: dict[str, list[tuple[Any, ...]]]
    after: dict[str, list[tuple[Any, ...]]]


async def overslept(here: Yard, point: str, unit: tuple[str, str]) -> Overslept:
    """One worker falls asleep at `point`; after its lease another does all the work; then the first one wakes."""
    sleeper = here.start(point, sign="SIGSTOP", mode="in_turn")
    await until(lambda: sleeper.note("struck") == point and sleeper.stopped, f"a worker asleep at {point}")
    held = epoch(here, unit)
    await here.runs_to_the_end(mode="in_turn")
    assert epoch(here, unit) > held
    before = here.books.facts()

    sleeper.kill(signal.SIGCONT)
    await sleeper.ends_well()
    return Overslept(sleeper, held, before, here.books.facts())


def epoch(here: Yard, unit: tuple[str, str]) -> int:
    """The newest grant of this unit."""
    ((newest,),) = here.books.rows("SELECT epoch FROM unit WHERE stage = ? AND key = ?", *unit)
    return int(newest)


# -- on the store alone ------------------------------------------------------------------------------------------------


class HandClock:
    """Time that passes only when told."""

    def __init__(self) -> None:
        self.passed = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 20, 2, 0, tzinfo=UTC) + timedelta(seconds=self.passed)

    def monotonic(self) -> float:
        return 1000.0 + self.passed


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def store(tmp_path: Path, clock: HandClock) -> AsyncIterator[Store]:
    url = f"sqlite:///{tmp_path / 'syncd.db'}"
    await migrate.upgrade(url)
    async with Store.at(url, clock) as opened:
        async with opened.begin() as tx:
            await tx.units.ensure("push", "m001")
        yield opened


async def claimed(store: Store) -> Claim:
    async with store.begin() as tx:
        claim = await tx.units.claim("push", "m001", LEASE)
    assert claim is not None
    return claim


@pytest.fixture
async def overtaken(store: Store, clock: HandClock) -> Claim:
    """A claim whose lease ran out and that was granted anew to somebody else."""
    claim = await claimed(store)
    clock.passed += 61
    assert (await claimed(store)).epoch == claim.epoch + 1
    return claim


async def test_a_held_unit_cannot_be_claimed_before_its_lease_is_over(store: Store, clock: HandClock) -> None:
    await claimed(store)
    clock.passed += 59

    async with store.begin() as tx:
        assert await tx.units.due("push") == []
        assert await tx.units.claim("push", "m001", LEASE) is None


async def test_a_stale_claim_opens_no_transaction(store: Store, overtaken: Claim) -> None:
    with pytest.raises(Fenced):
        async with store.begin(overtaken):
            pytest.fail("a stale worker was let in")


async def test_a_claim_that_is_overtaken_loses_what_it_would_have_written(store: Store, overtaken: Claim) -> None:
    with pytest.raises(Fenced):
        async with store.begin() as tx:
            await tx.journal.add("order.issued", merchant="m001")
            await tx.units.check(overtaken)

    async with store.read() as tx:
        assert (await tx.connection.exec_driver_sql("SELECT count(*) FROM journal")).scalar() == 0


async def test_a_stale_claim_cannot_give_the_unit_back(store: Store, clock: HandClock, overtaken: Claim) -> None:
    with pytest.raises(Fenced):
        async with store.begin() as tx:
            await tx.units.finish(overtaken, next_at=clock.now())

    async with store.read() as tx:
        assert [unit.running for unit in await tx.units.all()] == [True]


async def test_a_stale_claim_cannot_be_renewed(store: Store, overtaken: Claim) -> None:
    with pytest.raises(Fenced):
        async with store.begin() as tx:
            await tx.units.renew(overtaken, LEASE)


async def test_a_renewed_claim_holds_on_and_keeps_its_epoch(store: Store, clock: HandClock) -> None:
    claim = await claimed(store)
    clock.passed += 40

    async with store.begin() as tx:
        renewed = await tx.units.renew(claim, LEASE)

    clock.passed += 40
    async with store.begin(renewed) as tx:
        assert renewed.epoch == claim.epoch
        assert await tx.units.claim("push", "m001", LEASE) is None


async def test_a_take_over_at_the_start_outdates_every_claim_of_the_dead(store: Store) -> None:
    claim = await claimed(store)

    async with store.begin() as tx:
        assert await tx.units.take_over() == 1

    with pytest.raises(Fenced):
        async with store.begin(claim):
            pytest.fail("a dead worker was let in")


async def test_a_wake_during_a_run_is_not_lost(store: Store, clock: HandClock) -> None:
    """Whoever gives a running unit something to do must not wait for its next regular turn."""
    claim = await claimed(store)
    async with store.begin() as tx:
        await tx.units.wake("push", "m001")

    async with store.begin(claim) as tx:
        await tx.units.finish(claim, next_at=clock.now() + timedelta(hours=1))

    async with store.read() as tx:
        assert await tx.units.due("push") == ["m001"]


async def test_a_run_that_nobody_woke_rests_until_its_next_turn(store: Store, clock: HandClock) -> None:
    """The other side of the one before."""
    claim = await claimed(store)

    async with store.begin(claim) as tx:
        await tx.units.finish(claim, next_at=clock.now() + timedelta(hours=1))

    async with store.read() as tx:
        assert await tx.units.due("push") == []
