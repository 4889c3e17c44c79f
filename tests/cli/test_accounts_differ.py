"""Orders held because a process had another tax number: released together once the settings are right, asked first."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import typer.testing
from cli_world import settings_text

from syncd.app import open_app
from syncd.cli import build
from syncd.config import load
from syncd.domain.clock import SystemClock
from syncd.sandbox import HEALTHY, Sandbox, SandboxOptions
from syncd.store.store import Store

OURS, THEIRS = 'tax_no = "339902999999789113"', 'tax_no = "339902999999780001"'
HELD = "hold=class_c_unknown,code=account_changed"
MIX = replace(HEALTHY, days=0.03)


@dataclass(slots=True)
class Desk:
    """An installation over its own simulators, and the command line in front of it."""

    folder: Path
    url: str
    sandbox: Sandbox

    def write(self, *changes: tuple[str, str]) -> None:
        text = settings_text(self.sandbox).replace("sqlite:///s.db", self.url)
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        (self.folder / "syncd.toml").write_text(text, encoding="utf-8")
        (self.folder / "syncd.toml").chmod(0o600)

    async def work(self, timeout: float = 30) -> None:
        """A daemon with the settings as they stand works until nothing is left, or the time is over."""
        async with open_app(load(self.folder / "syncd.toml", {}), tick=0.1) as app:
            await app.once(timeout)

    async def run(self, *args: str, lang: str = "en") -> typer.testing.Result:
        def invoke() -> typer.testing.Result:
            return typer.testing.CliRunner().invoke(build("zh" if lang == "zh" else "en"), args, catch_exceptions=False)

        return await asyncio.to_thread(invoke)

    async def orders(self) -> dict[str, tuple[str, str | None]]:
        found = json.loads((await self.run("orders", "list", "--json")).stdout)
        return {one["invoice_order_no"]: (one["state"], one["hold"]) for one in found}

    async def dry(self, where: str) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads((await self.run("retry", "--where", where, "--dry-run", "--json")).stdout)
        return facts


def key(body: str) -> str:
    """The number under which a submission is known to the issuer."""
    return str(json.loads(body)["order"]["orderNo"])


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """Where the store is."""
    return str(request.getfixturevalue("postgres")) if request.param == "postgresql" else "sqlite:///s.db"


@pytest.fixture
async def desk(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("SYNCD_CONFIG", raising=False)
    async with Sandbox(SandboxOptions(seed=1, calls_per_minute=0, issue_delay=(0.01, 0.05))) as sandbox:
        yield Desk(tmp_path, url, sandbox)


@pytest.fixture
async def held(desk: Desk) -> Desk:
    """Three orders were sent and nobody heard what became of them: one exists. Then the tax number was mistyped."""
    desk.sandbox.populate(3, MIX)
    desk.sandbox.nuonuo.faults.force("requestBillingNew", "lost_after", times=1)
    desk.sandbox.nuonuo.faults.force("requestBillingNew", "lost_before", times=2)
    desk.write()
    await desk.work(timeout=1.5)
    assert {state for state, _ in (await desk.orders()).values()} == {"INTENT"}
    desk.write((OURS, THEIRS))
    await desk.run("retry", "--where", "state=INTENT", "--yes")
    await desk.work()
    assert set((await desk.orders()).values()) == {("HOLD", "class_c_unknown")}
    return desk


async def test_they_are_released_together_and_asked_about_before_anything_is_sent(held: Desk) -> None:
    """One was issued already and is adopted; the others are sent again, under the key they had."""
    held.write()
    calls = held.sandbox.nuonuo.calls
    keys = {key(call.body) for call in calls.of("requestBillingNew")}
    before = len(calls.recent)

    dry = await held.dry(HELD)
    told, in_chinese = (
        await held.run("retry", "--where", HELD, "--dry-run"),
        await held.run("retry", "--where", HELD, "--dry-run", lang="zh"),
    )
    done = await held.run("retry", "--where", HELD, "--yes", "--reason", "tax number set right")
    await held.work()

    since = list(calls.recent)[before:]
    assert since[0].method.endswith("queryInvoiceResult")
    again = [key(call.body) for call in since if call.method.endswith("requestBillingNew")]
    assert (len(keys), len(again), set(again) < keys) == (3, 2, True)
    assert dry["counts"] == {"retry": 0, "release": 3, "none": 0}
    assert "under the same key" in told.stdout
    assert "原流水号" in in_chinese.stdout
    assert done.exit_code == 0
    assert set((await held.orders()).values()) == {("DONE60", None)}
    assert held.sandbox.most_invoices_per_document() == 1


async def test_while_the_settings_are_wrong_nothing_is_released_and_it_is_said_why(held: Desk) -> None:
    """They would be held again at once."""
    dry = await held.dry(HELD)
    told = await held.run("retry", "--where", HELD, "--yes")
    first = dry["orders"][0]["invoice_order_no"]
    one = await held.run("orders", "retry", first, lang="zh")
    sent = held.sandbox.nuonuo.calls.by_method.copy()
    released = await held.run("orders", "release", first, "--yes")
    await held.work()

    assert dry["counts"] == {"retry": 0, "release": 0, "none": 3}
    assert "9113" in dry["orders"][0]["what"]
    assert "0001" in dry["orders"][0]["what"]
    assert (told.exit_code, one.exit_code, released.exit_code) == (1, 1, 0)
    assert "尾号 9113" in one.stdout
    assert held.sandbox.nuonuo.calls.by_method == sent
    assert set((await held.orders()).values()) == {("HOLD", "class_c_unknown")}


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
async def test_it_is_said_as_long_as_processes_have_different_settings(held: Desk) -> None:
    """Whichever of them takes such an order next may hold it again."""
    held.write()
    async with Store.at(held.url, SystemClock()) as store:
        for owner, settings in (("a", "one"), ("b", "another")):
            async with store.begin(lone=True) as tx:
                said = partial(tx.workers.beat, places=1, busy=0, vouches=False, silent_after=timedelta(minutes=1))
                await said(owner, "worker", settings=settings)

        differing, facts = await held.run("retry", "--where", HELD, "--dry-run"), await held.dry(HELD)
        async with store.begin(lone=True) as tx:
            await tx.workers.sign_off("b", tx.now)
        alike = await held.run("retry", "--where", HELD, "--dry-run")

    assert "still have different settings" in differing.stdout
    assert facts["settings_differ"] is True
    assert "still have different settings" not in alike.stdout
