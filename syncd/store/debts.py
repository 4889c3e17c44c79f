"""The outbox: what is owed to an outside party, written with the fact that creates it, paid only on proof."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.domain.order import MerchantName
from syncd.store.instants import from_ms, to_ms
from syncd.store.orders import OrderId
from syncd.store.schema import debt

#: What WDT can be owed: a number, or the reason why there is none.
ISSUED, FAILED = "60", "85"
#: After this many looks at a page that did not show it, the order is read by its number.
CLOSE_LOOK = 2


#: A debt that a command has voided meanwhile stays void, whatever a late answer says.
_OPEN = debt.c.state.in_(("owed", "sent"))


@dataclass(frozen=True, slots=True)
class Debt:
    """One open debt. `sent_at` is set before the call that may pay it; only a later sighting proves that it did."""

    id: int
    order_id: OrderId
    merchant: MerchantName
    target: str
    kind: str
    state: str
    text: str
    tries: int
    looks: int
    next_at: datetime
    owed_at: datetime
    sent_at: datetime | None


class Debts:
    """The debt table, inside one transaction."""

    def __init__(self, connection: AsyncConnection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def owe(
        self, order_id: OrderId, merchant: MerchantName, *, kind: str, generation: int, revision: int, text: str = ""
    ) -> None:
        """Owe WDT the end of this order; what was owed before it is void. Owing the same twice is owing it once."""
        await self._void(order_id)
        known = await self._connection.execute(
            select(debt.c.id).where(
                debt.c.order_id == order_id,
                debt.c.target == "wdt",
                debt.c.kind == kind,
                debt.c.generation == generation,
                debt.c.revision == revision,
            )
        )
        now = to_ms(self._now)
        fresh = {"state": "owed", "text": text, "tries": 0, "looks": 0, "next_at": now, "owed_at": now}
        row = known.first()
        if row is not None:
            await self._connection.execute(
                update(debt).where(debt.c.id == row.id).values(sent_at=None, settled_at=None, **fresh)
            )
            return
        await self._connection.execute(
            insert(debt).values(
                order_id=order_id,
                merchant=merchant,
                target="wdt",
                kind=kind,
                generation=generation,
                revision=revision,
                **fresh,
            )
        )

    async def _void(self, order_id: OrderId) -> None:
        await self._connection.execute(
            update(debt)
            .where(debt.c.order_id == order_id, debt.c.target == "wdt", _OPEN)
            .values(state="void", settled_at=to_ms(self._now))
        )

    async def void(self, order_id: OrderId) -> None:
        """Nothing is owed for this order any more."""
        await self._void(order_id)

    async def due(self, merchant: MerchantName, state: str, limit: int) -> list[Debt]:
        """Open debts to WDT in `state` (owed or sent) whose time has come, longest waiting first."""
        rows = await self._connection.execute(
            select(debt)
            .where(
                debt.c.target == "wdt",
                debt.c.merchant == merchant,
                text("debt.state IN ('owed', 'sent')"),  # the words of the partial index
                debt.c.state == state,
                debt.c.next_at <= to_ms(self._now),
            )
            .order_by(debt.c.next_at, debt.c.id)
            .limit(limit)
        )
        return [
            Debt(
                id=row.id,
                order_id=OrderId(row.order_id),
                merchant=MerchantName(row.merchant),
                target=row.target,
                kind=row.kind,
                state=row.state,
                text=row.text,
                tries=row.tries,
                looks=row.looks,
                next_at=from_ms(row.next_at),
                owed_at=from_ms(row.owed_at),
                sent_at=from_ms(row.sent_at),
            )
            for row in rows
        ]

    async def mark_sent(self, ids: Sequence[int], look_at: datetime) -> set[int]:
        """About to be sent: from now on it may have been applied. Proof is looked for from `look_at`.

        Returns the debts that are still open; what was voided meanwhile is not to be sent.
        """
        marked = await self._connection.execute(
            update(debt)
            .where(debt.c.id.in_(ids), _OPEN)
            .values(state="sent", tries=debt.c.tries + 1, looks=0, sent_at=to_ms(self._now), next_at=to_ms(look_at))
            .returning(debt.c.id)
        )
        return set(marked.scalars())

    async def look_again(self, ids: Sequence[int], look_at: datetime) -> None:
        """Not proven by this look; look again at `look_at`."""
        await self._connection.execute(
            update(debt).where(debt.c.id.in_(ids), _OPEN).values(looks=debt.c.looks + 1, next_at=to_ms(look_at))
        )

    async def doubt(self, ids: Sequence[int]) -> None:
        """WDT said no to these: only a read by number can tell; look now, and look that closely."""
        await self._connection.execute(
            update(debt).where(debt.c.id.in_(ids), _OPEN).values(looks=CLOSE_LOOK, next_at=to_ms(self._now))
        )

    async def sent_now(self, ids: Sequence[int], look_at: datetime) -> None:
        """The call has returned: only what is seen from now on tells whether it was applied."""
        await self._connection.execute(
            update(debt).where(debt.c.id.in_(ids), _OPEN).values(sent_at=to_ms(self._now), next_at=to_ms(look_at))
        )

    async def owe_again(self, ids: Sequence[int], at: datetime) -> None:
        """Proven not to be applied: to be sent again at `at`."""
        await self._connection.execute(
            update(debt).where(debt.c.id.in_(ids), _OPEN).values(state="owed", next_at=to_ms(at))
        )

    async def postpone(self, ids: Sequence[int], at: datetime) -> None:
        """Nothing can be done about these before `at`."""
        await self._connection.execute(update(debt).where(debt.c.id.in_(ids), _OPEN).values(next_at=to_ms(at)))

    async def paid(self, debt_id: int) -> None:
        """A sighting proved it."""
        await self._connection.execute(
            update(debt).where(debt.c.id == debt_id, _OPEN).values(state="paid", settled_at=to_ms(self._now))
        )

    async def wake(self, order_id: OrderId) -> None:
        """Look at this order's open debt now."""
        await self._connection.execute(
            update(debt).where(debt.c.order_id == order_id, _OPEN).values(next_at=to_ms(self._now))
        )
