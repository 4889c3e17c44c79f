"""Lanes: (merchant, platform) at rest, with the reason and until when. A resting lane's rows wait; none is failed.

A lane whose rest is over stays *resting* until an answer opens it: it is half open, and one caller at a time gets the
right to a single call (`probe`).
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Row as SqlRow
from sqlalchemy import bindparam, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.domain.budget import longest_rest
from syncd.domain.trouble import Care, Verdict
from syncd.store import question
from syncd.store.dialect import is_postgresql, upsert
from syncd.store.instants import from_ms, to_ms
from syncd.store.question import Among
from syncd.store.schema import lane
from syncd.store.script import Ask, rows_of

OPEN, RESTING, PAUSED = "open", "resting", "paused"
#: How long a lane rests when the party did not say; a lane that needs a person is probed as rarely as this.
_REST = {Care.REST_LANE: 300.0, Care.CLOCK: 60.0, Care.SETTINGS: 300.0, Care.PERSON: 300.0}
#: An unreachable party: its first rest, doubled by every probe that fails, and the longest.
_UNREACHABLE, _LONGEST_UNREACHABLE = 30.0, 300.0
#: So many calls in a row without an answer make a party unreachable.
STRIKES = 5
#: Who has the right to the one call of a half-open lane has it for as long; after that its holder is taken for dead.
PROBE_FOR = timedelta(seconds=60)


_UNWELL = or_(lane.c.strikes > 0, lane.c.state == RESTING)
_NOT_WELL = select(lane.c.state).where(
    lane.c.merchant == bindparam("in_merchant"),
    lane.c.platform == bindparam("in_platform"),
    _UNWELL,
)
#: By whether it is PostgreSQL.
_UNWELL_OF = {
    shared: f"SELECT merchant FROM lane WHERE merchant IN (SELECT value FROM {among}) AND platform = ?"
    f" AND (strikes > 0 OR state = '{RESTING}')"
    for shared, among in ((False, "json_each(?)"), (True, "json_array_elements_text(CAST(? AS JSON))"))
}


class _Shown(NamedTuple):
    """The columns that say how a lane stands."""

    merchant: str
    platform: str
    state: str
    reason: str
    code: str
    until_at: int | None
    since_at: int
    failures: int


_NOT_OPEN_OF = select(*(lane.c[name] for name in _Shown._fields)).where(
    Among(lane.c.merchant, "in_merchants", "TEXT"), lane.c.platform == bindparam("in_platform"), lane.c.state != OPEN
)


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

    @property
    def care(self) -> Care | None:
        """What a rest asks for; None for a lane that does not rest."""
        head = self.reason.partition(":")[0]
        return Care(head) if self.state == RESTING and head in Care.__members__.values() else None


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a lane may be used. `until`: not before then; `half_open`: by one call, to see whether it works."""

    until: datetime | None = None
    half_open: bool = False
    care: Care | None = None


