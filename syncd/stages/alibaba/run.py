"""The acting side: takes each due application one step further, a few calls at a time, and none ahead of the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from syncd.domain.application import Standing
from syncd.stages import lane
from syncd.stages.alibaba import plan, writing
from syncd.stages.alibaba.talk import LaneRests, Talk
from syncd.stages.turn import Brake, Merchant, Turn, later, share_spent, sleep
from syncd.store.applications import PARKED, ApplicationId
from syncd.store.instants import to_ms
from syncd.store.orders import OrderId, Stale
from syncd.store.store import Store
from syncd.store.units import Claim, half_spent

#: Applications chosen at once, and steps that one of them takes in a turn: compare, tell, and one more.
BATCH, MOST_STEPS = 20, 3
#: When an application is looked at again that a defect of ours may have stopped.
PARKED_FOR = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class AlibabaRules:
    """The settings of this stage."""

    every: timedelta


class Alibaba:
    """Pays one merchant's debts to the invoice centre."""

    name = "alibaba"

    def __init__(
        self,
        store: Store,
        merchants: Sequence[Merchant],
        rules: AlibabaRules,
        brake: Brake,
        rng: Callable[[], float],
    ) -> None:
        self._store = store
        self._brake = brake
        self._rules = rules
        self._rng = rng
        self._merchants = {str(one.name): one for one in merchants if one.centre is not None}
        self.keys = list(self._merchants)

    async def work(self, key: str, claim: Claim) -> Turn:
        """Take every due application one step further, as long as the turn lasts; each has its share."""
        merchant = self._merchants[key]
        async with self._store.read() as tx:
            due, now = await tx.applications.next_due(merchant.name), tx.now
        if due is None or due > now:
            return sleep(now, self._rules.every, due)
        way = await lane.gate(self._store, claim, merchant, lane.TOP, prober=True)
        if way.until is not None:
            return Turn(way.until)
        assert merchant.centre is not None
        talk = Talk(self._store, merchant, merchant.centre, claim, way.probe, lambda: self._ended(claim), self._rng)
        try:
            told = await self._go_through(talk, way.probe)
        except LaneRests as rests:
            return Turn(rests.until)
        async with self._store.read() as tx:
            due, now = await tx.applications.next_due(merchant.name), tx.now
        if due is not None and due <= now:
            return later(now, timedelta(0), {"told": told})
        return sleep(now, self._rules.every, due, {"told": told})

    def at_hand(self, key: str) -> OrderId | None:
        """None: a defect here parks the application (`_park`), and never an order."""
        return None

    async def _go_through(self, talk: Talk, probe: bool) -> int:
        """Step by step through what is due, until it is done or the turn is over; how many came to their end."""
        told = 0
        while not talk.ended():
            async with self._store.read() as tx:
                chosen = await tx.applications.due(talk.merchant.name, 1 if talk.claim.single_file or probe else BATCH)
            for application_id in chosen:
                if talk.ended():
                    break
                told += await self._advance(talk, application_id)
            if not chosen or probe:
                break
        return told

    def _ended(self, claim: Claim) -> bool:
        """No outside write begins once the turn has had its share, or half of the lease is gone."""
        now = self._store.clock.monotonic()
        return self._brake.pulled or share_spent(claim, now) or half_spent(claim, now)

    # -- one application -------------------------------------------------------------------------------------------

    async def _advance(self, talk: Talk, application_id: ApplicationId) -> bool:
        """One step; whether it is at its end by it. What has moved meanwhile is looked at again."""
        if talk.claim.single_file:
            await self._park(talk.claim, application_id)
        try:
            return await self._step(talk, application_id)
        except Stale:
            async with self._store.begin(talk.claim, fact="alibaba.moved") as tx:
                await tx.applications.orders_changed([application_id])
            return False

    async def _park(self, claim: Claim, application_id: ApplicationId) -> None:
        """Two defects in a row: whatever this one runs into, it is not looked at again for hours."""
        async with self._store.begin(claim, fact="alibaba.parked") as tx:
            seen = await tx.applications.get(application_id)
            await tx.applications.wait(seen, next_at=to_ms(tx.now + PARKED_FOR), answer=PARKED)

    async def _step(self, talk: Talk, application_id: ApplicationId) -> bool:
        """Decide and intend in one transaction; then make the call that was decided on."""
        rules = talk.merchant.centre_rules
        assert rules is not None
        async with self._store.begin(talk.claim, fact="alibaba.decided", outward=True) as tx:
            seen = await tx.applications.get(application_id)
            legs = await tx.links.legs(application_id)
            step = plan.next_step(seen, legs, rules)
            tx.outward = isinstance(step, plan.Tell)
            match step:
                case plan.Rest() | plan.Told():
                    await writing.rest(tx, seen)
                case plan.Pause():
                    await writing.wait(tx, seen, plan.Wait(plan.FIRST_FILE_WAIT, seen.round, for_file=True))
                case plan.Stick():
                    await writing.stick(tx, seen, legs, step)
                case plan.Tell():
                    if seen.state is not Standing.OWED:
                        await tx.applications.move(seen, Standing.OWED)
                        seen = await tx.applications.get(application_id)
                    await tx.applications.saying(seen, step.status)
        match step:
            case plan.Read(why):
                return await talk.look(seen, legs, why)
            case plan.Tell():
                return await talk.tell(seen, legs, step)
        return False
