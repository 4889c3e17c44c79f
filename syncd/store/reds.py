"""What is stored of a blue invoice and of the red orders that name it. One question per table, all by an index."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import ColumnElement, TextClause, and_, bindparam, func, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.domain.invoice import BlueRef, Colour
from syncd.domain.lifecycle import Phase, State
from syncd.domain.order import MerchantName
from syncd.store.instants import from_ms, to_ms
from syncd.store.order_view import WHOLE
from syncd.store.orders import OrderId, OrderView, WholeOrder
from syncd.store.question import Among, question
from syncd.store.schema import invoice, invoice_order
from syncd.store.script import rows_of

#: The words of the partial indexes: SQLite uses them only where they stand in the query literally.
_NAMES_ONE = text("invoice_order.relation <> ''")
_SHOWS_ONE = text("invoice_order.wdt_invoice_no <> ''")
_T = invoice_order.c
#: What runs for every batch is built once.
_WAKE_WAITING = (
    update(invoice_order)
    .where(
        Among(_T.relation, "ended", "TEXT"),
        _NAMES_ONE,
        func.coalesce(_T.state, "") == State.PENDING,  # by no index: many wait, few of them name one of these
        _T.phase == Phase.WAITING_BLUE,
    )
    .values(next_at=bindparam("now"), tries=0)
    .returning(_T.merchant)
)


@dataclass(frozen=True, slots=True)
class Recorded:
    """An invoice that is recorded as ours, and the order it was issued for."""

    order: WholeOrder
    colour: Colour
    total: Decimal | None


class Reds:
    """Read-only questions about blue and red invoices, and one wake-up call, inside one transaction."""

    def __init__(self, connection: AsyncConnection, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._ended: set[str] = set()

    async def recorded(self, blue: BlueRef) -> Recorded | None:
        """The invoice of this number, if it is one of ours. At most one is (a unique index)."""
        found = await self._connection.execute(
            select(invoice.c.order_id, invoice.c.colour, invoice.c.total).where(
                invoice.c.number == blue.number, invoice.c.code == blue.code
            )
        )
        row = found.first()
        if row is None:
            return None
        [order] = await self._whole(invoice_order.c.id == row.order_id)
        return Recorded(order, Colour(row.colour), None if row.total is None else Decimal(row.total))

    async def shown(self, number: str) -> list[WholeOrder]:
        """Orders of which WDT shows this invoice number."""
        return await self._whole(invoice_order.c.wdt_invoice_no == number, _SHOWS_ONE)

    async def naming(self, blue: str, but: OrderId) -> list[OrderView]:
        """Red orders that name this blue invoice now, or were submitted for it, but for one of them."""
        t = invoice_order.c
        names_it = or_(and_(t.relation == blue, _NAMES_ONE), t.red_of == blue)
        rows = await self._connection.execute(select(invoice_order).where(names_it, t.id != but).order_by(t.id))
        return [OrderView(row) for row in rows]

    async def red_totals(self, order_ids: list[OrderId]) -> dict[OrderId, list[Decimal | None]]:
        """The totals of the red invoices recorded for these orders, as the issuer signs them."""
        rows = await self._connection.execute(
            select(invoice.c.order_id, invoice.c.total).where(
                invoice.c.order_id.in_(order_ids), invoice.c.colour == Colour.RED
            )
        )
        totals: dict[OrderId, list[Decimal | None]] = {}
        for row in rows:
            totals.setdefault(OrderId(row.order_id), []).append(None if row.total is None else Decimal(row.total))
        return totals

    async def since(self) -> datetime | None:
        """When this store first saw an order: what is older may have been submitted by one that is gone."""
        first = await self._connection.scalar(
            select(invoice_order.c.first_seen_at).order_by(invoice_order.c.id).limit(1)
        )
        return None if first is None else from_ms(first)

    def wake(self, blue: str) -> None:
        """Red orders that wait for this blue, or for its other red, are due once this transaction is done."""
        self._ended.add(blue)

    async def wake_waiting(self) -> set[MerchantName]:
        """Make due whom `wake` named, all at once; the merchants they belong to."""
        if not self._ended:
            return set()
        ended, self._ended = sorted(self._ended), set()
        waking = question(self._connection, _WAKE_WAITING, ended=ended, now=to_ms(self._now))
        return {MerchantName(merchant) for (merchant,) in await rows_of(self._connection, waking)}

    async def _whole(self, *conditions: ColumnElement[bool] | TextClause) -> list[WholeOrder]:
        rows = await self._connection.execute(WHOLE.where(*conditions).order_by(invoice_order.c.id))
        return [WholeOrder(row) for row in rows]
