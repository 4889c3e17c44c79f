"""What is counted from the store, over a real one."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from daemon_parts import NOON, VirtualClock
from prometheus_client.parser import text_string_to_metric_families
from stored import cursor, ms, order, put

from syncd.domain.trouble import Care, Verdict
from syncd.domain.window import Window
from syncd.store.store import Store
from syncd.store.units import LEASE, Fenced
from syncd.watch.gauges import Gauges, Served
from syncd.watch.metrics import Metrics

M001 = Served("m001", "demo_m001", "main", "nuonuo")
M002 = Served("m002", "demo_m002", "main", "nuonuo")
AGO = NOON - timedelta(hours=1)


@pytest.fixture
def metrics(clock: VirtualClock) -> Metrics:
    return Metrics(clock.monotonic)


@pytest.fixture
def gauges(metrics: Metrics, store: Store) -> Gauges:
    return Gauges(metrics, store, [M001, M002])


def shown(metrics: Metrics, name: str) -> dict[tuple[str, ...], float]:
    """The samples of one metric by their labels' values, in the order of the labels."""
    labels = metrics.meanings[name][1]
    return {
        tuple(sample.labels[label] for label in labels): sample.value
        for family in text_string_to_metric_families(metrics.render().decode())
        for sample in family.samples
        if sample.name == name
    }


async def test_a_cursor_is_labelled_by_its_merchant_and_a_strangers_is_left_out(
    store: Store, gauges: Gauges, metrics: Metrics
) -> None:
    """The sid names an account at WDT and no merchant of ours; a merchant that was removed is nobody's alert."""
    cursor(store.path, "demo_m001", "pending", NOON - timedelta(seconds=300), NOON - timedelta(seconds=20))
    cursor(store.path, "demo_gone", "pending", AGO, AGO)

    await gauges.look()

    assert shown(metrics, "syncd_cursor_lag_seconds") == {("m001", "pending"): 300}
    assert shown(metrics, "syncd_cursor_still_seconds") == {("m001", "pending"): 20}


async def test_orders_debts_and_their_ages_are_counted(store: Store, gauges: Gauges, metrics: Metrics) -> None:
    order(store.path, "FP1", "PENDING", AGO)
    order(store.path, "FP2", "INTENT", AGO, phase="unknown", sent_at=ms(NOON - timedelta(minutes=20)))
    held = order(store.path, "FP3", "HOLD", AGO, hold="poison_row", facts={"code": "amount"})
    put(
        store.path, "debt", order_id=held, merchant="m001", target="wdt", kind="60", generation=0, revision=0,
        state="sent", next_at=ms(NOON), owed_at=ms(NOON - timedelta(minutes=40)),
    )  # fmt: skip

    await gauges.look()

    assert shown(metrics, "syncd_orders") == {("m001", "PENDING"): 1, ("m001", "INTENT"): 1, ("m001", "HOLD"): 1}
    assert shown(metrics, "syncd_oldest_seconds")[("m001", "PENDING")] == 3600
    assert shown(metrics, "syncd_unknown_age_seconds") == {("m001",): 1200}
    assert shown(metrics, "syncd_held") == {("m001", "poison_row"): 1}
    assert shown(metrics, "syncd_debts_open") == {("wdt",): 1}
    assert shown(metrics, "syncd_debt_oldest_seconds") == {("wdt",): 2400}
    assert shown(metrics, "syncd_second_invoice") == {}


async def test_a_second_invoice_is_seen_in_the_store_and_in_the_journal(
    store: Store, gauges: Gauges, metrics: Metrics
) -> None:
    await gauges.begin()
    facts = {"code": "second_invoice", "numbers": "1 2"}
    held = order(store.path, "FP1", "HOLD", AGO, hold="split_invoices", facts=facts)
    order(store.path, "FP2", "HOLD", AGO, hold="split_invoices", facts={"numbers": "3 4"})
    async with store.begin() as tx:
        await tx.journal.add("order.held", order_id=held, merchant="m001", hold="split_invoices", **facts)  # type: ignore[arg-type]

    for _ in range(2):
        await gauges.look()

    assert shown(metrics, "syncd_second_invoice") == {("m001",): 1}
    assert shown(metrics, "syncd_invariant_violation_total") == {(): 1}


async def test_the_journal_is_counted_from_the_start_of_the_process_and_each_line_once(
    store: Store, gauges: Gauges, metrics: Metrics
) -> None:
    async with store.begin() as tx:
        await tx.journal.add("order.issued", merchant="m001")
    await gauges.begin()
    async with store.begin() as tx:
        for event in ("order.issued", "order.issued", "order.failed", "order.unknown", "order.held"):
            await tx.journal.add(event, merchant="m001")

    for _ in range(3):
        await gauges.look()

    assert shown(metrics, "syncd_issued_total") == {(): 2}
    assert shown(metrics, "syncd_refused_total") == {(): 1}
    assert shown(metrics, "syncd_unknown_total") == {(): 1}
    assert shown(metrics, "syncd_invariant_violation_total") == {(): 0}


async def test_a_lane_is_as_fresh_as_its_last_answer_and_no_fresher_than_its_rest(
    store: Store, gauges: Gauges, metrics: Metrics, clock: VirtualClock
) -> None:
    """Before the first answer, since the start. A refusal of the whole lane comes with status 200, so a resting lane
    counts from the beginning of its rest."""
    clock.advance(100)
    metrics.called("wdt", "m001", "ok", 0.1)
    metrics.called("nuonuo", "main", "http_5xx", 0.1)
    async with store.begin() as tx:
        await tx.lanes.rest("m002", "main", Verdict(Care.PERSON, "nuonuo", "E9999", "login"))
    clock.advance(50)
    metrics.called("nuonuo", "main", "ok", 0.1)
    clock.advance(7)

    await gauges.look()

    assert shown(metrics, "syncd_lane_fresh_seconds") == {
        ("m001/wdt",): 57,
        ("m002/wdt",): 157,
        ("m001/main",): 7,
        ("m002/main",): 57,
    }
    assert shown(metrics, "syncd_lane_resting") == {("m002/main", "person"): 1}
    assert shown(metrics, "syncd_calls_total") == {("wdt", "ok"): 1, ("nuonuo", "http_5xx"): 1, ("nuonuo", "ok"): 1}


