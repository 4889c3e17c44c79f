"""How fast orders get into the store, against the physical limit, and how much memory `syncd run` takes for it.

Three parts in one run:
  yardstick   raw sqlite3.executemany of the decoded rows into the same table, WAL, synchronous=FULL, a page a commit
  store       the same rows through the store, page by page: first read, and a second read of unchanged rows
  run         `syncd run --once` in a process of its own against the simulator, with issuing paused, RSS sampled

Usage: benchmarks/ingest.py [--orders N] [--page-size N]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from syncd.domain.clock import SystemClock
from syncd.domain.order import MerchantName, Row
from syncd.store import migrate
from syncd.store.sightings import INSERT, Seen
from syncd.store.store import Store

SETTINGS = """\
[store]
url = "sqlite:///{store}"
[log]
level = "error"
[poll]
start = "{start}"
page_size = {page_size}
[schedule]
poll = "1s"
mirror = "1h"
[[merchants]]
name = "m001"
issuer = "main"
[merchants.wdt]
url = "{wdt_url}"
sid = "demo_sid"
key = "demo_sid-syncd"
secret = "demosecret:demosalt"
calls_per_minute = 6000
[issuers.main]
kind = "nuonuo"
url = "{nuonuo_url}"
app_key = "demo_key"
secret = "demo_secret"
token = "demo_token"
tax_no = "339902999999789113"
"""


def serve(orders: int, pipe: Connection) -> None:
    """The simulator in a process of its own: its memory and its CPU are not ours."""
    from syncd.sandbox import Sandbox, SandboxOptions
    from syncd.sandbox.mix import HEALTHY

    async def run() -> None:
        async with Sandbox(SandboxOptions(seed=1, calls_per_minute=0)) as sandbox:
            sandbox.populate(orders, HEALTHY)
            pipe.send((sandbox.wdt_url, sandbox.nuonuo_url))
            await asyncio.Event().wait()

    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    asyncio.run(run())


def pages_of(wdt_url: str, orders: int, page_size: int) -> Iterator[tuple[Row, ...]]:
    """The rows themselves, fetched once and decoded, so that both sides store the very same."""
    from syncd.domain.order import Search
    from syncd.wire.http import Http
    from syncd.wire.pace import Pacer
    from syncd.wire.wdt.client import WdtClient
    from syncd.wire.wdt.sign import Secret

    async def fetch() -> list[tuple[Row, ...]]:
        async with Http("wdt") as http:
            client = WdtClient(
                url=wdt_url,
                sid="demo_sid",
                key="demo_sid-syncd",
                secret=Secret("demosecret", "demosalt"),
                http=http,
                pacer=Pacer(0),
                clock=SystemClock(),
            )
            now = datetime.now(UTC)
            found = []
            for page_no in range(-(-orders // page_size)):
                query = Search(start=now - timedelta(days=4), end=now, page_no=page_no, page_size=page_size)
                found.append((await client.search(query)).rows)
            return found

    yield from asyncio.run(fetch())


def raw(pages: Sequence[Sequence[Row]], path: Path) -> float:
    """Rows per second of plain executemany into the same table with the same indexes and triggers."""
    asyncio.run(migrate.upgrade(f"sqlite:///{path}"))
    database = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "cache_size=-16384"):
        database.execute(f"PRAGMA {pragma}")
    batches = [[_as_inserted(row, number) for row in page] for number, page in enumerate(pages)]
    began = time.perf_counter()
    for batch in batches:
        database.execute("BEGIN IMMEDIATE")
        database.executemany(INSERT, batch)
        database.execute("COMMIT")
    took = time.perf_counter() - began
    database.close()
    return sum(len(page) for page in pages) / took


def _as_inserted(row: Row, seq: int) -> tuple[object, ...]:
    now = 1_795_000_000_000
    head = ("demo_sid", "m001", row.no, row.shop_no, row.payer_name, row.amount, int(row.is_red), now, row.status)
    return (
        *head,
        row.invoice_no,
        row.relation,
        row.raw,
        row.content_hash,
        seq,
        now,
        now,
        now,
        now,
        "PENDING",
        "",
        now,
        now,
    )


def stored(pages: Sequence[Sequence[Row]], path: Path) -> tuple[float, float]:
    """Rows per second through the store: a first read, then a read of the same unchanged rows."""

    async def run() -> tuple[float, float]:
        await migrate.upgrade(f"sqlite:///{path}")
        speeds = []
        async with Store.at(f"sqlite:///{path}", SystemClock()) as store:
            for turn in range(2):
                began = time.perf_counter()
                for number, page in enumerate(pages):
                    async with store.begin() as tx:
                        seen = Seen(turn * len(pages) + number, tx.now, (tx.now, tx.now))
                        await tx.sightings.keep(MerchantName("m001"), "demo_sid", page, seen)
                speeds.append(sum(len(page) for page in pages) / (time.perf_counter() - began))
        return speeds[0], speeds[1]

    return asyncio.run(run())


def run_daemon(folder: Path, wdt_url: str, nuonuo_url: str, orders: int, page_size: int) -> dict[str, float]:
    """`syncd run` until every order is stored: rows per second and resident memory on the way."""
    store, config = folder / "run.db", folder / "syncd.toml"
    start = (datetime.now(UTC) + timedelta(hours=8) - timedelta(days=4)).strftime("%Y-%m-%d %H:%M:%S")
    config.write_text(
        SETTINGS.format(store=store, start=start, page_size=page_size, wdt_url=wdt_url, nuonuo_url=nuonuo_url)
    )
    syncd = [sys.executable, "-c", "from syncd.cli import main; main()", "-c", str(config)]
    subprocess.run([*syncd, "db", "upgrade"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(
        [*syncd, "lane", "pause", "m001/main", "--reason", "benchmark"], check=True, stdout=subprocess.DEVNULL
    )
    began = time.perf_counter()
    daemon = subprocess.Popen([*syncd, "run"], stderr=subprocess.DEVNULL)
    samples: list[tuple[int, int]] = []
    try:
        look = sqlite3.connect(f"file:{store}?mode=ro", uri=True)
        while (count := look.execute("SELECT count(*) FROM invoice_order").fetchone()[0]) < orders:
            samples.append((count, _memory(daemon.pid, "VmRSS")))
            if daemon.poll() is not None:
                raise SystemExit("the daemon ended too early")
            time.sleep(0.25)
        took = time.perf_counter() - began
        peak = _memory(daemon.pid, "VmHWM")
    finally:
        daemon.send_signal(signal.SIGTERM)
        daemon.wait(15)
    at = {share: _rss_at(samples, orders * share) for share in (0.25, 0.5, 0.95)}
    return {
        "rows_per_second": orders / took,
        "peak_mb": peak / 1024,
        "rss_mb_at_25_percent": at[0.25] / 1024,
        "rss_mb_at_50_percent": at[0.5] / 1024,
        "rss_mb_at_95_percent": at[0.95] / 1024,
    }


def _rss_at(samples: Sequence[tuple[int, int]], rows: float) -> int:
    return next((rss for count, rss in samples if count >= rows), samples[-1][1])


def _memory(pid: int, field: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1])
    return 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--page-size", type=int, default=100)
    wish = parser.parse_args()
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    simulator = multiprocessing.get_context("spawn").Process(target=serve, args=(wish.orders, theirs), daemon=True)
    simulator.start()
    try:
        wdt_url, nuonuo_url = ours.recv()
        with tempfile.TemporaryDirectory(prefix="syncd-bench-") as name:
            folder = Path(name)
            pages = list(pages_of(wdt_url, wish.orders, wish.page_size))
            yardstick = raw(pages, folder / "raw.db")
            first, again = stored(pages, folder / "store.db")
            del pages
            run = run_daemon(folder, wdt_url, nuonuo_url, wish.orders, wish.page_size)
    finally:
        simulator.terminate()
    print(
        json.dumps(
            {
                "orders": wish.orders,
                "page_size": wish.page_size,
                "cores": os.cpu_count(),
                "raw_executemany_rows_per_second": round(yardstick),
                "store_rows_per_second": round(first),
                "store_to_raw": round(first / yardstick, 3),
                "unchanged_rows_per_second": round(again),
                "unchanged_to_first": round(again / first, 2),
                "run": {key: round(value, 1) for key, value in run.items()},
            },
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
