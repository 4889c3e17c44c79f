"""Invoice orders: kept page by page, moved step by step."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NewType

import orjson
from sqlalchemy import ColumnElement, and_, exists, func, or_, select, text, update
from sqlalchemy import Row as SqlRow
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.domain.lifecycle import Event, Hold, Phase, State, step
from syncd.domain.order import BadRow, MerchantName, OrderNo, Row, WdtStatus
from syncd.domain.sighting import Known, Sighting, observe
from syncd.store.instants import from_ms, to_ms
from syncd.store.schema import debt, invoice_order, quarantine, submission

OrderId = NewType("OrderId", int)


#: Milliseconds; the longest wait between two questions is half of it.
_LONGEST_WAIT = 3_600_000
#: The words of the partial index: SQLite uses it only where they stand in the query literally.
_UNFINISHED = text("invoice_order.state IN ('PENDING', 'INTENT', 'ISSUED', 'FAILED')")


class Stale(Exception):
    """The order is no longer in the state this decision was made for; nothing was written."""


@dataclass(frozen=True, slots=True)
class OrderView:
    """One stored order. `amount` is ten-thousandths; `raw` the row's bytes as WDT sent them."""

    id: OrderId
    sid: str
    merchant: MerchantName
    no: OrderNo
    shop_no: str
    payer_name: str
    amount: int | None
    is_red: bool
    created_at: datetime | None
    wdt_status: int
    wdt_invoice_no: str
    raw: bytes
    first_seen_at: datetime
    seen_at: datetime
    state: State
    phase: Phase
    generation: int
    hold: Hold | None
    hold_facts: dict[str, str]
    held_from: State | None
    held_phase: Phase | None
    next_at: datetime
    tries: int
    revives: int
    sent_at: datetime | None
    missed_at: datetime | None
    asked_at: datetime | None
    refusal: tuple[str, str] | None
    sweeps: int
    sweep_at: datetime | None
    drifted: bool
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Seen:
    """Where and when a page was read: the request's number, its stamp, and the window asked for."""

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


INSERT = """
INSERT INTO invoice_order (sid, merchant, no, shop_no, payer_name, amount, is_red, created_at, wdt_status,
  wdt_invoice_no, raw, content_hash, seq, first_seen_at, seen_at, span_start, span_end, state, phase, next_at,
  changed_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_CHANGE = """
UPDATE invoice_order SET shop_no = ?, payer_name = ?, amount = ?, is_red = ?, created_at = ?, wdt_status = ?,
  wdt_invoice_no = ?, raw = ?, content_hash = ?, seq = ?, seen_at = ?, span_start = ?, span_end = ?,
  hold = CASE WHEN ? = 'HOLD' THEN hold END, hold_facts = CASE WHEN ? = 'HOLD' THEN hold_facts END,
  state = ?, phase = ?, next_at = CASE WHEN ? THEN ? ELSE next_at END,
  sweep_at = CASE WHEN ? = 'repended' AND ? THEN ? ELSE sweep_at END,
  tries = CASE WHEN ? THEN 0 ELSE tries END, changed_at = CASE WHEN state = ? THEN changed_at ELSE ? END
