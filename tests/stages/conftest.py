from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from daemon_parts import VirtualClock
from stage_parts import Open, opener

from syncd.sandbox import Sandbox
from syncd.scenarios.one_thread import at_once


@pytest.fixture
def daemon(sandbox: Sandbox, tmp_path: Path, clock: VirtualClock) -> Open:
    """Opens a daemon of the sandbox, with overrides of its settings."""
    return opener(sandbox, tmp_path, clock)


@pytest.fixture(autouse=True)
def _statements_at_once() -> Iterator[None]:
    """The daemon is turned by hand here, a unit at a time; statements on threads are the business of other tests."""
    with at_once():
        yield
