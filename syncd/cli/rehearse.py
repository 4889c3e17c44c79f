"""`syncd sim list|run|replay`: scripted days that go wrong, judged by their figures."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from syncd.cli import options, output
from syncd.cli.frame import FAILED, FINE, Frame, here, leave
from syncd.cli.words import Lang, helper

if TYPE_CHECKING:
    from syncd.scenarios.demands import Demand
    from syncd.scenarios.run import Order, Result
    from syncd.scenarios.scenario import Scenario

_SEEDS = re.compile(r"(\d{1,9})(?:\.\.(\d{1,9}))?", re.ASCII)
MOST_SEEDS = 100_000


@dataclass(frozen=True, slots=True)
class Wish:
    """A run as it was asked for; None and "" mean the scenario's own."""

    scenario: str
    rows: int | None
    seed: str
    workers: int | None
    wanted: str
    jobs: int
    twin: str
    transcript: Path | None
    store: str


def register(sim: typer.Typer, lang: Lang) -> None:
    """Add `list`, `run` and `replay` to `syncd sim`."""
    text = helper(lang)

    @sim.command("list", help=text("sim.list"))
    def list_command(ctx: typer.Context, as_json: bool = options.as_json(lang)) -> None:
        _list(here(ctx), as_json)

    @sim.command("run", help=text("sim.run"))
    def run_command(
        ctx: typer.Context,
        scenario: str = typer.Argument(metavar="SCENARIO", help=text("opt.scenario")),
        rows: int | None = typer.Option(None, "--rows", metavar="N", min=1, max=1_000_000, help=text("opt.rows")),
        seed: str = typer.Option("1", "--seed", metavar="S[..T]", help=text("opt.seeds")),
        workers: int | None = typer.Option(None, "--workers", metavar="W", min=1, max=16, help=text("opt.workers")),
        wanted: str = typer.Option("", "--assert", metavar="FIGURES", help=text("opt.assert")),
        jobs: int = typer.Option(0, "--jobs", metavar="N", min=0, max=256, help=text("opt.jobs")),
        twin: str = typer.Option("", "--twin", metavar="FILE:NAME", help=text("opt.twin")),
        transcript: Path | None = typer.Option(None, "--transcript", metavar="FILE", help=text("opt.transcript")),
        store: str = typer.Option("", "--store", metavar="STORE", help=text("opt.sim_store")),
    ) -> None:
        leave(_run(here(ctx), Wish(scenario, rows, seed, workers, wanted, jobs, twin, transcript, store)))

    @sim.command("replay", help=text("sim.replay"))
    def replay_command(
        ctx: typer.Context, file: Path = typer.Argument(metavar="FILE", help=text("opt.replay"))
    ) -> None:
        leave(_replay(here(ctx), file))


def _list(frame: Frame, as_json: bool) -> None:
    from syncd.scenarios.plays import SCENARIOS

    said = 0 if frame.lang == "zh" else 1
    if as_json:
        output.show_json([_facts(scenario) for scenario in SCENARIOS.values()])
        return
    head = [frame.say("column.scenario"), frame.say("column.promise")]
    output.table(head, [[one.name, (one.zh, one.en)[said]] for one in SCENARIOS.values()])


def _facts(scenario: Scenario) -> dict[str, Any]:
    names = ("name", "zh", "en", "must", "sometimes", "faults", "rows", "workers", "only")
    return {name: getattr(scenario, name) for name in names}


# -- running -----------------------------------------------------------------------------------------------------------


def _run(frame: Frame, wish: Wish) -> int:
    from syncd.scenarios.run import OtherStore, play_all
    from syncd.scenarios.transcript import write
    from syncd.scenarios.twin import NoSuchTwin

    wanted = _demands(frame, wish.wanted)
    orders = _orders(frame, wish)
    if wish.transcript is not None and (len(orders) > 1 or wish.transcript.exists()):
        raise frame.unusable("sim.one_transcript", path=wish.transcript)
    try:
        results = list(_told(frame, play_all(orders, wish.jobs), wanted))
    except NoSuchTwin as twin:
        raise frame.unusable("sim.no_twin", twin=twin) from None
    except OtherStore as why:
        raise frame.unusable("sim.other_store", why=why) from None
    if wish.transcript is not None:
        write(wish.transcript, results[0])
    output.show_json(_report(wish, results))
    return FAILED if any(result.broken for result in results) else FINE


