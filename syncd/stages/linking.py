"""Linking an order to an application: by a message, by a person, or by what a row of WDT says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache, partial

import structlog

from syncd.domain.application import CentreRules, Standing, usable_apply_id
from syncd.domain.centre import ApplyId
from syncd.domain.lifecycle import Hold, State
from syncd.domain.order import InvoiceOrder, OrderNo
from syncd.stages.turn import Merchant
from syncd.store.applications import FILES_STAGE, NEVER, STAGE, ApplicationView
from syncd.store.links import Leg, Newcomer
from syncd.store.orders import OrderView
from syncd.store.store import Tx

log = structlog.get_logger("syncd.stages")

#: No trade number is as long, and no index of the store takes a text of any length.
LONGEST_TID = 100
#: Characters of a field that are searched for an id.
_MOST = 2000


async def link(tx: Tx, seen: ApplicationView, order: OrderView, source: str, by: str | None = None) -> bool:
    """The application is ended by this order too, from now on; False where it was linked already.

    What the centre is owed for an order that has ended is owed at once, and its file is fetched while it can be had.
    """
    if not await tx.links.add(seen.id, order.id, source):
        return False
    await tx.applications.orders_changed([seen.id])
    await tx.applications.want_files([order.id])
    facts = {"application": seen.apply_id, "source": source, "by": by}
    await tx.journal.add("alibaba.linked", order_id=order.id, merchant=order.merchant, **facts)
    for stage in (STAGE, FILES_STAGE):
        await tx.units.wake(stage, order.merchant)
    about = {"merchant": order.merchant, "order_no": order.no, "apply_id": seen.apply_id, "source": source}
    tx.tell(partial(log.info, "applications.linked", **about))
    return True


async def withdraw(tx: Tx, seen: ApplicationView, legs: Sequence[Leg]) -> None:
    """The buyer took it back before anything was issued: nothing is owed, and what is not on its way yet stops.

    An order that was never submitted is held: whether it is issued all the same, a person decides. One that is on its
    way cannot be stopped; if an invoice comes of it, the application is a person's.
    """
    await tx.applications.move(seen, Standing.WITHDRAWN, next_at=NEVER, tries=0)
    await tx.links.cancel(seen.id)
    for leg in legs:
        facts = {"application": seen.apply_id}
        await tx.journal.add("alibaba.withdrawn", order_id=leg.order_id, merchant=seen.merchant, **facts)
        if leg.state is State.PENDING and not leg.cancelled:
            await _stop(tx, seen, leg)
    tx.tell(partial(log.info, "alibaba.withdrawn", merchant=seen.merchant, apply_id=seen.apply_id))


async def _stop(tx: Tx, seen: ApplicationView, leg: Leg) -> None:
    """Hold an order that nothing else than this application asks for."""
    others = [one for one in await tx.applications.of_order(leg.order_id) if one.id != seen.id]
    if any(one.state in (Standing.WAITING, Standing.OWED) for one in others):
        return
    order = (await tx.orders.by_ids([leg.order_id]))[leg.order_id]
    facts = {"code": "withdrawn_unissued", "apply_id": str(seen.apply_id)}
    await tx.orders.hold(order, Hold.TOP_CANCELLED, facts)
    await tx.journal.add("order.held", order_id=order.id, merchant=order.merchant, hold=Hold.TOP_CANCELLED, **facts)
    about = {"merchant": order.merchant, "order_no": order.no, "hold": str(Hold.TOP_CANCELLED)}
    tx.tell(partial(log.warning, "order.held", **about))


# -- what a row says ---------------------------------------------------------------------------------------------------


async def read_rows(tx: Tx, merchant: Merchant, fresh: Sequence[OrderNo]) -> None:
    """Link new and changed rows by what they say, as far as the settings want it."""
    rules = merchant.centre_rules
    if rules is None or not rules.reads_rows:
        return
    for no in fresh:
        for order in await tx.orders.by_no(no, merchant.name):
            try:
                row = merchant.erp.decode(order.raw)
            except (ValueError, ArithmeticError):
                continue  # the row is held for that elsewhere
            await _by_field(tx, merchant, order, row, rules)
            await _by_trade(tx, merchant, order, row, rules)


async def _by_field(tx: Tx, merchant: Merchant, order: OrderView, row: InvoiceOrder, rules: CentreRules) -> None:
    ids = found_ids(row, rules)
    if not ids:
        return
    known = await tx.applications.of_order(order.id)
    if len(ids) > 1 or any(one.apply_id != ids[0] for one in known):
        await ambiguous(tx, order, [*ids, *(one.apply_id for one in known)])
        return
    new = Newcomer(sid=merchant.sid, merchant=merchant.name, apply_id=ids[0], source="field")
    application_id, _ = await tx.links.meet(new)
    seen = await tx.applications.get(application_id)
    if seen.state in (Standing.WAITING, Standing.OWED) and not seen.said:
        await link(tx, seen, order, "field")


async def _by_trade(tx: Tx, merchant: Merchant, order: OrderView, row: InvoiceOrder, rules: CentreRules) -> None:
    if not rules.link_by_trade:
        return
    named = dict.fromkeys(line.tid.strip() for line in row.lines)
    tids = tuple(tid for tid in named if 0 < len(tid) <= LONGEST_TID)
    await tx.notices.note_trades(merchant.name, order.id, tids)
    for tid in tids:
        waiting = [one for one in await tx.applications.of_trade(merchant.name, tid) if one.state is Standing.WAITING]
        orders = await tx.notices.orders_of_trade(merchant.name, tid)
        if len(waiting) == 1 and len(orders) == 1 and not await tx.applications.of_order(order.id):
            await link(tx, waiting[0], order, "tmc")


def found_ids(row: InvoiceOrder, rules: CentreRules) -> list[ApplyId]:
    """The ids that the configured field of a row holds: the pattern's group, its whole match, or the field itself."""
    if not rules.link_field:
        return []
    ids: dict[ApplyId, None] = {}
    for text in _texts(row, rules.link_field):
        for found in _named(text[:_MOST], rules.link_pattern):
            if usable_apply_id(found.strip()):
                ids[ApplyId(found.strip())] = None
    return list(ids)


def _named(text: str, pattern: str) -> list[str]:
    if not pattern:
        return [text]
    compiled = _compiled(pattern)
    return [(match[1] if compiled.groups else match[0]) or "" for match in compiled.finditer(text)]


def _texts(row: InvoiceOrder, name: str) -> Iterable[str]:
    if name == "line_remark":
        return [line.remark for line in row.lines]
    return [str(getattr(row, name, ""))]


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


async def ambiguous(tx: Tx, order: OrderView, ids: Iterable[str]) -> None:
    """More than one application is meant: it waits in the work list for somebody who knows."""
    named = " ".join(dict.fromkeys(ids))
    story = await tx.journal.of(order.id)
    if any(entry.event == "alibaba.ambiguous" and entry.facts.get("applications") == named for entry in story):
        return
    await tx.journal.add("alibaba.ambiguous", order_id=order.id, merchant=order.merchant, applications=named)
    tx.tell(partial(log.warning, "applications.ambiguous", merchant=order.merchant, order_no=order.no))
