"""The command line; the package says what it does."""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import tempfile
import time
from pathlib import Path

import structlog

from benchmarks import calls
from benchmarks.calls.cases import CASES, wanted
from benchmarks.calls.figures import show
from benchmarks.calls.playing import play


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
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    for name in given.only or CASES:
        case, began = wanted(CASES[name], given.days, uneven=given.uneven), time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            playing = play(
                case, calls_per_minute=given.calls_per_minute, seed=given.seed, lock=given.lock, folder=Path(folder)
            )
            figures = asyncio.run(playing)
        if given.json:
            print(json.dumps(figures.told(), default=str))
        else:
            show(figures, time.monotonic() - began)


if __name__ == "__main__":
    main()
