"""Ways of polling without a store: the program's own rules, and those that most programs use.

Each is a generator that stands still before and after every call; there the world may change, or the poller may die.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count

from wdt_book import Book

from syncd.domain.clock import whole_second
from syncd.domain.order import Page, Search
from syncd.domain.trouble import Transient
from syncd.domain.window import Advice, AskPage, Complete, SplitInto, Window, WindowReader, next_window, settled_end
from syncd.stages.poll.plan import PollRules, hot_search, origin, proven_by_hot_page

Polling = Generator[None, None, None]
Move = Callable[[datetime], None]


@dataclass(slots=True)
class Memory:
    """What survives a kill: rows with the number of the request that brought them, the cursor, the backfills."""

    cursor: datetime
    rows: dict[str, tuple[bytes, int]] = field(default_factory=dict)
    past: list[list[datetime]] = field(default_factory=list)  # position and end
    numbers: count[int] = field(default_factory=lambda: count(1))

    def keep(self, page: Page, seq: int) -> bool:
        """Store a page as `Sightings.keep` does; False when a later request has brought another version of a row.

        Such a page proves no window complete: which of the two versions is newer nobody can say.
        """
        sound = True
        for row in page.rows:
            known = self.rows.get(row.no)
            if known is None or known[1] <= seq:
                self.rows[row.no] = (row.raw, seq)
            elif known[0] != row.raw:
                sound = False
        return sound

    def lost(self, book: Book) -> list[str]:
        """The rows whose last version is not here."""
        newest = {no: one.row().raw for no, one in book.newest().items()}
        return [no for no, raw in newest.items() if no not in self.rows or self.rows[no][0] != raw]


def installed(now: datetime, rules: PollRules) -> Memory:
    """The first start, as `Poll` does it: the tail begins a settle time ago, what was before is a backfill."""
    begin = origin(now, rules)
    assert rules.start is not None
    return Memory(begin, past=[[rules.start, begin]])


def tail(book: Book, memory: Memory, rules: PollRules) -> Polling:
    """The program's way: a hot page, and settled windows where that proves nothing."""
    query = hot_search(memory.cursor, book.clock.now(), rules.page_size)
    seq = next(memory.numbers)
    yield
    try:
        page = book.search(query)
    except Transient:
        return
    yield
    window = proven_by_hot_page(query, page, memory.cursor, rules)
    if not memory.keep(page, seq):
        window = None
    if window is not None:
        memory.cursor = window.end
        return

    def move(end: datetime) -> None:
        memory.cursor = end

    limit = settled_end(book.clock.now(), rules.settle)
    while window := next_window(memory.cursor, book.clock.now(), rules.settle, rules.step):
        if not (yield from _read(book, memory, rules, window, max(limit, window.end), move)):
            return


def backfill(book: Book, memory: Memory, rules: PollRules) -> Polling:
    """The program's way with the past."""
    for job in memory.past:
        if job[0] < job[1]:

            def move(end: datetime, job: list[datetime] = job) -> None:
                job[0] = end

            yield from _read(book, memory, rules, Window(job[0], min(job[0] + rules.step, job[1])), job[1], move)
            return


def _read(
    book: Book, memory: Memory, rules: PollRules, window: Window, limit: datetime, move: Move
) -> Generator[None, None, bool]:
    todo: list[tuple[Window, datetime | None]] = [(window, limit)]
    while todo:
        part, may_grow_to = todo.pop()
        reader = WindowReader(part, rules.page_size, may_grow_to)
        advice: Advice = reader.first()
        while isinstance(advice, AskPage):
            asked = reader.window
            start, end = asked.widened()
            query = Search(start, end, advice.page_no, rules.page_size, with_total=advice.with_total)
            seq = next(memory.numbers)
            yield
            try:
                page = book.search(query)
            except Transient:
                return False
            yield
            if settled_end(page.asked_at, rules.settle) < asked.end:
                return False
            advice = reader.feed(page.count, [str(row.no) for row in page.rows], page.total)
            if not memory.keep(page, seq):
                return False
            if isinstance(advice, Complete):
                move(reader.window.end)
        if isinstance(advice, SplitInto):
            todo.extend((one, None) for one in reversed(advice.windows))
        elif not isinstance(advice, Complete):
            return False
    return True


def naive(book: Book, memory: Memory, rules: PollRules) -> Polling:
    """What most programs do: pages from the first to the last, up to now, and on from there."""
    yield from _forward(book, memory, rules, whole_second(book.clock.now()), timedelta(0))


def settled_forward(book: Book, memory: Memory, rules: PollRules) -> Polling:
    """With a settle time and an overlap, but still from the first page to the last."""
    yield from _forward(book, memory, rules, settled_end(book.clock.now(), rules.settle), timedelta(seconds=1))


def _forward(book: Book, memory: Memory, rules: PollRules, end: datetime, overlap: timedelta) -> Polling:
    start = memory.cursor
    if end <= start:
        return
    page_no, total = 0, None
    while total is None or page_no * min(rules.page_size, book.cap) < total:
        seq = next(memory.numbers)
        yield
        try:
            page = book.search(Search(start - overlap, end + overlap, page_no, rules.page_size))
        except Transient:
            return
        yield
        memory.keep(page, seq)
        total = page.total if total is None else total
        page_no += 1
    memory.cursor = end
