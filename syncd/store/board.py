"""What people and gauges want to know, counted by the database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Select, and_, func, not_, or_, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.domain.lifecycle import Hold, Phase, State
from syncd.store.applications import FOR_A_FILE, NEVER
from syncd.store.instants import from_ms, to_ms
from syncd.store.orders import OrderId, OrderView
from syncd.store.schema import (
    application,
    application_link,
    debt,
    invoice,
    invoice_file,
    invoice_order,
    quarantine,
    token,
)

#: In the very words of the partial index: only then may the database know that it holds them all.
_OPEN_DEBTS = text("debt.state IN ('owed', 'sent')")


class Board:
    """Read-only questions, inside one transaction."""

    def __init__(self, connection: AsyncConnection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def by_state(self) -> dict[tuple[str, State], int]:
        """How many orders per merchant and state."""
        t = invoice_order.c
        rows = await self._connection.execute(
            select(t.merchant, t.state, func.count()).group_by(t.merchant, t.state).order_by(t.merchant, t.state)
        )
        return {(merchant, State(state)): int(count) for merchant, state, count in rows}

    async def by_hold(self) -> dict[tuple[str, str], int]:
        """How many held orders per merchant and reason."""
        t = invoice_order.c
        rows = await self._connection.execute(
            select(t.merchant, t.hold, func.count()).where(t.state == State.HOLD).group_by(t.merchant, t.hold)
        )
        return {(merchant, hold): int(count) for merchant, hold, count in rows}

    async def oldest(self) -> dict[tuple[str, State], datetime]:
        """Since when the oldest order of each unfinished state has been in it."""
        t = invoice_order.c
        rows = await self._connection.execute(
            select(t.merchant, t.state, func.min(t.changed_at))
            .where(t.state.in_((State.PENDING, State.INTENT, State.ISSUED, State.FAILED, State.HOLD)))
            .group_by(t.merchant, t.state)
        )
        return {(merchant, State(state)): from_ms(at) for merchant, state, at in rows}

    async def oldest_unknown(self) -> dict[str, datetime]:
        """Per merchant, since when the oldest outcome has been unknown."""
        t = invoice_order.c
        rows = await self._connection.execute(
            select(t.merchant, func.min(t.sent_at))
            .where(t.state == State.INTENT, t.phase.in_((Phase.UNKNOWN, Phase.SENT)), t.sent_at.is_not(None))
            .group_by(t.merchant)
        )
        return {merchant: from_ms(at) for merchant, at in rows}

    async def debts(self) -> dict[str, int]:
        """Open debts per target."""
        rows = await self._connection.execute(
            select(debt.c.target, func.count()).where(_OPEN_DEBTS).group_by(debt.c.target)
        )
        return {target: int(count) for target, count in rows}

    async def oldest_debts(self) -> dict[str, datetime]:
        """Per target, since when the oldest open debt has been owed."""
        rows = await self._connection.execute(
            select(debt.c.target, func.min(debt.c.owed_at)).where(_OPEN_DEBTS).group_by(debt.c.target)
        )
        return {target: from_ms(at) for target, at in rows}

    async def second_invoices(self) -> dict[str, tuple[int, datetime]]:
        """Per merchant, how many orders are held because two invoices of them exist, and since when the oldest is."""
        t = invoice_order.c
        rows = await self._connection.execute(
            select(t.merchant, t.changed_at, t.hold_facts)
            .where(t.state == State.HOLD, t.hold == Hold.SPLIT_INVOICES)
            .order_by(t.changed_at.desc())
        )
        found: dict[str, tuple[int, datetime]] = {}
        for merchant, at, facts in rows:
            if orjson.loads(facts).get("code") == "second_invoice":
                found[merchant] = found.get(merchant, (0, None))[0] + 1, from_ms(at)
        return found

    async def set_aside(self) -> dict[str, tuple[int, datetime]]:
        """Per merchant, how many rows were set aside unread, and when the newest of them was first met."""
        t = quarantine.c
        rows = await self._connection.execute(
            select(t.merchant, func.count(), func.max(t.first_seen_at)).group_by(t.merchant)
        )
        return {merchant: (int(count), from_ms(at)) for merchant, count, at in rows}

    async def credentials(self) -> dict[str, datetime]:
        """Per issuer account, when the stored token expires; none for one that does not say."""
        rows = await self._connection.execute(
            select(token.c.issuer, token.c.expires_at).where(token.c.expires_at.is_not(None))
        )
        return {issuer: from_ms(at) for issuer, at in rows}

    async def quarantined(self) -> int:
        """Rows that could not even be named."""
        return int(await self._connection.scalar(select(func.count()).select_from(quarantine)) or 0)

    async def unsettled(self) -> dict[str, int]:
        """Per merchant, orders with something still to be done without a person: pending, in flight, owed to WDT."""
        t = invoice_order.c
        rows = await self._connection.execute(
            select(t.merchant, func.count())
            .where(t.state.in_((State.PENDING, State.INTENT, State.ISSUED, State.FAILED)))
            .group_by(t.merchant)
        )
        return {merchant: int(count) for merchant, count in rows}

    async def later_reds(self, after: datetime) -> dict[str, tuple[int, datetime]]:
        """Per merchant, unsettled red orders with nothing to be done up to `after`: how many, and the next instant.

        They wait for a buyer who has days, or for a blue invoice. Nothing else that is unsettled may be put off.
        """
        t = invoice_order.c
        waits = or_(
            and_(t.state == State.INTENT, t.phase == Phase.WAITING_BUYER),
            and_(t.state == State.PENDING, t.phase == Phase.WAITING_BLUE),
        )
        rows = await self._connection.execute(
            select(t.merchant, func.count(), func.min(t.next_at))
            .where(waits, t.next_at > to_ms(after))
            .group_by(t.merchant)
        )
        return {merchant: (int(count), from_ms(at)) for merchant, count, at in rows}

    async def later_applications(self, after: datetime) -> dict[str, tuple[int, datetime]]:
        """The same of applications; one that waits for a file has something to be done when the file has."""
        t, k, f = application.c, application_link.c, invoice_file.c
        file_comes = (
            select(f.order_id)
            .join(application_link, k.order_id == f.order_id)
            .where(k.application_id == t.id, f.state == "wanted", f.next_at <= to_ms(after))
            .exists()
        )
        rows = await self._connection.execute(
            select(t.merchant, func.count(), func.min(t.next_at))
            .where(text("application.state <> 'held'"), t.next_at > to_ms(after), t.next_at < NEVER)
            .where(not_(and_(t.answer == FOR_A_FILE, file_comes)))
            .group_by(t.merchant)
        )
        return {merchant: (int(count), from_ms(at)) for merchant, count, at in rows}

    async def orders(
        self, *, state: State | None = None, merchant: str | None = None, limit: int | None = None
    ) -> list[OrderView]:
        """Orders as `orders list` shows them, newest change first."""
        t = invoice_order.c
        query: Select[Any] = select(invoice_order).order_by(t.changed_at.desc(), t.id.desc())
        if state is not None:
            query = query.where(t.state == state)
        if merchant is not None:
            query = query.where(t.merchant == merchant)
        if limit is not None:
            query = query.limit(limit)
        return [OrderView(row) for row in await self._connection.execute(query)]

    async def numbers(self, ids: list[OrderId]) -> dict[OrderId, str]:
        """The invoice number of each order that has one."""

        found: dict[OrderId, str] = {}
        for start in range(0, len(ids), 500):
            rows = await self._connection.execute(
                select(invoice.c.order_id, invoice.c.number).where(invoice.c.order_id.in_(ids[start : start + 500]))
            )
            found.update({OrderId(order_id): number for order_id, number in rows})
        return found
