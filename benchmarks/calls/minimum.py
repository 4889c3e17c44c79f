"""The fewest calls that could have done it; the package says of what they consist."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection
from datetime import datetime, timedelta

from benchmarks.calls.cases import DAY, Case

POLL = timedelta(seconds=60)
MIRROR_EVERY = timedelta(minutes=15)
SETTLE = timedelta(minutes=5)
#: Rows of a page, documents of a write-back, rows of a page that looks for write-backs.
PAGE, BATCH, LOOK_PAGE = 100, 20, 200


def fewest(case: Case, put_at: Collection[datetime], began: datetime, took: timedelta, past: int) -> Counter[str]:
    """By kind of call, for a case that began with `past` orders, took so long, and got one at each of `put_at`."""
    last = began + took
    noticed = Counter((at - began) // POLL for at in put_at if at <= last)
    changed = Counter((at - began) // MIRROR_EVERY for at in put_at if at <= last)
    fewest = Counter[str]()
    for interval in range(took // POLL):
        fewest["work list"] += max(1, pages(noticed[interval], PAGE))
        fewest["write-back"] += pages(noticed[interval], BATCH)
        fewest["looking"] += pages(noticed[interval], LOOK_PAGE)
    for interval in range((took - SETTLE) // MIRROR_EVERY):
        fewest["mirror"] += max(1, pages(changed[interval], PAGE))
    fewest["deep look"] = max(0, math.ceil(took / DAY) - 1)
    fewest["backfill"] = pages(past, PAGE)
    if case.waiting:
        fewest["write-back"] += pages(past, BATCH)
        fewest["looking"] += pages(past, LOOK_PAGE)
    return fewest


def pages(rows: int, size: int) -> int:
    return math.ceil(rows / size)
