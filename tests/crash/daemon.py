"""The daemon as a process that can be struck down, started in a moment.

Importing the program takes a second, and these tests start it a hundred times; so one process imports it once and
forks a child for each task it reads (a line of JSON on its standard input), answering the child's pid. Every child
is a process of its own, with its own store, sockets and signals. How it ended is in `HOME/exit`.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
import traceback
from collections.abc import Callable, Coroutine
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiosqlite  # noqa: F401  (imported before the forks: SQLAlchemy and Alembic load these late)
import alembic.command
import alembic.runtime.migration  # noqa: F401
import points
import sqlalchemy.dialects.sqlite.aiosqlite  # noqa: F401
import twin
from quick_clock import QuickClock

from syncd import app as program
from syncd.config import Settings, from_mapping
from syncd.stages.turn import run_unit
from syncd.store.engine import sqlite_path
from syncd.store.lock import HeldElsewhere
from syncd.store.store import Store
from syncd.watch import logs
from syncd.watch.notify import Notifier

#: sysexits: another daemon holds the store.
HELD_ELSEWHERE = 75
BROKEN = 70


@dataclass(frozen=True, slots=True)
class Task:
    """What one process is to do.

    `mode`: "once" (until nothing is due), "serve" (until SIGTERM), "unlocked" (every unit that is due, without the
    store's lock, until nothing is).
    `point`, `nth`, `sign`: where to be struck, by which signal. `twin`: a wrong program from `twin`.
    `clock`: base and speed. `timeout` and `tick` are seconds of the host.
    """

    home: str
    settings: dict[str, Any]
    clock: tuple[float, float]
    mode: str = "once"
    point: str = ""
    nth: int = 1
    sign: str = "SIGKILL"
    twin: str = ""
    timeout: float = 30.0
    tick: float = 0.04


# -- the child ---------------------------------------------------------------------------------------------------------


def perform(task: Task) -> int:
    """Run the task in this process; returns its exit code."""
    logs.configure("json", "info", sys.stderr.buffer)
    settings = from_mapping(task.settings)
    if task.twin:
        twin.play(task.twin, sqlite_path(settings.store.url.get_secret_value()))
    if task.point:
        strike = points.Strike(task.point, task.nth, signal.Signals[task.sign], Path(task.home, "struck"))
        points.install(strike)
    modes: dict[str, Callable[[Task, Settings], Coroutine[Any, Any, int]]] = {
        "once": once,
        "serve": serve,
        "unlocked": unlocked,
    }
    try:
        return asyncio.run(modes[task.mode](task, settings))
    except HeldElsewhere as held:
        Path(task.home, "held").write_text(str(held), encoding="utf-8")
        return HELD_ELSEWHERE


async def once(task: Task, settings: Settings) -> int:
    """Until nothing is due or pending; 1 when the time was over first."""
    opened = program.open_app(settings, clock=QuickClock(*task.clock), tick=task.tick)
    async with opened as app, app.turning(listen=False):
        try:
            async with asyncio.timeout(task.timeout):
                while not await _all_is_settled(app.store):  # noqa: ASYNC110 (the stages bring it about)
                    await asyncio.sleep(task.tick)
        except TimeoutError:
            return 1
    return 0


async def serve(task: Task, settings: Settings) -> int:
    """Until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with program.open_app(settings, clock=QuickClock(*task.clock), tick=task.tick) as app:
        await app.serve(stop, Notifier(None))
    return 0


async def unlocked(task: Task, settings: Settings) -> int:
    """One due unit after the other, as if there were no lock, until nothing is unsettled: only the fence is left."""
    program.StoreLock = nullcontext  # type: ignore[assignment, attr-defined]
    program.App.prepare = _make_units  # type: ignore[assignment, method-assign]
    try:
        async with program.open_app(settings, clock=QuickClock(*task.clock)) as app, asyncio.timeout(task.timeout):
            await _run_what_is_due(app, task.tick)
    except TimeoutError:
        return 1
    return 0


async def _make_units(app: program.App) -> None:
    """A start that takes nobody's lease away."""
    async with app.store.begin() as tx:
        for stage in app.stages.values():
            for key in stage.keys:
                await tx.units.ensure(stage.name, key)


async def _run_what_is_due(app: program.App, tick: float) -> None:
    while True:
        for stage in app.stages.values():
            async with app.store.read() as tx:
                due = await tx.units.due(stage.name)
            for key in due:
                await run_unit(app.store, stage, key, random.random)
                if await _all_is_settled(app.store):
                    return
        await asyncio.sleep(tick)


async def _all_is_settled(store: Store) -> bool:
    """Everything was looked at, the past is read, and only a person could go on with what is left."""
    async with store.read() as tx:
        unread = any(unit.ran_at is None for unit in await tx.units.all())
        return not (unread or await tx.windows.open_backfills() or await tx.board.unsettled())


# -- the parent --------------------------------------------------------------------------------------------------------


class Nursery:
    """Forks a child for every line read, and notes how each one ended."""

    def __init__(self) -> None:
        self._homes: dict[int, Path] = {}

    def run(self) -> None:
        signal.signal(signal.SIGCHLD, lambda *_: self._bury())
        for line in sys.stdin:
            task = Task(**json.loads(line))
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
            pid = os.fork()
            if pid == 0:
                _be_born(task)
            self._homes[pid] = Path(task.home)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
            print(pid, flush=True)  # noqa: T201
        for pid in list(self._homes):  # nobody listens any more: leave no orphan
            os.kill(pid, signal.SIGKILL)

    def _bury(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:  # another child's end came in between and took this one along
                return
            if pid == 0:
                return
            home = self._homes.pop(pid)
            note = home / "exit.new"
            note.write_text(str(os.waitstatus_to_exitcode(status)), encoding="ascii")
            note.rename(home / "exit")


def _be_born(task: Task) -> None:
    """Become a process of one's own, run the task and end; never returns."""
    code = BROKEN
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
        nothing = os.open(os.devnull, os.O_RDWR)
        log = os.open(Path(task.home, "log"), os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        for target, source in ((0, nothing), (1, nothing), (2, log)):
            os.dup2(source, target)
        code = perform(task)
    except BaseException:  # noqa: BLE001  (the child must not fall back into its parent's loop)
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    Nursery().run()
