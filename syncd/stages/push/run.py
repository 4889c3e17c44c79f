"""The acting side of push: intent and bytes first, in a committed transaction; then, and only then, the call."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import structlog

from syncd.domain.judgement import judge_submission
from syncd.domain.lifecycle import Event, Hold, Phase, State
from syncd.domain.outcome import Blocked, Outcome, Unknown
from syncd.stages.push.plan import PushRules, PutAside, Submit, plan
from syncd.stages.settling import case_of, elsewhere, settle
from syncd.stages.turn import Brake, Merchant, Turn, later
from syncd.store.instants import to_ms
from syncd.store.orders import OrderView, Stale
from syncd.store.store import Store, Tx
from syncd.store.submissions import KeyTaken, Stored, Wanted
from syncd.store.units import Claim, half_spent

log = structlog.get_logger("syncd.stages.push")

#: While a call may be on its way nobody asks about it: half a lease to start it, and its time-out.
IN_FLIGHT = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Job:
    """A committed submission about to be sent."""

    order: OrderView
    stored: Stored


class Push:
    """Sends what waits to the merchant's issuer, at most once per committed intent."""

    name = "push"

    def __init__(self, store: Store, merchants: Sequence[Merchant], rules: PushRules, brake: Brake) -> None:
        self._store = store
        self._brake = brake
        self._merchants = {str(merchant.name): merchant for merchant in merchants}
        self._rules = rules
        self.keys = list(self._merchants)

    async def work(self, key: str, claim: Claim) -> Turn:
        """Send until nothing fresh waits, the lane rests, or half of the lease is spent."""
        merchant = self._merchants[key]
        tally = {"submitted": 0, "held": 0}
        while not self._brake.pulled and not half_spent(claim, self._store.clock.monotonic()):
            async with self._store.begin(claim) as tx:
                rest = await tx.lanes.at_rest(merchant.name, merchant.issuer.name)
                if rest is not None:
                    return Turn(rest, tally)
                jobs, held = await self._intend(tx, merchant, claim)
            tally["held"] += held
            tally["submitted"] += len(jobs)
            await self._send(merchant, claim, jobs)
            if not jobs and not held:
                return later(self._store.clock.now(), self._rules.every, tally)
        return later(self._store.clock.now(), timedelta(0), tally)

    # -- deciding, inside one transaction --------------------------------------------------------------------------

    async def _intend(self, tx: Tx, merchant: Merchant, claim: Claim) -> tuple[list[Job], int]:
        """Turn what is due into committed intents; returns them and how many orders were held instead."""
        fresh_since = tx.now - self._rules.max_read_age
        due = await tx.orders.to_push(merchant.name, fresh_since, self._rules.batch)
        again = await tx.submissions.newest([order.id for order in due if order.state is State.INTENT])
        jobs: list[Job] = []
        for order in due:
            if order.state is State.INTENT:
                aside = elsewhere(again[order.id], merchant.issuer)
                if aside is not None:
                    await settle(tx, merchant, order, again[order.id], aside)
                else:
                    jobs.append(await self._resend(tx, merchant, order, again[order.id]))
                continue
            job = await self._first(tx, merchant, order, claim)
            if job is not None:
                jobs.append(job)
        if len(due) < self._rules.batch and await tx.orders.stale(merchant.name, fresh_since):
            await tx.units.wake("poll", f"{merchant.name}/refresh")
        return jobs, len(due) - len(jobs)

    async def _first(self, tx: Tx, merchant: Merchant, order: OrderView, claim: Claim) -> Job | None:
        """Commit the intent of one pending order, or hold it."""
        try:
            decided = plan(
                merchant.erp.decode(order.raw),
                sid=merchant.sid,
                generation=order.generation,
                issuer=merchant.issuer,
                mapping=merchant.mapping,
            )
        except (ValueError, ArithmeticError) as unreadable:
            decided = PutAside(Hold.POISON_ROW, (("code", "row_unreadable"), ("field", str(unreadable))))
        if isinstance(decided, PutAside):
            await self._hold(tx, merchant, order, decided)
            return None
        try:
            stored = await tx.submissions.intend(order.id, self._wanted(merchant, order, decided), claim.epoch)
        except KeyTaken as taken:
            await self._hold(tx, merchant, order, PutAside(Hold.KEY_COLLISION, (("key", str(taken)),)))
            return None
        await tx.orders.move(order, Event.INTENDED, **self._sending(tx), tries=0, revives=0)
        await tx.journal.add(
            "order.intended",
            order_id=order.id,
            merchant=merchant.name,
            key=stored.key,
            generation=stored.generation,
            revision=stored.revision,
            notices=" ".join(decided.notices) or None,
        )
        return Job(order, stored)

    async def _resend(self, tx: Tx, merchant: Merchant, order: OrderView, stored: Stored) -> Job:
        """Commit that the same bytes are about to be sent again under the same key (T09)."""
        await tx.orders.wait(order, **self._sending(tx))
        await tx.journal.add("order.resent", order_id=order.id, merchant=merchant.name, key=stored.key)
        tx.tell(partial(log.info, "push.resent", merchant=merchant.name, order_no=order.no, same_key=True))
        return Job(order, stored)

    def _sending(self, tx: Tx) -> dict[str, object]:
        return {
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

    async def _send(self, merchant: Merchant, claim: Claim, jobs: Sequence[Job]) -> None:
        """Send each job once, a few at a time, and record answers as they come."""
        places = asyncio.Semaphore(self._rules.concurrency)

        async def one(job: Job) -> tuple[Job, Outcome]:
            async with places:
                if self._brake.pulled or half_spent(claim, self._store.clock.monotonic()):
                    return job, Unknown("not_begun", sent=False)
                return job, await merchant.issuer.submit(job.stored.key, job.stored.body)

        waiting = {asyncio.create_task(one(job)) for job in jobs}
        try:
            while waiting:
                done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                await self._record(merchant, claim, [task.result() for task in done])
        finally:
            for task in waiting:  # interrupted: whatever was sent is unknown, and the store says so already
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)

    async def _record(self, merchant: Merchant, claim: Claim, answers: Sequence[tuple[Job, Outcome]]) -> None:
        async with self._store.begin(claim) as tx:
            heard = any(not isinstance(outcome, Blocked | Unknown) for _, outcome in answers)
            if heard and await tx.lanes.recovered(merchant.name, merchant.issuer.name):
                tx.tell(partial(log.info, "lane.recovered", lane=f"{merchant.name}/{merchant.issuer.name}"))
            orders = await tx.orders.by_ids(job.order.id for job, _ in answers)
            for job, outcome in answers:
                order = orders[job.order.id]
                if order.phase is not Phase.SENT:
                    continue  # somebody asked meanwhile and knows more than this answer
                case = case_of(order, job.stored, None, merchant.issuer.profile)
                tx.tell(
                    partial(
                        log.info,
                        "push.submitted",
                        merchant=merchant.name,
                        order_no=order.no,
                        answer=type(outcome).__name__.lower(),
                    )
                )
                try:
                    await settle(tx, merchant, order, job.stored, judge_submission(case, outcome))
                except Stale:
                    continue
