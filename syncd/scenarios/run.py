"""Playing a scenario for a seed and judging what came out; several seeds share the machine's cores."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from syncd.scenarios.demands import broken, demands
from syncd.scenarios.figures import figures, story, struck
from syncd.scenarios.housing import STORE, housed
from syncd.scenarios.look import NothingThere
from syncd.scenarios.one_thread import at_once
from syncd.scenarios.plays import SCENARIOS
from syncd.scenarios.scenario import Scenario
from syncd.scenarios.server import NoServer, own_server
from syncd.scenarios.twin import playing
from syncd.scenarios.world import Spinning, TooLong, World


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be played: everything a run can be repeated from."""

    scenario: str
    rows: int
    seed: int
    workers: int
    twin: str = ""  # FILE:NAME of a deliberately wrong version
    #: Where the run has a store of its own: "sqlite", "postgresql" (a server that is started for it), or the URL of a
    #: PostgreSQL server; "" is what SYNCD_SIM_STORE says, else SQLite. Never told: it may have a password.
    store: str = field(default="", repr=False)

    def facts(self) -> dict[str, Any]:
        """What a run on any store can be repeated from."""
        facts = asdict(self)
        del facts["store"]
        return facts


class OtherStore(Exception):
    """The scenario is about the other kind of store, or there is no PostgreSQL here."""


@dataclass(frozen=True, slots=True)
class Result:
    """What one run ended with. `broken` are the scenario's own demands that did not hold, empty when it is well."""

    order: Order
    figures: Mapping[str, float]
    seen: Mapping[str, int]
    broken: tuple[str, ...] = ()
    story: tuple[str, ...] = field(default=(), repr=False)

    def facts(self) -> dict[str, Any]:
        """For JSON: the order, the figures and what did not hold; the story stays in the transcript."""
        return {**self.order.facts(), "figures": dict(self.figures), "seen": dict(self.seen), "broken": self.broken}


def play(order: Order) -> Result:
    """Play one scenario for one seed in a folder of its own, which is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="syncd-sim-", dir=_memory()) as folder, ExitStack() as stack:
        for place in (at_once(), playing(order.twin), _quiet()):
            stack.enter_context(place)
        server, its_folder = stack.enter_context(_server(order))
        url = stack.enter_context(housed(server, Path(folder)))
        world = World(
            *(order.scenario, order.rows, order.seed, order.workers, Path(folder)),
            twin=order.twin,
            url=url,
            server=its_folder,
        )
        return asyncio.run(_play(order, world))


@contextmanager
def _server(order: Order) -> Iterator[tuple[str, Path | None]]:
    """The URL of a server for the store, "" for SQLite; its folder if it was started for this. Raises OtherStore."""
    wanted = store_of(order)
    if not wanted.startswith("postgresql") or "://" in wanted:
        yield "" if wanted == "sqlite" else wanted, None
        return
    try:
        with own_server() as started:
            yield started
    except NoServer as error:
        raise OtherStore(str(error)) from error


def store_of(order: Order) -> str:
    """ "sqlite", "postgresql" or a URL: as it was asked for, as it is usual, as the day needs it. Raises OtherStore."""
    only = SCENARIOS[order.scenario].only
    if only in ("sqlite", "own server"):
        wanted = order.store or ("sqlite" if only == "sqlite" else "postgresql")
    else:
        wanted = order.store or os.environ.get(STORE, "") or only or "sqlite"
    fits = {"sqlite": wanted == "sqlite", "own server": wanted == "postgresql", "postgresql": wanted != "sqlite"}
    if not fits.get(only, True):
        raise OtherStore(f"{order.scenario}: {only}")
    return wanted


async def _play(order: Order, world: World) -> Result:
    scenario = SCENARIOS[order.scenario]
    began = time.perf_counter()
    ended = ""
    try:
        await scenario.play(world)
    except (TooLong, Spinning) as stuck:
        ended = str(stuck)
    try:
        counted = {**figures(world.sandbox, world.url), **world.figures}
    except NothingThere as nothing:
        raise NothingThere(f"{nothing}; {ended}") from nothing
    counted["crashes"] = world.crashes
    counted["seconds"] = round(time.perf_counter() - began, 3)
    seen = dict(sorted((struck(world.sandbox) + world.seen).items()))
    told = tuple(story(world.url))
    return Result(order, counted, seen, _judged(scenario, counted, seen, ended), told)


def _judged(scenario: Scenario, counted: Mapping[str, float], seen: Mapping[str, int], ended: str) -> tuple[str, ...]:
    never = [f"{name} never happened: this run proves nothing" for name in scenario.sometimes if not seen.get(name)]
    stuck = [ended] if ended else []
    if counted["crashes"] and "crashes" not in scenario.must:
        stuck.append(f"{counted['crashes']:g} turns ended in a defect: SYNCD_SIM_LOG=FILE shows them")
    return (*stuck, *broken(counted, demands(scenario.must)), *never)


def play_all(orders: Sequence[Order], jobs: int = 0) -> Iterator[Result]:
    """Play each, several at a time (`jobs` 0: one per core); results come in the order asked for."""
    many = min(jobs or os.cpu_count() or 1, len(orders))
    if many <= 1:
        yield from map(play, orders)
        return
    with ProcessPoolExecutor(many, mp_context=get_context("spawn")) as pool:
        yield from pool.map(play, orders)


def together(results: Sequence[Result]) -> dict[str, float]:
    """The figures of several runs: sums, but the largest of what is a maximum, a percentile or a span."""
    names = list(dict.fromkeys(name for result in results for name in result.figures))
    whole: dict[str, float] = {}
    for name in names:
        values = [result.figures[name] for result in results if name in result.figures]
        largest = name.startswith(("max_", "p50_", "p95_", "p99_")) or name.endswith(("_ratio", "_seconds"))
        whole[name] = max(values) if largest else round(sum(values), 3)
    return whole


def _memory() -> str | None:
    """A folder in memory where there is one: no power fails in a rehearsal, and waiting for a disk proves nothing."""
    shared = Path("/dev/shm")
    return str(shared) if os.access(shared, os.W_OK) else None


@contextmanager
def _quiet() -> Iterator[None]:
    """The program's own log goes to SYNCD_SIM_LOG when that is set, else nowhere."""
    from syncd.watch import logs

    target = os.environ.get("SYNCD_SIM_LOG", os.devnull)
    with open(target, "ab", buffering=0) as sink:
        logs.configure("json", "info", sink)
        yield
