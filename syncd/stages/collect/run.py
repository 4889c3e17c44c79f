"""The acting side of collect: asks the issuer by our keys and writes down what it learned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import partial

import structlog

from syncd.domain.invoice import Colour, Expected, IssuerKey
from syncd.domain.judgement import Decision, Drop, RestLane, Revive, judge_answer, judge_earlier, judge_submission
from syncd.domain.lifecycle import FINAL, Phase, State
from syncd.domain.mapping import Unfitness, to_request
from syncd.domain.outcome import Blocked, NotFound, Outcome
from syncd.stages.collect.plan import AHEAD, CollectRules, is_dead, key_of
from syncd.stages.settling import case_of, elsewhere, settle
from syncd.stages.turn import Brake, Merchant, Turn, later
from syncd.store.orders import OrderId, OrderView, Stale
from syncd.store.store import Store
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

    async def work(self, key: str, claim: Claim) -> Turn:
        """Ask about everything that is due, a batch per call."""
        merchant = self._merchants[key]
        asked = 0
        for _ in range(self._rules.most_batches):
            if self._brake.pulled or half_spent(claim, self._store.clock.monotonic()):
                break
            async with self._store.read() as tx:
                rest = await tx.lanes.at_rest(merchant.name, merchant.issuer.name)
                if rest is not None:
                    return Turn(rest)
                orders = await tx.orders.to_ask(merchant.name, merchant.issuer.profile.ask_batch)
                stored = await tx.submissions.newest([order.id for order in orders])
            if not orders:
                return later(self._store.clock.now(), self._rules.every, {"asked": asked})
            asked += len(orders)
            await self._ask(merchant, claim, orders, stored)
        return later(self._store.clock.now(), timedelta(0), {"asked": asked})

    async def _ask(
        self, merchant: Merchant, claim: Claim, orders: Sequence[OrderView], stored: Mapping[OrderId, Stored]
    ) -> None:
        orders, aside = self._set_apart(merchant, orders, stored)
        backward = [order for order in orders if self._looks_back(order)]
        aside += await self._look_back(merchant, backward)
        await self._settle(merchant, claim, aside, stored)
        orders = [order for order in orders if not self._looks_back(order)]
        if not orders:
            return
        answers = await self._first_look(merchant, orders, stored)
        dead = [order for order in orders if is_dead(answers[order.id])]
        ahead = await self._look_ahead(merchant, dead, stored)
        decisions: list[tuple[OrderView, Decision]] = []
        for order in orders:
            sent = stored.get(order.id)
            expected = self._expected(merchant, order) if sent is None else None
            case = case_of(order, sent, expected, merchant.issuer.profile)
            now = self._store.clock.now()
            decisions.append((order, judge_answer(case, answers[order.id], ahead.get(order.id, ()), now)))
        await self._settle(merchant, claim, decisions, stored)
        for order, decision in decisions:
            if isinstance(decision, Revive):
                await self._revive(merchant, claim, order, stored.get(order.id), decision)

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
            keys = [self._key(merchant, order, None, earlier) for earlier in range(order.generation)]
            answers = await merchant.issuer.ask(keys[: merchant.issuer.profile.ask_batch])
            second = judge_earlier(order.wdt_invoice_no, tuple(answers.values()))
            if second is not None:
                log.error("collect.second_invoice", merchant=merchant.name, order_no=order.no)
            decisions.append((order, second or Drop(cancelled=False)))
        return decisions

    async def _first_look(
        self, merchant: Merchant, orders: Sequence[OrderView], stored: Mapping[OrderId, Stored]
    ) -> dict[OrderId, Outcome]:
        keys = {order.id: self._key(merchant, order, stored.get(order.id), order.generation) for order in orders}
        found = await merchant.issuer.ask(list(keys.values()))
        return {order_id: found.get(key, NotFound()) for order_id, key in keys.items()}

    async def _look_ahead(
        self, merchant: Merchant, orders: Sequence[OrderView], stored: Mapping[OrderId, Stored]
    ) -> dict[OrderId, tuple[Outcome, ...]]:
        """The following generations of orders whose own key is dead or unknown at the issuer."""
        wanted = [
            (order.id, self._key(merchant, order, stored.get(order.id), order.generation + step))
            for order in orders
            for step in range(1, AHEAD + 1)
        ]
        found: dict[IssuerKey, Outcome] = {}
        batch = merchant.issuer.profile.ask_batch
        for start in range(0, len(wanted), batch):
            found.update(await merchant.issuer.ask([key for _, key in wanted[start : start + batch]]))
        ahead: dict[OrderId, tuple[Outcome, ...]] = {}
        for order_id, key in wanted:
            ahead[order_id] = (*ahead.get(order_id, ()), found.get(key, NotFound()))
        return ahead

    def _key(self, merchant: Merchant, order: OrderView, sent: Stored | None, generation: int) -> IssuerKey:
        """The key that was sent, or the one that would be: what a user edits in WDT later changes neither."""
        if sent is not None and sent.generation == generation:
            return sent.key
        is_red = order.is_red if sent is None else sent.expected.colour is Colour.RED
        return key_of(merchant.issuer, merchant.sid, order.no, is_red=is_red, generation=generation)

    def _expected(self, merchant: Merchant, order: OrderView) -> Expected | None:
        """What an invoice of this order would show, for orders without a submission of ours."""
        try:
            request = to_request(merchant.erp.decode(order.raw), merchant.mapping)
        except (ValueError, ArithmeticError):
            return None
        if isinstance(request, Unfitness):
            return None
        return Expected(request.buyer.tax_no, request.total, request.colour)

    async def _settle(
        self,
        merchant: Merchant,
        claim: Claim,
        decisions: Sequence[tuple[OrderView, Decision]],
        stored: Mapping[OrderId, Stored],
    ) -> None:
        async with self._store.begin(claim) as tx:
            blocked = any(isinstance(decision, RestLane) for _, decision in decisions)
            if not blocked and await tx.lanes.recovered(merchant.name, merchant.issuer.name, by_asking=True):
                tx.tell(partial(log.info, "lane.recovered", lane=f"{merchant.name}/{merchant.issuer.name}"))
            for order, decision in decisions:
                try:
                    await settle(tx, merchant, order, stored.get(order.id), decision)
                except Stale:
                    continue  # a newer sighting moved it; it will be asked about again if that is due

    async def _revive(
        self, merchant: Merchant, claim: Claim, order: OrderView, sent: Stored | None, decision: Revive
    ) -> None:
        """Have the issuer seal what it has issued; the answer is only a hint, the next look decides."""
        key = self._key(merchant, order, sent, decision.generation)
        outcome = await merchant.issuer.revive(key, decision.serial)
        log.info("collect.revived", merchant=merchant.name, order_no=order.no, answer=type(outcome).__name__.lower())
        if isinstance(outcome, Blocked):
            case = case_of(order, sent, None, merchant.issuer.profile)
            await self._settle(merchant, claim, [(order, judge_submission(case, outcome))], {})
