"""The acting side of the wallet: fresh looks first, then what is owed, then the feed. Nothing here holds issuing up."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog

from syncd.domain.clock import whole_second
from syncd.domain.retry import ask_again
from syncd.domain.texts import without_identifiers
from syncd.domain.trouble import LANE_WIDE, Care, InDoubt, Paced, Permanent, Transient, Trouble, Verdict
from syncd.domain.wallet import AlreadyImported, Card, CardRef, CardSearch, Holder, Reimburse, Wallet
from syncd.domain.window import Window, next_window
from syncd.stages import lane
from syncd.stages.turn import Brake, Merchant, Turn, WalletRules, refuse_late, share_spent, sleep
from syncd.stages.wallet.keeping import keep_cards
from syncd.stages.wallet.plan import (
    OVERLAP,
    STEP,
    Complete,
    GiveUp,
    Later,
    Paid,
    Place,
    Reading,
    Say,
    Unstable,
    after,
    cancel_step,
)
from syncd.store.cancels import Cancel
from syncd.store.cards import CardView
from syncd.store.orders import OrderId
from syncd.store.store import Store
from syncd.store.units import Claim

log = structlog.get_logger("syncd.stages.wallet")

#: Cards to a call, how many waiting ones and debts one turn takes on, and how many are answered that nothing is known.
BATCH, MOST_AT_ONCE, MOST_ANSWERED = 20, 100, 10_000
#: The least time between two turns.
EVERY = timedelta(seconds=2)
#: A status that the search shows, though it may be old, is not taken back by anybody: it counts as looked at.
_TELLING = (Reimburse.LOCK, Reimburse.CLOSURE, Reimburse.CANCEL)


class Wallets:
    """Keeps the mirror of one merchant's cards, and pays what is owed to them."""

    name = "wallet"

    def __init__(self, store: Store, merchants: Sequence[Merchant], brake: Brake) -> None:
        self._store = store
        self._brake = brake
        self._merchants = {str(one.name): one for one in merchants if one.wallet is not None}
        self.keys = list(self._merchants)

    def at_hand(self, key: str) -> OrderId | None:
        """No order is handled here: a card's trouble never touches one."""
        return None

    async def work(self, key: str, claim: Claim) -> Turn:
        """Look, pay, read. Whoever waits for a look is answered, be it that there is nothing to be known."""
        merchant = self._merchants[key]
        assert merchant.wallet is not None
        assert merchant.wallet_rules is not None
        turn = _Turn(self._store, self._brake, claim, merchant, merchant.wallet, merchant.wallet_rules)
        try:
            way = await lane.gate(self._store, claim, merchant, lane.YUANNIAN, prober=True)
            if way.until is not None:
                await turn.answer_all("lane")
                return Turn(way.until, notes=claim.notes)
            return await self._work(turn, probe=way.probe)
        except Paced:
            await turn.answer_all("paced")
            raise

    async def _work(self, turn: _Turn, *, probe: bool) -> Turn:
        try:
            place = await turn.all(probe=probe)
        except Trouble as trouble:
            await turn.answer_all(trouble.verdict.code)
            rest = await lane.troubled(
                self._store,
                turn.claim,
                turn.merchant,
                trouble,
                fact="wallet.rested",
                probe=probe,
                platform=lane.YUANNIAN,
            )
            if rest is None:
                raise
            return Turn(rest, notes=turn.claim.notes)
        if turn.called:
            async with self._store.begin(turn.claim, fact="wallet.heard") as tx:
                await lane.heard(tx, turn.merchant, lane.YUANNIAN)
        async with self._store.read() as tx:
            owed, now = await tx.cancels.next_due(str(turn.merchant.name)), tx.now
            more = await tx.cards.wanted(str(turn.merchant.name), 1)
        due = place.due_at if owed is None or turn.disarmed else min(owed, place.due_at)
        if more:  # a red waits for it, and goes without a look where none comes in time
            due = now
        slept = sleep(now, EVERY, due)
        return Turn(slept.next_at, slept.tally, place.written())


