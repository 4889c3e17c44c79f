"""The command line that every contestant of this package has."""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Wish:
    """Where to read, where to store, and how much there is. `start` and `end` are Beijing texts."""

    url: str
    store: str
    start: str
    end: str
    page_size: int
    orders: int
    concurrency: int
    folder: Path


def read_wish(description: str | None, given: Sequence[str] | None = None) -> Wish:
    """The wish on the command line."""
    parser = argparse.ArgumentParser(description=description)
    for name in ("url", "store", "start", "end", "folder"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("page-size", "orders", "concurrency"):
        parser.add_argument(f"--{name}", type=int, required=True)
    told = vars(parser.parse_args(given))
    return Wish(**{**told, "folder": Path(told["folder"])})


def cpu_seconds() -> float:
    """Of this process so far."""
    return time.process_time()


def peak_mb() -> float:
    """The most memory this process ever had in use."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def tell(**facts: object) -> None:
    """The one line of a contestant."""
    print(json.dumps(facts), flush=True)
