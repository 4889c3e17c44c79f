"""Sessions that PostgreSQL ended are found out before anything is asked of them, and lost endings are said again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import LiteralString

import psycopg
import pytest
from daemon_parts import VirtualClock
from postgres import Server, database
from psycopg import sql
from sqlalchemy import text
from structlog.testing import capture_logs

from syncd.store.store import Store, StoreUnavailable
from syncd.store.units import Ending

#: Of this process alone: others have stores on the same server.
END_OURS = """
    SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
    WHERE pid <> pg_backend_pid() AND datname = current_database()
"""
_PID = text("SELECT pg_backend_pid()")


@pytest.fixture
async def store(postgres: str, clock: VirtualClock) -> AsyncIterator[Store]:
    async with Store.at(postgres, clock) as opened:
        yield opened


async def at_once(store: Store, many: int) -> list[object]:
    """So many transactions, each of which is open while the others are."""
    met = asyncio.Barrier(many)

    async def one() -> int:
        async with store.begin(lone=True) as tx:
            await tx.units.due("push")
            await asyncio.wait_for(met.wait(), 3)
            return int(await tx.connection.scalar(_PID) or 0)

    return await asyncio.gather(*(one() for _ in range(many)), return_exceptions=True)


async def test_sessions_that_the_server_has_ended_cost_nobody_a_turn(store: Store, postgres: str) -> None:
    """As after a restart of the server: of eight that lie in the pool none is alive, and each would fail somebody."""
    before = await at_once(store, 8)
    with psycopg.connect(postgres, autocommit=True) as admin:
        ended = admin.execute(END_OURS).fetchone()

    after = await at_once(store, 8)

    assert ended == (8,)
    assert all(isinstance(pid, int) for pid in [*before, *after]), after
    assert not {*before} & {*after}


async def test_a_unit_whose_end_the_database_could_not_take_is_given_back_when_it_can(
    store: Store, postgres: str, postgres_server: Server, clock: VirtualClock
) -> None:
    """Nobody is at work on it, and its lease would keep it from everybody for the rest of a minute."""
    async with store.begin() as tx:
        await tx.units.ensure("push", "m1")
    claim = await store.desk.claim("push", "m1")
    assert claim is not None
    shut(postgres_server, postgres, "false")

    with pytest.raises(StoreUnavailable):
        await store.desk.finish(Ending(claim, clock.now(), failures=3, trouble="no database"))
    shut(postgres_server, postgres, "true")

    async with asyncio.timeout(10):
        while await leased(store):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    again = await store.desk.claim("push", "m1")
    assert again is not None
    assert (again.epoch, again.failures) == (claim.epoch + 1, 3)


async def test_an_end_that_comes_too_late_when_it_is_said_again_is_refused_and_that_is_told(
    store: Store, postgres: str, postgres_server: Server, clock: VirtualClock
) -> None:
    """F11. Somebody else was granted the unit meanwhile."""
    async with store.begin() as tx:
        await tx.units.ensure("push", "m1")
    claim = await store.desk.claim("push", "m1")
    assert claim is not None
    shut(postgres_server, postgres, "false")
    with pytest.raises(StoreUnavailable):
        await store.desk.finish(Ending(claim, clock.now()))
    shut(postgres_server, postgres, "true")

    with psycopg.connect(postgres, autocommit=True) as other, capture_logs() as said:
        other.execute("UPDATE unit SET epoch = epoch + 1")
        async with asyncio.timeout(10):
            while not said:  # noqa: ASYNC110
                await asyncio.sleep(0.05)

    assert await leased(store)
    assert [(line["event"], line["epoch"]) for line in said] == [("unit.fenced", claim.epoch)]


def shut(server: Server, url: str, allow: LiteralString) -> None:
    """Let nobody in, and put out whoever is; or let them in again."""
    name = sql.Identifier(database(url))
    with psycopg.connect(server.url, autocommit=True) as admin:
        admin.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}").format(name, sql.SQL(allow)))
        admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [database(url)]
        )


async def leased(store: Store) -> bool:
    async with store.read() as tx:
        return any(unit.running for unit in await tx.units.all())
