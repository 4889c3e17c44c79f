"""Things that are made one after the other, a little ahead of whoever takes them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

from syncd.stages.asking import let_end

T = TypeVar("T")

#: So many are made, or being made, beyond the one that was taken last.
AHEAD = 4


class Ahead(Generic[T]):
    """What `make` makes, in order, one at a time, from now on. None ends it, and so does an error."""

    def __init__(self, make: Callable[[], Coroutine[Any, Any, T | None]]) -> None:
        self._make = make
        self._made: deque[asyncio.Task[T | None]] = deque()
        self._is_over = False
        self._go_on()

    async def next(self) -> list[T]:
        """Those that are there by now, one at least; none after the last. Raises what `make` raised in its place."""
        taken: list[T] = []
        found = await self._made[0]
        while found is not None:
            taken.append(found)
            self._made.popleft()
            if not self._made or not self._made[0].done() or self._made[0].exception() is not None:
                break
            found = self._made[0].result()
        self._go_on()
        return taken

    async def over(self) -> None:
        """Nobody wants any more. What is being made comes to its end by itself, unless we are made to stop."""
        self._is_over = True
        await let_end(self._made[-1] if self._made else None)  # those before it are there

    def _go_on(self, _: object = None) -> None:
        """Begin the next one, if there is room, and the last one is there and did not end it."""
        last = self._made[-1] if self._made else None
        if last is not None and last.done():
            self._is_over = self._is_over or last.cancelled() or last.exception() is not None or last.result() is None
        if not self._is_over and len(self._made) < AHEAD and (last is None or last.done()):
            one = asyncio.create_task(self._make())
            one.add_done_callback(self._go_on)
            self._made.append(one)
