"""The numbers of requests to each tenant, handed out in order from what was drawn for it (R11)."""

from __future__ import annotations

import asyncio
import math
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator


class Numbers:
    """`draw` gives some numbers of a tenant, higher than all it ever gave; what is not used of them is skipped.

    They are good for so many seconds on `clock`: where somebody else may have drawn meanwhile, an old one would be
    behind theirs, and whatever is read under it behind what they have stored.
    """

    def __init__(
        self,
        draw: Callable[[str], Awaitable[range]],
        *,
        good_for: float = math.inf,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._draw = draw
        self._good_for = good_for
        self._clock = clock
        #: Of each tenant the numbers that are left, and until when they are good.
        self._left: dict[str, tuple[Iterator[int], float]] = {}
        self._drawing: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def next(self, sid: str) -> int:
        """The next number of `sid`: higher than all that were handed out before. Raises StoreUnavailable."""
        async with self._drawing[sid]:  # or what was drawn first could be handed out after what was drawn later
            left, good_until = self._left.get(sid, (iter(()), math.inf))
            number = next(left, None) if self._clock() < good_until else None
            if number is None:
                good_until = self._clock() + self._good_for
                left = iter(await self._draw(sid))
                self._left[sid] = left, good_until
                number = next(left)
            return number
