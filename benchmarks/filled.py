"""A store with a long past: the orders of a real run, multiplied in SQL with all that belongs to them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path

#: Tables of an order's life and, of each, the columns that name an order, a submission or a row of its own.
TABLES: Mapping[str, Mapping[str, str]] = {
    "invoice_order": {"id": "invoice_order", "no": "text"},
    "order_row": {"order_id": "invoice_order"},
    "submission": {"id": "submission", "order_id": "invoice_order", "key": "text"},
    "request": {"submission_id": "submission"},
    "invoice": {"order_id": "invoice_order", "number": "text"},
    "debt": {"id": "debt", "order_id": "invoice_order"},
    "journal": {"id": "journal", "order_id": "invoice_order"},
}
AT_ONCE = 50


def multiply(path: Path, rows: int) -> int:
    """Copy the orders of the store at `path` until there are `rows` of them at least; how many there are then.

    Nobody else may use the store. What is copied keeps its states, so finished orders stay finished.
    """
    database = sqlite3.connect(path, isolation_level=None)
    for pragma in ("synchronous=OFF", "foreign_keys=OFF", "cache_size=-262144"):
        database.execute(f"PRAGMA {pragma}")
    seeds = _count(database, "invoice_order")
    steps = {table: _largest(database, table, columns) for table, columns in TABLES.items()}
    for table in TABLES:
        database.execute(f"CREATE TEMPORARY TABLE seed_{table} AS SELECT * FROM {table}")
    copies = -(-rows // seeds) - 1
    for first in range(1, copies + 1, AT_ONCE):
        last = min(copies, first + AT_ONCE - 1)
        database.execute("BEGIN")
        for table, columns in TABLES.items():
            database.execute(_copying(database, table, columns, steps), {"first": first, "last": last})
        database.execute("COMMIT")
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    found = _count(database, "invoice_order")
    database.close()
    return found


def an_hour_passes(path: Path) -> None:
    """As if the store had been left alone for so long: whatever comes up now and then is due again."""
    with sqlite3.connect(path) as database:
        database.execute("UPDATE unit SET next_at = next_at - 3600000, ran_at = ran_at - 3600000")
    database.close()


def _count(database: sqlite3.Connection, table: str) -> int:
    return int(database.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def _largest(database: sqlite3.Connection, table: str, columns: Mapping[str, str]) -> int:
    return int(database.execute(f"SELECT max(id) FROM {table}").fetchone()[0] or 0) if "id" in columns else 0


def _copying(database: sqlite3.Connection, table: str, columns: Mapping[str, str], steps: Mapping[str, int]) -> str:
    names = [str(row[1]) for row in database.execute(f"PRAGMA table_info({table})")]
    values = [_value(name, columns.get(name, ""), steps) for name in names]
    numbers = "WITH RECURSIVE n (k) AS (SELECT :first UNION ALL SELECT k + 1 FROM n WHERE k < :last)"
    return f"INSERT INTO {table} ({', '.join(names)}) {numbers} SELECT {', '.join(values)} FROM n, seed_{table}"


def _value(name: str, kind: str, steps: Mapping[str, int]) -> str:
    if not kind:
        return name
    return f"{name} || '-' || k" if kind == "text" else f"{name} + k * {steps[kind]}"
