"""The server that other tests stand on keeps what they count on."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import time
from pathlib import Path
from tempfile import gettempdir

import psycopg
import pytest
from postgres import DSN, RUN, Server, database, server, without_a_server

from syncd.scenarios.server import NoServer, binaries

KILLED = """
import os, signal
import postgres
print(postgres.server().make(), flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


TESTS = Path(__file__).parents[1]


def own(name: str) -> dict[str, str]:
    """The environment of a run of its own, led by the process that is started with it."""
    ours = {key: value for key, value in os.environ.items() if key not in (DSN, "PYTEST_XDIST_WORKER")}
    return {**ours, RUN: name}


def answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def test_every_test_has_a_database_of_its_own(postgres_server: Server, empty_postgres: str) -> None:
    other = postgres_server.make()
    with psycopg.connect(empty_postgres) as connection:
        connection.execute("CREATE TABLE mine (id int)")

    with psycopg.connect(other) as connection, pytest.raises(psycopg.errors.UndefinedTable):
        connection.execute("SELECT * FROM mine")
    postgres_server.drop(other)

    assert database(other) not in postgres_server.names()


def test_a_run_has_one_server(postgres_server: Server) -> None:
    assert server() == postgres_server


def test_a_killed_run_leaves_no_server_behind() -> None:
    try:
        binaries()
    except NoServer:
        pytest.skip("a server that is given is not ours to stop")
    name = f"syncd_test_{secrets.token_hex(4)}"
    killed = subprocess.run(
        [sys.executable, "-c", KILLED], env=own(name), cwd=TESTS, capture_output=True, text=True, check=False
    )
    url = killed.stdout.strip()

    deadline = time.monotonic() + 20
    while (answers(url) or (Path(gettempdir()) / name).exists()) and time.monotonic() < deadline:
        time.sleep(0.05)

    assert url.startswith("postgresql://"), killed.stderr
    assert not answers(url)
    assert not (Path(gettempdir()) / name).exists()


@pytest.mark.parametrize(("ci", "outcome"), [("true", pytest.fail.Exception), ("", pytest.skip.Exception)])
def test_without_a_server_a_test_is_skipped_and_in_ci_it_fails(
    monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[BaseException]
) -> None:
    monkeypatch.setenv("CI", ci)

    with pytest.raises(outcome, match="no binaries"):
        without_a_server(NoServer("no binaries"))
