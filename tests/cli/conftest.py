"""A store that a real daemon filled at the simulators, and the command line run against copies of it."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.testing
from cli_world import ROWS, Place, Run, World, move_witness, settings_text

from syncd.app import open_app
from syncd.cli import build
from syncd.cli.words import Lang
from syncd.config import load
from syncd.sandbox import Sandbox, SandboxOptions


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
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    move_witness(tmp_path / "s.db", tmp_path / "state")
    monkeypatch.chdir(tmp_path)
    for name in ("SYNCD_LANG", "SYNCD_CONFIG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    return Place(tmp_path)


@pytest.fixture
def run(place: Place) -> Run:
    """`run("orders", "list")` in English; `lang="zh"` for Chinese, `input` for what a person types."""

    def invoke(*args: str, lang: Lang = "en", input: str | None = None) -> typer.testing.Result:
        return typer.testing.CliRunner().invoke(build(lang), args, input=input, catch_exceptions=False)

    return invoke
