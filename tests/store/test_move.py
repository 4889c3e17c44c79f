"""A store goes on in another database, and at no instant can two of them be armed."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from daemon_parts import VirtualClock
from move_parts import Yard, everything, tables, what
from sqlalchemy import Text, func, insert, select, text
from store_parts import AT, keep, row

from syncd import faultpoint
from syncd.domain.clock import SystemClock
from syncd.store import migrate
from syncd.store.guard import Guard, arm, disarm, open_instance
from syncd.store.instance import Disarmed, InAMove
from syncd.store.move import AtWork, Differs, Elsewhere, NeverStarted, NotCertain, NotEmpty, looked_at
from syncd.store.schema import invoice_order, journal, lane, worker
from syncd.store.units import LEASE

BOTH = ("sqlite", "postgresql")
#: Every instant between two commits of a move, in order.
BETWEEN = (
    *("move.copied.before", "move.copied.after", "move.handed_over.before", "move.handed_over.after"),
    *("move.taken_over.before", "move.taken_over.after"),
)


class Struck(BaseException):
    """This process has come to its end."""


@pytest.fixture
def yard(tmp_path: Path, clock: VirtualClock) -> Yard:
    return Yard(tmp_path, clock)


@pytest.fixture
def source(migrated: Path, tmp_path: Path) -> str:
    shutil.copy(migrated, tmp_path / "source.db")
    return f"sqlite:///{tmp_path}/source.db"


@pytest.fixture(params=BOTH)
def target(request: pytest.FixtureRequest, migrated: Path, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres"))
    shutil.copy(migrated, tmp_path / "target.db")
    return f"sqlite:///{tmp_path}/target.db"


@pytest.fixture
def back(migrated: Path, tmp_path: Path) -> str:
    shutil.copy(migrated, tmp_path / "back.db")
    return f"sqlite:///{tmp_path}/back.db"


@pytest.fixture
async def filled(yard: Yard, source: str) -> str:
    await yard.filled(source)
    return source


# -- what arrives ------------------------------------------------------------------------------------------------------


async def test_there_and_back_again_a_store_equals_itself(yard: Yard, filled: str, target: str, back: str) -> None:
    """Orders in every state and phase, intents, debts, holds, reds, cards, applications, leases of the dead."""
    found = await yard.move(filled, target)
    async with yard.at(filled) as old, yard.at(target) as new:
        before, there = await everything(old.store), await everything(new.store)
        await open_instance(new.store, new.guard, exclusive=True, all_refuse_doubles=True)
        await arm(new.store, new.guard, "somebody")
    await yard.move(target, back)
    async with yard.at(back) as again:
        home = await everything(again.store)

    assert set(before) == set(tables())
    assert all(before.values())
    assert there == before
    assert {name: rows for name, rows in home.items() if name != "journal"} == {
        name: rows for name, rows in before.items() if name != "journal"
    }
    assert set(before["journal"]) < set(home["journal"])
    assert [(one.table, one.rows) for one in found] == [(name, len(before[name])) for name in tables()]


async def test_what_dead_workers_left_leased_is_free_in_the_new_store(yard: Yard, filled: str, target: str) -> None:
    """By another clock, a lease of this host's boot might never end."""
    await yard.move(filled, target)

    async with yard.at(target) as new, new.store.read() as tx:
        assert all(not unit.running for unit in await tx.units.all())


async def test_a_process_that_lived_by_the_old_stores_clock_does_not_live_in_the_new_one(
    yard: Yard, filled: str, target: str
) -> None:
    """It would vouch there for a store that it has never seen."""
    async with yard.at(filled) as old, old.store.begin() as tx:
        lives = {column.name: "x" if isinstance(column.type, Text) else 2**50 for column in worker.c}
        await tx.connection.execute(insert(worker).values(**lives))

    await yard.move(filled, target)

    async with yard.at(target) as new, new.store.read() as tx:
        assert (await tx.connection.execute(select(worker))).first() is None


async def test_keys_are_counted_on_behind_the_last_one_moved(yard: Yard, filled: str, target: str) -> None:
    await yard.move(filled, target)

    async with yard.at(target) as new, new.store.begin() as tx:
        last = await tx.connection.scalar(select(func.max(journal.c.id)))
        await tx.connection.execute(insert(journal).values(at=1, event="after"))
        assert await tx.connection.scalar(select(func.max(journal.c.id))) == last + 1
        orders = await tx.connection.scalar(select(func.max(invoice_order.c.id)))
        await keep(tx, row("NEW"))
        assert await tx.connection.scalar(select(func.max(invoice_order.c.id))) == orders + 1