def _told(frame: Frame, results: Iterable[Result], wanted: tuple[Demand, ...]) -> Iterable[Result]:
    """Each result judged by the caller's demands too, and a line about it for whoever watches."""
    from syncd.scenarios.demands import broken

    for result in results:
        judged = replace(result, broken=(*result.broken, *broken(result.figures, wanted)))
        seed, why = judged.order.seed, "; ".join(judged.broken)
        line = frame.say("sim.broken", seed=seed, why=why) if why else frame.say("sim.well", seed=seed)
        print(output.inert(line), file=sys.stderr, flush=True)
        yield judged


def _report(wish: Wish, results: list[Result]) -> dict[str, Any]:
    from syncd.scenarios.run import store_of, together

    first = results[0].order
    return {
        "scenario": first.scenario,
        "rows": first.rows,
        "workers": first.workers,
        "seeds": [result.order.seed for result in results],
        "twin": first.twin or None,
        "store": store_of(first).partition(":")[0],  # the rest of a URL is nobody's business
        "figures": together(results),
        "seen": _summed(results),
        "well": not any(result.broken for result in results),
        "broken": {str(result.order.seed): list(result.broken) for result in results if result.broken},
    }


def _summed(results: list[Result]) -> dict[str, int]:
    names = sorted({name for result in results for name in result.seen})
    return {name: sum(result.seen.get(name, 0) for result in results) for name in names}


def _demands(frame: Frame, text: str) -> tuple[Demand, ...]:
    from syncd.scenarios.demands import demands

    try:
        return demands(text)
    except ValueError as part:
        raise frame.unusable("sim.demand", part=part) from None


def _orders(frame: Frame, wish: Wish) -> list[Order]:
    from syncd.scenarios.plays import SCENARIOS
    from syncd.scenarios.run import Order
    from syncd.store.postgres import is_postgresql

    scenario = SCENARIOS.get(wish.scenario)
    if scenario is None:
        near = frame.nearest(wish.scenario, list(SCENARIOS))
        raise frame.unusable("unknown.scenario", name=wish.scenario, near=near)
    rows, workers = wish.rows or scenario.rows, wish.workers or scenario.workers
    if wish.store not in ("", "sqlite", "postgresql") and not is_postgresql(wish.store):
        raise frame.unusable("sim.store", text=wish.store.partition("://")[0])
    seeds = _seeds(frame, wish.seed)
    return [Order(scenario.name, rows, seed, workers, wish.twin, wish.store) for seed in seeds]


def _seeds(frame: Frame, text: str) -> range:
    match = _SEEDS.fullmatch(text.strip())
    first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
    if not first <= last < first + MOST_SEEDS:
        raise frame.unusable("sim.seeds", text=text)
    return range(first, last + 1)


# -- again -------------------------------------------------------------------------------------------------------------


def _replay(frame: Frame, file: Path) -> int:
    from syncd.scenarios.plays import SCENARIOS
    from syncd.scenarios.run import play
    from syncd.scenarios.transcript import NoTranscript, differences, of, read

    try:
        then = read(file)
    except (NoTranscript, OSError, UnicodeDecodeError):
        raise frame.unusable("sim.no_transcript", path=file) from None
    if then.order.scenario not in SCENARIOS:
        raise frame.unusable("unknown.scenario", name=then.order.scenario, near="")
    result = play(then.order)
    found = differences(then, of(result))
    output.show_json({**result.facts(), "same": not found, "differences": found[:50]})
    return FAILED if found else FINE
