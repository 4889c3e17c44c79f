"""A PostgreSQL to measure on: one that is named, or one of the tests' binaries with every promise of a disk kept."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql

from syncd.scenarios.server import start, stop

#: What the tests switch off for speed is on: a measured commit is on the disk.
DURABLE = {
    "fsync": "on",
    "full_page_writes": "on",
    "autovacuum": "on",
    "synchronous_commit": "on",
    "shared_buffers": "512MB",
    "checkpoint_timeout": "5min",
    "max_connections": "100",
}


@contextmanager
def postgres(given: str = "") -> Iterator[Callable[[], str]]:
    """Gives the address of a fresh, empty database each time it is asked; they are dropped at the end.

    `given` names a server; "" starts one. Raises syncd.scenarios.server.NoServer where there is none to start.
    """
    with tempfile.TemporaryDirectory(prefix="syncd-pg-") as folder:
        place = Path(folder) / "server"
        Path(folder).chmod(0o755)  # PostgreSQL does not run as root, and another user must get there
        url = given or start(place, **DURABLE)  # type: ignore[arg-type]
        made: list[str] = []

        def fresh() -> str:
            name = f"syncd_bench_{secrets.token_hex(4)}"
            _run(url, "CREATE DATABASE {}", name)
            made.append(name)
            before, _, options = url.partition("?")
            return f"{before.rpartition('/')[0]}/{name}" + (f"?{options}" if options else "")

        try:
            yield fresh
        finally:
            for name in made:
                _run(url, "DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
            if not given:
                stop(place)


def _run(url: str, statement: LiteralString, name: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))
