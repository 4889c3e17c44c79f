"""`syncd run` itself, from its first call to the moment its store says that every order is confirmed.

With `--workers 0` (SQLite, or PostgreSQL) that is one daemon; with more, on PostgreSQL, a scheduler and so many
workers. CPU is that of all its processes, from the first call on.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import msgspec

from benchmarks.contestants import settings
from benchmarks.contestants.watching import Finished, Looker, Process, Spread
from benchmarks.contestants.wish import read_wish, tell

EVERY = 0.1
#: Seconds: for the start, and for each order.
PATIENCE, PATIENCE_EACH = 120.0, 0.05


def main() -> None:
    """The contestant."""
    parser = argparse.ArgumentParser(description=__doc__, add_help=False)
    parser.add_argument("--workers", type=int, default=0)
    parser.add_argument("--places", type=int, default=16, help="units of each stage at work at once in one worker")
    parser.add_argument("--merchants", type=int, default=1)
    own, rest = parser.parse_known_args()
    wish = read_wish(__doc__, rest)
    more = '[engine]\nkind = "distributed"\n' if own.workers else ""
    config = settings.written(wish, more, merchants=own.merchants)
    syncd = [sys.executable, "-c", "from syncd.cli import main; main()", "-c", str(config)]
    subprocess.run([*syncd, "db", "upgrade"], check=True, stdout=subprocess.DEVNULL)
    worker = ["--role", "worker", "--concurrency", str(own.places)]
    roles = [["--role", "scheduler"], *[worker] * own.workers] if own.workers else [[]]
    with open(wish.folder / "syncd.log", "wb") as said:
        daemons = [subprocess.Popen([*syncd, "run", *role], stderr=said) for role in roles]
    processes = [Process(daemon.pid) for daemon in daemons]
    spread = Spread()
    try:
        with Looker.at(wish.store) as look:
            finished = watch(look, wish.url, wish.orders, daemons, processes, spread)
    finally:
        for daemon in daemons:
            daemon.send_signal(signal.SIGTERM)
        for daemon in daemons:
            daemon.wait(30)
    if finished is None:
        raise SystemExit("gave up: " + Path(wish.folder / "syncd.log").read_text()[-2000:])
    tell(
        stored=finished.rows,
        ended_at=finished.at,
        first={"seconds": finished.seconds, "cpu": finished.cpu},
        peak_mb=finished.peak_mb,
        busiest=spread.busiest,
    )


def watch(
    look: Looker,
    url: str,
    orders: int,
    daemons: list[subprocess.Popen[bytes]],
    processes: list[Process],
    spread: Spread,
) -> Finished | None:
    """Until `orders` are confirmed, or patience is over, or a daemon ended."""
    deadline, samples, confirmed = time.monotonic() + PATIENCE + orders * PATIENCE_EACH, [(time.monotonic(), 0.0)], 0
    while time.monotonic() < deadline and all(daemon.poll() is None for daemon in daemons):
        confirmed = look.count("DONE60")
        spread.note(look.at_work("push"))
        samples.append((time.monotonic(), sum(process.cpu() for process in processes)))
        if confirmed >= orders:
            with urlopen(url + "/ledger") as answer:
                first_at = float(msgspec.json.decode(answer.read())["first_at"])
            at, cpu = samples[-1]
            before = max((spent for when, spent in samples if when <= first_at), default=0.0)
            return Finished(confirmed, at, at - first_at, cpu - before, max(one.peak_mb() for one in processes))
        time.sleep(EVERY)
    return None


if __name__ == "__main__":
    os.umask(0o077)
    main()
