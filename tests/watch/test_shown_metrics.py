"""What a scraper reads of a real daemon that did real work."""

from __future__ import annotations

from pathlib import Path

import pytest
from daemon_parts import Daemon, VirtualClock, settings_for
from prometheus_client.parser import text_string_to_metric_families

from syncd.app import App
from syncd.domain.lifecycle import State
from syncd.sandbox import Sandbox


async def page_of(daemon: Daemon) -> dict[str, dict[str, float]]:
    """Metric → labels as text → value."""
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families((await daemon.app.render_metrics()).decode()):
        for sample in family.samples:
            labels = " ".join(f"{key}={value}" for key, value in sorted(sample.labels.items()))
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


async def test_every_metric_that_says_what_was_done_is_wired(
    sandbox: Sandbox, tmp_path: Path, clock: VirtualClock
) -> None:
    for _ in range(3):
        sandbox.wdt.put_order({})

    async with Daemon.on(settings_for(sandbox, tmp_path), clock) as daemon:
        await daemon.settle()
        page = await page_of(daemon)

    assert page["syncd_issued_total"] == {"": 3}
    assert page["syncd_orders"] == {"merchant=m001 state=DONE60": 3}
    assert page["syncd_calls_total"]["outcome=ok platform=nuonuo"] >= 4
    assert page["syncd_calls_total"]["outcome=ok platform=wdt"] >= 3
    assert page["syncd_call_seconds_count"]["platform=wdt"] >= 3
    assert set(page["syncd_cursor_lag_seconds"]) == {"feed=mirror merchant=m001", "feed=pending merchant=m001"}
    assert page["syncd_cursor_gaps"] == {"merchant=m001": 0}
    assert set(page["syncd_lane_fresh_seconds"]) == {"lane=m001/main", "lane=m001/wdt"}
    assert max(page["syncd_lane_fresh_seconds"].values()) < 1200
    assert abs(page["syncd_clock_offset_seconds"]["merchant=m001"]) < 2
    assert page["syncd_ready"] == page["syncd_armed"] == {"": 1}
    assert page["syncd_invariant_violation_total"] == {"": 0}


async def test_the_metric_says_of_readiness_what_the_page_says(
    sandbox: Sandbox, tmp_path: Path, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An alert hangs on it. A start passes, and whether the store is armed has a metric of its own."""
    shown: dict[str, float] = {}
    async with Daemon.on(settings_for(sandbox, tmp_path), clock) as daemon:
        for why in ("", "clock", "silent", "store", "starting", "disarmed"):

            async def ready(_app: App, why: str = why) -> list[str]:
                return [why] if why else []

            monkeypatch.setattr(App, "ready", ready)
            shown[why] = (await page_of(daemon))["syncd_ready"][""]

    assert shown == {"": 1, "clock": 0, "silent": 0, "store": 0, "starting": 1, "disarmed": 1}


async def test_a_poison_row_on_each_page_for_ever_is_set_aside_and_stops_nobody(
    sandbox: Sandbox, tmp_path: Path, clock: VirtualClock
) -> None:
    """F131. The rows are set aside once each, the cursor moves, everybody else is issued."""
    good = []
    for page in range(4):
        good += [sandbox.wdt.put_order({}) for _ in range(4)]
        row = {**sandbox.wdt.order(good[-1]), "invoice_order_no": f"FP\x012026112090{page}"}
        sandbox.wdt.put_order(row, raw=True, expect="hold")

    settings = settings_for(sandbox, tmp_path, schedule={"poll": "2m", "mirror": "10m"}, poll={"page_size": 5})
    async with Daemon.on(settings, clock) as daemon:
        await daemon.settle()
        await daemon.pass_by(600)
        before = await page_of(daemon)
        await daemon.pass_by(1200)
        page_later = await page_of(daemon)
        states = {no: order.state for no, order in (await daemon.orders()).items() if no in good}

    assert set(states.values()) == {State.DONE60}
    assert len(states) == 16
    assert before["syncd_rows_quarantined_total"] == page_later["syncd_rows_quarantined_total"] == {"merchant=m001": 4}
    assert page_later["syncd_cursor_still_seconds"]["feed=pending merchant=m001"] <= 120
    assert page_later["syncd_quarantine_newest_seconds"]["merchant=m001"] > 1200


async def test_a_call_to_a_party_that_is_gone_is_counted_as_not_sent(
    sandbox: Sandbox, tmp_path: Path, clock: VirtualClock
) -> None:
    """F52."""
    nobody = {"url": "http://127.0.0.1:1/openapi", "allow_plain_http": True}

    async with Daemon.on(settings_for(sandbox, tmp_path, wdt=nobody), clock) as daemon:
        daemon.app.parties.wdt["m001"]._sleep = no_wait
        await daemon.turn("poll", "pending")
        page = await page_of(daemon)

    assert page["syncd_calls_total"] == {"outcome=not_sent platform=wdt": 3}
    assert page["syncd_unit_failures"]["stage=poll unit=m001/pending"] == 1
    assert page["syncd_issued_total"] == {"": 0}


async def no_wait(_: float) -> None:
    return
