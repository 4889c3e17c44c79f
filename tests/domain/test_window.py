from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.domain.window import (
    LONGEST,
    MOST_PAGES,
    MOST_PASSES,
    SECOND,
    Advice,
    AskPage,
    Complete,
    SplitInto,
    Unstable,
    Window,
    WindowReader,
    next_step,
    next_window,
    settled_end,
)

START = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
SETTLE = timedelta(seconds=300)
HOUR = Window(START, START + timedelta(hours=1))

instants = st.integers(-10_000_000, 10_000_000).map(lambda s: START + timedelta(seconds=s))
stamps = st.builds(lambda at, micro: at + timedelta(microseconds=micro), instants, st.integers(0, 999_999))
spans = st.integers(1, int(LONGEST.total_seconds())).map(lambda s: timedelta(seconds=s))


def ids(first: int, count: int) -> list[str]:
    return [f"FP{n}" for n in range(first, first + count)]


def reader(page_size: int = 10, window: Window = HOUR) -> WindowReader:
    return WindowReader(window, page_size)


def read(rows: int, page_size: int, *, served_size: int | None = None) -> tuple[list[int], Advice]:
    """Reads a server that holds `rows` and never changes: the pages asked for, and the end."""
    book = ids(0, rows)
    served = served_size or page_size
    opened = reader(page_size)
    advice: Advice = opened.first()
    asked: list[int] = []
    while isinstance(advice, AskPage):
        asked.append(advice.page_no)
        page = book[advice.page_no * served : (advice.page_no + 1) * served]
        advice = opened.feed(len(page), page, rows if advice.with_total else None)
    return asked, advice


# -- windows -------------------------------------------------------------------------------------------------------


