"""What was measured, beside what was aimed at: printed as a table, kept as JSON, and never said better than it is."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure. `aim` is the least (`>=`) or the most (`<=`) it should be; None where it is only told."""

    what: str
    value: float
    aim: float | None = None
    way: Literal[">=", "<="] = ">="
    unit: str = "×"

    @property
    def passed(self) -> bool | None:
        """Whether the aim is met; None where there is none."""
        if self.aim is None:
            return None
        return self.value >= self.aim if self.way == ">=" else self.value <= self.aim


def panel(title: str, bars: Mapping[str, float], unit: str = "orders a second") -> dict[str, Any]:
    """What the chart draws of a race: one bar for each contestant."""
    return {"title": title, "unit": unit, "bars": {name: round(value, 1) for name, value in bars.items()}}


def machine() -> dict[str, str]:
    """What it ran on, as far as it can say so itself."""
    cpu = next(
        (line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")), ""
    )
    memory = next((int(line.split()[1]) for line in _lines("/proc/meminfo") if line.startswith("MemTotal")), 0)
    return {
        "cores": str(len(os.sched_getaffinity(0))),
        "cpu": cpu,
        "memory": f"{memory / 2**20:.0f} GB",
        "kernel": platform.release(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }


def command() -> str:
    """What was typed, without what says where things are kept."""
    ran = Path(sys.argv[0])
    script = ran.parent.name if ran.stem == "__main__" else ran.stem
    left_out, typed = {"--json", "--cache", "--postgres", "--remark"}, list(sys.argv[1:])
    for name in left_out & set(typed):
        at = typed.index(name)
        has_value = at + 1 < len(typed) and not typed[at + 1].startswith("--")
        typed[at : at + 1 + has_value] = [name] if name == "--postgres" else []
    return " ".join(["python -m", f"benchmarks.{script}", *typed])


def _lines(path: str) -> list[str]:
    return Path(path).read_text().splitlines() if Path(path).exists() else []


def telling(parser: argparse.ArgumentParser) -> None:
    """What every script is asked about its figures; `tell` does as it was answered."""
    parser.add_argument("--json", type=Path, metavar="FILE", help="keeps everything that was told")
    parser.add_argument("--remark", default="", metavar="TEXT", help="what else a reader must know of this run")
    parser.add_argument("--strict", action="store_true", help="end with 1 where an aim is missed")


def tell(title: str, measures: Sequence[Measure], told: Mapping[str, Any], wish: argparse.Namespace) -> None:
    """Print the table, write the JSON where wanted, and with `--strict` end with 1 where an aim was missed."""
    print(f"\n{title}")
    print("  " + ", ".join(f"{name} {value}" for name, value in machine().items()))
    width = max(len(measure.what) for measure in measures)
    for measure in measures:
        print("  " + _line(measure, width))
    missed = [measure for measure in measures if measure.passed is False]
    judged = sum(measure.passed is not None for measure in measures)
    print(f"  {judged - len(missed)} of {judged} aims met")
    if wish.json is not None:
        found = {
            "title": title,
            "command": command(),
            "remark": wish.remark,
            "machine": machine(),
            "measures": [_kept(one) for one in measures],
            **told,
        }
        wish.json.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
    if wish.strict and missed:
        sys.exit(1)


def _line(measure: Measure, width: int) -> str:
    shown = f"{measure.what:<{width}}  {_figure(measure.value):>9} {measure.unit:<4}"
    if measure.aim is None:
        return shown.rstrip()
    sign = "≥" if measure.way == ">=" else "≤"
    return f"{shown}  aim {sign} {_figure(measure.aim):<6} {'met' if measure.passed else 'MISSED'}"


def _figure(value: float) -> str:
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"


def _kept(measure: Measure) -> dict[str, Any]:
    return {**asdict(measure), "value": round(measure.value, 4), "passed": measure.passed}
