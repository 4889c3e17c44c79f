"""SIGTERM with calls on their way, at the real command (F09, F10).

Both stories begin at once, since they mostly wait; a test waits for its own.
"""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from crash_verdict import all_is_well

from syncd.sandbox import HEALTHY
from syncd.scenarios.books import Books
from syncd.scenarios.nursery import Nursery, until
from syncd.scenarios.yard import Yard, yard

pytestmark = pytest.mark.asyncio(loop_scope="module")

CALLS = 16


@dataclass(slots=True)
class Stopped:
    """How `syncd run` ended: exit code, seconds from the first signal, its log, and what it left in the air."""

    code: int
    took: float
    log: list[dict[str, Any]]
    in_flight: int
    books: Books


Story = asyncio.Task[Stopped]


async def stop(nursery: Nursery, home: Path, *, insistently: bool) -> Stopped:
    """An issuer takes every request and says nothing; the daemon is told to stop; a restart settles the rest."""
    async with yard(nursery, home, orders=CALLS, mix=replace(HEALTHY, days=0.03), speed=1.0) as here:
        here.tree["push"] = {"batch": CALLS, "concurrency": CALLS}
        here.tree["issuers"]["main"] |= {"concurrency": CALLS, "timeout": "20s"}
        here.sandbox.nuonuo.faults.hang_for = 10_000
        here.sandbox.nuonuo.faults.force("requestBillingNew", "hung", times=CALLS)
        told = run(here)
        try:
            await until(lambda: len(here.books.submissions()) == CALLS, "all calls on their way")
            told_at = time.monotonic()
            told.send_signal(signal.SIGTERM)
            await until(lambda: has_ended(told, insistently=insistently), "the end of the daemon")
            took = time.monotonic() - told_at
        finally:
            told.kill()
            _, said = told.communicate()
        in_flight = here.books.unanswered()
        await here.runs_to_the_end()
    log = [json.loads(line) for line in said.splitlines() if line.startswith("{") and line.endswith("}")]
    return Stopped(told.returncode, took, log, in_flight, here.books)


def has_ended(told: subprocess.Popen[str], *, insistently: bool) -> bool:
    """Whether it is over; told again until it is, where somebody insists (two signals at once may count as one)."""
    if told.poll() is None and insistently:
        told.send_signal(signal.SIGTERM)
    return told.poll() is not None


def run(here: Yard) -> subprocess.Popen[str]:
    """`syncd run` over this yard."""
    file = here.home / "syncd.toml"
    file.write_text("\n".join(toml(here.tree)), encoding="utf-8")
    file.chmod(0o600)
    command = [str(Path(sys.executable).with_name("syncd")), "--config", str(file), "run"]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


def toml(tree: dict[str, Any], path: str = "", opening: str = "") -> Iterator[str]:
    """The settings as a file; JSON's texts, numbers and truths are TOML's too."""
    yield opening
    for name, value in tree.items():
        if not isinstance(value, dict | list):
            yield f"{name} = {json.dumps(value)}"
    for name, value in tree.items():
        inner = f"{path}{name}"
        if isinstance(value, dict):
            yield from toml(value, f"{inner}.", f"[{inner}]")
        if isinstance(value, list):
            for one in value:
                yield from toml(one, f"{inner}.", f"[[{inner}]]")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stories(nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Story]]:
    home = tmp_path_factory.mktemp
    told = {
        "once": asyncio.create_task(stop(nursery, home("once"), insistently=False)),
        "insistently": asyncio.create_task(stop(nursery, home("insistently"), insistently=True)),
    }
    yield told
    await asyncio.gather(*told.values(), return_exceptions=True)


async def test_a_daemon_told_to_stop_ends_well_within_ten_seconds(stories: dict[str, Story]) -> None:
    """F09. What has not been answered by then is an unknown outcome, not a lost one."""
    stopped = await stories["once"]

    last = stopped.log[-1]
    assert (stopped.code, stopped.took < 10) == (0, True)
    assert (last["event"], last["left"]) == ("daemon.stopped", 1)
    assert stopped.in_flight == CALLS


async def test_a_daemon_told_twice_ends_at_once(stories: dict[str, Story]) -> None:
    """F10."""
    stopped = await stories["insistently"]

    # The last of many signals may find the interpreter gone already, and the kernel ends what is left.
    assert stopped.code in (128 + signal.SIGTERM, -signal.SIGTERM)
    assert stopped.took < 5
    assert stopped.in_flight == CALLS


@pytest.mark.parametrize("how", ["once", "insistently"])
async def test_the_restart_asks_about_every_call_that_was_left_and_sends_none_again(
    stories: dict[str, Story], how: str
) -> None:
    stopped = await stories[how]

    assert stopped.books.counts()["written_back"] == CALLS
    assert sorted(stopped.books.submitted_keys()) == sorted(stopped.books.committed_keys())
    all_is_well(stopped.books)
