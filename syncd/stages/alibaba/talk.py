"""The calls to the centre, each after a commit that says it may have been made, and what each answer leaves behind.

An unknown outcome is never guessed: a change of status is said again, which is safe, and a return is asked about by it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog

from syncd.domain.application import Stuck
from syncd.domain.centre import InvoiceCentre, ReturnedInvoice
from syncd.domain.retry import backoff
from syncd.domain.texts import without_identifiers
from syncd.domain.trouble import LANE_WIDE, Care, InDoubt, Paced, Permanent, Transient, Trouble, Verdict
from syncd.stages import lane
from syncd.stages.alibaba import plan, writing
from syncd.stages.alibaba.returned import NotReturnable, returned_invoice
from syncd.stages.turn import Merchant, refuse_late
from syncd.store.applications import PARKED, ApplicationView
from syncd.store.instants import to_ms
from syncd.store.links import Leg
from syncd.store.store import Store
from syncd.store.units import Claim

log = structlog.get_logger("syncd.stages.alibaba")

#: Invoices that one application may return in a turn before the others go on.
MOST_RETURNS = 10


class LaneRests(Exception):
    """The centre must be left alone until `until`: the turn ends."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"at rest until {until}")
        self.until = until


@dataclass(frozen=True, slots=True)
class Talk:
    """One turn's talk with one merchant's centre. `ended`: nothing new may begin; `probe`: a half-open lane's call."""

    store: Store
    merchant: Merchant
    centre: InvoiceCentre
    claim: Claim
    probe: bool
    ended: Callable[[], bool]
    rng: Callable[[], float]

    # -- telling ---------------------------------------------------------------------------------------------------

    async def tell(self, seen: ApplicationView, legs: Sequence[Leg], tell: plan.Tell) -> bool:
        """Say how it ended; whether the centre has it. After an unknown outcome the same is said again."""
        try:
            refuse_late(self.claim, self.store.clock)
            answer = await self.centre.update(seen.apply_id, tell.status, tell.invoices, tell.message)
        except Permanent as no:
            if no.verdict.care in LANE_WIDE:
                await self._troubled(seen, no, "apply.update")
                return False
            await self._heard_no(no)
            return await self.look(seen, legs, plan.Why.REFUSED, no)
        except (Transient, InDoubt, Paced) as trouble:
            await self._troubled(seen, trouble, "apply.update")
            return False
        assert self.merchant.centre_rules is not None
        async with self.store.begin(self.claim, fact="alibaba.answered") as tx:
            await lane.heard(tx, self.merchant, lane.TOP)
            attempts = await tx.links.attempts(seen.id, seen.afresh_at)
            move = plan.heard(seen, legs, attempts, answer, self.merchant.centre_rules, tx.now)
            await writing.answered(tx, seen, legs, tell, answer, move)
        match move:
            case plan.Return():
                await self._return(seen, legs, move)
            case plan.Read(why):
                return await self.look(seen, legs, why)
        return isinstance(move, plan.Finish)

    # -- looking ---------------------------------------------------------------------------------------------------

    async def look(
        self, seen: ApplicationView, legs: Sequence[Leg], why: plan.Why, no: Permanent | None = None
    ) -> bool:
        """See what the centre shows, and go on from there; whether the application is at its end by it.

        `no` is the refusal that made us look: it is what a person is told where the look explains nothing.
        """
        try:
            shown = await self.centre.application(seen.apply_id)
        except Permanent as refused:
            if no is None or refused.verdict.care in LANE_WIDE:
                await self._refused(seen, legs, refused, "apply.get")
            else:
                await self._refused(seen, legs, no, "apply.update")
            return False
        except (Transient, InDoubt, Paced) as trouble:
            await self._troubled(seen, trouble, "apply.get")
            return False
        text = "" if no is None else without_identifiers(str(no.verdict))
        async with self.store.begin(self.claim, fact="alibaba.looked") as tx:
            await lane.heard(tx, self.merchant, lane.TOP)
            move = plan.sight(seen, legs, shown, why, text)
            if no is not None and isinstance(move, plan.Stick) and move.stuck is Stuck.REFUSED:
                move = _refusal(no.verdict, "apply.update")
            await writing.looked(tx, seen, legs, shown, why, move)
        return isinstance(move, plan.Finish)

    # -- returning -------------------------------------------------------------------------------------------------

    async def _return(self, seen: ApplicationView, legs: Sequence[Leg], move: plan.Return) -> None:
        """Give the centre what it lacks, one by one; what is left over is due again at once, behind the others."""
        round_no = writing.round_of(move)
        for done, leg in enumerate(move.legs):
            if done >= MOST_RETURNS or self.ended():
                async with self.store.begin(self.claim, fact="alibaba.left_over") as tx:
                    await tx.applications.wait(seen, next_at=to_ms(tx.now))
                return
            if not await self._return_one(seen, legs, leg, round_no):
                return
        async with self.store.begin(self.claim, fact="alibaba.returned_all") as tx:
            match move.then:
                case plan.Wait():
                    await writing.wait(tx, seen, move.then)
                case plan.Stick():
                    await writing.stick(tx, seen, legs, move.then)

    async def _return_one(self, seen: ApplicationView, legs: Sequence[Leg], leg: Leg, round_no: int) -> bool:
        """Return one invoice; False where the application has to be left alone for now."""
        returned = await self._made(seen, legs, leg)
        if returned is None:
            return False
        async with self.store.begin(self.claim, fact="alibaba.returning", outward=True) as tx:
            await tx.applications.wait(seen, answer="returning")  # Stale where it has moved since
            upload_id = await tx.links.returning(seen.id, leg, round_no)
        try:
            refuse_late(self.claim, self.store.clock)
            taken = await self.centre.upload(returned)
        except ValueError as unfit:  # nothing was sent
            await self._not_returned(upload_id)
            verdict = Verdict(Care.DATA, lane.TOP, "unfit", str(unfit))
            await self._stick(seen, legs, _refusal(verdict, "inv.upload"))
            return False
        except (Transient, Paced) as trouble:
            await self._not_returned(upload_id)
            await self._troubled(seen, trouble, "inv.upload")
            return False
        except InDoubt as doubt:  # the next change of status tells, after the grace
            await self._doubted(seen, doubt)
            return True
        except Permanent as no:
            await self._not_returned(upload_id)
            await self._refused(seen, legs, no, "inv.upload")
            return False
        async with self.store.begin(self.claim, fact="alibaba.returned") as tx:
            await lane.heard(tx, self.merchant, lane.TOP)
            await tx.links.returned(upload_id, taken=taken)
            await writing.note(tx, seen, [leg], "alibaba.returned", taken=None if taken else "no")
            about = {"merchant": seen.merchant, "apply_id": seen.apply_id, "order_no": leg.no, "taken": taken}
            tx.tell(partial(log.info, "alibaba.returned", **about))
        return True

    async def _made(self, seen: ApplicationView, legs: Sequence[Leg], leg: Leg) -> ReturnedInvoice | None:
        """What is to be sent; None where nothing can be, which is then a person's."""
        async with self.store.read() as tx:
            order = (await tx.orders.whole([leg.order_id]))[leg.order_id]
            stored = (await tx.submissions.newest([leg.order_id])).get(leg.order_id)
            file = await tx.files.get(leg.order_id)
        try:
            return returned_invoice(self.merchant, seen, leg, order, stored, file)
        except NotReturnable as unfit:
            await self._stick(seen, legs, plan.Stick(unfit.stuck, (("orders", leg.no), ("text", unfit.text))))
            return None

    async def _not_returned(self, upload_id: int) -> None:
        """Certainly not taken: it was no attempt."""
        async with self.store.begin(self.claim, fact="alibaba.not_returned") as tx:
            await tx.links.never_sent(upload_id)

    # -- trouble ---------------------------------------------------------------------------------------------------

    async def _troubled(self, seen: ApplicationView, trouble: Trouble | Paced, call: str) -> None:
        """Nothing was learned. The lane rests, or the application comes back, later and later. Raises LaneRests."""
        if isinstance(trouble, Paced):
            raise LaneRests(trouble.until)
        verdict = trouble.verdict
        until = await self._lane(trouble)
        theirs = verdict.care not in LANE_WIDE and not lane.is_unheard(verdict)
        async with self.store.begin(self.claim, fact="alibaba.postponed") as tx:
            here = await tx.applications.get(seen.id)
            tries = here.tries + theirs
            if tries >= plan.MOST_TROUBLES:
                facts = (("text", without_identifiers(str(verdict))), ("call", call))
                legs = await tx.links.legs(seen.id)
                await writing.stick(tx, here, legs, plan.Stick(Stuck.TROUBLE, facts))
            elif verdict.care not in LANE_WIDE:
                again = tx.now + backoff(tries, self.rng, base=5.0, cap=900.0)
                unparked = {"answer": ""} if here.answer == PARKED else {}  # it was no defect that stopped it now
                await tx.applications.wait(here, tries=tries, next_at=to_ms(again), **unparked)
        log.warning("alibaba.postponed", merchant=seen.merchant, apply_id=seen.apply_id, call=call, why=str(verdict))
        if until is not None:
            raise LaneRests(until)

    async def _doubted(self, seen: ApplicationView, doubt: InDoubt) -> None:
        """A return with an unknown outcome says something of the lane, nothing of the invoice. Raises LaneRests."""
        log.warning(
            "alibaba.unknown", merchant=seen.merchant, apply_id=seen.apply_id, call="inv.upload", why=str(doubt.verdict)
        )
        until = await self._lane(doubt)
        if until is not None:
            raise LaneRests(until)

    async def _lane(self, trouble: Trouble) -> datetime | None:
        return await lane.troubled(
            self.store,
            self.claim,
            self.merchant,
            trouble,
            fact="alibaba.rested",
            probe=self.probe,
            platform=lane.TOP,
        )

    async def _refused(self, seen: ApplicationView, legs: Sequence[Leg], no: Permanent, call: str) -> None:
        """The centre said no: the lane rests if it meant the account, else a person looks at this application."""
        if no.verdict.care in LANE_WIDE:
            await self._troubled(seen, no, call)
            return
        await self._heard_no(no)
        await self._stick(seen, legs, _refusal(no.verdict, call))

    async def _heard_no(self, no: Permanent) -> None:
        async with self.store.begin(self.claim, fact="alibaba.refused") as tx:
            await lane.heard(tx, self.merchant, lane.TOP)
            if no.verdict.care is Care.UNCLASSIFIED:
                await tx.unclassified.seen(no.verdict)

    async def _stick(self, seen: ApplicationView, legs: Sequence[Leg], move: plan.Stick) -> None:
        async with self.store.begin(self.claim, fact="alibaba.held") as tx:
            await writing.stick(tx, seen, legs, move)


def _refusal(verdict: Verdict, call: str) -> plan.Stick:
    stuck = Stuck.UNCLASSIFIED if verdict.care is Care.UNCLASSIFIED else Stuck.REFUSED
    return plan.Stick(stuck, (("text", without_identifiers(str(verdict))), ("call", call)))
