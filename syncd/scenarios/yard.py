"""Where real processes are struck down: one sandbox, one store, and the daemons that work between them."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

from syncd.domain.clock import BEIJING
from syncd.sandbox import DEMO, HEALTHY, Mix, Sandbox, SandboxOptions
from syncd.scenarios import housing
from syncd.scenarios.books import Books
from syncd.scenarios.clocks import QuickClock
from syncd.scenarios.housing import STORE, housed
from syncd.scenarios.nursery import Daemon, Nursery, nursery, until
from syncd.scenarios.settings import settings_for
from syncd.scenarios.world import TooLong, World
from syncd.store.postgres import is_postgresql

#: The demo's make-up, all within the last hour: one window for the past is enough here.
LATELY = replace(DEMO, days=0.03)
#: Orders that were changed just now, where the next reading will find them.
FRESH = replace(HEALTHY, fresh=1.0)
#: So many times faster than the host: a lease lasts a second.
QUICK = 60.0
#: So many times longer than in a file a turn takes on a server's store.
ROUND_TRIPS = 3.0


@dataclass(slots=True)
class Yard:
    """One sandbox, one store, and the daemons started so far. `tree` are their settings."""

    sandbox: Sandbox
    nursery: Nursery
    clock: QuickClock
    home: Path
    books: Books
    twin: str = ""
    tree: dict[str, Any] = field(default_factory=dict)
    daemons: list[Daemon] = field(default_factory=list)
    _numbers: count[int] = field(default_factory=lambda: count(1))

    def start(self, point: str = "", **task: Any) -> Daemon:
        """Start a daemon on the store; `task` as in `processes.Task`."""
        home = self.home / f"daemon{next(self._numbers)}"
        home.mkdir()
        (home / "log").touch()
        clock = (self.clock.base, self.clock.speed)
        wanted = {"settings": self.tree, "clock": clock, "point": point, "twin": self.twin, **task}
        daemon = self.nursery.start({"home": str(home), **wanted})
        self.daemons.append(daemon)
        return daemon

    async def runs_to_the_end(self, **task: Any) -> Daemon:
        """Start a daemon and wait until everything is settled. Raises EndedOtherwise."""
        daemon = self.start(**task)
        await daemon.ends_well()
        return daemon

    async def works_everything_off(self, patience: float, *, taking_from: Daemon | None = None, **task: Any) -> None:
        """One daemon until nothing is left; a double is a verdict, after which nothing more is waited for.

        `taking_from`: a sleeper whose units are taken over when their lease ends. Raises TooLong, EndedOtherwise.
        """
        books = self.books
        last = self.start(mode="serve", **task)
        await last.begins()
        await self.is_worked_off(last, patience)
        if taking_from is not None:
            pid = taking_from.pid
            await until(lambda: books.held_by(pid) == 0, "its units to be taken over", within=patience, every=0.05)
        last.kill(signal.SIGTERM)
        await last.ends_well()

    async def is_worked_off(self, last: Daemon, patience: float) -> None:
        """`last`, which is at work, has left nothing to do; its last words are in the text if not. Raises TooLong."""
        books = self.books
        try:
            await until(lambda: _is_decided(books.broken()), "nothing to be lost", within=patience, every=0.1)
        except TooLong as stuck:
            raise TooLong(f"{stuck}; {books.unfinished()}; {last.last_words}") from stuck
        if not books.broken()["doubles"]:
            await until(lambda: books.open_orders() == 0, "nothing to be open", within=patience, every=0.05)

    def lose_the_store(self) -> None:
        """Delete the database."""
        self.books.close()
        housing.lose(self.books.url)

    async def clear(self) -> None:
        """Kill whoever is still alive."""
        for daemon in self.daemons:
            daemon.kill()
        for daemon in self.daemons:
            await daemon.end()
        self.books.close()


def _is_decided(broken: dict[str, int]) -> bool:
    return broken["lost"] == 0 or broken["doubles"] > 0


@asynccontextmanager
async def yard(
    nursery: Nursery,
    home: Path,
    *,
    orders: int = 12,
    mix: Mix = LATELY,
    speed: float = 25.0,
    twin: str = "",
    sections: dict[str, dict[str, Any]] | None = None,
    store: str = "",
    **options: Any,
) -> AsyncIterator[Yard]:
    """A populated sandbox and an empty store: on the server `store` or SYNCD_SIM_STORE, or in a file in `home`.

    `sections` are merged over the settings, `options` into the sandbox's.
    """
    server = store or os.environ.get(STORE, "")
    clock = QuickClock(time.time(), speed / ROUND_TRIPS if server else speed)
    wanted = {"clock": clock.unix, "sleep": _sleeping(clock.speed), "calls_per_minute": 0, **options}
    with housed(server, home) as url:
        async with Sandbox(SandboxOptions(**wanted)) as sandbox:
            if orders:
                sandbox.populate(orders, mix)
            made = _yard(sandbox, nursery, clock, home, Books(sandbox, url), home, twin, sections or {})
            try:
                yield made
            finally:
                await made.clear()


@asynccontextmanager
async def yard_of(
    world: World, *, speed: float = QUICK, sections: dict[str, dict[str, Any]] | None = None, **options: Any
) -> AsyncIterator[Yard]:
    """The same for a play: an empty sandbox and an empty store of this world, and a nursery for as long as it takes.

    On a server's store time goes more slowly: what is a step in a file is a few round trips there.
    """
    speed = speed / ROUND_TRIPS if is_postgresql(world.url) else speed
    clock = QuickClock(time.time(), speed)
    home = world.folder / "daemons"
    home.mkdir()
    async with world.parties(clock=clock.unix, sleep=_sleeping(speed), **options) as sandbox:
        with nursery() as parent:
            books, twin = Books(sandbox, world.url), _absolute(world.twin)
            made = _yard(sandbox, parent, clock, home, books, world.folder, twin, sections or {})
            try:
                yield made
            finally:
                await made.clear()


def _yard(
    sandbox: Sandbox,
    nursery: Nursery,
    clock: QuickClock,
    home: Path,
    books: Books,
    folder: Path,
    twin: str,
    sections: dict[str, dict[str, Any]],
) -> Yard:
    made = Yard(sandbox, nursery, clock, home, books, twin)
    start = (clock.now() - timedelta(hours=1)).astimezone(BEIJING)
    calm: dict[str, dict[str, Any]] = {
        "store": {"witness": str(folder / "witness")},
        "schedule": {"push": "2s", "collect": "2s", "write_back": "2s"},
        "poll": {"start": f"{start:%Y-%m-%d %H:%M:%S}"},
        "push": {"batch": 4, "concurrency": 2},  # small batches: every point is passed more than once
        "write_back": {"batch": 4, "confirm_after": "0.5s"},
        "wdt": {"timeout": "2s"},
        "issuer": {"settle": "5s", "timeout": "2s"},
    }
    merged = {name: {**calm.get(name, {}), **sections.get(name, {})} for name in {**calm, **sections}}
    made.tree = settings_for(sandbox.describe(), folder, clock.now(), books.url, **merged)
    return made


def _sleeping(speed: float) -> Any:
    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds / speed)

    return sleep


def _absolute(twin: str) -> str:
    """The same twin from any folder."""
    file, _, name = twin.rpartition(":")
    return f"{Path(file).resolve()}:{name}" if file else twin
