"""The numbers a monitoring system reads. Labels name merchants, states, platforms and reasons; never a person."""

from __future__ import annotations

import platform
import sys
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

from syncd import __version__

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Labels = TypeVar("Labels", bound=tuple[str, ...])
_SECONDS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0)


class Metrics:
    """All metrics of one daemon, in a registry of their own.

    Counters count since this process began, as Prometheus expects; gauges are set from the store when somebody looks,
    so they survive a restart. `monotonic` gives seconds.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._monotonic = monotonic
        self._began = monotonic()
        self._answered: dict[tuple[str, str], float] = {}
        self._reached: dict[tuple[object, ...], float] = {}
        #: The last line of the journal that the counters below know of.
        self.journal_read_to: int | None = None
        #: Those of the last lines that were counted, and the line before the first that counts.
        self.journal_counted: set[int] = set()
        self.journal_read_from = 0
        #: Each metric of ours: its kind, its labels, and what it means in English and Chinese.
        self.meanings: dict[str, tuple[str, tuple[str, ...], str, str]] = {}
        self._orders()
        self._applications()
        self._debts_and_rows()
        self._calls()
        self._lanes_and_windows()
        self._process()

    def _orders(self) -> None:
        self.orders = self._gauge("syncd_orders", "Orders by state.", "各状态单据数", "merchant", "state")
        self.held = self._gauge(
            "syncd_held", "Orders that wait for a person.", "挂起待人工处理的单据数", "merchant", "reason"
        )
        self.oldest_seconds = self._gauge(
            "syncd_oldest_seconds", "Age of the oldest order in a state.", "该状态最久单据的时长", "merchant", "state"
        )
        self.unknown_age_seconds = self._gauge(
            "syncd_unknown_age_seconds",
            "Age of the oldest submission whose outcome is unknown.",
            "结果未知的最早提交距今秒数",
            "merchant",
        )
        self.second_invoice = self._gauge(
            "syncd_second_invoice",
            "Orders held because two invoices of them exist. Must stay away.",
            "因一单两票而挂起的单据数，应无此项",
            "merchant",
        )
        self.issued = self._counter("syncd_issued_total", "Invoices recorded.", "入账的发票数")
        self.refused = self._counter(
            "syncd_refused_total", "Orders that an issuer refused, confirmed by asking.", "经查询确认未开具的单据数"
        )
        self.unknown = self._counter(
            "syncd_unknown_total", "Submissions whose outcome nobody told us.", "结果未知的提交次数"
        )
        self.invariant_violation = self._counter(
            "syncd_invariant_violation_total",
            "Must stay 0: a second invoice of one order was found.",
            "必须为 0：发现一单两票的次数",
        )

        self.gap_found = self._counter(
            "syncd_gap_found_total",
            "Rows that only the day's second reading found. Must stay rare.",
            "只有每日复读才发现的单据数，不应经常出现",
        )

    def _applications(self) -> None:
        self.applications = self._gauge(
            "syncd_applications", "Buyers' applications by state.", "各状态发票申请数", "merchant", "state"
        )
        self.applications_held = self._gauge(
            "syncd_applications_held",
            "Applications that wait for a person.",
            "挂起待人工处理的发票申请数",
            "merchant",
            "reason",
        )

    def _debts_and_rows(self) -> None:
        self.debts_open = self._gauge("syncd_debts_open", "Debts not yet proven paid.", "未确认的回传数", "target")
        self.debt_oldest_seconds = self._gauge(
            "syncd_debt_oldest_seconds", "Age of the oldest open debt.", "最早未完成回传的时长", "target"
        )
        self.rows_quarantined = self._counter(
            "syncd_rows_quarantined_total",
            "Rows set aside unread: all in the store, whenever they were met.",
            "已隔离的无法解析的行（库中累计）",
            "merchant",
        )
        self.quarantine_newest_seconds = self._gauge(
            "syncd_quarantine_newest_seconds",
            "How long ago the newest of these rows was first met.",
            "最近一次隔离新行距今秒数",
            "merchant",
        )

        self.unclassified = self._gauge(
            "syncd_unclassified",
            "Messages of a party we have no rule for, counted.",
            "未能归类的平台消息次数",
            "platform",
        )

    def _calls(self) -> None:
        self.calls = self._counter(
            "syncd_calls_total",
            "Calls to a party, by how HTTP ended: ok, http_4xx, http_5xx, not_sent, in_doubt.",
            "外部调用次数，按 HTTP 结局分类",
            "platform",
            "outcome",
        )
        self.call_seconds = Histogram(
            "syncd_call_seconds", "Duration of a call.", ["platform"], registry=self.registry, buckets=_SECONDS
        )
        self.meanings["syncd_call_seconds"] = ("histogram", ("platform",), "Duration of a call.", "外部调用耗时")
        self.clock_offset_seconds = self._gauge(
            "syncd_clock_offset_seconds",
            "The party's clock minus ours, as last seen.",
            "对方时钟减本机时钟",
            "merchant",
        )
        self.credential_expires_seconds = self._gauge(
            "syncd_credential_expires_seconds",
            "Until the stored token of an issuer account expires; below 0 it has.",
            "开票平台令牌剩余有效秒数，负数为已过期",
            "issuer",
        )

    def _lanes_and_windows(self) -> None:
        self.lane_resting = self._gauge(
            "syncd_lane_resting",
            "1 while a lane is left alone; `care` says why: person, settings, clock, rest_lane, retry_soon, paused.",
            "通道暂停时为 1，care 为原因类别",
            "lane",
            "care",
        )
        self.lane_fresh_seconds = self._gauge(
            "syncd_lane_fresh_seconds",
            "Since the party last answered and the lane was not at rest; counted from this process's start at most.",
            "该通道上次正常应答距今秒数（最多从本进程启动算起）",
            "lane",
        )
        self.cursor_lag_seconds = self._gauge(
            "syncd_cursor_lag_seconds",
            "How far the last complete window lies back.",
            "最后完整窗口距今秒数",
            "merchant",
            "feed",
        )
        self.cursor_still_seconds = self._gauge(
            "syncd_cursor_still_seconds",
            "Since the cursor last moved: a window was read completely then.",
            "游标上次前移距今秒数",
            "merchant",
            "feed",
        )
        self.cursor_gaps = self._gauge(
            "syncd_cursor_gaps",
            "Spans behind the cursor that the ledger does not cover exactly once.",
            "游标之前未被恰好读取一次的区间数",
            "merchant",
        )
        self.backfill_seconds = self._gauge(
            "syncd_backfill_seconds", "Span of the past still to be read.", "待补读的历史时长", "merchant"
        )

    def _process(self) -> None:
        self.ready = self._gauge(
            "syncd_ready",
            "1 while work can be done: the store answers, this process is heard, and its clock is right.",
            "可以工作时为 1：存储可读、本进程有心跳、时钟正确",
        )
        self.armed = self._gauge(
            "syncd_armed", "0 while the store is disarmed: nothing is sent.", "未武装（不对外写）时为 0"
        )
        self.armed.set(1)
        self.ticks = self._counter("syncd_ticks_total", "Runs of a stage.", "阶段运行次数", "stage")
        self.unit_failures = self._gauge(
            "syncd_unit_failures", "How often in a row a unit ended in trouble.", "单元连续失败次数", "stage", "unit"
        )
        self.crashes = self._counter(
            "syncd_crashes_total", "Turns ended by an error nobody foresaw.", "因意外错误中断的次数"
        )
        self.fence_rejected = self._counter(
            "syncd_fence_rejected_total", "Writes refused for a stale epoch.", "因租约过期被拒的写入次数"
        )
        self.units_running = self._gauge(
            "syncd_units_running", "Units at work in this process.", "本进程正在处理的单元数"
        )
        self.beat_age_seconds = self._gauge(
            "syncd_beat_age_seconds",
            "How long ago this process last said that it lives; distributed only.",
            "本进程距上次心跳的秒数（仅分布式）",
        )
        self.workers = self._gauge(
            "syncd_workers",
            "Processes at work on the store, by role; distributed only.",
            "在线进程数（仅分布式）",
            "role",
        )
        self.workers_silent = self._gauge(
            "syncd_workers_silent",
            "Processes that fell silent within the last quarter of an hour; distributed only.",
            "一刻钟内失联的进程数（仅分布式）",
        )
        self.disk_free_bytes = self._gauge(
            "syncd_disk_free_bytes", "Free space where the store lies.", "存储所在磁盘的可用字节数"
        )
        self.wal_bytes = self._gauge("syncd_wal_bytes", "Size of the store's write-ahead log.", "预写日志（WAL）字节数")
        build = self._gauge("syncd_build_info", "The running version.", "运行版本", "version", "python")
        build.labels(__version__, platform.python_version()).set(1)

    def _gauge(self, name: str, meaning: str, zh: str, *labels: str) -> Gauge:
        self.meanings[name] = ("gauge", labels, meaning, zh)
        return Gauge(name, meaning, labels, registry=self.registry)

    def _counter(self, name: str, meaning: str, zh: str, *labels: str) -> Counter:
        self.meanings[name] = ("counter", labels, meaning, zh)
        return Counter(name, meaning, labels, registry=self.registry)

    # -- what is counted -------------------------------------------------------------------------------------------

    def called(self, platform: str, party: str, outcome: str, seconds: float) -> None:
        """A call to `party` (a merchant's WDT, an issuer account) ended."""
        self.calls.labels(platform, outcome).inc()
        self.call_seconds.labels(platform).observe(seconds)
        if outcome == "ok":
            self._answered[(platform, party)] = self._monotonic()

    def since_answer(self, platform: str, party: str) -> float:
        """Seconds since the party last answered, or since this process began where it has not."""
        return self._monotonic() - self._answered.get((platform, party), self._began)

    def reach(self, counter: Counter, total: float, *labels: str) -> None:
        """Let a counter say `total`, which never falls, where somebody else does the counting."""
        child = counter.labels(*labels) if labels else counter
        before = self._reached.get((counter, *labels), 0.0)
        if total > before:
            child.inc(total - before)
            self._reached[(counter, *labels)] = total

    def replace(self, gauge: Gauge, values: Mapping[Labels, float]) -> None:
        """Set a labelled gauge to exactly `values`: what is not named any more disappears instead of freezing."""
        gauge.clear()
        for labels, value in values.items():
            gauge.labels(*labels).set(value)

    def render(self) -> bytes:
        """All metrics in the text format (`CONTENT_TYPE`)."""
        return generate_latest(self.registry)


_INTRODUCTION = """# Metrics · 指标

This page is generated: `python -m syncd.watch.metrics > docs/metrics.md`. 本页由程序生成。

`/metrics` on the console's address (`[console] listen`), in Prometheus' text format. Gauges are read from the store at
each scrape and survive a restart; counters count since the process began, but for `syncd_rows_quarantined_total`,
which says what the store holds. `syncd_lane_fresh_seconds` is kept in memory: after a restart it counts from the start.
A label never names a person. The alerts: `deploy/prometheus/alerts.yml`; what to do about them:
[runbooks](runbooks/README.md). 指标在抓取时由数据库统计，重启不丢；计数器自进程启动起算。

| metric | kind | labels | meaning | 含义 |
|---|---|---|---|---|
"""


def page() -> str:
    """docs/metrics.md."""
    rows = (
        f"| `{name}` | {kind} | {', '.join(f'`{label}`' for label in labels)} | {en} | {zh} |\n"
        for name, (kind, labels, en, zh) in sorted(Metrics().meanings.items())
    )
    return _INTRODUCTION + "".join(rows)


if __name__ == "__main__":
    sys.stdout.write(page())
