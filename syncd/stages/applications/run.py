"""Takes messages off the platform's queue: recorded first, all of a batch in one transaction, and then confirmed.

What is killed in between is delivered again and known by its id. One queue may serve several shops: a message is
recorded under the merchant it names, whoever of them read it; one that names a shop nobody here has is told, and left
in the queue.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog

from syncd.domain.application import Standing, Stuck
from syncd.domain.centre import ApplyId, InvoiceCentre, Notice
from syncd.domain.order import MerchantName
from syncd.domain.trouble import InDoubt, Permanent, Transient
from syncd.stages import lane
from syncd.stages.applications.plan import ApplicationsRules, Meet, Nothing, Shop, TakeBack, concerns, meaning, owner
from syncd.stages.linking import ambiguous, link, withdraw
from syncd.stages.turn import Brake, Merchant, Turn, later, refuse_late, share_spent
from syncd.store.applications import ApplicationView
from syncd.store.links import Newcomer
from syncd.store.orders import OrderId
from syncd.store.store import Store, Tx
from syncd.store.units import Claim

log = structlog.get_logger("syncd.stages.applications")

#: Batches in one turn, and how long recorded messages are remembered: the platform forgets them sooner.
MOST_BATCHES, REMEMBERED_FOR = 10, timedelta(days=60)
#: Under this name messages are recorded that concern no merchant of the settings; one that is added has its own then.
NOBODY = MerchantName("")
#: So many ids are confirmed in one call.
MOST_IDS = 200


@dataclass(frozen=True, slots=True)
class Sorted:
    """A batch by whom it concerns. `strange` names shops that no merchant here has."""

    ours: Sequence[tuple[Merchant, list[Notice]]]
    strange: Sequence[Notice]

    @property
    def to_confirm(self) -> list[str]:
        """What is recorded and can be confirmed, in the order of the ids."""
        return [notice.id for _, notices in self.ours for notice in notices if notice.confirmable]


class Applications:
    """Reads one merchant's queue."""

    name = "applications"

    def __init__(self, store: Store, merchants: Sequence[Merchant], rules: ApplicationsRules, brake: Brake) -> None:
        self._store = store
        self._brake = brake
        self._rules = rules
        self._known = {str(one.name): one for one in merchants if one.centre is not None}
        self._merchants = {
            name: one for name, one in self._known.items() if one.centre_rules is not None and one.centre_rules.tmc
        }
        self.keys = list(self._merchants)

    async def work(self, key: str, claim: Claim) -> Turn:
        """Empty the queue, a batch at a time; an empty one is left alone for a while (every look costs a call)."""
        merchant = self._merchants[key]
        assert merchant.centre is not None
        way = await lane.gate(self._store, claim, merchant, lane.TOP, prober=True)
        if way.until is not None:
            return Turn(way.until)
        async with self._store.read() as tx:
            await tx.instance.require_armed()  # a copy takes nobody's messages away
        noted = 0
        try:
            for _ in range(1 if way.probe else MOST_BATCHES):
                if self._brake.pulled or share_spent(claim, self._store.clock.monotonic()):
                    return later(self._store.clock.now(), timedelta(0), {"noted": noted})
                notices = await merchant.centre.notices(self._rules.most)
                batch = self._sorted(merchant, notices)
                noted += await self._note(merchant, claim, batch)
                await self._confirm(merchant.centre, claim, batch.to_confirm)
                if len(notices) < self._rules.most:
                    break
        except (Transient, Permanent, InDoubt) as trouble:
            rest = await lane.troubled(
                self._store,
                claim,
                merchant,
                trouble,
                fact="applications.rested",
                probe=way.probe,
                platform=lane.TOP,
            )
            if rest is None:
                raise
            return Turn(rest, {"noted": noted})
        return later(self._store.clock.now(), self._rules.every, {"noted": noted})

    def at_hand(self, key: str) -> OrderId | None:
        """None: no order is at hand here."""
        return None

    def _sorted(self, reader: Merchant, notices: Sequence[Notice]) -> Sorted:
        """Whom each message of a batch concerns."""
        sharers = [self._known[name] for name in reader.centre_sharers if name in self._known] or [reader]
        shops = {str(one.name): _shop(one) for one in sharers}
        ours: dict[str, list[Notice]] = {}
        strange: list[Notice] = []
        for notice in notices:
            name = owner(notice.seller_nick, _shop(reader), list(shops.values()))
            (strange if name is None else ours.setdefault(name, [])).append(notice)
        return Sorted([(self._known[name], found) for name, found in ours.items()], strange)

    async def _confirm(self, centre: InvoiceCentre, claim: Claim, ids: Sequence[str]) -> None:
        """What is recorded is taken off the queue. A lost confirmation only brings it again."""
        for start in range(0, len(ids), MOST_IDS):
            some = ids[start : start + MOST_IDS]
            refuse_late(claim, self._store.clock)
            try:
                await centre.confirm(some)
            except InDoubt as doubt:
                log.info("applications.unconfirmed", messages=len(some), why=str(doubt.verdict))

    async def _note(self, reader: Merchant, claim: Claim, batch: Sorted) -> int:
        fresh = 0
        async with self._store.begin(claim, fact="applications.noted", outward=True) as tx:
            tx.outward = bool(batch.ours or batch.strange)
            await lane.heard(tx, reader, lane.TOP)
            for merchant, notices in batch.ours:
                for notice in await tx.notices.unseen(merchant.name, notices):
                    await tx.notices.note(merchant.name, notice)
                    await self._apply(tx, merchant, notice)
                    fresh += 1
                    if not notice.confirmable:
                        _tell(tx, merchant, notice, partial(log.warning, "applications.unconfirmable"))
            for notice in await tx.notices.unseen(NOBODY, batch.strange):
                await tx.notices.note(NOBODY, notice)
                _tell(tx, reader, notice, partial(log.warning, "applications.unknown_shop"))
            if not batch.ours:
                await tx.notices.forget(REMEMBERED_FOR)
        return fresh

    async def _apply(self, tx: Tx, merchant: Merchant, notice: Notice) -> None:
        match meaning(notice):
            case Meet(apply_id):
                await self._meet(tx, merchant, notice, ApplyId(apply_id))
            case TakeBack(apply_id, tid):
                await self._take_back(tx, merchant, notice, apply_id, tid)
            case Nothing(odd):
                if odd:
                    _tell(tx, merchant, notice, partial(log.warning, "applications.odd_notice"))

    async def _meet(self, tx: Tx, merchant: Merchant, notice: Notice, apply_id: ApplyId) -> None:
        application_id, is_new = await tx.links.meet(_newcomer(merchant, notice, apply_id))
        if is_new:
            tx.tell(partial(log.info, "applications.met", merchant=merchant.name, apply_id=apply_id))
        seen = await tx.applications.get(application_id)
        late = await tx.notices.withdrawn_after(merchant.name, notice.platform_tid, notice.published_at)
        if late or seen.state is Standing.WITHDRAWN:
            linked = await self._link_by_trade(tx, merchant, seen)  # what it would have had stops with it
            if linked or seen.state is not Standing.WITHDRAWN:
                await self._withdraw(tx, await tx.applications.get(seen.id))
        elif _is_open(seen):
            await self._link_by_trade(tx, merchant, seen)

    async def _link_by_trade(self, tx: Tx, merchant: Merchant, seen: ApplicationView) -> bool:
        """Of several orders, or of one that another application has, a person knows what is meant."""
        if merchant.centre_rules is None or not merchant.centre_rules.link_by_trade:
            return False
        orders = await tx.notices.orders_of_trade(merchant.name, seen.platform_tid)
        if len(orders) != 1:
            return False
        order = (await tx.orders.by_ids(orders))[orders[0]]
        others = [one for one in await tx.applications.of_order(order.id) if one.id != seen.id]
        taken = [one.apply_id for one in others if one.state is not Standing.WITHDRAWN]
        if taken:
            await ambiguous(tx, order, [seen.apply_id, *taken])
        return not taken and await link(tx, seen, order, "tmc")

    async def _take_back(self, tx: Tx, merchant: Merchant, notice: Notice, apply_id: str, tid: str) -> None:
        if apply_id:
            # Known from now on, if it was not: its own message may come after this one.
            application_id, is_new = await tx.links.meet(_newcomer(merchant, notice, ApplyId(apply_id)))
            if is_new:
                await self._link_by_trade(tx, merchant, await tx.applications.get(application_id))
            known = await tx.applications.find(apply_id, merchant.name)
        else:
            known = await tx.applications.of_trade(merchant.name, tid)
        for seen in known:
            if concerns(seen, apply_id, notice.published_at):
                await self._withdraw(tx, seen)

    async def _withdraw(self, tx: Tx, seen: ApplicationView) -> None:
        """Pending work for it stops. What is issued already cannot be taken back by us: a person decides."""
        if seen.state is Standing.HELD and seen.hold is Stuck.CANCELLED:
            return
        legs = await tx.links.legs(seen.id)
        issued = [leg for leg in legs if leg.invoice is not None and not leg.cancelled]
        if not issued:
            await withdraw(tx, seen, legs)
            return
        facts = {"invoices": " ".join(leg.invoice.number for leg in issued if leg.invoice is not None)}
        await tx.applications.hold(seen, Stuck.CANCELLED, facts)
        for leg in legs:
            about = {"application": seen.apply_id, "stuck": str(Stuck.CANCELLED), **facts}
            await tx.journal.add("alibaba.held", order_id=leg.order_id, merchant=seen.merchant, **about)
        told = {"merchant": seen.merchant, "apply_id": seen.apply_id, "stuck": str(Stuck.CANCELLED)}
        tx.tell(partial(log.warning, "alibaba.held", **told))


def _tell(tx: Tx, merchant: Merchant, notice: Notice, event: Callable[..., None]) -> None:
    """Once it is durable, tell of a message that people should know of."""
    tx.tell(partial(event, merchant=merchant.name, topic=notice.topic, id=notice.id))


def _shop(merchant: Merchant) -> Shop:
    return Shop(str(merchant.name), merchant.centre_rules.seller_nick if merchant.centre_rules else "")


def _newcomer(merchant: Merchant, notice: Notice, apply_id: ApplyId) -> Newcomer:
    return Newcomer(
        sid=merchant.sid,
        merchant=merchant.name,
        apply_id=apply_id,
        source="tmc",
        platform_code=notice.platform_code,
        platform_tid=notice.platform_tid,
        noticed_at=notice.published_at,
    )


def _is_open(seen: ApplicationView) -> bool:
    return seen.state is Standing.WAITING and not seen.said
