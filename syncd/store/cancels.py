"""What is owed to buyers' wallets: the card of an invoice that was reversed is to say so.

Debts like those to WDT (target 'wallet', kind 'cancel'): written with the fact that creates them, paid only on proof.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.domain.order import MerchantName
from syncd.store.instants import from_ms, to_ms
from syncd.store.orders import OrderId
from syncd.store.schema import debt

_WALLET = debt.c.target == "wallet"
_OPEN = text("debt.state IN ('owed', 'sent')")  # the words of the partial index
_OWE = text("""
INSERT INTO debt (order_id, merchant, target, kind, generation, revision, state, text, tries, looks, next_at, owed_at)
VALUES (:order_id, :merchant, 'wallet', 'cancel', 0, :card, 'owed', '', 0, 0, :now, :now)
ON CONFLICT (order_id, target, kind, generation, revision) DO NOTHING
""")


@dataclass(frozen=True, slots=True)
class Cancel:
    """One open debt: the card in row `card` is to be set to CANCEL, because the red of `order_id` has its number."""

    id: int
    order_id: OrderId
    merchant: MerchantName
    card: int
    state: str
    tries: int
    looks: int
    next_at: datetime
    owed_at: datetime


class Cancels:
    """The wallet's rows of the debt table, inside one transaction."""

    def __init__(self, connection: AsyncConnection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def owe(self, order_id: OrderId, merchant: MerchantName, card: int) -> bool:
        """Owe the card its end, once for each red order and card whatever becomes of it; False when it is not new."""
        known = await self._connection.scalar(
            select(debt.c.id).where(_WALLET, debt.c.kind == "cancel", debt.c.revision == card, debt.c.state != "void")
        )
        if known is not None:  # once per card
            return False
        now = to_ms(self._now)
        added = await self._connection.execute(
            _OWE, {"order_id": order_id, "merchant": merchant, "card": card, "now": now}
        )
        return added.rowcount == 1

    async def due(self, merchant: str, limit: int) -> list[Cancel]:
        """Open debts whose time has come, the longest waiting first."""
        rows = await self._connection.execute(
            select(debt)
            .where(_WALLET, _OPEN, debt.c.merchant == merchant, debt.c.next_at <= to_ms(self._now))
            .order_by(debt.c.next_at, debt.c.id)
            .limit(limit)
        )
        return [
            Cancel(
                id=row.id,
                order_id=OrderId(row.order_id),
                merchant=MerchantName(row.merchant),
                card=row.revision,
                state=row.state,
                tries=row.tries,
                looks=row.looks,
                next_at=from_ms(row.next_at),
                owed_at=from_ms(row.owed_at),
            )
            for row in rows
        ]

    async def next_due(self, merchant: str) -> datetime | None:
        """When something is to be done next; None when nothing is owed."""
        found = await self._connection.scalar(
            select(debt.c.next_at).where(_WALLET, _OPEN, debt.c.merchant == merchant).order_by(debt.c.next_at).limit(1)
        )
        return None if found is None else from_ms(found)

    async def pressing(self, within: timedelta) -> set[str]:
        """The merchants that owe something to be done `within` this time."""
        rows = await self._connection.execute(
            select(debt.c.merchant).where(_WALLET, _OPEN, debt.c.next_at <= to_ms(self._now + within)).distinct()
        )
        return set(rows.scalars())

    async def sending(self, debt_id: int, look_at: datetime) -> bool:
        """About to be said: from now on it may have been done. False when it is owed no more."""
        marked = await self._connection.execute(
            update(debt)
            .where(debt.c.id == debt_id, debt.c.state.in_(("owed", "sent")))
            .values(state="sent", tries=debt.c.tries + 1, sent_at=to_ms(self._now), next_at=to_ms(look_at))
        )
        return marked.rowcount == 1

    async def again_at(self, debt_id: int, at: datetime) -> None:
        """Nothing can be done about it before `at`."""
        await self._set(debt_id, next_at=to_ms(at), looks=debt.c.looks + 1)

    async def paid(self, debt_id: int) -> None:
        """The card shows it."""
        await self._set(debt_id, state="paid", settled_at=to_ms(self._now))

    async def give_up(self, debt_id: int, why: str) -> None:
        """It cannot be done from here; people were told."""
        await self._set(debt_id, state="void", text=why[:200], settled_at=to_ms(self._now))

    async def _set(self, debt_id: int, **values: object) -> None:
        await self._connection.execute(
            update(debt).where(debt.c.id == debt_id, debt.c.state.in_(("owed", "sent"))).values(**values)
        )
