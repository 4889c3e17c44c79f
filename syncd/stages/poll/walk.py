"""The questions that read a stretch of time completely, one after the other. Pure: every answer decides the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from syncd.domain.order import Page, Search
from syncd.domain.window import SECOND, Advice, AskPage, Complete, SplitInto, Unstable, Window, WindowReader
from syncd.stages.intake import SUPERSEDED
from syncd.store.sightings import digest

#: What to read after a window that is complete, told its rows and how many calls there were so far; None is the end.
GoOn = Callable[[Window, int, int], Window | None]


@dataclass(frozen=True, slots=True)
class Step:
    """What a page meant: its window, whether that is complete with it, or why it cannot be read now.

    `rows` and `calls` are those of the window so far.
    """

    window: Window
    rows: int
    calls: int
    complete: bool = False
    unstable: str = ""


class Walk:
    """Reads `window`, earliest part first, and then what `go_on` names.

    With a `limit` each of these may grow, up to there, until it holds as many full pages as a window may. `question`
    is what to ask next; None once everything has been read, or nothing more can be.
    """

    def __init__(
        self,
        window: Window,
        page_size: int,
        *,
        every_status: bool,
        go_on: GoOn | None = None,
        limit: datetime | None = None,
        patient: bool = False,
    ) -> None:
        self._todo: list[Window] = []
        self._limit = limit
        self._page_size = page_size
        self._every_status = every_status
        self._go_on = go_on
        self._patient = patient
        self.calls = 0
        self._rows = self._calls = 0
        self.question: Search | None = None
        self._open(window, page_size, limit)

    def feed(self, page: Page, settled: datetime | None) -> Step:
        """Take the answer to `question`, and ask the next. `settled`: nothing later than this is settled (R2, R3)."""
        self.calls += 1
        self._calls += 1
        self._rows += page.count
        window = self._reader.window
        if settled is not None and settled < window.end:
            return self._stop(Step(window, self._rows, self._calls, unstable="clock_went_back"))
        advice = self._reader.feed(page.count, _ids(page), page.total)
        step = Step(self._reader.window if isinstance(advice, Complete) else window, self._rows, self._calls)
        return self._advised(advice, step)

    def too_wide(self) -> bool:
        """WDT calls the question too wide: ask for less; False where less cannot be asked for."""
        part = self._reader.window
        if part.span > SECOND:
            self._todo.extend(reversed(part.split(2)))
            self._open(self._todo.pop(), self._page_size)
            return True
        if self._size == 1:
            return False
        self._open(part, max(1, self._size // 2))  # one second cannot be split: smaller pages of it
        return True

    def _advised(self, advice: Advice, step: Step) -> Step:
        match advice:
            case AskPage():
                self.question = self._search(advice)
                return step
            case Unstable(why):
                return self._stop(Step(step.window, step.rows, step.calls, unstable=why))
            case SplitInto(windows):
                self._todo.extend(reversed(windows))
                spent = self._calls
                self._open(self._todo.pop(), self._page_size)
                self._calls = spent  # the first part bears the call that found out
                return step
            case Complete():
                self._follow(step)
                return Step(step.window, step.rows, step.calls, complete=True)

    def _follow(self, done: Step) -> None:
        """The next part, or the next window."""
        if not self._reader.orderly:
            self._limit = None  # growing costs calls here instead of saving them
        if self._todo:
            self._open(self._todo.pop(), self._page_size)
            return
        following = None if self._go_on is None else self._go_on(done.window, done.rows, self.calls)
        if following is None:
            self.question = None
        else:
            self._open(following, self._page_size, self._limit)

    def _stop(self, step: Step) -> Step:
        self.question = None
        return step

    def _open(self, part: Window, size: int, limit: datetime | None = None) -> None:
        self._reader, self._size = WindowReader(part, size, limit), size
        self._rows = self._calls = 0
        self.question = self._search(self._reader.first())

    def _search(self, ask: AskPage) -> Search:
        start, end = self._reader.window.widened()
        return Search(
            start=start,
            end=end,
            page_no=ask.page_no,
            page_size=self._size,
            every_status=self._every_status,
            with_total=ask.with_total,
            patient=self._patient,
        )


def _ids(page: Page) -> list[str]:
    """What the rows of a page are told apart by."""
    ids: list[str] = [row.no for row in page.rows]
    return ids + [digest(row).hex() for row in page.bad if row.reason != SUPERSEDED] if page.bad else ids
