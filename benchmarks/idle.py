"""What `syncd run` costs while nothing happens, and how soon it is at work with a long past in its store.

    python -m benchmarks.idle [--merchants N] [--seconds S] [--rows N] [--json FILE] [--remark TEXT] [--strict]

First N merchants without any orders: from the moment every unit has had its first turn, `--seconds` of CPU time and
the memory, beside what the calls alone would cost. Then a store of `--rows` finished orders (a thousand from a real
run, multiplied with all that belongs to them): the time from starting the process, an hour after it was last stopped,
to its first call to WDT. The default schedule, SQLite.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp

from benchmarks import racing
from benchmarks.contestants import settings
from benchmarks.contestants.watching import Looker, Process
from benchmarks.contestants.wish import Wish
from benchmarks.fakes import Fakes, serving
from benchmarks.filled import an_hour_passes, multiply
from benchmarks.racing import beijing, median
from benchmarks.report import Measure, tell, telling

#: Seconds: for all first turns, and of quiet before it is measured.
FIRST_TURNS, QUIET = 600.0, 65.0
#: Calls that a second of polling brings, about.
AT_ONCE = 17


def wish_for(fakes: Fakes, folder: Path, orders: int) -> Wish:
    """One SQLite store in `folder`."""
    start = beijing(timedelta(hours=8))
    return Wish(fakes.url, f"{folder}/store.db", start, beijing(), 100, orders, 16, folder)


@contextmanager
def daemon(config: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`syncd run` under that file, as one would start it."""
    syncd = [sys.executable, "-c", "from syncd.cli import main; main()", "-c", str(config)]
    with open(config.parent / "syncd.log", "ab") as said:
        process = subprocess.Popen([*syncd, "run"], stderr=said)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def idle(fakes: Fakes, folder: Path, merchants: int, seconds: float, quiet: float) -> tuple[list[Measure], Any]:
    """CPU and memory of a daemon whose merchants have nothing to do."""
    fakes.reset(orders=0)
    wish = wish_for(fakes, folder, 0)
    config = settings.written(wish, merchants=merchants, calls_per_minute=50)
    syncd = [sys.executable, "-c", "from syncd.cli import main; main()", "-c", str(config)]
    subprocess.run([*syncd, "db", "upgrade"], check=True, stdout=subprocess.DEVNULL)
    with daemon(config) as process, Looker.at(wish.store) as look:
        began = time.monotonic()
        while (late := look.waiting()) != 0 and time.monotonic() < began + FIRST_TURNS:
            if process.poll() is not None:
                raise SystemExit((folder / "syncd.log").read_text()[-2000:])
            time.sleep(1.0)
        turned = time.monotonic() - began
        time.sleep(quiet)
        at, calls = Process(process.pid), sum(fakes.ledger()["calls"].values())
        cpu, since = at.cpu(), time.monotonic()
        time.sleep(seconds)
        share = (at.cpu() - cpu) / (time.monotonic() - since)
        calls = sum(fakes.ledger()["calls"].values()) - calls
        peak, rss = at.peak_mb(), at.rss_mb()
    floor = asyncio.run(bare(fakes, min(merchants, 500))) * calls / seconds
    return [
        Measure(f"idle with {merchants:,} merchants, of one core", share * 100, 3, "<=", "%"),
        Measure("a bare client's calls alone, of one core", floor * 100, unit="%"),
        Measure(f"idle with {merchants:,} merchants, memory", rss, 120, "<=", "MB"),
        Measure("the most memory it had", peak, unit="MB"),
        Measure("calls a second meanwhile", calls / seconds, unit="/s"),
        Measure("first turns of all units", turned, unit="s"),
        Measure("units that had none by then", late or 0, unit=""),
    ], {"share": share, "floor": floor, "rss_mb": rss, "peak_mb": peak, "first_turns": turned}


async def bare(fakes: Fakes, merchants: int) -> float:
    """The floor: CPU seconds of one empty search on a new connection, by a client that does nothing else."""
    asked = [{"start_time": "2026-11-20 10:00:00", "end_time": "2026-11-20 11:00:00"}]
    sessions = [aiohttp.ClientSession() for _ in range(merchants)]

    async def ask(session: aiohttp.ClientSession) -> None:
        async with session.post(fakes.wdt_url, json=asked, params={"method": "search", "page_size": 100}) as answer:
            await answer.read()

    began = time.process_time()
    for first in range(0, merchants, AT_ONCE):
        await asyncio.gather(*map(ask, sessions[first : first + AT_ONCE]))
    taken = time.process_time() - began
    await asyncio.gather(*(session.close() for session in sessions))
    return taken / merchants


def first_call(fakes: Fakes, folder: Path, seeds: int, rows: int, rounds: int) -> tuple[list[Measure], Any]:
    """From the start of the process to the first call the fakes see."""
    fakes.reset(orders=seeds, days=0.25)
    wish = wish_for(fakes, folder, seeds)
    named = {name: getattr(wish, name) for name in wish.__slots__}
    racing.run(racing.own("syncd_flow", **named))
    there = multiply(Path(wish.store), rows)
    taken = []
    for _ in range(rounds):
        fakes.reset(orders=0)
        an_hour_passes(Path(wish.store))
        began = time.monotonic()
        with daemon(folder / "syncd.toml") as process:
            while not (first_at := fakes.ledger()["first_at"]) and time.monotonic() < began + 120:
                if process.poll() is not None:
                    raise SystemExit((folder / "syncd.log").read_text()[-2000:])
                time.sleep(0.02)
            taken.append(first_at - began)
            peak = Process(process.pid).peak_mb()
    return [
        Measure(f"start to first call, {there:,} orders in the store", median(taken), 2, "<=", "s"),
        Measure("memory at that moment", peak, unit="MB"),
        Measure("the store", Path(wish.store).stat().st_size / 2**20, unit="MB"),
    ], {"rows": there, "seconds": taken}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--merchants", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument(
        "--quiet", type=float, default=QUIET, help="seconds after the first turns before it is measured"
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seeds", type=int, default=1000, help="orders of the real run that they are made of")
    parser.add_argument("--rounds", type=int, default=3)
    telling(parser)
    wish = parser.parse_args()
    found: list[Measure] = []
    told: dict[str, Any] = {}
    with serving(wish.seeds, 0.25) as fakes, tempfile.TemporaryDirectory(prefix="syncd-bench-") as folder:
        for name in ("idle", "start"):
            (Path(folder) / name).mkdir()
        if wish.merchants:
            found, told["idle"] = idle(fakes, Path(folder) / "idle", wish.merchants, wish.seconds, wish.quiet)
        if wish.rows:
            more, told["start"] = first_call(fakes, Path(folder) / "start", wish.seeds, wish.rows, wish.rounds)
            found += more
    tell("Idle, and starting", found, told, wish)


if __name__ == "__main__":
    main()
