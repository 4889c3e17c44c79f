"""A statement that is worded once does what SQLAlchemy would have made of it each time."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Numeric, Table, Text, bindparam, create_engine, insert, text, update

from syncd.store.wording import Statement, worded

PLACE = Table("place", MetaData(), Column("id", Integer, primary_key=True), Column("n", Integer), Column("name", Text))
MOVE = (
    update(PLACE).where(PLACE.c.id == bindparam("k_id"), PLACE.c.name != "held").values(n=bindparam("n"), name="moved")
)


@pytest.fixture
def db() -> sqlite3.Connection:
    made = sqlite3.connect(":memory:")
    made.executescript("CREATE TABLE place (id INTEGER PRIMARY KEY, n INTEGER, name TEXT)")
    made.executemany("INSERT INTO place VALUES (?, ?, ?)", [(1, 10, "a"), (2, 20, "held")])
    return made


@pytest.mark.parametrize(
    ("statement", "cells"),
    [
        (insert(PLACE), {"name": "new", "n": 3}),
        (insert(PLACE), {"n": None, "id": 9}),
        (MOVE, {"k_id": 1, "n": 11}),
        (MOVE, {"k_id": 2, "n": 21}),
        (text("UPDATE place SET n = :n + :n WHERE id = :id"), {"id": 1, "n": 4}),
        (text("DELETE FROM place WHERE id = :id"), {"id": 1}),
    ],
    ids=["insert", "insert of other columns", "update", "update that meets nothing", "a value twice", "one value"],
)
def test_it_leaves_what_sqlalchemy_would_have_left(
    db: sqlite3.Connection, statement: Statement, cells: dict[str, Any]
) -> None:
    words = worded(statement, tuple(cells))
    db.executemany(words.sql, [words.values(cells)])

    engine = create_engine("sqlite://")
    with engine.begin() as other:
        other.exec_driver_sql("CREATE TABLE place (id INTEGER PRIMARY KEY, n INTEGER, name TEXT)")
        other.exec_driver_sql("INSERT INTO place VALUES (?, ?, ?)", [(1, 10, "a"), (2, 20, "held")])
        other.execute(statement, cells)
        expected = [tuple(row) for row in other.exec_driver_sql("SELECT * FROM place ORDER BY id")]
    engine.dispose()
    assert db.execute("SELECT * FROM place ORDER BY id").fetchall() == expected


def test_cells_may_come_in_any_order() -> None:
    words = worded(insert(PLACE), ("n", "name"))

    assert words.values({"name": "x", "n": 1}) == words.values({"n": 1, "name": "x"})


def test_a_type_that_sqlalchemy_would_make_over_is_refused() -> None:
    priced = Table("priced", MetaData(), Column("price", Numeric))

    with pytest.raises(TypeError, match="price"):
        worded(insert(priced), ("price",))
