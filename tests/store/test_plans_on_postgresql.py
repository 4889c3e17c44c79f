"""What the daemon asks of a PostgreSQL with years behind it is answered from an index, however many orders it has."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from archive import LARGE, fill_postgresql
from daemon_parts import NOON, Daemon, VirtualClock, settings_for
from psycopg import AsyncCursor, sql
from psycopg._queries import PostgresQuery
from psycopg.adapt import Transformer

from syncd.sandbox import Sandbox
from syncd.store.instants import to_ms
from syncd.store.postgres import _BY_INDEX, _SESSION, _WRITER, _options, parsed

SIZES = [3_000, pytest.param(1_000_000, marks=pytest.mark.storm)]
#: Whether the database knows how its rows are spread. It looks by itself within a minute or so, and a store that was
#: moved there is looked at in the move: a million rows that it knows nothing of, it never has.
KNOWN = [
    *(pytest.param(3_000, knows, id=f"3000-{knows}") for knows in (False, True)),
    pytest.param(100_000, False, marks=pytest.mark.storm, id="100000-False"),
    pytest.param(1_000_000, True, marks=pytest.mark.storm, id="1000000-True"),
]
#: May read a whole index, and why.
ALLOWED = {
    "SELECT EXISTS (SELECT * FROM submission": "ends with the first row",
    "count(*) AS count_1 FROM invoice_order GROUP BY": "the figures count every order; nobody waits for them",
}
Plan = dict[str, Any]


@contextmanager
def listened() -> Iterator[dict[str, Any]]:
    """Every statement that is executed inside, by whatever layer, with the parameters of its first execution."""
    heard: dict[str, Any] = {}
    execute, executemany = AsyncCursor.execute, AsyncCursor.executemany

    def hear(query: Any, given: Any) -> None:
        words = query.decode() if isinstance(query, bytes) else str(query)
        if words.lstrip().upper().startswith(("SELECT", "UPDATE", "DELETE", "WITH", "INSERT")):
            heard.setdefault(words, given)

    async def one(self: AsyncCursor[Any], query: Any, params: Any = None, **more: Any) -> Any:
        hear(query, params)
        return await execute(self, query, params, **more)

    async def many(self: AsyncCursor[Any], query: Any, params_seq: Any, **more: Any) -> None:
        every = list(params_seq)
        hear(query, every[0] if every else None)
        await executemany(self, query, every, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AsyncCursor, "execute", one)
        patch.setattr(AsyncCursor, "executemany", many)
        yield heard


def as_the_daemon(url: str) -> psycopg.Connection[Any]:
    """A session with the settings of those that write."""
    options = _options({**_SESSION, **_BY_INDEX, **_WRITER}, parsed(url))
    return psycopg.connect(url, autocommit=True, options=options)


def plans_of(url: str, heard: dict[str, Any]) -> dict[str, Plan]:
    """How the database would execute each."""
    plans: dict[str, Plan] = {}
    with as_the_daemon(url) as db:
        for words, given in heard.items():
            row = db.execute(f"EXPLAIN (FORMAT JSON) {words}".encode(), given).fetchone()
            assert row is not None
            plans[" ".join(words.split())] = row[0][0]["Plan"]
    return plans


def partial_indexes(url: str) -> set[str]:
    """Those that hold some of a table's rows: all that are not finished, or in doubt; they may be read as a whole."""
    with psycopg.connect(url, autocommit=True) as db:
        found = db.execute("SELECT indexrelid::regclass::text FROM pg_index WHERE indpred IS NOT NULL")
        return {row[0] for row in found}


def blemishes(plan: Plan, partial: set[str], *, limited: bool = False) -> list[str]:
    """The steps that read one of the large tables, or one of their indexes, from its beginning to its end."""
    kind, table, index = plan["Node Type"], plan.get("Relation Name", ""), plan.get("Index Name", "")
    limited = limited or kind == "Limit"
    found = []
    if kind == "Seq Scan" and table in LARGE:
        found.append(f"{kind} on {table}")
    of_large = table in LARGE or (kind == "Bitmap Index Scan" and any(index.find(one) >= 0 for one in LARGE))
    if index and of_large and "Index Cond" not in plan and index not in partial and not limited:
        found.append(f"{kind} on {table} by all of {index}")
    limited = limited and kind in ("Limit", "Index Scan", "Index Only Scan", "Nested Loop", "LockRows", "Subquery Scan")
    return found + [step for below in plan.get("Plans", ()) for step in blemishes(below, partial, limited=limited)]


@pytest.mark.parametrize(("orders", "analysed"), KNOWN)
async def test_no_statement_of_the_daemon_reads_a_large_table_as_a_whole_on_a_server(
    sandbox: Sandbox, clock: VirtualClock, postgres: str, tmp_path: Path, orders: int, analysed: bool
) -> None:
    settings = settings_for(sandbox, tmp_path, store={"url": postgres, "witness": str(tmp_path / "witness")})
    async with Daemon.on(settings, clock):
        pass  # a store that was filled before its first start would be taken for a copy
    fill_postgresql(postgres, orders, at=to_ms(NOON) - 2 * orders, analysed=analysed)
    sandbox.populate(12)

    with listened() as heard:
        async with Daemon.on(settings, clock) as daemon:
            await daemon.settle()
            await daemon.turn("poll", "refresh")
            await daemon.turn("poll", "deep")
            await daemon.app.render_metrics()

    partial = partial_indexes(postgres)
    plans = plans_of(postgres, heard)
    bad = {
        words: found
        for words, plan in plans.items()
        if (found := blemishes(plan, partial)) and not any(one in words for one in ALLOWED)
    }
    assert len(plans) > 60
    assert bad == {}


