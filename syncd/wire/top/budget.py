"""What one application key may still call: so many a second, so many a day, and no throttled interface.

Merchants that use the same key share it. A ban of the whole key is every interface's, a ban of one interface is not.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from syncd.wire.allowance import Allowance
from syncd.wire.pace import Pacer


class AppBudget:
    """`pacer` and `allowance` are the whole key's; `pacer_of` makes the one of an interface, which only knows bans."""

    def __init__(self, pacer: Pacer, allowance: Allowance, pacer_of: Callable[[str], Pacer]) -> None:
        self._pacer = pacer
        self._allowance = allowance
        self._pacer_of = pacer_of
        self._methods: dict[str, Pacer] = {}

    @property
    def spacing(self) -> float:
        """Seconds from one call of the whole key to the next."""
        return self._pacer.spacing

    async def turn(self, method: str, *, counted: bool = True) -> None:
        """Wait for one's place. Raises Paced while the key or `method` rests, and when the day's calls are used up."""
        await self._of(method).turn()
        await self._pacer.turn()
        if counted:
            await self._allowance.spend()

    async def free_at(self, *, patient: bool = False) -> datetime:
        """When a call that asks now would begin, as far as the whole key is concerned."""
        paced = await self._pacer.free_at(patient=patient)
        return max(paced, self._allowance.free_at() or paced)

    async def slow(self, began_at: datetime, rest_for: float | None, method: str = "") -> None:
        """Calls come too fast, in answer to one that began at `began_at`: all of them, or those of `method`."""
        pacer = self._of(method) if method else self._pacer
        await pacer.slow(began_at, rest_for)

    def _of(self, method: str) -> Pacer:
        if method not in self._methods:
            self._methods[method] = self._pacer_of(method)
        return self._methods[method]
