"""The database goes away under the engine, and comes back or does not."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from engine_parts import Work, distributed, until
from postgres import Server, start, stop

from syncd.engine import distributed as distributed_engine
from syncd.engine import jobs


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


@asynccontextmanager
async def door(url: str) -> AsyncIterator[tuple[str, asyncio.Event]]:
    """The URL of a way to the database that lets one in, and an event: the second stands outside and hears nothing."""
    place = urlsplit(url)
    first, second, over = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while some := await source.read(65536):
            target.write(some)
        target.close()

    async def come(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if first.is_set():
            second.set()
            await over.wait()
            writer.close()
            return
        first.set()
        there, back = await asyncio.open_connection(place.hostname, place.port)
        await asyncio.gather(carry(reader, back), carry(there, writer))

    async with await asyncio.start_server(come, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        yield url.replace(f":{place.port}/", f":{port}/"), second
        over.set()


async def test_a_stop_while_the_queue_is_being_opened_leaves_nothing_that_keeps_the_process_alive(
    empty_postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is cancelled while it connects goes on, once: the pool's task must then be told that all is over."""
    monkeypatch.setattr(distributed_engine, "_GRACE", 0.2)
    await jobs.prepare(empty_postgres)
    async with door(empty_postgres) as (url, opening):
        engine = distributed(url, Work(), "push")
        engine.start()
        await opening.wait()
        await engine.drain(0.0)

        left = [task for task in asyncio.all_tasks() if task.get_name().startswith("syncd.jobs")]
        for task in left:
            task.cancel()  # as the end of the process does
        _, alive = await asyncio.wait(left, timeout=5.0)

    assert left != []
    assert alive == set()
