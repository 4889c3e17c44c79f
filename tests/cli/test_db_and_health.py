"""`db` and `health`."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from cli_world import Place, Run

from syncd.store.lock import StoreLock


def test_a_backup_is_a_sound_copy_and_never_overwrites(place: Place, run: Run) -> None:
    with StoreLock(place.store):  # a daemon is at work
        made = run("db", "backup", "copy.db")
    again = run("db", "backup", "copy.db")

    assert (made.exit_code, again.exit_code) == (0, 2)
    assert (place.folder / "copy.db").stat().st_mode & 0o077 == 0
    place.change("sqlite:///s.db", "sqlite:///copy.db")
    assert run("db", "check").exit_code == 0
    assert json.loads(run("orders", "list", "--json").output)


def test_a_damaged_store_is_told_without_a_traceback(place: Place, run: Run) -> None:
    content = bytearray(place.store.read_bytes())
    content[4096 * 3 : 4096 * 5] = b"\xff" * 8192
    place.store.write_bytes(bytes(content))

    result = run("db", "check")

    assert result.exit_code == 1
    assert "Restore" in result.output or "restore" in result.output or "damaged" in result.output


def test_a_file_that_is_no_database_is_told_without_a_traceback(place: Place, run: Run) -> None:
    place.store.write_bytes(b"not a database, whatever its name says\n" * 100)

    for args in (["status"], ["db", "check"], ["db", "upgrade"]):
        result = run(*args)

        assert result.exit_code == 1
        assert "Traceback" not in result.output


def test_a_downgrade_needs_yes_and_a_stopped_daemon(place: Place, run: Run) -> None:
    asked = run("db", "downgrade", "base")
    with StoreLock(place.store):
        locked = run("db", "downgrade", "base", "--yes")

    assert (asked.exit_code, locked.exit_code) == (2, 1)
    assert "pid" in locked.output
    assert run("status").exit_code == 3


def test_down_and_up_again(place: Place, run: Run) -> None:
    down = run("db", "downgrade", "base", "--yes")
    unusable = run("status")
    up = run("db", "upgrade")

    assert (down.exit_code, unusable.exit_code, up.exit_code) == (0, 2, 0)
    assert "syncd db upgrade" in unusable.output
    assert run("status").exit_code == 0


def test_an_unknown_revision_lists_those_there_are(run: Run) -> None:
    result = run("db", "downgrade", "9999", "--yes")

    assert result.exit_code == 2
    assert "base" in result.output


def test_a_store_of_a_newer_program_is_left_alone(place: Place, run: Run) -> None:
    """F31."""
    with closing(sqlite3.connect(place.store)) as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
        db.commit()

    for args in (["status"], ["orders", "list"], ["db", "upgrade"], ["db", "downgrade", "base", "--yes"]):
        result = run(*args)

        assert result.exit_code == 2
        assert "newer" in result.output


def test_a_store_that_is_not_there_is_not_made_by_looking(place: Place, run: Run) -> None:
    place.change("sqlite:///s.db", "sqlite:///other.db")

    for args in (["status"], ["orders", "list"], ["lane", "list"], ["cursor", "audit"], ["db", "check"]):
        result = run(*args)

        assert result.exit_code == 2
        assert "syncd db upgrade" in result.output
    assert not (place.folder / "other.db").exists()


# -- health ------------------------------------------------------------------------------------------------------------


class Answers(BaseHTTPRequestHandler):
    """A daemon's health, as far as this command looks."""

    status = 200

    def do_GET(self) -> None:
        body = b'{"status": "ok"}' if self.path == "/healthz" else b"{}"
        self.send_response(self.status if self.path == "/healthz" else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing to say."""


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[HTTPServer, type[Answers]]]:
    kind = type("Here", (Answers,), {})
    with HTTPServer(("127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server, kind
        server.shutdown()
        thread.join()


def test_a_living_daemon_is_healthy(place: Place, run: Run, daemon: tuple[HTTPServer, type[Answers]]) -> None:
    port = daemon[0].server_port
    place.change('listen = "127.0.0.1:0"', f'listen = "127.0.0.1:{port}"')

    by_settings, by_url = run("health"), run("health", "--url", f"http://127.0.0.1:{port}")

    assert (by_settings.exit_code, by_url.exit_code) == (0, 0)
    assert by_settings.output.count("\n") == 1


def test_a_stale_daemon_is_not(run: Run, daemon: tuple[HTTPServer, type[Answers]]) -> None:
    daemon[1].status = 503

    assert run("health", "--url", f"http://127.0.0.1:{daemon[0].server_port}/").exit_code == 1


def test_no_daemon_is_told_in_one_line(run: Run, daemon: tuple[HTTPServer, type[Answers]]) -> None:
    port = daemon[0].server_port
    daemon[0].socket.close()

    result = run("health", "--url", f"http://127.0.0.1:{port}")

    assert result.exit_code == 1
    assert result.output.count("\n") == 1


@pytest.mark.parametrize("url", ["ftp://x", "127.0.0.1:8650", "http://"])
def test_an_address_that_cannot_be_asked_is_a_mistake_in_typing(url: str, run: Run) -> None:
    assert run("health", "--url", url).exit_code == 2


def test_a_store_of_an_earlier_build_is_refused_by_every_command_and_told_in_both_languages(
    place: Place, run: Run
) -> None:
    """Its revision is this program's; what one of its statements needs is not there."""
    with closing(sqlite3.connect(place.store)) as db, db:
        db.executescript("DROP TABLE card")

    refused = [run("run", "--once", "--timeout", "5"), run("status"), run("db", "upgrade"), run("db", "check")]
    readable = run("status", lang="zh")
    checked = [one for one in json.loads(run("check", "--json").stdout) if one["level"] == "fail"]

    for result in (*refused, readable):
        assert result.exit_code == 2, result.output
        assert "Traceback" not in result.output
        assert "card" in result.output
    assert all("restore a backup" in result.output for result in refused)
    assert "另建新库" in readable.output
    assert [(one["subject"], "card" in one["text"]) for one in checked] == [("store", True)]
