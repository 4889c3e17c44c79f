"""`syncd`'s own reading: the stage, the client, the window ledger and the store of the daemon, unit after unit.

The work list's unit is given its first turn, which leaves the past to the backfill; then the backfill's unit is turned
until nothing is left of it. The second pass asks for the same span again, as `syncd backfill` would.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import time
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select

from benchmarks.contestants import settings
from benchmarks.contestants.settings import MERCHANT
from benchmarks.contestants.wish import Wish, cpu_seconds, peak_mb, read_wish, tell
from syncd.app import App, open_app
from syncd.config import load
from syncd.domain.clock import BEIJING
from syncd.stages.turn import run_unit
from syncd.store.schema import invoice_order
from syncd.watch.logs import configure

PENDING = "pending"


async def turn(app: App, feed: str) -> None:
    """One turn of one unit of poll."""
    unit = f"{MERCHANT}/{feed}"
    async with app.store.begin(fact="benchmark") as tx:
        await tx.units.wake("poll", unit)
    await run_unit(app.store, app.stages["poll"], unit, random.random)


async def drain(app: App, wish: Wish) -> dict[str, float]:
    """Turn the backfill until nothing is left of it."""
    began, cpu, written = time.monotonic(), cpu_seconds(), bytes_written()
    while True:
        async with app.store.read() as tx:
            if await tx.windows.next_backfill("demo_sid") is None:
                break
        await turn(app, "backfill")
    seconds = time.monotonic() - began
    return {
        "seconds": seconds,
        "cpu": cpu_seconds() - cpu,
        "rss_mb": rss_mb(),
        "bytes_per_row": (bytes_written() - written) / wish.orders,
    }


async def read(wish: Wish, passes: int) -> None:
    """Read everything once, or twice."""
    async with open_app(load(settings.written(wish), os.environ)) as app:
        await turn(app, PENDING)
        done = [await drain(app, wish)]
        start, end = (_instant(text) for text in (wish.start, wish.end))
        while len(done) < passes:
            async with app.store.begin(fact="benchmark") as tx:
                await tx.windows.add_backfill("demo_sid", PENDING, start, end - timedelta(minutes=10))
            done.append(await drain(app, wish))
        ended_at = time.monotonic()
        async with app.store.read() as tx:
            stored = await tx.connection.scalar(select(func.count()).select_from(invoice_order))
    tell(stored=stored, ended_at=ended_at, first=done[0], again=done[-1], peak_mb=peak_mb())


def bytes_written() -> int:
    """What this process has caused to be written to a disk."""
    return int(_field("/proc/self/io", "write_bytes:"))


def rss_mb() -> float:
    """Memory in use now."""
    return int(_field("/proc/self/status", "VmRSS:")) / 1024


def _field(path: str, name: str) -> str:
    lines = Path(path).read_text().splitlines()
    return next(line.split()[1] for line in lines if line.startswith(name))


def _instant(text: str) -> datetime:
    return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=BEIJING)


def main() -> None:
    """The contestant."""
    parser = argparse.ArgumentParser(description=__doc__, add_help=False)
    parser.add_argument("--passes", type=int, choices=(1, 2), default=2)
    own, rest = parser.parse_known_args()
    with open(os.devnull, "wb") as nowhere:
        configure("json", "info", nowhere)
        asyncio.run(read(read_wish(__doc__, rest), own.passes))


if __name__ == "__main__":
    main()
