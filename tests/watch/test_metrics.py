"""The numbers, as a monitoring system reads them."""

from __future__ import annotations

from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from syncd import __version__
from syncd.watch.metrics import Metrics

NAMES = {
    "syncd_orders": ("merchant", "state"),
    "syncd_issued_total": (),
    "syncd_refused_total": (),
    "syncd_unknown_total": ("cause",),
    "syncd_held": ("merchant", "reason"),
    "syncd_calls_total": ("platform", "outcome"),
    "syncd_call_seconds": ("platform",),
    "syncd_ticks_total": ("stage",),
    "syncd_cursor_lag_seconds": ("merchant", "feed"),
    "syncd_unknown_age_seconds": ("merchant",),
    "syncd_oldest_seconds": ("merchant", "state"),
    "syncd_lane_resting": ("lane",),
    "syncd_debts_open": ("target",),
    "syncd_clock_offset_seconds": ("merchant",),
    "syncd_fence_rejected_total": (),
    "syncd_rows_quarantined_total": (),
    "syncd_invariant_violation_total": (),
    "syncd_build_info": ("version", "python"),
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


def test_two_daemons_in_one_process_do_not_share_numbers() -> None:
    first, second = Metrics(), Metrics()

    first.issued.inc()

    assert samples(second)["syncd_issued_total", ()] == 0
