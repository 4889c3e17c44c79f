"""Lanes: (merchant, platform) at rest, with the reason and until when. A resting lane's rows wait; none is failed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row as SqlRow
from sqlalchemy import delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.domain.trouble import Care, Verdict
from syncd.store.instants import from_ms, to_ms
from syncd.store.schema import lane

OPEN, RESTING, PAUSED = "open", "resting", "paused"
#: How long a lane rests when the party did not say; a lane that needs a person is probed as rarely as this.
_REST = {Care.REST_LANE: 300.0, Care.CLOCK: 60.0, Care.SETTINGS: 300.0, Care.PERSON: 300.0}


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane as people see it. `until` is None while it is open, or paused until somebody resumes it."""

    merchant: str
    platform: str
    state: str
    reason: str
    code: str
    until: datetime | None
    since: datetime
    failures: int

    @property
    def name(self) -> str:
        return f"{self.merchant}/{self.platform}"


#: No party asks for more; a rest beyond it means that the clock has gone back since.
_LONGEST_REST = timedelta(hours=1, minutes=5)


class Lanes:
    """The lane table, inside one transaction."""

    def __init__(self, connection: AsyncConnection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def at_rest(self, merchant: str, platform: str) -> datetime | None:
        """Until when the lane must be left alone; None when it may be used. A pause without an end is far away."""
        found = await self._find(merchant, platform)
        if found is None or found.state == OPEN:
            return None
        if found.until is None:
            return self._now + timedelta(hours=1)
        if found.state == RESTING and found.until > self._now + _LONGEST_REST:
            return None  # written while the clock was ahead
        return found.until if found.until > self._now else None

    async def rest(self, merchant: str, platform: str, verdict: Verdict) -> bool:
        """Let the lane rest after a lane-wide error; True on the edge from open to resting."""
        found = await self._find(merchant, platform)
        if found is not None and found.state == PAUSED:
            return False
        failures = 1 if found is None or found.state == OPEN else found.failures + 1
        rest_for = timedelta(seconds=verdict.rest_for or _REST.get(verdict.care, 60.0))
        await self._put(
            merchant,
            platform,
            state=RESTING,
            reason=f"{verdict.care}: {verdict.text}"[:500],
            code=f"{verdict.platform}.{verdict.code}",
            until_at=to_ms(self._now + rest_for),
            failures=failures,
            since=found.since if found is not None and found.state == RESTING else self._now,
        )
        return found is None or found.state == OPEN

    async def recovered(self, merchant: str, platform: str, *, by_asking: bool = False) -> bool:
        """A call went well: the lane is open again; True on the edge.

        A question that is answered (`by_asking`) does not show that a person has done what issuing needs.
        """
        conditions = [lane.c.merchant == merchant, lane.c.platform == platform, lane.c.state == RESTING]
        if by_asking:
            conditions.append(lane.c.reason.not_like(f"{Care.PERSON}:%"))
        done = await self._connection.execute(
            update(lane)
            .where(*conditions)
            .values(state=OPEN, reason="", code="", until_at=None, failures=0, since_at=to_ms(self._now))
        )
        return done.rowcount == 1

    async def pause(self, merchant: str, platform: str, reason: str, until: datetime | None) -> None:
        """A person stops the lane."""
        await self._put(
            merchant,
            platform,
            state=PAUSED,
            reason=reason,
            code="operator",
            until_at=to_ms(until),
            failures=0,
            since=self._now,
        )

    async def resume(self, merchant: str, platform: str) -> bool:
        """A person opens the lane, whatever it rested for; False when it was not at rest."""
        done = await self._connection.execute(
            delete(lane).where(lane.c.merchant == merchant, lane.c.platform == platform, lane.c.state != OPEN)
        )
        return done.rowcount == 1

    async def all(self) -> list[Lane]:
        """Every lane that was ever at rest."""
        rows = await self._connection.execute(select(lane).order_by(lane.c.merchant, lane.c.platform))
        return [_lane(row) for row in rows]

    async def _find(self, merchant: str, platform: str) -> Lane | None:
        rows = await self._connection.execute(
            select(lane).where(lane.c.merchant == merchant, lane.c.platform == platform)
        )
        row = rows.first()
        return None if row is None else _lane(row)

    async def _put(self, merchant: str, platform: str, *, since: datetime, **values: object) -> None:
        await self._connection.execute(delete(lane).where(lane.c.merchant == merchant, lane.c.platform == platform))
        await self._connection.execute(
            insert(lane).values(merchant=merchant, platform=platform, since_at=to_ms(since), **values)
        )


def _lane(r: SqlRow[Any]) -> Lane:
    return Lane(
        merchant=r.merchant,
        platform=r.platform,
        state=r.state,
        reason=r.reason,
        code=r.code,
        until=from_ms(r.until_at),
        since=from_ms(r.since_at),
        failures=r.failures,
    )
