"""What people were told, so that a restart tells nobody again: one row for each outage by name."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.store.dialect import upsert
from syncd.store.instants import from_ms, to_ms
from syncd.store.schema import alert_told


@dataclass(frozen=True, slots=True)
class Told:
    """What was last said about `name`, and whether it goes on.

    `count` and `about` are as they were told, less what has been mended since. `gone_at`: since when it has not been
    seen, `over_at`: when its end was told; both None while it lasts.
    """

    name: str
    since: datetime
    told_at: datetime
    count: int
    about: tuple[str, ...] = ()
    gone_at: datetime | None = None
    over_at: datetime | None = None


class AlertsTold:
    """The table of what was told, inside one transaction."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def all(self) -> dict[str, Told]:
        """What was told, by name."""
        t = alert_told.c
        rows = await self._connection.execute(
            select(t.name, t.since_at, t.told_at, t["count"], t.about, t.gone_at, t.over_at).order_by(t.name)
        )
        return {
            name: Told(
                name, from_ms(since), from_ms(told_at), count, tuple(about.split()), from_ms(gone_at), from_ms(over_at)
            )
            for name, since, told_at, count, about, gone_at, over_at in rows
        }

    async def put(self, told: Told) -> None:
        """Replace what was said about this name."""
        values = {
            "since_at": to_ms(told.since),
            "told_at": to_ms(told.told_at),
            "count": told.count,
            "about": " ".join(told.about),
            "gone_at": to_ms(told.gone_at),
            "over_at": to_ms(told.over_at),
        }
        put = upsert(self._connection, alert_told).values(name=told.name, **values)
        await self._connection.execute(put.on_conflict_do_update(index_elements=[alert_told.c.name], set_=values))
