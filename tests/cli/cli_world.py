"""A store that a real daemon filled at the simulators, and the settings that led to it."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import typer.testing

from syncd.sandbox import Sandbox

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


def move_witness(store: Path, state: Path) -> None:
    """Make a copied store the one its witness means, as `syncd arm` would: the copy is what the test works on."""
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as db:
        instance, epoch, term = db.execute("SELECT id, epoch, term FROM instance").fetchone()
    folder = state / "syncd"
    folder.mkdir(parents=True)
    said = {"instance": instance, "epoch": epoch, "store": str(store.resolve()), "term": term, "written_at": ""}
    (folder / f"{instance}.witness").write_text(json.dumps(said), encoding="utf-8")


Run = Callable[..., typer.testing.Result]


def process(place: Place, *args: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The command line as a process of its own, in English unless `env` says otherwise."""
    kept = {
        name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "PYTHONPATH", "XDG_STATE_HOME")
    }
    return subprocess.run(
        [sys.executable, "-c", "from syncd.cli import main; main()", *args],
        cwd=place.folder,
        env={**kept, "PYTHONUTF8": "1", **(env or {})},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
