"""What tests of the whole program share: the world's clock and a sandbox that lives by it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from daemon_parts import VirtualClock

from syncd.sandbox import Sandbox, SandboxOptions


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
async def sandbox(clock: VirtualClock) -> AsyncIterator[Sandbox]:
    options = SandboxOptions(seed=1, clock=clock, calls_per_minute=0, issue_delay=(3.0, 3.0))
    async with Sandbox(options) as running:
        yield running