async def test_a_server_knows_the_tables_that_were_moved_to_it(yard: Yard, filled: str, postgres: str) -> None:
    """Else it would read a large one as a whole for every order, until it comes to count its rows by itself."""
    await yard.move(filled, postgres)

    async with yard.at(postgres) as new, new.store.read() as tx:
        unknown = "SELECT relname FROM pg_class WHERE relname = ANY(:moved) AND reltuples < 0"
        assert (await tx.connection.execute(text(unknown), {"moved": tables()})).all() == []


async def test_the_new_store_refuses_what_the_old_one_refused(yard: Yard, filled: str, target: str) -> None:
    """History stays append-only, whoever hosts it."""
    await yard.move(filled, target)

    async with yard.at(target) as new:
        for statement in (
            "UPDATE journal SET event = 'x'",
            "DELETE FROM submission",
            "UPDATE request SET colour='blue'",
        ):
            with pytest.raises(Exception, match=r"append-only|never"):
                async with new.store.begin() as tx:
                    await tx.connection.execute(text(statement))


async def test_a_text_that_postgresql_cannot_hold_loses_its_nul_alone(yard: Yard, filled: str, postgres: str) -> None:
    """The row's bytes beside it are kept as they came."""
    with closing(sqlite3.connect(filled.removeprefix("sqlite:///"))) as db:
        db.execute("INSERT INTO lane VALUES ('m' || char(0), 'p', 'open', '', '', NULL, 1, 0, 0, '')")
        db.commit()

    await yard.move(filled, postgres)

    async with yard.at(postgres) as new, new.store.read() as tx:
        found = await tx.connection.execute(select(lane.c.merchant).where(lane.c.platform == "p"))
        assert found.scalar() == "m\ufffd"


# -- at most one can be armed ------------------------------------------------------------------------------------------


async def test_after_a_move_the_new_one_alone_can_be_armed_and_without_asking_about_everything(
    yard: Yard, filled: str, target: str
) -> None:
    await yard.move(filled, target)

    async with yard.at(filled) as old:
        with pytest.raises(InAMove):
            await open_instance(old.store, old.guard, exclusive=True, all_refuse_doubles=True)
        with pytest.raises(InAMove):
            await arm(old.store, old.guard, "somebody")
        await disarm(old.store, "by hand", "somebody")  # which does not make it an ordinary disarmed store
        with pytest.raises(InAMove):
            await arm(old.store, old.guard, "somebody")
        with pytest.raises(Disarmed):
            async with old.store.begin(outward=True):
                pass
    async with yard.at(target) as new:
        here = await open_instance(new.store, new.guard, exclusive=True, all_refuse_doubles=True)
        assert (here.armed, here.why) == (False, "moved_here")
        with pytest.raises(Disarmed):
            async with new.store.begin(outward=True):
                pass
        async with new.store.read() as tx:
            assert (await tx.instance.rebuilding({"demo_sid": "m001"})).complete
        assert (await arm(new.store, new.guard, "somebody")).armed
        async with new.store.begin(outward=True):
            pass


async def test_a_move_that_dies_in_any_table_has_done_nothing(yard: Yard, filled: str, target: str) -> None:
    everywhere = tables() if target.startswith("sqlite") else ["invoice_order", "journal", "request"]
    for table in everywhere:
        with pytest.raises(Struck):
            await yard.move(filled, target, _dies_in(table))

        async with yard.at(filled) as old, yard.at(target) as new:
            assert (await what(old.store)).armed  # type: ignore[union-attr]
            assert await what(new.store) is None
            assert not any((await everything(new.store)).values())

    await yard.move(filled, target)
    assert await yard.armable(filled, target) == [target]


def _dies_in(table: str) -> Callable[[str, str, int, int], None]:
    def dies(step: str, name: str, _done: int, _of: int) -> None:
        if step == "copy" and name == table:
            raise Struck

    return dies


