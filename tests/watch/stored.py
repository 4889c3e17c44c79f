"""Rows put straight into a store's file, as old as a test wants them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def ms(at: datetime) -> int:
    return int((at - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)


def put(path: Path, table: str, **values: Any) -> int:
    """One row; instants as milliseconds. Gives its id."""
    with closing(sqlite3.connect(path)) as db, db:
        names = ", ".join(f'"{name}"' for name in values)
        places = ", ".join("?" * len(values))
        found = db.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", list(values.values()))
        return int(found.lastrowid or 0)


def order(path: Path, no: str, state: str, at: datetime, *, merchant: str = "m001", **more: Any) -> int:
    """An order that has stood in `state` since `at`. `facts` are those of its hold."""
    facts = more.pop("facts", None)
    values = {
        "sid": f"demo_{merchant}",
        "merchant": merchant,
        "no": no,
        "shop_no": "shop01",
        "payer_name": "demo buyer",
        "is_red": 0,
        "wdt_status": 45,
        "wdt_invoice_no": "",
        "content_hash": b"h",
        "seq": 1,
        "first_seen_at": ms(at),
        "seen_at": ms(at),
        "state": state,
        "changed_at": ms(at),
        **({"hold_facts": json.dumps(facts)} if facts else {}),
        **more,
    }
    order_id = put(path, "invoice_order", **values)
    put(path, "order_row", order_id=order_id, raw=b"{}")
    return order_id


def cursor(path: Path, sid: str, feed: str, position: datetime, moved_at: datetime) -> None:
    put(path, "cursor", sid=sid, feed=feed, origin=ms(position), position=ms(position), moved_at=ms(moved_at))
