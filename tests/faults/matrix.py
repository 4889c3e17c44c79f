"""Which test or scenario covers each row of the fault matrix: `python tests/faults/matrix.py [--markdown]`.

A test covers the rows that its docstring or a comment at its cases names, a module those of its first docstring, a
scenario those in its `faults`. A row of a part that does not
exist yet says so; any other row without cover makes this end with 1.
"""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from syncd.scenarios.plays import SCENARIOS

TESTS = Path(__file__).parent.parent
_ID = re.compile(r"\bF(\d{2,3})(?:[–-]F?(\d{2,3}))?\b")


@dataclass(frozen=True, slots=True)
class Row:
    """One fault, what must then be true, and where that is shown."""

    id: str
    section: str
    fault: str
    expected: str
    waits: str
    cover: tuple[str, ...]

    @property
    def is_missing(self) -> bool:
        return not self.waits and not self.cover


def rows() -> list[Row]:
    """The whole matrix, in its order."""
    found = tomllib.loads((TESTS / "faults" / "rows.toml").read_text(encoding="utf-8"))
    cover = covered()
    unknown = cover.keys() - found.keys()
    if unknown:
        raise ValueError(f"there are no such rows: {sorted(unknown)}")
    return [
        Row(id, it["section"], it["fault"], it["expected"], it.get("waits", ""), tuple(cover.get(id, ())))
        for id, it in found.items()
    ]


def covered() -> Mapping[str, list[str]]:
    """Row → the scenarios and tests that name it."""
    found: dict[str, list[str]] = defaultdict(list)
    for scenario in SCENARIOS.values():
        for id in scenario.faults:
            found[id].append(f"syncd sim run {scenario.name} --seed 1")
    for path in sorted(TESTS.rglob("test_*.py")):
        for name, text in _tests(path):
            for id in dict.fromkeys(ids(text)):
                found[id].append(f"{path.relative_to(TESTS.parent)}{name}")
    return found


def ids(text: str) -> list[str]:
    """The row numbers in a docstring; `F116–F118` is three of them."""
    found: list[str] = []
    for match in _ID.finditer(text):
        first = int(match[1])
        found += [f"F{number:02d}" for number in range(first, int(match[2] or first) + 1)]
    return found


def _tests(path: Path) -> Iterator[tuple[str, str]]:
    """Every test with what its docstring and the comments in and above it say; first the module's own words."""
    source = path.read_text(encoding="utf-8")
    lines, tree = source.splitlines(), ast.parse(source)
    yield "", ast.get_docstring(tree) or ""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            comments = [line.partition("#")[2] for line in lines[first - 1 : node.end_lineno]]
            yield f"::{node.name}", " ".join([ast.get_docstring(node) or "", *comments])


_HEAD = ("| row | fault | must then hold | shown by |", "| --- | --- | --- | --- |")


def markdown(found: list[Row]) -> str:
    """The matrix as docs/faults.md."""
    lines = [
        "# What can go wrong · 故障矩阵",
        "",
        "Printed by `python tests/faults/matrix.py --markdown`; a test compares. Each row names one place that shows",
        "it (of several, a scenario before a test); a scenario is repeated by its seed.",
        "",
    ]
    section = ""
    for row in found:
        if row.section != section:
            section = row.section
            lines += [
                "",
                f"## {section}",
                "",
                "| row | fault | must then hold | shown by |",
                "| --- | --- | --- | --- |",
            ]
        shown = f"waits for {row.waits}" if row.waits else f"`{row.cover[0]}`" if row.cover else "**nothing**"
        cells = (text.replace("|", "\\|") for text in (row.id, row.fault, row.expected, shown))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


def main(args: list[str]) -> int:
    found = rows()
    if "--markdown" in args:
        print(markdown(found), end="")
    else:
        for row in found:
            shown = f"waits for {row.waits}" if row.waits else ", ".join(row.cover) or "MISSING"
            print(f"{row.id:5} {row.fault}: {shown}")
    missing = [row.id for row in found if row.is_missing]
    if missing:
        print(f"missing: {' '.join(missing)}", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
