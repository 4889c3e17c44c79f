"""Rows, pages and submissions for the store, and a second look at its database that the store knows nothing of."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from syncd.domain.invoice import Colour, Expected, Invoice, IssuerKey
from syncd.domain.lifecycle import Event, State
from syncd.domain.order import MerchantName, OrderNo, Row
from syncd.store.orders import WholeOrder
from syncd.store.sightings import Kept, Seen
from syncd.store.store import Store, Tx
from syncd.store.submissions import Stored, Wanted

AT = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
M = MerchantName("m001")
SID = "demo_sid"
#: For tests of what one of the databases does by itself.
ON_A_FILE = pytest.mark.parametrize("url", ["sqlite"], indirect=True)
ON_A_SERVER = pytest.mark.parametrize("url", ["postgresql"], indirect=True)
#: What a refusal of the database's own is, whichever it is.
REFUSED = (sqlite3.IntegrityError, psycopg.IntegrityError)
EXPECTED = Expected("91110302562134916R", Decimal("113.00"), Colour.BLUE)


def at(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def row(no: str, status: int = 45, version: int = 1, **changes: Any) -> Row:
    raw = f'{{"invoice_order_no":"{no}","status":{status},"version":{version}}}'.encode()
    fields: dict[str, Any] = {
        "invoice_no": "",
        "is_red": False,
        "shop_no": "shop01",
        "payer_name": "demo buyer",
        "amount": 1_130_000,
        "created_at": AT - timedelta(minutes=10),
        **changes,
    }
    digest = hashlib.blake2b(raw, digest_size=16).digest()
    return Row(no=OrderNo(no), status=status, raw=raw, content_hash=digest, **fields)


async def keep(tx: Tx, *rows: Row, seq: int = 1, seen_at: datetime = AT, sid: str = SID) -> Kept:
    return await tx.sightings.keep(M, sid, rows, Seen(seq, seen_at))


async def the(tx: Tx, no: str) -> WholeOrder:
    return (await tx.orders.by_no(no))[0]


def wanted(key: str = "KEY0", generation: int = 0, body: bytes = b"{}", **changes: Any) -> Wanted:
    fields: dict[str, Any] = {
        "issuer_kind": "nuonuo",
        "issuer": "main",
        "seller_tax_no": "339902999999789113",
        "payload_hash": b"p",
        "expected": EXPECTED,
        **changes,
    }
    return Wanted(generation=generation, key=IssuerKey(key), body=body, **fields)


def invoice(number: str = "26332000000000000001", **changes: Any) -> Invoice:
    fields: dict[str, Any] = {"code": "", "total": Decimal("113.00"), "colour": Colour.BLUE, **changes}
    return Invoice(number=number, **fields)


async def submitted(store: Store, no: str = "FP1", key: str = "KEY0") -> Stored:
    """An order whose intent is committed."""
    async with store.begin() as tx:
        await keep(tx, row(no))
        order = await the(tx, no)
        stored = await tx.submissions.intend(order.id, wanted(key), epoch=1)
        await tx.orders.move(order, Event.INTENDED)
        return stored


async def put(store: Store, no: str, state: State) -> None:
    """An order that stands in `state`, whatever the lifecycle says, for tests of what may follow."""
    async with store.begin() as tx:
        await keep(tx, row(no, status=45 if state is State.PENDING else 20))
    with raw(store) as db:
        # On PostgreSQL the trigger stays, and is passed by, as by a replica that is told what has been done.
        pass_by = (
            "DROP TRIGGER IF EXISTS order_moves_by_the_table"
            if store.path
            else "SET session_replication_role = replica"
        )
        db.execute(pass_by)
        held = "by_operator" if state is State.HOLD else None
        db.execute("UPDATE invoice_order SET state = ?, hold = ? WHERE no = ?", (str(state), held, no))


def url_of(store: Store) -> str:
    """Where the store is."""
    if store.path is not None:
        return f"sqlite:///{store.path}"
    return store._writer.url.set(drivername="postgresql").render_as_string(hide_password=False)


class Raw:
    """One connection of any other program; statements are written with `?` for each value."""

    def __init__(self, connection: Any, mark: str) -> None:
        self._connection = connection
        self._mark = mark

    def execute(self, sql: str, values: Sequence[Any] = ()) -> Any:
        return self._connection.execute(sql.replace("?", self._mark), values)


@contextmanager
def raw(store: Store) -> Iterator[Raw]:
    """The database as any program would open it."""
    if store.path is not None:
        db: Any = sqlite3.connect(store.path, isolation_level=None)
    else:
        db = psycopg.connect(url_of(store), autocommit=True)
    try:
        yield Raw(db, "?" if store.path is not None else "%s")
    finally:
        db.close()
