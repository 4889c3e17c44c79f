"""The daemon as a process of its own that can be struck down, started in a moment.

Importing the program takes a second, and a storm starts it hundreds of times; so one process imports it once
(`python -m syncd.scenarios.processes`) and forks a child for each task it reads, a line of JSON on its standard input,
answering the child's pid. Every child has its own connections, sockets and signals. How it ended is in `HOME/exit`.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import signal
import sys
import traceback
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiosqlite  # noqa: F401  (imported before the forks: SQLAlchemy and Alembic load these late)
import alembic.command
import alembic.runtime.migration  # noqa: F401
import sqlalchemy.dialects.sqlite.aiosqlite  # noqa: F401

from syncd import faultpoint
from syncd.app import App, open_app
from syncd.config import Settings, from_mapping
from syncd.scenarios.clocks import QuickClock
from syncd.scenarios.twin import playing
from syncd.stages.turn import run_unit
from syncd.store.lock import HeldElsewhere
from syncd.store.soundness import Corrupt
from syncd.store.units import LeaseClock
from syncd.watch import logs
from syncd.watch.notify import Notifier

#: How a child ends that another daemon keeps out, that finds its store damaged, that broke.
HELD_ELSEWHERE, CORRUPT, BROKEN = 75, 65, 70


@dataclass(frozen=True, slots=True)
class Task:
    """What one process is to do.

    `mode`: "once" (until nothing is due), "serve" (until SIGTERM), "in_turn" (every unit once, then one due unit
    after the other until nothing is due; always shared). `shared`: without the store's kernel lock, as one of several
    workers; `wait_for_lock`: how many seconds of the host to wait for it otherwise.
    `point`, `nth`, `sign`: where to be struck, the how-manieth time, by which signal. `twin`: FILE:NAME of a wrong
    program. `clock`: base and speed. `timeout` and `tick` are seconds of the host.
    """

    home: str
    settings: dict[str, Any]
    clock: tuple[float, float]
    mode: str = "once"
    shared: bool = False
    wait_for_lock: float = 0.0
    point: str = ""
    nth: int = 1
    sign: str = "SIGKILL"
    twin: str = ""
    timeout: float = 30.0
    tick: float = 0.04
    #: As for `Store.at`: a lease by the database's clock lasts its whole minute, however fast the program's clock goes.
    leases: str = LeaseClock.HOST


@dataclass(slots=True)
class Strike:
    """Sends `sign` to this very process when `point` is reached for the `nth` time, and leaves a note before."""

    point: str
    nth: int
    sign: signal.Signals
    note: Path

    def __call__(self, point: str) -> None:
        if point != self.point or self.nth <= 0:
            return
        self.nth -= 1
        if self.nth == 0:
            self.note.write_text(point, encoding="ascii")
            os.kill(os.getpid(), self.sign)


# -- the child ---------------------------------------------------------------------------------------------------------


def perform(task: Task) -> int:
    """Run the task in this process; returns its exit code. Raises ValueError for a point that does not exist."""
    logs.configure("json", "info", sys.stderr.buffer)
    settings = from_mapping(task.settings)
    modes: dict[str, Callable[[Task, Settings], Coroutine[Any, Any, int]]] = {
        "once": _once,
        "serve": _serve,
        "in_turn": _in_turn,
    }
    with ExitStack() as stack:
        stack.enter_context(playing(task.twin))
        if task.point:
            stack.enter_context(faultpoint.armed(_strike(task)))
        try:
            return asyncio.run(modes[task.mode](task, settings))
        except HeldElsewhere as held:
            Path(task.home, "held").write_text(str(held), encoding="utf-8")
            return HELD_ELSEWHERE
        except Corrupt as damage:
            Path(task.home, "corrupt").write_text(str(damage), encoding="utf-8")
            return CORRUPT


def _strike(task: Task) -> Strike:
    if task.point not in faultpoint.POINTS:
        raise ValueError(f"no such point: {task.point}")
    return Strike(task.point, task.nth, signal.Signals[task.sign], Path(task.home, "struck"))


async def _once(task: Task, settings: Settings) -> int:
    """Until nothing is due or pending; 1 when the time was over first."""
    async with _opened(task, settings) as app, app.turning(listen=False):
        try:
            async with asyncio.timeout(task.timeout):
                while not (await app.settled()).done:  # noqa: ASYNC110 (the stages bring it about)
                    await asyncio.sleep(task.tick)
        except TimeoutError:
            return 1
    return 0


async def _serve(task: Task, settings: Settings) -> int:
    """Until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    async with _opened(task, settings) as app:
        await app.serve(stop, Notifier(None))
    return 0


def _opened(task: Task, settings: Settings) -> AbstractAsyncContextManager[App]:
    return open_app(
        settings,
        clock=QuickClock(*task.clock),
        tick=task.tick,
        exclusive=not task.shared,
        wait_for_lock=task.wait_for_lock,
        leases=LeaseClock(task.leases) if task.leases else None,
    )


async def _in_turn(task: Task, settings: Settings) -> int:
    """One due unit after the other, without the lock, until nothing is unsettled; 1 when the time was over first."""
    try:
        opened = _opened(replace(task, shared=True, wait_for_lock=0.0), settings)
        async with opened as app, asyncio.timeout(task.timeout):
            await _run_what_is_due(app, task.tick)
    except TimeoutError:
        return 1
    return 0


async def _run_what_is_due(app: App, tick: float) -> None:
    async with app.store.begin() as tx:
        for stage in app.stages.values():
            for key in stage.keys:
                await tx.units.wake(stage.name, key)
    while True:
        for stage in app.stages.values():
            async with app.store.read() as tx:
                due = await tx.units.due(stage.name)
            for key in due:
                await run_unit(app.store, stage, key, random.random)
        if (await app.settled()).done:
            return
        await asyncio.sleep(tick)


# -- the parent --------------------------------------------------------------------------------------------------------


class Parent:
    """Forks a child for every line read, and notes how each one ended."""

    def __init__(self) -> None:
        self._homes: dict[int, Path] = {}

    def run(self) -> None:
        """Until nobody listens any more; then no child is left."""
        gc.collect()
        gc.freeze()  # children share these pages; collecting in each of them would copy every one
        signal.signal(signal.SIGCHLD, lambda *_: self._bury())
        for line in sys.stdin:
            task = Task(**json.loads(line))
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
            pid = os.fork()
            if pid == 0:
                _be_born(task)
            self._homes[pid] = Path(task.home)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
            sys.stdout.write(f"{pid}\n")
            sys.stdout.flush()
        for pid in list(self._homes):
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
    """Become a process of one's own, run the task and end; never returns into the parent's loop."""
    code = BROKEN
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
        nothing = os.open(os.devnull, os.O_RDWR)
        log = os.open(Path(task.home, "log"), os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
        for target, source in ((0, nothing), (1, nothing), (2, log)):
            os.dup2(source, target)
        code = perform(task)
    finally:
        if sys.exc_info()[0] is not None:
            traceback.print_exc()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    Parent().run()
