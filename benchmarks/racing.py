"""Running contestants one after the other, each in a process of its own, and peers in environments of their own."""

from __future__ import annotations

import hashlib
import json
import os
import statistics
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.broker import NoBroker

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
#: Seconds after which a contestant is given up.
PATIENCE = 3600.0


class Lost(Exception):
    """A contestant that did not get to its end, and the last of what it said."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one contestant told of itself, and what the kernel says of its process and all its children.

    `began_at` is of the monotonic clock; `cpu` are seconds, start-up included.
    """

    told: Mapping[str, Any]
    began_at: float
    seconds: float
    cpu: float


def run(argv: Sequence[str], **environment: str) -> Run:
    """Run a contestant to its end. Raises Lost."""
    began = time.monotonic()
    with subprocess.Popen(
        list(argv), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(HERE / "peers" / "shared"), **environment},
    ) as process:  # fmt: skip
        try:
            out, error = process.communicate(timeout=PATIENCE)
        except BaseException:
            process.kill()
            raise
        usage = _usage()
    seconds = time.monotonic() - began
    lines = [line for line in out.splitlines() if line.startswith("{")]
    if process.returncode != 0 or not lines:
        raise Lost(f"{' '.join(argv[:4])} ended with {process.returncode}:\n{(out + error)[-3000:]}")
    return Run(json.loads(lines[-1]), began, seconds, usage)


_spent = 0.0


def _usage() -> float:
    """CPU seconds of the children that ended since the last look. One contestant runs at a time."""
    global _spent
    times = os.times()
    now = times.children_user + times.children_system
    used, _spent = now - _spent, now
    return used


def own(module: str, **wish: object) -> list[str]:
    """The command of a contestant of this repository."""
    return [sys.executable, "-m", f"benchmarks.contestants.{module}", *flags(wish)]


def flags(wish: Mapping[str, object]) -> list[str]:
    """`page_size=100` as `--page-size 100`."""
    return [part for name, value in wish.items() for part in (f"--{name.replace('_', '-')}", str(value))]


@dataclass(frozen=True, slots=True)
class Peer:
    """Something that would be picked instead: a folder of `benchmarks/peers` with its requirements."""

    name: str

    @property
    def folder(self) -> Path:
        return HERE / "peers" / self.name

    def python(self, cache: Path) -> Path:
        """The interpreter of its own environment, made once for these requirements under `cache`."""
        wanted = (self.folder / "requirements.txt").read_text()
        place = cache / f"{self.name}-{hashlib.sha256(wanted.encode()).hexdigest()[:12]}"
        python = place / "bin" / "python"
        if not (place / "made").exists():
            print(f"installing {self.name} …", file=sys.stderr, flush=True)
            venv.create(place, with_pip=True, clear=True)
            pip = [str(python), "-m", "pip", "install", "-qqq", "--disable-pip-version-check"]
            subprocess.run([*pip, "-r", str(self.folder / "requirements.txt")], check=True)
            (place / "made").touch()
        return python

    def command(self, cache: Path, script: str, **wish: object) -> list[str]:
        """The command of one of its scripts."""
        return [str(self.python(cache)), str(self.folder / script), *flags(wish)]


def chosen(wish: str, among: Iterable[str]) -> list[str]:
    """The names asked for: `all`, `none`, or some of them with commas between. Raises SystemExit for another."""
    known = list(among)
    names = {"all": known, "none": []}.get(wish, wish.split(","))
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(f"there is no {', '.join(unknown)}: all, none, or some of {', '.join(known)}")
    return names


def median(values: Sequence[float]) -> float:
    """The one in the middle."""
    return statistics.median(values)


def in_turns(
    contestants: Mapping[str, Callable[[], Run]], rounds: int, must: Collection[str], others: int = 1
) -> dict[str, list[Run]]:
    """Every contestant once a round, so that what disturbs the machine disturbs them all.

    Those that are not in `must` run in the first `others` rounds only, and a lost one of them is told of and left out.
    Raises SystemExit where one that `must` arrive is lost.
    """
    runs: dict[str, list[Run]] = {name: [] for name in contestants}
    lost: set[str] = set()
    for number in range(rounds):
        for name, contestant in contestants.items():
            if name in lost or (name not in must and number >= others):
                continue
            print(f"round {number + 1} of {rounds}: {name} …", file=sys.stderr, flush=True)
            try:
                runs[name].append(contestant())
            except (Lost, NoBroker, OSError, subprocess.SubprocessError) as why:
                if name in must:
                    raise SystemExit(f"{name} is out: {why}") from None
                lost.add(name)
                print(f"{name} is out: {why}", file=sys.stderr, flush=True)
    return {name: done for name, done in runs.items() if done}


def beijing(ago: timedelta = timedelta(0)) -> str:
    """The present in Beijing, or some time before it, as WDT writes it."""
    return (datetime.now(UTC) + timedelta(hours=8) - ago).strftime("%Y-%m-%d %H:%M:%S")
