"""A running sandbox on a clock that tests move, and callers for it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import aiohttp
import pytest
from sandbox_callers import Clock, Nuonuo, Wdt
from top_caller import Top

from syncd.sandbox import Sandbox, SandboxOptions


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def sandbox(clock: Clock) -> AsyncIterator[Sandbox]:
    async with Sandbox(SandboxOptions(clock=clock, calls_per_minute=0, issue_delay=(3.0, 3.0))) as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        yield session


@pytest.fixture
def wdt(http: aiohttp.ClientSession, sandbox: Sandbox, clock: Clock) -> Wdt:
    return Wdt(http, sandbox, clock)


@pytest.fixture
def nuonuo(http: aiohttp.ClientSession, sandbox: Sandbox, clock: Clock) -> Nuonuo:
    return Nuonuo(http, sandbox, clock)


@pytest.fixture
def top(http: aiohttp.ClientSession, sandbox: Sandbox, clock: Clock) -> Top:
    return Top(http, sandbox, clock)


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], Awaitable[None]]:
    """Wait for a condition, at most a few seconds."""

    async def wait(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():  # noqa: ASYNC110 (the sandbox must not know that it is watched)
                await asyncio.sleep(0.005)

    return wait
