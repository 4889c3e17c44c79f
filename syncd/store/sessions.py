"""The lock of a store on PostgreSQL: held by a session of the server's, and gone with it.

The session can be lost while its process lives: the server was restarted, the network was away. Whoever comes in
between voids this process's leases, so its late writes are refused; the lock is taken again as soon as it can be.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog

from syncd.store import postgres
from syncd.store.dialect import lock_key
from syncd.store.troubles import HeldElsewhere, StoreUnavailable

if TYPE_CHECKING:
    from psycopg import AsyncConnection

log = structlog.get_logger("syncd.store")

_LOOK_EVERY = 5.0
#: Seconds for the server to take note of our going.
_GRACE = 1.0


class Session:
    """One session of the server's that holds the store, alone (`exclusive`) or with others that share it."""

    def __init__(self, url: str, *, exclusive: bool) -> None:
        self._url = url
        self._take = "pg_try_advisory_lock" if exclusive else "pg_try_advisory_lock_shared"
        self._connection: AsyncConnection[Any] | None = None
        self._watch: asyncio.Task[None] | None = None

    async def take(self) -> None:
        """Hold the store from now on. Raises HeldElsewhere, StoreUnavailable."""
        await self._hold()
        self._watch = asyncio.create_task(self._watched())

    async def give_up(self) -> None:
        """Let others have it."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
        await self._unlock()
        await self._drop()

    async def _hold(self) -> None:
        import psycopg

        try:
            connection = await postgres.session(self._url)
            try:
                found = await connection.execute(f"SELECT {self._take}(%s)".encode(), (lock_key(postgres.AT_WORK),))
                granted = await found.fetchone()
            except BaseException:
                await connection.close()
                raise
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise StoreUnavailable(postgres.told(error)) from error
        if granted is None or not granted[0]:
            await connection.close()
            who = await asyncio.to_thread(postgres.holder, self._url)
            raise HeldElsewhere(postgres.shown(self._url), who or "another process")
        self._connection = connection

    async def _unlock(self) -> None:
        """Said before the session ends: of that the server hears only later, and the next one is at the door."""
        import psycopg

        if self._connection is None:
            return
        saying = asyncio.ensure_future(self._connection.execute("SELECT pg_advisory_unlock_all()"))
        done, _ = await asyncio.wait({saying}, timeout=_GRACE)
        if not done:  # the server does not answer; it lets go when it finds that we are gone
            saying.cancel()
        with suppress(psycopg.Error):
            for one in done:
                one.result()

    async def _drop(self) -> None:
        import psycopg

        if self._connection is not None:
            with suppress(psycopg.Error):
                await self._connection.close()
            self._connection = None

    async def _watched(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            if await self._answers():
                continue
            log.warning("daemon.lock_lost")
            await self._drop()
            await self._regain()

    async def _answers(self) -> bool:
        import psycopg

        try:
            assert self._connection is not None
            await self._connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    async def _regain(self) -> None:
        told = False
        while True:
            try:
                await self._hold()
            except StoreUnavailable:
                pass
            except HeldElsewhere as other:
                if not told:
                    log.error("daemon.lock_taken", holder=other.holder)
                    told = True
            else:
                log.info("daemon.lock_regained")
                return
            await asyncio.sleep(_LOOK_EVERY)
