"""The outbox: what is owed to an outside party, written with the fact that creates it, paid only on proof."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Select, Update, bindparam, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.domain.order import MerchantName, OrderNo
from syncd.store import question
from syncd.store.instants import from_ms, to_ms
from syncd.store.orders import OrderId
from syncd.store.question import Among
from syncd.store.schema import debt, invoice_order
from syncd.store.together import Together

#: What WDT can be owed: a number, or the reason why there is none.
ISSUED, FAILED = "60", "85"
#: After this many looks at a page that did not show it, the order is read by its number.
CLOSE_LOOK = 2


class Debt(NamedTuple):
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


class Sought(NamedTuple):
    """A debt that was sent, and when its order was last seen at WDT."""

    id: int
    order_id: OrderId
    no: OrderNo
    looks: int
    owed_at: datetime
    sent_at: datetime
    seen_at: datetime


#: A debt that a command has voided meanwhile stays void, whatever a late answer says.
_OPEN = text("debt.state IN ('owed', 'sent')")
#: The same of debts that are named, in words to which the index of all open ones does not answer: PostgreSQL would
#: read the whole of that rather than look them up.
_UNSETTLED = text("debt.state NOT IN ('paid', 'void')")
_D, _O = debt.c, invoice_order.c
_THESE = (Among(_D.id, "ids"), _UNSETTLED)
#: A merchant's open debts to WDT, in the words of the partial index.
_OURS = (_D.target == "wdt", _D.merchant == bindparam("of_merchant"), _OPEN)

#: What runs for every order is built once.
_OWE = text("""
INSERT INTO debt (order_id, merchant, target, kind, generation, revision, state, text, tries, looks, next_at, owed_at)
VALUES (:order_id, :merchant, 'wdt', :kind, :generation, :revision, 'owed', :text, 0, 0, :now, :now)
ON CONFLICT (order_id, target, kind, generation, revision) DO UPDATE SET state = 'owed', text = excluded.text,
  tries = 0, looks = 0, next_at = excluded.next_at, owed_at = excluded.owed_at, sent_at = NULL, settled_at = NULL
