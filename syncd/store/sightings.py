"""What a page shows, written down row by row: new orders, changed ones, and that the rest were seen again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import and_, case, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.domain.lifecycle import State
from syncd.domain.order import BadRow, MerchantName, OrderNo, Row, WdtStatus
from syncd.domain.sighting import Sighting
from syncd.store.copyin import copy_in
from syncd.store.dialect import is_postgresql, least, placed
from syncd.store.instants import to_ms
from syncd.store.schema import counter, instance, invoice_order, quarantine, unit
from syncd.store.sorting import Kept as Kept
from syncd.store.sorting import Newborn, Sorted, Stored, when
from syncd.store.sorting import Seen as Seen
from syncd.store.troubles import StoreUnavailable

_NEWBORN = """invoice_order (sid, merchant, no, shop_no, payer_name, amount, is_red, created_at, wdt_status,
  wdt_invoice_no, relation, raw, content_hash, seq, first_seen_at, seen_at, span_start, span_end, state, phase,
  next_at, changed_at)"""
_TYPES = (
    *("text", "text", "text", "text", "text", "int8", "int4", "int8", "int4"),
    *("text", "text", "bytea", "bytea", "int8", "int8", "int8", "int8", "int8", "text", "text"),
    *("int8", "int8"),
)
INSERT = f"""
INSERT INTO {_NEWBORN}
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
WHERE id = ? AND seq <= ? AND state = ? AND phase = ?
"""
_TOUCH = """
UPDATE invoice_order SET seq = ?, seen_at = ?, span_start = COALESCE(?, span_start), span_end = COALESCE(?, span_end)
WHERE id = ? AND seq <= ?
"""


_SET_ASIDE = """
INSERT INTO quarantine (sid, merchant, digest, raw, reason, first_seen_at, seen_at) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (sid, digest) DO UPDATE SET seen_at = excluded.seen_at
"""


_KNOWN_BY = """
SELECT o.id, o.no, o.state, o.phase, o.wdt_status, o.content_hash, o.hold, o.seq, o.seen_at,
  EXISTS (SELECT 1 FROM submission s WHERE s.order_id = o.id)
FROM invoice_order o WHERE o.sid = ? AND o.no IN ({})
"""
#: By whether it is PostgreSQL. A page's numbers are one parameter: the statement is the same for any count of them.
_KNOWN = {
    False: _KNOWN_BY.format("SELECT value FROM json_each(?)"),
    True: _KNOWN_BY.format("SELECT unnest(CAST(? AS TEXT[]))"),
}
_NUMBER = """
INSERT INTO counter (name, value)
VALUES (?, COALESCE((SELECT value FROM counter WHERE name = 'request'), 0) + 1)
ON CONFLICT (name) DO UPDATE SET value = counter.value + 1 RETURNING value
"""
_PASSED_OVER = """
INSERT INTO counter (name, value) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE counter.value < excluded.value
"""


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
        known = await self._known(sid, [row.no for row in rows]) if rows else {}
        found = Sorted(seen)
        born = Newborn(merchant, sid, seen, to_ms(self._now))
        for row in rows:
            stored = known.get(row.no)
            if stored is None:
                found.inserts.append(born.cells(row))
                found.waiting += row.status == WdtStatus.WAITING
            else:
                found.sort(row, stored)
        await self._refuse_overtaken(sid, found)
        await self._bear(found.inserts)
        if found.changes:
            await self._put([self._change(stored, row, seen, sight) for row, stored, sight in found.changes])
        if found.touches:
            await self._connection.exec_driver_sql(placed(self._connection, _TOUCH), found.touches)
        if found.passed_over:
            await self._connection.exec_driver_sql(placed(self._connection, _PASSED_OVER), (_passed(sid), seen.seq))
        kept = found.kept(rows, known)
        if kept.fresh:
            await self._doubt(merchant, sid, kept.fresh)
        return kept

    async def _put(self, changes: Sequence[tuple[Any, ...]]) -> None:
        """What seeing an order means follows from what it was. Raises StoreUnavailable where it is not that any more.

        A claim keeps everybody else away from the orders of its merchant's name. Only workers whose settings name one
        tenant differently, while it is being renamed, meet here.
        """
        done = await self._connection.exec_driver_sql(placed(self._connection, _CHANGE), changes)
        if done.rowcount != len(changes):
            raise StoreUnavailable("another worker has changed the same orders, under another name of their merchant")

    async def _bear(self, cells: Sequence[tuple[Any, ...]]) -> None:
        if cells and is_postgresql(self._connection):
            await copy_in(self._connection, _NEWBORN, _TYPES, cells)
        elif cells:
            await self._connection.exec_driver_sql(INSERT, cells)

    async def number(self, sid: str) -> int:
        """The number of the next request to this tenant (R11); what is drawn too early is at worst thought older."""
        drawn = await self._connection.exec_driver_sql(placed(self._connection, _NUMBER), (f"request:{sid}",))
        return int(drawn.scalar_one())

    async def _refuse_overtaken(self, sid: str, found: Sorted) -> None:
        """What a later request saw unchanged, and therefore did not write, is not overwritten either."""
        if not found.changes:
            return
        newest = await self._connection.scalar(select(counter.c.value).where(counter.c.name == _passed(sid)))
        if newest is not None and newest > found.seen.seq:
            found.overtaken += sum(row.content_hash != stored.content_hash for row, stored, _ in found.changes)
            found.changes.clear()

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
                update(unit)
                .where(u.stage == "collect", u.key == merchant)
                .values(next_at=least(self._connection, u.next_at, now))
            )

    async def _known(self, sid: str, numbers: Sequence[OrderNo]) -> dict[OrderNo, Stored]:
        shared = is_postgresql(self._connection)
        among = list(numbers) if shared else orjson.dumps(numbers).decode()
        rows = await self._connection.exec_driver_sql(placed(self._connection, _KNOWN[shared]), (sid, among))
        return {stored.no: stored for stored in map(Stored._make, rows)}

    def _change(self, stored: Stored, row: Row, seen: Seen, sight: Sighting) -> tuple[Any, ...]:
        now = to_ms(self._now)
        return (
            *(row.shop_no, row.payer_name, row.amount, int(row.is_red), to_ms(row.created_at), row.status),
            *(row.invoice_no, row.relation, row.raw, row.content_hash, *when(seen)),
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
                stored.id,
                seen.seq,
                stored.state,
                stored.phase,
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
            placed(self._connection, _SET_ASIDE),
            [(sid, merchant, name, row.raw, row.reason, now, now) for name, row in unique.items()],
        )
        return tuple(row for name, row in unique.items() if name not in known)


def digest(row: BadRow) -> bytes:
    """What an unreadable row is known by."""
    return hashlib.blake2b(row.raw, digest_size=16).digest()


def _passed(sid: str) -> str:
    """Where the number of the newest request stands that saw rows unchanged and did not write so."""
    return f"passed_over:{sid}"
