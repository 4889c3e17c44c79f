"""The numbers a monitoring system reads. Labels name merchants, states, platforms and reasons; never a person."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

from syncd import __version__

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Labels = TypeVar("Labels", bound=tuple[str, ...])
_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0)


class Metrics:
    """All metrics of one daemon, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._orders()
        self._calls()
        self._work()
        build = self._gauge("syncd_build_info", "The running version.", "version", "python")
        build.labels(__version__, platform.python_version()).set(1)

    def _orders(self) -> None:
        self.orders = self._gauge("syncd_orders", "Orders by state.", "merchant", "state")
        self.held = self._gauge("syncd_held", "Orders that wait for a person.", "merchant", "reason")
        self.oldest_seconds = self._gauge(
            "syncd_oldest_seconds", "Age of the oldest order in a state.", "merchant", "state"
        )
        self.unknown_age_seconds = self._gauge(
            "syncd_unknown_age_seconds", "Age of the oldest submission whose outcome is unknown.", "merchant"
        )
        self.debts_open = self._gauge("syncd_debts_open", "Debts not yet proven paid.", "target")
        self.issued = self._counter("syncd_issued_total", "Invoices issued.")
        self.refused = self._counter("syncd_refused_total", "Orders refused by an issuer, confirmed.")
        self.unknown = self._counter("syncd_unknown_total", "Outcomes nobody told us.", "cause")

    def _calls(self) -> None:
        self.calls = self._counter("syncd_calls_total", "Calls to a party.", "platform", "outcome")
        self.call_seconds = Histogram(
            "syncd_call_seconds", "Duration of a call.", ["platform"], registry=self.registry, buckets=_SECONDS
        )
        self.lane_resting = self._gauge("syncd_lane_resting", "1 while a lane is left alone.", "lane")
        self.clock_offset_seconds = self._gauge(
            "syncd_clock_offset_seconds", "The party's clock minus ours, as last seen.", "merchant"
        )

    def _work(self) -> None:
        self.ticks = self._counter("syncd_ticks_total", "Runs of a stage.", "stage")
        self.cursor_lag_seconds = self._gauge(
            "syncd_cursor_lag_seconds", "How far the last complete window lies back.", "merchant", "feed"
        )
        self.fence_rejected = self._counter("syncd_fence_rejected_total", "Writes refused for a stale epoch.")
        self.rows_quarantined = self._counter("syncd_rows_quarantined_total", "Rows set aside unread.")
        self.invariant_violation = self._counter(
            "syncd_invariant_violation_total", "Must stay 0: something that cannot happen was seen."
        )

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(name, meaning, labels, registry=self.registry)

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(name, meaning, labels, registry=self.registry)

    def replace(self, gauge: Gauge, values: Mapping[Labels, float]) -> None:
        """Set a labelled gauge to exactly `values`: what is not named any more disappears instead of freezing."""
        gauge.clear()
        for labels, value in values.items():
            gauge.labels(*labels).set(value)

    def render(self) -> bytes:
        """All metrics in the text format (`CONTENT_TYPE`)."""
        return generate_latest(self.registry)
