"""The table of docs/twins.md: every rule, the day that shows it, and what a wrong version of it does that day.

    python tests/scenarios/table.py > docs/twins.md
    python tests/scenarios/table.py workers-storm       # the rows of these days alone, to be put in place of the old

Every row is really played, rightly and wrongly, with fixed seeds; a day of many workers starts a PostgreSQL for it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from rules import RULES, SHOWN, Shown

from syncd.scenarios.run import Order, Result, play, play_all

#: Real processes have real instants: so many other seeds are tried where a twin did not come to do harm.
AGAIN = 5

_HEAD = """\
# Wrong twins · 错误的孪生

A rehearsal proves something only if it can fail. For every rule of the program there is a day (`syncd sim run`) and a
*twin*: the same program with this one rule broken, as it is easily written by mistake. The day must notice it. Played
with fixed seeds by `python tests/scenarios/table.py > docs/twins.md`; the tests play the same rows.

每条规则都配有一个演练日与一个“孪生”程序：只破坏这一条规则。演练必须能发现它。

    syncd sim run SCENARIO --rows N --seed S --workers W --twin tests/scenarios/FILE.py:NAME

| rule · 规则 | scenario · 情景 | twin · 孪生 | rows | right · 正确 | wrong · 错误 |
| --- | --- | --- | --- | --- | --- |
"""


def orders(shown: Sequence[Shown]) -> list[Order]:
    """Each row as it is to be played: rightly, then wrongly."""
    return [Order(one.scenario, one.rows, one.seed, one.workers, twin) for one in shown for twin in ("", str(one.path))]


def place(one: Shown) -> str:
    """The part of a row that does not depend on what came out."""
    zh, en = RULES[one.rule]
    return f"| {one.rule}. {en} · {zh} | `{one.scenario}` | `{one.twin}` | {one.rows} |"


def lines(shown: Sequence[Shown], results: Iterator[Result]) -> Iterator[str]:
    """The table's rows."""
    for one in shown:
        told = _figures(one, next(results))
        yield f"{place(one)} {told} | {_harm(one, next(results), told)} |"


def _harm(one: Shown, result: Result, told: str) -> str:
    """The figures of the twin's run, or of another seed's, in which they are not those of the right one.

    Raises RuntimeError where it did no harm that they show.
    """
    for seed in range(one.seed, one.seed + AGAIN + 1):
        result = result if seed == one.seed else play(replace(result.order, seed=seed))
        otherwise = _figures(one, result)
        if result.broken and otherwise != told:
            return otherwise
    raise RuntimeError(f"{one.twin} did no harm that {one.scenario} shows: {', '.join(result.broken) or 'all holds'}")


def _figures(one: Shown, result: Result) -> str:
    told = [f"{name}={result.figures[name]:g}" for name in one.figures if name in result.figures]
    return ", ".join(told) or "not settled"


def main() -> None:
    """Play everything and print the page, or the rows of the days that are named."""
    wanted = set(sys.argv[1:])
    if unknown := wanted - {one.scenario for one in SHOWN}:
        sys.exit(f"no row is about {', '.join(sorted(unknown))}")
    shown = [one for one in SHOWN if not wanted or one.scenario in wanted]
    sys.stdout.write("" if wanted else _HEAD)
    for line in lines(shown, play_all(orders(shown), jobs=1 if wanted else 0)):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
