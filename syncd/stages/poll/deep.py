"""The deep look: once a day the last days are read again, once a week the last month (R17). Pure.

What is found only there was missed by the windows: it is stored like any other row, and somebody is told, for it means
that WDT showed a change later than we wait for it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from syncd.domain.clock import whole_second
from syncd.domain.window import SECOND
from syncd.store.instants import from_ms, to_ms

EVERY = timedelta(days=1)
DAYS, MONTH = timedelta(days=3), timedelta(days=30)
#: Every so manieth look goes back a month.
_MONTHLY = 7
#: The windows overlap by a second at both ends; the mirror's newest seconds may still be on their way.
_MARGIN = 2 * SECOND


@dataclass(frozen=True, slots=True)
class Look:
    """Where a deep look stands. `number` counts them; without `position` none is under way."""

    number: int = 0
    position: datetime | None = None
    end: datetime | None = None
    found: int = 0

    @classmethod
    def read(cls, notes: str) -> Look | None:
        """From what the unit remembers; None where it has never looked."""
        parts = [int(part) for part in notes.split() if part.isdigit()]
        if not parts:
            return None
        if len(parts) < 4:
            return cls(parts[0])
        return cls(parts[0], from_ms(parts[1]), from_ms(parts[2]), parts[3])

    def written(self) -> str:
        """As `read` reads it."""
        if self.position is None or self.end is None:
            return str(self.number)
        return f"{self.number} {to_ms(self.position)} {to_ms(self.end)} {self.found}"

    def begun(self, origin: datetime, mirrored_to: datetime) -> Look | None:
        """A new look, from as far back as it goes up to where the mirror has come; None where there is nothing."""
        back = MONTH if self.number % _MONTHLY == _MONTHLY - 1 else DAYS
        end = whole_second(mirrored_to) - _MARGIN
        start = max(whole_second(origin), end - back)
        return replace(self, position=start, end=end, found=0) if start < end else None

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to read."""
        return self.position is None or self.end is None or self.position >= self.end

    def over(self) -> Look:
        """The look is complete."""
        return Look(self.number + 1)
