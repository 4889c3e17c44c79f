"""Reading orders into the store: `syncd` beside the physical limit and beside what would be picked instead.

    python -m benchmarks.ingest [--orders N] [--rounds N] [--peers all|none|NAME,…] [--postgres [URL]] [--scale N]
                                [--json FILE] [--remark TEXT] [--strict]

All are served the same orders (2 KB each, two and a half lines) by the fakes in a process of their own, and store
each of them with its lines: in SQLite with `synchronous=FULL` or, with `--postgres`, in PostgreSQL with its disk
promises kept (the server at URL, else one that is started for it). They run one after the other, `--rounds` times;
what is compared are medians of the time from the first call to the last row stored. `--scale` also reads that many
orders (the aim is stated for 1,000,000) and a hundredth of them, and compares what one row costs.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import racing
from benchmarks.fakes import Fakes, serving
from benchmarks.racing import Lost, Peer, Run, beijing, chosen, in_turns, median
from benchmarks.report import Measure, panel, tell, telling

YARDSTICK, SYNCD = "yardstick", "syncd"
#: Gives a store that nobody has used: of a path, from the folder, or of an address.
Fresh = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Other:
    """A peer: its folder, how it is run, and how many times as fast as it we want to be."""

    folder: str
    aim: float | None
    more: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Race:
    """Who runs on one kind of database; `share` of the yardstick is aimed at."""

    database: str
    yardstick: str
    share: float
    peers: Mapping[str, Other]


#: dlt makes a table of the lines by itself; told to, it keeps them inside the order's row, as `syncd` does.
SQLITE = Race(
    "SQLite",
    "raw_read",
    0.6,
    {
        "dlt": Other("dlt", 5.0),
        "dlt-whole": Other("dlt", 5.0, ("--shape", "whole")),
        "singer": Other("singer", 15.0),
        "script": Other("script", None),
    },
)
POSTGRES = Race(
    "PostgreSQL",
    "copy_read",
    0.5,
    {"dlt": Other("dlt", 4.0), "dlt-whole": Other("dlt", 4.0, ("--shape", "whole"))},
)


class Field:
    """Where the contestants run: the same orders, an empty folder and an empty store for each."""

    def __init__(self, fakes: Fakes, orders: int, page_size: int, fresh: Fresh) -> None:
        self.fakes = fakes
        self.orders = orders
        self.page_size = page_size
        self.fresh = fresh

    def run(self, command: Callable[..., list[str]], *more: str) -> Run:
        """One contestant, once. Raises Lost where it did not store every order."""
        self.fakes.reset(orders=self.orders)
        with tempfile.TemporaryDirectory(prefix="syncd-bench-") as folder:
            wish = {
                "url": self.fakes.url,
                "store": self.fresh(folder),
                "folder": folder,
                "start": beijing(timedelta(days=28)),
                "end": beijing(),
                "page_size": self.page_size,
                "orders": self.orders,
                "concurrency": 1,
            }
            done = racing.run([*command(**wish), *more], TMPDIR=folder)
        if done.told["stored"] != self.orders:
            raise Lost(f"stored {done.told['stored']} of {self.orders}")
        return replace(done, told={**done.told, "calls": self.fakes.ledger()["calls"]})

    def own(self, module: str, *more: str) -> Callable[[], Run]:
        """A contestant of this repository, which times its passes itself."""
        return partial(self.run, partial(racing.own, module), *more)

    def peer(self, other: Other, cache: Path) -> Callable[[], Run]:
        """A peer, whose time runs from the first call the fakes saw."""

        def timed() -> Run:
            done = self.run(partial(Peer(other.folder).command, cache, "read.py"), *other.more)
            seconds = done.told["ended_at"] - self.fakes.ledger()["first_at"]
            return Run({**done.told, "first": {"seconds": seconds, "cpu": done.cpu}}, done.began_at, seconds, done.cpu)

        return timed


def seconds(runs: Sequence[Run], part: str = "first", what: str = "seconds") -> float:
    """The median of one figure of one pass."""
    return median([run.told[part][what] for run in runs])


def _calls(runs: Sequence[Run]) -> float:
    return median([run.told["calls"]["search"] for run in runs])


def _written(ours: Sequence[Run]) -> list[Measure]:
    """What this process wrote to files; into PostgreSQL that is the server's part, and nothing is told."""
    first, again = seconds(ours, what="bytes_per_row"), seconds(ours, "again", "bytes_per_row")
    told = (("first read", first), ("re-read", again)) if first else ()
    return [Measure(f"bytes we wrote for an order, {which}", amount, unit="B") for which, amount in told]


