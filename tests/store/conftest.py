"""A real store, brought up by the real migrations: over a SQLite file, and over a PostgreSQL database."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
from daemon_parts import VirtualClock
from postgres import Server

from syncd.store.store import Store
from syncd.store.units import LeaseClock

#: Empties every table of a store and counts from one again. As a replica the session fires no trigger: orders, and all
#: that hangs on them, can be deleted in no other way.
EMPTY = """
SET session_replication_role = replica;
DO $$ DECLARE found text;
BEGIN
  FOR found IN SELECT quote_ident(tablename) FROM pg_tables
               WHERE schemaname = 'public' AND tablename <> 'alembic_version'
  LOOP EXECUTE 'DELETE FROM ' || found; END LOOP;
  PERFORM setval(quote_ident(sequencename)::regclass, 1, false) FROM pg_sequences
  WHERE schemaname = 'public' AND last_value IS NOT NULL;
END $$;
"""


@pytest.fixture(scope="session")
def _database(postgres_server: Server, postgres_template: str) -> Iterator[str]:
    """One database for all tests of a process that leave its schema alone; making one for each takes longer."""
    url = postgres_server.make(postgres_template)
    yield url
    postgres_server.drop(url)


@pytest.fixture
def emptied(_database: str) -> str:
    """The URL of an empty store on PostgreSQL, whose rows are gone before the next test."""
    with psycopg.connect(_database, autocommit=True) as connection:
        connection.execute(EMPTY)
    return _database


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, migrated: Path, tmp_path: Path) -> str:
    """The URL of an empty store; what is for one database alone says so (store_parts.ON_A_FILE, ON_A_SERVER)."""
    if request.param == "postgresql":
        return str(request.getfixturevalue("emptied"))
    path = tmp_path / "syncd.db"
    shutil.copy(migrated, path)
    return f"sqlite:///{path}"


@pytest.fixture
async def store(url: str, clock: VirtualClock) -> AsyncIterator[Store]:
    async with Store.at(url, clock, leases=LeaseClock.HOST) as opened:  # leases run out when the test says so
        yield opened
