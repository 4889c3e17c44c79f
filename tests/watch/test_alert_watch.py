"""The watch over a real store: what it says, what it remembers, and what it does while the store fails."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from channels import Notebook, robot
from daemon_parts import Daemon, VirtualClock, settings_for
from structlog.testing import capture_logs

from syncd.alerting import channels_of, telling, watch_of
from syncd.app import open_app, served_by
from syncd.config import SettingsError
from syncd.domain.trouble import Care, Verdict
from syncd.sandbox import Sandbox
from syncd.store.store import Store
from syncd.watch import alert_watch
from syncd.watch.alert_watch import AlertWatch
from syncd.watch.gauges import Served

M001 = Served("m001", "demo_sid", "main", "nuonuo")
LOGIN = Verdict(Care.PERSON, "nuonuo", "E9999", "login of 339902999999789113 has expired, ask 13800000000")


async def login_expires(store: Store, merchant: str = "m001") -> None:
    async with store.begin() as tx:
        await tx.lanes.rest(merchant, "main", LOGIN)


async def login_is_back(store: Store, merchant: str = "m001") -> None:
    async with store.begin() as tx:
        await tx.lanes.resume(merchant, "main")


async def looks(watch: AlertWatch, clock: VirtualClock, minutes: int) -> None:
    for _ in range(minutes * 2):
        await watch.look()
        clock.advance(30)


async def test_an_expired_login_under_500_rows_is_one_message_through_restarts(
    sandbox: Sandbox, tmp_path: Path, clock: VirtualClock
) -> None:
    """F54. One when it begins, one when it ends; what was told is in the store, so a restart says nothing."""
    sandbox.nuonuo.switches.logged_out = "refuse"
    sandbox.nuonuo.login = "logged_out"
    for _ in range(500):
        sandbox.wdt.put_order({})
    settings = settings_for(
        sandbox,
        tmp_path,
        schedule=dict.fromkeys(("poll", "mirror", "push", "collect", "write_back"), "5m"),
        poll={"page_size": 200},
    )
    book = Notebook()

    for _ in range(3):
        async with Daemon.on(settings, clock) as daemon:
            watch = AlertWatch(daemon.app.store, served_by(daemon.app.parties), [book], place="here")
            for _ in range(5):
                await daemon.pass_by(120)
                await watch.look()
    async with Daemon.on(settings, clock) as daemon:
        assert len(await daemon.orders()) == 500
        watch = AlertWatch(daemon.app.store, served_by(daemon.app.parties), [book], place="here")
        await login_is_back(daemon.app.store)
        await looks(watch, clock, 5)

    began, over = book.taken
    assert began.title == "【告警】需要人工：1 条通道停在登录、凭据或额度上 · syncd here"
    assert "涉及：m001/main" in began.body
    assert "lane-needs-person.md" in began.body
    assert over.title.startswith("【已恢复】需要人工")
    assert (began.urgency, over.urgency) == ("failure", "success")


async def test_the_message_says_how_many_wait_and_nothing_of_the_partys_own_words(
    store: Store, clock: VirtualClock
) -> None:
    book = Notebook()
    await login_expires(store)

    await AlertWatch(store, [M001], [book], language="en", place="here").look()

    (note,) = book.taken
    assert note.title == "[alert] A person is needed: 1 lanes stopped at login, credentials or quota · syncd here"
    assert note.body.splitlines()[:4] == [
        "Since: 2026-11-20 12:00 (Beijing time)",
        "Which: m001/main",
        "Orders waiting: 0",
        "Codes: nuonuo.E9999",
    ]
    assert "339902999999789113" not in note.body
    assert "13800000000" not in note.body


async def test_a_message_no_channel_takes_is_told_later_and_once(store: Store, clock: VirtualClock) -> None:
    book = Notebook(deaf=True)
    watch = AlertWatch(store, [M001], [book])
    await login_expires(store)

    with capture_logs() as logs:
        await looks(watch, clock, 30)
        book.deaf = False
        await looks(watch, clock, 30)

    assert len(book.taken) == 1
    assert book.asked < 10
    assert [line["event"] for line in logs] == ["alerts.failed", "alerts.recovered", "alerts.told"]


async def test_an_outage_that_ends_before_anybody_heard_of_it_is_not_told(store: Store, clock: VirtualClock) -> None:
    book = Notebook(deaf=True)
    watch = AlertWatch(store, [M001], [book])
    await login_expires(store)
    await looks(watch, clock, 2)

    await login_is_back(store)
    await looks(watch, clock, 2)
    book.deaf = False
    await looks(watch, clock, 30)

    assert book.taken == []


async def test_a_store_that_takes_nothing_does_not_make_it_talk(store: Store, clock: VirtualClock) -> None:
    """What was told is kept in memory, and written once the store takes it."""
    book = Notebook()
    watch = AlertWatch(store, [M001], [book])
    await login_expires(store)
    blocker = sqlite3.connect(store.path, isolation_level=None, timeout=0)
    async with store._writer.connect() as connection:
        await connection.exec_driver_sql("PRAGMA busy_timeout=50")
    blocker.execute("BEGIN IMMEDIATE")

    for _ in range(5):
        await watch.look()
    blocker.execute("ROLLBACK")
    blocker.close()
    await watch.look()
    again = Notebook()
    await AlertWatch(store, [M001], [again]).look()

    assert len(book.taken) == 1
    assert again.taken == []


async def test_a_store_that_cannot_be_read_is_told_after_a_minute_and_other_outages_do_not_end_by_it(
    store: Store, clock: VirtualClock
) -> None:
    book = Notebook()
    watch = AlertWatch(store, [M001], [book])
    await login_expires(store)
    await watch.look()
    content = store.path.read_bytes()
    await store.close()
    for name in ("watched.db-wal", "watched.db-shm"):
        store.path.with_name(name).unlink(missing_ok=True)

    store.path.write_bytes(b"no database" * 1000)
    await looks(watch, clock, 10)
    await store.close()
    store.path.write_bytes(content)
    await looks(watch, clock, 10)

    assert [title.partition("：")[0] for title in book.titles] == [
        "【告警】需要人工",
        "【告警】存储异常 · syncd ",
        "【已恢复】存储异常 · syncd ",
    ]


async def test_a_full_disk_is_told_before_the_store_fails(
    store: Store, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = [10**12, 10**8, 10**12]
    monkeypatch.setattr("syncd.watch.alert_facts.disk_free", lambda _: free[0])
    book = Notebook()
    watch = AlertWatch(store, [M001], [book])

    for _ in range(3):
        await looks(watch, clock, 5)
        free = free[1:] or free

    assert [note.body.splitlines()[1] for note in book.taken] == ["涉及：磁盘将满或只读"] * 2


async def test_a_reader_that_does_not_end_is_told_of_and_the_log_shrinks_after_it(
    store: Store, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F32. The log grows for as long as somebody reads an old state; then the disk is given back but for 64 MB."""
    monkeypatch.setattr("syncd.watch.alert_facts.MOST_WAL", 70 * 2**20)
    log = store.path.with_name(f"{store.path.name}-wal")
    book = Notebook()
    watch = AlertWatch(store, [M001], [book], language="en")
    await writes(store, 1)
    reader = sqlite3.connect(store.path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM counter").fetchall()

    while log.stat().st_size <= 70 * 2**20:
        await writes(store, 20)
    await looks(watch, clock, 5)
    reader.close()
    for _ in range(3):
        await writes(store, 1)
    await looks(watch, clock, 5)

    assert log.stat().st_size <= 64 * 2**20
    assert [note.body.splitlines()[1] for note in book.taken] == ["Which: the write-ahead log grows"] * 2


async def writes(store: Store, lines: int) -> None:
    async with store.begin() as tx:
        for _ in range(lines):
            await tx.journal.add("demo.filled", text="x" * 500_000)


async def test_the_daemon_tells_a_robot_over_http(sandbox: Sandbox, tmp_path: Path) -> None:
    """The whole way: settings, the task beside the stages, Apprise, HTTP, and a restart that says nothing."""
    async with robot() as bot:
        settings = settings_for(sandbox, tmp_path, alerts={"urls": [bot.url], "language": "en"})
        for _ in range(2):
            async with open_app(settings) as app:
                await login_expires(app.store)
                assert app.alerts is not None
                async with telling(app.alerts, every=0.01):
                    await until_looked(app.alerts)

    assert len(bot.received) == 1
    assert bot.received[0]["type"] == "failure"


async def until_looked(watch: AlertWatch) -> None:
    """Until the watch has been round twice."""
    import asyncio

    rounds = 0
    original = watch._read

    async def counted() -> None:
        nonlocal rounds
        await original()
        rounds += 1

    watch._read = counted  # type: ignore[method-assign]
    for _ in range(500):
        if rounds >= 3:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the watch does not turn")


def test_an_address_apprise_does_not_know_is_one_line_without_the_address(sandbox: Sandbox, tmp_path: Path) -> None:
    settings = settings_for(sandbox, tmp_path, alerts={"urls": ["nosuchthing://demo_secret_demo"]})

    with pytest.raises(SettingsError) as raised:
        channels_of(settings)

    (line,) = raised.value.lines
    assert line.startswith("alerts.urls[0]")
    assert "demo_secret" not in line


async def test_the_rules_come_from_the_settings(sandbox: Sandbox, tmp_path: Path, store: Store) -> None:
    settings = settings_for(sandbox, tmp_path, alerts={"quiet_for": "1h", "resting_after": "5m"})

    watch = watch_of(settings, store, [M001], [])

    assert watch._rules.quiet_for == timedelta(hours=1)
    assert watch._limits.resting_after == timedelta(minutes=5)
    assert alert_watch.AlertWatch is type(watch)
