"""A sandbox on a clock in the hand, and a client of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from hands import HandClock
from yuannian_parts import at_sandbox

from syncd.sandbox import Sandbox, SandboxOptions
from syncd.sandbox.yuannian import YuannianWorld
from syncd.wire.http import Http
from syncd.wire.yuannian.client import YuannianWallet


@pytest.fixture
def hand() -> HandClock:
    return HandClock()


@pytest.fixture
async def sandbox(hand: HandClock) -> AsyncIterator[Sandbox]:
    async with Sandbox(SandboxOptions(clock=hand.unix, calls_per_minute=0)) as running:
        yield running


@pytest.fixture
def world(sandbox: Sandbox) -> YuannianWorld:
    return sandbox.yuannian


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    async with Http("yuannian", timeout=3.0) as opened:
        yield opened


@pytest.fixture
def wallet(sandbox: Sandbox, http: Http, hand: HandClock) -> YuannianWallet:
    return at_sandbox(sandbox, http, hand)
