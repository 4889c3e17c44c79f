"""Which feeds there are, where they begin, and what a hot page proves. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from syncd.domain.clock import whole_second
from syncd.domain.order import Page, Search
from syncd.domain.window import CLOCK_TOLERANCE, LONGEST, SECOND, Window, next_window

PENDING, MIRROR, BACKFILL, REFRESH, DEEP = "pending", "mirror", "backfill", "refresh", "deep"
FEEDS = (PENDING, MIRROR, BACKFILL, REFRESH, DEEP)
#: Nothing is to be done until somebody wakes the unit; this is only how often it looks by itself.
IDLE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class PollRules:
    """The settings of this stage. `start` is where the first ever reading begins; None means from now on."""

    every: timedelta
    mirror_every: timedelta
    settle: timedelta
    step: timedelta
    page_size: int
    start: datetime | None = None
    max_read_age: timedelta = timedelta(seconds=120)
    most_calls: int = 40  # per turn, so that no feed keeps the lane from the others


def origin(now: datetime, rules: PollRules) -> datetime:
    """Where the live tail begins: far enough back that nothing slips between it and the backfill (R15)."""
    tail = whole_second(now) - rules.settle - CLOCK_TOLERANCE
    return max(tail, whole_second(rules.start)) if rules.start and rules.start > tail else tail


def hot_search(cursor: datetime, now: datetime, page_size: int) -> Search:
    """One page of everything waiting since the cursor: freshness, and often all there is (R12)."""
    end = whole_second(now)
    start = max(cursor - SECOND, end - LONGEST)
    return Search(start=min(start, end - SECOND), end=end, page_size=page_size)


def proven_by_hot_page(query: Search, page: Page, cursor: datetime, rules: PollRules) -> Window | None:
    """The window that a hot page completes: it showed everything up to its end, so all that is settled (R2, R6).

    None when the page was full, when its total does not agree, or when it did not reach back to the cursor. However
    long the call waited for its turn, nothing beyond the end that was asked for is proven.
    """
    if page.count >= query.page_size or page.total != page.count:
        return None
    if query.start is None or query.end is None or query.start > cursor - SECOND:
        return None
    window = next_window(cursor, page.asked_at, rules.settle)
    if window is None or window.end <= query.end:
        return window
    return Window(cursor, query.end) if query.end > cursor else None


def refresh_search(span: tuple[datetime, datetime], now: datetime, page_no: int, page_size: int) -> Search:
    """A page of what still waits within the windows where stale orders were last seen."""
    end = min(whole_second(span[1]) + SECOND, whole_second(now))
    start = max(whole_second(span[0]) - SECOND, end - LONGEST)
    return Search(start=min(start, end - SECOND), end=end, page_no=page_no, page_size=page_size)


def next_page(page_no: int, page: Page, page_size: int) -> int:
    """The page to read next in a round over the work list; 0 when the round is over."""
    pages = -(-(page.total or 0) // page_size)
    return page_no + 1 if page_no + 1 < pages and page.count else 0
