"""What is owed to WDT, with what it takes to say it, and what becomes of it: written down in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog

from syncd.domain.invoice import Invoice
from syncd.domain.lifecycle import Event, Hold, Phase, State
from syncd.domain.retry import ask_again
from syncd.domain.texts import without_identifiers
from syncd.stages.write_back.plan import (
    LOCKED,
    Cancelled,
    Incident,
    Move,
    Paid,
    Postpone,
    Recheck,
    Send,
    final_no,
    next_move,
)
from syncd.store.debts import ISSUED, Debt
from syncd.store.instants import to_ms
from syncd.store.journal import Entry
from syncd.store.orders import OrderView, Stale
from syncd.store.store import Tx

log = structlog.get_logger("syncd.stages.write_back")

#: How soon the issuer is asked once more before a failure is told.
_RECHECKED_WITHIN = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class Owed:
    """A debt with the order it is about and the invoice it carries."""

    debt: Debt
    order: OrderView
    invoice: Invoice | None

    @property
    def sent_at(self) -> datetime:
        return self.debt.sent_at or self.debt.owed_at

    def move(self, now: datetime) -> Move:
        """What the newest sighting of the order means for the debt."""
        return next_move(self.debt, self.order, self.invoice, now)


async def load(tx: Tx, debts: Sequence[Debt]) -> list[Owed]:
    """Each of these debts with what it is about."""
    if not debts:
        return []
    orders = await tx.orders.by_ids(debt.order_id for debt in debts)
    invoices = await tx.submissions.invoices(orders)
    return [Owed(debt, orders[debt.order_id], invoices.get(debt.order_id, [None])[-1]) for debt in debts]


async def story(tx: Tx, owed: Owed) -> list[Entry]:
    """What was noted about this order since it is owed this."""
    return [entry for entry in await tx.journal.of(owed.order.id) if entry.at >= owed.debt.owed_at]


async def apply(tx: Tx, moves: Sequence[tuple[Owed, Move]], look_after: timedelta) -> None:
    """Write down what each move makes of its debt; an order that has moved meanwhile is looked at again `look_after`.

    All of them are of one merchant.
    """
    for owed, move in moves:
        try:
            await _apply(tx, owed, move)
        except Stale:
            await tx.debts.look_again(owed.debt, tx.now + look_after)
    paid = [owed for owed, move in moves if isinstance(move, Paid)]
    if paid:
        tx.tell(partial(log.info, "write_back.confirmed", merchant=paid[0].order.merchant, documents=len(paid)))


async def _apply(tx: Tx, owed: Owed, move: Move) -> None:
    debt, order = owed.debt, owed.order
    if order.state not in (State.ISSUED, State.FAILED):  # held or settled otherwise meanwhile: nothing is owed
        await tx.debts.void(order.id)
        return
    match move:
        case Paid(drifted):
            await _paid(tx, owed, drifted)
        case Send():  # seen since it was sent, and not applied: say it again, later and later
            said = final_no(await story(tx, owed))
            if said is not None:
                await _hold(tx, order, Hold.POISON_ROW, {"code": "write_back_refused", "text": said})
            else:
                await tx.debts.owe_again([debt.id], tx.now + ask_again(debt.tries))
        case Postpone(why):
            await tx.debts.postpone([debt.id], tx.now + ask_again(debt.looks + 3))
            if why == LOCKED:
                await _note_locked(tx, owed)
            postponed = partial(log.info, "write_back.postponed", merchant=order.merchant, order_no=order.no, why=why)
            tx.tell(postponed)
        case Recheck():
            await tx.orders.wait(order, sweep_at=to_ms(tx.now))
            await tx.debts.postpone([debt.id], tx.now + _RECHECKED_WITHIN)
            await tx.units.wake("collect", order.merchant)
        case Cancelled():
            await tx.orders.move(order, Event.CANCELLED, phase=Phase.NONE)
            await tx.debts.void(order.id)
            await tx.journal.add("order.cancelled", order_id=order.id, merchant=order.merchant)
        case Incident(hold, facts):
            await _hold(tx, order, hold, dict(facts))


async def _note_locked(tx: Tx, owed: Owed) -> None:
    """WDT takes nothing for this order now: what it refused until then says nothing of the document."""
    told = await story(tx, owed)
    if not told or told[-1].event != "write_back.locked":
        facts = {"wdt_status": owed.order.wdt_status}
        await tx.journal.add("write_back.locked", order_id=owed.order.id, merchant=owed.order.merchant, **facts)


async def _paid(tx: Tx, owed: Owed, drifted: bool) -> None:
    debt, order = owed.debt, owed.order
    event = Event.WRITTEN_60 if debt.kind == ISSUED else Event.WRITTEN_85
    await tx.orders.move(order, event, phase=Phase.NONE, **({"drifted": 1} if drifted else {}))
    await tx.debts.paid(debt)
    await tx.journal.add(f"order.{event}", order_id=order.id, merchant=order.merchant, drifted=drifted or None)
    if drifted:
        tx.tell(partial(log.warning, "order.drifted", merchant=order.merchant, order_no=order.no))


async def _hold(tx: Tx, order: OrderView, hold: Hold, facts: dict[str, str]) -> None:
    await tx.orders.hold(order, hold, facts)
    await tx.debts.void(order.id)
    told = {name: without_identifiers(fact) if name == "text" else fact for name, fact in facts.items()}
    await tx.journal.add("order.held", order_id=order.id, merchant=order.merchant, hold=hold, **told)
    tx.tell(partial(log.warning, "order.held", merchant=order.merchant, order_no=order.no, hold=str(hold)))
