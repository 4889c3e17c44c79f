"""The witness, the lock, and what a start refuses to work on."""

from __future__ import annotations

import asyncio
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from daemon_parts import VirtualClock
from store_parts import ON_A_FILE, keep, put, row, submitted, the, url_of, wanted

from syncd.domain.lifecycle import Event, Phase, State
from syncd.domain.ports import Issuer
from syncd.stages.settling import elsewhere, settle
from syncd.stages.turn import Merchant
from syncd.store import migrate
from syncd.store.guard import Guard, open_instance
from syncd.store.instance import Disarmed
from syncd.store.lock import HeldElsewhere, NetworkStore, StoreLock, refuse_network
from syncd.store.place import known_place
from syncd.store.soundness import Corrupt, contradictions, require_whole
from syncd.store.store import Store, StoreUnavailable
from syncd.store.witness import (
    Finding,
    Overtaken,
    Witness,
    WitnessFolder,
    WitnessUnusable,
    compare,
    find_witness,
    witness_folder,
)

SEEN = Witness("one", 7, "/data/syncd.db", "term", "")


# -- comparing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("epoch", "path", "witness", "finding"),
    [
        (0, "/data/syncd.db", None, Finding.FINE),
        (1, "/data/syncd.db", None, Finding.WITNESS_MISSING),
        (7, "/data/syncd.db", SEEN, Finding.FINE),
        (8, "/data/syncd.db", SEEN, Finding.FINE),
        (6, "/data/syncd.db", SEEN, Finding.RESTORED),
        (6, "/other/syncd.db", SEEN, Finding.RESTORED),
        (7, "/other/syncd.db", SEEN, Finding.MOVED),
        (7, "/data/syncd.db", replace(SEEN, instance="two"), Finding.WITNESS_MISSING),
    ],
)
def test_a_store_is_believed_only_where_its_witness_agrees(
    epoch: int, path: str, witness: Witness | None, finding: Finding
) -> None:
    assert compare("one", epoch, path, witness) is finding


def test_a_witness_is_replaced_by_its_own_line_alone(tmp_path: Path) -> None:
    folder = WitnessFolder(tmp_path)
    folder.advance(SEEN)
    folder.advance(replace(SEEN, epoch=9))
    folder.advance(replace(SEEN, epoch=8))  # a slower worker on the same store

    assert folder.read("one") == replace(SEEN, epoch=9)
    for other in (replace(SEEN, epoch=10, term="another"), replace(SEEN, epoch=10, store="/other/syncd.db")):
        with pytest.raises(Overtaken):
            folder.advance(other)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"instance": "one"}', '{"epoch": "x"}'])
def test_a_witness_that_cannot_be_read_is_none(content: str, tmp_path: Path) -> None:
    (tmp_path / "one.witness").write_text(content, encoding="utf-8")

    assert WitnessFolder(tmp_path).read("one") is None


def test_the_witness_lives_where_the_settings_say_else_with_the_user_else_beside_the_store(tmp_path: Path) -> None:
    store, state = tmp_path / "data" / "s.db", {"XDG_STATE_HOME": str(tmp_path / "state")}

    assert witness_folder(str(tmp_path / "w"), store, state).folder == tmp_path / "w"
    assert witness_folder("", store, state).folder == tmp_path / "state" / "syncd"
    assert witness_folder("", store, {"HOME": str(tmp_path)}).folder == tmp_path / ".local" / "state" / "syncd"
    beside = witness_folder("", store, {"HOME": "/proc/nowhere"})
    assert (beside.folder, beside.beside) == (tmp_path / "data" / "s.db.witness", True)
    with pytest.raises(WitnessUnusable):
        witness_folder("/proc/nowhere", store, state)


def test_looking_for_a_witness_makes_nothing(tmp_path: Path) -> None:
    WitnessFolder(tmp_path).advance(SEEN)
    env = {"XDG_STATE_HOME": str(tmp_path / "state")}

    assert find_witness("one", str(tmp_path), tmp_path / "s.db", env) == SEEN
    assert find_witness("one", "", tmp_path / "s.db", env) is None
    assert not (tmp_path / "state").exists()


# -- going out ---------------------------------------------------------------------------------------------------------


@pytest.fixture
async def opened(store: Store, tmp_path: Path) -> Store:
    guard = Guard(WitnessFolder(tmp_path), known_place(url_of(store)))
    await open_instance(store, guard, exclusive=True, all_refuse_doubles=True)
    return store


