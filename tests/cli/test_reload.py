"""SIGHUP at the real command: other settings apply, calls under way end first, nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from syncd.sandbox import Sandbox, SandboxOptions

SETTINGS = """
[console]
listen = "127.0.0.1:0"
[schedule]
poll = "1s"
mirror = "1s"
[poll]
settle = "1s"
[[merchants]]
name = "m001"
issuer = "main"
[merchants.wdt]
url = "{wdt}"
sid = "demo_sid"
key = "demo_sid-syncd"
secret = "{secret}"
calls_per_minute = {pace}
[issuers.main]
kind = "nuonuo"
url = "{nuonuo}"
app_key = "demo_key"
secret = "demo_secret"
token = "demo_token"
tax_no = "339902999999789113"
allow_plain_http = true
timeout = "10s"
"""


class Running:
    """`syncd run` over a settings file, and what it has logged so far."""

    def __init__(self, file: Path, sandbox: Sandbox) -> None:
        self._file = file
        self._sandbox = sandbox
        self.said: list[dict[str, Any]] = []
        self._news = asyncio.Condition()

    def write(self, *, pace: str = "6000", secret: str = "demosecret:demosalt") -> None:
        wdt, nuonuo = self._sandbox.wdt_url, self._sandbox.nuonuo_url
        self._file.write_text(SETTINGS.format(wdt=wdt, nuonuo=nuonuo, pace=pace, secret=secret), encoding="utf-8")
        self._file.chmod(0o600)

    async def start(self) -> None:
        command = [str(Path(sys.executable).with_name("syncd")), "--config", str(self._file), "run"]
        self.process = await asyncio.create_subprocess_exec(
            *command, cwd=self._file.parent, stderr=asyncio.subprocess.PIPE
        )
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            async with self._news:
                self.said.append(json.loads(line))
                self._news.notify_all()

    async def hears(self, event: str, since: int = 0) -> dict[str, Any]:
        """The first line of that event after `since` lines."""

        def found() -> list[dict[str, Any]]:
            return [line for line in self.said[since:] if line["event"] == event]

        async with asyncio.timeout(20), self._news:
            await self._news.wait_for(found)
        return found()[0]

    def hangup(self) -> int:
        """Tell it; how many lines had been said."""
        self.process.send_signal(signal.SIGHUP)
        return len(self.said)

    async def end(self) -> int:
        self.process.terminate()
        await self._reader
        return await self.process.wait()


@pytest.fixture
async def world() -> AsyncIterator[Sandbox]:
    async with Sandbox(SandboxOptions(seed=1, calls_per_minute=0, issue_delay=(0.1, 0.1))) as running:
        yield running


@pytest.fixture
async def running(world: Sandbox, tmp_path: Path) -> AsyncIterator[Running]:
    made = Running(tmp_path / "syncd.toml", world)
    made.write()
    await made.start()
    yield made
    assert await made.end() == 0


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():  # noqa: ASYNC110 (another process brings it about)
            await asyncio.sleep(0.05)


async def test_new_settings_apply_while_a_submission_is_on_its_way(running: Running, world: Sandbox) -> None:
    """S09. The call ends before anything changes; the order is issued once and written back under the new secret."""
    world.nuonuo.faults.hang_for = 3
    world.nuonuo.faults.force("requestBillingNew", "slow_drip")
    world.nuonuo.faults.drip_every = 0.01
    no = world.wdt.put_order({})
    await until(lambda: len(world.nuonuo.calls.of("requestBillingNew")) == 1)
    world.wdt.tenants["demo_sid"].add_key("demo_sid-syncd", "othersecret:othersalt")
    running.write(secret="othersecret:othersalt", pace="3000")

    told = running.hangup()
    reloaded = await running.hears("settings.reloaded", told)
    stopped = await running.hears("daemon.stopped", told)
    await until(lambda: world.wdt.order(no)["status"] == 60)

    assert reloaded["merchants"] == 1
    assert stopped["left"] == 0
    assert len(world.nuonuo.ledger) == 1
    assert len(world.nuonuo.calls.of("requestBillingNew")) == 1
    assert "othersecret" not in json.dumps(running.said)


async def test_a_lane_that_rests_for_a_wrong_secret_is_tried_with_the_new_one(running: Running, world: Sandbox) -> None:
    """Who has put it right does not wait for the end of a rest that waits for that."""
    await running.hears("daemon.started")
    world.wdt.tenants["demo_sid"].add_key("demo_sid-syncd", "othersecret:othersalt")
    await running.hears("lane.rested")
    no = world.wdt.put_order({})
    running.write(secret="othersecret:othersalt")

    running.hangup()

    await until(lambda: world.wdt.order(no)["status"] == 60)
    assert len(world.nuonuo.ledger) == 1


async def test_wrong_settings_are_refused_and_everything_goes_on(running: Running, world: Sandbox) -> None:
    """S09."""
    await running.hears("daemon.started")
    running.write(pace='"many"')

    told = running.hangup()
    refused = await running.hears("settings.refused", told)
    no = world.wdt.put_order({})
    await until(lambda: world.wdt.order(no)["status"] == 60)

    assert "calls_per_minute" in refused["why"]
    assert not any(line["event"] == "settings.reloaded" for line in running.said)
