"""What a store on PostgreSQL promises beyond what the tests of the tables show, and what it never tells."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import sys
import tempfile
import traceback
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from postgres import Server, database, without_a_server
from psycopg import sql
from sqlalchemy import text, update
from sqlalchemy.exc import DBAPIError
from store_parts import SID, M, keep, row, submitted, the

from syncd.domain.clock import SystemClock
from syncd.domain.lifecycle import Hold
from syncd.scenarios.server import PASSWORD, NoServer, start, stop
from syncd.store import migrate, postgres
from syncd.store.guard import Guard, open_instance
from syncd.store.instance import Disarmed
from syncd.store.lock import HeldElsewhere, held, holder
from syncd.store.place import exists, known_place, place_of, shown
from syncd.store.schema import instance
from syncd.store.sessions import Session
from syncd.store.store import Store, StoreUnavailable
from syncd.store.troubles import UnsupportedStore
from syncd.store.witness import Finding, WitnessFolder
from syncd.watch.alert_facts import Limits, wrong_now
from syncd.watch.gauges import Gauges, Served
from syncd.watch.metrics import Metrics

NOBODY_LISTENS = f"postgresql://syncd:{PASSWORD}@127.0.0.1:1/syncd"


def query(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        return connection.execute(statement.encode()).fetchall()


def alter(url: str, setting: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        name = sql.Identifier(database(url))
        connection.execute(sql.SQL("ALTER DATABASE {} SET ").format(name) + sql.SQL(setting))


# -- sessions ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of_the_database", "ours"), [("off", "on"), ("local", "on"), ("remote_apply", "remote_apply")]
)
async def test_a_commit_is_answered_only_when_it_is_durable(postgres: str, of_the_database: str, ours: str) -> None:
    """A forgotten intent is a second invoice, so a weaker setting of the server's does not hold for us."""
    alter(postgres, f"synchronous_commit = {of_the_database}")

    async with Store.at(postgres, SystemClock()) as store, store.begin() as tx:
        assert await tx.connection.scalar(text("SHOW synchronous_commit")) == ours


async def test_writers_see_what_is_committed_and_readers_one_moment(emptied: str) -> None:
    async with Store.at(emptied, SystemClock()) as store:
        async with store.begin() as tx:
            assert await tx.connection.scalar(text("SHOW transaction_isolation")) == "read committed"
            assert await tx.connection.scalar(text("SHOW idle_in_transaction_session_timeout")) == "20s"
            assert await tx.connection.scalar(text("SHOW lock_timeout")) == "30s"
        async with store.read() as tx:
            assert await tx.board.orders() == []
            async with store.begin() as other:
                await keep(other, row("FP1"))
            assert await tx.board.orders() == []


async def test_what_the_url_asks_of_the_server_goes_before_our_own_wish(emptied: str) -> None:
    async with Store.at(f"{emptied}?options=-c%20lock_timeout%3D7s", SystemClock()) as store, store.begin() as tx:
        assert await tx.connection.scalar(text("SHOW lock_timeout")) == "7s"
        assert await tx.connection.scalar(text("SHOW statement_timeout")) == "5min"


# -- what is stored ----------------------------------------------------------------------------------------------------


async def test_every_text_is_compared_by_its_bytes(postgres: str) -> None:
    found = query(
        postgres,
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        " AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'",
    )

    assert found == []


async def test_a_nul_in_a_text_costs_no_row_and_its_bytes_are_kept(emptied: str) -> None:
    """PostgreSQL has no NUL in text. What people are shown gets a mark in its place; the row's own bytes stand."""
    sent = b'{"invoice_order_no":"FP1","payer_name":"a\\u0000b","remark":"\x00"}'
    async with Store.at(emptied, SystemClock()) as store:
        async with store.begin() as tx:
            await keep(tx, row("FP1", payer_name="a\x00b")._replace(raw=sent), row("FP2"))
            await keep(tx, row("FP2", version=2, shop_no="c\x00d"), seq=2)

        async with store.read() as tx:
            kept, neighbour = await the(tx, "FP1"), await the(tx, "FP2")

    assert (kept.raw, kept.payer_name) == (sent, "a\ufffdb")
    assert (neighbour.no, neighbour.shop_no) == ("FP2", "c\ufffdd")


async def test_the_largest_amounts_and_instants_fit(emptied: str) -> None:
    async with Store.at(emptied, SystemClock()) as store:
        async with store.begin() as tx:
            await keep(tx, row("FP1", amount=9 * 10**18, status=2**31 - 1), seq=2**62)

        async with store.read() as tx:
            order = await the(tx, "FP1")

    assert (order.amount, order.wdt_status) == (9 * 10**18, 2**31 - 1)