async def seen(store: Store) -> int:
    async with store.read() as tx:
        here = await tx.instance.get()
    assert here is not None
    assert store.guard is not None
    witness = store.guard.seen(here)
    return -1 if witness is None else witness.epoch


async def test_each_transaction_that_precedes_an_outside_write_is_witnessed_before_it_returns(opened: Store) -> None:
    async with opened.begin(outward=True):
        assert await seen(opened) == 0
    assert await seen(opened) == 1
    async with opened.begin(outward=True) as tx:
        tx.outward = False
    async with opened.begin():
        pass

    assert await seen(opened) == 1


async def test_two_that_go_out_at_once_leave_the_later_epoch(opened: Store) -> None:
    async def go() -> None:
        async with opened.begin(outward=True):
            await asyncio.sleep(0)

    await asyncio.gather(*(go() for _ in range(20)))

    assert await seen(opened) == 20


async def test_a_disarmed_store_goes_nowhere_and_writes_nothing(opened: Store) -> None:
    async with opened.begin() as tx:
        await tx.instance.disarm("operator", "a drill")

    with pytest.raises(Disarmed, match="operator"):
        async with opened.begin(outward=True) as tx:
            await keep(tx, row("FP1"))

    async with opened.read() as tx:
        assert await tx.orders.by_no("FP1") == []


