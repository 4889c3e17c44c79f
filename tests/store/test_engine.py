from __future__ import annotations

import asyncio
import resource
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from aiosqlite import Connection
from daemon_parts import VirtualClock
from sqlalchemy import select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from store_parts import ON_A_FILE, raw

from syncd.store import migrate
from syncd.store.engine import UnsupportedStore, sqlite_path, writer_engine
from syncd.store.lock import HeldElsewhere, StoreLock
from syncd.store.schema import counter
from syncd.store.store import Store, StoreUnavailable, Tx

TASKS, EACH = 4, 100


@ON_A_FILE
async def test_the_writer_forgets_nothing_that_was_committed(store: Store) -> None:
    """NORMAL loses acknowledged commits in a power cut, and a forgotten intent is a second invoice."""
    async with store.begin() as tx:
        found = {
            name: await tx.connection.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }

    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


async def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises(StoreUnavailable, match=r"readonly|read-only"):
        async with store.read() as tx:
            await tx.journal.add("demo.written")


async def test_what_raises_inside_a_transaction_leaves_nothing_behind(store: Store) -> None:
    with pytest.raises(ZeroDivisionError):
        async with store.begin() as tx:
            await tx.windows.begin("demo_sid", "pending", tx.now)
            raise ZeroDivisionError

    async with store.read() as tx:
        assert await tx.windows.cursor("demo_sid", "pending") is None


async def test_a_line_is_told_only_once_its_transaction_is_durable(store: Store) -> None:
    told: list[str] = []

    async with store.begin() as tx:
        tx.tell(lambda: told.append("kept"))
        assert told == []
    with pytest.raises(ZeroDivisionError):
        async with store.begin() as tx:
            tx.tell(lambda: told.append("rolled back"))
            raise ZeroDivisionError

    assert told == ["kept"]


@ON_A_FILE
async def test_a_store_held_by_another_writer_is_unavailable_and_not_broken(store: Store) -> None:
    async with store.begin() as tx:
        await tx.connection.execute(text("PRAGMA busy_timeout=20"))  # instead of five seconds
    with raw(store) as other:
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(StoreUnavailable, match="locked"):
            async with store.begin() as tx:
                await tx.connection.execute(text("SELECT 1"))  # the first word to the database asks to write
        other.execute("ROLLBACK")

    assert await store.next_seq("demo_sid") == 1


@ON_A_FILE
async def test_what_is_dated_here_is_younger_than_what_was_waited_for(
    store: Store, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else two processes on one file would have the same place in line before a party."""
    execute, handed = Connection._execute, asyncio.Event()

    async def heard(self: Connection, work: Any, *given: Any, **named: Any) -> Any:
        handed.set()
        return await execute(self, work, *given, **named)

    async def dated() -> datetime:
        async with store.begin() as tx:
            await tx.connection.execute(text("SELECT 1"))
            return tx.now

    await dated()
    monkeypatch.setattr(Connection, "_execute", heard)
    with raw(store) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(dated())
        await handed.wait()
        clock.advance(1)
        other.execute("ROLLBACK")

        assert await waiting == clock.now()


async def increments(engine: AsyncEngine) -> tuple[int, int]:
    """Tasks that read, think and write back one number: what it comes to, and how many were refused."""
    refused = 0

    async def one() -> None:
        nonlocal refused
        for _ in range(EACH):
            try:
                async with engine.begin() as connection:
                    value = int(await connection.scalar(select(counter.c.value).where(counter.c.name == "demo")) or 0)
                    await asyncio.sleep(0)
                    await connection.execute(update(counter).where(counter.c.name == "demo").values(value=value + 1))
            except OperationalError:
                refused += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(TASKS):
            group.create_task(one())
    async with engine.connect() as connection:
        return int(await connection.scalar(select(counter.c.value).where(counter.c.name == "demo")) or 0), refused


@pytest.fixture
def counted(store: Store) -> Path:
    with raw(store) as db:
        db.execute("INSERT INTO counter (name, value) VALUES ('demo', 0)")
    return store.path


@ON_A_FILE
async def test_no_update_is_lost_between_four_writers(counted: Path) -> None:
    engine = writer_engine(counted)

    assert await increments(engine) == (TASKS * EACH, 0)
    await engine.dispose()


@ON_A_FILE
async def test_the_drivers_defaults_would_lose_updates(counted: Path) -> None:
    """The negative control of the test above."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{counted}", connect_args={"timeout": 0.05})

    kept, refused = await increments(engine)

    assert kept < TASKS * EACH
    assert kept + refused <= TASKS * EACH
    await engine.dispose()


