"""What the issue of a red invoice owes to the buyer's wallet; part of the transaction that records its number."""

from __future__ import annotations

from decimal import Decimal
from functools import partial

import structlog

from syncd.stages.turn import Merchant
from syncd.store.orders import OrderView
from syncd.store.store import Tx

log = structlog.get_logger("syncd.stages")


async def owe_cancel(tx: Tx, merchant: Merchant, order: OrderView, blue_number: str, blue_code: str = "") -> None:
    """Owe the card of the blue invoice that `order` has reversed its CANCEL, once for each card.

    Nothing is owed where the merchant has no wallet, may not cancel, or knows no card of that invoice; nor for a red
    that is smaller than the invoice on the card, which goes on being one.
    """
    rules = merchant.wallet_rules
    if merchant.wallet is None or rules is None or not rules.cancels:
        return
    total = await _red_total(tx, order)
    seller = merchant.issuer.tax_no
    card = await tx.cards.of_invoice(str(merchant.name), blue_number, blue_code, seller_tax_no=seller, gross=total)
    if card is None or (card.gross is not None and total is not None and total < card.gross):
        return
    if not await tx.cancels.owe(order.id, merchant.name, card.id):
        return
    await tx.journal.add("wallet.owed", order_id=order.id, merchant=merchant.name, card=card.card_id)
    await tx.units.wake("wallet", str(merchant.name))
    tx.tell(partial(log.info, "wallet.owed", merchant=merchant.name, order_no=order.no))


async def _red_total(tx: Tx, order: OrderView) -> Decimal | None:
    """What the red invoice of `order` takes back, positive; None where nobody told."""
    recorded = (await tx.submissions.invoices([order.id])).get(order.id, [])
    return max((abs(one.total) for one in recorded if one.total is not None), default=None)