class Lanes:
    """The lane table, inside one transaction."""

    def __init__(self, connection: AsyncConnection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def at_rest(self, merchant: str, platform: str) -> datetime | None:
        """Until when the lane must be left alone; None when it may be used. A pause without an end is far away."""
        return (await self.standing(merchant, platform)).until

    async def standing(self, merchant: str, platform: str) -> Standing:
        """Whether the lane may be used now, and how."""
        return (await self.standings([merchant], platform)).get(merchant, Standing())

    async def standings(self, merchants: Collection[str], platform: str) -> dict[str, Standing]:
        """As `standing`, of those whose lane is not simply open; the others are left out."""
        whose = {"in_merchants": list(merchants), "in_platform": platform}
        lanes = [_lane(_Shown._make(row)) for row in await question.rows(self._connection, _NOT_OPEN_OF, **whose)]
        return {one.merchant: self._stands(one, platform) for one in lanes}

    async def unwell(self, merchants: Collection[str], platform: str) -> set[str]:
        """Those of whose lanes `recovered` has something to write."""
        return {name for (name,) in await rows_of(self._connection, self.asking_unwell(merchants, platform))}

    def asking_unwell(self, merchants: Collection[str], platform: str) -> Ask:
        """The question behind `unwell`, which finds their names."""
        return Ask(_UNWELL_OF[is_postgresql(self._connection)], (orjson.dumps(list(merchants)).decode(), platform))

    def _stands(self, found: Lane, platform: str) -> Standing:
        if found.state == PAUSED:
            until = self._now + timedelta(hours=1) if found.until is None else found.until
            return Standing(until=until) if until > self._now else Standing()
        until = found.until or self._now
        if self._now < until <= self._now + longest_rest(platform):  # beyond it: written while the clock was ahead
            return Standing(until=until, care=found.care)
        return Standing(half_open=True, care=found.care)

    async def probe(self, merchants: Sequence[str], platform: str) -> bool:
        """Take the right to the one call of a half-open lane, which all `merchants` share; False when it is taken."""
        granted = await self._connection.execute(
            update(lane)
            .where(
                lane.c.merchant.in_(merchants),
                lane.c.platform == platform,
                lane.c.state == RESTING,
                or_(lane.c.until_at <= to_ms(self._now), lane.c.until_at > to_ms(self._now + longest_rest(platform))),
            )
            .values(until_at=to_ms(self._now + PROBE_FOR))
        )
        return granted.rowcount > 0

    async def rest(self, merchant: str, platform: str, verdict: Verdict) -> bool:
        """Let the lane rest after a lane-wide error; True on the edge from open to resting."""
        found = _lane(await self._held(merchant, platform))
        if found.state == PAUSED and (found.until is None or found.until > self._now):
            return False
        failures = found.failures + 1 if found.state == RESTING else 1
        rest_for = self._rest_for(platform, verdict, failures)
        await self._put(
            merchant,
            platform,
            state=RESTING,
            reason=f"{verdict.care}: {verdict.text}"[:500],
            code=f"{verdict.platform}.{verdict.code}",
            until_at=to_ms(self._now + rest_for),
            failures=failures,
            since=found.since if found.state == RESTING else self._now,
        )
        return found.state != RESTING

    def _rest_for(self, platform: str, verdict: Verdict, failures: int) -> timedelta:
        """As long as the party said; an unreachable one ever longer, and not all of them at the same moment."""
        if verdict.care is not Care.RETRY_SOON:
            return timedelta(seconds=verdict.rest_for or _REST.get(verdict.care, 60.0))
        longest = min(_LONGEST_UNREACHABLE, _UNREACHABLE * 2.0 ** min(failures - 1, 10))
        return timedelta(seconds=longest * (1 + 0.2 * _spread(f"{platform}/{failures}/{to_ms(self._now)}")))

    async def strike(self, merchant: str, platform: str, by: str = "") -> int:
        """Nobody answered: how often in a row now. Repeated by the same order (`by`) alone it says nothing new."""
        found = await self._held(merchant, platform)
        strikes = found.strikes + (0 if by and found.struck_by == by else 1)
        await self._connection.execute(
            update(lane)
            .where(lane.c.merchant == merchant, lane.c.platform == platform)
            .values(strikes=strikes, struck_by=by)
        )
        return int(strikes)

    async def recovered(self, merchant: str, platform: str, *, by_asking: bool = False) -> bool:
        """A call went well: the lane is open again; True on the edge.

        A question that is answered (`by_asking`) does not show that a person has done what issuing needs.
        """
        # After every call that goes well there is nothing to be done here: looking costs less than two updates.
        found = await self._connection.execute(_NOT_WELL, {"in_merchant": merchant, "in_platform": platform})
        if found.first() is None:
            return False
        ours = (lane.c.merchant == merchant, lane.c.platform == platform)
        await self._connection.execute(update(lane).where(*ours, lane.c.strikes > 0).values(strikes=0, struck_by=""))
        conditions = [*ours, lane.c.state == RESTING]
        if by_asking:
            conditions.append(lane.c.reason.not_like(f"{Care.PERSON}:%"))
        done = await self._connection.execute(
            update(lane)
            .where(*conditions)
            .values(state=OPEN, reason="", code="", until_at=None, failures=0, since_at=to_ms(self._now))
        )
        return done.rowcount == 1

    async def try_now(self, care: Care) -> list[tuple[str, str]]:
        """End the rests that ask for `care`; merchant and platform of the lanes that are half open by that."""
        ended = await self._connection.execute(
            update(lane)
            .where(lane.c.state == RESTING, lane.c.reason.like(f"{care}:%"), lane.c.until_at > to_ms(self._now))
            .values(until_at=to_ms(self._now))
            .returning(lane.c.merchant, lane.c.platform)
        )
        return [(merchant, platform) for merchant, platform in ended]

    async def half_open_again(self, merchant: str, platform: str) -> None:
        """The one call was taken, but not until an invoice comes of it is the lane known to work: it may be tried."""
        await self._connection.execute(
            update(lane)
            .where(lane.c.merchant == merchant, lane.c.platform == platform, lane.c.state == RESTING)
            .values(until_at=to_ms(self._now))
        )

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
        """Every lane that was ever at rest or without an answer."""
        rows = await self._connection.execute(select(lane).order_by(lane.c.merchant, lane.c.platform))
        return [_lane(row) for row in rows]

    async def _held(self, merchant: str, platform: str) -> SqlRow[Any]:
        """The lane's row, open if there was none. Nobody else changes it until this transaction ends.

        Several merchants share an account, and the turns of each say how it goes.
        """
        row = select(lane).where(lane.c.merchant == merchant, lane.c.platform == platform).with_for_update()
        found = (await self._connection.execute(row)).first()
        if found is None:
            new = upsert(self._connection, lane).values(
                merchant=merchant, platform=platform, state=OPEN, since_at=to_ms(self._now)
            )
            await self._connection.execute(new.on_conflict_do_nothing())
            found = (await self._connection.execute(row)).one()
        return found

    async def _put(self, merchant: str, platform: str, *, since: datetime, **values: object) -> None:
        fresh = {"reason": "", "code": "", "until_at": None, "failures": 0, "strikes": 0, "struck_by": ""}
        row = {**fresh, "since_at": to_ms(since), **values}
        put = upsert(self._connection, lane).values(merchant=merchant, platform=platform, **row)
        await self._connection.execute(
            put.on_conflict_do_update(index_elements=[lane.c.merchant, lane.c.platform], set_=row)
        )


def _spread(text: str) -> float:
    """A number in [0, 1) that differs from lane to lane and from rest to rest, and is the same for the same."""
    return zlib.crc32(text.encode()) / 2**32


def _lane(r: SqlRow[Any] | _Shown) -> Lane:
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
