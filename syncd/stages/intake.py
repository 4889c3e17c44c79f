"""Taking a page into the store: rows first, in one transaction with whatever the page proves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

import structlog

from syncd.domain.order import OrderNo, Page, Search
from syncd.domain.payload import payload_hash
from syncd.domain.trouble import Care, Permanent
from syncd.stages.lane import WDT, heard, sharers
from syncd.stages.linking import read_rows
from syncd.stages.turn import Merchant
from syncd.store.orders import OrderId
from syncd.store.sightings import Kept, Seen
from syncd.store.store import Store, Tx
from syncd.store.units import Claim

log = structlog.get_logger("syncd.stages")

#: The reason of a row that stands on its page a second time, newer: served, but nothing to keep.
SUPERSEDED = "superseded"


async def ask(store: Store, merchant: Merchant, query: Search) -> tuple[Page, int]:
    """One answered page and the number of its request. Raises Transient, Permanent, StoreUnavailable."""
    seq = await store.next_seq(merchant.sid)
    return await merchant.erp.search(query), seq


async def take_in(
    tx: Tx,
    merchant: Merchant,
    page: Page,
    seq: int,
    span: tuple[datetime, datetime] | None = None,
    *,
    known_for: timedelta | None = None,
) -> Kept:
    """Store what a page showed, note what moved, and wake whoever has something to do now.

    `known_for`: an unchanged row that was seen no longer ago than this is as good as seen now.
    """
    seen = Seen(seq, page.asked_at, span, known_for)
    lanes = tx.lanes.asking_unwell(sharers(merchant, WDT), WDT)
    kept, (unwell,) = await tx.sightings.keep_beside(merchant.name, merchant.sid, page.rows, seen, [lanes])
    unread = [row for row in page.bad if row.reason != SUPERSEDED]
    if unread:
        for row in await tx.sightings.set_aside(merchant.name, merchant.sid, unread):
            tx.tell(partial(log.warning, "poll.row_quarantined", merchant=merchant.name, why=row.reason))
    for order_id, event in kept.moved:
        await tx.journal.add(event, order_id=order_id, merchant=merchant.name)
    tx.orders.moved.update(kept.turned)  # its end counts no more, or counts again: who waits for it looks anew
    await _note_drift(tx, merchant, kept.replaced)
    await read_rows(tx, merchant, kept.fresh)
    await _wake(tx, merchant, kept)
    await heard(tx, merchant, WDT, unwell={name for (name,) in unwell})
    return kept


async def _note_drift(tx: Tx, merchant: Merchant, replaced: Mapping[OrderId, tuple[bytes, bytes]]) -> None:
    """An order edited after we froze its request: the frozen request wins, and somebody is told (T21).

    What of it changed before was compared then, or there is nothing `before`; and our own write-back, too, changes a
    row, but not what it asks for.
    """
    rows = {one: now for one, (before, now) in replaced.items() if not merchant.erp.ask_the_same(before, now)}
    if not rows:
        return
    frozen = await tx.submissions.hashes(rows)
    edited = [order_id for order_id, digest in frozen.items() if not _asks_for(merchant, rows[order_id], digest)]
    for order in (await tx.orders.by_ids(edited)).values() if edited else ():
        if not order.drifted:
            await tx.orders.wait(order, drifted=1)
            await tx.journal.add("order.drifted", order_id=order.id, merchant=merchant.name, state=order.state)
            tx.tell(partial(log.warning, "order.drifted", merchant=merchant.name, order_no=order.no))


def _asks_for(merchant: Merchant, raw: bytes, digest: bytes) -> bool:
    """Whether the row still asks for what was frozen, as it does when our own write-back was all that changed it."""
    try:
        return payload_hash(merchant.erp.decode(raw)) == digest
    except (ValueError, ArithmeticError):
        return False


async def _wake(tx: Tx, merchant: Merchant, kept: Kept) -> None:
    if kept.new or kept.due:  # also a red that waits for its blue and was corrected, which no event tells
        await tx.units.wake("push", merchant.name)
    if any(event in ("order.left", "order.repended") for _, event in kept.moved):
        await tx.units.wake("collect", merchant.name)


async def read_by_number(store: Store, merchant: Merchant, claim: Claim, no: str) -> Page:
    """Read one order whatever its state, and keep what was seen; an empty page where WDT does not know it.

    Raises Transient, Permanent.
    """
    query = Search(order_no=OrderNo(no), every_status=True, page_size=10)
    try:
        page, seq = await ask(store, merchant, query)
    except Permanent as no_such:
        if no_such.verdict.care is not Care.DATA:
            raise
        return Page((), (), 0, store.clock.now())
    async with store.begin(claim, fact="intake.read_by_number") as tx:
        await take_in(tx, merchant, page, seq)
    return page
