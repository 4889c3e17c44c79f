"""Windows of last-update time and how one is read completely (R1–R9, explained in docs/windows.md).

Rows carry no modified time, so the cursor is the end of a settled, fully read window and never comes from a row.
Everything here is pure: the reader is told what a page held and says what to ask next.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

SECOND = timedelta(seconds=1)
#: WDT's limit is 30 days per request; three seconds less leaves room for the overlap at both ends.
LONGEST = timedelta(days=30) - 3 * SECOND
#: WDT refuses stamps further off than this, so an accepted call proves our clock to within it.
CLOCK_TOLERANCE = timedelta(seconds=120)
#: Above this many pages a window is split in time instead of paged.
MOST_PAGES = 20
#: After this many passes that did not add up, the cursor stays and somebody is told.
MOST_PASSES = 20


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A half-open span [start, end) of last-update time, aware, in whole seconds."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.end <= self.start:
            raise ValueError("a window must end after it starts")
        if self.end - self.start > LONGEST:
            raise ValueError("a window may span 30 days at most")

    @property
    def span(self) -> timedelta:
        return self.end - self.start

    def widened(self) -> tuple[datetime, datetime]:
        """The ends to send: a second more on both sides covers all four meanings of the bounds (R4)."""
        return self.start - SECOND, self.end + SECOND

    def split(self, parts: int) -> tuple[Window, ...]:
        """At most `parts` windows of whole seconds that tile this one, earliest first."""
        seconds = int(self.span.total_seconds())
        parts = max(1, min(parts, seconds))
        edges = [self.start + timedelta(seconds=seconds * i // parts) for i in range(parts + 1)]
        return tuple(Window(a, b) for a, b in itertools.pairwise(edges))


def settled_end(stamp: datetime, settle: timedelta) -> datetime:
    """The latest end that no late commit can still reach (R2); `stamp` is the reading that signs the call."""
    return stamp.replace(microsecond=0) - settle


def next_window(cursor: datetime, stamp: datetime, settle: timedelta, step: timedelta = LONGEST) -> Window | None:
    """The next settled window after `cursor`, or None when there is none yet or the clock went back (R3, R5)."""
    end = min(settled_end(stamp, settle), cursor + min(step, LONGEST))
    return Window(cursor, end) if end > cursor else None


@dataclass(frozen=True, slots=True)
class AskPage:
    """Ask for this page next, with the total where `with_total`."""

    page_no: int
    with_total: bool


@dataclass(frozen=True, slots=True)
class Complete:
    """Everything in the window has been read."""


@dataclass(frozen=True, slots=True)
class SplitInto:
    """Too much for paging: read these instead, earliest first (R8)."""

    windows: tuple[Window, ...]


@dataclass(frozen=True, slots=True)
class Unstable:
    """The window cannot be read completely now; the cursor must not move (R9)."""

    why: str


Advice = AskPage | Complete | SplitInto | Unstable


@dataclass(slots=True)
class WindowReader:
    """Reads one settled window: short page 0 is complete; else last page to first against a constant total.

    In a settled window rows can only leave, so an unchanged total at the end of a pass proves that none left
    during it; ids are collected over as many passes as the server's order of ties needs (R6, R7).
    """

    window: Window
    page_size: int
    _seen: set[str] = field(default_factory=set)
    _total: int | None = None
    _asked: AskPage = field(default_factory=lambda: AskPage(0, with_total=True))
    _passes: int = 0

    def first(self) -> AskPage:
        """The opening question: page 0 and the total."""
        return self._asked

    def feed(self, served: int, ids: Collection[str], total: int | None) -> Advice:
        """What the page just asked for held: how many rows were served, which rows (by number, an unreadable one by
        its digest), and the stated total."""
        if self._asked.with_total:
            if total is None or total < served:
                return Unstable("total_unusable")
            if self._total is None:
                return self._open(served, total)
            if total != self._total:
                return self._restart(total)
        self._seen.update(ids)
        return self._after(self._asked.page_no)

    def _open(self, served: int, total: int) -> Advice:
        if served < self.page_size:
            if served == total:
                return Complete()
            if served == 0:
                return Unstable("total_without_rows")
            self.page_size = served  # the server serves smaller pages than it was asked for
        if total > MOST_PAGES * self.page_size and self.window.span > SECOND:
            return SplitInto(self.window.split(-(-total * 10 // (7 * self.page_size))))
        return self._restart(total)

    def _restart(self, total: int) -> Advice:
        self._seen = set()
        self._total = total
        return self._pass()

    def _pass(self) -> Advice:
        self._passes += 1
        if self._passes > MOST_PASSES:
            return Unstable("passes_exhausted")
        return self._ask((max(self._total or 0, 1) - 1) // self.page_size)

    def _ask(self, page_no: int) -> AskPage:
        self._asked = AskPage(page_no, with_total=page_no == 0)
        return self._asked

    def _after(self, page_no: int) -> Advice:
        if page_no > 0:
            return self._ask(page_no - 1)
        if len(self._seen) == self._total:
            return Complete()
        return self._pass()
