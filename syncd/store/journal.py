"""What happened, in order, for ever: rows are added and never changed (triggers refuse anything else)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.store.instants import from_ms, to_ms
from syncd.store.orders import OrderId
from syncd.store.schema import journal
from syncd.store.script import Tell
from syncd.store.together import Together

_ADD = insert(journal)
#: Lines keep their own order, whatever else is said about the orders they are about.
_OF_NO_ORDER = -1


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the history."""

    at: datetime
    order_id: OrderId | None
    merchant: str
    event: str
    facts: dict[str, Any]


class Journal:
    """The journal table, inside one transaction."""

    def __init__(self, connection: AsyncConnection, now: datetime, together: Together) -> None:
        self._connection = connection
        self._at = to_ms(now)
        self._together = together
        self._lines: list[dict[str, Any]] = []

    async def add(self, event: str, *, order_id: OrderId | None = None, merchant: str = "", **facts: Any) -> None:
        """Note that `event` happened, with what a reader will want to know. No personal data, no secrets."""
        known = {name: value for name, value in facts.items() if value is not None}
        self._lines.append(
            {
                "at": self._at,
                "order_id": order_id,
                "merchant": merchant,
                "event": event,
                "facts": orjson.dumps(known, default=str).decode(),
            }
        )

    async def flush(self, also: Sequence[Tell] = ()) -> None:
        """Write down what was noted: the lines of one transaction go in together, before anybody reads, or it ends.

        And `also` what the same round trip can take along.
        """
        lines, self._lines = self._lines, []
        for line in lines:
            self._together.add(_OF_NO_ORDER, _ADD, line)
        await self._together.flush(also)

    async def of(self, order_id: OrderId) -> list[Entry]:
        """The story of one order, oldest first."""
        await self.flush()
        rows = await self._connection.execute(
            select(journal).where(journal.c.order_id == order_id).order_by(journal.c.id)
        )
        return [
            Entry(from_ms(row.at), OrderId(row.order_id), row.merchant, row.event, orjson.loads(row.facts))
            for row in rows
        ]

    async def newest(self) -> int:
        """The number of the latest line; 0 while there is none."""
        await self.flush()
        return int(await self._connection.scalar(select(func.max(journal.c.id))) or 0)

    async def since(self, number: int, events: Collection[str]) -> list[tuple[int, str, dict[str, Any]]]:
        """Number, event and facts of each line of these events after line `number`, oldest first."""
        await self.flush()
        rows = await self._connection.execute(
            select(journal.c.id, journal.c.event, journal.c.facts)
            .where(journal.c.id > number, journal.c.event.in_(events))
            .order_by(journal.c.id)
        )
        return [(int(row.id), row.event, orjson.loads(row.facts)) for row in rows]
