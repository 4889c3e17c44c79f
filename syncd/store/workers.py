"""The processes that share a store's work: who is there, and who has fallen silent.

Each says once a second that it lives, in one row, by the database's clock. A lease alone would have to be short to free
a dead worker's units soon, and long to outlast a slow call; so leases stay long, and end early with their owner's row
(docs/decisions/0015).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, exists, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.store.dialect import DATABASE_NOW, is_postgresql, upsert
from syncd.store.instants import from_ms, span_ms, to_ms
from syncd.store.schema import unit, worker

#: How often a process says that it lives, and how long it is believed without.
BEAT = timedelta(seconds=1)
SILENT_AFTER = timedelta(seconds=5)
#: What is due, settled or fresh is reckoned by each host's own clock: further off the database's than this it is wrong.
MOST_OFF = timedelta(seconds=30)
#: The sessions are known by their name (`postgres.application_name`). Somebody else may have been given the same name
#: and number: where such a one is heard, or began after the last beat of the other, they are left alone. A process that
#: was blocked for a moment is not struck: that would only make more work where there is too much.
_END_SESSIONS = text(f"""
WITH silent AS (
  SELECT owner, 'syncd ' || left(split_part(owner, ':', 1), 40) || ':' || split_part(owner, ':', 2) AS name,
    to_timestamp(beat_at / 1000.0) AS heard_at, (EXTRACT(EPOCH FROM clock_timestamp()) * 1000 - heard_until) AS over
  FROM worker
)
SELECT silent.owner, pg_terminate_backend(theirs.pid) AS ended
FROM silent JOIN pg_stat_activity AS theirs ON theirs.application_name = silent.name
WHERE silent.over >= {span_ms(SILENT_AFTER)}
  AND NOT EXISTS (SELECT FROM silent AS heard WHERE heard.name = silent.name AND heard.over < 0)
  AND theirs.datname = current_database() AND theirs.usename = session_user AND theirs.pid <> pg_backend_pid()
  AND theirs.xact_start IS NOT NULL AND theirs.backend_start < silent.heard_at
""")
#: A row that nobody cleared away is kept so long for people to see.
_KEPT_FOR = timedelta(minutes=15)


def wrong(off: timedelta) -> bool:
    """Whether a clock so far off the database's is one to decide nothing by."""
    return abs(off) > MOST_OFF


@dataclass(slots=True)
class Pulse:
    """When this process was last heard, as it may believe itself.

    `beat_at` is the instant before it said so, in seconds of `now`: real time, as the database's is. `off` is how far
    this host's clock is ahead of the database's (negative: behind), as far as can be told.
    """

    silent_after: timedelta = SILENT_AFTER
    now: Callable[[], float] = time.monotonic
    beat_at: float = float("-inf")
    off: timedelta = timedelta(0)

    @property
    def unheard_for(self) -> float:
        """Seconds since this process was last heard."""
        return self.now() - self.beat_at

    @property
    def astray(self) -> bool:
        """Whether this host's clock is too far from the database's for anything to be decided by it."""
        return wrong(self.off)

    @property
    def half_spent(self) -> bool:
        """Whether others may soon take this process for dead: no outside write may start after that."""
        return self.astray or self.unheard_for >= self.silent_after.total_seconds() / 2


@dataclass(frozen=True, slots=True)
class WorkerView:
    """A process as people see it. `silent_for` is how long it has said nothing, by the database's clock.

    `settings` is alike for processes that have the same; `off` is how far its clock is ahead of the database's.
    """

    owner: str
    role: str
    places: int
    busy: int
    started_at: datetime
    beat_at: datetime
    silent_for: timedelta
    alive: bool
    settings: str = ""
    off: timedelta = timedelta(0)

    @property
    def astray(self) -> bool:
        """Whether it works at nothing, because its clock is wrong."""
        return wrong(self.off)


