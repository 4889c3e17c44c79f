"""The cases, and the orders they begin with and get: when each of them comes."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from syncd.sandbox import Sandbox

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Case:
    """`live` days with `per_day` new orders; a past of `past` days at `past_per_day`, `waiting` or long issued."""

    name: str
    live: float = 0.0
    per_day: int = 0
    past: float = 0.0
    past_per_day: int = 1000
    waiting: bool = False
    uneven: bool = False


CASES = {
    "quiet": Case("quiet", live=1),
    "1000": Case("1000", live=1, per_day=1000),
    "10000": Case("10000", live=1, per_day=10_000),
    "backfill": Case("backfill", past=365, per_day=1000),
    "backlog": Case("backlog", past=10, waiting=True),
}


def wanted(case: Case, days: float | None, *, uneven: bool) -> Case:
    """The same case over so many days."""
    if days is None:
        return replace(case, uneven=uneven)
    return replace(case, live=case.live and days, past=case.past and days, uneven=uneven)


def put_past(sandbox: Sandbox, case: Case, now: datetime, dice: random.Random) -> int:
    """The orders of the past: so many each day, at any second of it."""
    latest = now.timestamp() - (600 if case.waiting else 3600)
    instants = _past(case, now, dice)
    for number, when in enumerate(instants):
        at = min(when, latest)
        row: dict[str, Any] = {}
        if not case.waiting:  # small ones: what is measured is calls
            row = {
                "invoice_order_no": f"FP{number:09}", "status": 60, "invoice_no": f"2511{number:016}",
                "shop_no": "shop01", "invoice_amount": 113, "created": int(at * 1000), "detail_list": [],
            }  # fmt: skip
        sandbox.wdt.put_order(row, modified=at, raw=not case.waiting, expect="none", loose=True)
    sandbox.wdt.tidy()
    return len(instants)


def _past(case: Case, now: datetime, dice: random.Random) -> list[float]:
    """When each order of the past was changed last, in unix seconds."""
    rows, day = round(case.past * case.past_per_day), DAY.total_seconds()
    if not case.uneven:
        return [now.timestamp() - dice.uniform(0, case.past * day) for _ in range(rows)]
    whole = max(1, int(case.past))
    of_days = [dice.uniform(0.6, 1.4) * (0.5 if number % 7 > 4 else 1.2) for number in range(whole)]
    hours = [0.05 + 0.95 * max(0.0, math.sin((hour - 7) / 16 * math.pi)) for hour in range(24)]
    days = dice.choices(range(whole), of_days, k=rows)
    return [
        now.timestamp() - (at + 1) * day + (dice.choices(range(24), hours)[0] + dice.random()) * 3600 for at in days
    ]


def arrivals(per_day: int, lasts: timedelta, dice: random.Random) -> list[float]:
    """Seconds at which orders arrive, at random."""
    span = lasts.total_seconds()
    return [dice.uniform(0, span) for _ in range(round(per_day * span / DAY.total_seconds()))]
