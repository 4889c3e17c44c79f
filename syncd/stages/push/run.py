"""The acting side of push: intent and bytes first, in a committed transaction; then, and only then, the call."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog

from syncd.domain.invoice import BlueRef, Colour
from syncd.domain.judgement import judge_revival, judge_submission
from syncd.domain.lifecycle import Event, Hold, Phase, State
from syncd.domain.order import InvoiceOrder
from syncd.domain.outcome import Blocked, Outcome, Unknown
from syncd.domain.ports import Channel, channel_of
from syncd.domain.trouble import LANE_WIDE, Care
from syncd.stages import lane
from syncd.stages.push import reds
from syncd.stages.push.plan import PushRules, PutAside, SameBytes, Submit, again, plan
from syncd.stages.settling import case_of, elsewhere, is_unchanged, settle
from syncd.stages.turn import Brake, Merchant, Turn, later, share_spent, sleep
from syncd.store.instants import to_ms
from syncd.store.lanes import PROBE_FOR
from syncd.store.orders import OrderId, OrderView, Stale
from syncd.store.store import Store, Tx
from syncd.store.submissions import KeyTaken, Stored, Wanted
from syncd.store.units import Claim, half_spent

log = structlog.get_logger("syncd.stages.push")

#: While a call may be on its way nobody asks about it: half a lease to start it, and its time-out.
IN_FLIGHT = timedelta(seconds=60)
#: An ordinary order reverses nothing.
_BLUE = reds.Cleared(BlueRef(""), None)
#: Committed, and then not even begun: the lane came to rest, or the process is about to stop.
_NOT_BEGUN = Unknown("not_begun", sent=False)


@dataclass(frozen=True, slots=True)
class Job:
    """A committed submission about to be sent, or to be gone on with by the issuer."""

    order: OrderView
    stored: Stored
    channel: Channel
    revive: bool = False


class Push:
    """Sends what waits to the merchant's issuer, at most once per committed intent."""

    name = "push"

    def __init__(self, store: Store, merchants: Sequence[Merchant], rules: PushRules, brake: Brake) -> None:
        self._store = store
        self._brake = brake
        self._merchants = {str(merchant.name): merchant for merchant in merchants}
        self._rules = rules
        self.keys = list(self._merchants)
        self._hands: dict[str, OrderId] = {}

    async def work(self, key: str, claim: Claim) -> Turn:
        """Send until nothing fresh waits, the lane rests, or half of the lease is spent."""
        merchant = self._merchants[key]
        tally = {"submitted": 0, "held": 0}
        self._hands.pop(key, None)
        while not self._brake.pulled and not share_spent(claim, self._store.clock.monotonic()):
            async with self._store.read() as tx:
                due, now = await tx.orders.next_to_push(merchant.name), tx.now
            if due is None or due > now:
                return sleep(now, self._rules.every, due, tally)
            gate = await self._gate(merchant, claim)
            if gate.until is not None:
                return Turn(gate.until, tally)
            async with self._store.begin(claim, fact="push.intended", outward=True) as tx:
                jobs, held = await self._intend(
                    tx, merchant, claim, 1 if gate.probe or claim.single_file else self._rules.batch
                )
                tx.outward = bool(jobs)
            tally["held"] += held
            tally["submitted"] += len(jobs)
            await self._send(merchant, claim, jobs, gate)
            if gate.probe or (not jobs and not held):
                return later(self._store.clock.now(), self._rules.every, tally)
        return later(self._store.clock.now(), timedelta(0), tally)

    def at_hand(self, key: str) -> OrderId | None:
        """The order that was being worked on in single file."""
        return self._hands.get(key)

    # -- may anything be sent --------------------------------------------------------------------------------------

    async def _gate(self, merchant: Merchant, claim: Claim) -> lane.Gate:
        """The way to the issuer. Where a person had to act, one submission at a time finds out whether they have."""
        name = merchant.issuer.name
        async with self._store.read() as tx:
            standing = await tx.lanes.standing(merchant.name, name)
        if not standing.half_open or standing.care is not Care.PERSON:
            return await lane.gate(self._store, claim, merchant, name, prober=False)
        if not await self._has_a_canary(merchant, claim):
            return lane.Gate(until=self._store.clock.now() + self._rules.every)
        wrong = await merchant.issuer.probe(issuing=True)
        if wrong is not None and wrong.care in LANE_WIDE:
            async with self._store.begin(claim, fact="push.rested") as tx:
                return lane.Gate(until=await lane.rest(tx, merchant, name, wrong))
        return await lane.gate(self._store, claim, merchant, name, prober=True)

    async def _has_a_canary(self, merchant: Merchant, claim: Claim) -> bool:
        """Whether an order waits to be sent, while none of the last minute is still without an end."""
        async with self._store.begin(claim, fact="push.looked") as tx:
            if await tx.orders.on_trial(merchant.name, tx.now - PROBE_FOR):
                return False
            fresh_since = tx.now - self._rules.max_read_age
            if await tx.orders.to_push(merchant.name, fresh_since, 1):
                return True
            if await tx.orders.stale(merchant.name, fresh_since):
                await tx.units.wake("poll", f"{merchant.name}/refresh")
            return False

    # -- deciding, inside one transaction --------------------------------------------------------------------------

    async def _intend(self, tx: Tx, merchant: Merchant, claim: Claim, most: int) -> tuple[list[Job], int]:
        """Turn what is due into committed intents; returns them and how many orders were held or sent back instead."""
        fresh_since = tx.now - self._rules.max_read_age
        due = await tx.orders.to_push(merchant.name, fresh_since, most)
        if claim.single_file and due:
            self._hands[claim.key] = due[0].id
        frozen = await tx.submissions.newest([order.id for order in due if order.state is State.INTENT])
        jobs: list[Job] = []
        for order in due:
            job = await self._one(tx, merchant, order, frozen.get(order.id), claim)
            if job is not None:
                jobs.append(job)
        if len(due) < self._rules.batch and await tx.orders.stale(merchant.name, fresh_since):
            await tx.units.wake("poll", f"{merchant.name}/refresh")
        return jobs, len(due) - len(jobs)

    async def _one(
        self, tx: Tx, merchant: Merchant, order: OrderView, frozen: Stored | None, claim: Claim
    ) -> Job | None:
        """The intent of one order, committed with the others; None where it was held or is to be asked about first."""
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
                return await self._first(tx, merchant, order, row, cleared, claim)
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

    async def _first(
        self, tx: Tx, merchant: Merchant, order: OrderView, row: InvoiceOrder, cleared: reds.Cleared, claim: Claim
    ) -> Job | None:
        """A pending order is frozen, or held."""
        decided = plan(
            row,
            sid=merchant.sid,
            generation=order.generation,
            issuer=merchant.issuer,
            mapping=merchant.mapping,
            blue_total=cleared.blue_total,
        )
        stored = await self._frozen(tx, merchant, order, decided, claim)
        if stored is None:
            return None
        sending = self._sending(tx, stored)
        await tx.orders.move(order, Event.INTENDED, **sending, tries=0, revives=0, restarts=0, duplicates=0)
        return self._job(merchant, order, stored)

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
            if stored is not None:
                await tx.orders.wait(order, **self._sending(tx, stored), tries=0, duplicates=0, drifted=0)
            return None if stored is None else self._job(merchant, order, stored)
        await tx.orders.wait(order, **self._sending(tx, frozen))
        await tx.journal.add("order.resent", order_id=order.id, merchant=merchant.name, key=frozen.key)
        tx.tell(partial(log.info, "push.resent", merchant=merchant.name, order_no=order.no, same_key=True))
        return self._job(merchant, order, frozen)

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
        await tx.orders.wait(order, **self._sending(tx, frozen))
        await tx.journal.add("order.revived", order_id=order.id, merchant=merchant.name, key=frozen.key)
        tx.tell(partial(log.info, "push.revived", merchant=merchant.name, order_no=order.no, time=order.restarts))
        return self._job(merchant, order, frozen, revive=True)

    def _job(self, merchant: Merchant, order: OrderView, stored: Stored, *, revive: bool = False) -> Job:
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

    def _sending(self, tx: Tx, stored: Stored) -> dict[str, object]:
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

    # -- calling, outside any transaction --------------------------------------------------------------------------

    async def _send(self, merchant: Merchant, claim: Claim, jobs: Sequence[Job], gate: lane.Gate) -> None:
        """Send each job once, a few at a time, and record answers as they come; after a lane-wide one none begins."""
        places = asyncio.Semaphore(self._rules.concurrency)
        stopped = asyncio.Event()

        async def one(job: Job) -> tuple[Job, Outcome]:
            async with places:
                if stopped.is_set() or self._brake.pulled or half_spent(claim, self._store.clock.monotonic()):
                    return job, _NOT_BEGUN
                outcome = await self._call(merchant, job)
                if isinstance(outcome, Blocked):
                    stopped.set()
                return job, outcome

        waiting = {asyncio.create_task(one(job)) for job in jobs}
        try:
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                await self._record(merchant, claim, [task.result() for task in done], gate)
        finally:
            for task in waiting:  # interrupted: whatever was sent is unknown, and the store says so already
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def _call(self, merchant: Merchant, job: Job) -> Outcome:
        if job.revive:
            return await job.channel.revive(job.stored.key, "")
        return await job.channel.submit(job.stored.key, job.stored.body)

    async def _record(
        self, merchant: Merchant, claim: Claim, answers: Sequence[tuple[Job, Outcome]], gate: lane.Gate
    ) -> None:
        async with self._store.begin(claim, fact="push.recorded") as tx:
            await self._note_lane(tx, merchant, answers, gate)
            orders = await tx.orders.by_ids(job.order.id for job, _ in answers)
            for job, outcome in answers:
                if isinstance(outcome, Unknown) and outcome.unclassified is not None:
                    await tx.unclassified.seen(outcome.unclassified)
                order = orders[job.order.id]
                if order.phase is not Phase.SENT:
                    continue  # somebody asked meanwhile and knows more than this answer
                case = case_of(order, job.stored, None, job.channel.profile)
                tx.tell(
                    partial(
                        log.info,
                        "push.submitted",
                        merchant=merchant.name,
                        order_no=order.no,
                        answer=type(outcome).__name__.lower(),
                    )
                )
                judge = judge_revival if job.revive else judge_submission
                try:
                    await settle(tx, merchant, order, job.stored, judge(case, outcome))
                except Stale:
                    continue

    async def _note_lane(
        self, tx: Tx, merchant: Merchant, answers: Sequence[tuple[Job, Outcome]], gate: lane.Gate
    ) -> None:
        """An answer opens the lane, but not where a person had to act: there only an issued invoice does (collect)."""
        name = merchant.issuer.name
        if any(not isinstance(outcome, Blocked | Unknown) for _, outcome in answers):
            await lane.heard(tx, merchant, name, by_asking=True)
            if gate.probe:
                await tx.lanes.half_open_again(merchant.name, name)
            return
        for job, outcome in answers:
            cause = lane.unheard_cause([outcome])
            if cause is not None and not gate.probe:
                await lane.unheard(tx, merchant, name, cause, by=job.order.no)
