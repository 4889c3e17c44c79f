"""The physical limit of reading into PostgreSQL: one bare connection to WDT, msgspec, and each page by COPY.

A page is copied into a temporary table and upserted from there in one statement, one transaction a page, so that a
second read finds what is there. The columns and indexes are those of the yardstick for SQLite.
"""

from __future__ import annotations

import time

import psycopg

from benchmarks.contestants.raw_read import pages, values
from benchmarks.contestants.wish import Wish, cpu_seconds, peak_mb, read_wish, tell

SCHEMA = """
CREATE TABLE orders (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, no text NOT NULL UNIQUE, status integer NOT NULL,
  shop_no text NOT NULL, payer_name text NOT NULL, amount text, created_at bigint, invoice_no text NOT NULL,
  raw bytea NOT NULL, next_at bigint NOT NULL, seen_at bigint NOT NULL, state text NOT NULL DEFAULT 'PENDING'
);
CREATE INDEX orders_state ON orders (state, shop_no);
CREATE INDEX orders_due ON orders (next_at, id);
CREATE INDEX orders_created ON orders (created_at);
"""
COLUMNS = "no, status, shop_no, payer_name, amount, created_at, invoice_no, raw, next_at, seen_at"
PAGE = f"CREATE TEMPORARY TABLE page ON COMMIT DELETE ROWS AS SELECT {COLUMNS} FROM orders WHERE false"
UPSERT = f"""
INSERT INTO orders ({COLUMNS}) SELECT {COLUMNS} FROM page
ON CONFLICT (no) DO UPDATE SET status = excluded.status, amount = excluded.amount, raw = excluded.raw,
  invoice_no = excluded.invoice_no, seen_at = excluded.seen_at
"""


def read_once(wish: Wish, database: psycopg.Connection) -> dict[str, float]:
    """One pass: how long it took, and the CPU seconds of this process in it."""
    began, cpu = time.monotonic(), cpu_seconds()
    now = int(time.time() * 1000)
    types = ["text", "int4", "text", "text", "text", "int8", "text", "bytea", "int8", "int8"]
    for page in pages(wish):
        with database.transaction(), database.cursor() as cursor:
            with cursor.copy(f"COPY page ({COLUMNS}) FROM STDIN (FORMAT BINARY)") as copy:
                copy.set_types(types)
                for head, raw in page:
                    copy.write_row(values(head, raw, now))
            cursor.execute(UPSERT)
    return {"seconds": time.monotonic() - began, "cpu": cpu_seconds() - cpu}


def main() -> None:
    """Read everything twice."""
    wish = read_wish(__doc__)
    with psycopg.connect(wish.store, autocommit=True) as database:
        database.execute(SCHEMA)
        database.execute(PAGE)
        first = read_once(wish, database)
        again = read_once(wish, database)
        ended_at = time.monotonic()
        found = database.execute("SELECT count(*) FROM orders").fetchone()
    tell(stored=found[0] if found else 0, ended_at=ended_at, first=first, again=again, peak_mb=peak_mb())


if __name__ == "__main__":
    main()
