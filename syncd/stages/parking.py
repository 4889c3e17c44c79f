"""An order whose handling runs into a defect of ours is set aside, so that it stops nobody else."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import structlog

from syncd.domain.lifecycle import Hold, State
from syncd.store.instants import to_ms
from syncd.store.orders import OrderId
from syncd.store.store import Tx

log = structlog.get_logger("syncd.stages")

#: When an order that may have been sent is tried again after a defect.
PARKED_FOR = timedelta(hours=6)


async def set_aside(tx: Tx, order_id: OrderId, error: str) -> None:
    """Hold the order where nothing was sent; else leave it alone for hours, so that it is neither lost nor repeated."""
    order = (await tx.orders.by_ids([order_id])).get(order_id)
    if order is None:
        return
    if order.state is State.PENDING:
        facts = {"code": "defect", "error": error}
        await tx.orders.hold(order, Hold.POISON_ROW, facts)
        await tx.journal.add("order.held", order_id=order.id, merchant=order.merchant, hold=Hold.POISON_ROW, **facts)
    else:
        later = tx.now + PARKED_FOR
        swept = {"sweep_at": to_ms(later)} if order.sweep_at is not None else {}
        await tx.orders.wait(order, next_at=to_ms(later), **swept)
        await tx.debts.postpone_of(order.id, later)
        await tx.journal.add("order.parked", order_id=order.id, merchant=order.merchant, error=error, until=later)
    tx.tell(partial(log.error, "order.parked", merchant=order.merchant, order_no=order.no, state=order.state))
