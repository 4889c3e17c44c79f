"""The measuring scripts run, at a size that proves only that they do; what they fetch from elsewhere is left out."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmarks.page import SCRIPTS

ROOT = Path(__file__).resolve().parents[2]


def script(name: str, *wish: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", f"benchmarks.{name}", *wish]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=110)


def told(name: str, to: Path, *wish: str) -> dict[str, Any]:
    done = script(name, *wish, "--json", str(to))
    assert done.returncode == 0, done.stderr[-2000:]
    found: dict[str, Any] = json.loads(to.read_text())
    return found


def figures(found: dict[str, Any]) -> dict[str, float]:
    return {measure["what"]: measure["value"] for measure in found["measures"]}


def test_reading_is_raced_against_the_yardstick(tmp_path: Path) -> None:
    to = tmp_path / "ingest.json"

    found = told("ingest", to, "--orders", "400", "--rounds", "1", "--peers", "none")

    assert figures(found)["syncd : yardstick"] > 0
    assert found["panels"][0]["bars"].keys() == {"yardstick", "syncd"}
    drawn = script("chart", str(to))
    assert ElementTree.fromstring(drawn.stdout).tag.endswith("svg")


def test_the_whole_way_is_raced_and_the_ledger_is_checked(tmp_path: Path) -> None:
    found = told("flow", tmp_path / "flow.json", "--orders", "60", "--rounds", "1", "--delays", "0", "--peers", "none")

    assert figures(found)["0 ms: syncd : yardstick"] > 0
    assert figures(found)["0 ms: syncd, second invoices"] == 0


def test_idling_and_starting_are_measured(tmp_path: Path) -> None:
    wish = ["--merchants", "2", "--seconds", "1", "--quiet", "0", "--seeds", "20", "--rows", "200", "--rounds", "1"]
    to = tmp_path / "idle.json"

    whole = told("idle", to, *wish, "--remark", "other work ran beside it")

    found = figures(whole)
    assert found["units that had none by then"] == 0
    assert found["start to first call, 200 orders in the store"] > 0
    assert "remark" not in whole["command"]
    page = script("page", str(to)).stdout
    assert "> other work ran beside it\n" in page
    assert "`python -m benchmarks.flow`" in page.splitlines()[-1]
    assert "benchmarks.idle" not in page.splitlines()[-1]


def test_calls_are_counted_against_the_fewest(tmp_path: Path) -> None:
    found = told("calls", tmp_path / "calls.json", "--only", "quiet", "--days", "0.02")

    assert found["command"] == "python -m benchmarks.calls --only quiet --days 0.02"
    assert figures(found)["quiet: refused"] == 0
    assert figures(found)["quiet: live polling, made : fewest"] <= 1.05


def test_every_script_of_the_readme_is_asked_for_by_the_page() -> None:
    rows = [line for line in (ROOT / "benchmarks" / "README.md").read_text().splitlines() if line.startswith("| `")]

    assert tuple(row.split("`")[1] for row in rows) == SCRIPTS


@pytest.mark.parametrize("script_name", ["ingest", "flow"])
def test_a_peer_nobody_knows_is_refused(script_name: str) -> None:
    done = script(script_name, "--orders", "1", "--peers", "nobody")

    assert done.returncode == 1
    assert "there is no nobody" in done.stderr
