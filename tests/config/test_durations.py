"""Spans of time as people write them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.config.duration import parse, spell


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("90s", 90),
        ("5m", 300),
        ("2h", 7_200),
        ("1d", 86_400),
        ("1h30m", 5_400),
        (" 10S ", 10),
        ("0.5s", 0.5),
        ("1.5h", 5_400),
        ("45", 45),
        (45, 45),
        (0, 0),
        (2.5, 2.5),
        (Decimal("0.25"), 0.25),
        (timedelta(seconds=7), 7),
    ],
)
def test_a_span_is_read_as_written(written: object, seconds: float) -> None:
    assert parse(written) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "written",
    ["", "s", "5 m x", "-5s", "5m5m", "1h 30m", "5w", "١s", "1e9", -1, True, None, [], float("nan"), float("inf")],
)
def test_what_is_no_span_is_refused_with_an_example(written: object) -> None:
    with pytest.raises(ValueError, match='such as "90s"'):
        parse(written)


def test_an_absurd_span_is_refused_before_it_overflows() -> None:
    with pytest.raises(ValueError, match="ten years"):
        parse("999999999d")


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=3_000)))
@settings(max_examples=200, deadline=None)
def test_a_spelled_span_is_read_back_unchanged(span: timedelta) -> None:
    assert parse(spell(span)) == span


def test_spans_are_spelled_as_people_write_them() -> None:
    assert [spell(timedelta(seconds=n)) for n in (0, 2, 60, 5_400, 86_400, 90_061)] == [
        "0s",
        "2s",
        "1m",
        "1h30m",
        "1d",
        "1d1h1m1s",
    ]
