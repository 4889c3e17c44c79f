"""The acting side of push: intent and bytes first, in a committed transaction; then, and only then, the call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog

from syncd.domain.judgement import judge_revival, judge_submission
from syncd.domain.lifecycle import Phase
from syncd.domain.outcome import Blocked, Outcome, Unknown
from syncd.domain.trouble import LANE_WIDE, Care
from syncd.stages import lane
from syncd.stages.push.intents import Intents
from syncd.stages.push.outbox import Job, Outbox
from syncd.stages.push.plan import PushRules
from syncd.stages.settling import case_of, settle
from syncd.stages.turn import Brake, Merchant, Turn, later, share_spent, sleep
from syncd.store.instance import Disarmed
from syncd.store.lanes import PROBE_FOR, Standing
from syncd.store.orders import OrderId, OrderView, Stale
from syncd.store.store import Store, Tx
from syncd.store.units import Claim, half_spent

log = structlog.get_logger("syncd.stages.push")

#: Committed, and then not even begun: the lane came to rest, or the process is about to stop.
_NOT_BEGUN = Unknown("not_begun", sent=False)


class Push(Intents):
    """Sends what waits to the merchant's issuer, at most once per committed intent."""

    name = "push"

    def __init__(self, store: Store, merchants: Sequence[Merchant], rules: PushRules, brake: Brake) -> None:
        self._store = store
        self._brake = brake
        super().__init__(rules)
        self._merchants = {str(merchant.name): merchant for merchant in merchants}
        self.keys = list(self._merchants)
        self.sleepers = frozenset(self.keys)

    async def work(self, key: str, claim: Claim) -> Turn:
        """Send until nothing fresh waits, the lane rests, or half of the lease is spent."""
        self._hands.pop(key, None)
        outbox = Outbox(self._merchants[key], claim, self._rules.concurrency)
        try:
            while True:
                turn = await self._begin(outbox) if outbox.has_room else None
                if turn is not None and not outbox.waiting:
                    return turn
                if turn is not None:  # what is answered now may be due again: only then is it known when to come back
                    await self._settle_all(outbox)
                elif not outbox.has_room:
                    await outbox.some(until_room=True)
                    await self._record(outbox)
        except Disarmed:  # nothing more goes out; what is on its way has an answer to come
            outbox.stopped = True
            await self._settle_all(outbox)
            raise
        finally:
            await outbox.close()

    async def _begin(self, outbox: Outbox) -> Turn | None:
        """Commit the next intents and let them go; the turn's end when nothing more is to be begun in it.

        The next ones are committed while the last ones are under way. In single file, and through a half-open lane,
        one is answered before the next is begun.
        """
        merchant, claim, tally = outbox.merchant, outbox.claim, outbox.tally
        if self._brake.pulled or not _may_begin(claim, self._store.clock.monotonic()):
            return later(self._store.clock.now(), timedelta(0), tally)
        async with self._store.read() as tx:
            due, now = await tx.orders.next_to_push(merchant.name), tx.now
            standing = await tx.lanes.standing(merchant.name, merchant.issuer.name)
        if due is None or due > now:
            return sleep(now, self._rules.every, due, tally)
        gate = await self._gate(merchant, claim, standing)
        if gate.until is not None:
            return Turn(gate.until, tally)
        one_by_one = gate.probe or claim.single_file
        async with self._store.begin(claim, fact="push.intended", outward=True) as tx:
            jobs, held = await self._intend(tx, merchant, claim, 1 if one_by_one else self._rules.batch)
            tx.outward = bool(jobs)
        tally["held"] += held
        tally["submitted"] += len(jobs)
        outbox.gate = gate
        outbox.post(jobs, [self._sent(outbox, job) for job in jobs])
        if one_by_one:
            await self._settle_all(outbox)
        if gate.probe or (not jobs and not held):
            return later(self._store.clock.now(), self._rules.every, tally)
        return None

    def at_hand(self, key: str) -> OrderId | None:
        """The order that was being worked on in single file."""
        return self._hands.get(key)

    async def asleep_until(self, tx: Tx, key: str) -> datetime | None:
        """Until when the unit may sleep on; None where something is to be sent."""
        due = await tx.orders.next_to_push(self._merchants[key].name)
        return None if due is not None and due <= tx.now else sleep(tx.now, self._rules.every, due).next_at

    # -- may anything be sent --------------------------------------------------------------------------------------

    async def _gate(self, merchant: Merchant, claim: Claim, standing: Standing) -> lane.Gate:
        """The way to the issuer. Where a person had to act, one submission at a time finds out whether they have."""
        name = merchant.issuer.name
        if not standing.half_open or standing.care is not Care.PERSON:
            return await lane.gate(self._store, claim, merchant, name, prober=False, standing=standing)
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

    # -- calling, outside any transaction --------------------------------------------------------------------------

    async def _sent(self, outbox: Outbox, job: Job) -> Outcome:
        """Send the job once, in its place; after a lane-wide answer none begins."""
        async with outbox.places:
            spent = half_spent(outbox.claim, self._store.clock.monotonic())
            if outbox.stopped or self._brake.pulled or spent:
                return _NOT_BEGUN
            outcome = await self._call(outbox.merchant, job)
            outbox.stopped = outbox.stopped or isinstance(outcome, Blocked)
            return outcome

    async def _settle_all(self, outbox: Outbox) -> None:
        """Wait for every call that is under way, and record its answer."""
        while outbox.waiting:
            await outbox.some()
            await self._record(outbox)

    async def _call(self, merchant: Merchant, job: Job) -> Outcome:
        if job.revive:
            return await job.channel.revive(job.stored.key, "")
        return await job.channel.submit(job.stored.key, job.stored.body)

    async def _record(self, outbox: Outbox) -> None:
        """Write down what has come, with what came while others wrote to the same merchant."""
        merchant = outbox.merchant
        async with self._store.begin(outbox.claim, fact="push.recorded") as tx:
            answers = outbox.answers()
            await self._note_lane(tx, merchant, answers, outbox.gate)
            orders = await self._as_they_are(tx, [job.order for job, _ in answers])
            said: Counter[str] = Counter()
            for job, outcome in answers:
                if isinstance(outcome, Unknown) and outcome.unclassified is not None:
                    await tx.unclassified.seen(outcome.unclassified)
                order = orders[job.order.id]
                if order.phase is not Phase.SENT:
                    continue  # somebody asked meanwhile and knows more than this answer
                case = case_of(order, job.stored, None, job.channel.profile)
                said[type(outcome).__name__.lower()] += 1
                judge = judge_revival if job.revive else judge_submission
                try:
                    await settle(tx, merchant, order, job.stored, judge(case, outcome))
                except Stale:
                    continue
            if said:
                facts = {"documents": said.total(), "answers": dict(said)}
                tx.tell(partial(log.info, "push.submitted", merchant=merchant.name, **facts))

    async def _as_they_are(self, tx: Tx, sent: Sequence[OrderView]) -> Mapping[OrderId, OrderView]:
        """The orders now; those on which nothing has happened since they were sent need not be read again."""
        standing = await tx.orders.standing([order.id for order in sent])
        same = {one.id: one for one in sent if standing[one.id] == (one.state, one.phase, one.wdt_status)}
        others = [order.id for order in sent if order.id not in same]
        return {**same, **(await tx.orders.by_ids(others) if others else {})}

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


def _may_begin(claim: Claim, monotonic: float) -> bool:
    """Whether what is committed now may be sent, too: else it would come back at once, to be committed again."""
    return not share_spent(claim, monotonic) and not half_spent(claim, monotonic)