@pytest.mark.parametrize("point", BETWEEN)
async def test_a_move_that_dies_between_two_commits_is_taken_up_again(
    yard: Yard, filled: str, postgres: str, point: str
) -> None:
    """Nothing or one can be armed after the death; exactly the new one after the second attempt."""

    def dies(reached: str) -> None:
        if reached == point:
            raise Struck

    with faultpoint.armed(dies), pytest.raises(Struck):
        await yard.move(filled, postgres)
    left = await yard.armable(filled, postgres)
    if point.startswith(("move.copied", "move.handed_over.before")):
        assert left == [filled]
    else:
        assert left in ([], [postgres])

    await yard.move(filled, postgres)

    assert await yard.armable(filled, postgres) == [postgres]
    async with yard.at(filled) as old, yard.at(postgres) as new:
        assert await everything(old.store) == await everything(new.store)


def test_a_process_killed_at_any_of_these_instants_leaves_at_most_one(yard: Yard, source: str, back: str) -> None:
    """The same from SQLite to SQLite, and by kill -9: what was not durable is really gone."""
    patient = Yard(yard.folder, SystemClock())
    asyncio.run(patient.filled(source))
    for number, point in enumerate(BETWEEN):
        pair = [f"sqlite:///{yard.folder}/{name}{number}.db" for name in ("from", "to")]
        for url, model in zip(pair, (source, back), strict=True):
            _copy(model, url)
        _retold(patient, pair[0])

        assert _killed_at(point, patient, *pair) == -signal.SIGKILL
        assert len(asyncio.run(patient.armable(*pair))) <= 1
        asyncio.run(patient.move(*pair))
        assert asyncio.run(patient.armable(*pair)) == [pair[1]]


def _copy(model: str, url: str) -> None:
    with (
        closing(sqlite3.connect(model.removeprefix("sqlite:///"))) as source,
        closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as copy,
    ):
        source.backup(copy)


def _retold(yard: Yard, url: str) -> None:
    """Make the witness mean this copy: each of them is moved as the one of its line."""

    async def take() -> None:
        async with yard.at(url) as end:
            here = await what(end.store)
            assert here is not None
            await end.guard.take(here, AT)

    asyncio.run(take())


def _killed_at(point: str, yard: Yard, source: str, target: str) -> int:
    """How a process ended that moves the store and is killed at `point`."""
    child = os.fork()
    if child == 0:
        with faultpoint.armed(lambda reached: os.kill(os.getpid(), signal.SIGKILL) if reached == point else None):
            asyncio.run(yard.move(source, target))
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


async def test_what_was_written_otherwise_than_read_is_never_armed(yard: Yard, filled: str, target: str) -> None:
    """The old store is as it was, and a second attempt makes the copy anew."""
    async with yard.at(filled) as old:
        before = await everything(old.store), await what(old.store)

    with faultpoint.armed(_tampering(target)), pytest.raises(Differs) as wrong:
        await yard.move(filled, target)

    assert wrong.value.tables == ("lane",)
    async with yard.at(filled) as old, yard.at(target) as new:
        assert (await everything(old.store), await what(old.store)) == before
        with pytest.raises(InAMove):
            await open_instance(new.store, new.guard, exclusive=True, all_refuse_doubles=True)
    await yard.move(filled, target)
    assert await yard.armable(filled, target) == [target]


def _tampering(target: str) -> faultpoint.Strike:
    """Changes one text by one letter between the writing and the reading back."""
    change = "UPDATE lane SET reason = reason || 'x' WHERE platform = 'open'"

    def tamper(reached: str) -> None:
        if reached != "move.copied.after":
            return
        if target.startswith("sqlite"):
            with closing(sqlite3.connect(target.removeprefix("sqlite:///"))) as db:
                db.execute(change)
                db.commit()
        else:
            import psycopg

            with psycopg.connect(target) as server:
                server.execute(change)

    return tamper


# -- copies of either --------------------------------------------------------------------------------------------------


