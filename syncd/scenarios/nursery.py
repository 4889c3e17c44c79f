"""Starting daemons that will be struck down, and looking at how they ended."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syncd.scenarios.world import TooLong

KILLED = -signal.SIGKILL


class EndedOtherwise(TooLong):
    """A daemon did not come to the end it had to come to; what it logged last is in the text."""


async def until(condition: Callable[[], object], what: str, within: float = 40.0, every: float = 0.003) -> None:
    """Wait for `condition`, looking `every` so often; TooLong naming `what` when it has not come `within` s."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() >= deadline:
            raise TooLong(f"waited {within} s in vain for: {what}")
        await asyncio.sleep(every)


async def at_most(seconds: float, condition: Callable[[], object]) -> None:
    """Wait for `condition`, or until the time is over."""
    deadline = time.monotonic() + seconds
    await until(lambda: condition() or time.monotonic() > deadline, "the end of the time", within=seconds + 60)


class Nursery:
    """The process that has imported the program and forks a daemon for each task (`processes`)."""

    def __init__(self) -> None:
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "syncd.scenarios.processes"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, task: dict[str, Any]) -> Daemon:
        """Fork one; it runs when this returns. `task` as in `processes.Task`."""
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.write(json.dumps(task) + "\n")
        self._parent.stdin.flush()
        return Daemon(int(self._parent.stdout.readline()), Path(task["home"]))

    def close(self) -> None:
        """Let the parent end, and with it whatever child is left."""
        self._parent.communicate(timeout=10)


@contextmanager
def nursery() -> Iterator[Nursery]:
    """A nursery that is closed at the end."""
    made = Nursery()
    try:
        yield made
    finally:
        made.close()


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
        try:
            return Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] == "T"
        except FileNotFoundError:
            return False

    @property
    def at_work(self) -> bool:
        """Whether it has come so far that it turns."""
        return bool(self.events("daemon.started"))

    @property
    def log(self) -> str:
        return (self.home / "log").read_text(encoding="utf-8", errors="replace")

    @property
    def last_words(self) -> str:
        """The end of its log, and everything in it that crashed."""
        crashed = [line for line in self.log.splitlines() if "task.crashed" in line]
        return "\n".join((*crashed[:2], self.log[-2000:]))

    @property
    def has_crashed(self) -> bool:
        """Whether something in it raised what it must not."""
        return '"task.crashed"' in self.log

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log lines of one event."""
        lines = [json.loads(line) for line in self.log.splitlines() if f'"{name}"' in line and line.endswith("}")]
        return [line for line in lines if line["event"] == name]

    def note(self, name: str) -> str:
        """What it left behind under `name`, or ""."""
        path = self.home / name
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def kill(self, sign: signal.Signals = signal.SIGKILL) -> None:
        """Send it a signal, unless it is over."""
        if not self.over:
            os.kill(self.pid, sign)

    async def begins(self) -> None:
        """It has come so far that it turns. Raises EndedOtherwise when it is over before."""
        await until(lambda: self.at_work or self.over, f"the daemon in {self.home} at work")
        if not self.at_work:
            raise EndedOtherwise(f"{await self.end()} before it began: {self.last_words}")

    async def end(self, within: float = 30.0) -> int:
        """Its exit code; minus the signal where one ended it."""
        await self.is_over(within)
        return int((self.home / "exit").read_text(encoding="ascii"))

    async def is_over(self, within: float) -> None:
        """It has ended, one way or the other. Raises TooLong."""
        await until(lambda: self.over, f"the end of the daemon in {self.home}", within)

    async def ends_well(self, within: float = 40.0) -> None:
        """It settled everything, and nothing in it crashed. Raises EndedOtherwise."""
        code = await self.end(within)
        if code != 0 or self.has_crashed:
            raise EndedOtherwise(f"{code}: {self.last_words}")

    async def dies(self) -> None:
        """It is killed, and nothing in it had crashed before. Raises EndedOtherwise."""
        self.kill()
        code = await self.end()
        if code != KILLED or self.has_crashed:
            raise EndedOtherwise(f"{code}: {self.last_words}")

    async def dies_at(self, point: str) -> None:
        """It was struck down where it was to be: the proof that the point was reached. Raises EndedOtherwise."""
        code = await self.end()
        if (code, self.note("struck")) != (KILLED, point):
            raise EndedOtherwise(f"{code} at {self.note('struck') or 'no point'}, not at {point}: {self.last_words}")
