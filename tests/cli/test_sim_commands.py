"""`syncd sim list|run|replay`: exit codes are the judgement, standard output is JSON, standard error is for people."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer.testing

from syncd.cli import build
from syncd.scenarios.plays import SCENARIOS

TWINS = Path(__file__).parents[1] / "scenarios" / "twins_issuing.py"
SHORT = ("amount-changed", "--rows", "6", "--workers", "1")


def sim(*args: str) -> typer.testing.Result:
    return typer.testing.CliRunner().invoke(build("en"), ["sim", *args], catch_exceptions=False)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sim") / "run.jsonl"
    assert sim("run", *SHORT, "--seed", "3", "--transcript", str(path)).exit_code == 0
    return path


def test_every_scenario_is_listed_with_its_promise() -> None:
    told = sim("list")
    facts = json.loads(sim("list", "--json").stdout)

    assert told.exit_code == 0
    assert all(name in told.stdout for name in SCENARIOS)
    assert [one["name"] for one in facts] == list(SCENARIOS)
    assert all(one["zh"] and one["en"] and one["must"] for one in facts)


def test_what_holds_is_zero() -> None:
    done = sim("run", *SHORT, "--seed", "3", "--assert", "doubles=0, read>=6, max_issued_per_order<=1")
    report = json.loads(done.stdout)

    assert done.exit_code == 0
    assert (report["well"], report["seeds"], report["broken"]) == (True, [3], {})
    assert report["figures"]["issued"] == 6
    assert "seed 3: all holds" in done.stderr


def test_an_assertion_that_does_not_hold_is_one() -> None:
    done = sim("run", *SHORT, "--seed", "3", "--assert", "read=7,nowhere=0")
    broken = json.loads(done.stdout)["broken"]["3"]

    assert done.exit_code == 1
    assert broken == ["read=7 but it is 6", "nowhere=0 but it was not counted"]


def test_a_range_of_seeds_is_added_up() -> None:
    report = json.loads(sim("run", *SHORT, "--seed", "3..4", "--jobs", "1").stdout)

    assert report["seeds"] == [3, 4]
    assert report["figures"]["issued"] == 12
    assert report["figures"]["max_issued_per_order"] == 1


@pytest.mark.parametrize(
    "args",
    [
        ("run", "lost-anser"),
        ("run", "lost-answer", "--seed", "5..1"),
        ("run", "lost-answer", "--seed", "x"),
        ("run", "lost-answer", "--assert", "doubles~0"),
        ("run", *SHORT, "--twin", "nowhere.py:none", "--jobs", "1"),
        ("run", "lost-answer", "--seed", "1..2", "--transcript", "both.jsonl"),
        ("replay", "nowhere.jsonl"),
    ],
    ids=lambda args: " ".join(args),
)
def test_what_cannot_be_understood_is_two(args: tuple[str, ...]) -> None:
    done = sim(*args)

    assert done.exit_code == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_a_misspelt_scenario_is_answered_with_the_nearest_one() -> None:
    assert "lost-answer" in sim("run", "lost-anser").stderr


def test_a_wrong_twin_is_one() -> None:
    done = sim("run", "lost-answer", "--rows", "20", "--workers", "1", "--twin", f"{TWINS}:fresh_key_after_a_timeout")
    report = json.loads(done.stdout)

    assert done.exit_code == 1
    assert report["twin"].endswith(":fresh_key_after_a_timeout")
    assert report["well"] is False


def test_a_recorded_run_comes_out_the_same_again(recorded: Path) -> None:
    again = sim("replay", str(recorded))

    assert again.exit_code == 0
    assert json.loads(again.stdout)["same"] is True


def test_a_run_that_comes_out_otherwise_is_one_and_says_where(recorded: Path, tmp_path: Path) -> None:
    head, figures, *story = recorded.read_text(encoding="utf-8").splitlines()
    other = tmp_path / "other.jsonl"
    figures = json.dumps(json.loads(figures) | {"issued": 5})
    other.write_text("\n".join([head, figures, *story[1:]]), encoding="utf-8")

    again = sim("replay", str(other))
    differences = json.loads(again.stdout)["differences"]

    assert again.exit_code == 1
    assert differences[0] == "issued: then 5, now 6"
    assert json.loads(story[0]) in [line.removeprefix("now: ") for line in differences[1:]]


def test_no_transcript_is_overwritten(recorded: Path) -> None:
    assert sim("run", *SHORT, "--transcript", str(recorded)).exit_code == 2
