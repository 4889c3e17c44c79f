"""Units that came due only because nobody sleeps longer: they are looked at together, and without a turn.

Whatever gives a unit something to do wakes it; that it also looks by itself now and then is for safety alone, and with
a thousand merchants it would be most of what an idle process does.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Protocol, runtime_checkable

from syncd.stages.turn import Stage
from syncd.store.store import Store, Tx


@runtime_checkable
class Sleeper(Protocol):
    """A stage that can say without a turn that one of its `sleepers` has nothing to do."""

    @property
    def sleepers(self) -> Collection[str]:
        """The keys of units that sleep until they are woken."""
        ...

    async def asleep_until(self, tx: Tx, key: str) -> datetime | None:
        """Until when the unit may sleep on, since a turn would only look; None: it is to have one."""
        ...


async def look_over(store: Store, stage: Stage, keys: Collection[str]) -> set[str]:
    """Let those of `keys` sleep on that have nothing to do, and say which. Raises StoreUnavailable.

    Whoever wakes one of them does it before we have looked, or finds it asleep again.
    """
    if not isinstance(stage, Sleeper):
        return set()
    sleepers = [key for key in keys if key in stage.sleepers]
    if not sleepers:
        return set()
    until: dict[str, datetime] = {}
    async with store.begin(fact="unit.slept_on", lone=True) as tx:
        for key in await tx.units.asleep(stage.name, sleepers):
            at = await stage.asleep_until(tx, key)
            if at is not None:
                until[key] = at
        await tx.units.sleep_on(stage.name, until)
    return set(until)
