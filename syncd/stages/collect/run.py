"""The acting side of collect: asks the issuer by our keys and writes down what it learned."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import zip_longest

import structlog

from syncd.domain.decision import Adopt, Decision, Drop, RestLane, Revive, Wait
from syncd.domain.invoice import Colour, Expected, IssuerKey
from syncd.domain.judgement import judge_answer, judge_earlier, judge_submission
from syncd.domain.lifecycle import FINAL, Phase, State
from syncd.domain.mapping import Unfitness, to_request
from syncd.domain.outcome import Blocked, Issued, NotFound, Outcome, Processing, Unknown
from syncd.domain.ports import Channel, channel_of
from syncd.domain.retry import ask_again
from syncd.domain.trouble import LANE_WIDE, Care
from syncd.stages import lane
from syncd.stages.collect.plan import AHEAD, CollectRules, is_dead, key_of, needs_the_row
from syncd.stages.settling import case_of, elsewhere, is_unchanged, settle_all
from syncd.stages.turn import Brake, Merchant, Turn, later, share_spent, sleep
from syncd.store.lanes import Standing
from syncd.store.orders import OrderId, OrderView, WholeOrder
from syncd.store.store import Store, Tx
from syncd.store.submissions import Stored
from syncd.store.units import Claim, half_spent

log = structlog.get_logger("syncd.stages.collect")


class Collect:
    """Learns what became of submissions, of orders WDT moved, and of failures that may have been issued late."""

    name = "collect"

    def __init__(self, store: Store, merchants: Sequence[Merchant], rules: CollectRules, brake: Brake) -> None:
        self._store = store
        self._brake = brake
        self._merchants = {str(merchant.name): merchant for merchant in merchants}
        self._rules = rules
        self.keys = list(self._merchants)
        self.sleepers = frozenset(self.keys)
        self._hands: dict[str, OrderId] = {}

    async def work(self, key: str, claim: Claim) -> Turn:
        """Ask about everything that is due, a batch per call."""
        merchant = self._merchants[key]
        asked = 0
        self._hands.pop(key, None)
        async with self._store.read() as tx:
            standing = await tx.lanes.standing(merchant.name, merchant.issuer.name)
            batches = await self._due(tx, merchant, claim)
            due = await tx.orders.next_to_ask(merchant.name) if not batches else None
            ids = [order.id for orders in batches for order in orders]
            stored = await tx.submissions.newest(ids) if ids else {}
        gate = await self._gate(merchant, claim, standing)
        if gate.until is not None:
            return Turn(gate.until, {"asked": asked})
        if not batches:
            rest = await self._probe(merchant, claim) if gate.probe else None
            if rest is not None:
                return Turn(rest, {"asked": asked})
            return sleep(self._store.clock.now(), self._rules.every, due, {"asked": asked})
        if claim.single_file:
            self._hands[key] = batches[0][0].id
        for orders in batches:
            if self._brake.pulled or share_spent(claim, self._store.clock.monotonic()):
                break
            if asked:  # somebody may have paused the lane since, or used its budget up
                gate = await self._gate(merchant, claim, None)
            rest = gate.until or await self._ask(merchant, claim, orders, stored, gate)
            if rest is not None:
                return Turn(rest, {"asked": asked})
            asked += len(orders)
            if gate.probe:
                break
        more = asked < len(ids) or len(batches) >= self._rules.most_batches
        return later(self._store.clock.now(), timedelta(0) if more else self._rules.every, {"asked": asked})

    async def _due(self, tx: Tx, merchant: Merchant, claim: Claim) -> list[Sequence[OrderView]]:
        """What is due, in batches: of the blue ones and of the red ones by turns, of which each may take several calls.

        Each batch is settled before the next is asked about, so that slow red ones cost no blue one its answer.
        """
        if claim.single_file:
            one = await tx.orders.to_ask(merchant.name, 1)
            return [one] if one else []
        by_colour: list[list[Sequence[OrderView]]] = []
        for red in (False, True):
            batch = channel_of(merchant.issuer, is_red=red).profile.ask_batch
            due = await tx.orders.to_ask(merchant.name, batch * self._rules.most_batches, red=red)
            by_colour.append([due[at : at + batch] for at in range(0, len(due), batch)])
        return [orders for pair in zip_longest(*by_colour) for orders in pair if orders]

    async def asleep_until(self, tx: Tx, key: str) -> datetime | None:
        """Until when the unit may sleep on; None where something is to be asked, or its lane to be tried."""
        merchant = self._merchants[key]
        if await tx.lanes.standing(merchant.name, merchant.issuer.name) != Standing():
            return None
        due = await tx.orders.next_to_ask(merchant.name)
        return None if due is not None and due <= tx.now else sleep(tx.now, self._rules.every, due).next_at

    def at_hand(self, key: str) -> OrderId | None:
        """The order that was being asked about in single file."""
        return self._hands.get(key)

    async def _gate(self, merchant: Merchant, claim: Claim, standing: Standing | None) -> lane.Gate:
        """The way to the issuer. Questions go on while the lane rests for a person: no login is needed to ask."""
        name = merchant.issuer.name
        if standing is None:
            async with self._store.read() as tx:
                standing = await tx.lanes.standing(merchant.name, name)
        if standing.care is Care.PERSON:
            return lane.Gate(until=await lane.budget_rest(merchant, name, self._store.clock.now()))
        return await lane.gate(self._store, claim, merchant, name, prober=True, standing=standing)

    async def _probe(self, merchant: Merchant, claim: Claim) -> datetime | None:
        """A half-open lane and nothing to ask: a question about nothing shows whether it works; until when it rests."""
        wrong = await merchant.issuer.probe()
        async with self._store.begin(claim, fact="collect.probed") as tx:
            if wrong is None or wrong.care not in (*LANE_WIDE, Care.RETRY_SOON, Care.UNKNOWN):
                await lane.heard(tx, merchant, merchant.issuer.name)
                return None
            if wrong.care in LANE_WIDE:
                return await lane.rest(tx, merchant, merchant.issuer.name, wrong)
            return await lane.unheard(tx, merchant, merchant.issuer.name, wrong.code, probe=True)

    async def _ask(
        self,
        merchant: Merchant,
        claim: Claim,
        orders: Sequence[OrderView],
        stored: Mapping[OrderId, Stored],
        gate: lane.Gate,
    ) -> datetime | None:
        """Ask about one batch and settle it; until when the lane rests, if it does now."""
        orders, aside = self._set_apart(merchant, orders, stored)
        backward = [order for order in orders if self._looks_back(order)]
        aside += await self._look_back(merchant, backward)
        if aside:
            await self._settle(merchant, claim, aside, stored)
        orders = [order for order in orders if not self._looks_back(order)]
        if not orders:
            return None
        answers = await self._first_look(merchant, orders, stored)
        dead = [order for order in orders if is_dead(answers[order.id])]
        ahead = await self._look_ahead(merchant, dead, stored)
        works, armed = await self._circumstances(merchant, answers.values())
        by_row = [one.id for one in orders if one.id not in stored or needs_the_row(answers[one.id])]
        whole = await self._whole(by_row)
        decisions: list[tuple[OrderView, Decision]] = []
        for order in orders:
            sent = stored.get(order.id)
            expected = self._expected(merchant, whole[order.id]) if sent is None else None
            unchanged = needs_the_row(answers[order.id]) and self._is_unchanged(merchant, whole[order.id], sent)
            profile = self._channel(merchant, order, sent).profile
            case = case_of(order, sent, expected, profile, unchanged=unchanged, lane_is_open=works)
            now = self._store.clock.now()
            decisions.append((order, judge_answer(case, answers[order.id], ahead.get(order.id, ()), now)))
        if not armed:
            decisions = [(order, _waiting(order, decision)) for order, decision in decisions]
        rest = await self._settle(merchant, claim, decisions, stored, tuple(answers.values()), gate)
        for order, decision in decisions:
            if isinstance(decision, Revive) and not half_spent(claim, self._store.clock.monotonic()):
                await self._revive(merchant, claim, order, stored.get(order.id), decision)
        return rest

    async def _circumstances(self, merchant: Merchant, answers: Collection[Outcome]) -> tuple[bool, bool]:
        """Whether the lane works, and whether the store may write outside; both are so where no answer turns on it."""
        if all(isinstance(answer, Issued | Processing) for answer in answers):
            return True, True
        async with self._store.read() as tx:
            standing = await tx.lanes.standing(merchant.name, merchant.issuer.name)
            here = await tx.instance.get()
        return standing.until is None and not standing.half_open, here is None or here.armed

    async def _whole(self, ids: Sequence[OrderId]) -> Mapping[OrderId, WholeOrder]:
        if not ids:
            return {}
        async with self._store.read() as tx:
            return await tx.orders.whole(ids)

    def _set_apart(
        self, merchant: Merchant, orders: Sequence[OrderView], stored: Mapping[OrderId, Stored]
    ) -> tuple[list[OrderView], list[tuple[OrderView, Decision]]]:
        """Orders this account can answer for, and those that were submitted to another one."""
        here: list[OrderView] = []
        aside: list[tuple[OrderView, Decision]] = []
        for order in orders:
            decision = elsewhere(stored.get(order.id), merchant.issuer)
            if decision is None:
                here.append(order)
            elif order.state in FINAL and order.phase is Phase.NONE:
                aside.append((order, Drop(cancelled=False)))  # a late-issue sweep that nobody can answer
            else:
                aside.append((order, decision))
        return here, aside

    def _looks_back(self, order: OrderView) -> bool:
        """Issued under a later generation, and due to be looked back at."""
        due = order.sweep_at is not None and order.sweep_at <= self._store.clock.now()
        return due and order.state in (State.ISSUED, State.DONE60)

    async def _look_back(self, merchant: Merchant, orders: Sequence[OrderView]) -> list[tuple[OrderView, Decision]]:
        """Ask for the generations before the issued one: a failure may have been made good since (T17)."""
        decisions: list[tuple[OrderView, Decision]] = []
        for order in orders:
            channel = self._channel(merchant, order, None)
            keys = [self._key(merchant, order, None, earlier) for earlier in range(order.generation)]
            answers = await channel.ask(keys[: channel.profile.ask_batch])
            second = judge_earlier(order.wdt_invoice_no, tuple(answers.values()))
            if second is not None:
                log.error("collect.second_invoice", merchant=merchant.name, order_no=order.no)
            decisions.append((order, second or _looked_back(order, tuple(answers.values()))))
        return decisions

    async def _first_look(
        self, merchant: Merchant, orders: Sequence[OrderView], stored: Mapping[OrderId, Stored]
    ) -> dict[OrderId, Outcome]:
        keys = [
            (self._channel(merchant, order, sent), self._key(merchant, order, sent, order.generation))
            for order, sent in ((order, stored.get(order.id)) for order in orders)
        ]
        found = await self._ask_all(keys)
        return {order.id: found.get(key, NotFound()) for order, (_, key) in zip(orders, keys, strict=True)}

    async def _ask_all(self, keys: Sequence[tuple[Channel, IssuerKey]]) -> dict[IssuerKey, Outcome]:
        """Each key through its own channel, a batch per call."""
        channels = {id(channel): channel for channel, _ in keys}
        found: dict[IssuerKey, Outcome] = {}
        for channel in channels.values():
            own = [key for one, key in keys if one is channel]
            batch = channel.profile.ask_batch
            for start in range(0, len(own), batch):
                answers = await channel.ask(own[start : start + batch])
                found.update(answers)
                silence = next(iter(answers.values()), None)
                if isinstance(silence, Unknown | Blocked) and set(answers.values()) == {silence}:
                    found.update(dict.fromkeys(own[start + batch :], silence))  # asking on would outlast the lease
                    break
        return found

    async def _look_ahead(
        self, merchant: Merchant, orders: Sequence[OrderView], stored: Mapping[OrderId, Stored]
    ) -> dict[OrderId, tuple[Outcome, ...]]:
        """The following generations of orders whose own key is dead or unknown at the issuer."""
        wanted = [
            (order.id, self._channel(merchant, order, sent), self._key(merchant, order, sent, order.generation + step))
            for order, sent in ((order, stored.get(order.id)) for order in orders)
            for step in range(1, AHEAD + 1)
        ]
        found = await self._ask_all([(channel, key) for _, channel, key in wanted])
        ahead: dict[OrderId, tuple[Outcome, ...]] = {}
        for order_id, _, key in wanted:
            ahead[order_id] = (*ahead.get(order_id, ()), found.get(key, NotFound()))
        return ahead

    def _channel(self, merchant: Merchant, order: OrderView, sent: Stored | None) -> Channel:
        """The way the order's submission went, or would go."""
        return channel_of(merchant.issuer, is_red=_is_red(order, sent))

    def _key(self, merchant: Merchant, order: OrderView, sent: Stored | None, generation: int) -> IssuerKey:
        """The key that was sent, or the one that would be: what a user edits in WDT later changes neither."""
        if sent is not None and sent.generation == generation:
            return sent.key
        return key_of(merchant.issuer, merchant.sid, order.no, is_red=_is_red(order, sent), generation=generation)

    def _expected(self, merchant: Merchant, order: WholeOrder) -> Expected | None:
        """What an invoice of this order would show, for orders without a submission of ours."""
        try:
            request = to_request(merchant.erp.decode(order.raw), merchant.mapping)
        except (ValueError, ArithmeticError):
            return None
        if isinstance(request, Unfitness):
            return None
        blue = "" if request.blue is None else str(request.blue)
        return Expected(request.buyer.tax_no, request.total, request.colour, blue)

    def _is_unchanged(self, merchant: Merchant, order: WholeOrder, sent: Stored | None) -> bool:
        """Whether WDT still asks for what was frozen; an order that was never frozen here, or is unreadable: no."""
        if sent is None:
            return False
        try:
            row = merchant.erp.decode(order.raw)
        except (ValueError, ArithmeticError):
            return False
        return is_unchanged(row, sent, order.generation)

    async def _settle(
        self,
        merchant: Merchant,
        claim: Claim,
        decisions: Sequence[tuple[OrderView, Decision]],
        stored: Mapping[OrderId, Stored],
        answers: Sequence[Outcome] = (),
        gate: lane.Gate | None = None,
    ) -> datetime | None:
        """Write down what was decided and how the lane is; until when it rests, if an answer stopped it."""
        rest: datetime | None = None
        revives = any(isinstance(decision, Revive) for _, decision in decisions)
        async with self._store.begin(claim, fact="collect.settled", outward=revives) as tx:
            if answers:
                rest = await self._note_lane(tx, merchant, decisions, answers, gate)
            for verdict in dict.fromkeys(one.unclassified for one in answers if isinstance(one, Unknown | Processing)):
                if verdict is not None:
                    await tx.unclassified.seen(verdict)
            await self._foresee(tx, decisions)
            await settle_all(tx, merchant, [(order, stored.get(order.id), decision) for order, decision in decisions])
            if any(isinstance(decision, RestLane) for _, decision in decisions):
                rest = await tx.lanes.at_rest(merchant.name, merchant.issuer.name)
        return rest

    async def _foresee(self, tx: Tx, decisions: Sequence[tuple[OrderView, Decision]]) -> None:
        """Look up at once what settling these will ask of the store one by one."""
        if decisions:
            await tx.orders.standing([order.id for order, _ in decisions])
            adopted = [decision.invoice.number for _, decision in decisions if isinstance(decision, Adopt)]
            await tx.submissions.look_up(adopted)

    async def _note_lane(
        self,
        tx: Tx,
        merchant: Merchant,
        decisions: Sequence[tuple[OrderView, Decision]],
        answers: Sequence[Outcome],
        gate: lane.Gate | None,
    ) -> datetime | None:
        """An answered question opens a lane, but not one that rests for a person: that takes an invoice made since."""
        name = merchant.issuer.name
        cause = lane.unheard_cause(answers)
        if cause is not None:
            by = str(decisions[0][0].no) if len(decisions) == 1 else ""
            return await lane.unheard(tx, merchant, name, cause, by=by, probe=gate is not None and gate.probe)
        if any(isinstance(outcome, Blocked) for outcome in answers):
            return None
        if not await lane.is_well(tx, merchant, name):
            await lane.heard(tx, merchant, name, by_asking=not await self._works_again(tx, merchant, decisions))
        return None

    async def _works_again(self, tx: Tx, merchant: Merchant, decisions: Sequence[tuple[OrderView, Decision]]) -> bool:
        """Whether something that was sent after the lane came to rest for a person has been issued."""
        newest = max(
            (order.sent_at for order, one in decisions if isinstance(one, Adopt) and order.sent_at), default=None
        )
        if newest is None:
            return False
        ours = (merchant.name, merchant.issuer.name)
        rested = [
            one for one in await tx.lanes.all() if (one.merchant, one.platform) == ours and one.care is Care.PERSON
        ]
        return bool(rested) and newest >= rested[0].since

    async def _revive(
        self, merchant: Merchant, claim: Claim, order: OrderView, sent: Stored | None, decision: Revive
    ) -> None:
        """Have the issuer seal what it has issued; the answer is only a hint, the next look decides."""
        key = self._key(merchant, order, sent, decision.generation)
        channel = self._channel(merchant, order, sent)
        outcome = await channel.revive(key, decision.serial)
        log.info("collect.revived", merchant=merchant.name, order_no=order.no, answer=type(outcome).__name__.lower())
        if isinstance(outcome, Blocked):
            case = case_of(order, sent, None, channel.profile)
            await self._settle(merchant, claim, [(order, judge_submission(case, outcome))], {})
        if isinstance(outcome, Unknown) and outcome.unclassified is not None:
            await self._settle(merchant, claim, [], {}, [outcome])


def _waiting(order: OrderView, decision: Decision) -> Decision:
    """While the store is disarmed nothing is revived: that would be a write to the outside. It waits instead."""
    return Wait(order.phase, ask_again(order.tries)) if isinstance(decision, Revive) else decision


def _looked_back(order: OrderView, answers: Sequence[Outcome]) -> Decision:
    """Nothing was found beside the invoice; a question that nobody answered was no look."""
    if any(isinstance(answer, Unknown | Blocked) for answer in answers):
        return Wait(order.phase, ask_again(order.unheard), unheard=True)
    return Drop(cancelled=False)


def _is_red(order: OrderView, sent: Stored | None) -> bool:
    """As it was submitted; what a user edits in WDT later changes nothing."""
    return order.is_red if sent is None else sent.expected.colour is Colour.RED
