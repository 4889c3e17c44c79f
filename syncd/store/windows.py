"""The ledger of completed windows: the cursor per (merchant, feed), what was read to get there, and the backfills."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row as SqlRow
from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.domain.window import Window
from syncd.store.instants import from_ms, span_ms, to_ms
from syncd.store.schema import backfill, cursor, window_done

#: Neighbouring windows are written as one ledger row up to this span: a quiet year is 365 rows, not half a million.
_ROW_SPAN = timedelta(days=1)


# What every page needs is built once: building a statement costs as much as executing it.
_MOVE = (
    update(cursor)
    .where(
        cursor.c.sid == bindparam("in_sid"),
        cursor.c.feed == bindparam("in_feed"),
        cursor.c.position == bindparam("since"),
    )
    .values(position=bindparam("to"), moved_at=bindparam("at"))
)
_MOVE_BACKFILL = (
    update(backfill)
    .where(backfill.c.id == bindparam("in_id"), backfill.c.position == bindparam("since"))
    .values(position=bindparam("to"), done_at=bindparam("done"))
)
_JOIN = (
    update(window_done)
    .where(
        window_done.c.sid == bindparam("in_sid"),
        window_done.c.feed == bindparam("in_feed"),
        window_done.c.end == bindparam("since"),
        window_done.c.start > bindparam("room"),
    )
    .values(
        end=bindparam("to"),
        rows=window_done.c.rows + bindparam("more_rows"),
        calls=window_done.c.calls + bindparam("more_calls"),
        done_at=bindparam("at"),
    )
)


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a feed has been read completely. `origin` is where it began."""

    sid: str
    feed: str
    origin: datetime
    position: datetime
    moved_at: datetime


@dataclass(frozen=True, slots=True)
class Backfill:
    """A stretch of the past to be read beside the live tail; [start, position) is done."""

    id: int
    sid: str
    feed: str
    start: datetime
    end: datetime
    position: datetime


@dataclass(frozen=True, slots=True)
class Gap:
    """A span that the ledger does not cover although the cursor is beyond it, or covers twice."""

    sid: str
    feed: str
    start: datetime
    end: datetime
    why: str


class Misplaced(Exception):
    """The window does not begin where the cursor stands; moving would leave a gap."""