WHERE id = ? AND seq <= ?
"""
_TOUCH = "UPDATE invoice_order SET seq = ?, seen_at = ?, span_start = ?, span_end = ? WHERE id = ? AND seq <= ?"


class Orders:
    """The invoice_order table, inside one transaction."""

    def __init__(self, connection: AsyncConnection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    # -- seeing ----------------------------------------------------------------------------------------------------

    async def keep(self, merchant: MerchantName, sid: str, rows: Sequence[Row], seen: Seen) -> Kept:
        """Store one page: new orders, changed ones, and for the rest only that they were seen again.

        A row stored by a later request is never overwritten (R11).
        """
        known = await self._known(sid, [row.no for row in rows])
        inserts: list[tuple[Any, ...]] = []
        changes: list[tuple[Any, ...]] = []
        touches: list[tuple[Any, ...]] = []
        moved: list[tuple[OrderId, str]] = []
        drifted: list[OrderId] = []
        waiting = overtaken = 0
        for row in rows:
            stored = known.get(row.no)
            sight = observe(stored[1] if stored else None, row)
            waiting += sight.state is State.PENDING
            if stored is None:
                inserts.append(self._insert(merchant, sid, row, seen, sight))
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
            if sight.event:
                moved.append((order_id, sight.event))
            if sight.drifted:
                drifted.append(order_id)
        for sql, parameters in ((INSERT, inserts), (_CHANGE, changes), (_TOUCH, touches)):
            if parameters:
                await self._connection.exec_driver_sql(sql, parameters)
        return Kept(len(inserts), len(changes), len(touches), waiting, overtaken, tuple(moved), tuple(drifted))

    async def _known(self, sid: str, numbers: Sequence[OrderNo]) -> dict[OrderNo, tuple[OrderId, Known, int]]:
        t = invoice_order.c
        submitted = exists().where(submission.c.order_id == t.id)
        rows = await self._connection.execute(
            select(t.id, t.no, t.state, t.phase, t.wdt_status, t.content_hash, t.hold, t.seq, submitted).where(
                t.sid == sid, t.no.in_(numbers)
            )
        )
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
            *(row.invoice_no, row.raw, row.content_hash, seq, now, seen_at, start, end, sight.state, sight.phase),
            *(due, now),
        )

    def _change(self, order_id: OrderId, row: Row, seen: Seen, sight: Sighting) -> tuple[Any, ...]:
        now = to_ms(self._now)
        return (
            *(row.shop_no, row.payer_name, row.amount, int(row.is_red), to_ms(row.created_at), row.status),
            *(row.invoice_no, row.raw, row.content_hash, *_when(seen), sight.state, sight.state, sight.state),
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

    async def set_aside(self, merchant: MerchantName, sid: str, bad: Sequence[BadRow]) -> int:
        """Keep rows that cannot even be named, with their bytes and the reason; returns how many are new."""
        now = to_ms(self._now)
        before = await self._connection.scalar(select(func.count()).select_from(quarantine))
        if bad:
            await self._connection.exec_driver_sql(
                "INSERT INTO quarantine (sid, merchant, digest, raw, reason, first_seen_at, seen_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (sid, digest) DO UPDATE SET seen_at = excluded.seen_at",
                [(sid, merchant, digest(row), row.raw, row.reason, now, now) for row in bad],
            )
        after = await self._connection.scalar(select(func.count()).select_from(quarantine))
        return int(after or 0) - int(before or 0)

    # -- choosing --------------------------------------------------------------------------------------------------

    async def to_push(self, merchant: MerchantName, fresh_since: datetime, limit: int) -> list[OrderView]:
        """What may be sent now, oldest first: pending orders and cleared resends, seen at 45 since `fresh_since`."""
        t = invoice_order.c
        fresh = t.seen_at >= to_ms(fresh_since)
        due = t.next_at <= to_ms(self._now)
        return await self._some(t.merchant == merchant, _UNFINISHED, due, _sendable(), fresh, limit=limit)

    async def stale(self, merchant: MerchantName, fresh_since: datetime) -> int:
        """How many orders must be read again before they may be sent."""
        t = invoice_order.c
        found = await self._connection.scalar(
            select(func.count()).where(
                t.merchant == merchant, _sendable(), t.next_at <= to_ms(self._now), t.seen_at < to_ms(fresh_since)
            )
        )
        return int(found or 0)

    async def oldest_stale(self, merchant: MerchantName, fresh_since: datetime, limit: int) -> list[OrderView]:
        """The orders that wait longest for being read again."""
        t = invoice_order.c
        return await self._some(
            t.merchant == merchant,
            _sendable(),
            t.next_at <= to_ms(self._now),
            t.seen_at < to_ms(fresh_since),
            limit=limit,
        )

    async def stale_span(self, merchant: MerchantName, fresh_since: datetime) -> tuple[datetime, datetime] | None:
        """The windows in which stale orders were last seen, from the first start to the last end."""
        t = invoice_order.c
        row = (
            await self._connection.execute(
                select(func.min(t.span_start), func.max(t.span_end)).where(
                    t.merchant == merchant,
                    _sendable(),
                    t.next_at <= to_ms(self._now),
                    t.seen_at < to_ms(fresh_since),
                )
            )
        ).one()
        return None if row[0] is None or row[1] is None else (from_ms(row[0]), from_ms(row[1]))

    async def to_ask(self, merchant: MerchantName, limit: int) -> list[OrderView]:
        """What must be asked about now: unknown outcomes, missing files, orders WDT moved, late-issue sweeps."""
        t = invoice_order.c
        now = to_ms(self._now)
        moved = t.wdt_status != WdtStatus.WAITING  # cleared for sending, but WDT does not wait for it any more
        intent = and_(t.state == State.INTENT, or_(t.phase != Phase.READY, moved))
        left = and_(t.state == State.PENDING, t.phase == Phase.LEFT)
        file = and_(t.state == State.ISSUED, t.phase == Phase.FILE_PENDING)
        due = await self._some(
            t.merchant == merchant, _UNFINISHED, t.next_at <= now, or_(intent, left, file), limit=limit
        )
        swept = await self._some(t.merchant == merchant, t.sweep_at <= now, limit=limit)
        chosen = {order.id: order for order in (*due, *swept)}
        return list(chosen.values())[:limit]

    async def by_ids(self, ids: Iterable[OrderId]) -> dict[OrderId, OrderView]:
        """The orders of these ids."""
        rows = await self._connection.execute(select(invoice_order).where(invoice_order.c.id.in_(list(ids))))
        return {OrderId(row.id): view(row) for row in rows}

    async def by_no(self, no: str, merchant: str | None = None) -> list[OrderView]:
        """Orders of this number: one per merchant that has it."""
        condition = [invoice_order.c.no == no]
        if merchant is not None:
            condition.append(invoice_order.c.merchant == merchant)
        rows = await self._connection.execute(select(invoice_order).where(*condition))
        return [view(row) for row in rows]

    async def _some(self, *conditions: Any, limit: int) -> list[OrderView]:
        rows = await self._connection.execute(
            select(invoice_order).where(*conditions).order_by(invoice_order.c.next_at, invoice_order.c.id).limit(limit)
        )
        return [view(row) for row in rows]

    # -- moving ----------------------------------------------------------------------------------------------------

    async def move(self, order: OrderView, event: Event, **columns: Any) -> State:
        """Take one step of the lifecycle. Raises IllegalStep, or Stale when the order has moved since it was read."""
        after = step(order.state, event)
        await self._set(order, state=after, changed_at=to_ms(self._now), **columns)
        return after

    async def wait(self, order: OrderView, **columns: Any) -> None:
        """Change what the order waits for, not its state. Raises Stale."""
        await self._set(order, **columns)

    async def hold(self, order: OrderView, reason: Hold, facts: Mapping[str, str]) -> None:
        """Set the order aside until a person decides. Raises Stale."""
        await self.move(
            order,
            Event.HELD,
            hold=reason,
            hold_facts=orjson.dumps(dict(facts)).decode(),
            held_from=order.state,
            held_phase=order.phase,
            phase=Phase.NONE,
            sweep_at=None,
        )

    async def _set(self, order: OrderView, **columns: Any) -> None:
        t = invoice_order.c
        done = await self._connection.execute(
            update(invoice_order)
            .where(
                t.id == order.id,
                t.state == order.state,
                t.phase == order.phase,
                t.wdt_status == order.wdt_status,
            )
            .values(**columns)
        )
        if done.rowcount != 1:
            raise Stale(f"order {order.no} is no longer {order.state} {order.phase}")

    async def recover(self) -> int:
        """After a crash: whatever was handed to the network is to be asked about now; returns how many."""
        t = invoice_order.c
        found = await self._connection.execute(
            update(invoice_order).where(t.state == State.INTENT, t.phase == Phase.SENT).values(next_at=to_ms(self._now))
        )
        return found.rowcount

    async def rename(self, sid: str, merchant: str) -> None:
        """Follow a merchant whose name in the settings changed, with all it is owed; the sid is who it is."""
        t = invoice_order.c
        renamed = t.sid == sid, t.merchant != merchant
        ids = select(t.id).where(*renamed)
        await self._connection.execute(update(debt).where(debt.c.order_id.in_(ids)).values(merchant=merchant))
        await self._connection.execute(update(invoice_order).where(*renamed).values(merchant=merchant))


def _sendable() -> ColumnElement[bool]:
    """Waiting at WDT as last seen, and either never sent or cleared for sending again."""
    t = invoice_order.c
    pending = and_(t.state == State.PENDING, t.phase == Phase.NONE)
    ready = and_(t.state == State.INTENT, t.phase == Phase.READY)
    return and_(_UNFINISHED, t.wdt_status == WdtStatus.WAITING, or_(pending, ready))


def digest(row: BadRow) -> bytes:
    """What an unreadable row is known by."""
    return hashlib.blake2b(row.raw, digest_size=16).digest()


def _when(seen: Seen) -> tuple[int, int, int | None, int | None]:
    start, end = seen.span or (None, None)
    return seen.seq, to_ms(seen.at), to_ms(start), to_ms(end)


def view(row: SqlRow[Any]) -> OrderView:
    return OrderView(
        id=OrderId(row.id),
        sid=row.sid,
        merchant=MerchantName(row.merchant),
        no=OrderNo(row.no),
        shop_no=row.shop_no,
        payer_name=row.payer_name,
        amount=row.amount,
        is_red=bool(row.is_red),
        created_at=from_ms(row.created_at),
        wdt_status=row.wdt_status,
        wdt_invoice_no=row.wdt_invoice_no,
        raw=row.raw,
        first_seen_at=from_ms(row.first_seen_at),
        seen_at=from_ms(row.seen_at),
        state=State(row.state),
        phase=Phase(row.phase),
        generation=row.generation,
        hold=Hold(row.hold) if row.hold else None,
        hold_facts=orjson.loads(row.hold_facts) if row.hold_facts else {},
        held_from=State(row.held_from) if row.held_from else None,
        held_phase=Phase(row.held_phase) if row.held_phase else None,
        next_at=from_ms(row.next_at),
        tries=row.tries,
        revives=row.revives,
        sent_at=from_ms(row.sent_at),
        missed_at=from_ms(row.missed_at),
        asked_at=from_ms(row.asked_at),
        refusal=(row.refusal_code, row.refusal_text) if row.refusal_code is not None else None,
        sweeps=row.sweeps,
        sweep_at=from_ms(row.sweep_at),
        drifted=bool(row.drifted),
        changed_at=from_ms(row.changed_at),
    )
