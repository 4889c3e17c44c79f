"""A migration killed at any statement is finished by the next start."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

#: Imports the program once; forks one process for each statement, which is killed there; then upgrades once more.
_KILLER = """
import asyncio, json, os, signal, sqlite3, sys
from sqlalchemy import event
from sqlalchemy.engine import Engine
from syncd.store import migrate
from syncd.store.soundness import require_whole

def schema(path):
    db = sqlite3.connect(path)
    return sorted(str(row) for row in db.execute("SELECT type, name, tbl_name, sql FROM sqlite_master"))

def upgraded(path, at=0):
    pid = os.fork()
    if pid:
        return os.WTERMSIG(os.waitpid(pid, 0)[1])
    left = [at]
    def count(*_):
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
    event.listen(Engine, "before_cursor_execute", count)
    asyncio.run(migrate.upgrade(f"sqlite:///{path}"))
    os._exit(0)

folder, step = sys.argv[1], int(sys.argv[2])
upgraded(f"{folder}/fresh.db")
wanted, killed, wrong, at = schema(f"{folder}/fresh.db"), 0, [], 1
while upgraded(f"{folder}/{at}.db", at):
    killed += 1
    upgraded(f"{folder}/{at}.db")
    require_whole(f"sqlite:///{folder}/{at}.db")
    if schema(f"{folder}/{at}.db") != wanted:
        wrong.append(at)
    at += step
print(json.dumps({"killed": killed, "wrong": wrong}))
"""


def test_an_upgrade_killed_at_any_of_its_statements_is_finished_by_the_next(tmp_path: Path) -> None:
    """F29: the schema is that of an upgrade nobody disturbed."""
    command = [sys.executable, "-c", _KILLER, str(tmp_path), "3"]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=100)

    found = json.loads(told.stdout)

    assert found["killed"] > 5
    assert found["wrong"] == []
