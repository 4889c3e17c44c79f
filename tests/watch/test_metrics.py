"""The numbers, as a monitoring system reads them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families

from syncd import __version__
from syncd.watch.metrics import Metrics
from syncd.watch.metrics import page as page_of_metrics

NAMES = {
    "syncd_armed": (),
    "syncd_backfill_seconds": ("merchant",),
    "syncd_build_info": ("version", "python"),
    "syncd_applications": ("merchant", "state"),
    "syncd_applications_held": ("merchant", "reason"),
    "syncd_call_seconds": ("platform",),
    "syncd_calls_total": ("platform", "outcome"),
    "syncd_clock_offset_seconds": ("merchant",),
    "syncd_crashes_total": (),
    "syncd_credential_expires_seconds": ("issuer",),
    "syncd_cursor_gaps": ("merchant",),
    "syncd_cursor_lag_seconds": ("merchant", "feed"),
    "syncd_cursor_still_seconds": ("merchant", "feed"),
    "syncd_debt_oldest_seconds": ("target",),
    "syncd_debts_open": ("target",),
    "syncd_disk_free_bytes": (),
    "syncd_fence_rejected_total": (),
    "syncd_held": ("merchant", "reason"),
    "syncd_gap_found_total": (),
    "syncd_invariant_violation_total": (),
    "syncd_issued_total": (),
    "syncd_lane_fresh_seconds": ("lane",),
    "syncd_lane_resting": ("lane", "care"),
    "syncd_oldest_seconds": ("merchant", "state"),
    "syncd_orders": ("merchant", "state"),
    "syncd_quarantine_newest_seconds": ("merchant",),
    "syncd_ready": (),
    "syncd_refused_total": (),
    "syncd_rows_quarantined_total": ("merchant",),
    "syncd_second_invoice": ("merchant",),
    "syncd_ticks_total": ("stage",),
    "syncd_unclassified": ("platform",),
    "syncd_beat_age_seconds": (),
    "syncd_unit_failures": ("stage", "unit"),
    "syncd_units_running": (),
    "syncd_workers": ("role",),
    "syncd_workers_silent": (),
    "syncd_unknown_age_seconds": ("merchant",),
    "syncd_unknown_total": (),
    "syncd_wal_bytes": (),
}


def samples(metrics: Metrics) -> dict[tuple[str, tuple[str, ...]], float]:
    families = text_string_to_metric_families(metrics.render().decode())
    return {
        (sample.name, tuple(sorted(sample.labels.values()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_every_metric_is_there_with_its_labels_and_no_other() -> None:
    """S44: no label can hold a person; alerts and dashboards hang on the names."""
    collectors: Any = Metrics().registry._collector_to_names

    found = {
        collector._name + ("_total" if collector._type == "counter" else ""): tuple(collector._labelnames)
        for collector in collectors
        if hasattr(collector, "_labelnames")
    }

    assert found == NAMES


def test_what_is_counted_is_rendered() -> None:
    metrics = Metrics()

    metrics.issued.inc()
    metrics.calls.labels("wdt", "ok").inc(2)
    metrics.call_seconds.labels("wdt").observe(0.2)
    metrics.orders.labels("m001", "pending").set(7)

    seen = samples(metrics)
    assert seen["syncd_issued_total", ()] == 1
    assert seen["syncd_calls_total", ("ok", "wdt")] == 2
    assert seen["syncd_call_seconds_count", ("wdt",)] == 1
    assert seen["syncd_orders", ("m001", "pending")] == 7
    assert seen["syncd_invariant_violation_total", ()] == 0
    assert __version__ in next(labels for name, labels in seen if name == "syncd_build_info")


def test_a_state_that_empties_disappears_instead_of_freezing() -> None:
    metrics = Metrics()
    metrics.replace(metrics.orders, {("m001", "pending"): 7, ("m001", "held"): 1})

    metrics.replace(metrics.orders, {("m001", "held"): 2})

    orders = {labels: value for (name, labels), value in samples(metrics).items() if name == "syncd_orders"}
    assert orders == {("held", "m001"): 2}


def test_a_call_is_counted_by_its_platform_and_how_it_ended() -> None:
    metrics = Metrics()

    metrics.called("wdt", "m001", "ok", 0.2)
    metrics.called("wdt", "m002", "in_doubt", 20.0)

    seen = samples(metrics)
    assert seen["syncd_calls_total", ("ok", "wdt")] == 1
    assert seen["syncd_calls_total", ("in_doubt", "wdt")] == 1
    assert seen["syncd_call_seconds_count", ("wdt",)] == 2


def test_no_metric_stands_at_nothing_because_nobody_sets_it() -> None:
    syncd = Path(__file__).parents[2] / "syncd"
    code = "".join(
        (syncd / name).read_text(encoding="utf-8") for name in ("app.py", "watch/metrics.py", "watch/gauges.py")
    )
    kept = [name for name, value in vars(Metrics()).items() if isinstance(value, MetricWrapperBase)]

    idle = [name for name in kept if len(re.findall(rf"(?:metrics|self)\.{name}\b", code)) < 2]

    assert len(kept) > 25
    assert idle == []


def test_every_metric_of_ours_is_explained_in_both_languages() -> None:
    page = page_of_metrics()

    for name, (_, _, en, zh) in Metrics().meanings.items():
        assert f"| `{name}` |" in page
        assert en.endswith(".")
        assert re.search("[一-鿿]", zh)


def test_the_page_is_the_one_the_metrics_give() -> None:
    """Regenerate it: python -m syncd.watch.metrics > docs/metrics.md"""
    page = Path(__file__).parents[2] / "docs" / "metrics.md"

    assert page.read_text(encoding="utf-8") == page_of_metrics()


def test_two_daemons_in_one_process_do_not_share_numbers() -> None:
    first, second = Metrics(), Metrics()

    first.issued.inc()

    assert samples(second)["syncd_issued_total", ()] == 0