class _Turn:
    """One turn at one merchant's wallet."""

    def __init__(
        self, store: Store, brake: Brake, claim: Claim, merchant: Merchant, wallet: Wallet, rules: WalletRules
    ) -> None:
        self._store = store
        self._brake = brake
        self.claim = claim
        self.merchant = merchant
        self._name = str(merchant.name)
        self._wallet = wallet
        self._rules = rules
        #: Whether the platform has answered anything in this turn, and which cards it has shown afresh.
        self.called = False
        self.disarmed = False
        self._seen: set[str] = set()

    async def all(self, *, probe: bool) -> Place:
        """Everything that is due, or one harmless question for a `probe`; where the feed stands then.

        Raises Trouble, Paced.
        """
        async with self._store.read() as tx:
            wanted = await tx.cards.wanted(self._name, MOST_AT_ONCE)
            debts = await tx.cancels.due(self._name, MOST_AT_ONCE)
            here = await tx.instance.get()
        if here is not None and not here.armed:  # an import may lock the card: a copy only reads
            self.disarmed = True
            await self.answer_all("disarmed")
            wanted, debts = [], []
        if wanted:
            await self._look(wanted)
        for owed in debts:
            if self._brake.pulled or share_spent(self.claim, self._store.clock.monotonic()):
                break
            await self._settle(owed)
        place = await self._read_feed()
        if probe and not self.called:
            await self._wallet.search(CardSearch(size=1))
            self.called = True
        return place

    async def answer_all(self, why: str) -> None:
        """Nobody waits for a platform that does not answer: what is wanted is missed."""
        async with self._store.begin(self.claim, fact="wallet.missed") as tx:
            wanted = await tx.cards.wanted(self._name, MOST_ANSWERED)
            await tx.cards.missed([card.id for card in wanted], why)
        if wanted:
            log.info("wallet.missed", merchant=self._name, cards=len(wanted), why=why)

    # -- fresh looks -----------------------------------------------------------------------------------------------

    async def _look(self, cards: Sequence[CardView]) -> None:
        """Read these afresh: by importing them again where their code is known, else by the search."""
        held = {card.id: self._holder(card) for card in cards}
        for own in (False, True):
            known = [card for card in cards if card.own_account is own and held[card.id].encrypt_code]
            for start in range(0, len(known), BATCH):
                await self._import_again(known[start : start + BATCH], held)
        for card in cards:
            if not held[card.id].encrypt_code:
                await self._search_for(card)

    def _holder(self, card: CardView) -> Holder:
        """Whose card it is; nobody's where it was sealed under another secret."""
        return self._rules.seal.opened(card.card_id, card.sealed) or Holder()

    async def _import_again(self, cards: Sequence[CardView], held: dict[int, Holder]) -> None:
        refs = [CardRef(card.card_id, held[card.id].encrypt_code) for card in cards]
        refuse_late(self.claim, self._store.clock)
        try:
            found = await self._wallet.import_cards(refs, access_token=self._token(cards[0]))
        except AlreadyImported:
            for card in cards:
                await self._search_for(card)
            return
        except Permanent as no:
            if no.verdict.care in LANE_WIDE:
                raise
            await self._one_by_one(cards, held, no.verdict.code)
            return
        await self._keep(found, {ref.card_id: ref.encrypt_code for ref in refs}, own=cards[0].own_account)
        shown = {card.card_id for card in found}
        missing = [card for card in cards if card.card_id not in shown]
        if missing:
            await self._one_by_one(missing, held, "not_shown", alone=len(cards) == 1)

    async def _one_by_one(
        self, cards: Sequence[CardView], held: dict[int, Holder], why: str, *, alone: bool = False
    ) -> None:
        """One bad card is not the others': each by itself; what stays away is missed."""
        if not alone and len(cards) > 1:
            for card in cards:
                await self._import_again([card], held)
            return
        async with self._store.begin(self.claim, fact="wallet.missed") as tx:
            await tx.cards.missed([card.id for card in cards], why)

    def _token(self, card: CardView) -> str:
        """For a card of the merchant's own official account: that account's access token."""
        if not card.own_account:
            return ""
        token = self._rules.token()
        if not token:
            text = "the access token of the official account is missing"
            raise Permanent(Verdict(Care.DATA, lane.YUANNIAN, "no_access_token", text))
        return token

    async def _search_for(self, card: CardView) -> None:
        """The search may be stale: what it says counts only where it speaks against the red."""
        found = await self._wallet.search(CardSearch(number=card.number, code=card.code, size=BATCH))
        same = [one for one in found.cards if one.card_id == card.card_id][-1:]
        telling = bool(same) and same[0].status in _TELLING
        await self._keep(same, {} if telling else None, own=False)
        if telling:
            return
        async with self._store.begin(self.claim, fact="wallet.missed") as tx:
            await tx.cards.missed([card.id], "search_only" if same else "not_shown")

    async def _keep(self, cards: Sequence[Card], codes: dict[str, str] | None, *, own: bool) -> int:
        self.called = True
        if codes is not None:
            self._seen.update(card.card_id for card in cards)
        if not cards:
            return 0
        async with self._store.begin(self.claim, fact="wallet.kept") as tx:
            return await keep_cards(
                tx, self.merchant.sid, self._name, self._rules.seal, cards, codes=codes, own_account=own
            )

    # -- what is owed ----------------------------------------------------------------------------------------------

    async def _settle(self, owed: Cancel) -> None:
        """One debt: look, say, look. A card is never told twice without a look in between."""
        card = await self._fresh(owed)
        if card is None:
            return
        step = cancel_step(card.status, fresh=card.card_id in self._seen, tries=owed.tries)
        if isinstance(step, Say):
            refusal = await self._say(owed, card)
            card = await self._fresh(owed) or card
            fresh = card.card_id in self._seen
            step = cancel_step(card.status, fresh=fresh, tries=owed.tries + 1, refusal=refusal)
        await self._record(owed, card, step)

    async def _fresh(self, owed: Cancel) -> CardView | None:
        """The card as it is now; None where nothing can be done about it, which people are told."""
        async with self._store.read() as tx:
            card = await tx.cards.get(owed.card)
        if card is None or not self._holder(card).encrypt_code or not self._holder(card).openid:
            await self._record(owed, card, GiveUp("no_code"))
            return None
        self._seen.discard(card.card_id)
        await self._look([card])
        async with self._store.read() as tx:
            return await tx.cards.get(owed.card)

    async def _say(self, owed: Cancel, card: CardView) -> str:
        """Set the card to CANCEL, once; why it was refused, or "". Raises what is the lane's trouble."""
        holder, look_at = self._holder(card), self._store.clock.now() + ask_again(owed.tries)
        async with self._store.begin(self.claim, fact="wallet.said", outward=True) as tx:
            tx.outward = await tx.cancels.sending(owed.id, look_at)
            still_owed = tx.outward
        if not still_owed:
            return ""
        refs = [CardRef(card.card_id, holder.encrypt_code)]
        refuse_late(self.claim, self._store.clock)
        try:
            await self._wallet.set_status(holder.openid, Reimburse.CANCEL, refs, access_token=self._token(card))
        except InDoubt as doubt:
            log.warning("wallet.unknown", merchant=self._name, cause=doubt.verdict.code)
        except Transient as busy:
            if busy.verdict.care in LANE_WIDE or lane.is_unheard(busy.verdict):
                raise
            return ""  # it is being modified: looked at again, and no reason to keep the others waiting
        except Permanent as no:
            if no.verdict.care in LANE_WIDE:
                raise
            if no.verdict.care is Care.UNCLASSIFIED:
                async with self._store.begin(self.claim, fact="wallet.unclassified") as tx:
                    await tx.unclassified.seen(no.verdict)
            return no.verdict.code
        return ""

    async def _record(self, owed: Cancel, card: CardView | None, step: Paid | Say | Later | GiveUp) -> None:
        async with self._store.begin(self.claim, fact="wallet.settled") as tx:
            note = partial(
                tx.journal.add, order_id=owed.order_id, merchant=self._name, card=card.card_id if card else None
            )
            match step:
                case Paid():
                    await tx.cancels.paid(owed.id)
                    await note("wallet.cancelled")
                    tx.tell(partial(log.info, "wallet.cancelled", merchant=self._name))
                case GiveUp(why):
                    told = without_identifiers(why)
                    await tx.cancels.give_up(owed.id, told)
                    status = card.status_text if card else None
                    await note("wallet.cancel_stopped", why=told, status=status)
                    tx.tell(partial(log.warning, "wallet.cancel_stopped", merchant=self._name, why=told))
                case _:
                    await tx.cancels.again_at(owed.id, tx.now + ask_again(owed.tries + owed.looks + 3))

    # -- the search feed -------------------------------------------------------------------------------------------

    async def _read_feed(self) -> Place:
        """Every card that changed since the last reading, a settled window at a time."""
        now = self._store.clock.now()
        begin = whole_second(self._rules.since or now - self._rules.settle)
        place = Place.read(self.claim.notes) or Place(begin, now)
        if place.due_at > now:
            return place
        while not self._brake.pulled and not share_spent(self.claim, self._store.clock.monotonic()):
            window = next_window(place.position, now, self._rules.settle, STEP)
            if window is None:
                return Place(place.position, now + self._rules.every)
            if not await self._read_window(window):
                return Place(place.position, now + min(self._rules.every, timedelta(minutes=1)))
            place = Place(window.end, now)
        return place

    async def _read_window(self, window: Window) -> bool:
        """False where cards came or went while it was read: it is read again."""
        step: Reading | Complete | Unstable = Reading()
        found = new = 0
        while isinstance(step, Reading):
            page = await self._wallet.search(self._query(window.start, window.end, step.page_no))
            new += await self._keep(page.cards, None, own=False)
            found += len(page.cards)
            step = after(step, page)
        if found:
            log.info("wallet.read", merchant=self._name, cards=found, new=new)
        return isinstance(step, Complete)

    def _query(self, start: datetime, end: datetime, page_no: int) -> CardSearch:
        return CardSearch(
            changed_from=start - OVERLAP,
            changed_to=end + OVERLAP,
            tax_nos=self._rules.tax_nos,
            page=page_no,
            size=self._rules.page_size,
        )