class Windows:
    """The cursor, window_done and backfill tables, inside one transaction."""

    def __init__(self, connection: AsyncConnection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def cursor(self, sid: str, feed: str) -> Cursor | None:
        """The cursor of a feed, None before its first run."""
        found = await self._connection.execute(select(cursor).where(cursor.c.sid == sid, cursor.c.feed == feed))
        row = found.first()
        return None if row is None else _cursor(row)

    async def begin(self, sid: str, feed: str, origin: datetime) -> Cursor:
        """Start a feed at `origin`; everything before it is a backfill's business."""
        at = to_ms(origin)
        await self._connection.execute(
            insert(cursor).values(sid=sid, feed=feed, origin=at, position=at, moved_at=to_ms(self._now))
        )
        return Cursor(sid, feed, origin, origin, self._now)

    async def move(self, sid: str, feed: str, window: Window, *, rows: int, calls: int) -> None:
        """Move the cursor over a completed window, in the transaction that stored its last rows. Raises Misplaced."""
        at = {"to": to_ms(window.end), "at": to_ms(self._now)}
        moved = await self._connection.execute(
            _MOVE, {"in_sid": sid, "in_feed": feed, "since": to_ms(window.start), **at}
        )
        if moved.rowcount != 1:
            raise Misplaced(f"{sid}/{feed} is not at {window.start.isoformat()}")
        await self._note(sid, feed, window, rows, calls)

    async def _note(self, sid: str, feed: str, window: Window, rows: int, calls: int) -> None:
        start, end = to_ms(window.start), to_ms(window.end)
        told = {"to": end, "more_rows": rows, "more_calls": calls, "at": to_ms(self._now)}
        where = {"in_sid": sid, "in_feed": feed, "since": start, "room": end - span_ms(_ROW_SPAN)}
        joined = await self._connection.execute(_JOIN, {**where, **told})
        if joined.rowcount == 0:
            await self._connection.execute(
                insert(window_done).values(
                    sid=sid, feed=feed, start=start, end=end, rows=rows, calls=calls, done_at=to_ms(self._now)
                )
            )

    async def last_done(self, sid: str, feed: str) -> tuple[timedelta, int] | None:
        """How long the latest row of a feed's ledger is, and how many rows it held; None where there is none."""
        found = await self._connection.execute(
            select(window_done.c.start, window_done.c.end, window_done.c.rows)
            .where(window_done.c.sid == sid, window_done.c.feed == feed)
            .order_by(window_done.c.start.desc())
            .limit(1)
        )
        row = found.first()
        return None if row is None else (timedelta(milliseconds=row.end - row.start), row.rows)

    async def add_backfill(self, sid: str, feed: str, start: datetime, end: datetime) -> bool:
        """Ask for [start, end) to be read; False when exactly this was asked for before."""
        known = await self._connection.scalar(
            select(backfill.c.id).where(
                backfill.c.sid == sid,
                backfill.c.feed == feed,
                backfill.c.start == to_ms(start),
                backfill.c.end == to_ms(end),
            )
        )
        if known is not None:
            return False
        await self._connection.execute(
            insert(backfill).values(
                sid=sid,
                feed=feed,
                start=to_ms(start),
                end=to_ms(end),
                position=to_ms(start),
                asked_at=to_ms(self._now),
            )
        )
        return True

    async def next_backfill(self, sid: str) -> Backfill | None:
        """The unfinished backfill that was asked for first."""
        found = await self._connection.execute(
            select(backfill).where(backfill.c.sid == sid, backfill.c.done_at.is_(None)).order_by(backfill.c.id).limit(1)
        )
        row = found.first()
        return None if row is None else _backfill(row)

    async def move_backfill(self, job: Backfill, window: Window, *, rows: int, calls: int) -> None:
        """Move a backfill over a completed window, like `move`. Raises Misplaced."""
        done_at = to_ms(self._now) if window.end >= job.end else None
        moved = await self._connection.execute(
            _MOVE_BACKFILL,
            {"in_id": job.id, "since": to_ms(window.start), "to": to_ms(window.end), "done": done_at},
        )
        if moved.rowcount != 1:
            raise Misplaced(f"backfill {job.id} is not at {window.start.isoformat()}")
        await self._note(job.sid, f"{job.feed}/backfill", window, rows, calls)

    async def cursors(self) -> list[Cursor]:
        """Every cursor."""
        return [
            _cursor(row) for row in await self._connection.execute(select(cursor).order_by(cursor.c.sid, cursor.c.feed))
        ]

    async def open_backfills(self) -> list[Backfill]:
        """Every unfinished backfill."""
        rows = await self._connection.execute(
            select(backfill).where(backfill.c.done_at.is_(None)).order_by(backfill.c.id)
        )
        return [_backfill(row) for row in rows]

    async def gaps(self) -> list[Gap]:
        """Every span behind a cursor or a backfill's position that the ledger does not cover exactly once."""
        found: list[Gap] = []
        for at in await self.cursors():
            found += await self._uncovered(at.sid, at.feed, at.origin, at.position)
        for job in [_backfill(row) for row in await self._connection.execute(select(backfill).order_by(backfill.c.id))]:
            if job.position > job.start:
                found += await self._uncovered(job.sid, f"{job.feed}/backfill", job.start, job.position)
        return found

    async def _uncovered(self, sid: str, feed: str, since: datetime, until: datetime) -> list[Gap]:
        rows = await self._connection.execute(
            select(window_done.c.start, window_done.c.end)
            .where(
                window_done.c.sid == sid,
                window_done.c.feed == feed,
                window_done.c.end > to_ms(since),
                window_done.c.start < to_ms(until),
            )
            .order_by(window_done.c.start)
        )
        backfilled = feed.endswith("/backfill")  # two of these may overlap: reading twice was somebody's wish
        found: list[Gap] = []
        place = to_ms(since)
        for start, end in rows:
            if start > place or (start < place and not backfilled):
                low, high = sorted((place, start))
                why = "missing" if start > place else "twice"
                found.append(Gap(sid, feed, from_ms(low), from_ms(high), why))
            place = max(place, end)
        if place < to_ms(until):
            found.append(Gap(sid, feed, from_ms(place), until, "missing"))
        return found


def _cursor(row: SqlRow[Any]) -> Cursor:
    return Cursor(
        sid=row.sid,
        feed=row.feed,
        origin=from_ms(row.origin),
        position=from_ms(row.position),
        moved_at=from_ms(row.moved_at),
    )


def _backfill(row: SqlRow[Any]) -> Backfill:
    return Backfill(
        id=row.id,
        sid=row.sid,
        feed=row.feed,
        start=from_ms(row.start),
        end=from_ms(row.end),
        position=from_ms(row.position),
    )
