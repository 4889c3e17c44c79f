"""Read-only questions that only people ask: everything about one order, and numbers near a mistyped one."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.store.instants import from_ms
from syncd.store.orders import OrderId
from syncd.store.schema import debt, invoice_order, quarantine, request, submission

#: How many numbers with a common beginning are compared.
_MOST_CANDIDATES = 500


@dataclass(frozen=True, slots=True)
class Submitted:
    """One generation of an order: its key, and how many versions of the bytes were frozen for it."""

    generation: int
    key: str
    issuer: str
    revisions: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DebtView:
    """One debt as people see it, open or settled."""

    target: str
    kind: str
    state: str
    tries: int
    next_at: datetime
    owed_at: datetime
    sent_at: datetime | None
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A row that could not be named, without its bytes."""

    merchant: str
    reason: str
    first_seen_at: datetime
    seen_at: datetime


class Dossier:
    """Looks things up inside one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def submissions(self, order_id: OrderId) -> list[Submitted]:
        """Every generation of an order, first to last."""
        s, r = submission.c, request.c
        rows = await self._connection.execute(
            select(s.generation, s.key, s.issuer, s.created_at, func.count(r.revision))
            .select_from(submission.join(request, r.submission_id == s.id))
            .where(s.order_id == order_id)
            .group_by(s.id)
            .order_by(s.generation)
        )
        return [
            Submitted(generation, key, issuer, int(revisions), from_ms(created))
            for generation, key, issuer, created, revisions in rows
        ]

    async def debts(self, order_id: OrderId) -> list[DebtView]:
        """Every debt of an order, first to last."""
        rows = await self._connection.execute(select(debt).where(debt.c.order_id == order_id).order_by(debt.c.id))
        return [
            DebtView(
                target=row.target,
                kind=row.kind,
                state=row.state,
                tries=row.tries,
                next_at=from_ms(row.next_at),
                owed_at=from_ms(row.owed_at),
                sent_at=from_ms(row.sent_at),
                settled_at=from_ms(row.settled_at),
            )
            for row in rows
        ]

    async def unreadable(self, limit: int) -> list[Unreadable]:
        """Rows set aside because they could not be named, newest first."""
        q = quarantine.c
        rows = await self._connection.execute(
            select(q.merchant, q.reason, q.first_seen_at, q.seen_at).order_by(q.id.desc()).limit(limit)
        )
        return [Unreadable(m, reason, from_ms(first), from_ms(last)) for m, reason, first, last in rows]

    async def near(self, no: str, most: int = 3) -> list[str]:
        """Order numbers that look like `no`: with it inside, or with a long common beginning."""
        t = invoice_order.c
        if not no:
            return []
        inside = await self._connection.scalars(select(t.no).where(t.no.icontains(no, autoescape=True)).limit(most))
        found = list(dict.fromkeys(inside))
        if found:
            return found
        for length in dict.fromkeys((len(no) - 1, len(no) - 2, len(no) - 3, len(no) // 2)):
            if length < 2:
                break
            begins = t.no.istartswith(no[:length], autoescape=True)
            some = await self._connection.scalars(select(t.no).where(begins).distinct().limit(_MOST_CANDIDATES))
            near = difflib.get_close_matches(no, list(some), n=most)
            if near:
                return near
        return []
