"""Bringing a store to this program's schema and back, checking it, and copying it while it works."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from contextlib import closing
from importlib.resources import files
from pathlib import Path

from sqlalchemy.exc import OperationalError

from syncd.store import postgres
from syncd.store.engine import private, sqlite_path
from syncd.store.schema import HEAD
from syncd.store.structure import require_built
from syncd.store.troubles import StoreUnavailable, UnsupportedStore

#: Alembic keeps what it is at work on in its modules: within one process only one thread may.
_ONE_AT_A_TIME = threading.Lock()


class TooNew(Exception):
    """The store was written by a newer program; this one must not touch it."""


class NotReady(Exception):
    """The store does not exist yet, or was written by an older program: `syncd db upgrade` brings it up."""


class Behind(NotReady):
    """The schema is older than this program's. `at` is "" where there is none."""

    def __init__(self, at: str) -> None:
        super().__init__(f"the store is at schema {at or 'none'}, this program needs {HEAD}")
        self.at = at


def migrations() -> Path:
    """The migration scripts: inside the installed package, or beside it in a source tree."""
    package = Path(str(files("syncd")))
    shipped = package / "_migrations"
    return shipped if shipped.is_dir() else package.parent / "migrations"


def revision(url: str) -> str | None:
    """The schema revision of the store, None where there is none yet. Raises StoreUnavailable, UnsupportedStore."""
    if postgres.is_postgresql(url):
        return _revision_on_postgresql(url)
    path = sqlite_path(url)
    if not path.exists() or path.stat().st_size == 0:
        return None
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as db:
        try:
            row = db.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.OperationalError:
            return None
    return None if row is None else str(row[0])


def _revision_on_postgresql(url: str) -> str | None:
    with postgres.looking(url) as db:
        if not postgres.are_there(db):
            return None
        row = db.execute("SELECT version_num FROM alembic_version").fetchone()
    return None if row is None else str(row[0])


def known_revisions() -> list[str]:
    """Every revision this program knows, oldest first."""
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory(str(migrations()))
    return [script.revision for script in reversed(list(scripts.walk_revisions()))]


def require_current(url: str) -> None:
    """Raises TooNew, NotReady or Misbuilt unless the store's schema is the one this program was written for."""
    at = revision(url)
    if at == HEAD:
        require_built(url)
        return
    if at is not None and at not in known_revisions():
        raise TooNew(f"the store is at schema {at}, this program knows up to {HEAD}")
    raise Behind(at or "")


async def upgrade(url: str, to: str = "head") -> str:
    """Bring the store up; returns the revision reached. Each step is one transaction.

    Raises TooNew, Misbuilt, StoreUnavailable, UnsupportedStore.
    """
    at = await asyncio.to_thread(revision, url)
    if at not in (None, HEAD) and at not in known_revisions():
        raise TooNew(f"the store is at schema {at}, this program knows up to {HEAD}")
    if at == HEAD and to == "head":  # as at nearly every start, which then does not even load what migrates
        await asyncio.to_thread(require_built, url)
        return HEAD
    if postgres.is_postgresql(url):
        await asyncio.to_thread(postgres.require_suitable, url)
    else:
        private(sqlite_path(url))
    await asyncio.to_thread(_alembic, "upgrade", url, to)
    return await asyncio.to_thread(revision, url) or ""


async def downgrade(url: str, to: str) -> str:
    """Take the store back to revision `to` ("base" drops everything); returns the revision reached."""
    await asyncio.to_thread(_alembic, "downgrade", url, to)
    return await asyncio.to_thread(revision, url) or ""


def _alembic(direction: str, url: str, to: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(migrations()))
    config.attributes["url"] = url
    try:
        with _ONE_AT_A_TIME:
            {"upgrade": command.upgrade, "downgrade": command.downgrade}[direction](config, to)
    except OperationalError as error:
        if not postgres.is_postgresql(url):
            raise
        raise StoreUnavailable(postgres.told(error.orig or error)) from error


def backup(url: str, target: Path) -> int:
    """Copy a SQLite store consistently while it is in use; returns the copy's size in bytes. Refuses to overwrite.

    PostgreSQL has its own ways. Raises UnsupportedStore for one.
    """
    if postgres.is_postgresql(url):
        raise UnsupportedStore("a store on PostgreSQL is copied by PostgreSQL's own means: pg_dump", "backup")
    fd = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    os.close(fd)
    with (
        closing(sqlite3.connect(f"file:{sqlite_path(url)}?mode=ro", uri=True, timeout=30)) as source,
        closing(sqlite3.connect(target)) as copy,
    ):
        source.backup(copy, pages=2000)
    return target.stat().st_size


def check(url: str) -> list[str]:
    """What is wrong with the store, by the database's own inspection; empty when nothing is."""
    if postgres.is_postgresql(url):
        return postgres.wrong_with(url)
    with closing(sqlite3.connect(f"file:{sqlite_path(url)}?mode=ro", uri=True, timeout=30)) as db:
        try:
            found = [str(row[0]) for row in db.execute("PRAGMA integrity_check")]
            broken = [f"foreign key: {row[0]} row {row[1]}" for row in db.execute("PRAGMA foreign_key_check")]
        except sqlite3.DatabaseError as error:
            return [str(error)]
    return [line for line in found if line != "ok"] + broken