async def test_a_paused_lane_says_so(store: Store, gauges: Gauges, metrics: Metrics) -> None:
    async with store.begin() as tx:
        await tx.lanes.pause("m001", "wdt", "drawer on holiday", None)

    await gauges.look()

    assert shown(metrics, "syncd_lane_resting") == {("m001/wdt", "paused"): 1}


async def test_rows_set_aside_are_counted_for_ever_and_the_newest_is_dated(
    store: Store, gauges: Gauges, metrics: Metrics
) -> None:
    for number in range(3):
        put(
            store.path, "quarantine", sid="demo_m001", merchant="m001", digest=bytes([number]), raw=b"?", reason="no",
            first_seen_at=ms(NOON - timedelta(minutes=number)), seen_at=ms(NOON),
        )  # fmt: skip

    for _ in range(2):
        await gauges.look()

    assert shown(metrics, "syncd_rows_quarantined_total") == {("m001",): 3}
    assert shown(metrics, "syncd_quarantine_newest_seconds") == {("m001",): 0}


async def test_a_credential_says_how_long_it_lives(store: Store, gauges: Gauges, metrics: Metrics) -> None:
    soon, past = NOON + timedelta(hours=2), NOON - timedelta(minutes=1)
    put(store.path, "token", issuer="main", sealed=b"s", expires_at=ms(soon), put_at=ms(AGO))
    put(store.path, "token", issuer="other", sealed=b"s", expires_at=ms(past), put_at=ms(AGO))
    put(store.path, "token", issuer="unending", sealed=b"s", expires_at=None, put_at=ms(AGO))

    await gauges.look()

    assert shown(metrics, "syncd_credential_expires_seconds") == {("main",): 7200, ("other",): -60}


async def test_what_is_left_of_a_backfill_and_the_gaps_of_the_ledger_are_shown(
    store: Store, gauges: Gauges, metrics: Metrics, clock: VirtualClock
) -> None:
    async with store.begin() as tx:
        await tx.windows.add_backfill("demo_m001", "pending", AGO, NOON)
        await tx.windows.begin("demo_m002", "pending", AGO)
        await tx.windows.move("demo_m002", "pending", Window(AGO, NOON), rows=0, calls=1)

    await gauges.look()
    assert shown(metrics, "syncd_backfill_seconds") == {("m001",): 3600, ("m002",): 0}
    assert shown(metrics, "syncd_cursor_gaps") == {("m001",): 0, ("m002",): 0}

    async with store.begin() as tx:
        await tx.connection.exec_driver_sql("DELETE FROM window_done")
    await gauges.look()
    assert shown(metrics, "syncd_cursor_gaps")[("m002",)] == 0  # looked for every ten minutes

    clock.advance(601)
    await gauges.look()
    assert shown(metrics, "syncd_cursor_gaps")[("m002",)] == 1


async def test_units_in_trouble_and_refused_writes_are_counted(
    store: Store, gauges: Gauges, metrics: Metrics, clock: VirtualClock
) -> None:
    """F11."""
    async with store.begin() as tx:
        await tx.units.ensure("poll", "m001/pending")
        claim = await tx.units.claim("poll", "m001/pending", LEASE)
        assert claim is not None
        await tx.units.finish(claim, next_at=clock.now(), failures=3, trouble="net")
        newer = await tx.units.claim("poll", "m001/pending", LEASE)
    assert newer is not None
    with pytest.raises(Fenced):
        async with store.begin(claim):
            pass

    for _ in range(2):
        await gauges.look()

    assert shown(metrics, "syncd_unit_failures") == {("poll", "m001/pending"): 3}
    assert shown(metrics, "syncd_fence_rejected_total") == {(): 1}


async def test_the_file_system_is_looked_at(store: Store, gauges: Gauges, metrics: Metrics, tmp_path: Path) -> None:
    async with store.begin() as tx:
        await tx.journal.add("order.issued")

    await gauges.look()

    assert shown(metrics, "syncd_wal_bytes")[()] == (tmp_path / "watched.db-wal").stat().st_size > 0
    assert shown(metrics, "syncd_disk_free_bytes")[()] > 0


async def test_a_store_that_does_not_answer_shows_not_ready_and_what_was_seen_last(
    store: Store, gauges: Gauges, metrics: Metrics
) -> None:
    """/metrics goes on answering: a missing page would look like a dead process."""
    order(store.path, "FP1", "PENDING", AGO)
    await gauges.look()
    content = store.path.read_bytes()
    await store.close()
    store.path.write_bytes(b"no database" * 1000)

    await gauges.look()
    assert shown(metrics, "syncd_ready") == {(): 0}
    assert shown(metrics, "syncd_orders") == {("m001", "PENDING"): 1}

    await store.close()
    store.path.write_bytes(content)
    await gauges.look()
    assert shown(metrics, "syncd_ready") == {(): 1}


def test_a_counter_that_follows_another_never_falls(metrics: Metrics) -> None:
    for total in (2, 5, 3, 5, 6):
        metrics.reach(metrics.crashes, total)

    assert shown(metrics, "syncd_crashes_total") == {(): 6}
