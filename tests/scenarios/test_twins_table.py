"""docs/twins.md tells the truth: every rule has a day and a twin, each of which exists and is in the page."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from rules import HERE, RULES, SHOWN, Shown
from table import place

from syncd.scenarios.plays import SCENARIOS

PAGE = Path(__file__).parents[2] / "docs" / "twins.md"


def test_every_rule_has_a_day_and_a_twin() -> None:
    assert {one.rule for one in SHOWN} == set(RULES) == set(range(1, 13))


@pytest.mark.parametrize("shown", SHOWN, ids=lambda one: one.twin)
def test_the_day_and_the_twin_exist(shown: Shown) -> None:
    file, _, name = shown.twin.partition(":")
    tree = ast.parse((HERE / file).read_text(encoding="utf-8"))
    twins = {node.name: ast.get_docstring(node) or "" for node in tree.body if isinstance(node, ast.FunctionDef)}

    assert shown.scenario in SCENARIOS
    assert name in twins
    assert f"Rule {shown.rule}" in twins[name]


def test_every_row_of_the_page_shows_the_harm_that_its_twin_did() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ") and "`" in line]

    figures = [[cell.strip() for cell in line.split("|")[5:7]] for line in rows]
    assert len(figures) == len(SHOWN)
    assert [right for right, wrong in figures if right == wrong or "proves nothing" in wrong] == []


def test_the_page_has_these_rows_and_no_others() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ") and "`" in line]

    assert [line[: len(place(one))] for line, one in zip(rows, SHOWN, strict=True)] == [place(one) for one in SHOWN]