async def test_a_backup_from_before_the_move_cannot_be_armed_beside_the_new_store(
    yard: Yard, filled: str, target: str
) -> None:
    """Nor when nothing had gone out between the backup and the move, so that their epochs agree."""
    file = Path(filled.removeprefix("sqlite:///"))
    _copy(filled, f"sqlite:///{yard.folder}/backup.db")
    await yard.move(filled, target)
    for left in (file, file.with_name(file.name + "-wal"), file.with_name(file.name + "-shm")):
        left.unlink(missing_ok=True)
    shutil.copy(yard.folder / "backup.db", file)

    async with yard.at(filled) as old:
        with pytest.raises(InAMove, match="moved_away"):
            await open_instance(old.store, old.guard, exclusive=True, all_refuse_doubles=True)
        with pytest.raises(InAMove):
            await arm(old.store, old.guard, "somebody")


async def test_on_another_host_or_as_a_copy_the_new_store_doubts_first(yard: Yard, filled: str, back: str) -> None:
    """What was copied once more may be armed twice: then each asks about everything that may have been sent."""
    await yard.move(filled, back)
    _copy(back, f"sqlite:///{yard.folder}/copy.db")
    elsewhere = yard.folder / "elsewhere"
    elsewhere.mkdir()

    async with yard.at(f"sqlite:///{yard.folder}/copy.db") as copy:
        assert (await open_instance(copy.store, copy.guard, exclusive=True, all_refuse_doubles=True)).why == "moved"
        async with copy.store.read() as tx:
            assert not (await tx.instance.rebuilding({"demo_sid": "m001"})).complete
    async with yard.at(back) as new:
        guard = Guard(type(yard.witnesses)(elsewhere), new.guard.path)
        assert (await open_instance(new.store, guard, exclusive=True, all_refuse_doubles=True)).why == "witness_missing"


# -- what is refused ---------------------------------------------------------------------------------------------------


async def refusal(yard: Yard, source: str, target: str | None) -> Exception | None:
    async with yard.at(source) as old:
        try:
            if target is None:
                await looked_at(old, None)
            else:
                async with yard.at(target) as new:
                    await looked_at(old, new.store)
        except (NeverStarted, NotCertain, NotEmpty, AtWork, Elsewhere) as refused:
            return refused
    return None


async def test_a_store_is_moved_only_when_nobody_works_on_it(yard: Yard, filled: str, target: str) -> None:
    assert await refusal(yard, filled, target) is None
    async with yard.at(filled) as old:
        async with old.store.begin() as tx:
            await tx.units.ensure("push", "m001")
            claim = await tx.units.claim("push", "m001", LEASE)

        refused = await refusal(yard, filled, target)

        assert isinstance(refused, AtWork)
        assert refused.owners == (old.store.host.owner,)
        assert claim is not None
        async with old.store.begin() as tx:
            await tx.units.finish(claim, next_at=AT)
        assert await refusal(yard, filled, target) is None


async def test_a_store_that_may_not_be_the_newest_learns_that_first(yard: Yard, filled: str, target: str) -> None:
    with closing(sqlite3.connect(filled.removeprefix("sqlite:///"))) as db:
        db.execute("UPDATE instance SET epoch = epoch - 1")
        db.commit()

    assert isinstance(await refusal(yard, filled, target), NotCertain)
    async with yard.at(filled) as old:
        await open_instance(old.store, old.guard, exclusive=True, all_refuse_doubles=True)
    await yard.move(filled, target)  # disarmed and full of doubts, it goes on so elsewhere

    async with yard.at(target) as new, new.store.read() as tx:
        assert not (await tx.instance.rebuilding({"demo_sid": "m001"})).complete


async def test_an_empty_target_is_wanted_and_another_move_is_none(yard: Yard, filled: str, target: str) -> None:
    async with yard.at(target) as new, new.store.begin() as tx:
        await keep(tx, row("SOMEBODY"))

    refused = await refusal(yard, filled, target)

    assert isinstance(refused, NotEmpty)
    assert refused.counts == {"invoice_order": 1, "order_row": 1}


async def test_a_store_is_moved_once(yard: Yard, filled: str, target: str, back: str) -> None:
    await yard.move(filled, target)

    assert isinstance(await refusal(yard, filled, back), Elsewhere)
    assert isinstance(await refusal(yard, filled, None), Elsewhere)
    assert await refusal(yard, filled, target) is None
    assert await yard.move(filled, target) == []


async def test_nothing_was_ever_done_here_and_nothing_is_to_be_moved(yard: Yard, source: str, target: str) -> None:
    assert isinstance(await refusal(yard, source, target), NeverStarted)
    assert await migrate.upgrade(source) == migrate.revision(target)
