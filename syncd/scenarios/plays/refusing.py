"""Days on which the store takes nothing: full, locked by another, read-only."""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta

from syncd.scenarios.nursery import Daemon, at_most, until
from syncd.scenarios.scenario import ALWAYS, Scenario
from syncd.scenarios.world import World
from syncd.scenarios.yard import FRESH, Yard, yard_of
from syncd.store.store import StoreUnavailable

SPEED = 40.0


# -- full --------------------------------------------------------------------------------------------------------------


#: Bytes that no file of the daemon may grow beyond: a few commits go in after a checkpoint, then none.
FULL = 1 << 16


async def disk_full(world: World) -> None:
    """No file of the daemon may grow any more, twice: once it goes on by itself, once it is killed meanwhile.

    The kernel's limit on the size of a process's files stands for a full disk: the write-ahead log takes no commit.
    """
    world.figures |= {"sent_before_committed": 0, "resumed": 0}
    async with yard_of(world, speed=SPEED) as here:
        here.sandbox.populate(world.rows // 3, FRESH)
        worker = here.start(mode="serve")
        await until(lambda: here.books.count("submission"), "a daemon at work")
        await _fills_up(world, here, worker)
        _limit(worker, resource.RLIM_INFINITY)
        await until(lambda: not here.books.open_orders() and not here.books.broken()["lost"], "it to go on", within=60)
        world.figures["resumed"] += 1
        await _fills_up(world, here, worker)
        await worker.dies()
        await here.works_everything_off(60)


async def _fills_up(world: World, here: Yard, worker: Daemon) -> None:
    """From here on nothing can be saved, and nothing may be sent that was not saved before."""
    os.truncate(worker.home / "log", 0)  # it is on the same disk, and goes on being written to
    _limit(worker, FULL)
    await at_most(2.0, lambda: _refusals(worker) >= 3)
    here.sandbox.populate(world.rows // 3, FRESH)
    await at_most(1.0, lambda: False)
    unsaved = here.books.newly_submitted() - here.books.committed_keys()
    world.figures["sent_before_committed"] += len(unsaved)
    world.seen["refused_commits"] += _refusals(worker)


def _refusals(worker: Daemon) -> int:
    return sum("disk I/O error" in line for line in worker.log.splitlines())


def _limit(worker: Daemon, most: int) -> None:
    resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))


# -- locked, read-only -------------------------------------------------------------------------------------------------

LOCKED_FOR = timedelta(seconds=30)
_HOLDER = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.read()
"""


async def store_locked(world: World) -> None:
    """Another process holds the write lock for half a minute; then the medium is read-only for as long.

    One worker however many are asked for: two in one process would lose their file locks to each other's closing.
    """
    world.figures |= {"sent_while_refused": 0}
    async with world.parties():
        world.populate()
        async with world.daemons(workers=1):
            await world.until(lambda: _begun(world))
            for refusal in (_held_by_another(world), _read_only(world)):
                async with _impatient(world), refusal:
                    known = _submitted(world)
                    await _time_passes(world)
                    world.figures["sent_while_refused"] += len(_submitted(world) - known)
                    world.seen["refused"] += await _refuses(world)
                await world.pass_by(2)
            await world.settle(timedelta(hours=2))


async def _begun(world: World) -> bool:
    return bool(_submitted(world))


def _submitted(world: World) -> set[str]:
    """What the issuer was asked to issue so far."""
    return {call.body for call in world.sandbox.nuonuo.calls.of("requestBillingNew")}


async def _time_passes(world: World) -> None:
    """Second by second, so that every unit is tried in each."""
    end = world.clock.world + LOCKED_FOR

    async def over() -> bool:
        world.clock.advance(1.0)
        return world.clock.world >= end

    await world.until(over, within=2 * LOCKED_FOR)


async def _refuses(world: World) -> bool:
    """Whether the store can be read and takes nothing."""
    try:
        async with world.app.store.begin() as tx:
            await tx.units.wake("poll", "m001/pending")
    except StoreUnavailable:
        return await world.app.store.answers()
    return False


@asynccontextmanager
async def _held_by_another(world: World) -> AsyncIterator[None]:
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-c", _HOLDER, str(world.store_path))
    holder = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert holder.stdout is not None
    await holder.stdout.readline()
    try:
        yield
    finally:
        await holder.communicate(b"")  # closes its input, which ends it


def _read_only(world: World) -> AbstractAsyncContextManager[None]:
    """SQLite's own refusal, the one it also gives on a read-only medium."""
    return _told(world, "PRAGMA query_only=ON", afterwards="PRAGMA query_only=OFF")


def _impatient(world: World) -> AbstractAsyncContextManager[None]:
    """Nobody waits five seconds of the host for a lock."""
    return _told(world, "PRAGMA busy_timeout=1", afterwards="PRAGMA busy_timeout=5000")


@asynccontextmanager
async def _told(world: World, pragma: str, *, afterwards: str) -> AsyncIterator[None]:
    await _tell_writers(world, pragma)
    try:
        yield
    finally:
        await _tell_writers(world, afterwards)


async def _tell_writers(world: World, pragma: str) -> None:
    """Execute it on the one connection with which each worker writes."""
    for worker in world.workers:
        async with worker.app.store._writer.connect() as connection:
            raw = await connection.get_raw_connection()
            assert raw.driver_connection is not None
            await raw.driver_connection.execute(pragma)


SCENARIOS = (
    Scenario(
        name="disk-full",
        zh="磁盘写满：存不下意图就不发；腾出空间后自行继续，期间被杀也不重不漏",
        en="the disk is full: what cannot be saved is not sent; it goes on by itself, or after being killed meanwhile",
        play=disk_full,
        must=f"{ALWAYS}, max_issued_per_order=1, unresolved=0, sent_before_committed=0, resumed=1",
        sometimes=("refused_commits",),
        faults=("F17", "F18"),
        rows=60,
        only="sqlite",
    ),
    Scenario(
        name="store-locked",
        zh="别的进程占住写锁半分钟，随后介质只读半分钟：不发任何新请求，之后自行继续",
        en="another process holds the write lock, then the medium is read-only: nothing new is sent meanwhile",
        play=store_locked,
        must=f"{ALWAYS}, max_issued_per_order=1, unresolved=0, sent_while_refused=0",
        sometimes=("refused",),
        faults=("F22", "F33"),
        rows=60,
        only="sqlite",
    ),
)
