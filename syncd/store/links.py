"""Which orders end which application: linked, taken back, withdrawn by the buyer; and what was returned for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.domain.application import Standing
from syncd.domain.centre import ApplyId
from syncd.domain.invoice import BlueRef, Colour, Invoice
from syncd.domain.lifecycle import Phase, State
from syncd.domain.order import MerchantName, OrderNo
from syncd.store.applications import NEVER, ApplicationId
from syncd.store.dialect import upsert
from syncd.store.instants import from_ms, to_ms
from syncd.store.orders import OrderId
from syncd.store.schema import (
    application,
    application_link,
    invoice,
    invoice_file,
    invoice_order,
    request,
    submission,
    upload,
)
from syncd.store.submissions import invoices_of


@dataclass(frozen=True, slots=True)
class Leg:
    """One order linked to an application, as far as telling the centre needs it.

    `file` is how its file stands; `reversed`: a red invoice of ours cancels its own, in part at least.
    """

    order_id: OrderId
    no: OrderNo
    state: State
    phase: Phase
    payer_name: str
    payer_tax_no: str
    refusal: str
    invoice: Invoice | None
    file: str = ""
    file_why: str = ""
    file_tries: int = 0
    cancelled: bool = False
    source: str = ""
    reversed: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """One return of an invoice. `taken` None: nobody knows whether it arrived."""

    number: str
    sent_at: datetime
    taken: bool | None
    code: str = ""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """An application to be known from now on."""

    sid: str
    merchant: MerchantName
    apply_id: ApplyId
    source: str
    platform_code: str = ""
    platform_tid: str = ""
    noticed_at: datetime | None = None


class Links:
    """The tables that join applications, orders and returned invoices, inside one transaction."""

    def __init__(self, connection: AsyncConnection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    # -- applications and their orders -----------------------------------------------------------------------------

    async def meet(self, new: Newcomer) -> tuple[ApplicationId, bool]:
        """Know an application from now on; whether it is new. What was not known of its trade is filled in."""
        t = application.c
        row = (
            await self._connection.execute(
                select(t.id, t.platform_tid).where(t.sid == new.sid, t.apply_id == new.apply_id)
            )
        ).first()
        told = {"platform_code": new.platform_code, "platform_tid": new.platform_tid}
        if row is not None:
            if new.platform_tid and not row.platform_tid:
                noticed_at = to_ms(new.noticed_at)
                await self._connection.execute(
                    update(application).where(t.id == row.id).values(**told, noticed_at=noticed_at)
                )
            return ApplicationId(row.id), False
        added = await self._connection.execute(
            insert(application)
            .values(
                sid=new.sid,
                merchant=new.merchant,
                apply_id=new.apply_id,
                source=new.source,
                **told,
                noticed_at=to_ms(new.noticed_at),
                seen_at=to_ms(self._now),
                state=Standing.WAITING,
                next_at=NEVER,
                changed_at=to_ms(self._now),
            )
            .returning(t.id)
        )
        return ApplicationId(added.scalar_one()), True

    async def add(self, application_id: ApplicationId, order_id: OrderId, source: str) -> bool:
        """Link an order; False where it is linked already. A link that the buyer's withdrawal ended stays ended."""
        values = {"application_id": application_id, "order_id": order_id, "source": source, "at": to_ms(self._now)}
        added = await self._connection.execute(
            upsert(self._connection, application_link)
            .values(**values)
            .on_conflict_do_nothing()
            .returning(application_link.c.order_id)
        )
        return added.first() is not None

    async def remove(self, application_id: ApplicationId, order_id: OrderId) -> bool:
        """Take a link back; False where there is none."""
        k = application_link.c
        gone = await self._connection.execute(
            delete(application_link).where(k.application_id == application_id, k.order_id == order_id)
        )
        return gone.rowcount == 1

    async def forget(self, application_id: ApplicationId) -> bool:
        """Drop an application that nothing but a person's links had made known, once none is left; whether it was."""
        t, k, u = application.c, application_link.c, upload.c
        linked = select(k.application_id).where(k.application_id == application_id)
        returned = select(u.application_id).where(u.application_id == application_id)
        gone = await self._connection.execute(
            delete(application).where(
                t.id == application_id,
                t.source.in_(("operator", "csv")),
                t.state == Standing.WAITING,
                t.platform_tid == "",
                t.said == "",
                ~linked.exists(),
                ~returned.exists(),
            )
        )
        return gone.rowcount == 1

    async def cancel(self, application_id: ApplicationId) -> None:
        """The buyer withdrew: its links end here, and stay to be told."""
        k = application_link.c
        await self._connection.execute(
            update(application_link)
            .where(k.application_id == application_id, k.cancelled_at.is_(None))
            .values(cancelled_at=to_ms(self._now))
        )

    async def orders_of(self, ids: Sequence[ApplicationId]) -> dict[ApplicationId, list[tuple[OrderNo, str]]]:
        """The numbers and states of the orders linked to each application."""
        k, o = application_link.c, invoice_order.c
        rows = await self._connection.execute(
            select(k.application_id, o.no, o.state)
            .join(invoice_order, o.id == k.order_id)
            .where(k.application_id.in_(ids))
            .order_by(o.no)
        )
        found: dict[ApplicationId, list[tuple[OrderNo, str]]] = {}
        for application_id, no, state in rows:
            found.setdefault(ApplicationId(application_id), []).append((OrderNo(no), state))
        return found

    async def legs(self, application_id: ApplicationId) -> list[Leg]:
        """Every order ever linked to an application, by number, with its invoice and how its file stands."""
        k, o, f = application_link.c, invoice_order.c, invoice_file.c
        rows = (
            await self._connection.execute(
                select(
                    *(o.id, o.no, o.state, o.phase, o.payer_name, o.refusal_code, o.refusal_text),
                    *(
                        f.state.label("file"),
                        f.why.label("file_why"),
                        f.tries.label("file_tries"),
                        k.cancelled_at,
                        k.source,
                    ),
                )
                .select_from(application_link)
                .join(invoice_order, o.id == k.order_id)
                .outerjoin(invoice_file, f.order_id == o.id)
                .where(k.application_id == application_id)
                .order_by(o.no)
            )
        ).all()
        ids = [OrderId(row.id) for row in rows]
        all_invoices = await invoices_of(self._connection, ids)
        invoices = {order_id: found[-1] for order_id, found in all_invoices.items() if found}
        cancelled = await self._reversed(invoices.values())
        buyers = await self._buyers(ids)
        return [
            Leg(
                order_id=OrderId(row.id),
                no=OrderNo(row.no),
                state=State(row.state),
                phase=Phase(row.phase),
                payer_name=row.payer_name,
                payer_tax_no=buyers.get(OrderId(row.id), ""),
                refusal=": ".join(part for part in (row.refusal_code, row.refusal_text) if part),
                invoice=invoices.get(OrderId(row.id)),
                file=row.file or "",
                file_why=row.file_why or "",
                file_tries=row.file_tries or 0,
                cancelled=row.cancelled_at is not None,
                source=row.source,
                reversed=_blue(invoices.get(OrderId(row.id))) in cancelled,
            )
            for row in rows
        ]

    async def _reversed(self, invoices: Iterable[Invoice]) -> set[str]:
        """Which of these invoices a red one that is recorded cancels, as `BlueRef` writes them."""
        o, i = invoice_order.c, invoice.c
        rows = await self._connection.execute(
            select(o.red_of)
            .join(invoice, i.order_id == o.id)
            .where(o.red_of.in_([_blue(one) for one in invoices]), i.colour == Colour.RED)
        )
        return set(rows.scalars())

    async def _buyers(self, ids: Sequence[OrderId]) -> dict[OrderId, str]:
        """The buyer's tax number that each order's newest request asked for."""
        s, r = submission.c, request.c
        rows = await self._connection.execute(
            select(s.order_id, r.buyer_tax_no)
            .join(request, r.submission_id == s.id)
            .where(s.order_id.in_(ids))
            .order_by(s.generation, r.revision)
        )
        return {OrderId(order_id): tax_no for order_id, tax_no in rows}

    # -- returned invoices -----------------------------------------------------------------------------------------

    async def returning(self, application_id: ApplicationId, leg: Leg, round_no: int) -> int:
        """An invoice is about to be returned: from now on it may have arrived."""
        assert leg.invoice is not None
        added = await self._connection.execute(
            insert(upload)
            .values(
                application_id=application_id,
                order_id=leg.order_id,
                number=leg.invoice.number,
                code=leg.invoice.code,
                round=round_no,
                sent_at=to_ms(self._now),
            )
            .returning(upload.c.id)
        )
        return int(added.scalar_one())

    async def returned(self, upload_id: int, *, taken: bool) -> None:
        """The centre answered."""
        await self._connection.execute(
            update(upload).where(upload.c.id == upload_id).values(answered_at=to_ms(self._now), taken=int(taken))
        )

    async def never_sent(self, upload_id: int) -> None:
        """Not one byte of it left: it was no attempt."""
        await self._connection.execute(delete(upload).where(upload.c.id == upload_id))

    async def attempts(self, application_id: ApplicationId, since: datetime | None) -> list[Attempt]:
        """Every return for an application since a person last had a say, oldest first."""
        u = upload.c
        rows = await self._connection.execute(
            select(u.number, u.sent_at, u.taken, u.code)
            .where(u.application_id == application_id, u.sent_at >= (to_ms(since) or 0))
            .order_by(u.id)
        )
        return [
            Attempt(number, from_ms(sent_at), None if taken is None else bool(taken), code)
            for number, sent_at, taken, code in rows
        ]

    async def has_returned(self, application_id: ApplicationId) -> bool:
        """Whether an invoice was ever returned for it."""
        found = await self._connection.scalar(
            select(func.count()).where(upload.c.application_id == application_id).limit(1)
        )
        return bool(found)


def _blue(found: Invoice | None) -> str:
    return "" if found is None else str(BlueRef(found.number, found.code))
