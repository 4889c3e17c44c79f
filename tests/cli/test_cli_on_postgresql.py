"""The command line over a store on PostgreSQL: the same answers, and clear words when its server is the trouble."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
from cli_world import Place, Run
from typer.testing import Result

from syncd.store import postgres as server

SECRET = "demo_secret_of_the_store"
NOBODY_LISTENS = f"postgresql://syncd:{SECRET}@127.0.0.1:1/syncd"
#: What depends on when one looks, on which database it is, or on whether the store may send.
_OTHERWISE = {
    "daemon",
    "disarmed",
    "disarmed_why",
    "lag_seconds",
    "age_seconds",
    "now",
    "next",
    "next_at",
    "workers",
}
LOOKS = (
    ("orders", "list", "--json"),
    ("orders", "list", "--state", "DONE60", "--json"),
    ("orders", "list", "--state", "HOLD", "--merchant", "m001", "--limit", "1", "--json"),
    ("status", "--json"),
    ("lane", "list", "--json"),
    ("cursor", "audit", "--json"),
    ("wallet", "list", "--json"),
    ("retry", "--where", "state=HOLD", "--dry-run", "--json"),
)


def secret(url: str) -> str:
    """The URL with a password that is looked for in everything that is told; the server does not ask for it."""
    return url.replace(":demo_secret@", f":{SECRET}@")


def point_at(place: Place, url: str) -> None:
    place.change('url = "sqlite:///s.db"', f'url = "{url}"')


def told(result: Result) -> Any:
    """What was printed, less what the two databases may differ in."""
    return _alike(json.loads(result.stdout))


def _alike(said: Any) -> Any:
    if isinstance(said, dict):
        return {name: _alike(value) for name, value in said.items() if name not in _OTHERWISE}
    return [_alike(item) for item in said] if isinstance(said, list) else said


@pytest.fixture
def moved(place: Place, run: Run, postgres: str) -> Place:
    """The filled store, gone on in PostgreSQL."""
    (place.folder / "to").write_text(secret(postgres), encoding="utf-8")
    assert run("db", "move", "--to-file", "to", "--yes").exit_code == 0
    point_at(place, secret(postgres))
    return place


def test_every_look_shows_the_same_over_both_databases(place: Place, run: Run, request: pytest.FixtureRequest) -> None:
    orders = json.loads(run("orders", "list", "--json").output)
    number = orders[0]["invoice_order_no"]
    looks = [*LOOKS, ("orders", "show", number, "--json"), ("explain", number, "--json")]
    before = [run(*look) for look in looks]

    request.getfixturevalue("moved")

    for look, was in zip(looks, before, strict=True):
        result, readable = run(*look), run(*(word for word in look if word != "--json"), lang="zh")
        assert told(result) == told(was), look
        assert was.exit_code in (0, 3)
        assert readable.exit_code in (0, 3, 4), readable.output
        assert SECRET not in result.output + readable.output
    assert {order["state"] for order in orders} >= {"DONE60", "HOLD"}


def test_a_store_on_postgresql_is_looked_after_by_the_same_commands(moved: Place, run: Run, postgres: str) -> None:
    sound, current, copied = run("db", "check"), run("db", "upgrade"), run("db", "backup", "copy.dump")
    asked = run("db", "downgrade", "base")

    assert (sound.exit_code, current.exit_code, copied.exit_code, asked.exit_code) == (0, 0, 2, 2)
    assert "pg_dump" in copied.output
    assert not (moved.folder / "copy.dump").exists()
    checked = {one["subject"]: one for one in json.loads(run("check", "--json").output)}
    assert "fsync = off" in json.dumps(checked, ensure_ascii=False)  # as tests run it
    assert checked["arming"]["level"] == "fail"
    for result in (sound, current, copied, asked, run("check")):
        assert SECRET not in result.output

    down = run("db", "downgrade", "base", "--yes")

    assert down.exit_code == 0, down.output
    assert (run("status").exit_code, run("db", "upgrade").exit_code) == (2, 0)


def test_a_server_with_too_few_sessions_is_told_of_before_it_is_felt(
    moved: Place, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Processes that starve each other of sessions stand still together, and say that they are ready."""
    enough = json.loads(run("check", "--json").stdout)

    monkeypatch.setattr(server, "SESSIONS", 100_000)
    short = [one for one in json.loads(run("check", "--json").stdout) if "sessions" in one["text"]]
    started = run("run", "--once", "--timeout", "1")

    assert not [one for one in enough if "sessions" in one["text"]]
    assert [(one["level"], one["subject"]) for one in short] == [("warn", "store")]
    assert "max_connections" in short[0]["remedy"]
    assert "config.warned" in started.stderr
    assert "may need 100000" in started.stderr


def test_rows_that_contradict_each_other_are_found_there_too(moved: Place, run: Run, postgres: str) -> None:
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("DELETE FROM invoice WHERE order_id = (SELECT min(order_id) FROM invoice)")

    found = run("db", "check")

    assert found.exit_code == 1
    assert "issued without an invoice: 1" in found.output


@pytest.mark.parametrize(
    "args",
    [
        ("status",),
        ("orders", "list", "--json"),
        ("explain", "FP1"),
        ("lane", "list"),
        ("disarm", "--reason", "demo"),
        ("arm", "--yes"),
        ("run", "--once"),
        ("db", "upgrade"),
        ("db", "check"),
        ("db", "downgrade", "base", "--yes"),
    ],
)
def test_a_server_that_does_not_answer_is_told_in_a_line_without_the_password(
    place: Place, run: Run, args: tuple[str, ...]
) -> None:
    point_at(place, NOBODY_LISTENS)

    result = run(*args)

    assert result.exit_code == 1
    assert "does not answer" in result.output
    assert "refused" in result.output
    assert "damaged" not in result.output
    assert SECRET not in result.output
    assert "Traceback" not in result.output


def test_a_preflight_says_what_of_the_store_is_wrong_and_goes_on(place: Place, run: Run) -> None:
    point_at(place, NOBODY_LISTENS)

    found = run("check", "--json")

    by_subject = {one["subject"]: one for one in json.loads(found.stdout)}
    assert found.exit_code == 1
    assert by_subject["store"]["level"] == "fail"
    assert "postgresql://syncd@127.0.0.1:1/syncd" in by_subject["store"]["text"]
    assert "m001/wdt" in by_subject
    assert SECRET not in found.output


@pytest.mark.parametrize("url", [f"postgresql://syncd:{SECRET}@host:port/x", f"postgresql://syncd:{SECRET}@host"])
def test_a_url_that_cannot_be_meant_is_a_matter_of_settings(place: Place, run: Run, url: str) -> None:
    point_at(place, url)

    for args in (("status",), ("run", "--once"), ("db", "upgrade")):
        result = run(*args)

        assert result.exit_code == 2
        assert SECRET not in result.output
