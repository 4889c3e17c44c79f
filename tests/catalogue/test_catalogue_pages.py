"""What people read about errors says what the data say, and names commands there are."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main

from syncd.catalogue import PLATFORMS, WIRE, entries, unlisted
from syncd.catalogue.page import render
from syncd.cli import build

DOCS = Path(__file__).parents[2] / "docs"
LINKED = sorted({entry.runbook for name in (*PLATFORMS, WIRE) for entry in entries(name)} | {unlisted().runbook})


def test_the_page_of_errors_is_the_generated_one() -> None:
    """Put it there with `python -m syncd.catalogue > docs/errors.md`."""
    assert (DOCS / "errors.md").read_text(encoding="utf-8") == render()


def test_every_row_of_the_page_has_as_many_cells_as_its_head() -> None:
    rows = [line for line in render().splitlines() if line.startswith("| `") and "](runbooks/" in line]

    assert len(rows) == sum(len(entries(name)) for name in (*PLATFORMS, WIRE)) + 1
    assert {len(re.split(r"(?<!\\)\|", row)) for row in rows} == {9}


@pytest.mark.parametrize("name", LINKED)
def test_every_runbook_answers_four_questions_in_chinese_and_then_in_english(name: str) -> None:
    headings = re.findall(r"^## (.+)$", (DOCS / "runbooks" / name).read_text(encoding="utf-8"), re.MULTILINE)

    assert headings == [
        *("意味着什么", "系统自己做什么", "你要做什么", "怎么知道已经结束"),
        *("What it means", "What syncd does by itself", "What you do", "How you see that it is over"),
    ]


@pytest.mark.parametrize("name", LINKED)
def test_the_index_lists_every_runbook_of_the_catalogue(name: str) -> None:
    assert f"]({name})" in (DOCS / "runbooks" / "README.md").read_text(encoding="utf-8")


def commands(text: str) -> list[str]:
    """Every `syncd …` that the page shows as code."""
    shown = re.findall(r"`([^`\n]+)`", text) + re.findall(r"^ {4,}(.+)$", text, re.MULTILINE)
    return [found[0] for one in shown if (found := re.search(r"(?<![-\w/])syncd [a-z][^|]*", one))]


@pytest.mark.parametrize("name", LINKED)
def test_every_command_of_a_runbook_exists_with_its_options(name: str) -> None:
    found = commands((DOCS / "runbooks" / name).read_text(encoding="utf-8"))

    assert found
    for command in found:
        _parse(command)


def _parse(command: str) -> None:
    """Raises where the command line would refuse the command; one that is only named need not be complete."""
    words = shlex.split(command)[1:]
    at: Any = typer.main.get_command(build("en"))
    name = "syncd"
    while hasattr(at, "commands"):
        name = words.pop(0)
        assert name in at.commands, command
        at = at.commands[name]
    if words:
        at.make_context(name, words)


def test_a_command_that_does_not_exist_is_seen() -> None:
    with pytest.raises(AssertionError):
        _parse("syncd orders resend FP1")
    with pytest.raises(Exception, match="No such option"):
        _parse("syncd orders retry FP1 --force")
