from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hands import HandClock

from syncd.wire.http import Http


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    async with Http("nuonuo", timeout=0.4, connect_timeout=0.4) as made:
        yield made
