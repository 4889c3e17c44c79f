"""From WDT to the issuer and back, end to end: `syncd` beside a pipeline without safety and what would be picked.

    python -m benchmarks.flow [--orders N] [--rounds N] [--delays 0,50] [--concurrency N] [--peers all|none|NAME,…]
                              [--json FILE] [--remark TEXT] [--strict]

Every order is read from WDT, submitted to Nuonuo, asked for, written back and, by `syncd` and the yardstick, read once
more to see it there. The fakes answer at once, and then, without the peers, with every answer delayed; all have the
same number of submissions under way at most. Time runs from the first call the fakes saw to the last order known to be
done, and the fakes' ledger must show one invoice and one write-back for each order.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import racing
from benchmarks.broker import broker
from benchmarks.fakes import Fakes, serving
from benchmarks.racing import Lost, Peer, Run, beijing, chosen, in_turns, median
from benchmarks.report import Measure, panel, tell, telling

YARDSTICK, SYNCD = "yardstick", "syncd"
#: The peers and how many times as fast as they we want to be while nothing is delayed.
PEERS: Mapping[str, float | None] = {"script": 1.5, "dramatiq": 8.0, "celery": 8.0}
#: Those of them that need a broker.
QUEUES = ("dramatiq", "celery")
#: Orders are of the last hours, so that they are live work and not a backfill.
DAYS = 0.25


class Field:
    """Where the contestants run: the same orders, the same delay, the same concurrency, an empty folder for each."""

    def __init__(
        self, fakes: Fakes, orders: int, delay_ms: float, concurrency: int, cache: Path,
        merchants: int = 1, fresh: Callable[[str], str] = "{}/store.db".format,
    ) -> None:  # fmt: skip
        self.fakes = fakes
        self.orders = orders
        self.delay_ms = delay_ms
        self.concurrency = concurrency
        self.cache = cache
        self.merchants = merchants
        self.fresh = fresh

    def run(self, command: Callable[..., list[str]], **environment: str) -> Run:
        """One contestant, once. Raises Lost where the ledger does not show each order issued and written back."""
        self.fakes.reset(orders=self.orders, days=DAYS, delay_ms=self.delay_ms, sellers=self.merchants)
        with tempfile.TemporaryDirectory(prefix="syncd-bench-") as folder:
            wish = {
                "url": self.fakes.url,
                "store": self.fresh(folder),
                "folder": folder,
                "start": beijing(timedelta(hours=8)),
                "end": beijing(),
                "page_size": 100,
                "orders": self.orders,
                "concurrency": self.concurrency,
            }
            done = racing.run(command(**wish), TMPDIR=folder, **environment)
        ledger = self.fakes.ledger()
        expected = {"issued": self.orders, "written_back": self.orders, "wrong": 0}
        if any(ledger[name] != value for name, value in expected.items()):
            raise Lost(f"the fakes' ledger shows {ledger}")
        first = {"cpu": done.cpu, **done.told.get("first", {})}
        first["seconds"] = done.told["ended_at"] - ledger["first_at"]
        return Run({**done.told, "first": first, "ledger": ledger}, done.began_at, first["seconds"], done.cpu)

    def own(self, module: str) -> Callable[[], Run]:
        """A contestant of this repository."""
        return partial(self.run, partial(racing.own, module))

    def peer(self, name: str) -> Callable[[], Run]:
        """A peer; the task queues have a broker of their own each time."""
        alone = partial(self.run, partial(Peer(name).command, self.cache, "flow.py"))
        if name not in QUEUES:
            return alone

        def with_broker() -> Run:
            with broker(self.cache) as url:
                return alone(BENCH_BROKER=url)

        return with_broker


def seconds(runs: Sequence[Run], what: str = "seconds") -> float:
    """The median of one figure."""
    return median([run.told["first"][what] for run in runs])


def measures(runs: Mapping[str, list[Run]], orders: int, delay_ms: float) -> list[Measure]:
    """What the runs with one delay show. The peers are compared where nothing is delayed."""
    ours, bare, at = runs[SYNCD], runs[YARDSTICK], f"{delay_ms:g} ms"
    found = [
        Measure(f"{at}: {name}, orders a second", orders / seconds(done), unit="/s") for name, done in runs.items()
    ]
    found.append(Measure(f"{at}: syncd : yardstick", seconds(bare) / seconds(ours), 0.8 if delay_ms else 0.5))
    for name, aim in PEERS.items():
        if name in runs:
            ratio = seconds(runs[name]) / seconds(ours)
            found.append(Measure(f"{at}: syncd : {name}", ratio, None if delay_ms else aim))
    a_thousand, its = (seconds(done, "cpu") * 1000 / orders for done in (ours, bare))
    found.append(
        Measure(f"{at}: syncd, CPU seconds for 1,000 orders", a_thousand, None if delay_ms else 0.6, "<=", "s")
    )
    found.append(Measure(f"{at}: yardstick, CPU seconds for 1,000 orders", its, unit="s"))
    found.append(Measure(f"{at}: syncd, most memory", median([run.told["peak_mb"] for run in ours]), unit="MB"))
    doubles = max(run.told["ledger"]["doubles"] for run in ours)
    return [*found, Measure(f"{at}: syncd, second invoices", doubles, 0, "<=", "")]


def race(field: Field, peers: Sequence[str], rounds: int, peer_rounds: int) -> dict[str, list[Run]]:
    """All contestants with one delay."""
    contestants = {YARDSTICK: field.own("bare_flow"), SYNCD: field.own("syncd_flow")}
    return in_turns(contestants | {name: field.peer(name) for name in peers}, rounds, (YARDSTICK, SYNCD), peer_rounds)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--delays", default="0,50", help="milliseconds before every answer, one race each")
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--peers", default="all", help="all, none, or names: " + ", ".join(PEERS))
    parser.add_argument("--peer-rounds", type=int, default=1, help="they take minutes, and differ by multiples")
    parser.add_argument("--cache", type=Path, help="keeps the peers' environments; default: a temporary folder")
    telling(parser)
    wish = parser.parse_args()
    found: list[Measure] = []
    told: dict[str, Any] = {}
    panels = []
    with tempfile.TemporaryDirectory(prefix="syncd-peers-") as temporary, serving(wish.orders, DAYS) as fakes:
        for delay_ms in (float(text) for text in wish.delays.split(",")):
            field = Field(fakes, wish.orders, delay_ms, wish.concurrency, wish.cache or Path(temporary))
            peers = [] if delay_ms else chosen(wish.peers, PEERS)
            runs = race(field, peers, wish.rounds, wish.peer_rounds)
            found += measures(runs, wish.orders, delay_ms)
            answers = f"answers after {delay_ms:g} ms" if delay_ms else "answers at once"
            panels.append(panel(f"End to end, {answers}", {name: wish.orders / seconds(runs[name]) for name in runs}))
            told[f"{delay_ms:g}"] = {name: [run.told for run in done] for name, done in runs.items()}
    title = f"{wish.orders:,} orders from WDT to the issuer and back, at most {wish.concurrency} submissions at once"
    tell(title, found, {"panels": panels, "runs": told}, wish)


if __name__ == "__main__":
    main()
