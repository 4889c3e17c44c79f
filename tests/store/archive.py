"""A store with years behind it: finished orders with their submissions, invoices, paid debts and stories."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg

#: What grows with every order. Anything else may be read as a whole: it grows with merchants, days or troubles.
LARGE = {"invoice_order", "order_row", "submission", "request", "invoice", "debt", "journal", "invoice_file"}
_ORDERS = """
WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < :orders)
INSERT INTO invoice_order (sid, merchant, no, shop_no, payer_name, amount, is_red, created_at, wdt_status,
  wdt_invoice_no, relation, content_hash, seq, first_seen_at, seen_at, span_start, span_end, state, phase,
  next_at, changed_at)
SELECT 'demo_sid', 'm001', printf('OLD%09d', i), 'shop01', 'demo buyer', 1130000, 0, :at + i, 60,
  printf('2633200000%010d', i), '', zeroblob(16), 1, :at + i, :at + i, :at, :at + i,
  CASE i % 20 WHEN 0 THEN 'MIRRORED' WHEN 1 THEN 'CANCELLED' WHEN 2 THEN 'DONE85' ELSE 'DONE60' END, '',
  :at + i, :at + i
FROM c
"""
_WHAT_CAME_OF_THEM = (
    "INSERT INTO order_row (order_id, raw) SELECT id, CAST('{}' AS BLOB) FROM invoice_order WHERE no LIKE 'OLD%'",
    """INSERT INTO submission (order_id, generation, issuer_kind, issuer, seller_tax_no, key, created_at)
    SELECT id, 0, 'nuonuo', 'main', '339902999999789113', 'OLD' || id, created_at
    FROM invoice_order WHERE no LIKE 'OLD%' AND state LIKE 'DONE%'""",
    """INSERT INTO request (submission_id, revision, body, payload_hash, buyer_tax_no, total, colour, epoch, created_at)
    SELECT id, 1, CAST('{}' AS BLOB), zeroblob(16), '', '113.00', 'blue', 1, created_at
    FROM submission WHERE key LIKE 'OLD%'""",
    """INSERT INTO invoice (order_id, number, code, generation, total, colour, issued_at, file_url, ofd_url, xml_url,
      serial, recorded_at)
    SELECT id, wdt_invoice_no, '', 0, '113.00', 'blue', created_at, '', '', '', '', created_at
    FROM invoice_order WHERE no LIKE 'OLD%' AND state = 'DONE60'""",
    """INSERT INTO debt (order_id, merchant, target, kind, generation, revision, state, next_at, owed_at, settled_at)
    SELECT id, merchant, 'wdt', 'issued', 0, 0, 'paid', created_at, created_at, created_at
    FROM invoice_order WHERE no LIKE 'OLD%' AND state LIKE 'DONE%'""",
    """INSERT INTO journal (at, order_id, merchant, event)
    SELECT created_at, id, merchant, 'order.issued' FROM invoice_order WHERE no LIKE 'OLD%' AND state = 'DONE60'""",
)


def fill(store: Path, orders: int, *, at: int, analysed: bool) -> None:
    """Put `orders` finished ones of the demo merchant into an empty store; `at` in milliseconds is when they began."""
    with closing(sqlite3.connect(store, isolation_level=None)) as db:
        for pragma in ("journal_mode=WAL", "synchronous=OFF", "cache_size=-100000"):
            db.execute(f"PRAGMA {pragma}")
        db.execute("BEGIN")
        db.execute(_ORDERS, {"orders": orders, "at": at})
        for statement in _WHAT_CAME_OF_THEM:
            db.execute(statement)
        if analysed:
            db.execute("ANALYZE")
        db.execute("COMMIT")


#: The same in the other database's words.
_THERE = {
    "WITH RECURSIVE c (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < :orders)": "",
    "FROM c\n": "FROM generate_series(1, :orders) i",
    "printf('OLD%09d', i)": "'OLD' || lpad(i::text, 9, '0')",
    "printf('2633200000%010d', i)": "'2633200000' || lpad(i::text, 10, '0')",
    "CAST('{}' AS BLOB)": "'{}'::bytea",
    "zeroblob(16)": "decode(repeat('00', 16), 'hex')",
}


def fill_postgresql(url: str, orders: int, *, at: int, analysed: bool) -> None:
    """As `fill`, on PostgreSQL; no trigger looks at what is put there."""
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("SET session_replication_role = replica")
        for statement in (_ORDERS, *_WHAT_CAME_OF_THEM):
            for here, there in (*_THERE.items(), (":orders", str(orders)), (":at", str(at))):
                statement = statement.replace(here, there)
            db.execute(statement.encode())
        if analysed:
            db.execute("ANALYZE")
