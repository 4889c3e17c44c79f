"""What a page shows, written down row by row: new orders, changed ones, and that the rest were seen again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import and_, case, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.domain.lifecycle import State
from syncd.domain.order import BadRow, Glance, MerchantName, OrderNo, Row, WdtStatus
from syncd.domain.sighting import Sighting
from syncd.store import known
from syncd.store.dialect import is_postgresql, least, placed
from syncd.store.instants import to_ms
from syncd.store.order_view import OrderId, RowMissing
from syncd.store.schema import invoice_order, quarantine, unit
from syncd.store.script import Add, All, Ask, Cells, Script, Tell, play
from syncd.store.sorting import Kept as Kept
from syncd.store.sorting import Newborn, Sorted, Stored, when
from syncd.store.sorting import Seen as Seen
from syncd.store.troubles import StoreUnavailable

#: The columns of an order that was never seen before, as `Newborn` fills them, and their types in PostgreSQL.
_NEWBORN = {
    "id": "int8",
    **dict.fromkeys(("sid", "merchant", "no", "shop_no", "payer_name"), "text"),
    **dict.fromkeys(("amount", "is_red", "created_at", "wdt_status"), "int8"),
    **dict.fromkeys(("wdt_invoice_no", "relation"), "text"),
    "content_hash": "bytea",
    **dict.fromkeys(("seq", "first_seen_at", "seen_at", "span_start", "span_end"), "int8"),
    **dict.fromkeys(("state", "phase"), "text"),
    **dict.fromkeys(("next_at", "changed_at"), "int8"),
    **dict.fromkeys(("is_red", "wdt_status"), "int4"),  # of those above; COPY wants to know it exactly
}
_ROW = {"order_id": "int8", "raw": "bytea"}
_LAST_ID = "SELECT max(id) FROM invoice_order"
_DRAWN_IDS = "SELECT nextval(pg_get_serial_sequence('invoice_order', 'id')) FROM generate_series(1, ?)"
_REWRITE = "UPDATE order_row SET raw = ? WHERE order_id = ?"
_CHANGE = """
UPDATE invoice_order SET shop_no = ?, payer_name = ?, amount = ?, is_red = ?, created_at = ?, wdt_status = ?,
  wdt_invoice_no = ?, relation = ?, content_hash = ?, seq = ?, seen_at = ?,
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


_NUMBER_BY = """
INSERT INTO counter (name, value)
SELECT among.name, COALESCE((SELECT value FROM counter WHERE name = 'request'), 0) + ? FROM ({}) among WHERE true
ON CONFLICT (name) DO UPDATE SET value = counter.value + ? RETURNING name, value
"""
_NUMBER = {
    False: _NUMBER_BY.format("SELECT value AS name FROM json_each(?)"),
    True: _NUMBER_BY.format("SELECT unnest(CAST(? AS TEXT[])) AS name"),
}
_PASSED_OVER = """
INSERT INTO counter (name, value) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE counter.value < excluded.value
"""


_RAWS = {
    False: """
SELECT o.id, r.raw FROM json_each(?) among CROSS JOIN invoice_order o CROSS JOIN order_row r
WHERE o.id = among.value AND r.order_id = o.id AND o.drifted <> 2
""",
    True: """
SELECT o.id, r.raw FROM json_array_elements_text(CAST(? AS JSON)) AS among (id)
  JOIN invoice_order o ON o.id = CAST(among.id AS BIGINT) AND o.drifted <> 2
  JOIN order_row r ON r.order_id = o.id
""",
}
_EDITED_ASIDE = "UPDATE invoice_order SET drifted = 2 WHERE id = ? AND drifted = 0"
_OVERTAKEN_BY = "SELECT value FROM counter WHERE name = ?"
_INSTANCE = "SELECT armed, disarmed_at FROM instance"


