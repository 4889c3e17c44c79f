"""Stores put back from a backup: none of them ever sends what was sent after it was taken."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from daemon_parts import Daemon, VirtualClock, settings_for
from restoring import (
    all_is_well,
    comes_back,
    delete,
    dies_before_sending,
    issue,
    outside,
    put_back,
    save,
    sends_nothing,
    why,
)
from stage_parts import Open, submits

from syncd.domain.invoice import IssuerKey
from syncd.domain.lifecycle import Hold, Phase, State
from syncd.domain.outcome import Unknown
from syncd.domain.ports import Class
from syncd.sandbox import Sandbox
from syncd.store import store as store_of_the_program
from syncd.store.instance import Instance
from syncd.store.store import Store
from syncd.store.witness import Finding

# -- put back from a backup --------------------------------------------------------------------------------------------


async def test_a_day_old_backup_reads_and_asks_and_sends_nothing_until_it_is_armed(
    sandbox: Sandbox, daemon: Open, tmp_path: Path, clock: VirtualClock
) -> None:
    """F26. What was issued since is found under its key; what was written back since is seen."""
    first = sandbox.wdt.put_order({})
    async with daemon() as d:
        await d.comes_to(first, State.DONE60)
        clock.advance(30)
        waiting = sandbox.wdt.put_order({})
        await d.turn("poll", "pending")
        copy = save(tmp_path)
        assert await d.state(waiting) is State.PENDING
        later = [sandbox.wdt.put_order({}) for _ in range(3)]
        for no in (waiting, *later):
            await d.comes_to(no, State.DONE60)
        clock.advance(timedelta(days=1))
        unseen = sandbox.wdt.put_order({})
    put_back(tmp_path, copy)
    before = outside(sandbox)

    async with daemon() as d:
        assert await why(d) == Finding.RESTORED
        assert "disarmed" in await d.app.ready()
        await sends_nothing(d, sandbox, before)
        assert (await d.state(waiting), await d.state(unseen)) == (State.DONE60, State.PENDING)
        assert (await d.app.settled()).disarmed == Finding.RESTORED

        await comes_back(d)
        await d.comes_to(unseen, State.DONE60)

    assert submits(sandbox) == before[0] + 1
    all_is_well(sandbox, 6)


async def test_an_order_forgotten_between_its_issuing_and_its_write_back_is_adopted(
    sandbox: Sandbox, daemon: Open, tmp_path: Path
) -> None:
    """F26. WDT still shows 45: only the question to the issuer keeps it from being sent again."""
    async with daemon() as d:
        await d.turn("poll", "pending")
        copy = save(tmp_path)
        no = sandbox.wdt.put_order({})
        await issue(d, no)
    put_back(tmp_path, copy)
    sent = submits(sandbox)
    # An epoch of zero is no excuse: the witness has seen the submission.

    async with daemon() as d:
        assert await why(d) == Finding.RESTORED
        await d.comes_to(no, State.ISSUED)
        await comes_back(d)
        await d.comes_to(no, State.DONE60)

    assert submits(sandbox) == sent == 1
    all_is_well(sandbox, 1)


async def test_what_was_cleared_for_sending_in_the_backup_is_asked_about_first(
    sandbox: Sandbox, daemon: Open, tmp_path: Path
) -> None:
    no = sandbox.wdt.put_order({})
    await dies_before_sending(daemon)
    with closing(sqlite3.connect(tmp_path / "syncd.db")) as db:
        db.execute("UPDATE invoice_order SET phase = 'ready'")
        db.commit()
    async with daemon() as d:
        copy = save(tmp_path)
        await d.comes_to(no, State.DONE60)
    put_back(tmp_path, copy)
    sent = submits(sandbox)

    async with daemon() as d:
        order = await d.order(no)
        assert (order.state, order.phase) == (State.INTENT, Phase.UNKNOWN)
        await d.comes_to(no, State.DONE60)

    assert submits(sandbox) == sent == 1
    all_is_well(sandbox, 1)


async def test_what_was_never_sent_is_believed_after_two_looks_and_the_issuers_settling_time(
    sandbox: Sandbox, daemon: Open, tmp_path: Path
) -> None:
    done, waiting = sandbox.wdt.put_order({}), sandbox.wdt.put_order({})
    async with daemon() as d:
        await d.turn("poll", "pending")
        copy = save(tmp_path)
        async with d.app.store.begin() as tx:
            order = (await tx.orders.by_no(waiting))[0]
            await tx.orders.hold(order, Hold.BY_OPERATOR, {})
        await d.comes_to(done, State.DONE60)
    put_back(tmp_path, copy)

    async with daemon() as d:
        assert (await d.order(waiting)).doubted_at is not None
        await comes_back(d)
        assert (await d.order(waiting)).doubted_at is not None
        assert submits(sandbox) == 1
        await d.comes_to(waiting, State.DONE60)
        assert "order.believed" in [entry.event for entry in await d.story(waiting)]

    all_is_well(sandbox, 2)


async def test_an_order_older_than_the_disarming_is_asked_about_even_when_it_comes_in_after_the_arming(
    sandbox: Sandbox, daemon: Open, tmp_path: Path, clock: VirtualClock
) -> None:
    """A backfill goes on for hours; what it brings up may have been sent in the forgotten time."""
    async with daemon() as d:
        await d.turn("poll", "pending")
        copy = save(tmp_path)
        old = sandbox.wdt.put_order({})
        await issue(d, old)
        sandbox.wdt.cancel(old)
    put_back(tmp_path, copy)

    async with daemon() as d:
        await comes_back(d)
        clock.advance(30)
        sandbox.wdt.reopen(old)
        await d.turn("poll", "pending")

        assert ((await d.order(old)).state, (await d.order(old)).doubted_at is None) == (State.PENDING, False)
        await d.comes_to(old, State.DONE60)

    assert submits(sandbox) == 1
    all_is_well(sandbox, 1)


async def test_a_backup_put_back_while_the_store_is_disarmed_is_found_out_too(
    sandbox: Sandbox, daemon: Open, tmp_path: Path
) -> None:
    """The copy says "disarmed" and "asked about" of a time before it was armed and sent again."""
    async with daemon() as d:
        no = sandbox.wdt.put_order({})
        await d.comes_to(no, State.DONE60)
        await store_disarmed(d.app.store)
        await d.turn("poll", "pending")
        copy = save(tmp_path)
        await comes_back(d)
        second = sandbox.wdt.put_order({})
        await d.comes_to(second, State.DONE60)
    put_back(tmp_path, copy)

    async with daemon() as d:
        assert await why(d) == Finding.RESTORED
        assert not (await d.app.arming.rebuilding()).complete


async def store_disarmed(store: Store) -> None:
    async with store.begin() as tx:
        await tx.instance.disarm("operator", "a drill")


async def test_a_backup_is_fine_when_nothing_went_out_since_it_was_taken(
    sandbox: Sandbox, daemon: Open, tmp_path: Path
) -> None:
    no = sandbox.wdt.put_order({})
    async with daemon() as d:
        await d.comes_to(no, State.DONE60)
        copy = save(tmp_path)
        await d.pass_by(timedelta(minutes=3))
    put_back(tmp_path, copy)

    async with daemon() as d:
        assert await why(d) == ""


async def test_a_write_ahead_log_that_vanished_is_a_restore(sandbox: Sandbox, daemon: Open, tmp_path: Path) -> None:
    """F25. What was committed and not yet moved into the file is forgotten."""
    no = sandbox.wdt.put_order({})
    async with daemon() as d:
        copy = tmp_path / "without-log.db"
        with closing(sqlite3.connect(tmp_path / "syncd.db")) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy2(tmp_path / "syncd.db", copy)
        await issue(d, no)
        assert (tmp_path / "syncd.db-wal").stat().st_size > 0
    put_back(tmp_path, copy)

    async with daemon() as d:
        assert await why(d) == Finding.RESTORED
        await comes_back(d)
        await d.comes_to(no, State.DONE60)

    all_is_well(sandbox, 1)


# -- a wrong twin, and issuers that can do less ------------------------------------------------------------------------


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that compares nothing, and whose key is not the one it had: drawn, not computed."""

    async def no_comparison(*_: object, **__: object) -> None:
        return None

    async def no_witness(*_: object) -> None:
        return None

    drawn = iter(f"DRAWN{number:015d}" for number in range(1000))
    kept: dict[tuple[str, str, int], IssuerKey] = {}

    def key(**scope: Any) -> IssuerKey:
        wanted = (str(no_of_life), scope["order_no"], scope["generation"])
        return kept.setdefault(wanted, IssuerKey(next(drawn)))

    no_of_life = 0

    def next_life(*_: object, **__: object) -> Any:
        nonlocal no_of_life
        no_of_life += 1
        return no_comparison()

    monkeypatch.setattr("syncd.app.opened", next_life)
    monkeypatch.setattr(store_of_the_program.Store, "_witnessed", no_witness)
    monkeypatch.setattr("syncd.arming.Arming.instance", _always_armed)
    for module in ("push", "collect"):
        monkeypatch.setattr(f"syncd.stages.{module}.plan.issuer_key", key)


