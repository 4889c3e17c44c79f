"""The alert rules ask for metrics that exist, are tried out, and each has its page. promtool runs in deploy/check."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from syncd.cli import build
from syncd.watch.alerts import RUNBOOKS
from syncd.watch.metrics import Metrics

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "deploy" / "prometheus" / "alerts.yml"
TESTS = RULES.with_name("alerts_test.yml")
BOOKS = ROOT / "docs" / "runbooks"
ALERTS: list[dict[str, Any]] = yaml.safe_load(RULES.read_text(encoding="utf-8"))["groups"][0]["rules"]
NAMES = [alert["alert"] for alert in ALERTS]

METRIC = re.compile(r"\b(?:syncd_\w+|up)\b(?=\s*(?:\{|\[|$|[-+*/<>=!)]|or\b|and\b|unless\b|offset\b))")
MATCHER = re.compile(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"")
LABEL = re.compile(r"\$labels\.(\w+)")
COMMAND = re.compile(r"(?:^ {4,7}|`)(?:sudo -u syncd )?syncd ((?:[a-z]+ ?)+)", re.MULTILINE)


def kebab(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def page_of(alert: dict[str, Any]) -> Path:
    return ROOT / alert["annotations"]["runbook_url"]


def labels_known() -> dict[str, set[str]]:
    """Labels of each metric; what scraping itself adds stands with all."""
    return {name: {*meaning[1], "job", "instance"} for name, meaning in Metrics().meanings.items()} | {
        "up": {"job", "instance"}
    }


@pytest.mark.parametrize("alert", ALERTS, ids=NAMES)
def test_every_metric_of_an_expression_exists_with_the_labels_it_is_asked_for(alert: dict[str, Any]) -> None:
    known = labels_known()
    expr = alert["expr"]
    names = METRIC.findall(expr)

    assert names
    assert sorted(set(names) - set(known)) == []
    for name, matchers in re.findall(r"\b(syncd_\w+|up)\{([^}]*)\}", expr):
        assert set(MATCHER.findall(matchers)) <= known[name]
    allowed = set().union(*(known[name] for name in names))
    assert set(LABEL.findall(alert["annotations"]["summary"])) <= allowed


def test_the_search_for_metrics_sees_each_of_them() -> None:
    """The control."""
    expr = 'abs(syncd_a) > 6 or increase(syncd_b_total[1h]) > 0 unless on (lane) syncd_c{x="1"} offset 1h == 1'

    assert METRIC.findall(expr) == ["syncd_a", "syncd_b_total", "syncd_c"]


@pytest.mark.parametrize("alert", ALERTS, ids=NAMES)
def test_an_alert_says_how_long_how_grave_and_in_both_languages_what(alert: dict[str, Any]) -> None:
    zh, _, en = alert["annotations"]["summary"].partition(" · ")

    assert re.fullmatch(r"\d+m", alert["for"])
    assert alert["labels"]["severity"] in ("critical", "warning")
    assert re.search("[一-鿿]", zh)
    assert en.isascii()


@pytest.mark.parametrize("alert", ALERTS, ids=NAMES)
def test_an_alert_points_at_the_page_of_its_name(alert: dict[str, Any]) -> None:
    assert page_of(alert) == BOOKS / f"{kebab(alert['alert'])}.md"
    assert page_of(alert).is_file()


@pytest.mark.parametrize("alert", ALERTS, ids=NAMES)
def test_an_alert_is_seen_to_fire_and_to_keep_silent(alert: dict[str, Any]) -> None:
    tried = yaml.safe_load(TESTS.read_text(encoding="utf-8"))["tests"]
    wanted = f'ALERTS{{alertname="{alert["alert"]}", alertstate="firing"}}'

    looks = [look for one in tried for look in one.get("promql_expr_test", []) if wanted in look["expr"]]

    assert {bool(look["exp_samples"]) for look in looks} == {True, False}


def test_a_second_invoice_is_as_grave_as_it_gets_and_waits_for_nothing() -> None:
    (alert,) = (alert for alert in ALERTS if alert["alert"] == "SecondInvoice")

    assert (alert["labels"]["severity"], alert["for"]) == ("critical", "0m")


def test_the_index_lists_every_alert_and_every_page_is_in_the_index() -> None:
    index = (BOOKS / "README.md").read_text(encoding="utf-8")

    listed = set(re.findall(r"^\| \[(\w+)\]\(([\w-]+\.md)\)", index, re.MULTILINE))
    linked = set(re.findall(r"\]\(([\w-]+\.md)\)", index))

    assert {(name, f"{kebab(name)}.md") for name in NAMES} <= listed
    assert {path.name for path in BOOKS.glob("*.md")} - {"README.md"} <= linked


def test_every_page_that_calls_itself_an_alerts_is_one() -> None:
    told = {
        name
        for path in BOOKS.glob("*.md")
        for name in re.findall(r"^告警 Alert: `(\w+)`$", path.read_text(encoding="utf-8"), re.MULTILINE)
    }

    assert told <= set(NAMES)
    assert set(NAMES) - told <= {"Unclassified"}  # its page is the error catalogue's


def test_every_message_to_people_names_a_page_that_exists() -> None:
    assert [page for page in RUNBOOKS.values() if not (BOOKS / page).is_file()] == []


@pytest.mark.parametrize("alert", ALERTS, ids=NAMES)
def test_a_page_says_what_it_means_what_to_do_and_how_it_ends_in_both_languages(alert: dict[str, Any]) -> None:
    headings = re.findall(r"^## (.+)$", page_of(alert).read_text(encoding="utf-8"), re.MULTILINE)

    assert headings == [
        "意味着什么",
        "系统自己做什么",
        "你要做什么",
        "怎么知道已经结束",
        "What it means",
        "What syncd does by itself",
        "What you do",
        "How you see that it is over",
    ]


@pytest.mark.parametrize(
    "alert", [one for one in ALERTS if one["alert"] != "Unclassified"], ids=lambda one: one["alert"]
)
def test_a_page_says_that_killing_is_safe_and_names_only_commands_that_exist(alert: dict[str, Any]) -> None:
    text = page_of(alert).read_text(encoding="utf-8")
    known = commands()

    named = {" ".join(words.split()[:2]) for words in COMMAND.findall(text)}

    assert "随时可以重启或强制结束" in text
    assert "is safe at any instant" in text
    assert sorted(name for name in named if name not in known and name.split()[0] not in known) == []


@cache
def commands() -> set[str]:
    """Every command, with its group: "status", "lane list"; a group is no command by itself."""
    found: set[str] = set()
    for name, command in get_command(build("en")).commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        found |= {f"{name} {one}" for one in inner} if inner else {name}
    return found
