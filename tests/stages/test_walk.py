"""The questions of a reading follow from its pages alone: nothing has to be stored before the next can be asked."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from daemon_parts import NOON

from syncd.domain.order import OrderNo, Page, Row
from syncd.domain.window import SECOND, Window
from syncd.stages.poll.walk import Walk

HOUR = Window(NOON - timedelta(hours=1), NOON)
SIZE = 10


def page(first: int, rows: int, total: int | None) -> Page:
    found = (Row(OrderNo(f"FP{n}"), 45, "", False, "", "", None, None, b"", b"") for n in range(first, first + rows))
    return Page(tuple(found), (), total, NOON)


def walk(window: Window = HOUR, size: int = SIZE) -> Walk:
    return Walk(window, size, every_status=False)


def asked(walking: Walk) -> tuple[int, int, bool]:
    question = walking.question
    assert question is not None
    return question.page_no, question.page_size, question.with_total


def test_a_short_page_completes_its_window_and_nothing_is_left_to_ask() -> None:
    walking = walk()

    step = walking.feed(page(0, 3, 3), NOON)

    assert (step.complete, step.window, step.rows, step.calls) == (True, HOUR, 3, 1)
    assert walking.question is None


def test_a_long_window_is_asked_for_from_its_last_page_to_its_first() -> None:
    """The page that opened it is its first; the last question states the total once more."""
    walking = walk()
    questions = [asked(walking)]

    walking.feed(page(0, 10, 25), NOON)
    questions.append(asked(walking))
    walking.feed(page(20, 5, None), NOON)
    questions.append(asked(walking))
    last = walking.feed(page(10, 10, 25), NOON)

    assert questions == [(0, SIZE, True), (2, SIZE, False), (1, SIZE, True)]
    assert (last.complete, last.rows, last.calls, walking.question) == (True, 25, 3, None)


def test_each_part_of_a_split_window_tells_its_own_calls_and_they_add_up() -> None:
    """What the ledger counts for a window must not count the windows before it again."""
    walking = walk()
    told = []
    assert not walking.feed(page(0, 10, 400), NOON).complete

    while walking.question is not None:
        told.append(walking.feed(page(0, 4, 4), NOON))

    assert all(step.complete for step in told)
    assert [told[0].window.start, told[-1].window.end] == [HOUR.start, HOUR.end]
    assert all(a.window.end == b.window.start for a, b in pairwise(told))
    assert sum(step.calls for step in told) == walking.calls


def test_what_is_to_be_read_next_is_asked_for_as_soon_as_a_window_is_complete() -> None:
    following = iter([Window(HOUR.end, HOUR.end + timedelta(hours=1)), None])
    walking = Walk(HOUR, SIZE, every_status=True, go_on=lambda _window, _rows, _calls: next(following))

    first = walking.feed(page(0, 3, 3), NOON)
    start = walking.question.start if walking.question else None
    second = walking.feed(page(3, 2, 2), NOON + timedelta(hours=2))

    assert (first.complete, start) == (True, HOUR.end - SECOND)
    assert (second.complete, second.calls, walking.calls, walking.question) == (True, 1, 2, None)


@pytest.mark.parametrize(
    ("total", "settled", "why"), [(3, HOUR.end - SECOND, "clock_went_back"), (None, NOON, "total")]
)
def test_a_window_that_cannot_be_read_now_asks_nothing_more(total: int | None, settled: object, why: str) -> None:
    walking = walk()

    step = walking.feed(page(0, 3, total), settled)  # type: ignore[arg-type]

    assert (step.complete, why in step.unstable, walking.question) == (False, True, None)


def test_a_question_that_is_too_wide_is_halved_down_to_one_row_of_one_second() -> None:
    walking = walk(Window(NOON, NOON + 2 * SECOND), 2)
    spans = []

    while walking.too_wide():
        question = walking.question
        assert question is not None
        assert question.start is not None
        assert question.end is not None
        spans.append((question.end - question.start - 2 * SECOND, question.page_size))

    assert spans == [(SECOND, 2), (SECOND, 1)]
