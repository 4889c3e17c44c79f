"""The numbers of requests to each tenant, handed out in order from what was drawn for it (R11)."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator


class Numbers:
    """`draw` gives some numbers of a tenant, higher than all it ever gave; what is not used of them is skipped."""

    def __init__(self, draw: Callable[[str], Awaitable[range]]) -> None:
        self._draw = draw
        self._left: dict[str, Iterator[int]] = {}
        self._drawing: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def next(self, sid: str) -> int:
        """The next number of `sid`: higher than all that were handed out before. Raises StoreUnavailable."""
        async with self._drawing[sid]:  # or what was drawn first could be handed out after what was drawn later
            number = next(self._left.get(sid, iter(())), None)
            if number is None:
                self._left[sid] = iter(await self._draw(sid))
                number = next(self._left[sid])
            return number