async def test_a_witness_somebody_is_writing_for_ever_stops_the_call_and_not_the_loop(
    opened: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncd.store.guard._TIMES", 2)
    with (tmp_path / "lock").open("ab") as lock:
        import fcntl

        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(StoreUnavailable, match="witness"):
            async with opened.begin(outward=True):
                pass

    async with opened.begin(outward=True):
        pass
    assert await seen(opened) == 2


async def test_disarming_doubts_whatever_may_have_been_sent_and_nothing_else(opened: Store) -> None:
    for number, state in enumerate(State):
        await put(opened, f"FP{number}", state)
    async with opened.begin() as tx:
        await tx.instance.disarm("operator")

    async with opened.read() as tx:
        doubted = {order.state for order in await tx.board.orders() if order.doubted_at is not None}
    assert doubted == {State.PENDING, State.INTENT, State.FAILED, State.HOLD}


async def test_a_doubted_order_is_asked_about_and_not_sent(opened: Store) -> None:
    stored = await submitted(opened)
    async with opened.begin() as tx:
        order = await the(tx, "FP1")
        await tx.orders.wait(order, phase=Phase.READY)
        await keep(tx, row("FP2"))
        await tx.instance.disarm("operator")

    async with opened.begin() as tx:
        assert await tx.orders.to_push(order.merchant, tx.now, 10) == []
        assert {asked.no for asked in await tx.orders.to_ask(order.merchant, 10)} == {"FP1", "FP2"}
        assert (await the(tx, "FP1")).phase is Phase.UNKNOWN
    assert stored.generation == 0


async def test_what_nobody_answered_before_a_doubt_is_no_answer_to_it(opened: Store) -> None:
    """Else the store would be armed before anybody had been asked."""
    await submitted(opened)
    async with opened.begin() as tx:
        order = await the(tx, "FP1")
        await tx.orders.wait(order, unheard=4)
        await tx.instance.disarm("operator")

    async with opened.read() as tx:
        rebuilding = await tx.instance.rebuilding({order.sid: order.merchant})
    assert rebuilding.unasked == {order.merchant: 1}


async def test_who_is_set_aside_without_being_asked_about_stays_in_doubt(opened: Store) -> None:
    """The settings name another account: nobody there could tell, and once they are right it is asked, not sent."""
    stored = await submitted(opened)
    another = cast("Issuer", SimpleNamespace(profile=SimpleNamespace(kind="another"), tax_no=stored.seller_tax_no))
    away = elsewhere(stored, another)
    assert away is not None
    async with opened.begin() as tx:
        await tx.instance.disarm("operator")
        order = await the(tx, "FP1")
        await settle(tx, cast("Merchant", SimpleNamespace(name=order.merchant)), order, stored, away)

    async with opened.read() as tx:
        held = await the(tx, "FP1")
    assert (held.state, held.doubted_at is None) == (State.HOLD, False)


async def test_rows_without_an_instance_are_treated_as_restored(store: Store, tmp_path: Path) -> None:
    await submitted(store)

    here = await open_instance(
        store, Guard(WitnessFolder(tmp_path), known_place(url_of(store))), exclusive=True, all_refuse_doubles=True
    )

    assert (here.armed, here.why) == (False, Finding.WITNESS_MISSING)


async def test_workers_that_share_a_store_do_not_overtake_each_other(
    opened: Store, tmp_path: Path, clock: VirtualClock
) -> None:
    async with Store.at(url_of(opened), clock) as other:
        await open_instance(
            other, Guard(WitnessFolder(tmp_path), known_place(url_of(other))), exclusive=False, all_refuse_doubles=True
        )
        for one in (opened, other, opened, other):
            async with one.begin(outward=True):
                pass

    assert await seen(opened) == 4


# -- what a start refuses ----------------------------------------------------------------------------------------------


def mounts(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "mountinfo"
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def test_a_store_on_a_network_file_system_is_refused(tmp_path: Path) -> None:
    """F112."""
    at = tmp_path.resolve()
    root = "1 0 8:1 / / rw - ext4 /dev/sda rw"
    shared = f"2 1 0:40 / {at} rw shared:1 - nfs4 host:/x rw"
    local_inside = f"3 2 8:2 / {at}/local rw - ext4 /dev/sdb rw"
    (at / "local").mkdir()

    refuse_network(at / "syncd.db", mounts(tmp_path, root))
    refuse_network(at / "local" / "syncd.db", mounts(tmp_path, root, shared, local_inside))
    with pytest.raises(NetworkStore, match="nfs4"):
        refuse_network(at / "syncd.db", mounts(tmp_path, root, shared, local_inside))


def test_a_folder_whose_name_only_begins_like_a_mount_is_not_on_it(tmp_path: Path) -> None:
    at = tmp_path.resolve()
    (at / "share-local").mkdir()

    refuse_network(
        at / "share-local" / "s.db",
        mounts(tmp_path, "1 0 8:1 / / rw - ext4 a rw", f"2 1 0:4 / {at}/share rw - nfs h rw"),
    )


async def test_a_start_waits_for_the_one_before_it_to_end(tmp_path: Path) -> None:
    """F113."""
    store = tmp_path / "syncd.db"
    first = StoreLock(store)
    first.__enter__()
    second = asyncio.create_task(StoreLock(store).waiting(10))
    await asyncio.sleep(0)
    assert not second.done()

    first.__exit__(None, None, None)

    with await second, pytest.raises(HeldElsewhere):
        await StoreLock(store).waiting(0)


@ON_A_FILE
@pytest.mark.parametrize("page", [2, 5, 9, 14, 20])
async def test_a_damaged_file_is_not_worked_on(store: Store, page: int, tmp_path: Path) -> None:
    """F23, F24: in table pages and in index pages."""
    async with store.begin() as tx:
        await keep(tx, *(row(f"FP{number}") for number in range(400)))
    await store.close()
    url = url_of(store)
    require_whole(url)
    shutil.copy(store.path, tmp_path / "damaged.db")
    content = bytearray((tmp_path / "damaged.db").read_bytes())
    content[4096 * page : 4096 * page + 40] = b"\xff" * 40
    (tmp_path / "damaged.db").write_bytes(bytes(content))

    with pytest.raises(Corrupt):
        require_whole(f"sqlite:///{tmp_path / 'damaged.db'}")


async def test_rows_that_contradict_each_other_are_found(store: Store) -> None:
    await submitted(store)
    async with store.begin() as tx:
        order = await the(tx, "FP1")
        await tx.submissions.intend(order.id, wanted("KEY1", generation=1), epoch=1)
        await keep(tx, row("FP2"), row("FP3"))
        await tx.orders.move(await the(tx, "FP2"), Event.ISSUED)
        await tx.orders.move(await the(tx, "FP3"), Event.INTENDED)

    found = {one.rule: one.example for one in contradictions(url_of(store))}

    assert found == {
        "two_live_submissions": "FP1",
        "intent_without_submission": "FP3",
        "issued_without_invoice": "FP2",
        "nothing_owed": "FP2",
    }


async def test_a_store_that_is_as_it_should_be_contradicts_nothing(store: Store) -> None:
    await submitted(store)

    assert contradictions(url_of(store)) == []
    assert migrate.check(url_of(store)) == []
