"""Windows of last-update time and how one is read completely (R1–R9, explained in docs/windows.md).

Rows carry no modified time, so the cursor is the end of a settled, fully read window and never comes from a row.
Everything here is pure: the reader is told what a page held and says what to ask next.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
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
#: Of the most a window may hold, what one is opened for where its density is only guessed; the rest it grows.
OPENED_FOR = 0.65
#: How much of the room that is left each growth aims at: the first know least of how dense it is there.
CARE = (0.5, 0.6, 0.75, 0.9, 0.9)
#: A window is opened at most so many times as wide as the last one.
WIDENED = 2


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


def next_step(span: timedelta, rows: int, page_size: int) -> timedelta:
    """How wide to open the next window after one of `span` that held `rows`, so that it holds as much as it may."""
    goal = OPENED_FOR * MOST_PAGES * page_size
    ratio = min(WIDENED, goal / rows) if rows else WIDENED
    return max(SECOND, min(LONGEST, SECOND * int(span / SECOND * ratio)))


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


@dataclass(frozen=True, slots=True)
class _Opened:
    """A window that was opened, and its total then."""

    window: Window
    total: int


@dataclass(frozen=True, slots=True)
class _Question:
    """A page of a window, and the total it must still have; None where it is not asked."""

    page_no: int
    window: Window
    total: int | None


@dataclass(slots=True)
class WindowReader:
    """Reads one settled window: short page 0 is complete; else last page to first against a constant total.

    In a settled window rows can only leave, so an unchanged total at the end of a pass proves that none left
    during it; ids are collected over as many passes as the server's order of ties needs (R6, R7). Page 0, which was
    asked for the total, counts: the first pass ends with page 1.

    With a `limit` the window may grow up to there while it is opened, until it holds as many full pages as it may
    (a page that is not full is a call half wasted). Every growth asks for one more page from the front, and for the
    total of the wider window. What was read of a narrower one counts only if that one's total is still the same
    after the last growth: then none of its rows has left, and all of them are rows of the final window.
    `window` is always the one that the next question is about, and at the end the one that was read.
    """

    window: Window
    page_size: int
    limit: datetime | None = None
    #: False once a grown window did not add up: this server does not serve what was changed first on its first pages.
    orderly: bool = True
    _seen: set[str] = field(default_factory=set)
    _opened: list[_Opened] = field(default_factory=list)
    _questions: deque[_Question] = field(default_factory=deque)
    _asked: _Question | None = None
    #: Rows a second, where the window ends.
    _density: float = 0.0
    _growths: int = 0
    _passes: int = 0

    def first(self) -> AskPage:
        """The opening question: page 0 and the total."""
        return AskPage(0, with_total=True)

    def feed(self, served: int, ids: Collection[str], total: int | None) -> Advice:
        """What the page just asked for held: how many rows were served, which rows (by number, an unreadable one by
        its digest), and the stated total."""
        asked = self._asked
        if asked is not None and asked.total is None:
            self._seen.update(ids)
            return self._next()
        if total is None or total < served:
            return Unstable("total_unusable")
        if asked is None:
            return self._grown(ids, total) if self._opened else self._open(served, ids, total)
        if total != asked.total:
            if asked.window == self._final.window:
                return self._restart(total)
            self.window = self._final.window
            return self._reopen()
        self._seen.update(ids)
        return self._next()

    @property
    def _final(self) -> _Opened:
        return self._opened[-1]

    # -- opening ---------------------------------------------------------------------------------------------------

    def _open(self, served: int, ids: Collection[str], total: int) -> Advice:
        if served < self.page_size:
            if served == total:
                return Complete()
            if served == 0:
                return Unstable("total_without_rows")
            self.page_size = served  # the server serves smaller pages than it was asked for
        if total > self._most and self.window.span > SECOND:
            return SplitInto(self._parts(total))
        return self._take(ids, total)

    def _parts(self, total: int) -> tuple[Window, ...]:
        if self.limit is None:
            return self.window.split(-(-total * 10 // (7 * self.page_size)))
        return self.window.split(int(total / (OPENED_FOR * self._most)) + 1)[:1]  # the next is opened by its density

    def _grown(self, ids: Collection[str], total: int) -> Advice:
        more = total - self._final.total
        if more < 0:
            return self._reopen()  # rows left meanwhile
        if more >= self.page_size / 5:  # fewer tell nothing
            self._density = more / (self.window.span - self._final.window.span).total_seconds()
        if total > self._most:
            self.window = self._final.window  # too wide: what was read of it does not count
            return self._grow()
        return self._take(ids, total)

    def _take(self, ids: Collection[str], total: int) -> Advice:
        self._density = self._density or total / self.window.span.total_seconds()
        self._opened.append(_Opened(self.window, total))
        self._seen.update(ids)
        return self._grow()

    def _grow(self) -> Advice:
        wider = self._wider()
        if wider is None:
            return self._plan()
        self._growths += 1
        self.window = wider
        return AskPage(len(self._opened), with_total=True)

    def _wider(self) -> Window | None:
        """The window to go on with, as much wider as it takes to fill what room is left, by what is known so far."""
        window, opened = self.window, len(self._opened)
        to_check = 2 * opened + 2  # a page for each window opened by then, behind those that were read for opening
        if self.limit is None or self._growths >= len(CARE) or self._opened[0].total < to_check * self.page_size:
            return None
        seconds = int(_likely(self._most - self._final.total, CARE[self._growths]) / self._density)
        end = min(window.end + timedelta(seconds=seconds), self.limit, window.start + LONGEST)
        return Window(window.start, end) if end > window.end else None

    @property
    def _most(self) -> int:
        return MOST_PAGES * self.page_size

    # -- the pass --------------------------------------------------------------------------------------------------

    def _plan(self) -> Advice:
        """The pages that are not read yet, last to first; on the last of them each opened window's total again."""
        final, read = self._final, len(self._opened)
        pages = range(self._pages - 1, read - 1, -1)
        checks = {read + nth: opened for nth, opened in enumerate(reversed(self._opened))}
        self._questions = deque(
            _Question(page, checks[page].window, checks[page].total) if page in checks
            else _Question(page, final.window, None)
            for page in pages
        )  # fmt: skip
        return self._next()

    def _restart(self, total: int) -> Advice:
        """The total has changed: what was seen proves nothing."""
        self._seen = set()
        self._opened = [_Opened(self._final.window, total)]
        return self._pass()

    def _reopen(self) -> Advice:
        """Rows left while the window grew: from the beginning, as it is now."""
        self._passes += 1
        if self._passes > MOST_PASSES:
            return Unstable("passes_exhausted")
        self.limit = None
        self._seen, self._opened, self._asked = set(), [], None
        return self.first()

    def _pass(self) -> Advice:
        self._passes += 1
        if self._passes > MOST_PASSES:
            return Unstable("passes_exhausted")
        final = self._final
        self._questions = deque(_Question(page, final.window, None) for page in range(self._pages - 1, 0, -1))
        self._questions.append(_Question(0, final.window, final.total))
        return self._next()

    @property
    def _pages(self) -> int:
        return max(1, -(-self._final.total // self.page_size))

    def _next(self) -> Advice:
        if self._questions:
            self._asked = self._questions.popleft()
            self.window = self._asked.window
            return AskPage(self._asked.page_no, with_total=self._asked.total is not None)
        self.window = self._final.window
        if len(self._seen) == self._final.total:
            return Complete()
        self.orderly = self.orderly and len(self._opened) == 1
        self._opened = self._opened[-1:]
        return self._pass()


def _likely(room: int, part: float) -> float:
    """So many rows to aim at where `room` must not be exceeded, for they come by chance."""
    return float(max(0.0, part * room - 1.5 * math.sqrt(room)))
