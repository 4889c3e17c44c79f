from __future__ import annotations

from pathlib import Path

import pytest
from daemon_parts import VirtualClock
from stage_parts import Open, opener

from syncd.sandbox import Sandbox


@pytest.fixture
def daemon(sandbox: Sandbox, tmp_path: Path, clock: VirtualClock) -> Open:
    """Opens a daemon of the sandbox, with overrides of its settings."""
    return opener(sandbox, tmp_path, clock)
