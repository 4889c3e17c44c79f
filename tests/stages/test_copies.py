"""Copied, moved and deleted stores, and two at a time: none of them sends what another has sent."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from daemon_parts import Daemon, VirtualClock, settings_for
from restoring import all_is_well, comes_back, delete, dies_before_sending, issue, outside, sends_nothing, why
from stage_parts import Open, submits

from syncd import faultpoint
from syncd.domain.lifecycle import State
from syncd.sandbox import Sandbox
from syncd.store import migrate
from syncd.store.guard import Guard
from syncd.store.witness import Finding

# -- copied, moved, deleted --------------------------------------------------------------------------------------------


async def test_a_copy_at_another_path_is_disarmed_and_the_original_goes_on(
    sandbox: Sandbox, daemon: Open, tmp_path: Path
) -> None:
    async with daemon() as d:
        await d.comes_to(sandbox.wdt.put_order({}), State.DONE60)
        original = await d.app.arming.instance()
    (tmp_path / "copy").mkdir()
    shutil.copy2(tmp_path / "syncd.db", tmp_path / "copy" / "syncd.db")
    waiting = sandbox.wdt.put_order({})
    before = outside(sandbox)

    async with daemon("copy") as d:
        assert await why(d) == Finding.MOVED
        await sends_nothing(d, sandbox, before)
        await comes_back(d)
        armed = await d.app.arming.instance()
    async with daemon() as d:
        assert await why(d) == ""
        await d.comes_to(waiting, State.DONE60)
        assert (await d.app.arming.instance()).id == original.id

    assert armed.id != original.id
    all_is_well(sandbox, 2)


async def test_a_store_that_was_moved_keeps_its_id_once_a_person_has_armed_it(
    sandbox: Sandbox, daemon: Open, tmp_path: Path
) -> None:
    async with daemon() as d:
        await d.comes_to(sandbox.wdt.put_order({}), State.DONE60)
        before = (await d.app.arming.instance()).id
    (tmp_path / "new").mkdir()
    (tmp_path / "syncd.db").rename(tmp_path / "new" / "syncd.db")

    async with daemon("new") as d:
        assert await why(d) == Finding.MOVED
        await comes_back(d)
        assert (await d.app.arming.instance()).id == before
    async with daemon("new") as d:
        assert await why(d) == ""


async def test_an_arming_stopped_while_it_is_committed_leaves_its_witness_too(
    sandbox: Sandbox, daemon: Open, tmp_path: Path
) -> None:
    """A copy gets its own id by it: armed without that id's witness it would start disarmed, and nobody would know."""
    async with daemon() as d:
        await d.comes_to(sandbox.wdt.put_order({}), State.DONE60)
    (tmp_path / "copy").mkdir()
    shutil.copy2(tmp_path / "syncd.db", tmp_path / "copy" / "syncd.db")

    async with daemon("copy") as d:
        await comes_back(d, arms=_stopped_when_armed)
        left = await d.app.arming.instance()
    async with daemon("copy") as d:
        assert left.armed
        assert await why(d) == ""


async def _stopped_when_armed(d: Daemon) -> bool:
    arming = asyncio.create_task(d.app.arming.rearm("operator"))
    with faultpoint.armed(lambda point: point == "instance.armed.before" and arming.cancel()):
        await asyncio.wait({arming})
    return arming.cancelled()


async def test_a_deleted_store_stays_armed_and_finds_its_invoices_by_their_keys(
    sandbox: Sandbox, daemon: Open, tmp_path: Path
) -> None:
    """F27."""
    orders = [sandbox.wdt.put_order({}) for _ in range(4)]
    async with daemon() as d:
        for no in orders:
            await issue(d, no)
    delete(tmp_path)

    async with daemon() as d:
        assert await why(d) == ""
        for no in orders:
            await d.comes_to(no, State.DONE60)

    all_is_well(sandbox, 4)


async def test_a_store_without_its_witness_is_treated_as_restored(
    sandbox: Sandbox, tmp_path: Path, clock: VirtualClock
) -> None:
    """F28."""
    settings = settings_for(sandbox, tmp_path, store={"witness": str(tmp_path / "w")})
    no = sandbox.wdt.put_order({})
    async with Daemon.on(settings, clock) as d:
        await d.comes_to(no, State.DONE60)
    shutil.rmtree(tmp_path / "w")
    waiting = sandbox.wdt.put_order({})
    before = outside(sandbox)

    async with Daemon.on(settings, clock) as d:
        assert await why(d) == Finding.WITNESS_MISSING
        await sends_nothing(d, sandbox, before)
        await comes_back(d)
        await d.comes_to(waiting, State.DONE60)

    all_is_well(sandbox, 2)


# -- two at a time -----------------------------------------------------------------------------------------------------


async def test_of_two_daemons_on_two_copies_the_overtaken_one_stops_before_its_next_call(
    sandbox: Sandbox, daemon: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F111, on one host: both stores are at one path as their processes see it, as two containers' volumes are."""
    same = "/var/lib/syncd/syncd.db"
    monkeypatch.setattr(Guard, "__init__", _at(same))
    async with AsyncExitStack() as both:
        first = await both.enter_async_context(daemon("a"))
        await first.turn("poll", "pending")
        (tmp_path / "b").mkdir()
        migrate.backup(f"sqlite:///{tmp_path}/a/syncd.db", tmp_path / "b" / "syncd.db")
        second = await both.enter_async_context(daemon("b"))
        no = sandbox.wdt.put_order({})

        await first.turn("poll", "pending")
        await first.turn("push")

        assert (await why(first), await why(second)) == ("overtaken", "")
        assert submits(sandbox) == 0
        await second.comes_to(no, State.DONE60)
        await first.pass_by(timedelta(minutes=3))
        assert await why(second) == ""

    all_is_well(sandbox, 1)


def _at(path: str) -> Any:
    genuine = Guard.__init__

    def made(self: Guard, folder: Any, store: Path, **more: Any) -> None:
        genuine(self, folder, store, **more)
        self.path = path

    return made


async def test_a_death_between_the_commit_and_the_witness_is_no_restore(sandbox: Sandbox, daemon: Open) -> None:
    """Nothing was sent: the witness is behind the store, and the store is believed."""
    no = sandbox.wdt.put_order({})

    await dies_before_sending(daemon)
    assert submits(sandbox) == 0

    async with daemon() as d:
        assert await why(d) == ""
        await d.comes_to(no, State.DONE60)

    all_is_well(sandbox, 1)


async def test_nothing_is_sent_when_the_witness_cannot_be_written(
    sandbox: Sandbox, daemon: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    no = sandbox.wdt.put_order({})

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    async with daemon() as d:
        await d.turn("poll", "pending")
        with monkeypatch.context() as disk:
            disk.setattr("syncd.store.witness.WitnessFolder._put", full)
            await d.turn("push")
            assert submits(sandbox) == 0
        await d.comes_to(no, State.DONE60)

    all_is_well(sandbox, 1)