# -- what is never told ------------------------------------------------------------------------------------------------


async def test_a_rule_that_is_broken_is_told_without_the_row_that_broke_it(emptied: str) -> None:
    """PostgreSQL would tell the whole row, buyer and all, and it would end in a log."""
    async with Store.at(emptied, SystemClock()) as store:
        async with store.begin() as tx:
            await keep(tx, row("FP1", payer_name="demo buyer"))
        with pytest.raises(DBAPIError) as refused:
            async with store.begin() as tx:
                await tx.connection.execute(text("UPDATE invoice_order SET phase = 'somewhere'"))

    told = "".join(traceback.format_exception(refused.value))
    assert "ck_invoice_order_phase" in told
    assert "demo buyer" not in told


async def test_a_server_that_is_not_there_is_told_without_the_password() -> None:
    async with Store.at(NOBODY_LISTENS, SystemClock()) as store:
        with pytest.raises(StoreUnavailable, match="refused") as refused:
            async with store.begin():
                pass
        assert not await store.answers()
    for ask in (migrate.revision, migrate.check, known_place, exists, holder):
        with pytest.raises(StoreUnavailable) as silent:
            ask(NOBODY_LISTENS)
        assert PASSWORD not in "".join(traceback.format_exception(silent.value))
    with pytest.raises(StoreUnavailable):
        await migrate.upgrade(NOBODY_LISTENS)
    with pytest.raises(StoreUnavailable):
        await Session(NOBODY_LISTENS, exclusive=True).take()

    assert PASSWORD not in "".join(traceback.format_exception(refused.value))
    assert shown(NOBODY_LISTENS) == "postgresql://syncd@127.0.0.1:1/syncd"


@pytest.mark.parametrize("url", [f"postgresql://syncd:{PASSWORD}@host:port/x", f"postgresql://syncd:{PASSWORD}@host"])
def test_a_url_that_cannot_be_read_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(UnsupportedStore) as refused:
        Store.at(url, SystemClock())

    assert PASSWORD not in "".join(traceback.format_exception(refused.value))


def test_without_the_driver_people_are_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)

    with pytest.raises(UnsupportedStore, match=r"pip install"):
        Store.at(NOBODY_LISTENS, SystemClock())


# -- which servers will do ---------------------------------------------------------------------------------------------


async def test_a_database_that_cannot_hold_every_text_is_refused(postgres_server: Server) -> None:
    name = f"{postgres_server.mark}_ascii"
    with psycopg.connect(postgres_server.url, autocommit=True) as connection:
        made = "CREATE DATABASE {} TEMPLATE template0 ENCODING 'SQL_ASCII'"
        connection.execute(sql.SQL(made).format(sql.Identifier(name)))
    try:
        with pytest.raises(UnsupportedStore, match="SQL_ASCII"):
            await migrate.upgrade(postgres_server.at(name))
    finally:
        postgres_server.drop(postgres_server.at(name))


async def test_a_server_that_is_too_old_is_refused(empty_postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "OLDEST", 990000)

    with pytest.raises(UnsupportedStore, match="99 or newer"):
        await migrate.upgrade(empty_postgres)


def test_a_server_that_may_forget_what_it_answered_is_dangerous(emptied: str) -> None:
    assert postgres.dangers(emptied) == ["fsync = off", "full_page_writes = off"]  # as tests run it
    assert postgres.wrong_with(emptied) == []


async def test_a_user_who_owns_the_database_and_nothing_else_is_enough(postgres_server: Server) -> None:
    role, word = f"{postgres_server.mark}_owner", "demo p@ss/word:%"
    with psycopg.connect(postgres_server.url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), sql.Literal(word)))
    made = postgres_server.make()
    with psycopg.connect(postgres_server.url, autocommit=True) as connection:
        owns = sql.SQL("ALTER DATABASE {} OWNER TO {}")
        connection.execute(owns.format(sql.Identifier(database(made)), sql.Identifier(role)))
    host = made.rpartition("@")[2]
    url = f"postgresql://{role}:{quote(word, safe='')}@{host}"
    try:
        await migrate.upgrade(url)
        async with held(url), Store.at(url, SystemClock()) as store:
            async with store.begin() as tx:
                await keep(tx, row("FP1"))
            assert postgres.application_name() in (holder(url) or "")
        assert await place_of(url) == await place_of(made)
        assert migrate.check(url) == []
        assert await migrate.downgrade(url, "base") == ""
        assert shown(url) == f"postgresql://{role}@{host}"
    finally:
        postgres_server.drop(made)
        with psycopg.connect(postgres_server.url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))


