from collections.abc import AsyncIterator, Callable

import pytest
from top_parts import Hand, budget
from wire_server import RawServer

from syncd.sandbox import Sandbox, SandboxOptions
from syncd.wire.http import Http
from syncd.wire.top.client import TopClient, TopOptions

Connect = Callable[..., TopClient]


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
async def sandbox(hand: Hand) -> AsyncIterator[Sandbox]:
    async with Sandbox(SandboxOptions(seed=1, clock=hand.unix, sleep=hand.sleep)) as running:
        yield running
        assert running.top.complaints == []
        assert running.top.reused_stamps == 0


@pytest.fixture
async def connect(hand: Hand) -> AsyncIterator[Connect]:
    made: list[TopClient] = []

    def make(url: str, **changed: object) -> TopClient:
        settings: dict[str, object] = {
            "merchant": "m001",
            "app_key": "12345678",
            "secret": "demo_top_secret",
            "session": "demo_top_session",
            "http": Http("top", timeout=1.0),
            "budget": budget(hand),
            "clock": hand,
            "options": TopOptions(),
            **changed,
        }
        made.append(TopClient(url=url, **settings))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for client in made:
        await client.close()


@pytest.fixture
def top(sandbox: Sandbox, connect: Connect) -> TopClient:
    return connect(sandbox.top_url)


@pytest.fixture
def odd(raw_server: RawServer, connect: Connect) -> TopClient:
    """A client of a server that answers whatever the test says."""
    return connect(raw_server.url)
