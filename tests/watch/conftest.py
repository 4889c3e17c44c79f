"""A real store over a real SQLite file, for gauges and alerts."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from daemon_parts import VirtualClock

from syncd.store.store import Store


@pytest.fixture
async def store(migrated: Path, tmp_path: Path, clock: VirtualClock) -> AsyncIterator[Store]:
    path = tmp_path / "watched.db"
    shutil.copy(migrated, path)
    async with Store.at(f"sqlite:///{path}", clock) as opened:
        yield opened
