"""One parent of daemons for the whole session, a folder in memory, and a yard for each test."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("crash_verdict")

from syncd.scenarios.nursery import Nursery, nursery  # noqa: E402  (after what is to be explained like a test)
from syncd.scenarios.yard import Yard, yard  # noqa: E402


@pytest.fixture(scope="session", name="nursery")
def the_nursery() -> Iterator[Nursery]:
    with nursery() as made:
        yield made


@pytest.fixture(scope="session")
def memory() -> Iterator[Path]:
    """A folder in memory where there is one: kill -9 leaves what was handed to the kernel, synced or not."""
    shared = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="syncd-crash-", dir=shared) as folder:
        yield Path(folder)


@pytest.fixture
def home(memory: Path) -> Path:
    return Path(tempfile.mkdtemp(dir=memory))


@pytest.fixture
async def here(nursery: Nursery, home: Path) -> AsyncIterator[Yard]:
    """Twelve orders, one to be held and one the issuer refuses, and no daemon yet."""
    async with yard(nursery, home) as made:
        yield made
