"""The wallet's part of an order's story: the card of its invoice, or of the one it reverses, and where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from syncd.cli import output
from syncd.cli.frame import Frame
from syncd.domain.invoice import BlueRef
from syncd.domain.wallet import Reimburse

if TYPE_CHECKING:
    from syncd.domain.invoice import Invoice
    from syncd.store.cards import CardView
    from syncd.store.orders import OrderView
    from syncd.store.store import Tx


async def cards(tx: Tx, order: OrderView, invoices: Sequence[Invoice]) -> tuple[CardView, ...]:
    """The cards in this merchant's mirror that the order has to do with, each once."""
    newest = (await tx.submissions.newest([order.id])).get(order.id)
    seller = newest.seller_tax_no if newest is not None else ""
    named = [(one.number, one.code, None if one.total is None else abs(one.total)) for one in invoices]
    if reversed_one := order.red_of or order.relation:
        blue = BlueRef.read(reversed_one)
        named.append((blue.number, blue.code, abs(newest.expected.total) if newest is not None else None))
    found = [
        await tx.cards.of_invoice(order.merchant, number, code, seller_tax_no=seller, gross=gross)
        for number, code, gross in named
    ]
    return tuple({one.id: one for one in found if one is not None}.values())


def facts(found: Sequence[CardView]) -> list[dict[str, Any]]:
    """For --json."""
    return [
        {
            "card_id": card.card_id,
            "invoice_no": card.number,
            "status": card.status_text,
            "looked_at": card.looked_at,
            "missed_at": card.missed_at,
        }
        for card in found
    ]


def show(frame: Frame, found: Sequence[CardView], now: datetime) -> None:
    """A line for each card."""
    say = frame.say
    for card in found:
        known = card.status_text in set(Reimburse)
        state = say(f"wallet.{card.status_text.rpartition('_')[2]}") if known else card.status_text or "-"
        at = output.when(card.looked_at, now, say)
        told = say("explain.card", card=card.card_id, number=card.number or "-", state=state, at=at)
        print(f"\n{output.inert(told)}")