""")
_VOID = (
    update(debt)
    .where(_D.order_id == bindparam("of_order"), _D.target == "wdt", _UNSETTLED)
    .values(state="void", settled_at=bindparam("at"))
)
_PAID = update(debt).where(_D.id == bindparam("k_id"), _UNSETTLED).values(state="paid", settled_at=bindparam("at"))
_WAKE = update(debt).where(_D.order_id == bindparam("of_order"), _UNSETTLED).values(next_at=bindparam("at"))
_LOOK = (
    update(debt).where(_D.id == bindparam("k_id"), _UNSETTLED).values(looks=_D.looks + 1, next_at=bindparam("look_at"))
)
_MARK_SENT = (
    update(debt)
    .where(*_THESE)
    .values(state="sent", tries=_D.tries + 1, looks=0, sent_at=bindparam("at"), next_at=bindparam("look_at"))
)
_SENT_NOW = update(debt).where(*_THESE).values(sent_at=bindparam("at"), next_at=bindparam("look_at"))
_CALLED_AT = update(debt).where(*_THESE).values(sent_at=bindparam("at"))
_DOUBT = update(debt).where(*_THESE).values(looks=CLOSE_LOOK, next_at=bindparam("at"))
_OWE_AGAIN = update(debt).where(*_THESE).values(state="owed", next_at=bindparam("at"))
_POSTPONE = update(debt).where(*_THESE).values(next_at=bindparam("at"))
_DEBT = select(*(_D[name] for name in Debt._fields))
_SENT = _DEBT.where(*_THESE, func.coalesce(_D.state, _D.state) == "sent").order_by(_D.id)
_NEXT_DUE = select(_D.next_at).where(*_OURS).order_by(_D.next_at).limit(1)
_NEXT_OWED = _NEXT_DUE.where(_D.state == "owed")


def _due(rows: Select[Any], state: str) -> Select[Any]:
    """Those in `state` whose time has come, longest waiting first."""
    due = rows.where(*_OURS, _D.state == state, _D.next_at <= bindparam("now"))
    return due.order_by(_D.next_at, _D.id).limit(bindparam("most", type_=BigInteger))


_DUE = {state: _due(_DEBT, state) for state in ("owed", "sent")}
_SOUGHT = _due(
    select(
        *(_D.id, _D.order_id, _O.no, _D.looks, _D.owed_at, func.coalesce(_D.sent_at, _D.owed_at), _O.seen_at)
    ).join_from(debt, invoice_order, _O.id == _D.order_id),
    "sent",
)
_LAST_SOUGHT = (
    select(_D.next_at)
    .where(*_OURS, _D.state == "sent", _D.next_at > bindparam("now"), _D.next_at <= bindparam("until"))
    .order_by(_D.next_at.desc())
    .limit(1)
)


class Debts:
    """The debt table, inside one transaction."""

    def __init__(self, connection: AsyncConnection, now: datetime, together: Together) -> None:
        self._connection = connection
        self._now = now
        self._together = together

    # -- what is owed ----------------------------------------------------------------------------------------------

    async def owe(
        self, order_id: OrderId, merchant: MerchantName, *, kind: str, generation: int, revision: int, text: str = ""
    ) -> None:
        """Owe WDT the end of this order; what was owed before it is void. Owing the same twice is owing it once."""
        await self.void(order_id)
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

    async def void(self, order_id: OrderId) -> None:
        """Nothing is owed for this order any more."""
        self._together.add(order_id, _VOID, {"of_order": order_id, "at": to_ms(self._now)})

    async def paid(self, owed: Debt) -> None:
        """A sighting proved it."""
        self._together.add(owed.order_id, _PAID, {"k_id": owed.id, "at": to_ms(self._now)})

    async def wake(self, order_id: OrderId) -> None:
        """Look at this order's open debt now."""
        self._together.add(order_id, _WAKE, {"of_order": order_id, "at": to_ms(self._now)})

    # -- choosing --------------------------------------------------------------------------------------------------

    async def due(self, merchant: MerchantName, state: str, limit: int) -> list[Debt]:
        """Open debts to WDT in `state` (owed or sent) whose time has come, longest waiting first."""
        whose = {"of_merchant": merchant, "now": to_ms(self._now), "most": limit}
        return [_debt(row) for row in await question.rows(self._connection, _DUE[state], **whose)]

    async def sent(self, ids: Iterable[int]) -> list[Debt]:
        """Those of these debts that were sent, and are neither settled nor to be sent again."""
        return [_debt(row) for row in await question.rows(self._connection, _SENT, ids=list(ids))]

    async def sought(self, merchant: MerchantName, limit: int) -> list[Sought]:
        """What was sent to WDT and is to be looked after now, longest waiting first."""
        whose = {"of_merchant": merchant, "now": to_ms(self._now), "most": limit}
        return [_sought(row) for row in await question.rows(self._connection, _SOUGHT, **whose)]

    async def last_sought(self, merchant: MerchantName, until: datetime) -> datetime | None:
        """When the last of what was sent to WDT, and comes due by then, is to be looked after; None: nothing does."""
        whose = {"of_merchant": merchant, "now": to_ms(self._now), "until": to_ms(until)}
        return await self._first(_LAST_SOUGHT, **whose)

    async def next_due(self, merchant: MerchantName) -> datetime | None:
        """When something owed to WDT is to be sent or looked after next; None when nothing is owed."""
        return await self._first(_NEXT_DUE, of_merchant=merchant)

    async def next_owed(self, merchant: MerchantName) -> datetime | None:
        """When something is to be sent to WDT next; None when nothing is."""
        return await self._first(_NEXT_OWED, of_merchant=merchant)

    async def _first(self, statement: Select[Any], **cells: Any) -> datetime | None:
        found: int | None = await question.first(self._connection, statement, **cells)
        return from_ms(found)

    # -- sending and looking ---------------------------------------------------------------------------------------

    async def mark_sent(self, ids: Sequence[int], look_at: datetime) -> None:
        """About to be sent: from now on it may have been applied. Proof is looked for from `look_at`.

        In the transaction that found them due: what was voided before is none of them.
        """
        await self._of(_MARK_SENT, ids, at=to_ms(self._now), look_at=to_ms(look_at))

    async def look_again(self, owed: Debt | Sought, look_at: datetime) -> None:
        """Not proven by this look; look again at `look_at`."""
        self._together.add(owed.order_id, _LOOK, {"k_id": owed.id, "look_at": to_ms(look_at)})

    async def doubt(self, ids: Sequence[int]) -> None:
        """WDT said no to these: only a read by number can tell; look now, and look that closely."""
        await self._of(_DOUBT, ids, at=to_ms(self._now))

    async def sent_now(self, ids: Sequence[int], look_at: datetime) -> None:
        """The call has returned: only what is seen from now on tells whether it was applied."""
        await self._of(_SENT_NOW, ids, at=to_ms(self._now), look_at=to_ms(look_at))

    async def called_at(self, ids: Sequence[int], at: datetime) -> None:
        """Nobody knows whether the call was heard: what was seen before it, or soon after, tells nothing of it."""
        await self._of(_CALLED_AT, ids, at=to_ms(at))

    async def owe_again(self, ids: Sequence[int], at: datetime) -> None:
        """Proven not to be applied: to be sent again at `at`."""
        await self._of(_OWE_AGAIN, ids, at=to_ms(at))

    async def postpone(self, ids: Sequence[int], at: datetime) -> None:
        """Nothing can be done about these before `at`."""
        await self._of(_POSTPONE, ids, at=to_ms(at))

    async def postpone_of(self, order_id: OrderId, at: datetime) -> None:
        """Nothing can be done about what this order owes before `at`."""
        await self._connection.execute(_WAKE, {"of_order": order_id, "at": to_ms(at)})

    async def _of(self, change: Update, ids: Sequence[int], **cells: Any) -> None:
        await question.rows(self._connection, change, ids=list(ids), **cells)


def _debt(row: Any) -> Debt:
    return Debt._make((*row[:9], from_ms(row[9]), from_ms(row[10]), from_ms(row[11])))


def _sought(row: Any) -> Sought:
    return Sought._make((*row[:4], from_ms(row[4]), from_ms(row[5]), from_ms(row[6])))
