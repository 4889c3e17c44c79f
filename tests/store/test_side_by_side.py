"""Transactions that run beside each other on a real PostgreSQL, where SQLite would have let one in at a time.

The clock is the real one and leases go by the database's, as in an installation.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError
from store_parts import keep, raw, row, the, url_of, wanted

from syncd.domain.clock import SystemClock
from syncd.domain.lifecycle import Event, Hold, State
from syncd.domain.trouble import Care, Verdict
from syncd.store import store as store_module
from syncd.store.dialect import lock_key, merchant_scope
from syncd.store.schema import counter
from syncd.store.store import Store, StoreUnavailable
from syncd.store.submissions import KeyTaken
from syncd.store.tokens import Shelf
from syncd.store.units import LEASE, Claim, Fenced
from syncd.watch.gauges import Gauges
from syncd.watch.metrics import Metrics

TASKS, EACH = 4, 100
SHORT = timedelta(milliseconds=300)


@pytest.fixture
async def workers(emptied: str) -> AsyncIterator[list[Store]]:
    """Two processes' stores over one database."""
    async with AsyncExitStack() as stack:
        clock = SystemClock()
        yield [await stack.enter_async_context(Store.at(emptied, clock, connections=TASKS)) for _ in range(2)]


@pytest.fixture
async def one(workers: list[Store]) -> Store:
    async with workers[0].begin() as tx:
        for key in ("m001", "m002"):
            await tx.units.ensure("push", key)
        await tx.connection.execute(insert(counter).values(name="demo", value=0))
    return workers[0]


@pytest.fixture
def other(workers: list[Store]) -> Store:
    return workers[1]


async def claimed(store: Store, key: str = "m001", lease: timedelta = LEASE) -> Claim:
    async with store.begin(lone=True) as tx:
        granted = await tx.units.claim("push", key, lease)
    assert granted is not None
    return granted


def waiting(store: Store) -> int:
    """How many sessions of the database wait for a lock."""
    with psycopg.connect(url_of(store), autocommit=True) as connection:
        found = connection.execute(
            "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
            " WHERE NOT l.granted AND a.datname = current_database()"
        ).fetchone()
    return int(found[0]) if found else 0


async def waits(store: Store) -> None:
    """Come back once somebody waits."""
    async with asyncio.timeout(10):
        while not await asyncio.to_thread(waiting, store):
            pass


# -- nobody's update is lost -------------------------------------------------------------------------------------------


async def count_up(store: Store, **how: Any) -> None:
    """Read, think, write back, many times."""
    for _ in range(EACH):
        async with store.begin(**how) as tx:
            value = int(await tx.connection.scalar(select(counter.c.value).where(counter.c.name == "demo")) or 0)
            await asyncio.sleep(0)
            await tx.connection.execute(update(counter).where(counter.c.name == "demo").values(value=value + 1))


async def counted(one: Store, other: Store, ways: list[dict[str, Any]]) -> int:
    async with asyncio.TaskGroup() as group:
        for number, how in enumerate(ways):
            group.create_task(count_up((one, other)[number % 2], **how))
    with raw(one) as db:
        return int(db.execute("SELECT value FROM counter WHERE name = 'demo'").fetchone()[0])


async def test_no_update_of_a_merchant_is_lost_between_four_writers(one: Store, other: Store) -> None:
    claim = await claimed(one)

    assert await counted(one, other, [{"claim": claim}] * TASKS) == TASKS * EACH


async def test_no_update_under_a_name_is_lost_between_four_writers(one: Store, other: Store) -> None:
    assert await counted(one, other, [{"scope": "token:main"}] * TASKS) == TASKS * EACH


async def test_a_command_and_a_worker_lose_nothing_of_each_other(one: Store, other: Store) -> None:
    claim = await claimed(one)

    assert await counted(one, other, [{}, {"claim": claim}] * 2) == TASKS * EACH


