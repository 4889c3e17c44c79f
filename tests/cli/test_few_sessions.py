"""A server whose sessions are all taken: nothing crashes, nothing is lost, and work goes on once some are free."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Literal

import psycopg
import pytest
from postgres import Server, start, stop
from test_distributed import PATIENCE, Fleet

from syncd.sandbox import Sandbox, SandboxOptions

ORDERS = 10
#: So often the daemon is turned away; it asks each second what is due in each of four stages.
TURNED_AWAY = 12
#: Seconds until all is done once there is room again, on a busy machine: a lease that nobody gave back takes sixty.
WELL_WITHIN = 30.0
END_THE_OTHERS = """
    SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND application_name <> 'third party'
"""


@pytest.fixture
def few(postgres_server: Server) -> Iterator[str]:
    """The URL of a server of this test's own that has sessions for one process and little more."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        place = Path(folder) / "server"
        yield start(place, max_connections="16", superuser_reserved_connections="0")
        stop(place)


@asynccontextmanager
async def third_party(url: str) -> AsyncIterator[None]:
    """Puts everybody out, and takes whatever session is free, until the end."""
    async with AsyncExitStack() as taken:

        async def take() -> psycopg.AsyncConnection[Any]:
            connecting = psycopg.AsyncConnection.connect(url, autocommit=True, application_name="third party")
            return await taken.enter_async_context(await connecting)

        async def take_all() -> None:
            while True:
                with suppress(psycopg.OperationalError):
                    await take()
                    continue
                await asyncio.sleep(0.05)

        first = await take()
        taking = asyncio.create_task(take_all())
        await first.execute(END_THE_OTHERS)
        try:
            yield
        finally:
            taking.cancel()
            await asyncio.wait([taking])


@pytest.mark.parametrize("kind", ["distributed", "embedded"])
async def test_a_daemon_outlives_a_server_without_a_free_session(
    few: str, tmp_path: Path, kind: Literal["distributed", "embedded"]
) -> None:
    async with Sandbox(SandboxOptions(seed=1, calls_per_minute=0, issue_delay=(0.01, 0.05))) as sandbox:
        here = Fleet(few, tmp_path, sandbox)
        here.write()
        settings = tmp_path / "syncd.toml"
        settings.write_text(settings.read_text(encoding="utf-8").replace("distributed", kind), encoding="utf-8")
        daemon = await here.start()
        await here.said(daemon, "daemon.started")
        sandbox.wdt.put_order({})
        await here.settled(1)

        async with third_party(few):
            for _ in range(ORDERS):
                sandbox.wdt.put_order({})
            async with asyncio.timeout(PATIENCE):
                while len(daemon.events("store.refused")) < TURNED_AWAY:  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
        free_at = time.monotonic()
        await here.settled(1 + ORDERS)
        took = time.monotonic() - free_at
        code, _ = await daemon.end(15)

    assert sandbox.most_invoices_per_document() == 1
    assert took < WELL_WITHIN
    assert daemon.events("task.crashed") == []
    ours = [line for line in daemon.said if line["event"] != "third_party.logged"]  # the queue's own words at its end
    assert [line for line in ours if line["level"] == "error"] == []
    assert code == 0
