"""The physical limit of reading into SQLite: one bare connection, msgspec, one `executemany` a page, nothing else.

Stored are the columns somebody must filter and sort by, the row's own bytes with its lines, and three indexes; WAL and
`synchronous=FULL`, one transaction a page. With two passes the second one finds every row there already.
"""

from __future__ import annotations

import http.client
import sqlite3
import time
from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit

import msgspec

from benchmarks.contestants.wish import Wish, cpu_seconds, peak_mb, read_wish, tell

SCHEMA = """
CREATE TABLE orders (
  id INTEGER PRIMARY KEY, no TEXT NOT NULL UNIQUE, status INTEGER NOT NULL, shop_no TEXT NOT NULL,
  payer_name TEXT NOT NULL, amount TEXT, created_at INTEGER, invoice_no TEXT NOT NULL, raw BLOB NOT NULL,
  state TEXT NOT NULL, next_at INTEGER NOT NULL, seen_at INTEGER NOT NULL
) STRICT;
CREATE INDEX orders_state ON orders (state, shop_no);
CREATE INDEX orders_due ON orders (next_at, id);
CREATE INDEX orders_created ON orders (created_at);
"""
UPSERT = """
INSERT INTO orders (no, status, shop_no, payer_name, amount, created_at, invoice_no, raw, state, next_at, seen_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'PENDING', ?, ?)
ON CONFLICT (no) DO UPDATE SET status = excluded.status, amount = excluded.amount, raw = excluded.raw,
  invoice_no = excluded.invoice_no, seen_at = excluded.seen_at
"""


class Head(msgspec.Struct):
    """What is read of a row; the rest stays in its bytes."""

    invoice_order_no: str
    status: int
    shop_no: str
    payer_name: str
    created: int
    invoice_no: str
    invoice_amount: msgspec.Raw


class _Data(msgspec.Struct):
    order: list[msgspec.Raw]


class _Answer(msgspec.Struct):
    status: int
    data: _Data


_ANSWER = msgspec.json.Decoder(_Answer)
_HEAD = msgspec.json.Decoder(Head)


def pages(wish: Wish) -> Iterator[list[tuple[Head, bytes]]]:
    """Every page of the whole span, over one connection, one after the other."""
    address = urlsplit(wish.url)
    connection = http.client.HTTPConnection(address.netloc)
    body = msgspec.json.encode([{"start_time": wish.start, "end_time": wish.end}])
    query = {"sid": "demo_sid", "method": "finance.invoice.InvoiceOrder.search", "page_size": wish.page_size}
    for page_no in range(-(-wish.orders // wish.page_size)):
        connection.request("POST", f"/openapi?{urlencode({**query, 'page_no': page_no})}", body)
        rows = _ANSWER.decode(connection.getresponse().read()).data.order
        yield [(_HEAD.decode(row), bytes(row)) for row in rows]
    connection.close()


def values(head: Head, raw: bytes, now: int) -> tuple[object, ...]:
    """The parameters of `UPSERT`."""
    texts = head.invoice_order_no, head.status, head.shop_no, head.payer_name, bytes(head.invoice_amount).decode()
    return (*texts, head.created, head.invoice_no, raw, now, now)


def read_once(wish: Wish, database: sqlite3.Connection) -> dict[str, float]:
    """One pass: how long it took, and the CPU seconds of this process in it."""
    began, cpu = time.monotonic(), cpu_seconds()
    now = int(time.time() * 1000)
    for page in pages(wish):
        database.execute("BEGIN IMMEDIATE")
        database.executemany(UPSERT, [values(head, raw, now) for head, raw in page])
        database.execute("COMMIT")
    return {"seconds": time.monotonic() - began, "cpu": cpu_seconds() - cpu}


def main() -> None:
    """Read everything twice."""
    wish = read_wish(__doc__)
    database = sqlite3.connect(wish.store, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-16384"):
        database.execute(f"PRAGMA {pragma}")
    database.executescript(SCHEMA)
    first = read_once(wish, database)
    again = read_once(wish, database)
    stored = database.execute("SELECT count(*) FROM orders").fetchone()[0]
    tell(stored=stored, ended_at=time.monotonic(), first=first, again=again, peak_mb=peak_mb())


if __name__ == "__main__":
    main()
