"""What tests of the whole program share: the world's clock, a sandbox that lives by it, and an empty store."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import pytest
import structlog
from daemon_parts import VirtualClock

from syncd.sandbox import Sandbox, SandboxOptions
from syncd.store import migrate

pytest_plugins = ("postgres",)

TESTS = Path(__file__).parent
#: The folders that take longest: a run on several cores begins with them, and ends with what is short.
SLOW = ("scenarios", "crash", "stages", "properties", "cli", "store", "engine", "benchmarks")
#: Real processes are killed, stopped and timed here: more at a time than this would wait for each other.
MOST_WORKERS = 4
#: No power fails in a test, and what a disk takes for each commit is most of what they would wait for: their folders
#: are in memory where there is this much room (bytes). Those of tests that passed are removed at once.
MEMORY, ROOM = Path("/dev/shm"), 2**30


def pytest_configure() -> None:
    if os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free >= ROOM:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """The whole run has a process for each core, and one for when they wait for others that they started.

    What is named one by one runs in the process that was started.
    """
    whole = config.args_source is pytest.Config.ArgsSource.TESTPATHS
    return min(len(os.sched_getaffinity(0)) + 1, MOST_WORKERS) if whole else 0


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stays to the end: nobody need look through it again and again for what may be thrown away."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The slow folders first, the others as they were."""
    place = {folder: number for number, folder in enumerate(SLOW)}
    items.sort(key=lambda item: place.get(item.path.relative_to(TESTS).parts[0], len(SLOW)))


@pytest.fixture(scope="session", autouse=True)
def _state_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Witnesses of the stores that tests make, away from those of this machine's user."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(autouse=True)
def _own_logs() -> None:
    """What an earlier test configured, as the command line does in this process, is none of this one's business."""
    structlog.reset_defaults()


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def sandbox(clock: VirtualClock) -> AsyncIterator[Sandbox]:
    options = SandboxOptions(seed=1, clock=clock, calls_per_minute=0, issue_delay=(3.0, 3.0))
    async with Sandbox(options) as running:
        yield running


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store, brought up by the real migrations once; tests work on copies of it."""
    path = tmp_path_factory.mktemp("store") / "empty.db"
    asyncio.run(migrate.upgrade(f"sqlite:///{path}"))
    return path
