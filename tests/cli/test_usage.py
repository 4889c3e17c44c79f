"""A mistyped command is told in the caller's language, and ends with 2."""

from __future__ import annotations

import pytest
from cli_world import Run

ENGLISH = ("Usage", "Try ", "Missing", "No such", "Invalid", "Input should", "requires", "unexpected", "Did you mean")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["lane", "pause"], "缺少参数 LANE。"),
        (["lane", "pause", "m001/main"], "缺少选项 --reason。"),
        (["status", "--yes"], "没有选项 --yes。"),
        (["retry", "--wher", "x"], "没有选项 --wher，是否指"),
        (["stat"], "没有命令 stat，是否指 'status'？"),
        (["run", "--timeout", "soon"], "--timeout 应为数字。"),
        (["run", "--timeout", "0"], "--timeout 不能小于 1。"),
        (["orders", "list", "--limit"], "选项 --limit 需要一个值。"),
        (["lane", "list", "more"], "多余的参数：more。"),
    ],
)
def test_a_mistyped_command_is_told_in_chinese(run: Run, args: list[str], said: str) -> None:
    result = run(*args, lang="zh")

    assert result.exit_code == 2
    assert said in result.stderr
    assert not any(word in result.stderr for word in ENGLISH)


def test_in_english_it_is_told_as_ever(run: Run) -> None:
    run("lane", "pause", lang="zh")

    result = run("lane", "pause")

    assert result.exit_code == 2
    assert "Missing argument 'LANE'" in result.stderr
    assert "Usage: " in result.stderr


def test_a_span_that_cannot_be_read_is_told_in_one_language(run: Run) -> None:
    zh = run("lane", "pause", "m001/main", "--reason", "x", "--for", "2weeks", lang="zh")
    where = run("retry", "--where", "older_than=xx", lang="zh")

    assert "must be" not in zh.output + where.output
    assert "应形如 90s" in zh.output
    assert "应形如 90s" in where.output


def test_what_must_be_given_and_what_is_taken_otherwise_stand_in_the_help_in_one_language(run: Run) -> None:
    zh, en = run("retry", "--help", lang="zh").output, run("retry", "--help").output
    demo = run("demo", "--help", lang="zh").output

    assert "[必填]" in zh
    assert "[required]" not in zh
    assert "[缺省：200]" in demo
    assert "[required]" in en
