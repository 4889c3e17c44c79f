"""A store that a real daemon filled at the simulators, and the command line run against copies of it."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import typer.testing

from syncd.app import open_app
from syncd.cli import build
from syncd.cli.words import Lang
from syncd.config import load
from syncd.sandbox import Sandbox, SandboxOptions

ROWS = 14


@dataclass(frozen=True, slots=True)
class World:
    """A finished run: its folder, and the simulators, which go on running."""

    folder: Path
    sandbox: Sandbox
    loop: asyncio.AbstractEventLoop

    @property
    def settings(self) -> Path:
        return self.folder / "syncd.toml"


@dataclass(frozen=True, slots=True)
class Place:
    """An installation of one test's own."""

    folder: Path

    @property
    def settings(self) -> Path:
        return self.folder / "syncd.toml"

    @property
    def store(self) -> Path:
        return self.folder / "s.db"

    def change(self, old: str, new: str) -> None:
        text = self.settings.read_text(encoding="utf-8")
        assert old in text
        self.settings.write_text(text.replace(old, new), encoding="utf-8")


def settings_text(sandbox: Sandbox) -> str:
    start = datetime.now(UTC) + timedelta(hours=8) - timedelta(days=3)
    return f"""
[store]
url = "sqlite:///s.db"
[console]
listen = "127.0.0.1:0"
[schedule]
poll = "1s"
mirror = "5s"
push = "0.2s"
collect = "0.2s"
write_back = "0.2s"
[poll]
start = "{start:%Y-%m-%d %H:%M:%S}"
[write_back]
confirm_after = "0.3s"
[[merchants]]
name = "m001"
issuer = "main"
[merchants.wdt]
url = "{sandbox.wdt_url}"
sid = "demo_sid"
key = "demo_sid-syncd"
secret = "demosecret:demosalt"
calls_per_minute = 6000
timeout = "3s"
[issuers.main]
kind = "nuonuo"
url = "{sandbox.nuonuo_url}"
app_key = "demo_key"
secret = "demo_secret"
token = "demo_token"
tax_no = "339902999999789113"
settle = "2s"
calls_per_minute = 6000
timeout = "3s"
"""


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Simulators in a thread of their own, and the store that one run of the daemon against them left behind."""
    folder = tmp_path_factory.mktemp("world")
    found: list[World] = []
    ready, stop = threading.Event(), asyncio.Event()

    async def live() -> None:
        options = SandboxOptions(seed=1, calls_per_minute=0, issue_delay=(0.01, 0.05))
        async with Sandbox(options) as sandbox:
            sandbox.populate(ROWS)
            here = World(folder, sandbox, asyncio.get_running_loop())
            here.settings.write_text(settings_text(sandbox), encoding="utf-8")
            here.settings.chmod(0o600)
            settings = load(here.settings, {"SYNCD_STORE__URL": f"sqlite:///{folder / 's.db'}"})
            async with open_app(settings, tick=0.1) as app:
                assert (await app.once(60)).done
            found.append(here)
            ready.set()
            await stop.wait()

    def run() -> None:
        try:
            asyncio.run(live())
        finally:
            ready.set()

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(60)
    assert found, "the run that fills the store failed"
    yield found[0]
    found[0].loop.call_soon_threadsafe(stop.set)
    thread.join(20)


@pytest.fixture
def place(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A copy of the filled store and its settings, in the working directory of the test."""
    for name in ("syncd.toml", "s.db"):
        shutil.copy2(world.folder / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    for name in ("SYNCD_LANG", "SYNCD_CONFIG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    return Place(tmp_path)


Run = Callable[..., typer.testing.Result]


@pytest.fixture
def run(place: Place) -> Run:
    """`run("orders", "list")` in English; `lang="zh"` for Chinese, `input` for what a person types."""

    def invoke(*args: str, lang: Lang = "en", input: str | None = None) -> typer.testing.Result:
        return typer.testing.CliRunner().invoke(build(lang), args, input=input, catch_exceptions=False)

    return invoke