def measures(runs: Mapping[str, list[Run]], orders: int, race: Race) -> list[Measure]:
    """What the runs show."""
    ours, raw = runs[SYNCD], runs[YARDSTICK]
    found = [Measure(f"{name}, orders a second", orders / seconds(done), unit="/s") for name, done in runs.items()]
    found.append(Measure("syncd : yardstick", seconds(raw) / seconds(ours), race.share))
    found.append(Measure("syncd : yardstick, by CPU seconds", seconds(raw, what="cpu") / seconds(ours, what="cpu")))
    for name, other in race.peers.items():
        if name in runs:
            found.append(Measure(f"syncd : {name}", seconds(runs[name]) / seconds(ours), other.aim))
    return [
        *found,
        Measure("re-read of unchanged : first read", seconds(ours, "again") / seconds(ours), 0.5, "<="),
        Measure("the same by CPU seconds", seconds(ours, "again", "cpu") / seconds(ours, what="cpu"), unit="×"),
        *_written(ours),
        Measure("calls we made for each call of the yardstick", _calls(ours) / _calls(raw), unit="×"),
        Measure("most memory", median([run.told["peak_mb"] for run in ours]), 120, "<=", "MB"),
    ]


def scaled(field: Field, orders: int) -> tuple[list[Measure], dict[str, Any]]:
    """What one row costs among many, and among a hundredth of them: CPU, time, and memory."""
    few = Field(field.fakes, orders // 100, field.page_size, field.fresh)
    many = Field(field.fakes, orders, field.page_size, field.fresh)
    once = ("--passes", "1")
    turns = {"few": few.own("syncd_read", *once), "many": many.own("syncd_read", *once)}
    runs = in_turns(turns, 1, must=("few", "many"))
    small = [*runs["few"], *(turns["few"]() for _ in range(4))]
    cpu, wall = (
        (seconds(runs["many"], what=what) / orders) / (seconds(small, what=what) / few.orders)
        for what in ("cpu", "seconds")
    )
    told = runs["many"][0].told
    return [
        Measure(f"a row's CPU at {orders:,} : at {few.orders:,}", cpu, 1.15, "<="),
        Measure(f"a row's time at {orders:,} : at {few.orders:,}", wall),
        Measure(f"orders a second at {orders:,}", orders / told["first"]["seconds"], unit="/s"),
        Measure(f"most memory at {orders:,}", told["peak_mb"], 120, "<=", "MB"),
    ], {"scale": {"orders": orders, "many": told, "few": [run.told for run in small]}}


@contextmanager
def stores(given: str | None) -> Iterator[tuple[Race, Fresh]]:
    """SQLite files, or databases of the PostgreSQL at `given` ("" starts one)."""
    if given is None:
        yield SQLITE, lambda folder: f"{folder}/store.db"
        return
    from benchmarks.postgres import postgres

    with postgres(given) as fresh:
        yield POSTGRES, lambda _folder: fresh()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--page-size", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", default="all", help="all, none, or names: " + ", ".join(SQLITE.peers))
    parser.add_argument("--peer-rounds", type=int, default=1, help="they take minutes, and differ by multiples")
    parser.add_argument("--cache", type=Path, help="keeps the peers' environments; default: a temporary folder")
    parser.add_argument("--postgres", nargs="?", const="", metavar="URL")
    parser.add_argument("--scale", type=int, default=0, metavar="N")
    telling(parser)
    wish = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="syncd-peers-") as temporary,
        serving(wish.orders) as fakes,
        stores(wish.postgres) as (race, fresh),
    ):
        field = Field(fakes, wish.orders, wish.page_size, fresh)
        contestants = {YARDSTICK: field.own(race.yardstick), SYNCD: field.own("syncd_read")}
        for name in chosen(wish.peers, race.peers):
            contestants[name] = field.peer(race.peers[name], wish.cache or Path(temporary))
        runs = in_turns(contestants, wish.rounds, (YARDSTICK, SYNCD), wish.peer_rounds)
        found = measures(runs, wish.orders, race)
        told: dict[str, Any] = {name: [run.told for run in done] for name, done in runs.items()}
        if wish.scale:
            more, facts = scaled(field, wish.scale)
            found, told = found + more, told | facts
    drawn = panel(f"Reading into {race.database}", {name: wish.orders / seconds(done) for name, done in runs.items()})
    title = f"Reading {wish.orders:,} orders into {race.database}, {wish.page_size} to a page"
    tell(title, found, {"panels": [drawn], "runs": told}, wish)


if __name__ == "__main__":
    main()
