"""What a page shows, written down row by row: new orders, changed ones, and that the rest were seen again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, case, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.domain.lifecycle import Hold, Phase, State
from syncd.domain.order import BadRow, MerchantName, OrderNo, Row
from syncd.domain.sighting import Known, Sighting, observe
from syncd.store.instants import to_ms
from syncd.store.orders import OrderId
from syncd.store.schema import instance, invoice_order, quarantine, submission, unit


@dataclass(frozen=True, slots=True)
class Seen:
    """Where and when a page was read: the request's number, its stamp, and the window asked for.

    Without a window (a read by number) the order keeps the one it was last seen in, where it can be read again.
    """

    seq: int
    at: datetime
    span: tuple[datetime, datetime] | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """What a page changed. `drifted` are orders edited after we froze a request for them.

    `overtaken` counts rows that differ from what a later request has stored already. They were not stored, and which
    of the two is newer nobody can say: such a page proves no window complete.
    """

    new: int
    changed: int
    unchanged: int
    waiting: int
    overtaken: int
    moved: tuple[tuple[OrderId, str], ...]
    drifted: tuple[OrderId, ...]
    fresh: tuple[OrderNo, ...] = ()  # new or changed
    turned: tuple[tuple[OrderId, State], ...] = ()  # whose end counts no more, or counts again, and their state


INSERT = """
INSERT INTO invoice_order (sid, merchant, no, shop_no, payer_name, amount, is_red, created_at, wdt_status,
  wdt_invoice_no, relation, raw, content_hash, seq, first_seen_at, seen_at, span_start, span_end, state, phase,
  next_at, changed_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_CHANGE = """
UPDATE invoice_order SET shop_no = ?, payer_name = ?, amount = ?, is_red = ?, created_at = ?, wdt_status = ?,
  wdt_invoice_no = ?, relation = ?, raw = ?, content_hash = ?, seq = ?, seen_at = ?,
  span_start = COALESCE(?, span_start), span_end = COALESCE(?, span_end),
  hold = CASE WHEN ? = 'HOLD' THEN hold END, hold_facts = CASE WHEN ? = 'HOLD' THEN hold_facts END,
  state = ?, phase = ?, next_at = CASE WHEN ? THEN ? ELSE next_at END,
  sweep_at = CASE WHEN ? = 'repended' AND ? THEN ? ELSE sweep_at END,
  tries = CASE WHEN ? THEN 0 ELSE tries END, changed_at = CASE WHEN state = ? THEN changed_at ELSE ? END
WHERE id = ? AND seq <= ?
"""
_TOUCH = """
UPDATE invoice_order SET seq = ?, seen_at = ?, span_start = COALESCE(?, span_start), span_end = COALESCE(?, span_end)
WHERE id = ? AND seq <= ?
"""


_SET_ASIDE = """
INSERT INTO quarantine (sid, merchant, digest, raw, reason, first_seen_at, seen_at) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (sid, digest) DO UPDATE SET seen_at = excluded.seen_at
"""


_KNOWN = select(
    invoice_order.c.id,
    invoice_order.c.no,
    invoice_order.c.state,
    invoice_order.c.phase,
    invoice_order.c.wdt_status,
    invoice_order.c.content_hash,
    invoice_order.c.hold,
    invoice_order.c.seq,
    exists().where(submission.c.order_id == invoice_order.c.id),
).where(invoice_order.c.sid == bindparam("sid"), invoice_order.c.no.in_(bindparam("numbers", expanding=True)))


_INSTANCE = select(instance.c.armed, instance.c.disarmed_at)


class Sightings:
    """The rows of invoice_order as WDT shows them, and those that cannot be read, inside one transaction."""

    def __init__(self, connection: AsyncConnection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def keep(self, merchant: MerchantName, sid: str, rows: Sequence[Row], seen: Seen) -> Kept:
        """Store one page: new orders, changed ones, and for the rest only that they were seen again.

        A row stored by a later request is never overwritten (R11).
        """
        known = await self._known(sid, [row.no for row in rows])
        inserts: list[tuple[Any, ...]] = []
        changes: list[tuple[Any, ...]] = []
        touches: list[tuple[Any, ...]] = []
        moved: list[tuple[OrderId, str]] = []
        turned: list[tuple[OrderId, State]] = []
        drifted: list[OrderId] = []
        fresh: list[OrderNo] = []
        waiting = overtaken = 0
        for row in rows:
            stored = known.get(row.no)
            sight = observe(stored[1] if stored else None, row)
            waiting += sight.state is State.PENDING
            if stored is None:
                inserts.append(self._insert(merchant, sid, row, seen, sight))
                fresh.append(row.no)
                continue
            order_id, before, seq = stored
            if seq > seen.seq:
                overtaken += before.content_hash != row.content_hash
                continue
            same = (sight.state, sight.phase) == (before.state, before.phase)
            if same and before.content_hash == row.content_hash:
                touches.append((*_when(seen), order_id, seen.seq))
                continue
            changes.append(self._change(order_id, row, seen, sight))
            fresh.append(row.no)
            if sight.event:
                moved.append((order_id, sight.event))
            if Phase.REPENDED in (before.phase, sight.phase) and sight.phase is not before.phase:
                turned.append((order_id, sight.state))
            if sight.drifted:
                drifted.append(order_id)
        for sql, parameters in ((INSERT, inserts), (_CHANGE, changes), (_TOUCH, touches)):
            if parameters:
                await self._connection.exec_driver_sql(sql, parameters)
        if fresh:
            await self._doubt(merchant, sid, fresh)
        counts = len(inserts), len(changes), len(touches), waiting, overtaken
        return Kept(*counts, tuple(moved), tuple(drifted), tuple(fresh), tuple(turned))

    async def _doubt(self, merchant: MerchantName, sid: str, numbers: Sequence[OrderNo]) -> None:
        """What may have been sent in a time this store has forgotten is asked about before it is sent (0009).

        While the store is disarmed that is whatever comes in new or changed; later, what is older than the disarming.
        """
        here = (await self._connection.execute(_INSTANCE)).first()
        if here is None or here.disarmed_at is None:
            return
        o, now = invoice_order.c, to_ms(self._now)
        swept = o.state.in_((State.FAILED, State.DONE85, State.CANCELLED))
        new = o.state.in_((State.PENDING, State.MIRRORED))
        older = and_(new, func.coalesce(o.created_at, 0) < here.disarmed_at)
        doubted = await self._connection.execute(
            update(invoice_order)
            .where(o.sid == sid, o.no.in_(numbers), or_(new, swept, o.state == State.HOLD) if not here.armed else older)
            .values(
                doubted_at=now,
                tries=0,
                next_at=case((o.state == State.PENDING, now), else_=o.next_at),
                sweep_at=case((swept, now), else_=o.sweep_at),
            )
        )
        if doubted.rowcount:
            u = unit.c
            await self._connection.execute(
                update(unit).where(u.stage == "collect", u.key == merchant, u.next_at > now).values(next_at=now)
            )

    async def _known(self, sid: str, numbers: Sequence[OrderNo]) -> dict[OrderNo, tuple[OrderId, Known, int]]:
        rows = await self._connection.execute(_KNOWN, {"sid": sid, "numbers": numbers})
        return {
            OrderNo(no): (
                OrderId(id_),
                Known(State(state), Phase(phase), status, digest, Hold(hold) if hold else None, bool(sent)),
                seq,
            )
            for id_, no, state, phase, status, digest, hold, seq, sent in rows
        }

    def _insert(self, merchant: str, sid: str, row: Row, seen: Seen, sight: Sighting) -> tuple[Any, ...]:
        now, created = to_ms(self._now), to_ms(row.created_at)
        seq, seen_at, start, end = _when(seen)
        # Oldest first: a waiting order is due since it was created, not since we happened to read it.
        due = min(now, created) if created else now
        return (
            *(sid, merchant, row.no, row.shop_no, row.payer_name, row.amount, int(row.is_red), created, row.status),
            *(row.invoice_no, row.relation, row.raw, row.content_hash, seq, now, seen_at, start, end),
            *(sight.state, sight.phase, due, now),
        )

    def _change(self, order_id: OrderId, row: Row, seen: Seen, sight: Sighting) -> tuple[Any, ...]:
        now = to_ms(self._now)
        return (
            *(row.shop_no, row.payer_name, row.amount, int(row.is_red), to_ms(row.created_at), row.status),
            *(row.invoice_no, row.relation, row.raw, row.content_hash, *_when(seen)),
            *(sight.state, sight.state, sight.state),
            *(
                sight.phase,
                sight.due,
                now,
                sight.phase,
                sight.due,
                now,
                sight.due,
                sight.state,
                now,
                order_id,
                seen.seq,
            ),
        )

    async def set_aside(self, merchant: MerchantName, sid: str, bad: Sequence[BadRow]) -> tuple[BadRow, ...]:
        """Keep rows that cannot even be named, with their bytes and the reason; returns those not met before."""
        if not bad:
            return ()
        unique = {digest(row): row for row in bad}
        t = quarantine.c
        found = await self._connection.execute(select(t.digest).where(t.sid == sid, t.digest.in_(list(unique))))
        known = set(found.scalars())
        now = to_ms(self._now)
        await self._connection.exec_driver_sql(
            _SET_ASIDE, [(sid, merchant, name, row.raw, row.reason, now, now) for name, row in unique.items()]
        )
        return tuple(row for name, row in unique.items() if name not in known)


def digest(row: BadRow) -> bytes:
    """What an unreadable row is known by."""
    return hashlib.blake2b(row.raw, digest_size=16).digest()


def _when(seen: Seen) -> tuple[int, int, int | None, int | None]:
    start, end = seen.span or (None, None)
    return seen.seq, to_ms(seen.at), to_ms(start), to_ms(end)