class Workers:
    """The worker table, inside one transaction. On SQLite, which one process has for itself, it stays empty."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def beat(
        self,
        owner: str,
        role: str,
        *,
        places: int,
        busy: int,
        vouches: bool,
        silent_after: timedelta,
        settings: str = "",
        off: timedelta = timedelta(0),
    ) -> datetime:
        """Say that `owner` lives; the database's clock. `vouches`: it knows by its witness that this store is the
        newest of its line. `off`: how far its clock was ahead when it last said so."""
        said = {
            "role": role,
            "places": places,
            "busy": busy,
            "vouches": int(vouches),
            "settings": settings,
            "clock_off": span_ms(off),
            "beat_at": DATABASE_NOW,
            "heard_until": DATABASE_NOW + span_ms(silent_after),
        }
        row = upsert(self._connection, worker).values(owner=owner, started_at=DATABASE_NOW, **said)
        row = row.on_conflict_do_update(index_elements=[worker.c.owner], set_=said)
        said_at = await self._connection.execute(row.returning(worker.c.beat_at))
        return from_ms(int(said_at.scalar_one()))

    async def extend(self, owner: str, units: Collection[tuple[str, str]], lease: timedelta) -> None:
        """What a living process is still at work on stays its own: a call may take longer than a lease."""
        if not units:
            return
        at_work = [unit.c.owner == owner, unit.c.lease_until > 0, tuple_(unit.c.stage, unit.c.key).in_(sorted(units))]
        nearly_over = unit.c.lease_until < DATABASE_NOW + span_ms(lease) // 2
        await self._connection.execute(
            update(unit).where(*at_work, nearly_over).values(lease_until=DATABASE_NOW + span_ms(lease))
        )

    async def sign_off(self, owner: str, now: datetime) -> int:
        """`owner` works no more: what it held is free at once, and due; how many units that were."""
        freed = await self._connection.execute(
            update(unit)
            .where(unit.c.owner == owner, unit.c.lease_until > 0)
            .values(epoch=unit.c.epoch + 1, lease_until=0, owner="", next_at=to_ms(now))
        )
        await self._connection.execute(delete(worker).where(worker.c.owner == owner))
        return freed.rowcount

    async def forget_the_dead(self) -> None:
        """Clear away who has been silent for a quarter of an hour."""
        await self._connection.execute(delete(worker).where(worker.c.heard_until < DATABASE_NOW - span_ms(_KEPT_FOR)))

    async def anybody_is_silent(self) -> bool:
        """Whether a process that never signed off was not heard in time."""
        silent_ = exists().where(worker.c.heard_until <= DATABASE_NOW)
        return bool(await self._connection.scalar(select(silent_)))

    async def end_sessions_of_the_silent(self) -> list[str]:
        """Who fell silent has lost its units; its open transactions go, too, and whatever they keep from the others.

        The server ends by itself only a transaction that rests between two statements. Of a process that was frozen in
        the middle of several, sent together, it awaits the next one for as long as the connection stands; and a start,
        which waits for all transactions, would meanwhile keep everybody else waiting. Whose they were, once for each.
        """
        ended = await self._connection.execute(_END_SESSIONS)
        return [row.owner for row in ended if row.ended]

    async def vouching(self, owner: str) -> dict[str, int]:
        """Who else knows this store by its witness, and when each was last heard.

        A store that was copied a moment ago holds the last words of those who live elsewhere: only who is heard again
        is there.
        """
        others = select(worker.c.owner, worker.c.beat_at).where(
            worker.c.owner != owner, worker.c.vouches == 1, worker.c.heard_until > DATABASE_NOW
        )
        return {row.owner: row.beat_at for row in await self._connection.execute(others)}

    async def all(self) -> list[WorkerView]:
        """Every process that was heard within the last quarter of an hour, the longest at work first."""
        if not is_postgresql(self._connection):
            return []
        rows = await self._connection.execute(
            select(worker, DATABASE_NOW.label("now")).order_by(worker.c.started_at, worker.c.owner)
        )
        return [
            WorkerView(
                owner=row.owner,
                role=row.role,
                places=row.places,
                busy=row.busy,
                started_at=from_ms(row.started_at),
                beat_at=from_ms(row.beat_at),
                silent_for=timedelta(milliseconds=max(0, row.now - row.beat_at)),
                alive=row.heard_until > row.now,
                settings=row.settings,
                off=timedelta(milliseconds=row.clock_off),
            )
            for row in rows
        ]


def differ(workers: Iterable[WorkerView]) -> bool:
    """Whether processes that are at work have other settings than the rest."""
    return len({one.settings for one in workers if one.alive and one.settings}) > 1


def silent(owner: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether the process `owner` has fallen silent; one that never said anything has not."""
    return exists().where(worker.c.owner == owner, worker.c.heard_until <= DATABASE_NOW)
