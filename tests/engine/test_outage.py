"""The database goes away under the engine, and comes back or does not."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from engine_parts import Work, distributed, until
from postgres import Server, start, stop


class Database:
    """A server of this test's own, which can be taken away."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.url = start(folder)

    def goes(self) -> None:
        stop(self._folder)

    def comes_back(self) -> None:
        start(self._folder, port=urlsplit(self.url).port or 0)


@pytest.fixture
def database(postgres_server: Server) -> Iterator[Database]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        found = Database(Path(folder) / "server")
        yield found
        found.goes()


async def test_work_goes_on_when_the_database_is_back_and_a_stop_does_not_wait_for_one_that_is_gone(
    database: Database,
) -> None:
    work = Work(push=["m1"])
    work.let_go()
    engine = distributed(database.url, work, "push")
    engine.start()
    await work.until(lambda: work.ended == ["push/m1"])

    database.goes()
    seen = engine.ticked_at

    async def tries_again() -> bool:
        return engine.ticked_at > seen

    await until(tries_again)
    database.comes_back()
    work.comes_due("push", "m2")
    await work.until(lambda: work.ended == ["push/m1", "push/m2"])

    work.open = False
    work.comes_due("push", "m3")
    await work.until_begun("push/m3")
    database.goes()
    began = time.monotonic()
    drained = await engine.drain(1.0)

    assert drained.left == 1
    assert work.interrupted == ["push/m3"]
    assert time.monotonic() - began < 8
