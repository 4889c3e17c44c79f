"""What comes from outside is shown, and does nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.cli import output
from syncd.cli.words import speaker


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_nothing_that_a_terminal_acts_on_survives(text: str) -> None:
    shown = output.inert(text)

    assert shown.isprintable()
    assert all(one in shown for one in text if one.isprintable())


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "\\x1b[31mred"),
        ("two\nlines\r\t", "two\\nlines\\r\\t"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\x9b31m", "\\x9b31m"),
        ("[red]x[/red]", "[red]x[/red]"),
        ("示例公司", "示例公司"),
    ],
)
def test_controls_are_spelled_out_and_all_else_stays(text: str, shown: str) -> None:
    assert output.inert(text) == shown


@settings(max_examples=200, deadline=None)
@given(st.text(), st.text())
def test_json_is_printable_and_reads_back_as_it_was(capsys_text: str, key: str) -> None:
    import contextlib
    import io

    value = {key: [capsys_text, None, 1]}
    written = io.StringIO()

    with contextlib.redirect_stdout(written):
        output.show_json(value)

    assert all(one.isprintable() or one == "\n" for one in written.getvalue())
    assert json.loads(written.getvalue()) == value


def test_columns_line_up_where_characters_are_two_places_wide() -> None:
    lines = output.aligned([["商户", "x"], ["ab", "y"], ["abcdef", "z"]])

    assert lines == ["商户    x", "ab      y", "abcdef  z"]


@pytest.mark.parametrize(
    ("amount", "text"),
    [(None, "-"), (0, "0.00"), (20_788_00, "207.88"), (-5, "-0.0005"), (12_345, "1.2345"), (1_000_000, "100.00")],
)
def test_amounts_keep_all_their_decimals(amount: int | None, text: str) -> None:
    assert output.yuan(amount) == text


@pytest.mark.parametrize(
    ("seconds", "zh", "en"),
    [
        (0.4, "现在", "now"),
        (-200, "3 分 20 秒前", "3 min 20 s ago"),
        (5, "5 秒后", "in 5 s"),
        (90_061, "1 天 1 小时后", "in 1 d 1 h"),
    ],
)
def test_how_far_away_is_said_in_two_units_at_most(seconds: float, zh: str, en: str) -> None:
    now = datetime(2026, 11, 21, tzinfo=UTC)
    at = now + timedelta(seconds=seconds)

    assert output.relative(at, now, speaker("zh")) == zh
    assert output.relative(at, now, speaker("en")) == en


def test_instants_are_beijing_time_for_people_and_utc_for_machines() -> None:
    at = datetime(2026, 11, 20, 16, 30, tzinfo=UTC)

    assert output.beijing(at) == "2026-11-21 00:30:00"
    assert output.iso(at) == "2026-11-20T16:30:00.000Z"


@pytest.mark.parametrize(("name", "shown"), [("", ""), ("甲", "甲"), ("示例公司", "示***"), ("a" * 50, "a****")])
def test_a_buyer_is_known_only_to_who_knows_them(name: str, shown: str) -> None:
    assert output.masked_name(name) == shown
