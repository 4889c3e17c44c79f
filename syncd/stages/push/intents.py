"""Deciding what goes out: what is due becomes committed intents, or is held; all of it inside one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import structlog

from syncd.domain.invoice import BlueRef, Colour
from syncd.domain.lifecycle import Event, Hold, Phase, State
from syncd.domain.order import InvoiceOrder
from syncd.domain.ports import channel_of
from syncd.stages.push import reds
from syncd.stages.push.outbox import Job
from syncd.stages.push.plan import PushRules, PutAside, SameBytes, Submit, again, plan
from syncd.stages.settling import elsewhere, is_unchanged, settle
from syncd.stages.turn import Merchant
from syncd.store.instants import to_ms
from syncd.store.orders import OrderId, OrderView, WholeOrder
from syncd.store.store import Tx
from syncd.store.submissions import KeyTaken, Stored, Wanted
from syncd.store.units import Claim

log = structlog.get_logger("syncd.stages.push")

#: While a call may be on its way nobody asks about it: half a lease to start it, and its time-out.
IN_FLIGHT = timedelta(seconds=60)
#: An ordinary order reverses nothing.
_BLUE = reds.Cleared(BlueRef(""), None)


class Intents:
    """The deciding half of push."""

    def __init__(self, rules: PushRules) -> None:
        self._rules = rules
        self._hands: dict[str, OrderId] = {}

    async def _intend(self, tx: Tx, merchant: Merchant, claim: Claim, most: int) -> tuple[list[Job], int]:
        """Turn what is due into committed intents; returns them and how many orders were held or sent back instead."""
        fresh_since = tx.now - self._rules.max_read_age
        due = await tx.orders.to_push(merchant.name, fresh_since, most)
        if claim.single_file and due:
            self._hands[claim.key] = due[0].id
        again_ids = [order.id for order in due if order.state is State.INTENT]
        frozen = await tx.submissions.newest(again_ids) if again_ids else {}
        jobs: list[Job] = []
        planned = await self._planned(tx, merchant, due)
        for order in due:
            job = await self._one(tx, merchant, order, frozen.get(order.id), claim, planned)
            if job is not None:
                jobs.append(job)
        if len(due) < self._rules.batch and await tx.orders.stale(merchant.name, fresh_since):
            await tx.units.wake("poll", f"{merchant.name}/refresh")
        return jobs, len(due) - len(jobs)

    async def _one(
        self,
        tx: Tx,
        merchant: Merchant,
        order: WholeOrder,
        frozen: Stored | None,
        claim: Claim,
        planned: Mapping[OrderId, Submit | PutAside],
    ) -> Job | None:
        """The intent of one order, committed with the others; None where it was held or is to be asked about first."""
        if order.id in planned:
            return await self._first(tx, merchant, order, planned[order.id], claim)
        aside = elsewhere(frozen, merchant.issuer)
        if frozen is not None and aside is not None:
            await settle(tx, merchant, order, frozen, aside)
            return None
        try:
            row = merchant.erp.decode(order.raw)
            if order.phase is Phase.REVIVABLE and frozen is not None:
                return await self._revive(tx, merchant, order, row, frozen)
            cleared = await self._cleared(tx, merchant, order, row) if row.is_red else _BLUE
            if cleared is None:
                return None
            if frozen is None:
                decided = self._plan(merchant, order, row, cleared.blue_total)
                return await self._first(tx, merchant, order, decided, claim)
            return await self._again(tx, merchant, order, row, frozen, cleared, claim)
        except (ValueError, ArithmeticError) as unreadable:
            facts = (("code", "row_unreadable"), ("field", str(unreadable)))
            await self._hold(tx, merchant, order, PutAside(Hold.POISON_ROW, facts))
            return None

    async def _cleared(self, tx: Tx, merchant: Merchant, order: OrderView, row: InvoiceOrder) -> reds.Cleared | None:
        """What the red gate says; None where the order waits, or is held (T20)."""
        said = await reds.gate(tx, merchant, order, row, self._rules.red_wait)
        told = {"merchant": merchant.name, "order_no": order.no}
        match said:
            case reds.Cleared(warning=warning):
                if warning:
                    await tx.journal.add("order.wallet_warned", order_id=order.id, merchant=merchant.name, why=warning)
                    tx.tell(partial(log.warning, "red.warned", **told, why=warning))
                return said
            case PutAside():
                await self._hold(tx, merchant, order, said)
                tx.tell(partial(log.warning, "red.refused", **told, code=dict(said.facts).get("code")))
                return None
        waits = {"phase": Phase.WAITING_BLUE} if order.state is State.PENDING else {}
        await tx.orders.wait(order, **waits, next_at=to_ms(tx.now + said.after), tries=order.tries + 1)
        if await reds.is_news(tx, order, said.why):
            await tx.journal.add(
                "order.waiting_blue", order_id=order.id, merchant=merchant.name, why=said.why, blue=order.relation
            )
            tx.tell(partial(log.info, "red.blocked", **told, why=said.why))
        return None

    async def _planned(
        self, tx: Tx, merchant: Merchant, due: Sequence[WholeOrder]
    ) -> Mapping[OrderId, Submit | PutAside]:
        """The submissions of ordinary orders that go for the first time, and what must be known about them, at once."""
        found: dict[OrderId, Submit | PutAside] = {}
        for order in due:
            if order.state is State.PENDING and not order.is_red:
                try:
                    row = merchant.erp.decode(order.raw)
                    if not row.is_red:
                        found[order.id] = self._plan(merchant, order, row)
                except (ValueError, ArithmeticError):
                    continue  # it is held for that in its turn
        await tx.submissions.foresee(
            (order.id, self._wanted(merchant, order, decided))
            for order in due
            if isinstance(decided := found.get(order.id), Submit)
        )
        return found

    def _plan(
        self, merchant: Merchant, order: OrderView, row: InvoiceOrder, blue_total: Decimal | None = None
    ) -> Submit | PutAside:
        return plan(
            row,
            sid=merchant.sid,
            generation=order.generation,
            issuer=merchant.issuer,
            mapping=merchant.mapping,
            blue_total=blue_total,
        )

    async def _first(
        self, tx: Tx, merchant: Merchant, order: OrderView, decided: Submit | PutAside, claim: Claim
    ) -> Job | None:
        """A pending order is frozen, or held."""
        stored = await self._frozen(tx, merchant, order, decided, claim)
        if stored is None:
            return None
        columns = {**self._sending(tx, stored), "tries": 0, "revives": 0, "restarts": 0, "duplicates": 0}
        await tx.orders.move(order, Event.INTENDED, **columns)
        return self._job(merchant, order, stored, columns)

    async def _again(
        self,
        tx: Tx,
        merchant: Merchant,
        order: OrderView,
        row: InvoiceOrder,
        frozen: Stored,
        cleared: reds.Cleared,
        claim: Claim,
    ) -> Job | None:
        """The same bytes under the same key (T09); new bytes where the order was corrected meanwhile."""
        accepted = not is_unchanged(row, frozen, order.generation) and await self._was_accepted(tx, order)
        decided = again(
            row,
            frozen,
            accepted=accepted,
            sid=merchant.sid,
            generation=order.generation,
            issuer=merchant.issuer,
            mapping=merchant.mapping,
            blue_total=cleared.blue_total,
        )
        if not isinstance(decided, SameBytes):
            stored = await self._frozen(tx, merchant, order, decided, claim)
            if stored is None:
                return None
            columns = {**self._sending(tx, stored), "tries": 0, "duplicates": 0, "drifted": 0}
            await tx.orders.wait(order, **columns)
            return self._job(merchant, order, stored, columns)
        columns = self._sending(tx, frozen)
        await tx.orders.wait(order, **columns)
        await tx.journal.add("order.resent", order_id=order.id, merchant=merchant.name, key=frozen.key)
        tx.tell(partial(log.info, "push.resent", merchant=merchant.name, order_no=order.no, same_key=True))
        return self._job(merchant, order, frozen, columns)

    async def _was_accepted(self, tx: Tx, order: OrderView) -> bool:
        """Whether the issuer has ever said that it had the newest frozen bytes."""
        story = [entry.event for entry in await tx.journal.of(order.id)]
        newest = max((at for at, event in enumerate(story) if event == "order.intended"), default=0)
        return not {"order.issuing", "order.waiting_buyer"}.isdisjoint(story[newest:])

    async def _revive(
        self, tx: Tx, merchant: Merchant, order: OrderView, row: InvoiceOrder, frozen: Stored
    ) -> Job | None:
        """Commit that the issuer is about to be asked to go on; a row that has changed is asked about once more."""
        if not is_unchanged(row, frozen, order.generation):
            await tx.orders.wait(order, phase=Phase.UNKNOWN, next_at=to_ms(tx.now))
            await tx.journal.add("order.unknown", order_id=order.id, merchant=merchant.name, why="changed")
            await tx.units.wake("collect", merchant.name)
            return None
        columns = self._sending(tx, frozen)
        await tx.orders.wait(order, **columns)
        await tx.journal.add("order.revived", order_id=order.id, merchant=merchant.name, key=frozen.key)
        tx.tell(partial(log.info, "push.revived", merchant=merchant.name, order_no=order.no, time=order.restarts))
        return self._job(merchant, order, frozen, columns, revive=True)

    def _job(
        self, merchant: Merchant, order: OrderView, stored: Stored, columns: Mapping[str, Any], *, revive: bool = False
    ) -> Job:
        """The order as it stands once this transaction, which sets these columns, is committed."""
        order = order.changed(**columns, state=State.INTENT)
        is_red = stored.expected.colour is Colour.RED
        return Job(order, stored, channel_of(merchant.issuer, is_red=is_red), revive)

    async def _frozen(
        self, tx: Tx, merchant: Merchant, order: OrderView, decided: Submit | PutAside, claim: Claim
    ) -> Stored | None:
        """The key and the bytes in the store, or the order on hold."""
        if isinstance(decided, PutAside):
            await self._hold(tx, merchant, order, decided)
            return None
        try:
            stored = await tx.submissions.intend(order.id, self._wanted(merchant, order, decided), claim.epoch)
        except KeyTaken as taken:
            await self._hold(tx, merchant, order, PutAside(Hold.KEY_COLLISION, (("key", str(taken)),)))
            return None
        await tx.journal.add(
            "order.intended",
            order_id=order.id,
            merchant=merchant.name,
            key=stored.key,
            generation=stored.generation,
            revision=stored.revision,
            notices=" ".join(decided.notices) or None,
        )
        return stored

    def _sending(self, tx: Tx, stored: Stored) -> dict[str, Any]:
        return {
            "red_of": stored.expected.blue or None,
            "phase": Phase.SENT,
            "sent_at": to_ms(tx.now),
            "missed_at": None,
            "next_at": to_ms(tx.now + IN_FLIGHT),
            "refusal_code": None,
            "refusal_text": None,
        }

    def _wanted(self, merchant: Merchant, order: OrderView, submit: Submit) -> Wanted:
        return Wanted(
            generation=order.generation,
            issuer_kind=merchant.issuer.profile.kind,
            issuer=merchant.issuer.name,
            seller_tax_no=merchant.issuer.tax_no,
            key=submit.key,
            body=submit.body,
            payload_hash=submit.payload_hash,
            expected=submit.expected,
        )

    async def _hold(self, tx: Tx, merchant: Merchant, order: OrderView, aside: PutAside) -> None:
        facts = dict(aside.facts)
        await tx.orders.hold(order, aside.hold, facts)
        await tx.journal.add("order.held", order_id=order.id, merchant=merchant.name, hold=aside.hold, **facts)
        tx.tell(
            partial(
                log.warning,
                "order.held",
                merchant=merchant.name,
                order_no=order.no,
                hold=str(aside.hold),
                code=facts.get("code"),
            )
        )
