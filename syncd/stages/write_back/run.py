"""The acting side of write-back: say what is owed, then look; only what is seen at WDT settles a debt."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from syncd.domain.trouble import Paced, Permanent, Transient
from syncd.stages import lane
from syncd.stages.turn import Brake, Merchant, Turn, later, sleep
from syncd.stages.write_back import company
from syncd.stages.write_back.errand import Errand
from syncd.stages.write_back.looking import Looking
from syncd.stages.write_back.plan import WriteBackRules
from syncd.stages.write_back.saying import Saying
from syncd.store.instance import Disarmed
from syncd.store.orders import OrderId
from syncd.store.store import Store, Tx
from syncd.store.units import Claim


class WriteBacks:
    """Pays one merchant's debts to WDT."""

    name = "write_back"

    def __init__(self, store: Store, merchants: Sequence[Merchant], rules: WriteBackRules, brake: Brake) -> None:
        self._store = store
        self._brake = brake
        self._merchants = {str(merchant.name): merchant for merchant in merchants}
        self._rules = rules
        self.keys = list(self._merchants)
        self.sleepers = frozenset(self.keys)
        self._hands: dict[str, OrderId] = {}

    async def work(self, key: str, claim: Claim) -> Turn:
        """Send what is owed, settle what was seen, look for what was sent."""
        merchant = self._merchants[key]
        self._hands.pop(key, None)
        async with self._store.read() as tx:
            due, now = await tx.debts.next_due(merchant.name), tx.now
            standing = await tx.lanes.standing(merchant.name, lane.WDT)
            waiting = await company.waits(tx, merchant, self._rules.batch)
        if due is None or due > now:
            return sleep(now, self._rules.every, due)
        way = await lane.gate(self._store, claim, merchant, lane.WDT, prober=False, standing=standing)
        if way.until is not None:
            return Turn(way.until)
        take = partial(self._hands.__setitem__, key)
        errand = Errand(self._store, merchant, claim, self._rules, self._brake, take)
        looking = Looking(errand)
        try:
            sent, refused = (0, None) if waiting else await self._say(errand)
            settled = await looking.look()  # what was sent before is looked for, whatever became of the rest
        except (Transient, Permanent) as trouble:
            rest = await lane.troubled(self._store, claim, merchant, trouble, fact="write_back.rested")
            if rest is None:
                raise
            return Turn(rest)
        if refused is not None:
            raise refused
        due, now = await self._next(merchant, looking.until)
        if due is not None and due <= now and not waiting and (settled or sent):
            return later(now, timedelta(0), {"sent": sent})  # it gets on, and there is more
        return sleep(now, self._rules.every, due, {"sent": sent})

    async def _next(self, merchant: Merchant, looks_at: datetime | None) -> tuple[datetime | None, datetime]:
        """When something is to be done next, and the present; what waits for a look until then is not due before."""
        async with self._store.read() as tx:
            if looks_at is None:
                return await tx.debts.next_due(merchant.name), tx.now
            owed = await tx.debts.next_owed(merchant.name)
            return looks_at if owed is None else min(owed, looks_at), tx.now

    async def _say(self, errand: Errand) -> tuple[int, Disarmed | Paced | None]:
        """How many documents were sent, and why nothing more may be said in this turn. Raises Transient, Permanent."""
        try:
            return await Saying(errand).say_all(), None
        except (Disarmed, Paced) as refused:
            return 0, refused

    async def asleep_until(self, tx: Tx, key: str) -> datetime | None:
        """Until when the unit may sleep on; None where something is owed now."""
        due = await tx.debts.next_due(self._merchants[key].name)
        return None if due is not None and due <= tx.now else sleep(tx.now, self._rules.every, due).next_at

    def at_hand(self, key: str) -> OrderId | None:
        """The order whose debt was being worked on in single file."""
        return self._hands.get(key)
