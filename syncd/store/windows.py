"""The ledger of completed windows: the cursor per (merchant, feed), what was read to get there, and the backfills."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row as SqlRow
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.domain.window import Window
from syncd.store import question
from syncd.store.instants import from_ms, span_ms, to_ms
from syncd.store.question import Among
from syncd.store.schema import backfill, cursor, window_done
from syncd.store.script import Script, Tell, play

#: Neighbouring windows are written as one ledger row up to this span: a quiet year is 365 rows, not half a million.
_ROW_SPAN = timedelta(days=1)


_MOVE = "UPDATE cursor SET position = ?, moved_at = ? WHERE sid = ? AND feed = ? AND position = ?"
_MOVE_BACKFILL = "UPDATE backfill SET position = ?, done_at = ? WHERE id = ? AND position = ?"
_JOIN = """
UPDATE window_done SET "end" = ?, rows = rows + ?, calls = calls + ?, done_at = ?
WHERE sid = ? AND feed = ? AND "end" = ? AND start > ?
"""
_PLACES = select(cursor.c.sid, cursor.c.feed, cursor.c.origin, cursor.c.position, cursor.c.moved_at).where(
    Among(cursor.c.sid, "sids", "TEXT"), Among(cursor.c.feed, "names", "TEXT")
)
_NOTE = 'INSERT INTO window_done (sid, feed, start, "end", rows, calls, done_at) VALUES (?, ?, ?, ?, ?, ?, ?)'


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


@dataclass(frozen=True, slots=True)
class Done:
    """A window of a feed that was read completely: how many rows it held, and how many calls that took."""

    sid: str
    feed: str
    window: Window
    rows: int
    calls: int


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

    async def places(self, feeds: Collection[tuple[str, str]]) -> dict[tuple[str, str], Cursor]:
        """The cursors of several feeds (sid and name)."""
        sids, names = ([*{one[part] for one in feeds}] for part in (0, 1))
        found = await question.rows(self._connection, _PLACES, sids=sids, names=names)
        there = {(sid, feed): Cursor(sid, feed, *map(from_ms, instants)) for sid, feed, *instants in found}
        return {feed: there[feed] for feed in feeds if feed in there}

    async def begin(self, sid: str, feed: str, origin: datetime) -> Cursor:
        """Start a feed at `origin`; everything before it is a backfill's business."""
        at = to_ms(origin)
        await self._connection.execute(
            insert(cursor).values(sid=sid, feed=feed, origin=at, position=at, moved_at=to_ms(self._now))
        )
        return Cursor(sid, feed, origin, origin, self._now)

    async def move(self, sid: str, feed: str, window: Window, *, rows: int, calls: int) -> None:
        """Move the cursor over a completed window, in the transaction that stored its last rows. Raises Misplaced."""
        await self.move_all([Done(sid, feed, window, rows, calls)])

    async def move_all(self, windows: Sequence[Done]) -> None:
        """As `move`, over a window of each of several feeds. Raises Misplaced where one does not fit its cursor."""
        await play(self._connection, _moved(windows, to_ms(self._now)))

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
        done = Done(job.sid, f"{job.feed}/backfill", window, rows, calls)
        await play(self._connection, _backfilled(job, done, to_ms(self._now)))

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


def _moved(windows: Sequence[Done], now: int) -> Script[None]:
    for done in windows:
        place = (done.sid, done.feed, to_ms(done.window.start))
        if (yield Tell(_MOVE, [(to_ms(done.window.end), now, *place)])) != 1:
            raise Misplaced(f"{done.sid}/{done.feed} is not at {done.window.start.isoformat()}")
        yield from _noted(done, now)


def _backfilled(job: Backfill, done: Done, now: int) -> Script[None]:
    start, end = to_ms(done.window.start), to_ms(done.window.end)
    over = now if done.window.end >= job.end else None
    if (yield Tell(_MOVE_BACKFILL, [(end, over, job.id, start)])) != 1:
        raise Misplaced(f"backfill {job.id} is not at {done.window.start.isoformat()}")
    yield from _noted(done, now)


def _noted(done: Done, now: int) -> Script[None]:
    """Longer than a row may be, or not beside one: it becomes a row of its own."""
    start, end = to_ms(done.window.start), to_ms(done.window.end)
    room = end - span_ms(_ROW_SPAN)
    joined = yield Tell(_JOIN, [(end, done.rows, done.calls, now, done.sid, done.feed, start, room)])
    if not joined:
        yield Tell(_NOTE, [(done.sid, done.feed, start, end, done.rows, done.calls, now)])


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
