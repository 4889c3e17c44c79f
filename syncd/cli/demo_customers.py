"""What the customers of the demo do: ask for their invoices at Alibaba, keep them in WeChat, send goods back.

They speak to the simulators alone; what the daemon learns of it, it learns as it would of real ones. The one thing a
person does at the shop is to import the cards a customer shows (`syncd wallet import`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syncd.app import App
    from syncd.sandbox import Sandbox
    from syncd.sandbox.yuannian.card import Card

#: One order in so many has an application at Alibaba.
APPLICATIONS = 8
#: How the cards of those stand that come back: one free, one written off by the buyer's employer.
CARDS = ("INIT", "CLOSURE")
#: The centre collects a returned invoice this many seconds later.
COLLECTS_AFTER = 1.0


@dataclass(slots=True)
class Customers:
    """The customers of one run; `applied` and `returned` are numbers of WDT orders, `reds` the red orders made."""

    sandbox: Sandbox
    applied: list[str] = field(default_factory=list)
    returned: list[str] = field(default_factory=list)
    reds: list[str] = field(default_factory=list)

    def apply(self, orders: Sequence[str]) -> None:
        """Every eighth of those that can be issued asks Alibaba for its invoice; the first of them will send back."""
        world = self.sandbox.wdt
        healthy = [no for no in orders if world.document(no).expect == "issue"]
        self.applied = healthy[::APPLICATIONS]
        self.returned = self.applied[: len(CARDS)]
        self.sandbox.top.switches.collect_after = COLLECTS_AFTER
        self.sandbox.yuannian.switches.allow_cancel = True
        for no in self.applied:
            row = world.order(no)
            self.sandbox.top.put_application(
                amount=str(row["invoice_amount"]),
                payer_name=row["payer_name"],
                payer_register_no=row.get("payer_register_no") or "",
                payee_register_no=row["payee_register_no"],
                business_type=int(row["business_type"]),
                tid=row["detail_list"][0]["tid"],
            )

    async def send_back(self, app: App, patience: float) -> None:
        """Once an invoice has reached WDT: it is in a wallet, is shown at the shop, and the goods come back."""
        deadline = time.monotonic() + patience
        for no, status in zip(self.returned, CARDS, strict=False):
            while self.sandbox.wdt.order(no)["status"] != 60:
                if time.monotonic() > deadline:
                    return
                await asyncio.sleep(0.1)
            row = self.sandbox.wdt.order(no)
            card = self.sandbox.yuannian.put_card(
                row["invoice_no"], gross=str(row["invoice_amount"]), title=row["payer_name"], status=status
            )
            await _show_at_the_shop(app, card)
            expect = "issue" if status == "INIT" else "hold"
            self.reds.append(self.sandbox.wdt.put_red_of(no, expect=expect))

    def told(self) -> dict[str, int]:
        """applications, closed, uploads_double, uploads_foreign, reds, red_before_blue, red_over_blue, cards_cancelled.

        From the simulators' ledgers alone.
        """
        top = self.sandbox.top
        ours = {invoice.number for invoice in self.sandbox.nuonuo.ledger}
        return {
            "applications": len(self.applied),
            "closed": sum(one.status == "inv_success" for one in top.applications.values()),
            "uploads_double": top.uploads_double(),
            "uploads_foreign": top.uploads_foreign(of=ours),
            "reds": sum(invoice.colour == "red" for invoice in self.sandbox.nuonuo.ledger),
            "red_before_blue": self.sandbox.red_before_blue(),
            "red_over_blue": self.sandbox.red_over_blue(),
            "cards_cancelled": sum(card.status.endswith("_CANCEL") for card in self.sandbox.yuannian.cards.values()),
        }


async def _show_at_the_shop(app: App, card: Card) -> None:
    """What `syncd wallet import` does."""
    from syncd.domain.wallet import CardRef
    from syncd.stages.wallet.keeping import keep_cards

    (merchant,) = app.parties.merchants
    assert merchant.wallet is not None
    assert merchant.wallet_rules is not None
    found = await merchant.wallet.import_cards([CardRef(card.card_id, card.encrypt_code)])
    codes = {card.card_id: card.encrypt_code}
    async with app.store.begin() as tx:
        await keep_cards(tx, merchant.sid, str(merchant.name), merchant.wallet_rules.seal, found, codes=codes)
