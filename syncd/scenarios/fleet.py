"""The processes of a fleet: real `syncd run --role …`, as the command line starts it, on one PostgreSQL."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from syncd.scenarios.books import Books
from syncd.scenarios.nursery import Daemon, until
from syncd.scenarios.world import TooLong

#: `syncd …` with a deliberately wrong version in place, or with none ("").
_COMMAND_LINE = """
import sys
from syncd.scenarios.twin import playing
with playing(sys.argv.pop(1)):
    from syncd.cli import main
    main()
"""
#: Units at work at a time in each stage's group of one worker.
PLACES = 16


@dataclass(frozen=True, slots=True)
class Member(Daemon):
    """One process of the fleet."""

    role: str
    process: subprocess.Popen[bytes]

    @property
    def over(self) -> bool:
        return self.process.poll() is not None

    @property
    def at_work(self) -> bool:
        return bool(self.events("worker.joined"))

    async def end(self, within: float = 30.0) -> int:
        """Its exit code; minus the signal where one ended it."""
        await self.is_over(within)
        return int(self.process.returncode)


@dataclass(slots=True)
class Fleet:
    """Everybody who works on the store of `books`; `settings` is the tree of their settings file."""

    home: Path
    books: Books
    settings: dict[str, Any]
    twin: str = ""
    members: list[Member] = field(default_factory=list)
    #: Everybody who was ever started.
    born: list[Member] = field(default_factory=list)

    def start(self, role: str) -> Member:
        """One more process; it works when it has joined."""
        home = self.home / f"{role}{len(self.born) + 1}"
        home.mkdir(parents=True)
        file = home / "syncd.toml"
        file.touch(mode=0o600)
        file.write_text(toml(self.settings), encoding="utf-8")
        places = [] if role == "scheduler" else ["--concurrency", str(PLACES)]
        with (home / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-c", _COMMAND_LINE, self.twin, "--config", file, "run", "--role", role, *places],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            )
        member = Member(process.pid, home, role, process)
        self.members.append(member)
        self.born.append(member)
        return member

    async def at_work(self, within: float = 180.0) -> None:
        """Everybody has joined. Raises TooLong with what the others said last."""
        try:
            await until(lambda: all(one.at_work for one in self.members), "a fleet at work", within, every=0.1)
        except TooLong as stuck:
            raise TooLong(f"{stuck}; {[one.last_words for one in self.members if not one.at_work]}") from stuck

    def replace(self, dead: Member) -> Member:
        """Somebody else in the same role, as a supervisor would start it."""
        self.members.remove(dead)
        return self.start(dead.role)

    def held_by(self, member: Member) -> dict[tuple[str, str], int]:
        """The units that it holds right now, and under which epoch."""
        held = self.books.rows(
            "SELECT stage, key, epoch FROM unit WHERE owner LIKE ? AND lease_until > 0", f"%:{member.pid}:%"
        )
        return {(stage, key): epoch for stage, key, epoch in held}

    def epochs(self) -> dict[tuple[str, str], tuple[int, bool]]:
        """The newest epoch of every unit, and whether it is still held under it."""
        units = self.books.rows("SELECT stage, key, epoch, lease_until > 0 FROM unit")
        return {(stage, key): (epoch, bool(held)) for stage, key, epoch, held in units}

    async def go_home(self) -> int:
        """All stop as they are asked to; how many did not do it well."""
        for member in self.members:
            member.kill(signal.SIGTERM)
        return sum([await member.end() != 0 for member in self.members])

    async def clear(self) -> None:
        """Kill whoever is still alive."""
        for member in self.members:
            member.kill(signal.SIGCONT)
            member.kill()
        for member in self.members:
            await member.end()
        self.books.close()


def toml(tree: dict[str, Any]) -> str:
    """A settings tree as a file that says the same: each section on a line of its own."""
    return "".join(f"{name} = {_value(value)}\n" for name, value in tree.items())


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {_value(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
