"""Says to WDT what it is owed: durable first, several calls' worth at once; then the calls, one after the other."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import structlog

from syncd.domain.lifecycle import State
from syncd.domain.order import UpdateAnswer, WriteBack
from syncd.domain.retry import ask_again
from syncd.domain.texts import without_identifiers
from syncd.domain.trouble import LANE_WIDE, Care, InDoubt, Paced, Permanent, Transient, Trouble, Verdict
from syncd.stages import lane
from syncd.stages.turn import refuse_late, share_spent
from syncd.stages.write_back.errand import Errand
from syncd.stages.write_back.paying import Owed, apply, load, story
from syncd.stages.write_back.plan import Move, Send, refused_whole, share
from syncd.store.debts import Debt
from syncd.store.instance import Disarmed
from syncd.store.store import Tx

log = structlog.get_logger("syncd.stages.write_back")

#: What is said at once is called for within about so many seconds at the credential's pace, in so many calls at most.
#: The fewer calls, the less is in doubt after a crash; the more, the fewer commits.
AHEAD, MOST_CALLS = 0.5, 5


@dataclass(frozen=True, slots=True)
class Document:
    """One write-back, and the debt it pays."""

    owed: Owed
    says: WriteBack


Chunk = Sequence[Document]
#: Calls that were answered, and with what; not written down yet.
Heard = list[tuple[Chunk, UpdateAnswer]]


class Saying:
    """The write-backs of one turn."""

    def __init__(self, errand: Errand) -> None:
        self._store = errand.store
        self._merchant = errand.merchant
        self._claim = errand.claim
        self._rules = errand.rules
        self._brake = errand.brake
        self._take = errand.take
        self._heard: Heard = []

    async def say_all(self) -> int:
        """Send what is owed until nothing is due; how many documents were sent.

        Raises Transient, Permanent, Paced, Disarmed: what was not sent is owed as before.
        """
        sent = 0
        while not self._brake.pulled and not share_spent(self._claim, self._store.clock.monotonic()):
            due, said = await self._draw_up()
            sent += await self._call_for(deque(said))
            if not due:
                break
        await self._record()
        return sent

    async def _draw_up(self) -> tuple[bool, list[Chunk]]:
        """Whether anything was due; what is about to be sent, a call's worth each: from now on it may be applied.

        What was heard until now is written down with it.
        """
        chunks: list[Chunk] = []
        refused: Disarmed | None = None
        fact = "write_back.answered" if self._heard else "write_back.said"
        async with self._store.begin(self._claim, fact=fact) as tx:
            await self._note(tx)
            debts = await self._due(tx)
            if debts:
                chunks = await self._chunks(tx, await load(tx, debts))
            if chunks:
                try:
                    await tx.go_out()
                    await tx.debts.mark_sent(_ids(*chunks), tx.now + self._rules.look_after)
                except Disarmed as no:  # nothing is said; what WDT shows is settled all the same
                    refused = no
        self._heard.clear()
        if refused is not None:
            raise refused
        return bool(debts), chunks

    async def _due(self, tx: Tx) -> Sequence[Debt]:
        """What may be said now."""
        if await tx.lanes.at_rest(self._merchant.name, lane.WDT) is not None:
            return []
        most = 1 if self._claim.single_file else self._rules.batch * self._calls_at_once()
        debts = await tx.debts.due(self._merchant.name, "owed", most)
        if self._claim.single_file and debts:
            self._take(debts[0].order_id)
        return debts

    def _calls_at_once(self) -> int:
        pace = self._merchant.erp_pace
        fitting = MOST_CALLS if pace is None or not pace.spacing else int(AHEAD / pace.spacing)
        return max(1, min(fitting, MOST_CALLS))

    async def _chunks(self, tx: Tx, due: Sequence[Owed]) -> list[Chunk]:
        """What of this is to be said now, in calls; the rest is settled otherwise, or waits for the next time.

        What was doubted in company goes with less of it, and alone among calls. What does not fill a call beside full
        ones goes with what is owed by then.
        """
        documents: list[Document] = []
        others: list[tuple[Owed, Move]] = []
        batch = self._rules.batch
        for owed in due:
            move = owed.move(tx.now)
            if not isinstance(move, Send) or owed.order.state not in (State.ISSUED, State.FAILED):
                others.append((owed, move))
                continue
            fitting = share(await story(tx, owed), self._rules.batch) if owed.debt.tries else batch
            if len(documents) >= fitting < batch:
                break  # those before it go by themselves, as many as ever
            batch = min(batch, fitting)
            documents.append(Document(owed, move.document))
        await apply(tx, others, self._rules.look_after)
        if batch < self._rules.batch:
            documents = documents[:batch]
        elif len(documents) > batch:
            documents = documents[: len(documents) // batch * batch]
        return [documents[at : at + batch] for at in range(0, len(documents), batch)]

    # -- calling, outside any transaction --------------------------------------------------------------------------

    async def _call_for(self, said: deque[Chunk]) -> int:
        """One call each; how many documents were sent. What is heard is written down together, a little later."""
        sent = 0
        while said:
            chunk, called_at = said.popleft(), self._store.clock.now()
            try:
                self._refuse_late()
                self._heard.append((chunk, await self._merchant.erp.update([one.says for one in chunk])))
            except (Trouble, Paced, ValueError) as no:
                await self._record()
                sent += await self._troubled(chunk, said, no, called_at)
            else:
                sent += len(chunk)
        return sent

    def _refuse_late(self) -> None:
        """Raises Paced where no call may begin any more."""
        if self._brake.pulled:
            raise Paced(self._store.clock.now())
        refuse_late(self._claim, self._store.clock)

    async def _record(self) -> None:
        """Write down what was heard."""
        if self._heard:
            async with self._store.begin(self._claim, fact="write_back.answered") as tx:
                await self._note(tx)
            self._heard.clear()

    async def _note(self, tx: Tx) -> None:
        """Only what is seen from now on tells whether it was applied; what WDT said no to is looked at closely."""
        if not self._heard:
            return
        sent = _ids(*(chunk for chunk, _ in self._heard))
        await lane.heard(tx, self._merchant, lane.WDT)
        await tx.debts.sent_now(sent, tx.now + self._rules.look_after)
        refused = [
            (one, answer) for chunk, answer in self._heard for one in chunk if one.owed.order.no in answer.refused
        ]
        if refused:
            await tx.debts.doubt([one.owed.debt.id for one, _ in refused])
        for one, answer in refused:
            await self._note_refused(tx, one.owed, answer)
        facts = {"documents": len(sent), "refused": len(refused)}
        tx.tell(partial(log.info, "write_back.sent", merchant=self._merchant.name, **facts))

    async def _note_refused(self, tx: Tx, owed: Owed, answer: UpdateAnswer) -> None:
        verdict = answer.verdicts.get(owed.order.no)
        unheard = verdict if verdict is not None and verdict.care is Care.UNCLASSIFIED else None
        if unheard is not None:
            await tx.unclassified.seen(unheard)
        await tx.journal.add(
            "write_back.refused",
            order_id=owed.order.id,
            merchant=owed.order.merchant,
            text=without_identifiers(answer.refused[owed.order.no]),
            unclassified=True if unheard is not None else None,
        )

    # -- what goes wrong -------------------------------------------------------------------------------------------

    async def _troubled(
        self, chunk: Chunk, said: deque[Chunk], no: Trouble | Paced | ValueError, called_at: datetime
    ) -> int:
        """What a call that went wrong makes of `chunk`, and of what was `said` and not called for yet.

        How many documents may have been applied. Raises `no` where nothing more is to be sent in this turn.
        """
        match no:
            case InDoubt():
                if await self._doubted(chunk, no, called_at) is not None:
                    await self._take_back(said, self._store.clock.now())
                    said.clear()
                return len(chunk)
            case Paced():
                await self._take_back([chunk, *said], no.until)
                raise no
            case Transient():
                await self._not_applied([chunk, *said], no)
                raise no
            case Permanent() if no.verdict.care in LANE_WIDE:
                await self._not_applied([chunk, *said], no)
                raise no
            case Permanent():
                await self._halve(chunk, said, no.verdict.text)
            case _:  # a text that cannot be written at all: nothing was sent
                await self._halve(chunk, said, str(no))
        return 0

    async def _take_back(self, chunks: Sequence[Chunk], until: datetime) -> None:
        """Nothing of this was sent: it is owed as before."""
        if ids := _ids(*chunks):
            async with self._store.begin(self._claim, fact="write_back.not_applied") as tx:
                await tx.debts.owe_again(ids, until)

    async def _not_applied(self, chunks: Sequence[Chunk], no: Transient | Permanent) -> None:
        """WDT has taken nothing of this, or was not asked any more: later, and the oftener it was tried the later."""
        owed = [one.owed.debt for chunk in chunks for one in chunk]
        async with self._store.begin(self._claim, fact="write_back.not_applied") as tx:
            for tries in {debt.tries for debt in owed}:
                ids = [debt.id for debt in owed if debt.tries == tries]
                await tx.debts.owe_again(ids, tx.now + ask_again(tries))
        log.warning("write_back.postponed", merchant=self._merchant.name, documents=len(owed), why=str(no.verdict))

    async def _doubted(self, chunk: Chunk, doubt: InDoubt, called_at: datetime) -> datetime | None:
        """It may have been applied since `called_at`, and is read back; until when the lane rests, if it does now."""
        merchant, verdict = self._merchant, doubt.verdict
        log.warning("write_back.unknown", merchant=merchant.name, documents=len(chunk), cause=verdict.code)
        async with self._store.begin(self._claim, fact="write_back.doubted") as tx:
            await tx.debts.called_at(_ids(chunk), called_at)
            if verdict.care is Care.UNCLASSIFIED:
                await self._unclassified(tx, chunk, verdict)
        return await lane.troubled(self._store, self._claim, merchant, doubt, fact="write_back.rested")

    async def _unclassified(self, tx: Tx, chunk: Chunk, verdict: Verdict) -> None:
        """The whole call was answered in words nobody has classified: read back, closely, before anything is said."""
        await tx.unclassified.seen(verdict)
        await tx.debts.doubt(_ids(chunk))
        text = without_identifiers(verdict.text)
        for one in chunk:
            await tx.journal.add(
                "write_back.doubted",
                order_id=one.owed.order.id,
                merchant=one.owed.order.merchant,
                documents=len(chunk),
                text=text,
            )

    async def _halve(self, chunk: Chunk, said: deque[Chunk], text: str) -> None:
        """Refused as a whole: each half is called for by itself, so that one bad document does not hold the others."""
        if len(chunk) > 1:
            middle = len(chunk) // 2
            said.extendleft((chunk[middle:], chunk[:middle]))
            return
        async with self._store.begin(self._claim, fact="write_back.refused") as tx:
            await apply(tx, [(chunk[0].owed, refused_whole(text))], self._rules.look_after)


def _ids(*chunks: Chunk) -> list[int]:
    return [one.owed.debt.id for chunk in chunks for one in chunk]
