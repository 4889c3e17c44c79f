"""`disarm`, `arm`, and what every command says about a store that may not write outside."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from cli_world import Place, Run, World, process
from orders_made import make

from syncd.app import open_app
from syncd.config import load


def restore(place: Place) -> None:
    """As if a backup had been put back: the witness has seen what the store does not remember."""
    with closing(sqlite3.connect(place.store)) as db:
        db.execute("UPDATE instance SET epoch = epoch - 1")
        db.commit()


def test_a_restored_store_reads_asks_says_so_and_ends_with_4(place: Place, run: Run, world: World) -> None:
    """F26."""
    restore(place)
    sent = len(world.sandbox.nuonuo.ledger)

    once = process(place, "run", "--once", "--timeout", "20")

    assert once.returncode == 4
    assert "DISARMED" in once.stderr
    assert "syncd arm" in once.stderr
    assert "restore.detected" in once.stderr
    assert len(world.sandbox.nuonuo.ledger) == sent
    status, check = run("status"), run("check", "--json")
    assert (status.exit_code, check.exit_code) == (4, 4)
    assert status.output.splitlines()[0].startswith("The store is DISARMED")
    assert json.loads(run("status", "--json").output)["disarmed"] == "restored"
    assert [one["remedy"] for one in json.loads(check.output) if one["subject"] == "arming"] != [""]


def test_check_says_what_the_next_start_would_do(place: Place, run: Run) -> None:
    restore(place)

    found = {one["subject"]: one for one in json.loads(run("check", "--json").output)}

    assert found["arming"]["level"] == "fail"
    assert "next start" in found["arming"]["text"]


def test_arming_without_a_daemon_rebuilds_first_and_then_everything_goes_on(place: Place, run: Run) -> None:
    restore(place)

    made = run("arm", "--yes", "--timeout", "60")

    assert made.exit_code == 0, made.output
    assert "Armed" in made.output
    assert run("status").exit_code in (0, 3)
    assert run("arm").exit_code == 0
    with closing(sqlite3.connect(place.store)) as db:
        events = [row[0] for row in db.execute("SELECT event FROM journal WHERE order_id IS NULL")]
    assert events == ["instance.disarmed", "instance.armed"]


def test_arming_asks_and_does_nothing_without_a_yes(place: Place, run: Run) -> None:
    restore(place)

    assert run("arm").exit_code == 2
    assert run("status").exit_code == 4


def test_a_store_is_armed_by_the_daemon_that_works_on_it(
    place: Place, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    restore(place)
    up, stop = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def live() -> None:
        loops.append(asyncio.get_running_loop())
        async with open_app(load(place.settings, {}), tick=0.1) as app, app.turning(listen=False):
            up.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(live()))
    thread.start()
    try:
        assert up.wait(30)
        assert run("status").exit_code == 4
        made = run("arm", "--yes", "--timeout", "60")
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join(20)

    assert made.exit_code == 0, made.output
    assert "waiting for it" in made.stderr
    assert run("status").exit_code in (0, 3)


def test_whoever_stops_waiting_has_not_armed(place: Place, run: Run) -> None:
    """A daemon that is too slow must not arm the store behind somebody's back, hours later."""
    from syncd.store.lock import StoreLock

    restore(place)
    process(place, "run", "--once", "--timeout", "20")

    with StoreLock(place.store):  # a daemon that does nothing
        made = run("arm", "--yes", "--timeout", "1")

    assert made.exit_code == 1
    with closing(sqlite3.connect(place.store)) as db:
        assert db.execute("SELECT armed, arm_asked_at, asked_by FROM instance").fetchone() == (0, None, "")


def test_a_person_disarms_with_a_reason_and_arms_again(place: Place, run: Run) -> None:
    assert run("disarm", "--reason", " ").exit_code == 2

    done = run("disarm", "--reason", "a copy may be at work")

    assert done.exit_code == 0
    assert "a copy may be at work" in run("status").output
    assert run("disarm", "--reason", "again").exit_code == 0
    assert run("arm", "--yes").exit_code == 0


def test_a_backup_says_how_it_will_start(place: Place, run: Run) -> None:
    assert "starts disarmed" in run("db", "backup", "copy.db").output


def test_a_damaged_store_is_not_worked_on(place: Place) -> None:
    """F23."""
    content = bytearray(place.store.read_bytes())
    content[4096 * 3 : 4096 * 5] = b"\xff" * 8192
    place.store.write_bytes(bytes(content))

    for command in (["run", "--once"], ["run"]):
        ended = process(place, *command)

        assert ended.returncode == 1
        assert "db.corrupt" in ended.stderr
        assert "Traceback" not in ended.stderr


def test_a_witness_folder_that_cannot_be_written_is_a_setting_to_mend(place: Place) -> None:
    place.change('url = "sqlite:///s.db"', 'url = "sqlite:///s.db"\nwitness = "/proc/nowhere"')

    ended = process(place, "run", "--once")

    assert ended.returncode == 2
    assert "witness" in ended.stderr


def test_db_check_names_rows_that_contradict_each_other(place: Place, run: Run) -> None:
    with closing(sqlite3.connect(place.store)) as db:
        guard = "invoice_is_never_deleted"
        (as_it_was,) = db.execute("SELECT sql FROM sqlite_master WHERE name = ?", (guard,)).fetchone()
        db.execute(f"DROP TRIGGER {guard}")
        db.execute(
            "DELETE FROM invoice WHERE order_id IN (SELECT id FROM invoice_order WHERE state = 'DONE60' LIMIT 1)"
        )
        db.execute("DELETE FROM window_done WHERE id = 1")
        db.execute(as_it_was)
        db.commit()

    found = run("db", "check")

    assert found.exit_code == 1
    assert "issued without an invoice: 1" in found.output
    assert "gaps in what was read" in found.output
    assert "→" in found.output


def test_a_copy_of_the_folder_is_told_by_its_path(place: Place, run: Run, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir()
    shutil.copy2(place.store, tmp_path / "copy" / "s.db")
    place.change('url = "sqlite:///s.db"', 'url = "sqlite:///copy/s.db"')

    ended = process(place, "run", "--once", "--timeout", "20")

    assert ended.returncode == 4
    assert "moved or copied" in ended.stderr


def test_a_command_that_would_lead_to_a_call_says_that_nothing_is_sent_yet(place: Place, run: Run) -> None:
    make(place.store, "P1")
    run("disarm", "--reason", "a drill")

    said = run("orders", "retry", "P1", "--reason", "corrected")

    assert said.exit_code == 0
    assert "nothing is sent before `syncd arm`" in said.stderr
