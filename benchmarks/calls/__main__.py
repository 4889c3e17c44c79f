"""The command line; the package says what it does."""

from __future__ import annotations

import argparse
import asyncio
import logging
import tempfile
import time
from pathlib import Path

import structlog

from benchmarks import calls
from benchmarks.calls.cases import CASES, wanted
from benchmarks.calls.figures import Figures, measures, show
from benchmarks.calls.playing import play
from benchmarks.report import tell, telling


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    parser = argparse.ArgumentParser(description=calls.__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=CASES, action="append")
    parser.add_argument("--days", type=float)
    parser.add_argument("--calls-per-minute", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lock", action="store_true")
    parser.add_argument("--uneven", action="store_true")
    telling(parser)
    given = parser.parse_args()
    found: list[Figures] = []
    for name in given.only or CASES:
        case, began = wanted(CASES[name], given.days, uneven=given.uneven), time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            playing = play(
                case, calls_per_minute=given.calls_per_minute, seed=given.seed, lock=given.lock, folder=Path(folder)
            )
            found.append(asyncio.run(playing))
        show(found[-1], time.monotonic() - began)
    judged = [measure for figures in found for measure in measures(figures)]
    title = f"Calls to WDT against the fewest possible, at {given.calls_per_minute} a minute"
    tell(title, judged, {"cases": [figures.told() for figures in found]}, given)


if __name__ == "__main__":
    main()
