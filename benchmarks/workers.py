"""One worker and two, over one PostgreSQL: end to end, every answer delayed.

    python -m benchmarks.workers [--orders N] [--merchants N] [--concurrency N] [--delay-ms MS] [--postgres URL]
                                 [--rounds N] [--json FILE] [--remark TEXT] [--strict]

A scheduler and one worker, then a scheduler and two, with the same settings: the orders are shared out among
`--merchants`, a worker has `--concurrency` submissions under way at most, and each answer takes `--delay-ms`. The
ledger of the fakes must show one invoice and one write-back for each order. One worker at a time pushes for a merchant:
of those that are pushed for, the busier of two workers has half, or more.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from benchmarks import racing
from benchmarks.fakes import serving
from benchmarks.flow import DAYS, Field, seconds
from benchmarks.postgres import postgres
from benchmarks.racing import Run, in_turns, median
from benchmarks.report import Measure, panel, tell, telling

ONE, TWO = "1 worker", "2 workers"


def measures(runs: Mapping[str, list[Run]], orders: int) -> list[Measure]:
    """What the runs show."""
    return [
        *(Measure(f"{name}, orders a second", orders / seconds(done), unit="/s") for name, done in runs.items()),
        Measure(f"{TWO} : {ONE}", seconds(runs[ONE]) / seconds(runs[TWO]), 1.6),
        *(
            Measure(f"{TWO} : {ONE}, round {number}", seconds([one]) / seconds([two]))
            for number, (one, two) in enumerate(zip(runs[ONE], runs[TWO], strict=True), 1)
        ),
        Measure("pushed for by the busier of two", 100 * median([run.told["busiest"] for run in runs[TWO]]), unit="%"),
        *(
            Measure(f"{name}, CPU for 1,000 orders", seconds(done, "cpu") * 1000 / orders, unit="s")
            for name, done in runs.items()
        ),
        Measure("second invoices", max(run.told["ledger"]["doubles"] for run in runs[TWO]), 0, "<=", ""),
    ]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--merchants", type=int, default=8)
    parser.add_argument("--concurrency", type=int, default=4)
    parser.add_argument("--delay-ms", type=float, default=50.0)
    parser.add_argument("--postgres", default="", metavar="URL")
    parser.add_argument("--rounds", type=int, default=2, help="each takes some three minutes")
    telling(parser)
    wish = parser.parse_args()
    with serving(wish.orders, DAYS) as fakes, postgres(wish.postgres) as fresh:
        field = Field(fakes, wish.orders, wish.delay_ms, wish.concurrency, Path(), wish.merchants, lambda _: fresh())

        def syncd(workers: int) -> Callable[[], Run]:
            command = partial(racing.own, "syncd_flow", workers=workers, merchants=wish.merchants)
            return partial(field.run, command)

        runs = in_turns({ONE: syncd(1), TWO: syncd(2)}, wish.rounds, must=(ONE, TWO))
    bars = {name: wish.orders / seconds(done) for name, done in runs.items()}
    drawn = panel(f"Workers over PostgreSQL, answers after {wish.delay_ms:g} ms", bars)
    told = {"panels": [drawn], "runs": {name: [run.told for run in done] for name, done in runs.items()}}
    title = f"{wish.orders:,} orders of {wish.merchants} merchants, {wish.concurrency} submissions at once in a worker"
    tell(title, measures(runs, wish.orders), told, wish)


if __name__ == "__main__":
    main()
