"""Files of invoices: wanted, fetched, kept while the centre may ask for them, and let go."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.domain.centre import FileKind, InvoiceFile
from syncd.domain.order import MerchantName
from syncd.store.instants import from_ms, to_ms
from syncd.store.orders import OrderId
from syncd.store.schema import application, application_link, invoice, invoice_file

_WANTED = text("invoice_file.state = 'wanted'")  # the words of the partial index


@dataclass(frozen=True, slots=True)
class WantedFile:
    """A file to be fetched; `urls` are where the issuer said it lies, "" parts left out: PDF first, then OFD."""

    order_id: OrderId
    urls: tuple[str, ...]
    tries: int
    wanted_at: datetime


class Files:
    """The invoice_file table, inside one transaction."""

    def __init__(self, connection: AsyncConnection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def due(self, merchant: MerchantName, limit: int) -> list[WantedFile]:
        """What is to be fetched now, longest waiting first."""
        f = invoice_file.c
        rows = (
            await self._connection.execute(
                select(f.order_id, f.tries, f.wanted_at)
                .where(f.merchant == merchant, _WANTED, f.next_at <= to_ms(self._now))
                .order_by(f.next_at, f.order_id)
                .limit(limit)
            )
        ).all()
        urls = await self._urls([OrderId(row.order_id) for row in rows])
        return [
            WantedFile(OrderId(row.order_id), urls.get(OrderId(row.order_id), ()), row.tries, from_ms(row.wanted_at))
            for row in rows
        ]

    async def _urls(self, ids: Sequence[OrderId]) -> dict[OrderId, tuple[str, ...]]:
        i = invoice.c
        rows = await self._connection.execute(
            select(i.order_id, i.file_url, i.ofd_url).where(i.order_id.in_(ids)).order_by(i.recorded_at, i.number)
        )
        return {OrderId(order_id): tuple(filter(None, (pdf, ofd))) for order_id, pdf, ofd in rows}

    async def next_due(self, merchant: MerchantName) -> datetime | None:
        """When a file is to be fetched next; None when none is wanted."""
        f = invoice_file.c
        found = await self._connection.scalar(
            select(f.next_at).where(f.merchant == merchant, _WANTED).order_by(f.next_at).limit(1)
        )
        return None if found is None else from_ms(found)

    async def keep(self, order_id: OrderId, found: InvoiceFile) -> None:
        """The bytes are here. A file nobody wants any more is not kept."""
        await self._connection.execute(
            update(invoice_file)
            .where(invoice_file.c.order_id == order_id, _WANTED)
            .values(
                state="stored",
                kind=found.kind,
                content=found.content,
                sha256=hashlib.sha256(found.content).digest(),
                fetched_at=to_ms(self._now),
                why="",
            )
        )

    async def failed(self, order_id: OrderId, why: str, again_at: datetime | None) -> None:
        """It could not be fetched; to be tried again at `again_at`, or never by itself."""
        values = {"tries": invoice_file.c.tries + 1, "why": why[:200]}
        values |= {"state": "lost"} if again_at is None else {"next_at": to_ms(again_at)}
        await self._connection.execute(
            update(invoice_file).where(invoice_file.c.order_id == order_id, _WANTED).values(**values)
        )

    async def park(self, order_id: OrderId, until: datetime) -> None:
        """Leave it alone until then, whatever comes of what is about to be done with it."""
        await self._connection.execute(
            update(invoice_file).where(invoice_file.c.order_id == order_id, _WANTED).values(next_at=to_ms(until))
        )

    async def has_none(self, order_id: OrderId) -> None:
        """An invoice of this kind has no file."""
        await self._connection.execute(
            update(invoice_file).where(invoice_file.c.order_id == order_id, _WANTED).values(state="none")
        )

    async def get(self, order_id: OrderId) -> InvoiceFile | None:
        """The stored bytes of an order's invoice."""
        f = invoice_file.c
        row = (
            await self._connection.execute(select(f.kind, f.content).where(f.order_id == order_id, f.state == "stored"))
        ).first()
        return None if row is None else InvoiceFile(FileKind(row.kind), row.content)

    async def want_again(self, order_ids: Sequence[OrderId]) -> None:
        """A person says that the files can be had after all."""
        f = invoice_file.c
        await self._connection.execute(
            update(invoice_file)
            .where(f.order_id.in_(order_ids), f.state.in_(("lost", "spent")))
            .values(state="wanted", tries=0, why="", next_at=to_ms(self._now))
        )

    async def let_go(self, order_ids: Sequence[OrderId]) -> None:
        """The centre has these invoices: their bytes go, unless another application still needs them."""
        f, k, a = invoice_file.c, application_link.c, application.c
        needed = (
            select(k.order_id)
            .join(application, a.id == k.application_id)
            .where(k.order_id.in_(order_ids), k.cancelled_at.is_(None), a.state.in_(("waiting", "owed", "held")))
        )
        await self._connection.execute(
            update(invoice_file)
            .where(f.order_id.in_(order_ids), f.order_id.not_in(needed), f.state != "spent")
            .values(state="spent", content=None)
        )
