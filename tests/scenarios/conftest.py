"""Days about SQLite's own files say nothing about a server: where all are played on one, they are left out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from postgres import STORE

from syncd.scenarios.plays import SCENARIOS

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get(STORE) != "postgresql":
        return
    for item in items:
        params = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        day = params.get("name", params.get("scenario"))
        if item.path.parent == HERE and day in SCENARIOS and SCENARIOS[day].only == "sqlite":
            item.add_marker(pytest.mark.skip(reason=f"{day} is about SQLite's own files"))
