"""What was measured last as a page: every figure with its aim, and the command that measures it again.

    python -m benchmarks.page FILE.json … > docs/benchmarks.md

Each FILE is what `--json` of another script wrote; a README beside the scripts says what they do.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

#: What can be measured, in the order of the README's table.
SCRIPTS = ("ingest", "flow", "workers", "idle", "calls")
HEAD = """\
# Benchmarks · 性能测量

This page is generated: `python -m benchmarks.page benchmarks/results/*.json > docs/benchmarks.md`, and the chart by
`python -m benchmarks.chart benchmarks/results/*.json > docs/benchmarks.svg`. 本页由程序生成。

What is compared is `syncd` with the physical limit (a *yardstick* without any safety, measured in the same run) and
with what would be picked instead. [benchmarks/README.md](../benchmarks/README.md) says how, and what the peers are
spared. Ratios are of one run on one machine; absolute figures are that machine's. An aim that was missed is shown as
missed; the scripts without any figures are named at the end.

![Orders a second, race by race](benchmarks.svg)
"""


def page(found: list[Mapping[str, Any]]) -> Iterator[str]:
    """The lines of the page."""
    yield HEAD
    for one in found:
        yield f"## {one['title']}\n"
        machine = ", ".join(f"{name} {value}" for name, value in one["machine"].items())
        yield f"`{one['command']}`  \n{machine}\n"
        if one.get("remark"):
            yield f"> {one['remark']}\n"
        yield "| figure | measured | aim | |\n|---|--:|--:|---|"
        for measure in one["measures"]:
            yield _row(measure)
        yield ""
    measured = {one["command"].partition("benchmarks.")[2].split()[0] for one in found}
    missing = [f"`python -m benchmarks.{name}`" for name in SCRIPTS if name not in measured]
    if missing:
        yield f"Without figures: {', '.join(missing)}. 尚无数据。"


def _row(measure: Mapping[str, Any]) -> str:
    value = f"{_figure(measure['value'])} {measure['unit']}".strip()
    if measure["aim"] is None:
        return f"| {measure['what']} | {value} | | |"
    sign = "≥" if measure["way"] == ">=" else "≤"
    return f"| {measure['what']} | {value} | {sign} {_figure(measure['aim'])} | {_word(measure['passed'])} |"


def _word(passed: bool) -> str:
    return "met" if passed else "**missed**"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    found = [json.loads(path.read_text()) for path in parser.parse_args().files]
    print("\n".join(page(found)).rstrip())


if __name__ == "__main__":
    main()