@contextmanager
def nobody_waits() -> Iterator[None]:
    """A wrong twin: every transaction begins as if it were alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store_module, "hold", lambda name: ("SELECT %s", (1,)))
        yield


async def test_without_the_locks_updates_would_be_lost(one: Store, other: Store) -> None:
    """The negative control of the tests above."""
    with nobody_waits():
        assert await counted(one, other, [{"scope": "token:main"}] * TASKS) < TASKS * EACH


async def test_two_merchants_do_not_wait_for_each_other(one: Store, other: Store) -> None:
    first, second = await claimed(one, "m001"), await claimed(other, "m002")

    async with asyncio.timeout(10), one.begin(first) as mine, other.begin(second) as theirs:
        await keep(mine, row("FP1"), sid="sid_1")
        await keep(theirs, row("FP2"), sid="sid_2")


async def test_a_command_waits_for_whoever_is_at_work(one: Store, other: Store) -> None:
    claim = await claimed(one)
    seen: list[State] = []

    async def command() -> None:
        async with other.begin() as tx:
            seen.append((await the(tx, "FP1")).state)

    async with asyncio.TaskGroup() as group, one.begin(claim) as tx:
        group.create_task(command())
        await waits(one)
        await keep(tx, row("FP1"))

    assert seen == [State.PENDING]


# -- claims ------------------------------------------------------------------------------------------------------------


async def test_of_many_who_ask_at_once_one_is_granted_the_unit(one: Store, other: Store) -> None:
    async def ask(store: Store) -> Claim | None:
        async with store.begin(lone=True) as tx:
            return await tx.units.claim("push", "m001", LEASE)

    for _ in range(20):
        grants = [claim for claim in await asyncio.gather(*map(ask, [one, other] * 4)) if claim is not None]

        assert len(grants) == 1
        async with one.begin(lone=True) as tx:
            await tx.units.finish(grants[0], next_at=tx.now)


async def test_a_late_write_waits_for_the_grant_to_another_and_is_refused(one: Store, other: Store) -> None:
    """A worker was away for longer than its lease, and comes back while its unit is being granted to another."""
    late = await claimed(one, lease=timedelta(0))
    refused: list[bool] = []

    async def come_back() -> None:
        try:
            async with one.begin(late) as tx:
                await keep(tx, row("FP1"))
        except Fenced:
            refused.append(True)

    async with asyncio.TaskGroup() as group, other.begin(lone=True) as tx:
        assert await tx.units.claim("push", "m001", LEASE) is not None
        group.create_task(come_back())
        await waits(one)

    assert refused == [True]
    async with one.read() as tx:
        assert await tx.board.orders() == []


async def test_a_unit_is_not_granted_while_its_holder_writes(one: Store, other: Store) -> None:
    """Whoever was in time stays in time: the next grant waits until what was begun under the last one is durable."""
    holder = await claimed(one, lease=timedelta(0))
    granted: list[tuple[int, State]] = []

    async def take() -> None:
        claim = await claimed(other)
        async with other.begin(claim) as tx:
            granted.append((claim.epoch, (await the(tx, "FP1")).state))

    async with asyncio.TaskGroup() as group, one.begin(holder) as tx:
        group.create_task(take())
        await waits(one)
        await keep(tx, row("FP1"))

    assert granted == [(holder.epoch + 1, State.PENDING)]


async def test_a_lease_runs_out_by_the_clock_of_the_database(one: Store, other: Store) -> None:
    first = await claimed(one, lease=SHORT)
    async with other.begin(lone=True) as tx:
        assert await tx.units.claim("push", "m001", LEASE) is None

    async with asyncio.timeout(10):
        while True:
            async with other.begin(lone=True) as tx:
                if (second := await tx.units.claim("push", "m001", LEASE)) is not None:
                    break

    assert second.epoch == first.epoch + 1
    assert one.clock.monotonic() >= first.lease_until  # its holder had stopped believing in it before


async def test_a_lease_is_neither_the_hosts_nor_of_one_boot(one: Store, other: Store) -> None:
    first = await claimed(one)

    with raw(one) as db:
        until_ms, boot = db.execute("SELECT lease_until, lease_boot FROM unit WHERE key = 'm001'").fetchone()
        now = db.execute("SELECT (EXTRACT(EPOCH FROM clock_timestamp()) * 1000)::bigint").fetchone()[0]

    assert 0 < until_ms - now <= LEASE.total_seconds() * 1000
    assert boot == ""
    assert first.epoch == 1


async def test_a_wake_beside_the_end_of_a_turn_is_not_slept_through(one: Store, other: Store) -> None:
    claim = await claimed(one)

    async def end() -> None:
        async with one.begin(lone=True) as tx:
            await tx.units.finish(claim, next_at=tx.now + timedelta(hours=1))

    async with asyncio.TaskGroup() as group, other.begin(scope="demo") as tx:
        await tx.units.wake("push", "m001")
        await tx.units.wake_all()
        group.create_task(end())
        await waits(one)

    async with one.read() as tx:
        assert "m001" in await tx.units.due("push")


async def test_what_a_due_unit_is_woken_for_is_there_when_it_looks(one: Store, other: Store) -> None:
    """It is due already, so nothing changes by the wake; granted before the wake is durable it would look in vain."""
    found: list[list[State]] = []

    async def turn() -> None:
        await claimed(other)
        async with other.read() as tx:
            found.append([order.state for order in await tx.board.orders()])

    async with asyncio.TaskGroup() as group, one.begin(scope="demo") as tx:
        await keep(tx, row("FP1"))
        await tx.units.wake("push", "m001")
        await tx.units.wake_all()
        group.create_task(turn())
        await waits(one)

    assert found == [[State.PENDING]]


async def test_a_wake_does_not_wait_for_whoever_is_at_work(one: Store, other: Store) -> None:
    """Two merchants of one account wake each other: they would wait for each other for ever."""
    first, second = await claimed(one, "m001"), await claimed(other, "m002")
    both = asyncio.Barrier(2)

    async def turn(store: Store, claim: Claim, neighbour: str) -> None:
        async with store.begin(claim) as tx:
            await both.wait()
            await tx.units.wake("push", neighbour)
            await tx.units.wake_all()
            await both.wait()

    async with asyncio.timeout(10):
        await asyncio.gather(turn(one, first, "m002"), turn(other, second, "m001"))


# -- what merchants share ----------------------------------------------------------------------------------------------


async def beside(*works: Callable[[], Awaitable[Any]]) -> None:
    async with asyncio.timeout(30), asyncio.TaskGroup() as group:
        for work in works:
            group.create_task(_all_of(work))


async def _all_of(work: Callable[[], Awaitable[Any]]) -> None:
    for _ in range(25):
        await work()


async def test_merchants_of_one_account_rest_its_lanes_beside_each_other(one: Store, other: Store) -> None:
    first, second = await claimed(one, "m001"), await claimed(other, "m002")
    down = Verdict("nuonuo", "E1", "down", Care.RETRY_SOON)

    async def turn(store: Store, claim: Claim) -> None:
        async with store.begin(claim) as tx:
            for name in ("m001", "m002"):
                await tx.lanes.strike(name, "main")
                await tx.lanes.rest(name, "main", down)

    await beside(lambda: turn(one, first), lambda: turn(other, second))

    async with one.read() as tx:
        assert {lane.name: lane.failures for lane in await tx.lanes.all()} == {"m001/main": 50, "m002/main": 50}


async def test_a_message_that_two_merchants_hear_first_at_once_is_counted_twice(one: Store, other: Store) -> None:
    first, second = await claimed(one, "m001"), await claimed(other, "m002")
    heard = Verdict("nuonuo", "E1", "never heard of", Care.UNCLASSIFIED)

    async def turn(store: Store, claim: Claim) -> None:
        async with store.begin(claim) as tx:
            await tx.unclassified.seen(heard)

    await beside(lambda: turn(one, first), lambda: turn(other, second))

    async with one.read() as tx:
        assert [message.count for message in await tx.unclassified.all()] == [50]


async def test_each_request_has_a_number_of_its_own(one: Store, other: Store) -> None:
    numbers = await asyncio.gather(*(store.next_seq("demo_sid") for store in (one, other) for _ in range(20)))

    assert sorted(numbers) == list(range(1, 41))


async def test_of_many_who_would_fetch_a_token_one_may(one: Store, other: Store) -> None:
    now = one.clock.now()

    grants = await asyncio.gather(*(Shelf(store).may_fetch("main", now, 600, 50) for store in [one, other] * 4))

    assert sum(grants) == 1


async def test_no_two_outside_writes_share_an_epoch(one: Store, other: Store) -> None:
    async with one.begin() as tx:
        await tx.instance.create()
    first, second = await claimed(one, "m001"), await claimed(other, "m002")

    async def turn(store: Store, claim: Claim) -> None:
        async with store.begin(claim, outward=True):
            pass

    await beside(lambda: turn(one, first), lambda: turn(other, second))

    async with one.read() as tx:
        here = await tx.instance.get()
    assert here is not None
    assert here.epoch == 50


async def test_a_line_that_becomes_visible_late_is_counted_all_the_same(one: Store, other: Store) -> None:
    """It was numbered before a line that is durable already; a counter that has gone past it would never see it."""
    first, second = await claimed(one, "m001"), await claimed(other, "m002")
    metrics = Metrics()
    gauges = Gauges(metrics, one, [])
    await gauges.begin()

    async with one.begin(first) as slow:
        await slow.journal.add("order.issued", merchant="m001")
        await slow.journal.flush()
        async with other.begin(second) as quick:
            await quick.journal.add("order.issued", merchant="m002")
        await gauges.look()
        assert "syncd_issued_total 1.0" in metrics.render().decode()
    for _ in range(2):
        await gauges.look()

    assert "syncd_issued_total 2.0" in metrics.render().decode()


async def test_one_key_is_never_committed_for_two_orders(one: Store, other: Store) -> None:
    """Two merchants whose orders come to the same key at the same moment: one is refused before anything is sent."""
    first, second = await claimed(one, "m001"), await claimed(other, "m002")
    async with one.begin(first) as tx:
        await keep(tx, row("FP1"), sid="sid_1")
    async with other.begin(second) as tx:
        await keep(tx, row("FP2"), sid="sid_2")

    async def intend(store: Store, claim: Claim, no: str) -> bool:
        try:
            async with store.begin(claim, fact="push.intended") as tx:
                order = await the(tx, no)
                await tx.submissions.intend(order.id, wanted("KEY0"), epoch=claim.epoch)
                await tx.orders.move(order, Event.INTENDED)
        except (KeyTaken, IntegrityError):
            return False
        return True

    went = await asyncio.gather(intend(one, first, "FP1"), intend(other, second, "FP2"))

    assert sum(went) <= 1
    with raw(one) as db:
        assert db.execute("SELECT count(*) FROM submission").fetchone() == (sum(went),)


async def test_a_page_that_meets_an_order_another_has_changed_changes_neither_it_nor_its_bytes(
    one: Store, other: Store
) -> None:
    """Two workers whose settings name one tenant differently do not keep each other away from its orders."""
    first, second = await claimed(one, "m001"), await claimed(other, "m002")
    async with one.begin(first) as tx:
        await keep(tx, row("FP1"))

    async def read_again() -> None:
        async with one.begin(first) as tx:
            await keep(tx, row("FP1", version=2), seq=2)

    async with other.begin(second) as tx:
        await tx.orders.hold(await the(tx, "FP1"), Hold.BY_OPERATOR, {})
        await tx.together.flush()
        reading = asyncio.create_task(read_again())
        await waits(one)

    with pytest.raises(StoreUnavailable, match="another worker"):
        await reading
    async with one.read() as tx:
        order = await the(tx, "FP1")
        assert (order.state, order.raw) == (State.HOLD, row("FP1").raw)


# -- what a server may do to a session ---------------------------------------------------------------------------------


async def test_who_waits_too_long_for_a_lock_writes_nothing(emptied: str) -> None:
    impatient = f"{emptied}?options=-c%20lock_timeout%3D50ms"
    async with Store.at(emptied, SystemClock()) as one, Store.at(impatient, SystemClock()) as other:
        async with one.begin():
            with pytest.raises(StoreUnavailable, match="lock timeout"):
                async with other.begin():
                    pytest.fail("the store is held")

        assert await other.next_seq("demo_sid") == 1


async def test_a_session_that_the_server_ends_leaves_nothing_and_is_replaced(one: Store) -> None:
    with pytest.raises(StoreUnavailable):
        async with one.begin() as tx:
            await keep(tx, row("FP1"))
            with raw(one) as db:
                db.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND state = 'idle in transaction'"
                )
            await the(tx, "FP1")

    async with one.begin() as tx:
        assert await tx.board.orders() == []


async def test_whoever_froze_in_a_transaction_does_not_keep_its_merchant(emptied: str) -> None:
    """The server ends a session that is silent inside a transaction; here after a moment, else after seconds."""
    hasty = f"{emptied}?options=-c%20idle_in_transaction_session_timeout%3D100ms"
    async with Store.at(hasty, SystemClock()) as frozen, Store.at(emptied, SystemClock()) as other:
        with pytest.raises(StoreUnavailable):
            async with frozen.begin() as tx:
                await keep(tx, row("FP1"))
                async with other.begin() as free:  # waits until the server has freed it
                    assert await free.board.orders() == []
                await the(tx, "FP1")


async def test_two_who_wait_for_each_other_are_told_apart(one: Store, other: Store) -> None:
    """A deadlock costs one of them its transaction, not its worker."""
    first, second = await claimed(one, "m001"), await claimed(other, "m002")
    ended: list[str] = []

    async def cross(store: Store, claim: Claim, mine: str, yours: str, both: asyncio.Barrier) -> None:
        try:
            async with store.begin(claim) as tx:
                for number, name in enumerate((mine, yours)):
                    await tx.lanes.strike(name, "main")
                    if number == 0:
                        await both.wait()
            ended.append("done")
        except StoreUnavailable as error:
            ended.append(str(error))

    async with one.begin() as tx:
        await tx.lanes.strike("m001", "main")
        await tx.lanes.strike("m002", "main")
    both = asyncio.Barrier(2)
    await asyncio.gather(cross(one, first, "m001", "m002", both), cross(other, second, "m002", "m001", both))

    assert sorted(ended) == ["deadlock detected", "done"]


def test_names_do_not_share_a_lock() -> None:
    names = [merchant_scope(key) for key in ("m001", "m002", "m001/pending")] + ["store", "token:m001", "m001"]

    assert len({lock_key(name) for name in names}) == 5
    assert merchant_scope("m001") == merchant_scope("m001/pending")
