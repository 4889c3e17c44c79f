from collections.abc import AsyncIterator

import pytest
from wire_server import RawServer


@pytest.fixture
async def raw_server() -> AsyncIterator[RawServer]:
    async with RawServer() as server:
        yield server
