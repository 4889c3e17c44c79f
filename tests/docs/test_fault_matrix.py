"""The fault matrix: every row of a part that exists is shown by a scenario or a test, and the page says which."""

from __future__ import annotations

import ast
import runpy
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def matrix() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "tests" / "faults" / "matrix.py"))


def test_no_row_is_without_cover(matrix: dict[str, Any]) -> None:
    rows = matrix["rows"]()

    assert len(rows) == 131
    assert [row.id for row in rows if row.is_missing] == []


def test_the_page_is_what_the_command_prints(matrix: dict[str, Any]) -> None:
    page = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")

    assert page == matrix["markdown"](matrix["rows"]())


def test_spans_of_rows_are_read_as_each_of_them(matrix: dict[str, Any]) -> None:
    assert matrix["ids"]("F116–F118, and F46. Not F1 or 0F12x") == ["F116", "F117", "F118", "F46"]


def test_nothing_depends_on_the_time_of_a_file() -> None:
    """F34. Nor on what `eval`, `pickle` or a shell would make of a text."""
    banned = {"st_mtime", "st_mtime_ns", "getmtime", "eval", "exec", "pickle", "system"}
    found = {
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in (ROOT / "syncd").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if (isinstance(node, ast.Attribute) and node.attr in banned)
        or (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in banned)
    }

    assert found == set()
