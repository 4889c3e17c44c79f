"""What a case came to, for a person and for a machine."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from benchmarks.calls.minimum import POLL
from benchmarks.report import Measure


@dataclass(slots=True)
class Figures:
    """What a case came to. `made` and `minimum` by kind of call; durations in seconds of the case's own time."""

    case: str
    calls_per_minute: float
    made: Counter[str]
    minimum: Counter[str]
    refused: int
    took: float
    backfill_took: float = 0.0
    latencies: list[float] = field(default_factory=list)
    unwritten: int = 0
    lost: int = 0
    busiest_minute: int = 0

    @property
    def efficiency(self) -> float:
        """Of all calls: the fewest possible by those made."""
        return sum(self.minimum.values()) / max(1, sum(self.made.values()))

    @property
    def polling(self) -> float:
        """Work list and mirror: made by the fewest possible."""
        live = ("work list", "mirror")
        return sum(self.made[kind] for kind in live) / max(1, sum(self.minimum[kind] for kind in live))

    @property
    def backfill_efficiency(self) -> float:
        return self.minimum["backfill"] / max(1, self.made["backfill"])

    @property
    def wall(self) -> float:
        """How long the backfill took, by how long the fewest calls of that time take at the limit."""
        return self.backfill_took / max(1e-9, sum(self.minimum.values()) * 60 / self.calls_per_minute)

    def p95(self) -> float:
        """Seconds from 45 to written back, of 95 in 100 orders."""
        ordered = sorted(self.latencies)
        return ordered[math.ceil(0.95 * len(ordered)) - 1] if ordered else 0.0

    def told(self) -> dict[str, Any]:
        """Everything, for a machine."""
        return {
            "case": self.case, "calls_per_minute": self.calls_per_minute, "seconds": self.took,
            "made": dict(self.made), "fewest": dict(self.minimum), "refused": self.refused,
            "busiest_minute": self.busiest_minute, "efficiency": self.efficiency, "polling": self.polling,
            "backfill_efficiency": self.backfill_efficiency if self.backfill_took else None,
            "wall": self.wall if self.backfill_took else None, "p95_seconds": self.p95(),
            "orders": len(self.latencies), "unwritten": self.unwritten, "lost": self.lost,
        }  # fmt: skip


def measures(figures: Figures) -> list[Measure]:
    """What is aimed at, of this case."""
    case, in_backfill = figures.case, bool(figures.backfill_took)
    found = [
        Measure(f"{case}: calls made", sum(figures.made.values()), unit=""),
        Measure(f"{case}: fewest : made", figures.efficiency),
        Measure(f"{case}: refused", figures.refused, 0, "<=", ""),
        Measure(f"{case}: documents never stored", figures.lost, 0, "<=", ""),
    ]
    if in_backfill:
        found.append(Measure(f"{case}: reading the past, fewest : made", figures.backfill_efficiency, 0.99))
        found.append(Measure(f"{case}: reading the past, time : least", figures.wall, 1.10, "<="))
    elif figures.made["work list"]:
        found.append(Measure(f"{case}: live polling, made : fewest", figures.polling, 1.05, "<="))
    if figures.latencies:
        intervals = figures.p95() / POLL.total_seconds()
        found.append(Measure(f"{case}: from 45 to written back, p95", intervals, 2, "<=", "poll intervals"))
    return found


def show(figures: Figures, seconds: float) -> None:
    length, pace = f"{figures.took / 3600:.2f} h", f"{figures.calls_per_minute:g} calls a minute"
    print(f"\n{figures.case}: {length} at {pace}, in {seconds:.0f} s")
    for kind in sorted(figures.made | figures.minimum):
        print(f"  {kind:14} made {figures.made[kind]:6}   fewest {figures.minimum[kind]:6}")
    print(
        f"  {'all':14} made {sum(figures.made.values()):6}   fewest {sum(figures.minimum.values()):6}"
        f"   efficiency {figures.efficiency:.4f}"
    )
    print(f"  polling: {figures.polling:.3f} of the fewest; refused: {figures.refused};"
          f" most calls in 60 s: {figures.busiest_minute}")  # fmt: skip
    if figures.backfill_took:
        print(f"  backfill: efficiency {figures.backfill_efficiency:.4f}, time {figures.wall:.3f} of the least")
    if figures.latencies:
        print(f"  from 45 to written back: p95 {figures.p95():.0f} s = {figures.p95() / POLL.total_seconds():.2f} poll"
              f" intervals, {len(figures.latencies)} orders, {figures.unwritten} not yet")  # fmt: skip
    print(f"  documents never stored: {figures.lost}")
