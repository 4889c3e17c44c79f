"""A disarmed store on its way back: it reads and asks until it knows what it had forgotten, and a person arms it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog

from syncd.domain.ports import Class
from syncd.stages.turn import Merchant, Stage
from syncd.store.guard import Guard, NoWitness, Vouched, arm, open_instance
from syncd.store.instance import Instance, Rebuilding
from syncd.store.store import Store, StoreUnavailable

log = structlog.get_logger("syncd.app")

#: Seconds between two looks whether a person has armed or disarmed the store.
LOOK_EVERY = 1.0


@dataclass(frozen=True, slots=True)
class Arming:
    """Whether this installation may write outside, and what it takes until it may again."""

    store: Store
    merchants: Mapping[str, str]  # sid → name, as configured
    stages: Mapping[str, Stage]

    async def instance(self) -> Instance:
        """What this store is. Raises StoreUnavailable."""
        async with self.store.read() as tx:
            here = await tx.instance.get()
        assert here is not None, "open_app gave the store its instance"
        return here

    async def rebuilding(self) -> Rebuilding:
        """What a disarmed store must still learn before it may be armed. Raises StoreUnavailable."""
        async with self.store.read() as tx:
            return await tx.instance.rebuilding(self.merchants)

    async def look_around(self) -> None:
        """Make everything that reads and asks due now. Raises StoreUnavailable."""
        await self._wake(("poll", "collect"))

    async def _wake(self, names: Sequence[str]) -> None:
        async with self.store.begin(fact="arming.woken") as tx:
            for name in names:
                for key in self.stages[name].keys:
                    await tx.units.wake(name, key)

    async def rearm(self, by: str = "") -> bool:
        """Arm the store if a person wants it (`by`, or asked through the store) and nothing is missing any more.

        Raises StoreUnavailable, NoWitness.
        """
        here = await self.instance()
        by = by or here.asked_by
        if here.armed or not by or not (await self.rebuilding()).complete:
            return False
        assert self.store.guard is not None
        await _to_its_end(arm(self.store, self.store.guard, by))
        await self._wake(("push", "write_back"))
        return True

    @asynccontextmanager
    async def followed(self) -> AsyncIterator[None]:
        """Inside, a person's word through the store is heard within a second or two."""
        following = asyncio.create_task(self._follow())
        try:
            yield
        finally:
            following.cancel()
            await asyncio.gather(following, return_exceptions=True)

    async def _follow(self) -> None:
        armed = True
        while True:
            try:
                here = await self.instance()
                if armed and not here.armed:
                    log.warning("instance.disarmed", why=here.why, about=here.about)
                armed = here.armed or await self.rearm()
            except (StoreUnavailable, NoWitness) as error:
                log.warning("store.refused", stage="arming", unit="*", why=str(error))
            await asyncio.sleep(LOOK_EVERY)


async def _to_its_end(arming: Coroutine[Any, Any, object]) -> None:
    """Do all of it, even where whoever waits is stopped: armed without its witness, a store starts disarmed."""
    task = asyncio.create_task(arming)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)
        raise


async def opened(
    store: Store, guard: Guard, merchants: Sequence[Merchant], *, exclusive: bool, vouched: Vouched | None = None
) -> None:
    """Compare the store with its witness before anything turns. Raises StoreUnavailable."""
    certain = all(merchant.issuer.profile.trust is Class.A for merchant in merchants)
    try:
        await open_instance(store, guard, exclusive=exclusive, all_refuse_doubles=certain, vouched=vouched)
    except NoWitness as error:
        raise StoreUnavailable(str(error)) from error
