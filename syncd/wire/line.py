"""A line before a door: first come, first served, and the patient behind all others."""

from __future__ import annotations

import asyncio


class Waiter:
    """One who stands in a line."""

    __slots__ = ("_called", "patient")

    def __init__(self, *, patient: bool) -> None:
        self.patient = patient
        self._called = asyncio.Event()

    async def called(self) -> None:
        """Until something in front of us has changed."""
        self._called.clear()
        await self._called.wait()

    def call(self) -> None:
        """Something in front of this one has changed."""
        self._called.set()


class Line:
    """Who waits, in the order in which they go."""

    def __init__(self) -> None:
        self._urgent: list[Waiter] = []
        self._patient: list[Waiter] = []

    def __len__(self) -> int:
        return len(self._urgent) + len(self._patient)

    def join(self, *, patient: bool) -> Waiter:
        """Stand behind all who are as urgent, or more."""
        waiter = Waiter(patient=patient)
        (self._patient if patient else self._urgent).append(waiter)
        return waiter

    def is_first(self, waiter: Waiter) -> bool:
        """Whether nobody goes before this one."""
        return self._first() is waiter

    def leave(self, waiter: Waiter) -> None:
        """Go, or give up; whoever is first now is called."""
        (self._patient if waiter.patient else self._urgent).remove(waiter)
        self.call()

    def call(self) -> None:
        """The first one is to look again."""
        first = self._first()
        if first is not None:
            first.call()

    def ahead(self, *, patient: bool) -> int:
        """How many would go before one who came now."""
        return len(self) if patient else len(self._urgent)

    def _first(self) -> Waiter | None:
        if self._urgent:
            return self._urgent[0]
        return self._patient[0] if self._patient else None
