"""A store that was moved away, and a copy that a move did not finish: whoever would change something is told where."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
from cli_world import Place, Run

from syncd import faultpoint
from syncd.cli.frame import Frame
from syncd.store.instance import InAMove

ORDER = "an order of the store"
WALLET = """
[merchants.yuannian]
url = "http://127.0.0.1:1"
app_id = "demo_app"
token = "demo_token"
secret = "demo_secret"
"""
#: Every command that changes something in the store, or speaks to a party in its name.
CHANGES = (
    ("disarm", "--reason", "demo"),
    ("arm", "--yes"),
    ("lane", "pause", "m001/wdt", "--reason", "demo"),
    ("lane", "resume", "m001/wdt"),
    ("lane", "resume", "m001/wdt", "--lift-ban", "--yes"),
    ("orders", "retry", ORDER),
    ("orders", "hold", ORDER, "--reason", "demo"),
    ("orders", "release", ORDER, "--yes"),
    ("retry", "--where", "state=HOLD", "--yes"),
    ("retry", "--where", "merchant=nobody", "--yes"),
    ("backfill", "m001", "--from", "2026-01-01 00:00:00"),
    ("link", ORDER, "A1"),
    ("link", ORDER, "A1", "--remove"),
    ("link", "--retry", "A1"),
    ("link", "--settled", "A1"),
    ("wallet", "import", "card", "code"),
    ("wallet", "status", "holder", "LOCK", "card", "code"),
    ("db", "upgrade"),
    ("db", "downgrade", "base", "--yes"),
    ("db", "move", "--to", "sqlite:///elsewhere.db", "--yes"),
    ("run", "--once"),
)
#: Those that only look.
LOOKS = (
    ("orders", "list"),
    ("orders", "show", ORDER),
    ("explain", ORDER),
    ("lane", "list"),
    ("cursor", "audit"),
    ("link", "--list"),
    ("link", ORDER, "A1", "--preview"),
    ("retry", "--where", "state=HOLD", "--dry-run"),
    ("db", "check"),
    ("db", "backup", "kept.db"),
    ("db", "move", "--to", "sqlite:///new.db"),
)


def rows(place: Place) -> str:
    with closing(sqlite3.connect(f"file:{place.store}?mode=ro", uri=True)) as db:
        return "\n".join(db.iterdump())


@pytest.fixture
def left(place: Place, run: Run) -> Place:
    """The store, gone on elsewhere; the settings still name the old one."""
    text = place.settings.read_text(encoding="utf-8")
    place.settings.write_text(text.replace("[issuers.main]", f"{WALLET}[issuers.main]"), encoding="utf-8")
    assert run("db", "move", "--to", "sqlite:///new.db", "--yes").exit_code == 0
    return place


def words(run: Run, command: tuple[str, ...]) -> list[str]:
    number = json.loads(run("orders", "list", "--json").stdout)[0]["invoice_order_no"]
    return [number if word is ORDER else word for word in command]


def test_nothing_is_changed_in_a_store_that_was_moved_away(left: Place, run: Run) -> None:
    """Its word would reach nobody, while the store that goes on in its place sends on."""
    before = rows(left)

    for command in CHANGES:
        refused, in_chinese = run(*words(run, command)), run(*words(run, command), lang="zh")

        assert (refused.exit_code, in_chinese.exit_code) == (4, 4), (command, refused.output)
        assert "moved to" in refused.stderr, command
        assert "new.db" in refused.stderr, command
        assert "[store] url" in refused.stderr, command
        assert "已迁往" in in_chinese.stderr, command
        assert refused.stdout == "", command
    assert rows(left) == before


def test_a_store_that_was_moved_away_can_still_be_looked_at(left: Place, run: Run) -> None:
    for command in LOOKS:
        looked = run(*words(run, command))

        assert looked.exit_code in (0, 3), (command, looked.output)


def test_a_check_of_a_store_that_was_moved_away_says_where_it_went_and_asks_nobody(left: Place, run: Run) -> None:
    """A question to a party counts among its calls; that is written, and these would be counted where nobody looks."""
    before = rows(left)

    told, in_chinese, facts = run("check"), run("check", lang="zh"), json.loads(run("check", "--json").stdout)

    assert (told.exit_code, in_chinese.exit_code) == (4, 4), told.output
    assert "moved to" in told.stdout
    assert "new.db" in told.stdout
    assert "[store] url" in told.stdout
    assert "已迁往" in in_chinese.stdout
    assert {one["subject"] for one in facts if one["level"] == "fail"} == {"arming"}
    assert "nobody was asked" in next(one["text"] for one in facts if one["subject"] == "parties")
    assert "issuer main" not in {one["subject"] for one in facts}
    assert rows(left) == before


def test_a_check_whose_store_is_moved_away_meanwhile_writes_nothing_there(
    left: Place, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had looked while the store was still the one."""
    monkeypatch.setattr("syncd.cli.preflight._goes_on_elsewhere", lambda _: False)
    before = rows(left)

    refused = run("check")

    assert refused.exit_code == 4
    assert "moved to" in refused.stderr
    assert rows(left) == before


def test_nothing_is_changed_in_a_copy_that_a_move_did_not_finish(place: Place, run: Run) -> None:
    """It may be the only one that can be armed one day: it is left as it is, for the command that made it."""
    with faultpoint.armed(_struck), pytest.raises(Struck):
        run("db", "move", "--to", "sqlite:///new.db", "--yes")
    place.change('url = "sqlite:///s.db"', 'url = "sqlite:///new.db"')

    for command in CHANGES:
        if command[0] == "wallet":
            continue
        refused = run(*words(run, command))

        assert refused.exit_code == 4, (command, refused.output)
        if command[:2] != ("db", "move"):
            assert "Run `syncd db move` again" in refused.stderr, command
            assert "s.db" in refused.stderr, command


class Struck(BaseException):
    """This process has come to its end."""


def _struck(point: str) -> None:
    if point == "move.handed_over.after":
        raise Struck


async def test_a_command_that_waited_for_a_move_finds_out_that_it_came_too_late(left: Place) -> None:
    """It had looked while the store was still the one: what it then writes is refused in its own transaction."""
    frame = Frame("en", None)

    async with frame.store(frame.settings()) as store:
        with pytest.raises(InAMove):
            async with store.begin():
                raise AssertionError("nothing is written here")


def test_while_a_move_is_under_way_what_would_change_the_old_store_is_told_that_it_is_busy(
    place: Place, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The move holds the store from its first row to its last; it is not damaged, and the word was not taken."""
    monkeypatch.setattr("syncd.store.engine.WRITER", ("PRAGMA busy_timeout=50",))
    with closing(sqlite3.connect(place.store, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")

        refused = run("disarm", "--reason", "demo")

    assert refused.exit_code == 1
    assert "Another process is writing" in refused.stderr
    assert "damaged" not in refused.stderr
    assert run("status").exit_code in (0, 3)
