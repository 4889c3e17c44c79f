"""A store that says it is of this schema and is built otherwise is known at the door, by what is missing."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from syncd.store import migrate
from syncd.store.structure import TRIGGERS, Misbuilt, require_built

Change = Callable[[LiteralString], None]
#: What an earlier text of the first migration, or somebody at the tables, would leave; and how it is told.
ALIKE: tuple[tuple[tuple[LiteralString, ...], tuple[str, ...]], ...] = (
    (("DROP TABLE order_row",), ("order_row",)),
    (("ALTER TABLE worker DROP COLUMN settings",), ("worker.settings",)),
    (("DROP INDEX uq_invoice_order_red_in_flight",), ("uq_invoice_order_red_in_flight",)),
    (
        ("ALTER TABLE card RENAME COLUMN biz_code TO business", "ALTER TABLE card RENAME COLUMN number TO no"),
        ("card.biz_code", "card.number", "+card.no"),
    ),
)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres"))
    shutil.copy(request.getfixturevalue("migrated"), tmp_path / "s.db")
    return f"sqlite:///{tmp_path}/s.db"


@pytest.fixture
def change(url: str) -> Change:
    def changed(statement: LiteralString) -> None:
        if url.startswith("sqlite"):
            with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as db, db:
                db.executescript(statement)
        else:
            with psycopg.connect(url) as server:
                server.execute(statement)

    return changed


async def test_what_the_migrations_made_is_what_the_program_needs(url: str) -> None:
    require_built(url)
    migrate.require_current(url)
    assert await migrate.upgrade(url) == migrate.revision(url)


@pytest.mark.parametrize(("changes", "parts"), ALIKE)
async def test_a_store_that_is_built_otherwise_is_refused_with_what_is_the_matter(
    url: str, change: Change, changes: tuple[LiteralString, ...], parts: tuple[str, ...]
) -> None:
    for statement in changes:
        change(statement)

    with pytest.raises(Misbuilt) as opened:
        await migrate.upgrade(url)
    with pytest.raises(Misbuilt) as looked_at:
        migrate.require_current(url)

    assert opened.value.parts == looked_at.value.parts == parts


def test_words_that_the_store_would_refuse_are_missed(url: str, change: Change) -> None:
    """A state, a hold or a step that is younger than the store: it would be refused in the middle of an order."""
    if url.startswith("sqlite"):
        of_table = "UPDATE sqlite_master SET sql = replace(sql, ' OR hold = ''url_too_long''', '')"
        change(f"PRAGMA writable_schema = ON; {of_table} WHERE name = 'invoice_order'")
        of_trigger = "UPDATE sqlite_master SET sql = replace(sql, '''INTENT>HOLD'', ', '')"
        change(f"PRAGMA writable_schema = ON; {of_trigger} WHERE name = 'order_moves_by_the_table'")
        moves: tuple[str, ...] = ("order_moves_by_the_table 'INTENT>HOLD'",)
    else:
        change("ALTER TABLE invoice_order DROP CONSTRAINT ck_invoice_order_hold")
        change("ALTER TABLE invoice_order ADD CONSTRAINT ck_invoice_order_hold CHECK (hold <> 'nothing')")
        change("DROP TRIGGER order_moves_by_the_table ON invoice_order")
        moves = ("order_moves_by_the_table",)

    with pytest.raises(Misbuilt) as found:
        require_built(url)

    parts = found.value.parts
    assert "ck_invoice_order_hold 'url_too_long'" in parts
    assert parts[-len(moves) :] == moves


def test_history_that_nobody_guards_any_more_is_missed(url: str, change: Change) -> None:
    if url.startswith("sqlite"):
        change("DROP TRIGGER journal_is_append_only")
    else:
        change("ALTER TABLE journal DISABLE TRIGGER journal_is_append_only")

    with pytest.raises(Misbuilt) as found:
        require_built(url)

    assert found.value.parts == ("journal_is_append_only",)


def test_every_guard_of_the_migrations_is_known(migrated: Path) -> None:
    with closing(sqlite3.connect(migrated)) as db:
        there = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")}

    assert {name for names in TRIGGERS.values() for name in names} == there


def test_what_the_store_has_besides_is_its_owners_affair(url: str, change: Change) -> None:
    change("CREATE TABLE of_somebody_else (id INTEGER NOT NULL)")
    change("ALTER TABLE journal ADD COLUMN remark TEXT")
    change("CREATE INDEX ix_of_somebody_else ON journal (at)")

    require_built(url)