@given(instants, spans, st.integers(1, 60))
def test_a_split_tiles_its_window_exactly_in_whole_seconds(start: datetime, span: timedelta, parts: int) -> None:
    tiles = Window(start, start + span).split(parts)

    assert (tiles[0].start, tiles[-1].end) == (start, start + span)
    assert all(one.end == following.start for one, following in itertools.pairwise(tiles))
    assert len(tiles) == min(parts, span // SECOND)
    assert all(tile.start.microsecond == 0 and tile.span >= SECOND for tile in tiles)


def test_one_second_cannot_be_split() -> None:
    assert Window(START, START + SECOND).split(5) == (Window(START, START + SECOND),)


@pytest.mark.parametrize("span", [timedelta(0), -SECOND, LONGEST + SECOND])
def test_a_window_that_ends_early_or_late_cannot_be_made(span: timedelta) -> None:
    with pytest.raises(ValueError, match="a window"):
        Window(START, START + span)


@given(instants, spans)
def test_a_widened_window_covers_every_meaning_of_its_ends_within_thirty_days(start: datetime, span: timedelta) -> None:
    """R4, R5."""
    low, high = Window(start, start + span).widened()

    assert (low, high) == (start - SECOND, start + span + SECOND)
    assert high - low <= timedelta(days=30)


@given(stamps, stamps, spans)
def test_a_window_begins_at_the_cursor_and_ends_settled(stamp: datetime, cursor: datetime, step: timedelta) -> None:
    """R2, R3, R5: never backwards, never younger than the settle time, never wider than a step."""
    cursor = cursor.replace(microsecond=0)

    window = next_window(cursor, stamp, SETTLE, step)

    if window is None:
        assert settled_end(stamp, SETTLE) <= cursor
    else:
        assert window.start == cursor
        assert window.end <= stamp - SETTLE
        assert window.span <= min(step, LONGEST)


def test_a_clock_that_went_back_gives_no_window() -> None:
    assert next_window(START, START + SETTLE, SETTLE) is None
    assert next_window(START, START, SETTLE) is None
    assert next_window(START, START + SETTLE + SECOND, SETTLE) == Window(START, START + SECOND)


def test_after_a_long_outage_the_windows_walk_forward_oldest_first() -> None:
    now, cursor, walked = START + timedelta(days=100), START, []

    while window := next_window(cursor, now, SETTLE):
        walked.append(window)
        cursor = window.end

    assert [window.span for window in walked[:3]] == [LONGEST] * 3
    assert cursor == now - SETTLE


# -- one window, read ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", [0, 1, 9])
def test_a_short_page_is_everything(rows: int) -> None:
    """R6: one answer is one snapshot."""
    assert read(rows, 10) == ([0], Complete())


@pytest.mark.parametrize(("rows", "pages"), [(10, []), (11, [1]), (35, [3, 2, 1]), (200, [*range(19, 0, -1)])])
def test_full_pages_are_read_from_the_last_to_the_first(rows: int, pages: list[int]) -> None:
    """R7: as many calls as there are pages, for the page that was asked for the total counts."""
    assert read(rows, 10) == ([0, *pages], Complete())


def test_only_the_first_and_the_last_answer_are_asked_for_the_total() -> None:
    opened = reader()

    assert opened.first() == AskPage(0, with_total=True)
    assert opened.feed(10, ids(0, 10), 35) == AskPage(3, with_total=False)
    assert opened.feed(5, ids(30, 5), None) == AskPage(2, with_total=False)
    assert opened.feed(10, ids(20, 10), None) == AskPage(1, with_total=True)
    assert opened.feed(10, ids(10, 10), 35) == Complete()


def test_a_changed_total_throws_the_pass_away() -> None:
    opened = reader()
    opened.feed(10, ids(0, 10), 15)

    assert opened.feed(4, ids(10, 4), 14) == AskPage(1, with_total=False)
    assert opened.feed(4, ids(11, 4), None) == AskPage(0, with_total=True)
    assert opened.feed(10, ids(1, 10), 14) == Complete()


def test_rows_seen_before_the_total_changed_prove_nothing() -> None:
    """Fourteen were seen in all, but not fourteen of those that are left."""
    opened = reader()
    opened.feed(10, ids(0, 10), 15)
    opened.feed(4, ids(10, 4), 14)
    opened.feed(4, ids(10, 4), None)

    assert opened.feed(10, [*ids(0, 9), "FP13"], 14) == AskPage(1, with_total=False)


def test_ties_in_another_order_are_collected_over_more_passes() -> None:
    opened = reader(2)
    opened.feed(2, ["a", "b"], 4)

    assert opened.feed(2, ["b", "c"], 4) == AskPage(1, with_total=False)
    assert opened.feed(2, ["a", "c"], None) == AskPage(0, with_total=True)
    assert opened.feed(2, ["b", "d"], 4) == Complete()


def test_passes_that_never_add_up_leave_the_cursor_where_it_is() -> None:
    """F73, R9."""
    opened = reader(2)
    advice: Advice = opened.first()
    calls = 0

    while isinstance(advice, AskPage):
        calls += 1
        advice = opened.feed(2, ["a", "b"], 4 if advice.with_total else None)

    assert advice == Unstable("passes_exhausted")
    assert calls == 2 + 2 * MOST_PASSES


def test_a_total_that_changes_for_ever_ends_as_well() -> None:
    opened = reader(2)
    advice: Advice = opened.first()
    totals = itertools.count(4)

    while isinstance(advice, AskPage):
        advice = opened.feed(2, ["a", "b"], next(totals) if advice.with_total else None)

    assert advice == Unstable("passes_exhausted")


@pytest.mark.parametrize(("served", "total"), [(10, None), (3, None), (10, 9), (0, None), (3, 2)])
def test_a_total_that_is_missing_or_too_small_is_not_believed(served: int, total: int | None) -> None:
    """F73."""
    assert reader().feed(served, ids(0, served), total) == Unstable("total_unusable")


def test_no_rows_under_a_total_of_some_is_not_an_empty_window() -> None:
    assert reader().feed(0, [], 7) == Unstable("total_without_rows")


def test_a_total_that_becomes_unusable_later_stops_the_pass() -> None:
    """F73."""
    opened = reader()
    opened.feed(10, ids(0, 10), 15)

    assert opened.feed(5, ids(10, 5), None) == Unstable("total_unusable")


def test_a_server_that_serves_smaller_pages_is_read_by_its_own_size() -> None:
    asked, end = read(25, 100, served_size=10)

    assert asked == [0, 2, 1]
    assert end == Complete()


def test_above_twenty_pages_the_window_is_split_in_time() -> None:
    """R8: into parts of about seven tenths of a page, earliest first."""
    advice = reader().feed(10, ids(0, 10), MOST_PAGES * 10 + 1)

    assert isinstance(advice, SplitInto)
    assert len(advice.windows) == 29
    assert (advice.windows[0].start, advice.windows[-1].end) == (HOUR.start, HOUR.end)


def test_a_single_second_with_more_than_twenty_pages_is_paged() -> None:
    opened = reader(window=Window(START, START + SECOND))

    assert opened.feed(10, ids(0, 10), 2_345) == AskPage(234, with_total=False)


@given(st.integers(0, 400), st.integers(1, 30), st.integers(1, 30))
def test_a_server_that_stands_still_is_always_read_to_the_end(rows: int, page_size: int, cap: int) -> None:
    served = min(page_size, cap)

    asked, end = read(rows, page_size, served_size=served)

    if rows > MOST_PAGES * served:
        assert isinstance(end, SplitInto)
    else:
        assert end == Complete()
        assert set(asked) >= set(range(-(-rows // served)))


# -- windows that grow ---------------------------------------------------------------------------------------------


class Book:
    """Rows by the second they were changed in, served in some order, from which rows may leave at any time."""

    def __init__(self, dice: random.Random, rows: int, span: timedelta, order: str = "changed") -> None:
        self._dice = dice
        self._order = order
        seconds = int(span.total_seconds())
        self.rows = {f"FP{number}": dice.randrange(seconds) for number in range(rows)}
        self.calls = 0

    def held(self, window: Window) -> list[str]:
        low, high = ((at - START).total_seconds() for at in (window.start, window.end))
        found = [(at, no) for no, at in self.rows.items() if low <= at < high]
        if self._order == "random":
            self._dice.shuffle(found)
        else:
            found.sort(reverse=self._order == "changed last")
        return [no for _, no in found]

    def leave(self) -> None:
        del self.rows[self._dice.choice(list(self.rows))]

    def read(self, reader: WindowReader, meanwhile: Callable[[], None] = lambda: None) -> tuple[Advice, set[str]]:
        """Reads to the end; `meanwhile` happens between the calls."""
        advice: Advice = reader.first()
        kept: set[str] = set()
        while isinstance(advice, AskPage):
            meanwhile()
            self.calls += 1
            held = self.held(reader.window)
            page = held[advice.page_no * reader.page_size :][: reader.page_size]
            kept.update(page)
            advice = reader.feed(len(page), page, len(held) if advice.with_total else None)
        return advice, kept


DAYS = timedelta(days=29)


def opened(dice: random.Random, page_size: int = 10) -> WindowReader:
    return WindowReader(Window(START, START + DAYS * dice.uniform(0.1, 0.6)), page_size, limit=START + DAYS)


@pytest.mark.parametrize("order", ["changed", "changed last", "random"])
def test_a_window_that_grew_is_complete_whatever_left_it_meanwhile_and_however_rows_are_served(order: str) -> None:
    """R6-R8: what is in the window at the end was seen, and the cursor goes to the end of that window."""
    ends: list[type[Advice]] = []
    grown = 0
    for seed in range(100):
        dice = random.Random(f"{order}/{seed}")
        book = Book(dice, dice.randrange(20, 400), DAYS, order)
        reader = opened(dice)
        before = reader.window

        def leaves(dice: random.Random = dice, book: Book = book) -> None:
            if dice.random() < 0.05 and book.rows:
                book.leave()

        end, kept = book.read(reader, leaves)
        ends.append(type(end))
        if isinstance(end, Complete):
            grown += reader.window.end > before.end
            assert reader.window.start == before.start
            assert reader.window.end <= START + DAYS
            assert set(book.held(reader.window)) <= kept

    assert ends.count(Complete) > 50
    assert grown > 10


def test_a_row_that_left_between_two_growths_is_not_counted_for_one_that_was_never_read() -> None:
    """Without each opened window's total again, the row that slid onto a page read before would be lost unseen."""
    reader = WindowReader(Window(START, START + timedelta(hours=1)), 2, limit=START + DAYS)
    reader.feed(2, ["a", "b"], 10)
    grown = reader.window

    assert grown.end > START + timedelta(hours=1)  # and now "a" leaves: "c" is on the first page
    advice = reader.feed(2, ["d", "e"], 11)
    asked = []
    while isinstance(advice, AskPage) and reader.window != Window(START, START + timedelta(hours=1)):
        asked.append(advice.page_no)
        advice = reader.feed(2, [f"x{len(asked)}", f"y{len(asked)}"], 11 if advice.with_total else None)

    assert isinstance(advice, AskPage)
    assert advice.with_total
    assert reader.feed(2, ["v", "w"], 9) == AskPage(0, with_total=True)


def test_windows_that_grow_are_nearly_as_cheap_as_full_pages() -> None:
    """A past of random orders, whatever the first window was: all of it in hardly more calls than it fills pages."""
    dice = random.Random(1)
    span = timedelta(days=200)
    book = Book(dice, 20_000, span)
    end, place, step, size = START + span, START, timedelta(days=1), 100
    while place < end:
        reader = WindowReader(Window(place, min(place + step, end)), size, limit=min(end, place + LONGEST))
        done, kept = book.read(reader)
        assert done == Complete()
        place, step = reader.window.end, next_step(reader.window.span, len(kept), size)

    assert book.calls <= 200 / 0.98


def test_a_window_that_became_too_wide_falls_back_to_the_last_one_that_was_not() -> None:
    reader = WindowReader(Window(START, START + timedelta(hours=1)), 10, limit=START + DAYS)
    reader.feed(10, ids(0, 10), 120)

    again = reader.feed(10, ids(10, 10), 500)

    assert isinstance(again, AskPage)
    assert again.with_total
    assert START + timedelta(hours=1) < reader.window.end < START + timedelta(hours=1, minutes=30)


def test_above_twenty_pages_a_window_that_may_grow_is_opened_anew_by_its_density() -> None:
    """R8: its earliest part, as wide as most of twenty pages; what comes after it is opened by what that one held."""
    reader = WindowReader(Window(START, START + DAYS), 10, limit=START + DAYS)

    advice = reader.feed(10, ids(0, 10), 2000)

    assert isinstance(advice, SplitInto)
    assert len(advice.windows) == 1
    assert advice.windows[0].start == START
    assert DAYS / 20 < advice.windows[0].span < DAYS / 10


def test_a_server_that_serves_what_changed_last_first_is_found_out() -> None:
    """Growing costs calls there; the rules hold all the same."""
    dice = random.Random(3)
    book = Book(dice, 150, DAYS, "changed last")
    reader = WindowReader(Window(START, START + DAYS * 0.7), 10, limit=START + DAYS)

    end, kept = book.read(reader)

    assert end == Complete()
    assert set(book.held(reader.window)) <= kept
    assert not reader.orderly


@given(spans, st.integers(0, 100_000), st.integers(1, 200))
def test_a_step_is_never_wider_than_allowed_and_never_narrower_than_a_second(
    span: timedelta, rows: int, page_size: int
) -> None:
    step = next_step(span, rows, page_size)

    assert SECOND <= step <= LONGEST
    assert step <= 2 * span
    assert step.microseconds == 0
