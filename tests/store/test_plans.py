"""What the daemon asks of a store with years behind it is answered from an index, however many orders there are."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from archive import LARGE, fill
from daemon_parts import NOON, Daemon, VirtualClock, settings_for
from sqlalchemy import event
from sqlalchemy.engine import Engine

from syncd.sandbox import Sandbox
from syncd.scenarios.one_thread import at_once
from syncd.store import script
from syncd.store.instants import to_ms

SIZES = [3_000, pytest.param(1_000_000, marks=pytest.mark.storm)]
#: May read a whole index, or sort what it found, and why.
ALLOWED = {
    "SELECT EXISTS (SELECT * FROM submission": "ends with the first row",
    "FROM debt WHERE debt.state IN ('owed', 'sent') GROUP BY": "a partial index of what is owed now",
    "count(*) AS count_1 FROM invoice_order GROUP BY": "the figures count every order; nobody waits for them",
    "FROM invoice_order WHERE invoice_order.doubted_at IS NOT NULL": "a partial index that is empty while armed",
    "WHERE invoice_order.state IN": "unfinished orders, counted for the figures",
    "WHERE invoice_order.state = ? GROUP BY": "held orders, counted for the figures",
    "invoice_order.state = ? AND invoice_order.hold = ?": "held orders, counted for the figures",
    "FROM journal WHERE journal.at >=": "what a disarmed store has learned",
    "WHERE application_link.order_id IN": "of the orders at hand",
    "WHERE submission.order_id IN": "of the orders at hand",
    "WHERE invoice.order_id IN": "of the orders at hand",
    "invoice_order.sweep_at <=": "orders that are swept for a late issue",
}
_ALIAS = re.compile(r"\b(?:FROM|JOIN)\s+\"?(\w+)\"?\s+(?:AS\s+)?(\w+)", re.IGNORECASE)


@pytest.fixture(params=[False, True], ids=["as_it_is", "analysed"])
def analysed(request: pytest.FixtureRequest) -> bool:
    """Whether the database knows how its rows are spread: the plans must be good either way."""
    return bool(request.param)


@contextmanager
def listened() -> Iterator[dict[str, Any]]:
    """Every statement that is executed inside, with the parameters of its first execution."""
    heard: dict[str, Any] = {}

    def hear(_connection: Any, _cursor: Any, sql: str, given: Any, _context: Any, many: bool) -> None:
        if sql.lstrip().upper().startswith(("SELECT", "UPDATE", "DELETE", "WITH", "INSERT")):
            heard.setdefault(sql, given[0] if many and given else given)

    executed = script.executed

    def of_a_script(db: sqlite3.Connection, step: script.Step) -> Any:
        many = not isinstance(step, script.Ask)
        hear(None, None, step.sql, step.rows if many else step.values, None, many)
        return executed(db, step)

    event.listen(Engine, "before_cursor_execute", hear)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(script, "executed", of_a_script)
            yield heard
    finally:
        event.remove(Engine, "before_cursor_execute", hear)


def blemishes(plan: list[str], sql: str) -> list[str]:
    """The steps that read one of the large tables as a whole, or sort what an index should have in order."""
    names = {alias: table for table, alias in _ALIAS.findall(sql)}
    large = [step for step in plan if (read := re.match(r"SCAN (\w+)", step)) and _named(names, read[1]) in LARGE]
    sorts = [step for step in plan if "TEMP B-TREE" in step] if any(one in sql for one in LARGE) else []
    return large + sorts


def _named(names: dict[str, str], name: str) -> str:
    return name if name in LARGE else names.get(name, name)


@pytest.mark.parametrize("orders", SIZES)
async def test_no_statement_of_the_daemon_reads_a_large_table_as_a_whole(
    sandbox: Sandbox, clock: VirtualClock, migrated: Path, tmp_path: Path, orders: int, analysed: bool
) -> None:
    store = tmp_path / "syncd.db"
    shutil.copy(migrated, store)
    settings = settings_for(sandbox, tmp_path)
    with at_once():
        async with Daemon.on(settings, clock):
            pass  # a store that was filled before its first start would be taken for a copy
    fill(store, orders, at=to_ms(NOON) - 2 * orders, analysed=analysed)
    sandbox.populate(12)

    with at_once(), listened() as heard:
        async with Daemon.on(settings, clock) as daemon:
            await daemon.settle()
            await daemon.turn("poll", "refresh")
            await daemon.turn("poll", "deep")
            await daemon.app.render_metrics()

    with closing(sqlite3.connect(store)) as db:
        plans = {
            sql: [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", given)] for sql, given in heard.items()
        }
    bad = {
        " ".join(sql.split()): found
        for sql, plan in plans.items()
        if (found := blemishes(plan, sql)) and not any(one in " ".join(sql.split()) for one in ALLOWED)
    }
    assert len(plans) > 60
    assert bad == {}


def test_a_scan_and_a_sort_are_seen_whatever_the_table_is_called_in_the_statement() -> None:
    assert blemishes(["SCAN o"], "SELECT no FROM invoice_order o WHERE payer_name = ?") == ["SCAN o"]
    assert blemishes(["SCAN debt"], "SELECT count(*) FROM debt") == ["SCAN debt"]
    assert blemishes(["SEARCH debt USING INDEX x (a=?)", "USE TEMP B-TREE FOR ORDER BY"], "SELECT 1 FROM debt")
    assert blemishes(["SCAN s VIRTUAL TABLE INDEX 1:"], "SELECT 1 FROM json_each(?) s") == []
    assert blemishes(["SCAN unit", "USE TEMP B-TREE FOR ORDER BY"], "SELECT key FROM unit ORDER BY next_at") == []
