"""Where a rehearsal keeps its store: a file in its folder, or a database of its own on a server it was given."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import LiteralString

from syncd.store import migrate, postgres
from syncd.store.engine import sqlite_path

#: The environment's word for where the stores of rehearsals are: the URL of a PostgreSQL server.
STORE = "SYNCD_SIM_STORE"


@contextmanager
def housed(server: str, folder: Path) -> Iterator[str]:
    """The URL of an empty store for as long as it takes.

    `server` is any database of a PostgreSQL where databases may be made, or "" for a file in `folder`.
    """
    if not server:
        yield f"sqlite:///{folder}/syncd.db"
        return
    url = beside(server, f"syncd_sim_{secrets.token_hex(6)}")
    _make(url)
    try:
        yield url
    finally:
        for name in _family(url):
            remove(beside(url, name))


def beside(url: str, name: str) -> str:
    """The URL of the database `name` on the same server."""
    return postgres.parsed(url).set(drivername="postgresql", database=name).render_as_string(hide_password=False)


def lose(url: str) -> None:
    """The store is gone with everything that is kept beside it, whoever has it open."""
    if postgres.is_postgresql(url):
        remove(url)
        _make(url)
        return
    store = sqlite_path(url)
    for name in (store.name, f"{store.name}-wal", f"{store.name}-shm", f"{store.name}-journal"):
        (store.parent / name).unlink(missing_ok=True)


def copied(url: str, folder: Path, name: str) -> str:
    """A copy of the store: a file in `folder`, or a database on the same server, as a restored dump would be.

    A file may be written to meanwhile; a database nobody may have open.
    """
    if postgres.is_postgresql(url):
        copy = beside(url, f"{_database(url)}_{name}")
        _make(copy, like=url)
        return copy
    folder.mkdir(exist_ok=True)
    migrate.backup(url, folder / "syncd.db")
    return f"sqlite:///{folder}/syncd.db"


def put_back(copy: str, url: str) -> None:
    """In place of the store stands what `copy` remembers."""
    if postgres.is_postgresql(url):
        remove(url)
        _make(url, like=copy)
        return
    lose(url)
    shutil.copy(sqlite_path(copy), sqlite_path(url))


def remove(url: str) -> None:
    """Away with a database, whoever is still connected to it."""
    _run(url, "DROP DATABASE IF EXISTS {} WITH (FORCE)", _database(url))


def cut_connections(url: str) -> int:
    """End every session of others in this database, as a server that fails over would; how many."""
    import psycopg

    sessions = "SELECT pid FROM pg_stat_activity WHERE datname = %s AND application_name LIKE 'syncd%%'"
    with psycopg.connect(postgres.conninfo(beside(url, "postgres")), autocommit=True) as connection:
        ended = connection.execute(f"SELECT pg_terminate_backend(pid) FROM ({sessions}) s".encode(), [_database(url)])
        return sum(bool(row[0]) for row in ended)


def _make(url: str, like: str = "") -> None:
    template = _database(like) if like else "template0"
    _run(url, "CREATE DATABASE {} TEMPLATE {}", _database(url), template)


def _run(url: str, statement: LiteralString, *names: str) -> None:
    """From the server's own database: nobody can drop what he is connected to."""
    import psycopg
    from psycopg import sql

    composed = sql.SQL(statement).format(*(sql.Identifier(name) for name in names))
    with psycopg.connect(postgres.conninfo(beside(url, "postgres")), autocommit=True) as connection:
        connection.execute(composed)


def _family(url: str) -> list[str]:
    """The database and its copies."""
    import psycopg

    with psycopg.connect(postgres.conninfo(beside(url, "postgres")), autocommit=True) as connection:
        found = "SELECT datname FROM pg_database WHERE starts_with(datname, %s)"
        return [str(row[0]) for row in connection.execute(found, [_database(url)])]


def _database(url: str) -> str:
    return str(postgres.parsed(url).database)
