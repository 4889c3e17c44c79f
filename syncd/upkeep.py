"""What a store on a server needs now and then, and one process of many does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from syncd.engine.supervise import supervised
from syncd.store.statistics import refreshed
from syncd.store.store import Store, StoreUnavailable

log = structlog.get_logger("syncd.app")

#: Seconds between two looks; the first is at once.
EVERY = 60.0


@asynccontextmanager
async def kept_up(
    store: Store, every: float = EVERY, *, speaks: Callable[[], Awaitable[bool]] | None = None
) -> AsyncIterator[None]:
    """Inside, the server knows how the rows are spread. `speaks`: whether this process is the one that sees to it."""
    task = asyncio.create_task(_keep_up(store, every, speaks), name="upkeep") if store.path is None else None
    try:
        yield
    finally:
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def _keep_up(store: Store, every: float, speaks: Callable[[], Awaitable[bool]] | None) -> None:
    while True:
        await supervised("upkeep", "*", _look(store, speaks))
        await asyncio.sleep(every)


async def _look(store: Store, speaks: Callable[[], Awaitable[bool]] | None) -> None:
    try:
        if speaks is None or await speaks():
            await refreshed(store)
    except StoreUnavailable as error:  # so can nothing else: there is a next time
        log.warning("store.refused", stage="upkeep", unit="*", why=str(error))
