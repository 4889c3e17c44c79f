"""Never more calls in a day than a party allows: one allowance per credential."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Protocol

from syncd.domain.clock import BEIJING
from syncd.domain.trouble import Paced

#: Calls taken from the book at once. What a process has taken and not made when it ends is lost for the day.
PORTION = 20


class DayBook(Protocol):
    """Where the calls of a day are counted, over restarts and for all workers."""

    async def take(self, day: str, most: int, portion: int) -> int:
        """Take up to `portion` of the `most` calls of `day`; how many there were."""
        ...


class Memory:
    """A day book of this process alone."""

    def __init__(self) -> None:
        self._day, self._taken = "", 0

    async def take(self, day: str, most: int, portion: int) -> int:
        """Take up to `portion` of the `most` calls of `day`; how many there were."""
        if day != self._day:
            self._day, self._taken = day, 0
        granted = max(0, min(portion, most - self._taken))
        self._taken += granted
        return granted


class Allowance:
    """The calls of one Beijing day, `per_day` at most, taken from `book` in portions."""

    def __init__(self, per_day: int, now: Callable[[], datetime], book: DayBook | None = None) -> None:
        if per_day < 1:
            raise ValueError("an allowance of no calls is none")
        self._per_day = per_day
        self._now = now
        self._book = book or Memory()
        self._day = ""
        self._left = 0
        self._is_spent = False

    async def spend(self) -> None:
        """Take one call of today's. Raises Paced until midnight in Beijing when there is none left."""
        day = self._today()
        if not self._left and not self._is_spent:
            granted = await self._book.take(day, self._per_day, PORTION)
            self._left += granted
            self._is_spent = not self._left
        if not self._left:
            raise Paced(midnight_after(self._now()))
        self._left -= 1

    def free_at(self) -> datetime | None:
        """When there are calls again; None while there are, as far as this process knows."""
        self._today()
        return midnight_after(self._now()) if self._is_spent else None

    def _today(self) -> str:
        day = self._now().astimezone(BEIJING).date().isoformat()
        if day != self._day:
            self._day, self._left, self._is_spent = day, 0, False
        return day


def midnight_after(now: datetime) -> datetime:
    """The next midnight in Beijing, in UTC."""
    tomorrow = now.astimezone(BEIJING).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), BEIJING).astimezone(UTC)
