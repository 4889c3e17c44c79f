"""Starting daemons that will be struck down, and looking at how they ended."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

from crash_ledgers import Books
from quick_clock import QuickClock

from syncd.domain.clock import BEIJING
from syncd.sandbox import DEMO, Mix, Sandbox, SandboxOptions

HERE = Path(__file__).parent
MERCHANT = "m001"
KILLED = -signal.SIGKILL
#: The demo's make-up, all within the last hour: one window for the past is enough here.
LATELY = replace(DEMO, days=0.03)


async def until(condition: Callable[[], object], what: str, within: float = 20.0, every: float = 0.003) -> None:
    """Wait for `condition`, looking `every` so often; AssertionError naming `what` when it has not come `within` s."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"waited {within} s in vain for: {what}"
        await asyncio.sleep(every)


class Nursery:
    """The process that has imported the program and forks a daemon for each task."""

    def __init__(self) -> None:
        self._parent = subprocess.Popen(
            [sys.executable, str(HERE / "daemon.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def start(self, task: dict[str, Any]) -> Daemon:
        """Fork one; it runs when this returns."""
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.write(json.dumps(task) + "\n")
        self._parent.stdin.flush()
        return Daemon(int(self._parent.stdout.readline()), Path(task["home"]))

    def close(self) -> None:
        """Let the parent end, and with it whatever child is left."""
        self._parent.communicate(timeout=10)


@dataclass(frozen=True, slots=True)
class Daemon:
    """One started process. `home` holds its log and the notes it left."""

    pid: int
    home: Path

    @property
    def over(self) -> bool:
        return (self.home / "exit").exists()

    @property
    def stopped(self) -> bool:
        """Whether it stands still under SIGSTOP."""
        return Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] == "T"

    @property
    def log(self) -> str:
        return (self.home / "log").read_text(encoding="utf-8")

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log lines of one event."""
        lines = [json.loads(line) for line in self.log.splitlines() if line.startswith("{") and line.endswith("}")]
        return [line for line in lines if line["event"] == name]

    def note(self, name: str) -> str:
        """What it left behind under `name`, or ""."""
        path = self.home / name
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def kill(self, sign: signal.Signals = signal.SIGKILL) -> None:
        if not self.over:
            os.kill(self.pid, sign)

    async def end(self, within: float = 30.0) -> int:
        """Its exit code; minus the signal where one ended it."""
        await until(lambda: self.over, f"the end of the daemon in {self.home}", within)
        return int((self.home / "exit").read_text(encoding="ascii"))

    async def ends_well(self, within: float = 40.0) -> None:
        """It settled everything, and nothing in it crashed."""
        code = await self.end(within)
        assert code == 0, self.log
        assert "task.crashed" not in self.log, self.log

    async def dies_at(self, point: str) -> None:
        """It was struck down where it was to be: the proof that the point was reached."""
        code = await self.end()
        assert (code, self.note("struck")) == (KILLED, point), self.log


@dataclass(slots=True)
class Yard:
    """One sandbox, one store, and the daemons that work between them one after another."""

    sandbox: Sandbox
    nursery: Nursery
    clock: QuickClock
    home: Path
    books: Books
    tree: dict[str, Any] = field(default_factory=dict)
    daemons: list[Daemon] = field(default_factory=list)
    _numbers: count[int] = field(default_factory=lambda: count(1))

    def start(self, point: str = "", **task: Any) -> Daemon:
        """Start a daemon on the store; `task` as in `daemon.Task`."""
        home = self.home / f"daemon{next(self._numbers)}"
        home.mkdir()
        (home / "log").touch()
        clock = (self.clock.base, self.clock.speed)
        daemon = self.nursery.start({"home": str(home), "settings": self.tree, "clock": clock, "point": point, **task})
        self.daemons.append(daemon)
        return daemon

    async def runs_to_the_end(self, **task: Any) -> Daemon:
        """Start a daemon and wait until everything is settled."""
        daemon = self.start(**task)
        await daemon.ends_well()
        return daemon

    def lose_the_store(self) -> None:
        """Delete the database with everything SQLite keeps beside it."""
        for path in self.books.store.parent.glob(self.books.store.name + "*"):
            path.unlink()


@asynccontextmanager
async def yard(
    nursery: Nursery, home: Path, *, orders: int = 12, mix: Mix = LATELY, speed: float = 25.0, **options: Any
) -> AsyncIterator[Yard]:
    """A populated sandbox and an empty store."""
    clock = QuickClock(time.time(), speed)

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds / speed)

    wanted = SandboxOptions(clock=clock.unix, sleep=sleep, calls_per_minute=0, **options)
    async with Sandbox(wanted) as sandbox:
        sandbox.populate(orders, mix)
        store = home / "syncd.db"
        made = Yard(sandbox, nursery, clock, home, Books(sandbox, store))
        made.tree = settings(sandbox, store, clock)
        try:
            yield made
        finally:
            for daemon in made.daemons:
                daemon.kill()
            for daemon in made.daemons:
                await daemon.end()


def settings(sandbox: Sandbox, store: Path, clock: QuickClock) -> dict[str, Any]:
    """The daemon's settings, small batches so that every point is passed more than once."""
    start = (clock.now() - timedelta(hours=1)).astimezone(BEIJING)
    return {
        "store": {"url": f"sqlite:///{store}"},
        "console": {"listen": "127.0.0.1:0"},
        "poll": {"start": f"{start:%Y-%m-%d %H:%M:%S}"},
        "push": {"batch": 4, "concurrency": 2},
        "write_back": {"batch": 4, "confirm_after": "0.5s"},
        "merchants": [
            {
                "name": MERCHANT,
                "issuer": "main",
                "wdt": {
                    "url": sandbox.wdt_url,
                    "sid": "demo_sid",
                    "key": "demo_sid-syncd",
                    "secret": "demosecret:demosalt",
                    "calls_per_minute": 6000,
                    "timeout": "2s",
                },
            }
        ],
        "issuers": {
            "main": {
                "kind": "nuonuo",
                "url": sandbox.nuonuo_url,
                "app_key": "demo_key",
                "secret": "demo_secret",
                "token": "demo_token",
                "tax_no": "339902999999789113",
                "settle": "5s",
                "timeout": "2s",
                "calls_per_minute": 60_000,
            }
        },
    }
