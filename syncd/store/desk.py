"""Where units are asked for and given back: for many at once, in one transaction.

A claim is still one guarded change of one row, and so is an ending; what is shared is the commit. Nobody is told
before that.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import structlog

from syncd.domain.budget import Slowed
from syncd.store.gathering import Gathered
from syncd.store.numbers import Numbers
from syncd.store.paces import slowed_all
from syncd.store.troubles import StoreUnavailable
from syncd.store.units import LEASE, Claim, Due, Ending, Fenced

if TYPE_CHECKING:
    from syncd.store.store import Store

log = structlog.get_logger("syncd.store")

Unit = tuple[str, str]
#: Request numbers that are drawn at a time.
_AT_ONCE = 100
#: For so many seconds these are good on a server: whoever is alone there can lose its lock, and have it again after
#: somebody else has drawn. A file's lock is lost with the process alone.
_GOOD_FOR = 10.0
#: Seconds; a statement itself might wait for half a minute.
_GIVEN_UP_AFTER = 3.0
#: Seconds between two attempts to say what the database could not take.
_SAID_AGAIN_AFTER = 1.0


class Desk:
    """The claims, endings and request numbers of one process. All of it raises StoreUnavailable."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._due = Gathered(self._look)
        self._claims = Gathered(self._grant, unheard=self._give_back)
        self._endings = Gathered(self._end)
        self._draws = Gathered(self._draw)
        good_for = _GOOD_FOR if store.path is None else math.inf
        self._numbers = Numbers(self._draws.ask, good_for=good_for, clock=store.clock.monotonic)
        self._slowed = Gathered(self._hear)
        #: Endings that the database could not take, and the task that says them again.
        self._unsaid: list[Ending] = []
        self._saying: asyncio.Task[None] | None = None

    async def due(self, stage: str) -> list[Due]:
        """Units of `stage` whose time has come and that nobody holds, longest waiting first."""
        return [unit for unit in await self._due.ask(stage) if unit.stage == stage]

    async def claim(self, stage: str, key: str) -> Claim | None:
        """Take the unit for `LEASE`, or None when it is not due or another holds it."""
        return await self._claims.ask((stage, key))

    async def finish(self, ending: Ending) -> None:
        """Give the unit back. Raises Fenced.

        Where the database cannot take that, it is said again as long as the lease lasts: else an outage of seconds
        would leave the unit lying for a minute, in the name of somebody who is at work on it no more.
        """
        try:
            await self._endings.ask(ending)
        except StoreUnavailable:
            self._unsaid.append(ending)
            if self._saying is None or self._saying.done():
                self._saying = asyncio.create_task(self._say_again())
            raise

    async def number(self, sid: str) -> int:
        """The number of the next request to a tenant: higher than all drawn before it."""
        return await self._numbers.next(sid)

    async def slowed(self, platform: str, account: str) -> Slowed | None:
        """What the last rate answer to a credential left behind; None before the first."""
        return await self._slowed.ask((platform, account))

    async def close(self) -> None:
        """Until nothing is on its way any more; what a stop cannot wait for is given up, as if the process had died."""
        if self._saying is not None:
            self._saying.cancel()
            await asyncio.wait({self._saying})
        every = (self._due, self._claims, self._endings, self._draws, self._slowed)
        await asyncio.gather(*(gathered.over(_GIVEN_UP_AFTER) for gathered in every))

    async def _look(self, stages: Sequence[str]) -> list[list[Due]]:
        async with self._store.read() as tx:
            found = await tx.units.due_of_all()
        return [found] * len(stages)

    async def _grant(self, units: Sequence[Unit]) -> list[Claim | None]:
        async with self._store.begin(fact="unit.claimed", lone=True) as tx:
            granted = await tx.units.claim_all(set(units), LEASE)
        return [granted.pop(unit, None) for unit in units]

    async def _give_back(self, granted: Sequence[Claim | None]) -> None:
        """Nobody is there any more to work under these: the units are due as they were.

        Where that fails, their leases run out by themselves.
        """
        claims = [one for one in granted if one is not None]
        if claims:
            async with self._store.begin(fact="unit.finished", lone=True) as tx:
                await tx.units.give_back(claims)

    async def _end(self, endings: Sequence[Ending]) -> list[Fenced | None]:
        async with self._store.begin(fact="unit.finished", lone=True) as tx:
            fenced = await tx.units.finish_all(endings)
        self._store.fenced += sum(one is not None for one in fenced)
        return fenced

    async def _say_again(self) -> None:
        while self._unsaid:
            await asyncio.sleep(_SAID_AGAIN_AFTER)
            now = self._store.clock.monotonic()
            unsaid, self._unsaid = [one for one in self._unsaid if now < one.claim.lease_until], []
            said = await asyncio.gather(*map(self._endings.ask, unsaid), return_exceptions=True)
            for one, end in zip(unsaid, said, strict=True):
                if isinstance(end, StoreUnavailable):
                    self._unsaid.append(one)
                elif isinstance(end, Fenced):
                    log.warning(
                        "unit.fenced", stage=one.claim.stage, unit=one.claim.key, epoch=one.claim.epoch, why=str(end)
                    )

    async def _draw(self, sids: Sequence[str]) -> list[range]:
        """Several for each tenant where nobody else draws; the order among several processes is the store's to know."""
        at_once = _AT_ONCE if self._store.alone else 1
        async with self._store.begin(fact="store.numbered", lone=True) as tx:
            return await tx.sightings.numbers(sids, at_once)

    async def _hear(self, credentials: Sequence[tuple[str, str]]) -> list[Slowed | None]:
        async with self._store.read() as tx:
            found = await slowed_all(tx, set(credentials))
        return [found.get(one) for one in credentials]