async def test_requests_are_numbered_without_a_gap_by_whoever_asks(store: Store) -> None:
    numbers = await asyncio.gather(*(store.next_seq("demo_sid") for _ in range(20)))

    assert sorted(numbers) == list(range(1, 21))


def test_the_file_is_its_owners_alone_before_anything_is_in_it(tmp_path: Path, clock: VirtualClock) -> None:
    path = tmp_path / "deep" / "er" / "syncd.db"

    Store.at(f"sqlite:///{path}", clock)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.stat().st_size == 0


@ON_A_FILE
async def test_the_files_beside_the_store_are_its_owners_alone(store: Store) -> None:
    await store.next_seq("demo_sid")
    found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in store.path.parent.glob("syncd.db-*")}

    assert set(found) == {"syncd.db-wal", "syncd.db-shm"}
    assert set(found.values()) <= {stat.S_IMODE(store.path.stat().st_mode)}


@pytest.mark.parametrize("url", ["mysql://example/x", "sqlite://", "sqlite:///:memory:"])
def test_only_a_sqlite_file_can_be_opened(url: str) -> None:
    with pytest.raises(UnsupportedStore):
        sqlite_path(url)


async def test_a_store_that_is_gone_does_not_answer(tmp_path: Path, clock: VirtualClock) -> None:
    url = f"sqlite:///{tmp_path}/syncd.db"
    await migrate.upgrade(url)
    async with Store.at(url, clock) as store:
        assert await store.answers()
        await store.close()
        store.path.rename(tmp_path / "elsewhere.db")
        store.path.mkdir()

        assert not await store.answers()


def test_one_process_alone_holds_a_store(tmp_path: Path) -> None:
    store = tmp_path / "syncd.db"

    with StoreLock(store), pytest.raises(HeldElsewhere, match="pid") as refused, StoreLock(store):
        pass

    assert refused.value.path == tmp_path / "syncd.db.lock"


def test_a_lock_ends_with_its_holder(tmp_path: Path) -> None:
    with StoreLock(tmp_path / "syncd.db"):
        pass

    with StoreLock(tmp_path / "syncd.db") as again:
        assert again is not None


@contextmanager
def no_file_may_grow(limit: int) -> Iterator[None]:
    """Every write beyond `limit` bytes fails in the kernel, as a bad disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


@ON_A_FILE
async def test_a_handle_that_met_an_io_error_is_never_used_again(store: Store) -> None:
    """F19. What the kernel has failed to write or sync, it may call clean the next time it is asked."""

    async def handle(tx: Tx) -> object:
        return (await tx.connection.get_raw_connection()).driver_connection

    async with store.begin() as tx:
        met = await handle(tx)
        await tx.journal.add("demo.one")
    with no_file_may_grow(4096), pytest.raises(StoreUnavailable):
        async with store.begin() as tx:
            for _ in range(100):
                await tx.journal.add("demo.lost", text="x" * 1000)

    async with store.begin() as tx:
        assert await handle(tx) is not met
        await tx.journal.add("demo.two")
    async with store.read() as tx:
        events = [event for _, event, _ in await tx.journal.since(0, ["demo.one", "demo.lost", "demo.two"])]
    assert events == ["demo.one", "demo.two"]
