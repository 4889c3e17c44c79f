"""What happens at which instant of the world: users, people who look, parties that come back."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from datetime import datetime, timedelta
from inspect import isawaitable
from itertools import count

Act = Callable[[], object]


class Diary:
    """Acts by their instants; whoever moves the clock stops at each and has it carried out."""

    def __init__(self) -> None:
        self._numbers = count()
        self._entries: list[tuple[datetime, int, Act, timedelta | None]] = []

    def at(self, when: datetime, act: Act, every: timedelta | None = None) -> None:
        """Do `act` (which may be awaitable) at `when`, and then `every` so often for ever."""
        heapq.heappush(self._entries, (when, next(self._numbers), act, every))

    def next_at(self) -> datetime | None:
        """When the next entry is due."""
        return self._entries[0][0] if self._entries else None

    async def carry_out(self, now: datetime) -> None:
        """Everything due until now, in its order."""
        while self._entries and self._entries[0][0] <= now:
            when, _, act, every = heapq.heappop(self._entries)
            if every is not None:
                self.at(max(when, now) + every, act, every)
            done = act()
            if isawaitable(done):
                await done