# -- one daemon, or many workers ---------------------------------------------------------------------------------------


async def test_a_store_is_held_by_one_alone_or_by_many_together(emptied: str) -> None:
    assert holder(emptied) is None
    async with held(emptied):
        for exclusive in (True, False):
            with pytest.raises(HeldElsewhere, match="syncd") as refused:
                async with held(emptied, exclusive=exclusive):
                    pytest.fail("it is held")
            assert PASSWORD not in str(refused.value)
        assert f"{postgres.application_name()} (127.0.0.1)" == holder(emptied)
    async with held(emptied, exclusive=False), held(emptied, exclusive=False):
        with pytest.raises(HeldElsewhere):
            async with held(emptied):
                pytest.fail("it is shared")
    async with held(emptied):
        pass


async def test_whoever_comes_right_after_another_has_gone_finds_the_store_free(emptied: str) -> None:
    """Even where the server takes its time to end the other's session: it clears away what that one left first."""
    one = Session(emptied, exclusive=True)
    await one.take()
    assert one._connection is not None
    for number in range(300):
        await one._connection.execute(f"CREATE TEMPORARY TABLE left_{number} (id bigint PRIMARY KEY)".encode())

    await one.give_up()

    async with held(emptied):
        pass


async def test_a_daemon_waits_for_the_one_before_it(emptied: str) -> None:
    """F113."""
    taken = asyncio.Event()

    async def second() -> None:
        async with held(emptied, wait=10):
            taken.set()

    async with asyncio.TaskGroup() as group, held(emptied):
        group.create_task(second())
        with pytest.raises(HeldElsewhere):
            async with held(emptied):
                pytest.fail("it is held")
        assert not taken.is_set()

    assert taken.is_set()


# -- which store it is -------------------------------------------------------------------------------------------------


async def test_a_database_is_the_same_by_any_name_of_its_host_and_a_copy_is_another(
    postgres: str, postgres_server: Server
) -> None:
    copy = postgres_server.make(database(postgres))
    try:
        assert await place_of(postgres) == await place_of(postgres.replace("127.0.0.1", "localhost"))
        assert await place_of(copy) != await place_of(postgres)
    finally:
        postgres_server.drop(copy)


async def test_a_copy_on_the_same_server_does_not_send(postgres: str, postgres_server: Server, tmp_path: Path) -> None:
    folder = WitnessFolder(tmp_path)
    async with Store.at(postgres, SystemClock()) as store:
        here = await open_instance(
            store, Guard(folder, await place_of(postgres)), exclusive=True, all_refuse_doubles=True
        )
        assert here.armed
    copy = postgres_server.make(database(postgres))
    try:
        async with Store.at(copy, SystemClock()) as store:
            guard = Guard(folder, await place_of(copy))
            found = await open_instance(store, guard, exclusive=True, all_refuse_doubles=True)
    finally:
        postgres_server.drop(copy)

    assert (found.armed, found.why) == (False, Finding.MOVED)


async def test_a_server_that_was_put_back_under_a_daemon_at_work_is_noticed_before_the_next_call(
    emptied: str, tmp_path: Path
) -> None:
    """Nothing restarts here, so no start compares anything: the daemon itself remembers how far it had gone."""
    async with Store.at(emptied, SystemClock()) as store:
        guard = Guard(WitnessFolder(tmp_path), await place_of(emptied))
        await open_instance(store, guard, exclusive=True, all_refuse_doubles=True)
        await submitted(store)
        for _ in range(5):
            async with store.begin(outward=True):
                pass
        async with store.begin() as tx:
            await tx.connection.execute(update(instance).values(epoch=3))  # as an hour ago

        with pytest.raises(Disarmed, match="restored"):
            async with store.begin(outward=True):
                pass

        async with store.read() as tx:
            here = await tx.instance.get()
            assert [order.no for order in await tx.orders.to_ask(M, 10)] == ["FP1"]  # it is doubted
    assert here is not None
    assert (here.armed, here.why) == (False, Finding.RESTORED)
    assert here.epoch >= 5