class Sightings:
    """The rows of invoice_order as WDT shows them, and those that cannot be read, inside one transaction."""

    def __init__(self, connection: AsyncConnection, now: datetime) -> None:
        self._connection = connection
        self._now = now
        self._shared = is_postgresql(connection)
        #: Of each tenant the newest request that saw rows unchanged and did not write so; None where it stands in the
        #: store, because others must know it. What is noted for a page that was not stored then refuses too much.
        self.passed_over: dict[str, int] | None = None
        self._to_note: dict[str, int] = {}  # where it is None, what is yet to be written

    async def keep(self, merchant: MerchantName, sid: str, rows: Sequence[Glance], seen: Seen) -> Kept:
        """Store one page: new orders, changed ones, and for the rest only that they were seen again.

        A row stored by a later request is never overwritten (R11).
        """
        return (await self.keep_beside(merchant, sid, rows, seen, ()))[0]

    async def keep_beside(
        self, merchant: MerchantName, sid: str, rows: Sequence[Glance], seen: Seen, beside: Sequence[Ask]
    ) -> tuple[Kept, list[list[Cells]]]:
        """As `keep`; and what some questions find that are asked on the way, before anything is stored."""
        kept, (here, *found) = await play(self._connection, self._kept(merchant, sid, rows, seen, beside))
        for armed, disarmed_at in here if kept.fresh else ():
            if disarmed_at is not None:
                await self._doubt(merchant, sid, kept.fresh, armed=bool(armed), disarmed_at=disarmed_at)
        return kept, found

    def _kept(
        self, merchant: MerchantName, sid: str, rows: Sequence[Glance], seen: Seen, beside: Sequence[Ask]
    ) -> Script[tuple[Kept, list[list[Cells]]]]:
        """What a page changed, and what was found beside: first of all whether this store is armed."""
        asked = [Ask(_INSTANCE), *beside]
        if rows:
            asked.append(known.asking(self._shared, sid, rows, seen))
        answers: list[list[Cells]] = yield All(asked)
        page = known.met(answers.pop()) if rows else known.NOBODY
        if page.passed_over and page.count < len(rows):  # but which of the others are new, it did not say
            page = known.met((yield known.asking(self._shared, sid, rows, seen, each=True)))
        found = Sorted(seen, page.passed_over, page.waiting)
        for row in rows if page.passed_over < len(rows) else ():
            stored = page.known.get(row.no)
            if stored is not None:
                found.sort(row, stored)
            elif not page.passed_over:
                found.inserts.append(row.read())
                found.waiting += row.status == WdtStatus.WAITING
        if found.inserts:
            yield from self._added(Newborn(merchant, sid, seen, to_ms(self._now)), found.inserts)
        yield from self._written(sid, found)
        return found.kept(), answers

    def _written(self, sid: str, found: Sorted) -> Script[None]:
        if found.changes:
            yield from self._refuse_overtaken(sid, found)
        if drifted := found.drifted:
            found.before = dict((yield Ask(_RAWS[self._shared], (orjson.dumps(drifted).decode(),))))
        if found.changes:
            yield from self._put([self._change(stored, row, found.seen, sight) for row, stored, sight in found.changes])
            yield from self._rewritten(found.rewritten)
        if aside := found.aside:
            yield Tell(_EDITED_ASIDE, [(one,) for one in aside])
        if found.touches:
            yield Tell(_TOUCH, found.touches)
        if found.passed_over:
            self._note_passed_over(sid, found.seen.seq)

    def _added(self, born: Newborn, rows: Sequence[Row]) -> Script[None]:
        """New orders, and their bytes beside them."""
        ids = yield from self._ids(len(rows))
        numbered = list(zip(ids, rows, strict=True))
        yield Add("invoice_order", _NEWBORN, [born.cells(OrderId(one), row) for one, row in numbered])
        yield Add("order_row", _ROW, [(one, row.raw) for one, row in numbered])

    def _ids(self, count: int) -> Script[Iterable[int]]:
        """Of so many new orders. A file has one writer, and orders are never deleted: they are counted on."""
        if self._shared:
            drawn: list[Cells] = yield Ask(_DRAWN_IDS, (count,))
            return [one for (one,) in drawn]
        [(last,)] = yield Ask(_LAST_ID)
        return range((last or 0) + 1, (last or 0) + 1 + count)

    def _rewritten(self, rows: Sequence[tuple[bytes, OrderId]]) -> Script[None]:
        """The bytes of rows that are no longer what they were. Raises RowMissing."""
        if rows and (yield Tell(_REWRITE, rows)) != len(rows):
            raise RowMissing("an order that changes has no row")

    def _put(self, changes: Sequence[tuple[Any, ...]]) -> Script[None]:
        """What seeing an order means follows from what it was. Raises StoreUnavailable where it is not that any more.

        A claim keeps everybody else away from the orders of its merchant's name. Only workers whose settings name one
        tenant differently, while it is being renamed, meet here.
        """
        done = yield Tell(_CHANGE, changes)
        if done != len(changes):
            raise StoreUnavailable("another worker has changed the same orders, under another name of their merchant")

    def _note_passed_over(self, sid: str, seq: int) -> None:
        noted = self._to_note if self.passed_over is None else self.passed_over
        noted[sid] = max(seq, noted.get(sid, 0))

    def noting(self) -> list[Tell]:
        """What writes down the requests that passed rows over, once for all pages of a transaction, at its end."""
        noted, self._to_note = self._to_note, {}
        return [Tell(_PASSED_OVER, [(_passed(sid), seq) for sid, seq in sorted(noted.items())])] if noted else []

    def _refuse_overtaken(self, sid: str, found: Sorted) -> Script[None]:
        """What a later request saw unchanged, and therefore did not write, is not overwritten either."""
        told = yield Ask(_OVERTAKEN_BY, (_passed(sid),))
        here = max((noted or {}).get(sid, 0) for noted in (self.passed_over, self._to_note))
        if max([here, *(seq for (seq,) in told)]) > found.seen.seq:
            found.overtaken += sum(row.content_hash != stored.content_hash for row, stored, _ in found.changes)
            found.changes.clear()

    async def numbers(self, sids: Sequence[str], at_once: int = 1) -> list[range]:
        """The numbers of the next requests to each of these tenants (R11); one that is named twice gets them twice.

        What is drawn too early is at worst thought older.
        """
        drawn: list[range | None] = [None] * len(sids)
        left = list(enumerate(sids))
        while left:
            once = {f"request:{sid}": place for place, sid in reversed(left)}
            for name, last in await self._draw(sorted(once), at_once):
                drawn[once[name]] = range(last - at_once + 1, last + 1)
            left = [(place, sid) for place, sid in left if drawn[place] is None]
        return [numbers for numbers in drawn if numbers is not None]

    async def _draw(self, names: Sequence[str], at_once: int) -> Sequence[Any]:
        among = list(names) if self._shared else orjson.dumps(names).decode()
        sql = placed(self._connection, _NUMBER[self._shared])
        rows = await self._connection.exec_driver_sql(sql, (at_once, among, at_once))
        return rows.all()

    async def _doubt(
        self, merchant: MerchantName, sid: str, numbers: Sequence[OrderNo], *, armed: bool, disarmed_at: int
    ) -> None:
        """What may have been sent in a time this store has forgotten is asked about before it is sent (0009).

        While the store is disarmed that is whatever comes in new or changed; later, what is older than the disarming.
        """
        o, now = invoice_order.c, to_ms(self._now)
        swept = o.state.in_((State.FAILED, State.DONE85, State.CANCELLED))
        new = o.state.in_((State.PENDING, State.MIRRORED))
        older = and_(new, func.coalesce(o.created_at, 0) < disarmed_at)
        doubted = await self._connection.execute(
            update(invoice_order)
            .where(o.sid == sid, o.no.in_(numbers), or_(new, swept, o.state == State.HOLD) if not armed else older)
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

    def _change(self, stored: Stored, row: Row, seen: Seen, sight: Sighting) -> tuple[Any, ...]:
        now = to_ms(self._now)
        return (
            *(row.shop_no, row.payer_name, row.amount, int(row.is_red), to_ms(row.created_at), row.status),
            *(row.invoice_no, row.relation, row.content_hash, *when(seen)),
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
