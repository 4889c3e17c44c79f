"""What one writes in an afternoon: requests, json and sqlite3, a page a transaction."""

import json
import sqlite3

import requests
from parties import JSON, SEARCH, search_body, tell, wdt_path, wish

SCHEMA = """
CREATE TABLE orders (no TEXT PRIMARY KEY, status INTEGER, shop_no TEXT, payer_name TEXT, amount REAL, created INTEGER,
  invoice_no TEXT, raw TEXT);
CREATE INDEX orders_status ON orders (status);
CREATE TABLE lines (no TEXT, position INTEGER, item_name TEXT, num REAL, price REAL, tax_rate REAL, net REAL, tax REAL,
  gross REAL, PRIMARY KEY (no, position));
"""


def main():
    """Read every page once."""
    asked = wish()
    database = sqlite3.connect(asked.store)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.executescript(SCHEMA)
    session, body = requests.Session(), search_body(asked.start, asked.end)
    page_no, rows = 0, [None]
    while rows:
        path = wdt_path(SEARCH, body, page_no=page_no, page_size=asked.page_size)
        answer = session.post(asked.url + path, data=body, headers=JSON)
        rows = answer.json()["data"]["order"]
        with database:
            database.executemany("INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?)", map(header, rows))
            database.executemany(
                "INSERT OR REPLACE INTO lines VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (line(row, at, one) for row in rows for at, one in enumerate(row["detail_list"])),
            )
        page_no += 1
    tell(database.execute("SELECT count(*) FROM orders").fetchone()[0])


def header(row):
    """The columns of one order, and all of it as text."""
    names = ("invoice_order_no", "status", "shop_no", "payer_name", "invoice_amount", "created", "invoice_no")
    return (*(row[name] for name in names), json.dumps(row, ensure_ascii=False))


def line(row, at, one):
    """The columns of one line."""
    names = ("item_name", "num", "price", "tax_rate", "sum_price", "tax", "sum_amount")
    return (row["invoice_order_no"], at, *(one.get(name) for name in names))


if __name__ == "__main__":
    main()
