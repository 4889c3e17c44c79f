"""How many calls a minute a credential may make now: halved by every rate answer, given back minute by minute. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

#: Seconds that `rate` calls are spread over: a minute and a little, so that calls which travel for different times
#: still never fill the other side's minute.
MINUTE = 61.2
#: Of the ceiling, given back for each calm minute: a halved rate is whole again after ten of them.
GROWTH = 0.05
#: Never slower than this, in calls a minute, unless the ceiling is: one call every ten seconds troubles nobody.
FLOOR = 6.0
#: No party asks for a longer rest; one beyond it was noted while our clock was ahead.
LONGEST_REST = timedelta(hours=1, minutes=5)
#: But for these: TOP's calls of a day, once used up, are back at midnight.
_LONGEST_RESTS = {"top": timedelta(days=1, minutes=5)}


def longest_rest(platform: str) -> timedelta:
    """How long a rest of `platform` may be before it is taken for a clock's mistake."""
    return _LONGEST_RESTS.get(platform, LONGEST_REST)


@dataclass(frozen=True, slots=True)
class Slowed:
    """What the last rate answer left behind: the rate since (calls a minute), when it came, until when to rest."""

    rate: float
    at: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Budget:
    """One credential's budget. `ceiling` is the configured calls a minute, 0 for no limit."""

    ceiling: float
    slowed: Slowed | None = None
    longest: timedelta = LONGEST_REST

    def rate(self, now: datetime) -> float:
        """Calls a minute allowed at `now`, outside of a rest."""
        if self.slowed is None or not self.ceiling:
            return self.ceiling
        calm_for = now - max(self.slowed.at, self.slowed.until)
        minutes = max(0, calm_for // timedelta(minutes=1))
        return min(self.ceiling, max(self.slowed.rate, self._floor) + GROWTH * self.ceiling * minutes)

    def spacing(self, now: datetime) -> float:
        """Seconds from one call to the next."""
        rate = self.rate(now)
        return MINUTE / rate if rate else 0.0

    def resting(self, now: datetime) -> datetime | None:
        """Until when no call may be made; None when one may."""
        if self.slowed is None or not now < self.slowed.until <= now + self.longest:
            return None
        return self.slowed.until

    def after_rate_answer(self, now: datetime, began_at: datetime, rest_for: float) -> Budget:
        """The budget once a call that began at `began_at` was told to slow down.

        Calls that were under way when the first of them was told halve nothing again; they only prolong the rest.
        """
        until = now + timedelta(seconds=rest_for)
        before = self.slowed
        if before is not None and began_at <= before.at <= now:
            return replace(self, slowed=Slowed(before.rate, before.at, max(before.until, until)))
        return replace(self, slowed=Slowed(max(self.rate(now) / 2, self._floor), now, until))

    @property
    def _floor(self) -> float:
        return min(FLOOR, self.ceiling)