@pytest.mark.parametrize("lost", [1, 3])
async def test_workers_of_one_host_notice_together_that_their_server_went_back(
    emptied: str, tmp_path: Path, lost: int
) -> None:
    """A fail-over to a standby that lags: who goes first afterwards has seen nothing of what another had sent."""

    async def vouched() -> bool:
        return True

    def guard() -> Guard:
        return Guard(WitnessFolder(tmp_path), known_place(emptied), shared=True)

    async with Store.at(emptied, SystemClock()) as one, Store.at(emptied, SystemClock()) as other:
        await open_instance(one, guard(), exclusive=False, all_refuse_doubles=True)
        await open_instance(other, guard(), exclusive=False, all_refuse_doubles=True, vouched=vouched)
        for store in (one, other, *[one] * lost):
            async with store.begin(outward=True):
                pass
        async with other.begin() as tx:
            await tx.connection.execute(update(instance).values(epoch=instance.c.epoch - lost))

        for store in (other, one):
            with pytest.raises(Disarmed, match="restored"):
                async with store.begin(outward=True):
                    pytest.fail("nothing may be sent") if store is one else None


async def test_workers_that_write_in_any_order_take_none_of_it_for_a_restore(emptied: str, tmp_path: Path) -> None:
    async with Store.at(emptied, SystemClock()) as one, Store.at(emptied, SystemClock()) as other:
        for store in (one, other):
            guard = Guard(WitnessFolder(tmp_path), known_place(emptied), shared=True)
            await open_instance(store, guard, exclusive=False, all_refuse_doubles=True)

        async def send(store: Store) -> None:
            for _ in range(20):
                async with store.begin(scope="demo", outward=True):
                    pass

        await asyncio.gather(*map(send, [one, other] * 2))

        async with one.read() as tx:
            here = await tx.instance.get()
    assert here is not None
    assert (here.armed, here.epoch) == (True, 80)


# -- a server that goes away -------------------------------------------------------------------------------------------


@pytest.fixture
def own_server() -> Iterator[tuple[Path, str]]:
    """A server of one test's own, to be stopped and started again: its folder and a store in it."""
    folder = Path(tempfile.gettempdir()) / f"syncd-pg-{secrets.token_hex(4)}"  # where the server's own user gets to
    try:
        url = start(folder)
    except NoServer as error:
        without_a_server(error)
    yield folder, url
    stop(folder)
    shutil.rmtree(folder, ignore_errors=True)


async def test_a_server_that_was_away_is_used_again_once_it_is_back(
    own_server: tuple[Path, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("syncd.store.sessions._LOOK_EVERY", 0.05)
    folder, url = own_server
    await migrate.upgrade(url)
    async with Store.at(url, SystemClock()) as store, held(url):
        async with store.begin() as tx:
            await keep(tx, row("FP1"))
        await asyncio.to_thread(stop, folder)

        with pytest.raises(StoreUnavailable):
            async with store.begin() as tx:
                await keep(tx, row("FP2"))
        assert not await store.answers()

        port = postgres.parsed(url).port
        assert port is not None
        await asyncio.to_thread(start, folder, port)
        async with asyncio.timeout(20):
            while not await store.answers() or await asyncio.to_thread(holder, url) is None:
                pass  # until the lock is taken again, too
        async with store.begin() as tx:
            assert [order.no for order in await tx.board.orders()] == ["FP1"]
        with pytest.raises(HeldElsewhere):
            async with held(url):
                pytest.fail("it is held again")


async def test_gauges_and_alerts_are_counted_there_too(emptied: str) -> None:
    """Every question that the metrics page and the alerts ask; the answers are compared over a file elsewhere."""
    served = [Served("m001", SID, "main", "nuonuo")]
    async with Store.at(emptied, SystemClock()) as store:
        metrics = Metrics()
        gauges = Gauges(metrics, store, served)
        await gauges.begin()
        await submitted(store, "FP1")
        async with store.begin() as tx:
            await keep(tx, row("FP2"), seq=2)
            await tx.orders.hold(
                await the(tx, "FP2"), Hold.SPLIT_INVOICES, {"code": "second_invoice", "text": "a\x00b"}
            )
            await tx.journal.add("order.held", merchant="m001", code="second_invoice")
        await gauges.look()
        async with store.read() as tx:
            wrong = await wrong_now(tx, served, Limits(), tx.now - timedelta(hours=1))

    page = metrics.render().decode()
    assert 'syncd_orders{merchant="m001",state="INTENT"} 1.0' in page
    assert 'syncd_second_invoice{merchant="m001"} 1.0' in page
    assert "syncd_invariant_violation_total 1.0" in page
    assert {str(one.kind) for one in wrong} >= {"held"}


def test_what_is_asked_directly_is_asked_of_one_moment(emptied: str) -> None:
    with postgres.looking(emptied) as connection:
        shown_ = connection.execute("SHOW transaction_isolation").fetchone()
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("DELETE FROM unit")

    assert shown_ == ("repeatable read",)
