"""Submissions: the key and the frozen bytes, durable before they are sent; and the invoices that came of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.domain.invoice import Colour, Expected, Invoice, IssuerKey
from syncd.store.instants import from_ms, to_ms
from syncd.store.orders import OrderId
from syncd.store.schema import invoice, request, submission


@dataclass(frozen=True, slots=True)
class Wanted:
    """A submission to be made: which generation, under which key, with exactly which bytes."""

    generation: int
    issuer_kind: str
    issuer: str
    seller_tax_no: str
    key: IssuerKey
    body: bytes
    payload_hash: bytes
    expected: Expected


@dataclass(frozen=True, slots=True)
class Stored:
    """A committed submission with its newest frozen bytes."""

    id: int
    order_id: OrderId
    generation: int
    revision: int
    issuer_kind: str
    issuer: str
    seller_tax_no: str
    key: IssuerKey
    body: bytes
    payload_hash: bytes
    expected: Expected
    created_at: datetime


_S = submission.c
#: What runs for every order is built once.
_SAME = select(_S.id, _S.order_id, _S.generation, _S.key).where(
    (_S.order_id == bindparam("order_id")) & (_S.generation == bindparam("generation"))
    | (_S.issuer_kind == bindparam("kind")) & (_S.seller_tax_no == bindparam("seller")) & (_S.key == bindparam("key"))
)
_ADD = insert(submission).returning(_S.id)
_FREEZE, _RECORD = insert(request), insert(invoice)
_HOLDERS = select(invoice.c.order_id, invoice.c.code).where(invoice.c.number == bindparam("number"))


class KeyTaken(Exception):
    """The computed key already belongs to another order: a hash collision, or two orders that are one."""


class Submissions:
    """The submission, request and invoice tables, inside one transaction."""

    def __init__(self, connection: AsyncConnection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def intend(self, order_id: OrderId, wanted: Wanted, epoch: int) -> Stored:
        """Commit the intent: from now on the request may have been sent. Raises KeyTaken.

        A generation that was confirmed never to have been taken keeps its key and gets a new revision of the bytes;
        no revision and no key is ever changed or deleted (triggers refuse it).
        """
        found = await self._connection.execute(
            _SAME,
            {
                "order_id": order_id,
                "generation": wanted.generation,
                "kind": wanted.issuer_kind,
                "seller": wanted.seller_tax_no,
                "key": wanted.key,
            },
        )
        known = found.first()
        if known is not None and (known.order_id, known.generation, known.key) != (
            order_id,
            wanted.generation,
            wanted.key,
        ):
            raise KeyTaken(wanted.key)
        submission_id = known.id if known is not None else await self._insert(order_id, wanted)
        revision = 0 if known is None else await self._next_revision(submission_id)
        await self._freeze(submission_id, revision, wanted, epoch)
        return Stored(
            id=submission_id,
            order_id=order_id,
            generation=wanted.generation,
            revision=revision,
            issuer_kind=wanted.issuer_kind,
            issuer=wanted.issuer,
            seller_tax_no=wanted.seller_tax_no,
            key=wanted.key,
            body=wanted.body,
            payload_hash=wanted.payload_hash,
            expected=wanted.expected,
            created_at=self._now,
        )

    async def _insert(self, order_id: OrderId, wanted: Wanted) -> int:
        added = await self._connection.execute(
            _ADD,
            {
                "order_id": order_id,
                "generation": wanted.generation,
                "issuer_kind": wanted.issuer_kind,
                "issuer": wanted.issuer,
                "seller_tax_no": wanted.seller_tax_no,
                "key": wanted.key,
                "created_at": to_ms(self._now),
            },
        )
        return int(added.scalar_one())

    async def _next_revision(self, submission_id: int) -> int:
        newest = await self._connection.scalar(
            select(func.max(request.c.revision)).where(request.c.submission_id == submission_id)
        )
        return 0 if newest is None else int(newest) + 1

    async def _freeze(self, submission_id: int, revision: int, wanted: Wanted, epoch: int) -> None:
        await self._connection.execute(
            _FREEZE,
            {
                "submission_id": submission_id,
                "revision": revision,
                "body": wanted.body,
                "payload_hash": wanted.payload_hash,
                "buyer_tax_no": wanted.expected.buyer_tax_no,
                "total": str(wanted.expected.total),
                "colour": wanted.expected.colour,
                "blue": wanted.expected.blue,
                "epoch": epoch,
                "created_at": to_ms(self._now),
            },
        )

    async def newest(self, order_ids: Iterable[OrderId]) -> dict[OrderId, Stored]:
        """For each order its submission of the highest generation, with the newest bytes."""
        s, r = submission.c, request.c
        rows = await self._connection.execute(
            select(submission, request)
            .join(request, r.submission_id == s.id)
            .where(s.order_id.in_(list(order_ids)))
            .order_by(s.order_id, s.generation, r.revision)
        )
        return {
            OrderId(row.order_id): Stored(
                id=row.id,
                order_id=OrderId(row.order_id),
                generation=row.generation,
                revision=row.revision,
                issuer_kind=row.issuer_kind,
                issuer=row.issuer,
                seller_tax_no=row.seller_tax_no,
                key=IssuerKey(row.key),
                body=row.body,
                payload_hash=row.payload_hash,
                expected=Expected(row.buyer_tax_no, Decimal(row.total), Colour(row.colour), row.blue),
                created_at=from_ms(row.created_at),
            )
            for row in rows
        }

    async def record(self, order_id: OrderId, generation: int, found: Invoice) -> bool:
        """Keep an invoice as ours. False when its number is already recorded under another order."""
        holders = (await self._connection.execute(_HOLDERS, {"number": found.number})).all()
        if any(holder != order_id and code == found.code for holder, code in holders):
            return False
        values = {
            "code": found.code,
            "generation": generation,
            "total": _text(found.total),
            "net": _text(found.net),
            "tax": _text(found.tax),
            "colour": found.colour,
            "issued_at": to_ms(found.issued_at),
            "file_url": found.file_url,
            "ofd_url": found.ofd_url,
            "xml_url": found.xml_url,
            "serial": found.serial,
        }
        if order_id not in [holder for holder, _ in holders]:
            new = {"order_id": order_id, "number": found.number, "recorded_at": to_ms(self._now)}
            await self._connection.execute(_RECORD, {**new, **values})
            return True
        await self._connection.execute(
            update(invoice).where(invoice.c.order_id == order_id, invoice.c.number == found.number).values(**values)
        )
        return True

    async def invoices(self, order_ids: Iterable[OrderId]) -> dict[OrderId, list[Invoice]]:
        """The recorded invoices of each order, oldest first; more than one only where a split is held."""
        rows = await self._connection.execute(
            select(invoice).where(invoice.c.order_id.in_(list(order_ids))).order_by(invoice.c.recorded_at)
        )
        found: dict[OrderId, list[Invoice]] = {}
        for row in rows:
            found.setdefault(OrderId(row.order_id), []).append(
                Invoice(
                    number=row.number,
                    code=row.code,
                    total=_decimal(row.total),
                    colour=Colour(row.colour),
                    issued_at=from_ms(row.issued_at),
                    net=_decimal(row.net),
                    tax=_decimal(row.tax),
                    file_url=row.file_url,
                    ofd_url=row.ofd_url,
                    xml_url=row.xml_url,
                    serial=row.serial,
                )
            )
        return found


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
