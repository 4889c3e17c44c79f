"""What tests of the whole program share: the world's clock, a sandbox that lives by it, and an empty store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from daemon_parts import VirtualClock

from syncd.sandbox import Sandbox, SandboxOptions
from syncd.store import migrate


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