async def _always_armed(_: object) -> Instance:
    return Instance("", "", 0, True, "", "", None, None, "")


@pytest.mark.usefixtures("forgetful")
async def test_the_negative_control_a_restored_store_that_fires_issues_twice(
    sandbox: Sandbox, daemon: Open, tmp_path: Path
) -> None:
    """Without the comparison and with keys that cannot be found again, the tests above would see a second invoice."""
    no = sandbox.wdt.put_order({})
    async with daemon() as d:
        await d.turn("poll", "pending")
        copy = save(tmp_path)
        await issue(d, no)
    put_back(tmp_path, copy)

    async with daemon() as d:
        await issue(d, no)

    assert sandbox.counts()["doubles"] == 1


async def test_an_issuer_that_can_neither_refuse_nor_be_asked_gets_a_person(
    sandbox: Sandbox, daemon: Open, tmp_path: Path
) -> None:
    """Class C: what may have been sent in the forgotten time is held."""
    no = sandbox.wdt.put_order({})
    async with daemon() as d:
        await d.turn("poll", "pending")
        copy = save(tmp_path)
        await d.comes_to(no, State.DONE60)
    put_back(tmp_path, copy)
    new = sandbox.wdt.put_order({})

    async with daemon() as d:
        make_it_class_c(d)
        held = await d.comes_to(no, State.HOLD)
        assert (await d.comes_to(new, State.HOLD)).hold is held.hold is Hold.RESTORED_CLASS_C

    assert submits(sandbox) == 1


