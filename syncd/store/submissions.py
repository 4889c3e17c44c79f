"""Submissions: the key and the frozen bytes, durable before they are sent; and the invoices that came of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.domain.invoice import Colour, Expected, Invoice, IssuerKey
from syncd.store import question
from syncd.store.instants import from_ms, to_ms
from syncd.store.orders import OrderId
from syncd.store.question import Among
from syncd.store.schema import invoice, request, submission
from syncd.store.together import Together


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


_S, _I = submission.c, invoice.c
_COLOURS = {str(colour): colour for colour in Colour}
#: What runs for every order is built once.
_SAME = select(_S.order_id, _S.generation, _S.issuer_kind, _S.seller_tax_no, _S.key)
_OF_ORDERS = _SAME.where(Among(_S.order_id, "orders"))
_OF_KEYS = _SAME.where(
    _S.issuer_kind == bindparam("kind"),
    _S.seller_tax_no == bindparam("seller"),
    Among(_S.key, "keys", "TEXT"),
)
_ADD = insert(submission)
_ID = (
    select(_S.id)
    .where(_S.order_id == bindparam("of_order"), _S.generation == bindparam("of_generation"))
    .scalar_subquery()
)
_FREEZE = insert(request).values(submission_id=_ID)
_RECORD = insert(invoice)
_HOLDERS = select(_I.number, _I.order_id, _I.code).where(Among(_I.number, "numbers", "TEXT"))
_R = request.c
_NEWEST = (
    select(
        *(_S.order_id, _S.generation, _R.revision, _S.issuer_kind, _S.issuer, _S.seller_tax_no, _S.key),
        *(_R.body, _R.payload_hash, _R.buyer_tax_no, _R.total, _R.colour, _R.blue, _S.created_at),
    )
    .join(request, request.c.submission_id == _S.id)
    .where(Among(_S.order_id, "orders"))
    .order_by(_S.order_id, _S.generation, request.c.revision)
)
_HASHES = (
    select(_S.order_id, request.c.payload_hash)
    .join(request, request.c.submission_id == _S.id)
    .where(_S.order_id.in_(bindparam("orders", expanding=True)))
    .order_by(_S.order_id, _S.generation, request.c.revision)
)
_INVOICE = (
    *(_I.order_id, _I.number, _I.code, _I.total, _I.colour, _I.issued_at),
    *(_I.net, _I.tax, _I.file_url, _I.ofd_url, _I.xml_url, _I.serial),
)
_INVOICES = select(*_INVOICE).where(Among(_I.order_id, "orders")).order_by(_I.recorded_at)
_SHOWN = (
    "code",
    "generation",
    "total",
    "net",
    "tax",
    "colour",
    "issued_at",
    "file_url",
    "ofd_url",
    "xml_url",
    "serial",
)
_CORRECT = (
    update(invoice)
    .where(_I.order_id == bindparam("of_order"), _I.number == bindparam("of_number"))
    .values({name: bindparam(name) for name in _SHOWN})
)


@dataclass(frozen=True, slots=True)
class _Known:
    """A submission that is there, or will be at the end of the transaction."""

    order_id: int
    generation: int
    kind: str
    seller: str
    key: str


class KeyTaken(Exception):
    """The computed key already belongs to another order: a hash collision, or two orders that are one."""


class Submissions:
    """The submission, request and invoice tables, inside one transaction."""

    def __init__(self, connection: AsyncConnection, now: datetime, together: Together) -> None:
        self._connection = connection
        self._now = now
        self._together = together
        #: The submissions of these orders and keys are known, so that many can be intended together.
        self._orders: dict[int, list[_Known]] = {}
        self._keys: dict[tuple[str, str, str], _Known | None] = {}
        #: Of each invoice number that was looked up: under which orders it is recorded, with which code.
        self._holders: dict[str, dict[int, str]] = {}

    # -- what was sent ---------------------------------------------------------------------------------------------

    async def foresee(self, wanted: Iterable[tuple[OrderId, Wanted]]) -> None:
        """Look up at once what `intend` must know about all of these."""
        wanted = list(wanted)
        orders = [order_id for order_id, _ in wanted if order_id not in self._orders]
        if orders:
            self._orders.update((order_id, []) for order_id in orders)
            for row in await question.rows(self._connection, _OF_ORDERS, orders=orders):
                self._orders[row[0]].append(_Known(*row))
        accounts: dict[tuple[str, str], list[str]] = {}
        for _, one in wanted:
            if (one.issuer_kind, one.seller_tax_no, one.key) not in self._keys:
                accounts.setdefault((one.issuer_kind, one.seller_tax_no), []).append(one.key)
        for (kind, seller), keys in accounts.items():
            self._keys.update(((kind, seller, str(key)), None) for key in keys)
            for row in await question.rows(self._connection, _OF_KEYS, kind=kind, seller=seller, keys=keys):
                self._keys[kind, seller, row[4]] = _Known(*row)

    async def intend(self, order_id: OrderId, wanted: Wanted, epoch: int) -> Stored:
        """Commit the intent: from now on the request may have been sent. Raises KeyTaken.

        A generation that was confirmed never to have been taken keeps its key and gets a new revision of the bytes;
        no revision and no key is ever changed or deleted (triggers refuse it).
        """
        await self.foresee([(order_id, wanted)])
        account = (wanted.issuer_kind, wanted.seller_tax_no, str(wanted.key))
        mine = _Known(order_id, wanted.generation, *account)
        same = next((one for one in self._orders[order_id] if one.generation == wanted.generation), None)
        holder = self._keys.get(account)
        if any(known is not None and _differs(known, mine) for known in (same, holder)):
            raise KeyTaken(wanted.key)
        revision = 0 if same is None and holder is None else await self._next_revision(order_id, wanted.generation)
        if same is None and holder is None:
            self._add(order_id, wanted)
            self._orders[order_id].append(mine)
            self._keys[account] = mine
        self._freeze(order_id, revision, wanted, epoch)
        return Stored(
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

    def _add(self, order_id: OrderId, wanted: Wanted) -> None:
        cells = {
            "order_id": order_id,
            "generation": wanted.generation,
            "issuer_kind": wanted.issuer_kind,
            "issuer": wanted.issuer,
            "seller_tax_no": wanted.seller_tax_no,
            "key": wanted.key,
            "created_at": to_ms(self._now),
        }
        self._together.add(order_id, _ADD, cells, guarded=True)

    async def _next_revision(self, order_id: OrderId, generation: int) -> int:
        newest = await self._connection.scalar(
            select(func.max(request.c.revision))
            .join(submission, submission.c.id == request.c.submission_id)
            .where(submission.c.order_id == order_id, submission.c.generation == generation)
        )
        return 0 if newest is None else int(newest) + 1

    def _freeze(self, order_id: OrderId, revision: int, wanted: Wanted, epoch: int) -> None:
        cells = {
            "of_order": order_id,
            "of_generation": wanted.generation,
            "revision": revision,
            "body": wanted.body,
            "payload_hash": wanted.payload_hash,
            "buyer_tax_no": wanted.expected.buyer_tax_no,
            "total": str(wanted.expected.total),
            "colour": wanted.expected.colour,
            "blue": wanted.expected.blue,
            "epoch": epoch,
            "created_at": to_ms(self._now),
        }
        self._together.add(order_id, _FREEZE, cells, guarded=True)

    async def hashes(self, order_ids: Iterable[OrderId]) -> dict[OrderId, bytes]:
        """For each order that was submitted the payload hash of its newest bytes."""
        rows = await self._connection.execute(_HASHES, {"orders": list(order_ids)})
        return {OrderId(order_id): digest for order_id, digest in rows}

    async def newest(self, order_ids: Iterable[OrderId]) -> dict[OrderId, Stored]:
        """For each order its submission of the highest generation, with the newest bytes."""
        rows = await question.rows(self._connection, _NEWEST, orders=list(order_ids))
        return {row[0]: _stored(row) for row in rows}

    # -- what came of it -------------------------------------------------------------------------------------------

    async def look_up(self, numbers: Iterable[str]) -> None:
        """Learn at once under which orders these invoice numbers are recorded, so that many can be."""
        unknown = [number for number in dict.fromkeys(numbers) if number not in self._holders]
        if not unknown:
            return
        self._holders.update((number, {}) for number in unknown)
        for number, order_id, code in await question.rows(self._connection, _HOLDERS, numbers=unknown):
            self._holders[number][order_id] = code

    async def record(self, order_id: OrderId, generation: int, found: Invoice) -> bool:
        """Keep an invoice as ours. False when its number is already recorded under another order."""
        await self.look_up([found.number])
        holders = self._holders[found.number]
        if any(holder != order_id and code == found.code for holder, code in holders.items()):
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
        if order_id in holders:
            self._together.add(order_id, _CORRECT, {"of_order": order_id, "of_number": found.number, **values})
        else:
            new = {"order_id": order_id, "number": found.number, "recorded_at": to_ms(self._now)}
            self._together.add(order_id, _RECORD, {**new, **values}, guarded=True)
        holders[order_id] = found.code
        return True

    async def invoices(self, order_ids: Iterable[OrderId]) -> dict[OrderId, list[Invoice]]:
        """The recorded invoices of each order, oldest first; more than one only where a split is held."""
        return await invoices_of(self._connection, order_ids)


async def invoices_of(connection: AsyncConnection, order_ids: Iterable[OrderId]) -> dict[OrderId, list[Invoice]]:
    """The recorded invoices of each order, oldest first."""
    rows = await question.rows(connection, _INVOICES, orders=list(order_ids))
    found: dict[OrderId, list[Invoice]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(_invoice(row))
    return found


def _stored(row: Any) -> Stored:
    order_id, generation, revision, kind, issuer, seller, key, body, digest, buyer, total, colour, blue, at = row
    expected = Expected(buyer, Decimal(total), _COLOURS[colour], blue)
    return Stored(order_id, generation, revision, kind, issuer, seller, key, body, digest, expected, from_ms(at))


def _invoice(row: Any) -> Invoice:
    _, number, code, total, colour, issued_at, net, tax, file_url, ofd_url, xml_url, serial = row
    return Invoice(
        number,
        code,
        _decimal(total),
        _COLOURS[colour],
        from_ms(issued_at),
        _decimal(net),
        _decimal(tax),
        file_url=file_url,
        ofd_url=ofd_url,
        xml_url=xml_url,
        serial=serial,
    )


def _differs(known: _Known, mine: _Known) -> bool:
    """Whether the submission that is there is another one: of another order or generation, or under another key."""
    return (known.order_id, known.generation, known.key) != (mine.order_id, mine.generation, mine.key)


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
