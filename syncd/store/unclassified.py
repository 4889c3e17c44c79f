"""What parties said that the catalogue has no rule for: how often, and since when. Nothing is re-sent because of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.catalogue.messages import without_numbers
from syncd.domain.trouble import Verdict
from syncd.store.dialect import upsert
from syncd.store.instants import from_ms, to_ms
from syncd.store.schema import unclassified

#: So many different messages of one platform are kept apart; what comes later is counted under `OTHERS`.
MOST_KEPT = 200
OTHERS = "…"
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Unheard:
    """One message nobody has classified. `text` is the party's own, without the numbers of orders or people."""

    platform: str
    code: str
    text: str
    count: int
    first_at: datetime
    last_at: datetime


class Unclassified:
    """The table of unclassified messages, inside one transaction."""

    def __init__(self, connection: AsyncConnection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def seen(self, verdict: Verdict, times: int = 1) -> None:
        """Count it. The same words about two orders are one message."""
        code, text = verdict.code[:LONGEST], without_numbers(verdict.text)[:LONGEST]
        if await self._count(verdict.platform, code, text, times):
            return
        if await self._kept(verdict.platform) >= MOST_KEPT:
            code = text = OTHERS
            if await self._count(verdict.platform, code, text, times):
                return
        at, t = to_ms(self._now), unclassified.c
        new = upsert(self._connection, unclassified).values(
            platform=verdict.platform, code=code, text=text, count=times, first_at=at, last_at=at
        )
        await self._connection.execute(  # two merchants may hear it first at the same moment
            new.on_conflict_do_update(
                index_elements=[t.platform, t.code, t.text],
                set_={"count": t["count"] + times, "last_at": at},
            )
        )

    async def all(self) -> list[Unheard]:
        """Every message, the latest first."""
        t = unclassified.c
        rows = await self._connection.execute(
            select(unclassified).order_by(t.last_at.desc(), t.platform, t.code, t.text)
        )
        return [
            Unheard(platform, code, text, int(count), from_ms(first_at), from_ms(last_at))
            for platform, code, text, count, first_at, last_at in rows
        ]

    async def by_platform(self) -> dict[str, int]:
        """How often each platform said something of the kind."""
        t = unclassified.c
        rows = await self._connection.execute(select(t.platform, func.sum(t.count)).group_by(t.platform))
        return {platform: int(count) for platform, count in rows}

    async def _count(self, platform: str, code: str, text: str, times: int) -> bool:
        t = unclassified.c
        done = await self._connection.execute(
            update(unclassified)
            .where(t.platform == platform, t.code == code, t.text == text)
            .values(count=unclassified.c["count"] + times, last_at=to_ms(self._now))
        )
        return done.rowcount == 1

    async def _kept(self, platform: str) -> int:
        t = unclassified.c
        return int(
            await self._connection.scalar(select(func.count()).select_from(unclassified).where(t.platform == platform))
            or 0
        )
