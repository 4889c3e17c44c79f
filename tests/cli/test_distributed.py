"""`syncd run --role …`: several processes on one PostgreSQL, at the real command (F09, F10, F110)."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from cli_world import Run, settings_text

from syncd.sandbox import HEALTHY, Sandbox, SandboxOptions

SYNCD = str(Path(sys.executable).with_name("syncd"))
PATIENCE = 60.0
TURNS: LiteralString = "SELECT epoch FROM unit WHERE stage = 'poll' AND key = 'm001/pending'"
SECOND_TURNS: LiteralString = "SELECT epoch, failures FROM unit WHERE stage = 'poll' AND key = 'm002/pending'"
MIX = replace(HEALTHY, days=0.03)
SECOND_MERCHANT = """
[[merchants]]
name = "m002"
issuer = "main"
[merchants.wdt]
url = "http://127.0.0.1:9/"
sid = "other_sid"
key = "other_key"
secret = "othersecret:othersalt"
"""


@dataclass(slots=True)
class Process:
    """One `syncd run` and what it has logged so far."""

    handle: asyncio.subprocess.Process
    said: list[dict[str, Any]] = field(default_factory=list)
    reader: asyncio.Task[None] | None = None

    async def read(self) -> None:
        assert self.handle.stderr is not None
        async for line in self.handle.stderr:
            if line.startswith(b"{"):
                self.said.append(json.loads(line))

    def events(self, name: str) -> list[dict[str, Any]]:
        return [line for line in self.said if line["event"] == name]

    async def end(self, *signals: signal.Signals) -> tuple[int, float]:
        """The exit code, and the seconds it took from the first signal."""
        began = time.monotonic()
        for sign in signals:
            self.handle.send_signal(sign)
            await asyncio.sleep(0.05)
        async with asyncio.timeout(PATIENCE):
            code = await self.handle.wait()
        return code, time.monotonic() - began


@dataclass(slots=True)
class Fleet:
    """Processes over one database and one sandbox."""

    url: str
    folder: Path
    sandbox: Sandbox
    processes: list[Process] = field(default_factory=list)

    def write(self, more: str = "") -> None:
        text = settings_text(self.sandbox).replace("sqlite:///s.db", self.url)
        text = text.replace("[console]", '[engine]\nkind = "distributed"\n[console]') + more
        file = self.folder / "syncd.toml"
        file.write_text(text, encoding="utf-8")
        file.chmod(0o600)

    async def start(self, role: str = "") -> Process:
        handle = await asyncio.create_subprocess_exec(
            *(SYNCD, "run", *(("--role", role, "--concurrency", "4") if role else ())),
            cwd=self.folder,
            env={**os.environ, "XDG_STATE_HOME": str(self.folder / "state")},
            stderr=asyncio.subprocess.PIPE,
        )
        process = Process(handle)
        process.reader = asyncio.create_task(process.read())
        self.processes.append(process)
        return process

    async def rows(self, query: LiteralString) -> list[tuple[Any, ...]]:
        async with await psycopg.AsyncConnection.connect(self.url) as connection:
            return await (await connection.execute(query)).fetchall()

    async def until(self, query: LiteralString, wanted: int) -> None:
        """Wait until a query counts so many."""
        async with asyncio.timeout(PATIENCE):
            while (await self.rows(query))[0][0] != wanted:  # noqa: ASYNC110
                await asyncio.sleep(0.1)

    async def said(self, process: Process, event: str) -> None:
        """Wait until a process has logged such an event."""
        async with asyncio.timeout(PATIENCE):
            while not process.events(event):  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    async def settled(self, orders: int) -> None:
        await self.until("SELECT count(*) FROM invoice_order WHERE state = 'DONE60'", orders)


@pytest.fixture
async def fleet(postgres: str, tmp_path: Path) -> AsyncIterator[Fleet]:
    async with Sandbox(SandboxOptions(seed=1, calls_per_minute=0, issue_delay=(0.01, 0.05))) as sandbox:
        here = Fleet(postgres, tmp_path, sandbox)
        here.write()
        yield here
        for process in here.processes:
            if process.handle.returncode is None:
                process.handle.kill()
            await process.handle.wait()
            if process.reader is not None:
                await process.reader


async def test_a_scheduler_and_two_workers_do_what_one_daemon_does(fleet: Fleet) -> None:
    """One worker is killed on the way, the other reads its settings again, and all end when they are told to."""
    orders = fleet.sandbox.populate(10, MIX)
    scheduler = await fleet.start("scheduler")
    killed, worker = [await fleet.start("worker") for _ in range(2)]
    await fleet.until("SELECT count(*) FROM worker", 3)

    killed.handle.kill()
    await fleet.settled(len(orders))
    status = await _status(fleet)
    fleet.write("[push]\nbatch = 7\n")
    worker.handle.send_signal(signal.SIGHUP)
    await fleet.said(worker, "settings.reloaded")
    turns = (await fleet.rows(TURNS))[0][0]
    async with asyncio.timeout(PATIENCE):
        while (await fleet.rows(TURNS))[0][0] <= turns + 1:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    ends = [await process.end(signal.SIGTERM) for process in (worker, scheduler)]

    assert fleet.sandbox.most_invoices_per_document() == 1
    assert {(one["role"], one["alive"]) for one in status["workers"]} == {
        ("scheduler", True),
        ("worker", True),
        ("worker", False),
    }
    assert [code for code, _ in ends] == [0, 0]
    assert max(took for _, took in ends) < 10
    left = await fleet.rows("SELECT owner FROM worker")
    assert [owner.split(":")[1] for (owner,) in left] == [str(killed.handle.pid)]
    assert not [line for process in fleet.processes for line in process.said if line["level"] == "error"]
    assert "demo_secret" not in json.dumps([process.said for process in fleet.processes])


async def test_a_merchant_that_only_some_processes_know_yet_is_left_to_them(fleet: Fleet) -> None:
    """A worker with older settings crashes at nothing and holds nobody off; when it has read them, it joins in."""
    scheduler, worker = [await fleet.start(role) for role in ("scheduler", "worker")]
    await fleet.until("SELECT count(*) FROM worker", 2)
    await fleet.said(scheduler, "daemon.started")
    await fleet.said(worker, "daemon.started")
    fleet.write(SECOND_MERCHANT)

    scheduler.handle.send_signal(signal.SIGHUP)
    await fleet.said(worker, "unit.unknown")
    untouched = await fleet.rows(SECOND_TURNS)
    await fleet.said(worker, "worker.settings_differ")
    unequal = await _shown(fleet)
    worker.handle.send_signal(signal.SIGHUP)
    await fleet.until("SELECT count(*) FROM unit WHERE stage = 'poll' AND key = 'm002/pending' AND epoch > 0", 1)
    await fleet.said(worker, "worker.settings_alike")
    equal = await _shown(fleet)

    assert untouched == [(0, 0)]
    strange = [(line["stage"], line["unit"]) for line in worker.events("unit.unknown")]
    assert len(set(strange)) == len(strange)
    assert "different settings" in unequal
    assert "different settings" not in equal
    assert worker.events("task.crashed") == []


async def test_a_second_signal_ends_a_worker_at_once(fleet: Fleet) -> None:
    """F09. What it was at is free for the others a few seconds later."""
    orders = fleet.sandbox.populate(3, MIX)
    fleet.sandbox.nuonuo.faults.hang_for = 30
    fleet.sandbox.nuonuo.faults.force("requestBillingNew", "hung", times=len(orders))
    fleet.write()
    worker = await fleet.start("all")
    await fleet.until("SELECT count(*) FROM submission", len(orders))

    code, took = await worker.end(signal.SIGTERM, signal.SIGTERM)

    assert code == 128 + signal.SIGTERM
    assert took < 3


async def _status(fleet: Fleet) -> dict[str, Any]:
    shown = await asyncio.create_subprocess_exec(
        *(SYNCD, "status", "--json"), cwd=fleet.folder, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await shown.communicate()
    found: dict[str, Any] = json.loads(out)
    return found


async def _shown(fleet: Fleet) -> str:
    shown = await asyncio.create_subprocess_exec(
        *(SYNCD, "--lang", "en", "status"), cwd=fleet.folder, stdout=asyncio.subprocess.PIPE
    )
    return (await shown.communicate())[0].decode()


def test_a_role_is_for_many_processes(run: Run) -> None:
    refused = run("run", "--role", "worker")

    assert refused.exit_code == 2
    assert "distributed" in refused.stderr