# -- plans that were made when there was nothing -----------------------------------------------------------------------


@pytest.mark.parametrize("orders", SIZES)
async def test_a_plan_that_was_made_for_a_new_store_serves_one_that_has_grown(
    sandbox: Sandbox, clock: VirtualClock, postgres: str, tmp_path: Path, orders: int
) -> None:
    """A session keeps the plan of a statement it often executes, as it was good for the few rows of a first day."""
    settings = settings_for(sandbox, tmp_path, store={"url": postgres, "witness": str(tmp_path / "witness")})
    sandbox.populate(12)
    with listened() as heard:
        async with Daemon.on(settings, clock) as daemon:
            await daemon.settle()
            await daemon.turn("poll", "refresh")
            await daemon.turn("poll", "deep")

    with as_the_daemon(postgres) as db:
        kept = keep_plans(db, heard)
        fill_postgresql(postgres, orders, at=to_ms(NOON) - 2 * orders, analysed=False)
        read = {words: rows for words, execute in kept.items() if (rows := rows_read(db, execute)) is not None}

    bad = {words: rows for words, rows in read.items() if rows > orders / 10}
    assert len(read) > 60
    assert {words: rows for words, rows in bad.items() if not any(one in words for one in ALLOWED)} == {}


def keep_plans(db: psycopg.Connection[Any], heard: dict[str, Any]) -> dict[str, sql.Composed]:
    """Let the session make the plan of each statement that it will keep; how each is executed under it."""
    db.prepare_threshold = None  # what it had prepared by itself it would forget with each rollback, and ours with it
    db.execute("SET plan_cache_mode = force_generic_plan")
    kept: dict[str, sql.Composed] = {}
    for number, (words, given) in enumerate(heard.items()):
        query = PostgresQuery(Transformer(db))
        query.convert(words, given)
        types = [_regtype(db, oid) for oid in query.types]
        literals = [sql.Literal(value) for value in _in_order(words, given)]
        name, brackets = sql.Identifier(f"kept{number}"), sql.SQL("({})") if literals else sql.SQL("")
        signature = name + brackets.format(sql.SQL(", ").join(types))
        db.execute(sql.SQL("PREPARE {} AS ").format(signature) + sql.SQL(query.query.decode()))  # type: ignore[arg-type]
        execute = sql.SQL("EXECUTE {}").format(name + brackets.format(sql.SQL(", ").join(literals)))
        db.execute(sql.SQL("EXPLAIN ") + execute)  # this makes it
        kept[" ".join(words.split())] = execute
    return kept


def _regtype(db: psycopg.Connection[Any], oid: int) -> sql.SQL:
    row = db.execute("SELECT CASE WHEN %(oid)s = 0 THEN 'unknown' ELSE %(oid)s::oid::regtype::text END", {"oid": oid})
    return sql.SQL(row.fetchall()[0][0])


def _in_order(words: str, given: Any) -> Sequence[Any]:
    """The parameters as the server numbers them."""
    if not isinstance(given, Mapping):
        return given or ()
    return [given[name] for name in dict.fromkeys(re.findall(r"%\(([^)]+)\)s", words))]


def rows_read(db: psycopg.Connection[Any], execute: sql.Composed) -> float | None:
    """How many rows of a large table it reads at most, wanted or not; None where it cannot be done now."""
    try:
        with db.transaction(force_rollback=True):
            row = db.execute(sql.SQL("EXPLAIN (ANALYZE, FORMAT JSON) ") + execute).fetchone()
    except psycopg.Error:
        return None
    assert row is not None
    return max((_read(step) for step in _steps(row[0][0]["Plan"]) if _is_of_large(step)), default=0)


def _steps(plan: Plan) -> Iterator[Plan]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _steps(below)


def _is_of_large(step: Plan) -> bool:
    return step.get("Relation Name") in LARGE and "Scan" in step["Node Type"]


def _read(step: Plan) -> float:
    thrown_away = sum(step.get(f"Rows Removed by {why}", 0) for why in ("Filter", "Index Recheck"))
    return float((step["Actual Rows"] + thrown_away) * step["Actual Loops"])


def test_what_reads_a_table_or_an_index_to_its_end_is_seen() -> None:
    whole = {"Node Type": "Seq Scan", "Relation Name": "debt"}
    index = {"Node Type": "Index Only Scan", "Relation Name": "debt", "Index Name": "debt_pkey"}
    first = {"Node Type": "Limit", "Plans": [index]}

    assert blemishes({"Node Type": "Aggregate", "Plans": [whole]}, set()) == ["Seq Scan on debt"]
    assert blemishes({"Node Type": "Limit", "Plans": [{"Node Type": "Sort", "Plans": [whole]}]}, set())
    assert blemishes({"Node Type": "Limit", "Plans": [{"Node Type": "Sort", "Plans": [index]}]}, set())
    assert blemishes(index, set()) == ["Index Only Scan on debt by all of debt_pkey"]
    assert blemishes(first, set()) == []
    assert blemishes(index, {"debt_pkey"}) == []
    assert blemishes({**index, "Index Cond": "(id = 1)"}, set()) == []
    assert blemishes({**whole, "Relation Name": "unit"}, set()) == []
