"""Days on which the store is lost, damaged or put back."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

from syncd.scenarios import housing
from syncd.scenarios.nursery import at_most, until
from syncd.scenarios.processes import CORRUPT
from syncd.scenarios.scenario import ALWAYS, Scenario
from syncd.scenarios.world import World
from syncd.scenarios.yard import FRESH, Yard, yard_of
from syncd.store import migrate
from syncd.store.postgres import is_postgresql
from syncd.store.soundness import contradictions
from syncd.store.store import Store

#: A lease lasts a second and a half: on a busy host a turn must still come to its calls before half of it is spent.
SPEED = 40.0
#: How long everything may take to be worked off, in seconds of the host.
PATIENCE = 120.0
#: Deaths after which more is known outside than the store may remember.
MIDWAY = (
    *("push.intended.after", "nuonuo.submit.after", "push.recorded.after", "nuonuo.ask.after"),
    *("collect.settled.after", "write_back.said.after", "wdt.update.after"),
)


# -- deleted -----------------------------------------------------------------------------------------------------------


async def store_deleted(world: World) -> None:
    """Three times the daemon dies in the middle of its work and its database is deleted."""
    dice, times = random.Random(f"{world.seed}/deletions"), 3
    async with yard_of(world, speed=SPEED) as here:
        for number in range(times):
            here.sandbox.populate(_share(world.rows, number, times), FRESH)
            await dies_midway(here, dice)
            world.seen["lost_with_an_intent"] += here.books.count("submission") > 0
            here.lose_the_store()
        world.figures["deleted"] = times
        await here.works_everything_off(PATIENCE)
        world.seen["adopted"] = here.books.duplicates_refused()
        world.figures["told_two_things"] = len(here.books.told_two_things())


async def dies_midway(here: Yard, dice: random.Random) -> None:
    point = dice.choice(MIDWAY)
    doomed = here.start(point, nth=dice.choice((1, 2)), mode="serve")
    await at_most(10, lambda: doomed.over)
    await doomed.dies()


# -- put back ----------------------------------------------------------------------------------------------------------


async def restore_old_backup(world: World) -> None:
    """A backup taken while busy is put back after more has happened; then a copy of the store is started elsewhere."""
    async with yard_of(world, speed=SPEED) as here:
        backup = await _backed_up_while_busy(world, here)
        here.sandbox.populate(world.rows // 3, FRESH)
        await dies_midway(here, random.Random(f"{world.seed}/restore"))
        here.books.close()
        housing.put_back(backup, here.books.url)

        world.figures["sent_disarmed"] = await _comes_back(world, here)
        here.sandbox.populate(world.rows - 2 * (world.rows // 3), FRESH)
        world.figures["sent_by_the_copy"] = await _copy_elsewhere(world, here)
        await here.works_everything_off(PATIENCE)
        world.figures["told_two_things"] = len(here.books.told_two_things())


async def _backed_up_while_busy(world: World, here: Yard) -> str:
    """A consistent copy of the store with work in the middle of it; a database is copied when its daemon just died."""
    here.sandbox.populate(world.rows // 3, FRESH)
    worker = here.start(mode="serve")
    await until(lambda: here.books.count("submission") > 0, "the first intents")
    world.seen["backed_up_while_busy"] += here.books.open_orders() > 0
    if is_postgresql(here.books.url):
        await worker.dies()
        here.books.close()
    backup = await asyncio.to_thread(housing.copied, here.books.url, here.home / "backup", "backup")
    if is_postgresql(here.books.url):
        worker = here.start(mode="serve")
    world.figures["backup_unsound"] = _unsound(backup)
    await until(lambda: here.books.open_orders() == 0, "that work to be done", within=60)
    await worker.dies()
    return backup


def _unsound(url: str) -> int:
    """What is wrong with a store: with its file, and with its rows beside each other."""
    return (0 if is_postgresql(url) else len(migrate.check(url))) + len(contradictions(url))


async def _comes_back(world: World, here: Yard) -> int:
    """Start on a store that has forgotten something, and arm it when it knows again; what it sent before that."""
    sent = sent_so_far(here)
    world.seen["forgotten"] += len(here.books.invoiced_keys() - here.books.committed_keys())
    worker = here.start(mode="serve")
    await worker.begins()
    disarmed = here.books.count("instance WHERE armed = 0") > 0
    world.seen["disarmed"] += disarmed
    if not disarmed:
        await worker.dies()
        return 0
    await at_most(1.0, lambda: sent_so_far(here) > sent)
    sent_disarmed = sent_so_far(here) - sent
    await ask_to_arm(here)
    await until(lambda: here.books.count("instance WHERE armed = 1"), "the store to be armed", within=60)
    worker.kill(signal.SIGTERM)
    await worker.ends_well()
    return sent_disarmed


async def _copy_elsewhere(world: World, here: Yard) -> int:
    """Start a daemon on a copy of the store in another folder; what it sent."""
    here.books.close()
    url = housing.copied(here.books.url, here.home / "elsewhere", "elsewhere")
    sent = sent_so_far(here)
    tree = {**here.tree, "store": {**here.tree["store"], "url": url}}
    copy = here.start(mode="serve", settings=tree)
    await copy.begins()
    # It has had its chance once it has sent something, or a while after it said that it will not.
    await at_most(10, lambda: sent_so_far(here) > sent or bool(copy.events("instance.disarmed")))
    await at_most(1.0, lambda: sent_so_far(here) > sent)
    await copy.dies()
    world.seen["copy_disarmed"] += len(copy.events("instance.disarmed"))
    return sent_so_far(here) - sent


async def ask_to_arm(here: Yard) -> None:
    async with Store.at(here.books.url, here.clock) as store, store.begin() as tx:
        await tx.instance.ask_to_arm("somebody")


def sent_so_far(here: Yard) -> int:
    """How many requests to issue and to write back have arrived."""
    calls = here.sandbox.nuonuo.calls.by_method, here.sandbox.wdt.calls.by_method
    return sum(count for one in calls for method, count in one.items() if method.endswith(("BillingNew", "Invoice")))


# -- the write-ahead log is lost ---------------------------------------------------------------------------------------


async def wal_lost(world: World) -> None:
    """Killed in the middle of its work, and the write-ahead log is cut in half or gone before the next start."""
    dice, times = random.Random(f"{world.seed}/wal"), 2
    world.figures["sent_disarmed"] = 0
    async with yard_of(world, speed=SPEED) as here:
        here.sandbox.populate(world.rows // 3, FRESH)
        await here.works_everything_off(PATIENCE)  # its end leaves everything in the main file
        for number in range(times):
            here.sandbox.populate(_share(world.rows - world.rows // 3, number, times), FRESH)
            await dies_midway(here, dice)
            _cut(here.books.store.with_name("syncd.db-wal"), whole=number == 0)
            world.seen["wal_lost"] += 1
            world.figures["sent_disarmed"] += await _comes_back(world, here)
        await here.works_everything_off(PATIENCE)
        world.figures["told_two_things"] = len(here.books.told_two_things())


def _cut(log: Path, *, whole: bool) -> None:
    log.with_name("syncd.db-shm").unlink(missing_ok=True)
    if whole:
        log.unlink()
    else:
        os.truncate(log, log.stat().st_size // 2)


# -- damaged -----------------------------------------------------------------------------------------------------------

#: What is struck: a table, and an index of it.
DAMAGED = ("invoice_order", "sqlite_autoindex_invoice_order_1")


async def corrupt_store(world: World) -> None:
    """A byte is flipped in a table's page, then in an index's: nothing is sent until the file is put right."""
    world.figures |= {"refused_starts": 0, "calls_while_corrupt": 0}
    async with yard_of(world, speed=SPEED) as here:
        store = here.books.store
        here.sandbox.populate(world.rows // 2, FRESH)
        await here.works_everything_off(PATIENCE)
        sound = store.read_bytes()
        here.sandbox.populate(world.rows - world.rows // 2, FRESH)
        for name in DAMAGED:
            _flip(store, name)
            world.seen["damaged"] += bool(migrate.check(here.books.url))
            called = _called(here)
            doomed = here.start(mode="serve")
            await until(lambda one=doomed: one.over or one.at_work, "a start to be refused")  # type: ignore[misc]
            world.figures["refused_starts"] += doomed.over and await doomed.end() == CORRUPT
            doomed.kill()
            await doomed.end()
            world.figures["calls_while_corrupt"] += _called(here) - called
            here.lose_the_store()
            store.write_bytes(sound)
        await here.works_everything_off(PATIENCE)


def _flip(store: Path, name: str) -> None:
    """Flip the bits of one byte that the b-tree of `name` stands on."""
    with closing(sqlite3.connect(store)) as db:
        (page,) = db.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", [name]).fetchone()
        (size,) = db.execute("PRAGMA page_size").fetchone()
    with store.open("r+b") as file:
        file.seek((page - 1) * size + 4)  # the high byte of the number of cells on the page
        (byte,) = file.read(1)
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 0xFF]))


def _called(here: Yard) -> int:
    return here.sandbox.nuonuo.calls.by_method.total() + here.sandbox.wdt.calls.by_method.total()


def _share(rows: int, number: int, of: int) -> int:
    return rows // of + (number < rows % of)


SCENARIOS = (
    Scenario(
        name="store-deleted",
        zh="三次在半途被杀并删掉数据库：按算出来的键找回已开的发票，不重开",
        en="killed midway and the database deleted, three times: invoices are found again by their computed keys",
        play=store_deleted,
        must=f"{ALWAYS}, max_issued_per_order=1, unresolved=0, deleted=3, told_two_things=0",
        sometimes=("lost_with_an_intent", "adopted"),
        faults=("F27",),
        rows=45,
    ),
    Scenario(
        name="restore-old-backup",
        zh="忙时备份，之后恢复旧备份，又把库复制到别处：都不对外发送；确认并重建后继续，不重不漏",
        en="an old backup is put back and a copy started elsewhere: neither sends; armed after rebuilding, all is well",
        play=restore_old_backup,
        must=f"{ALWAYS}, max_issued_per_order=1, unresolved=0, sent_disarmed=0, sent_by_the_copy=0, backup_unsound=0, "
        "told_two_things=0",
        sometimes=("backed_up_while_busy", "forgotten", "disarmed", "copy_disarmed"),
        faults=("F26", "F35", "F111"),
        rows=45,
    ),
    Scenario(
        name="wal-lost",
        zh="停机期间预写日志被截断或删除：等同恢复旧库，先查后发",
        en="the write-ahead log is cut or gone before the next start: treated as a restored store",
        play=wal_lost,
        must=f"{ALWAYS}, max_issued_per_order=1, unresolved=0, sent_disarmed=0, told_two_things=0",
        sometimes=("wal_lost", "forgotten", "disarmed"),
        faults=("F25",),
        rows=45,
        only="sqlite",
    ),
    Scenario(
        name="corrupt-store",
        zh="库文件的表页、索引页被改坏一个字节：拒绝启动，一个请求也不发",
        en="a byte flipped in a table's or an index's page: the start is refused and nothing is called",
        play=corrupt_store,
        must=f"{ALWAYS}, max_issued_per_order=1, unresolved=0, refused_starts=2, calls_while_corrupt=0",
        sometimes=("damaged",),
        faults=("F23", "F24"),
        rows=20,
        only="sqlite",
    ),
)
