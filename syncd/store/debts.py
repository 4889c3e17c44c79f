"""The outbox: what is owed to an outside party, written with the fact that creates it, paid only on proof."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.domain.order import MerchantName
from syncd.store.instants import from_ms, to_ms
from syncd.store.orders import OrderId
from syncd.store.schema import debt
from syncd.store.together import Together

#: What WDT can be owed: a number, or the reason why there is none.
ISSUED, FAILED = "60", "85"
#: After this many looks at a page that did not show it, the order is read by its number.
CLOSE_LOOK = 2


#: A debt that a command has voided meanwhile stays void, whatever a late answer says.
_OPEN = text("debt.state IN ('owed', 'sent')")

#: What runs for every order is built once.
_OWE = text("""
INSERT INTO debt (order_id, merchant, target, kind, generation, revision, state, text, tries, looks, next_at, owed_at)
VALUES (:order_id, :merchant, 'wdt', :kind, :generation, :revision, 'owed', :text, 0, 0, :now, :now)
ON CONFLICT (order_id, target, kind, generation, revision) DO UPDATE SET state = 'owed', text = excluded.text,
  tries = 0, looks = 0, next_at = excluded.next_at, owed_at = excluded.owed_at, sent_at = NULL, settled_at = NULL
""")
_VOID = (
    update(debt)
    .where(debt.c.order_id == bindparam("of_order"), debt.c.target == "wdt", _OPEN)
    .values(state="void", settled_at=bindparam("at"))
)
_PAID = update(debt).where(debt.c.id == bindparam("k_id"), _OPEN).values(state="paid", settled_at=bindparam("at"))
_WAKE = update(debt).where(debt.c.order_id == bindparam("of_order"), _OPEN).values(next_at=bindparam("at"))
_LOOK = (
    update(debt)
    .where(debt.c.id == bindparam("k_id"), _OPEN)
    .values(looks=debt.c.looks + 1, next_at=bindparam("look_at"))
)


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

    def __init__(self, connection: AsyncConnection, now: datetime, together: Together) -> None:
        self._connection = connection
        self._now = now
        self._together = together

    async def owe(
        self, order_id: OrderId, merchant: MerchantName, *, kind: str, generation: int, revision: int, text: str = ""
    ) -> None:
        """Owe WDT the end of this order; what was owed before it is void. Owing the same twice is owing it once."""
        self._void(order_id)
        self._together.add(
            order_id,
            _OWE,
            {
                "order_id": order_id,
                "merchant": merchant,
                "kind": kind,
                "generation": generation,
                "revision": revision,
                "text": text,
                "now": to_ms(self._now),
            },
        )

    def _void(self, order_id: OrderId) -> None:
        self._together.add(order_id, _VOID, {"of_order": order_id, "at": to_ms(self._now)})

    async def void(self, order_id: OrderId) -> None:
        """Nothing is owed for this order any more."""
        self._void(order_id)

    async def due(self, merchant: MerchantName, state: str, limit: int) -> list[Debt]:
        """Open debts to WDT in `state` (owed or sent) whose time has come, longest waiting first."""
        rows = await self._connection.execute(
            select(debt)
            .where(
                debt.c.target == "wdt",
                debt.c.merchant == merchant,
                _OPEN,  # the words of the partial index
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

    async def look_again(self, owed: Debt, look_at: datetime) -> None:
        """Not proven by this look; look again at `look_at`."""
        self._together.add(owed.order_id, _LOOK, {"k_id": owed.id, "look_at": to_ms(look_at)})

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

    async def postpone_of(self, order_id: OrderId, at: datetime) -> None:
        """Nothing can be done about what this order owes before `at`."""
        await self._connection.execute(update(debt).where(debt.c.order_id == order_id, _OPEN).values(next_at=to_ms(at)))

    async def next_due(self, merchant: MerchantName) -> datetime | None:
        """When something owed to WDT is to be sent or looked after next; None when nothing is owed."""
        found = await self._connection.scalar(
            select(debt.c.next_at)
            .where(
                debt.c.target == "wdt",
                debt.c.merchant == merchant,
                _OPEN,  # the words of the partial index
            )
            .order_by(debt.c.next_at)
            .limit(1)
        )
        return None if found is None else from_ms(found)

    async def paid(self, owed: Debt) -> None:
        """A sighting proved it."""
        self._together.add(owed.order_id, _PAID, {"k_id": owed.id, "at": to_ms(self._now)})

    async def wake(self, order_id: OrderId) -> None:
        """Look at this order's open debt now."""
        self._together.add(order_id, _WAKE, {"of_order": order_id, "at": to_ms(self._now)})
