"""`db move`: what a person sees of a store that goes on in another database."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from cli_world import Place, Run, process
from typer.testing import Result

from syncd import faultpoint
from syncd.store.lock import StoreLock, held

SECRET = "demo_secret"


def moved(run: Run, *args: str) -> Result:
    return run("db", "move", *args, "--yes")


def point_at(place: Place, url: str) -> None:
    place.change('url = "sqlite:///s.db"', f'url = "{url}"')


def rows(place: Place) -> int:
    with closing(sqlite3.connect(place.store)) as db:
        return int(db.execute("SELECT count(*) FROM invoice_order").fetchone()[0])


def test_a_store_moves_to_postgresql_and_back_and_says_what_to_do_next(place: Place, run: Run, postgres: str) -> None:
    orders = json.loads(run("orders", "list", "--json").output)
    (place.folder / "to").write_text(f"{postgres}\n", encoding="utf-8")

    there = moved(run, "--to-file", "to")

    assert there.exit_code == 0, there.output
    assert "syncd arm" in there.stdout
    assert SECRET not in there.output
    assert run("status").exit_code == 4
    assert "was moved to postgresql://" in run("status").output
    assert run("arm", "--yes").exit_code == 4
    point_at(place, postgres)
    assert json.loads(run("orders", "list", "--json").output) == orders
    assert run("status").exit_code == 4
    assert run("arm", "--yes").exit_code == 0
    assert run("status").exit_code in (0, 3)

    back = moved(run, "--to", "sqlite:///back.db", "--json")

    assert back.exit_code == 0, back.output
    assert json.loads(back.stdout)["state"] == "moved"
    place.change(f'url = "{postgres}"', 'url = "sqlite:///back.db"')
    assert json.loads(run("orders", "list", "--json").output) == orders
    assert run("arm", "--yes").exit_code == 0
    assert run("run", "--once", "--timeout", "20").exit_code in (0, 3)


def test_a_dry_run_changes_neither_side(place: Place, run: Run, empty_postgres: str) -> None:
    before = place.store.read_bytes()

    for url in (empty_postgres, "sqlite:///new.db"):
        found = run("db", "move", "--to", url, "--dry-run", "--json")

        assert found.exit_code == 0, found.output
        told = json.loads(found.stdout)
        assert (told["state"], told["dry_run"], told["differs"]) == ("would_move", True, [])
        assert {one["table"]: one["rows"] for one in told["tables"]}["invoice_order"] == rows(place)
        assert SECRET not in found.output.replace("--to", "")

    assert not Path("new.db").exists()
    assert place.store.read_bytes() == before
    assert run("status").exit_code in (0, 3)
    point_at(place, empty_postgres)
    assert run("status").exit_code == 2  # there is no store yet


def test_a_dry_run_needs_no_outage(place: Place, run: Run) -> None:
    """What would make the move fail is best known while the daemon is still at work."""
    with closing(sqlite3.connect(place.store)) as db:
        db.execute(
            "UPDATE unit SET lease_until = 9e15, lease_boot = ?, owner = 'host:1' WHERE stage = 'push'", [_boot()]
        )
        db.commit()

    with StoreLock(place.store):
        found = run("db", "move", "--to", "sqlite:///new.db", "--dry-run")
    with StoreLock(place.folder / "new.db"):
        taken = run("db", "move", "--to", "sqlite:///new.db", "--dry-run")

    assert found.exit_code == 0, found.output
    assert "stop it before you move it" in found.stderr
    assert taken.exit_code == 1
    assert "Another process works on the target new.db" in taken.stderr


def test_where_to_is_said_once_and_a_password_is_best_kept_off_the_command_line(
    place: Place, run: Run, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (place.folder / "to").write_text(postgres, encoding="utf-8")
    (place.folder / "two").write_text("sqlite:///a.db\nsqlite:///b.db\n", encoding="utf-8")

    for args in (
        ("--to", "sqlite:///a.db", "--to-file", "to"),
        (),
        ("--to-file", "two"),
        ("--to-file", "nowhere"),
        ("--to", "mysql://x"),
        ("--to", "sqlite://"),
        ("--to", f"postgresql://user:{SECRET}@host:port/name"),
        ("--to", f"postgresql://user:{SECRET}@host"),
        ("--to", "sqlite:///s.db"),
    ):
        refused = run("db", "move", *args, "--dry-run")
        assert refused.exit_code == 2, args
        assert SECRET not in refused.output, args
    assert "ps" in run("db", "move", "--to", postgres, "--dry-run").stderr
    for name, value in (("SYNCD_MOVE_TO", postgres), ("SYNCD_MOVE_TO_FILE", "to")):
        with monkeypatch.context() as env:
            env.setenv(name, value)
            found = run("db", "move", "--dry-run")
        assert (found.exit_code, "ps" in found.stderr) == (0, False), found.output


def test_nothing_is_moved_while_a_daemon_works_on_it(place: Place, run: Run) -> None:
    with StoreLock(place.store):
        refused = moved(run, "--to", "sqlite:///new.db")
    with closing(sqlite3.connect(place.store)) as db:
        db.execute(
            "UPDATE unit SET lease_until = 9e15, lease_boot = ?, owner = 'host:1' WHERE stage = 'push'", [_boot()]
        )
        db.commit()
    leased = moved(run, "--to", "sqlite:///new.db")

    assert (refused.exit_code, leased.exit_code) == (1, 1)
    assert "host:1" in leased.stderr
    assert run("status").exit_code in (0, 3)


def test_a_store_on_a_server_is_moved_only_without_its_workers(place: Place, run: Run, postgres: str) -> None:
    """They share it among each other, on whatever hosts they are; the move wants it alone."""
    assert moved(run, "--to", postgres).exit_code == 0
    point_at(place, postgres)

    with _shared(postgres):
        refused = moved(run, "--to", "sqlite:///back.db")

    assert refused.exit_code == 1
    assert "Stop it first" in refused.stderr
    assert moved(run, "--to", "sqlite:///back.db").exit_code == 0


def test_an_arming_beside_workers_says_that_they_are_at_work(place: Place, run: Run, postgres: str) -> None:
    """Many processes share the store: that this one reads, too, does not mean that no daemon runs."""
    assert moved(run, "--to", postgres).exit_code == 0
    point_at(place, postgres)
    place.change("[console]", '[engine]\nkind = "distributed"\n[console]')

    with _shared(postgres):
        armed = run("arm", "--yes")

    assert armed.exit_code == 0, armed.output
    assert "along with the processes at work" in armed.stderr
    assert "No daemon runs" not in armed.stderr


@contextmanager
def _shared(url: str) -> Iterator[None]:
    """A worker is at work there."""
    up, stop = threading.Event(), asyncio.Event()
    loops: list[asyncio.AbstractEventLoop] = []

    async def work() -> None:
        loops.append(asyncio.get_running_loop())
        async with held(url, exclusive=False):
            up.set()
            await stop.wait()

    thread = threading.Thread(target=lambda: asyncio.run(work()))
    thread.start()
    try:
        assert up.wait(30)
        yield
    finally:
        loops[0].call_soon_threadsafe(stop.set)
        thread.join(20)


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def test_a_target_that_is_in_use_or_of_another_schema_is_refused(place: Place, run: Run) -> None:
    assert moved(run, "--to", "sqlite:///new.db").exit_code == 0
    point_at(place, "sqlite:///new.db")
    with closing(sqlite3.connect(place.folder / "other.db")) as db:
        db.execute("CREATE TABLE alembic_version (version_num TEXT)")
        db.execute("INSERT INTO alembic_version VALUES ('9999')")
        db.commit()

    used = moved(run, "--to", "sqlite:///s.db")
    newer = moved(run, "--to", "sqlite:///other.db")

    assert (used.exit_code, newer.exit_code) == (2, 2)
    assert "invoice_order" in used.stderr


def test_after_a_death_the_same_command_again_comes_to_the_end(place: Place, run: Run, postgres: str) -> None:
    """An unfinished copy is made anew, an unfinished end is finished, and a finished one is only told."""
    for point in ("move.copied.after", "move.handed_over.after"):
        with faultpoint.armed(_struck_at(point)), pytest.raises(Struck):
            moved(run, "--to", postgres)
        assert (run("status").exit_code == 4) is (point == "move.handed_over.after")

    finished = moved(run, "--to", postgres, "--json")
    again = moved(run, "--to", postgres, "--json")

    assert (finished.exit_code, again.exit_code) == (0, 0)
    assert json.loads(finished.stdout)["state"] == "finished"
    assert json.loads(again.stdout)["state"] == "already"
    point_at(place, postgres)
    assert run("arm", "--yes").exit_code == 0


class Struck(BaseException):
    """This process has come to its end."""


def _struck_at(point: str) -> faultpoint.Strike:
    def strike(reached: str) -> None:
        if reached == point:
            raise Struck

    return strike


def test_it_asks_first(place: Place, run: Run) -> None:
    assert run("db", "move", "--to", "sqlite:///new.db").exit_code == 2
    assert run("status").exit_code in (0, 3)


def test_a_restored_store_must_be_armed_before_it_is_moved(place: Place, run: Run) -> None:
    with closing(sqlite3.connect(place.store)) as db:
        db.execute("UPDATE instance SET epoch = epoch - 1")
        db.commit()

    refused = moved(run, "--to", "sqlite:///new.db")

    assert refused.exit_code == 4
    assert "older backup" in refused.stderr


def test_no_daemon_starts_on_the_store_that_was_left(place: Place, run: Run) -> None:
    """4 is what systemd takes for an answer."""
    assert moved(run, "--to", "sqlite:///new.db").exit_code == 0

    ended = process(place, "run")

    assert ended.returncode == 4, ended.stderr
    assert "new.db" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert [run(*command).exit_code for command in (("run", "--once"), ("arm", "--yes"))] == [4, 4]


def test_a_server_that_does_not_answer_is_told_without_the_password(place: Place, run: Run) -> None:
    refused = moved(run, "--to", f"postgresql://user:{SECRET}@127.0.0.1:1/name")

    assert refused.exit_code == 1
    assert SECRET not in refused.output
    assert run("status").exit_code in (0, 3)


def test_it_speaks_chinese_too(place: Place, run: Run) -> None:
    made = run("db", "move", "--to", "sqlite:///new.db", "--yes", lang="zh")

    assert made.exit_code == 0
    assert "已迁移并核对一致" in made.stdout
    assert "永久停用" in run("status", lang="zh").output
