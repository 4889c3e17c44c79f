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

from syncd.domain.order import MerchantName
from syncd.sandbox import Sandbox
from syncd.store.instants import to_ms
from syncd.store.orders import OrderId
from syncd.store.postgres import _BY_INDEX, _SESSION, _WRITER, _options, parsed
from syncd.store.statistics import refreshed
from syncd.store.store import Store

SIZES = [3_000, pytest.param(1_000_000, marks=pytest.mark.storm)]
#: What the database knows of how its rows are spread: nothing; all of it; what it learned while every order waited and
#: was owed for, all of which have ended since; or nothing until the daemon at work told it to look.
KNOWN = [
    *((3_000, known) for known in ("nothing", "all", "told")),
    *(pytest.param(100_000, known, marks=pytest.mark.storm) for known in ("nothing", "waiting, told")),
    *(pytest.param(1_000_000, known, marks=pytest.mark.storm) for known in ("all", "told")),
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


@pytest.mark.parametrize(("orders", "known"), KNOWN)
async def test_no_statement_of_the_daemon_reads_a_large_table_as_a_whole_on_a_server(
    sandbox: Sandbox, clock: VirtualClock, postgres: str, tmp_path: Path, orders: int, known: str
) -> None:
    settings = settings_for(sandbox, tmp_path, store={"url": postgres, "witness": str(tmp_path / "witness")})
    async with Daemon.on(settings, clock):
        pass  # a store that was filled before its first start would be taken for a copy
    fill_postgresql(postgres, orders, at=to_ms(NOON) - 2 * orders, analysed=known == "all")
    if "waiting" in known:
        with psycopg.connect(postgres, autocommit=True) as db, while_all_wait(db):
            db.execute("ANALYZE")
    sandbox.populate(12)

    with listened() as heard:
        async with Daemon.on(settings, clock) as daemon:
            if "told" in known:
                await refreshed(daemon.app.store)
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


@pytest.mark.storm
async def test_what_the_server_learned_while_every_order_waited_does_harm_only_when_they_have_ended(
    sandbox: Sandbox, clock: VirtualClock, postgres: str, tmp_path: Path
) -> None:
    """On a file an index by state would look useless already then (docs/decisions/0018)."""
    orders = 100_000
    settings = settings_for(sandbox, tmp_path, store={"url": postgres, "witness": str(tmp_path / "witness")})
    sandbox.populate(12)
    with listened() as heard:
        async with Daemon.on(settings, clock) as daemon:
            await daemon.settle()
            await daemon.turn("poll", "refresh")
            await daemon.app.render_metrics()
    fill_postgresql(postgres, orders, at=to_ms(NOON) - 2 * orders, analysed=False)

    with as_the_daemon(postgres) as db, while_all_wait(db):
        unknown = rows_read_by(db, heard)
        db.execute("ANALYZE")
        known = rows_read_by(db, heard)
    with as_the_daemon(postgres) as db:
        mistaken = rows_read_by(db, heard)
        db.execute("ANALYZE")
        right = rows_read_by(db, heard)

    assert len(known) > 60
    assert more(known, unknown) == {}
    assert more(mistaken, right) != {}


@contextmanager
def while_all_wait(db: psycopg.Connection[Any]) -> Iterator[None]:
    """Inside every order waits and is owed for; after it they have all ended."""
    changes = ("SET session_replication_role = replica", "CREATE TABLE became AS SELECT id, state FROM invoice_order")
    for change in (*changes, "UPDATE invoice_order SET state = 'PENDING'", "UPDATE debt SET state = 'owed'"):
        db.execute(change.encode())
    yield
    db.execute("UPDATE invoice_order o SET state = became.state FROM became WHERE became.id = o.id")
    db.execute("UPDATE debt SET state = 'paid'")


def more(read: dict[str, float], than: dict[str, float]) -> dict[str, tuple[float, float]]:
    """The statements that read many more rows than in the other case, and how many in each."""
    return {words: (than[words], rows) for words, rows in read.items() if rows > than.get(words, rows) + 1_000}


def rows_read_by(db: psycopg.Connection[Any], heard: dict[str, Any]) -> dict[str, float]:
    """How many rows of a large table each reads at most; without those that cannot be executed now."""
    read: dict[str, float] = {}
    for words, given in heard.items():
        try:
            with db.transaction(force_rollback=True):
                row = db.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {words}".encode(), given).fetchone()
        except psycopg.Error:
            continue
        assert row is not None
        read[words] = max((_read(step) for step in _steps(row[0][0]["Plan"]) if _is_of_large(step)), default=0)
    return read


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


@pytest.mark.parametrize("young", [True, False], ids=["planned on the first day", "planned then"])
async def test_an_order_and_what_it_owes_are_found_by_its_key_however_many_are_under_way(
    clock: VirtualClock, postgres: str, young: bool
) -> None:
    order_id = OrderId(under_way(postgres, 3 if young else 3_000))
    with listened() as heard:
        async with Store.at(postgres, clock) as store, store.begin() as tx:
            await tx.debts.wake(order_id)
            await tx.debts.owe(order_id, MerchantName("m001"), kind="60", generation=0, revision=1)
            [debt] = await tx.debts.due(MerchantName("m001"), "owed", 1)
            await tx.debts.paid(debt)
            await tx.debts.look_again(debt, NOON)
            await tx.debts.mark_sent([debt.id], NOON)
            await tx.debts.sent([debt.id])
            order = (await tx.orders.by_ids([order_id]))[order_id]
            await tx.orders.wait(order, next_at=to_ms(NOON))

    with as_the_daemon(postgres) as db:
        kept = keep_plans(db, {words: given for words, given in heard.items() if _names_its_rows(words)})
        if young:
            under_way(postgres, 3_000)
        read = {words: rows_read(db, execute) for words, execute in kept.items()}

    assert len(read) == 8
    assert {words: rows for words, rows in read.items() if rows is None or rows > 2} == {}


def _names_its_rows(words: str) -> bool:
    return (words.startswith("UPDATE") and "unit" not in words) or "ANY(" in words


def under_way(url: str, orders: int) -> int:
    """So many more orders, all of them issued, and owed for; the last of them."""
    fill_postgresql(url, orders, at=to_ms(NOON) - 2 * orders, analysed=False)
    with psycopg.connect(url, autocommit=True) as db:
        db.execute("SET session_replication_role = replica")
        db.execute("UPDATE debt SET state = 'owed', settled_at = NULL")
        db.execute("UPDATE invoice_order SET state = 'ISSUED', no = 'NEW' || id")
        db.execute("UPDATE submission SET key = 'NEW' || id")
        db.execute("UPDATE invoice SET number = 'NEW' || order_id")
        return int(db.execute("SELECT max(order_id) FROM debt").fetchall()[0][0])


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
