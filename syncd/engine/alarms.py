"""Timers for what comes due soon: a tick would find it up to its whole period late."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

Unit = tuple[str, str]


class Alarms:
    """One timer for each unit, at the soonest of the instants that were said of it; `ring` is called then."""

    def __init__(self, ring: Callable[[Unit], None]) -> None:
        self._ring = ring
        self._set: dict[Unit, asyncio.TimerHandle] = {}

    def set(self, units: Mapping[Unit, float]) -> None:
        """These come due in so many seconds."""
        loop = asyncio.get_running_loop()
        for unit, seconds in units.items():
            at, set_before = loop.time() + seconds, self._set.get(unit)
            if set_before is not None and set_before.when() <= at:
                continue
            if set_before is not None:
                set_before.cancel()
            self._set[unit] = loop.call_at(at, self._rings, unit)

    def clear(self) -> None:
        """None of them rings any more."""
        for timer in self._set.values():
            timer.cancel()
        self._set.clear()

    def _rings(self, unit: Unit) -> None:
        del self._set[unit]
        self._ring(unit)
