"""A page on its way, while something else is done."""

from __future__ import annotations

import asyncio
from typing import Any

from syncd.domain.order import Page, Search
from syncd.stages.intake import ask
from syncd.stages.turn import Merchant
from syncd.store.store import Store

#: A page that was asked for, and the number of its request.
Asking = asyncio.Task[tuple[Page, int]]


def asking_for(store: Store, merchant: Merchant, query: Search) -> Asking:
    """Ask now; the answer, or what `intake.ask` raises, is had by awaiting what is returned."""
    return asyncio.create_task(ask(store, merchant, query))


async def let_end(asking: asyncio.Task[Any] | None) -> None:
    """Nobody wants this page any more; it was only a question. It ends by itself, unless we are made to stop."""
    if asking is None:
        return
    try:
        await asyncio.wait({asking})
    except asyncio.CancelledError:
        asking.cancel()
        await asyncio.wait({asking})
        raise
    finally:
        if asking.done() and not asking.cancelled():
            asking.exception()  # seen, so that nobody complains about it
