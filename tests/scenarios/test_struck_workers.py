"""Workers that die at named points or stand still beyond their leases, in one process, thousands in a minute."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

import syncd
from syncd.faultpoint import CALLS, FACTS, POINTS
from syncd.scenarios.run import Order, play, play_all

SOURCE = Path(syncd.__file__).parent
#: Every commit and call in the life of an order. The others belong to lanes at rest, arming, defects, single commands.
LIFE = (
    *("app.taken_over", "unit.claimed", "unit.finished", "store.numbered", "poll.begun", "poll.hot_page", "poll.page"),
    *("push.intended", "push.recorded", "collect.settled", "token.tried"),
    *("write_back.said", "write_back.answered", "write_back.confirmed", "write_back.page"),
    *("nuonuo.token", "nuonuo.submit", "nuonuo.ask", "nuonuo.revive", "wdt.search", "wdt.update"),
)


def _sources() -> Iterator[tuple[Path, ast.Module]]:
    for path in SOURCE.rglob("*.py"):
        yield path.relative_to(SOURCE), ast.parse(path.read_text(encoding="utf-8"))


def _calls(name: str) -> Iterator[tuple[Path, ast.Call]]:
    for path, tree in _sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name:
                yield path, node


def _words(*folders: str) -> set[str]:
    """Every text in the source but the list of the points itself."""
    return {
        node.value
        for path, tree in _sources()
        if path.name != "faultpoint.py" and path.parts[0] in folders
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_every_transaction_of_the_daemon_names_the_fact_that_becomes_durable() -> None:
    for path, call in _calls("begin"):
        whose = ast.unparse(call.func.value) if isinstance(call.func, ast.Attribute) else ""
        of_a_store = "store" in whose or whose == "self.line"  # a worker says that it lives on a line of its own
        if not of_a_store or path.parts[0] in ("cli", "scenarios"):
            continue
        fact = next((word.value for word in call.keywords if word.arg == "fact"), None)
        where = f"{path}:{call.lineno}"

        assert fact is not None, where
        if isinstance(fact, ast.Constant):
            assert fact.value in FACTS, where


def test_every_named_point_is_in_the_source() -> None:
    words = _words("app.py", "cli", "arming.py", "fleet.py", "stages", "store", "wire", "watch", "alerting.py")
    begun = {fact for fact in FACTS if fact in words}
    called = {call for call in CALLS if call in words or f"{call}.before" in words}

    assert set(FACTS) == begun
    assert set(CALLS) == called


@pytest.mark.timeout(300)
def test_workers_struck_at_every_point_issue_nothing_twice_and_lose_nothing() -> None:
    """F01 F02 F03 F04."""
    struck: Counter[str] = Counter()
    for result in play_all([Order("struck-workers", 14, seed, 2) for seed in (1, 2, 3)]):
        struck.update({name: times for name, times in result.seen.items() if name.startswith("struck.")})
        assert result.broken == (), result.figures

    life = {point for point in POINTS if point.rpartition(".")[0] in LIFE}
    assert {point for point in life if not struck[f"struck.{point}"]} == set()
    assert struck.total() > 200


@pytest.mark.parametrize("seed", [1, 2])
def test_what_a_stalled_worker_writes_late_is_refused(seed: int) -> None:
    """F11."""
    result = play(Order("stalled-workers", 30, seed, 3))

    assert result.broken == (), result.figures


@pytest.mark.storm
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(10, 110))
def test_a_hundred_days_of_struck_workers(seed: int) -> None:
    result = play(Order("struck-workers", 100, seed, 4))

    assert result.broken == (), result.figures