def make_it_class_c(daemon: Daemon) -> None:
    (merchant,) = daemon.app.parties.merchants
    issuer: Any = merchant.issuer

    async def nothing(keys: Any) -> dict[IssuerKey, Unknown]:
        return {key: Unknown("cannot_be_asked", sent=True) for key in keys}

    profile = replace(issuer.profile, trust=Class.C)
    less = replace(merchant, issuer=LessTrusted(issuer, profile, nothing))
    for stage in daemon.app.stages.values():
        known: Any = stage
        known._merchants["m001"] = less


class LessTrusted:
    """An issuer with another profile, that answers no question."""

    def __init__(self, issuer: Any, profile: Any, ask: Any) -> None:
        self._issuer, self.profile, self.ask = issuer, profile, ask

    def __getattr__(self, name: str) -> Any:
        return getattr(self._issuer, name)


async def test_a_deleted_store_of_an_issuer_that_takes_doubles_comes_up_disarmed(
    sandbox: Sandbox, tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(sandbox, tmp_path)
    async with Daemon.on(settings, clock) as d:
        await d.comes_to(sandbox.wdt.put_order({}), State.DONE60)
    delete(tmp_path)
    monkeypatch.setattr("syncd.arming.Class", type("Class", (), {"A": Class.B}))

    async with Daemon.on(settings, clock) as d:
        assert await why(d) == "deleted"
