from collections.abc import AsyncIterator

import pytest
from wdt_parts import Connect, Hand
from wire_server import RawServer

from syncd.sandbox import Sandbox, SandboxOptions
from syncd.wire.http import Http
from syncd.wire.pace import Pacer
from syncd.wire.wdt.client import WdtClient
from syncd.wire.wdt.sign import Secret


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(SandboxOptions(seed=1, calls_per_minute=0)) as running:
        yield running


@pytest.fixture
async def connect(hand: Hand) -> AsyncIterator[Connect]:
    made: list[WdtClient] = []

    def make(url: str, **changed: object) -> WdtClient:
        settings: dict[str, object] = {
            "sid": "demo_sid",
            "key": "demo_sid-syncd",
            "secret": Secret.parse("demosecret:demosalt"),
            "http": Http("wdt", timeout=1.0),
            "pacer": Pacer(0),
            "clock": hand,
            "sleep": hand.sleep,
            "rng": lambda: 0.5,
            **changed,
        }
        made.append(WdtClient(url=url, **settings))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for client in made:
        await client.close()


@pytest.fixture
def wdt(sandbox: Sandbox, connect: Connect) -> WdtClient:
    return connect(sandbox.wdt_url)


@pytest.fixture
def odd(raw_server: RawServer, connect: Connect) -> WdtClient:
    """A client of a server that answers whatever the test says."""
    return connect(raw_server.url)
