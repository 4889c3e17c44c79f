"""The acting side of write-back: say it in chunks, then look; only what is seen at WDT settles a debt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog

from syncd.domain.clock import whole_second
from syncd.domain.invoice import Invoice
from syncd.domain.lifecycle import Event, Hold, Phase, State
from syncd.domain.order import Search, WriteBack
from syncd.domain.retry import ask_again
from syncd.domain.texts import without_identifiers
from syncd.domain.trouble import LANE_WIDE, Care, InDoubt, Paced, Permanent, Transient, Verdict
from syncd.domain.window import CLOCK_TOLERANCE, SECOND
from syncd.stages import lane
from syncd.stages.intake import ask, read_by_number, take_in
from syncd.stages.turn import Brake, Merchant, Turn, later, share_spent, sleep
from syncd.stages.write_back import company
from syncd.stages.write_back.plan import (
    LOCKED,
    Cancelled,
    Incident,
    Move,
    Paid,
    Postpone,
    Recheck,
    Send,
    WriteBackRules,
    final_no,
    next_move,
    refused_whole,
    share,
)
from syncd.store.debts import CLOSE_LOOK, ISSUED, Debt
from syncd.store.instants import to_ms
from syncd.store.journal import Entry
from syncd.store.orders import OrderId, OrderView, Stale
from syncd.store.store import Store, Tx
from syncd.store.units import Claim

log = structlog.get_logger("syncd.stages.write_back")

#: Rows on a page that confirms, and how many such pages a turn may read: as many as show all that was sent in it, and
#: no more than its share of time allows.
PAGE_SIZE, MOST_PAGES = 200, 100
#: How many sent debts one turn looks after.
MOST_DEBTS = 1000


@dataclass(frozen=True, slots=True)
class Owed:
    """A debt with the order it is about and the invoice it carries."""

    debt: Debt
    order: OrderView
    invoice: Invoice | None


class WriteBacks:
    """Pays one merchant's debts to WDT."""

    name = "write_back"

    def __init__(self, store: Store, merchants: Sequence[Merchant], rules: WriteBackRules, brake: Brake) -> None:
        self._store = store
        self._brake = brake
        self._merchants = {str(merchant.name): merchant for merchant in merchants}
        self._rules = rules
        self.keys = list(self._merchants)
        self._hands: dict[str, OrderId] = {}

    async def work(self, key: str, claim: Claim) -> Turn:
        """Settle what was seen, look for what was sent, send what is owed."""
        merchant = self._merchants[key]
        self._hands.pop(key, None)
        async with self._store.read() as tx:
            due, now = await tx.debts.next_due(merchant.name), tx.now
        if due is None or due > now:
            return sleep(now, self._rules.every, due)
        way = await lane.gate(self._store, claim, merchant, lane.WDT, prober=False)
        if way.until is not None:
            return Turn(way.until)
        try:
            settled = await self._confirm(merchant, claim)
            async with self._store.read() as tx:
                waiting = await company.waits(tx, merchant, self._rules.batch)
            sent = 0 if waiting else await self._send_owed(merchant, claim)
        except (Transient, Permanent) as trouble:
            rest = await lane.troubled(self._store, claim, merchant, trouble, fact="write_back.rested")
            if rest is None:
                raise
            return Turn(rest)
        async with self._store.read() as tx:
            due, now = await tx.debts.next_due(merchant.name), tx.now
        if due is not None and due <= now and not waiting and (settled or sent):
            return later(now, timedelta(0), {"sent": sent})  # it gets on, and there is more
        return sleep(now, self._rules.every, due, {"sent": sent})

    def at_hand(self, key: str) -> OrderId | None:
        """The order whose debt was being worked on in single file."""
        return self._hands.get(key)

    # -- looking ---------------------------------------------------------------------------------------------------

    async def _confirm(self, merchant: Merchant, claim: Claim) -> int:
        """Settle sent debts by sightings newer than the sending; look for those that have none; how many it settled."""
        settled, unproven = await self._settle_sent(merchant, claim)
        if not unproven:
            return settled
        now = self._store.clock.now()
        close = [owed for owed in unproven if owed.debt.looks >= CLOSE_LOOK and not self._may_lag(owed, now)]
        close = close[: self._rules.most_reads]
        if len(close) < len(unproven):
            await self._look_at_pages(merchant, claim, unproven)
        for owed in close if not self._brake.pulled else []:
            page = await read_by_number(self._store, merchant, claim, owed.order.no)
            if page.count == 0:
                async with self._store.begin(claim, fact="write_back.missing") as tx:
                    await self._apply(tx, merchant, owed, Incident(Hold.WDT_MISSING, ()))
        proven, still = await self._settle_sent(merchant, claim)
        async with self._store.begin(claim, fact="write_back.looked") as tx:
            for owed in still:
                look_at = tx.now + ask_again(owed.debt.looks)
                if self._may_lag(owed, tx.now):  # its number tells from then on: not later than that
                    look_at = min(look_at, _sent_at(owed) + self._rules.shows_within + self._rules.look_after)
                await tx.debts.look_again(owed.debt, look_at)
        return settled + proven

    def _may_lag(self, owed: Owed, now: datetime) -> bool:
        """Whether it was seen since, but so early that WDT may not show it yet: a page tells as well as its number."""
        return owed.order.seen_at > _sent_at(owed) and now - _sent_at(owed) < self._rules.shows_within

    async def _settle_sent(self, merchant: Merchant, claim: Claim) -> tuple[int, list[Owed]]:
        """Apply what newer sightings prove; returns how many debts that settled, and those that have none yet."""
        settled, unproven = 0, list[Owed]()
        async with self._store.begin(claim, fact="write_back.confirmed") as tx:
            due = await tx.debts.due(merchant.name, "sent", 1 if claim.single_file else MOST_DEBTS)
            self._take_in_hand(claim, due)
            for owed in await self._load(tx, due):
                if owed.order.seen_at <= _sent_at(owed):
                    unproven.append(owed)
                    continue
                move = next_move(owed.debt, owed.order, owed.invoice, tx.now)
                if isinstance(move, Send) and not self._shows_by_now(owed):
                    unproven.append(owed)
                else:
                    await self._apply(tx, merchant, owed, move)
                    settled += 1
        return settled, unproven

    def _shows_by_now(self, owed: Owed) -> bool:
        """Whether a sighting without our write-back came late enough to say that WDT has not taken it.

        Before that it may only not show it yet, and saying it again would be refused.
        """
        return owed.order.seen_at - _sent_at(owed) >= self._rules.shows_within

    async def _look_at_pages(self, merchant: Merchant, claim: Claim, unproven: Sequence[Owed]) -> None:
        """The mirror of the last moments: our own writes bumped those orders, so a page shows up to 200 of them."""
        wanted = {owed.order.no for owed in unproven}
        start, end = self._moments(merchant, min(_sent_at(owed) for owed in unproven))
        for page_no in range(MOST_PAGES):
            if self._brake.pulled or (page_no and share_spent(claim, self._store.clock.monotonic())):
                return
            query = Search(
                start=start, end=end, page_no=page_no, page_size=PAGE_SIZE, every_status=True, with_total=False
            )
            try:
                page, seq = await ask(self._store, merchant, query)
            except Permanent as too_much:
                if too_much.verdict.care is not Care.SPLIT:
                    raise
                return  # too much for one page: each is read by its number instead
            async with self._store.begin(claim, fact="write_back.page") as tx:
                await take_in(tx, merchant, page, seq)
            wanted.difference_update(row.no for row in page.rows)
            if not wanted or page.count < PAGE_SIZE:
                return

    def _moments(self, merchant: Merchant, since: datetime) -> tuple[datetime, datetime]:
        """From just before `since` to now, by the server's clock as far as we know it."""
        offset = merchant.erp.clock_offset
        slack = timedelta(seconds=5) if offset is not None else CLOCK_TOLERANCE
        shift = timedelta(seconds=offset or 0.0)
        end = whole_second(self._store.clock.now() + shift)
        start = max(whole_second(since + shift - slack), end - timedelta(hours=6))
        return min(start, end - SECOND), end

    def _take_in_hand(self, claim: Claim, debts: Sequence[Debt]) -> None:
        if claim.single_file and debts:
            self._hands[claim.key] = debts[0].order_id

    async def _load(self, tx: Tx, debts: Sequence[Debt]) -> list[Owed]:
        orders = await tx.orders.by_ids(debt.order_id for debt in debts)
        invoices = await tx.submissions.invoices(orders)
        return [Owed(debt, orders[debt.order_id], invoices.get(debt.order_id, [None])[-1]) for debt in debts]

    # -- sending ---------------------------------------------------------------------------------------------------

    async def _send_owed(self, merchant: Merchant, claim: Claim) -> int:
        """Send owed debts in chunks until none is due; returns how many documents were sent."""
        sent = 0
        while not self._brake.pulled and not share_spent(claim, self._store.clock.monotonic()):
            async with self._store.begin(claim, fact="write_back.drawn_up") as tx:
                if await tx.lanes.at_rest(merchant.name, lane.WDT) is not None:
                    break
                debts = await tx.debts.due(merchant.name, "owed", 1 if claim.single_file else self._rules.batch)
                self._take_in_hand(claim, debts)
                due = await self._load(tx, debts)
                chunk: list[tuple[Owed, WriteBack]] = []
                most = self._rules.batch
                for owed in due:
                    if owed.debt.tries:
                        most = min(most, share(await self._story(tx, owed), self._rules.batch))
                    if len(chunk) >= most:
                        break  # the rest is for the next call
                    move = next_move(owed.debt, owed.order, owed.invoice, tx.now)
                    if isinstance(move, Send) and owed.order.state in (State.ISSUED, State.FAILED):
                        chunk.append((owed, move.document))
                    else:
                        await self._apply(tx, merchant, owed, move)
            if not due:
                break
            if chunk:
                sent += await self._send_chunk(merchant, claim, chunk)
        return sent

    async def _send_chunk(self, merchant: Merchant, claim: Claim, chunk: Sequence[tuple[Owed, WriteBack]]) -> int:
        """One call; halved when WDT refuses it as a whole, so that one bad document does not hold the others."""
        look_at = self._store.clock.now() + self._rules.look_after
        async with self._store.begin(claim, fact="write_back.said", outward=True) as tx:
            still_owed = await tx.debts.mark_sent([owed.debt.id for owed, _ in chunk], look_at)
            tx.outward = bool(still_owed)
        chunk = [(owed, document) for owed, document in chunk if owed.debt.id in still_owed]
        if not chunk:
            return 0
        ids = [owed.debt.id for owed, _ in chunk]
        try:
            answer = await merchant.erp.update([document for _, document in chunk])
        except Transient as trouble:
            await self._not_applied(merchant, claim, chunk, trouble)
            raise
        except Paced as paced:
            async with self._store.begin(claim, fact="write_back.not_applied") as tx:
                await tx.debts.owe_again(ids, paced.until)
            raise
        except ValueError as unsendable:  # a text that cannot be written at all: nothing was sent
            return await self._halve(merchant, claim, chunk, str(unsendable))
        except InDoubt as doubt:
            log.warning("write_back.unknown", merchant=merchant.name, documents=len(chunk), cause=doubt.verdict.code)
            if doubt.verdict.care is Care.UNCLASSIFIED:
                await self._unclassified(merchant, claim, chunk, doubt.verdict)
            await lane.troubled(self._store, claim, merchant, doubt, fact="write_back.rested")
            return len(chunk)
        except Permanent as no:
            if no.verdict.care in LANE_WIDE:
                await self._not_applied(merchant, claim, chunk, no)
                raise
            return await self._halve(merchant, claim, chunk, no.verdict.text)
        refused = [owed.debt.id for owed, _ in chunk if owed.order.no in answer.refused]
        async with self._store.begin(claim, fact="write_back.answered") as tx:
            await lane.heard(tx, merchant, lane.WDT)
            await tx.debts.sent_now(ids, tx.now + self._rules.look_after)
            await tx.debts.doubt(refused)
            for owed, _ in chunk:
                text, verdict = answer.refused.get(owed.order.no), answer.verdicts.get(owed.order.no)
                if text is not None:
                    unheard = verdict if verdict is not None and verdict.care is Care.UNCLASSIFIED else None
                    if unheard is not None:
                        await tx.unclassified.seen(unheard)
                    await tx.journal.add(
                        "write_back.refused",
                        order_id=owed.order.id,
                        merchant=merchant.name,
                        text=without_identifiers(text),
                        unclassified=True if unheard is not None else None,
                    )
        log.info("write_back.sent", merchant=merchant.name, documents=len(chunk), refused=len(refused))
        return len(chunk)

    async def _unclassified(
        self, merchant: Merchant, claim: Claim, chunk: Sequence[tuple[Owed, WriteBack]], verdict: Verdict
    ) -> None:
        """The whole call was answered in words nobody has classified: read back, closely, before anything is said."""
        async with self._store.begin(claim, fact="write_back.doubted") as tx:
            await tx.unclassified.seen(verdict)
            await tx.debts.doubt([owed.debt.id for owed, _ in chunk])
            text = without_identifiers(verdict.text)
            for owed, _ in chunk:
                await tx.journal.add(
                    "write_back.doubted",
                    order_id=owed.order.id,
                    merchant=merchant.name,
                    documents=len(chunk),
                    text=text,
                )

    async def _halve(self, merchant: Merchant, claim: Claim, chunk: Sequence[tuple[Owed, WriteBack]], text: str) -> int:
        if len(chunk) == 1:
            async with self._store.begin(claim, fact="write_back.refused") as tx:
                await self._apply(tx, merchant, chunk[0][0], refused_whole(text))
            return 0
        middle = len(chunk) // 2
        first = await self._send_chunk(merchant, claim, chunk[:middle])
        return first + await self._send_chunk(merchant, claim, chunk[middle:])

    async def _not_applied(
        self, merchant: Merchant, claim: Claim, chunk: Sequence[tuple[Owed, WriteBack]], trouble: Transient | Permanent
    ) -> None:
        async with self._store.begin(claim, fact="write_back.not_applied") as tx:
            for owed, _ in chunk:
                await tx.debts.owe_again([owed.debt.id], tx.now + ask_again(owed.debt.tries))
        log.warning("write_back.postponed", merchant=merchant.name, documents=len(chunk), why=str(trouble.verdict))

    # -- writing down ----------------------------------------------------------------------------------------------

    async def _apply(self, tx: Tx, merchant: Merchant, owed: Owed, move: Move) -> None:
        try:
            await self._settle(tx, merchant, owed, move)
        except Stale:
            await tx.debts.look_again(owed.debt, tx.now + self._rules.look_after)

    async def _settle(self, tx: Tx, merchant: Merchant, owed: Owed, move: Move) -> None:
        debt, order = owed.debt, owed.order
        if order.state not in (State.ISSUED, State.FAILED):  # held or settled otherwise meanwhile: nothing is owed
            await tx.debts.void(order.id)
            return
        match move:
            case Paid(drifted):
                await self._paid(tx, merchant, owed, drifted)
            case Send():  # seen since it was sent, and not applied: say it again, later and later
                said = final_no(await self._story(tx, owed))
                if said is not None:
                    facts = {"code": "write_back_refused", "text": said}
                    await self._hold(tx, merchant, owed, Hold.POISON_ROW, facts)
                else:
                    await tx.debts.owe_again([debt.id], tx.now + ask_again(debt.tries))
            case Postpone(why):
                await tx.debts.postpone([debt.id], tx.now + ask_again(debt.looks + 3))
                if why == LOCKED:
                    await self._note_locked(tx, owed)
                tx.tell(partial(log.info, "write_back.postponed", merchant=merchant.name, order_no=order.no, why=why))
            case Recheck():
                await tx.orders.wait(order, sweep_at=to_ms(tx.now))
                await tx.debts.postpone([debt.id], tx.now + timedelta(seconds=5))
                await tx.units.wake("collect", merchant.name)
            case Cancelled():
                await tx.orders.move(order, Event.CANCELLED, phase=Phase.NONE)
                await tx.debts.void(order.id)
                await tx.journal.add("order.cancelled", order_id=order.id, merchant=merchant.name)
            case Incident(hold, facts):
                await self._hold(tx, merchant, owed, hold, dict(facts))

    async def _note_locked(self, tx: Tx, owed: Owed) -> None:
        """WDT takes nothing for this order now: what it refused until then says nothing of the document."""
        story = await self._story(tx, owed)
        if not story or story[-1].event != "write_back.locked":
            facts = {"wdt_status": owed.order.wdt_status}
            await tx.journal.add("write_back.locked", order_id=owed.order.id, merchant=owed.order.merchant, **facts)

    async def _story(self, tx: Tx, owed: Owed) -> list[Entry]:
        """What was noted about this order since it is owed this."""
        return [entry for entry in await tx.journal.of(owed.order.id) if entry.at >= owed.debt.owed_at]

    async def _paid(self, tx: Tx, merchant: Merchant, owed: Owed, drifted: bool) -> None:
        debt, order = owed.debt, owed.order
        event = Event.WRITTEN_60 if debt.kind == ISSUED else Event.WRITTEN_85
        await tx.orders.move(order, event, phase=Phase.NONE, **({"drifted": 1} if drifted else {}))
        await tx.debts.paid(debt)
        await tx.journal.add(f"order.{event}", order_id=order.id, merchant=merchant.name, drifted=drifted or None)
        if drifted:
            tx.tell(partial(log.warning, "order.drifted", merchant=merchant.name, order_no=order.no))
        tx.tell(partial(log.info, "write_back.confirmed", merchant=merchant.name, order_no=order.no, status=debt.kind))

    async def _hold(self, tx: Tx, merchant: Merchant, owed: Owed, hold: Hold, facts: dict[str, str]) -> None:
        await tx.orders.hold(owed.order, hold, facts)
        await tx.debts.void(owed.order.id)
        told = {name: without_identifiers(fact) if name == "text" else fact for name, fact in facts.items()}
        await tx.journal.add("order.held", order_id=owed.order.id, merchant=merchant.name, hold=hold, **told)
        tx.tell(partial(log.warning, "order.held", merchant=merchant.name, order_no=owed.order.no, hold=str(hold)))


def _sent_at(owed: Owed) -> datetime:
    return owed.debt.sent_at or owed.debt.owed_at
