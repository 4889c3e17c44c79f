"""Buyers who put their invoices into WeChat, employers who lock and book them, and staff who import them here."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import takewhile
from typing import Any

from syncd.domain.wallet import CardRef, CardSearch
from syncd.sandbox.wdt.document import ISSUED
from syncd.sandbox.yuannian.card import Card
from syncd.scenarios.world import World
from syncd.stages.wallet.keeping import keep_cards

#: What becomes of a card, by how many in twelve. A `shown` one somebody else has imported: only the search tells.
FATES = (("free", 3), ("locked", 3), ("locked_for_ever", 2), ("closed", 2), ("shown", 1), ("none", 1))
#: How long an employer takes over a reimbursement that is then called off.
CALLED_OFF_AFTER = timedelta(hours=2)


@dataclass(slots=True)
class Holders:
    """The wallets of one day. `fates` tell what is to become of each blue document's card."""

    world: World
    dice: random.Random
    fates: dict[str, str] = field(default_factory=dict)
    cards: dict[str, Card] = field(default_factory=dict)
    reds: dict[str, str] = field(default_factory=dict)  # red document by blue document

    async def take(self, numbers: list[str]) -> None:
        """Put the invoices of these documents into wallets, and import most of them."""
        kinds = [fate for fate, many in FATES for _ in range(many)]
        for at, no in enumerate(numbers):
            if self.world.sandbox.wdt.document(no).status != ISSUED:
                continue
            self.fates[no] = kinds[at % len(kinds)]
            if self.fates[no] != "none":
                await self._put(no)

    async def _put(self, no: str) -> None:
        row = self.world.sandbox.wdt.order(no)
        invoice = next(one for one in self.world.sandbox.nuonuo.ledger if one.number == row["invoice_no"])
        card = self.world.sandbox.yuannian.put_card(
            invoice.number, invoice.code, openid=f"o{len(self.cards)}", gross=invoice.total, net=invoice.net
        )
        self.cards[no] = card
        await self._import(card, keep=self.fates[no] != "shown")

    async def _import(self, card: Card, *, keep: bool) -> None:
        """What `syncd wallet import` does; without `keep` somebody else has done it."""
        merchant = self.world.app.parties.merchants[0]
        assert merchant.wallet is not None
        assert merchant.wallet_rules is not None
        found = await merchant.wallet.import_cards([CardRef(card.card_id, card.encrypt_code)])
        codes: dict[str, str] | None = {card.card_id: card.encrypt_code}
        if not keep:
            found, codes = (await merchant.wallet.search(CardSearch(number=card.number))).cards, None
        async with self.world.app.store.begin() as tx:
            rules = merchant.wallet_rules
            await keep_cards(tx, merchant.sid, str(merchant.name), rules.seal, found, codes=codes)

    def lock(self) -> None:
        """Employers begin to reimburse; some call it off later, some book the invoice."""
        for no, fate in self.fates.items():
            if not fate.startswith(("locked", "closed")):
                continue
            self._set(no, "LOCK")
            if fate == "locked":
                self.world.diary.at(self.world.clock.world + CALLED_OFF_AFTER, _Act(self, no, "INIT"))
            if fate == "closed":
                self._set(no, "CLOSURE")

    def _set(self, no: str, status: str) -> None:
        self.world.sandbox.yuannian.set_status(self.cards[no].card_id, status, by="employer")
        self.world.seen[f"cards_{status.lower()}"] += 1

    def reverse(self, numbers: list[str]) -> list[str]:
        """Clerks want these blues reversed; the red documents."""
        for no in numbers:
            expect = "hold" if self.fates.get(no) in ("closed", "locked_for_ever") else "issue"
            self.reds[no] = self.world.sandbox.wdt.put_red_of(no, expect=expect)
        return [self.reds[no] for no in numbers]

    # -- afterwards ------------------------------------------------------------------------------------------------

    def note(self) -> None:
        """What the wallets' own ledger says of the day."""
        reds = {one.blue_number: one for one in self.world.sandbox.nuonuo.ledger if one.colour == "red"}
        figures = self.world.figures
        figures["reds_issued"] = len(reds)
        figures["red_while_locked"] = figures["red_after_closure"] = 0
        for form in self.world.sandbox.nuonuo.bureau.forms.values():
            figures["red_while_locked"] += self._state(form.blue.number, form.created_at) == "LOCK"
            figures["red_after_closure"] += self._state(form.blue.number, form.created_at) == "CLOSURE"
        told = [(card, self._told(card)) for card in self.cards.values()]
        figures["cards_told"] = sum(bool(at) for _, at in told)
        figures["cards_told_twice"] = sum(len(at) > 1 for _, at in told)
        figures["cards_told_early"] = sum(
            bool(at) and (card.number not in reds or reds[card.number].issued_at > at[0]) for card, at in told
        )
        figures["cards_not_told"] = sum(
            not at
            for no, card in self.cards.items()
            if (at := self._told(card)) is not None and card.number in reds and self.fates[no] != "shown"
        )
        self.world.seen.update(Counter(f"fate_{fate}" for fate in self.fates.values()))

    def _told(self, card: Card) -> list[float]:
        """When the card was set to CANCEL."""
        changes = self.world.sandbox.yuannian.changes_of(card.card_id)
        return [change.at for change in changes if change.after.endswith("_CANCEL")]

    def _state(self, number: str, at: float) -> str:
        """Where the card of this invoice stood then; "" where there is none."""
        card = next((one for one in self.cards.values() if one.number == number), None)
        if card is None:
            return ""
        before = list(takewhile(lambda one: one.at <= at, self.world.sandbox.yuannian.changes_of(card.card_id)))
        return before[-1].after.rpartition("_")[2] if before else "INIT"


@dataclass(frozen=True, slots=True)
class _Act:
    """An entry of the diary: somebody changes a card."""

    holders: Holders
    no: str
    status: str

    def __call__(self) -> Any:
        self.holders._set(self.no, self.status)
