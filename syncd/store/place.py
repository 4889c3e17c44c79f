"""Where a store is: what people are shown, and the name under which a witness knows it."""

from __future__ import annotations

import asyncio
import os

from syncd.store import postgres
from syncd.store.engine import sqlite_path


async def place_of(url: str) -> str:
    """The same for everybody who works on this very store, another for a copy of it. Raises StoreUnavailable.

    A file's real path. Of a database on PostgreSQL its cluster's own identifier and its number there, whatever the
    server is called on this host: a dump that was put back is another place.
    """
    return await asyncio.to_thread(known_place, url)


def known_place(url: str) -> str:
    """As `place_of`, for who may wait."""
    return postgres.identity(url) if postgres.is_postgresql(url) else os.path.realpath(sqlite_path(url))


def shown(url: str) -> str:
    """The store for people: its file, or its database without the password. Raises UnsupportedStore."""
    return postgres.shown(url) if postgres.is_postgresql(url) else str(sqlite_path(url))


def exists(url: str) -> bool:
    """Whether there is a store: its file, or its tables. Raises StoreUnavailable, UnsupportedStore."""
    if postgres.is_postgresql(url):
        return postgres.has_tables(url)
    return sqlite_path(url).exists()
