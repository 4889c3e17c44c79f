"""The red part of an order's story: which blue invoice it reverses, and which red orders reverse its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from syncd.cli import output
from syncd.cli.frame import Frame
from syncd.cli.words import CATALOGUE, Lang, speaker
from syncd.domain.invoice import BlueRef, Colour

if TYPE_CHECKING:
    from syncd.domain.invoice import Invoice
    from syncd.store.journal import Entry
    from syncd.store.orders import OrderView
    from syncd.store.store import Tx


@dataclass(frozen=True, slots=True)
class Red:
    """One red order that names an invoice of the order, and the red invoice that was issued for it, if one was."""

    no: str
    state: str
    number: str


@dataclass(frozen=True, slots=True)
class Chain:
    """`blue`: what the order itself reverses, "" for a blue one. `reds`: who reverses it."""

    blue: str = ""
    reds: tuple[Red, ...] = ()


ALONE = Chain()


async def chain(tx: Tx, order: OrderView, invoices: tuple[Invoice, ...]) -> Chain:
    """What hangs together with this order."""
    found: dict[str, Red] = {}
    for invoice in invoices:
        if invoice.colour is not Colour.BLUE:
            continue
        for one in await tx.reds.naming(str(BlueRef(invoice.number, invoice.code)), order.id):
            issued = (await tx.submissions.invoices([one.id])).get(one.id, [])
            found[one.no] = Red(one.no, one.state, issued[-1].number if issued else "")
    return Chain(order.red_of or order.relation, tuple(found.values()))


def waits(entry: Entry, lang: Lang) -> str | None:
    """What a red order waits for, or what its buyer's wallet warned of; None for another line of the story."""
    if entry.event not in ("order.waiting_blue", "order.wallet_warned"):
        return None
    key = f"event.{entry.event}.{entry.facts.get('why')}"
    return speaker(lang)(key, blue=entry.facts.get("blue", "-")) if key in CATALOGUE else None


def for_card(story: Sequence[Entry]) -> bool:
    """Whether what it waits for, as last told, is its buyer's card and not the blue invoice."""
    told = [str(entry.facts.get("why")) for entry in story if entry.event == "order.waiting_blue"]
    return bool(told) and told[-1].startswith("card_")


def facts(linked: Chain) -> dict[str, Any]:
    """For --json."""
    reds = [{"invoice_order_no": red.no, "state": red.state, "invoice_no": red.number or None} for red in linked.reds]
    return {"reverses": linked.blue or None, "reversed_by": reds}


def show(frame: Frame, linked: Chain) -> None:
    """Both directions, where there is one."""
    say = frame.say
    if linked.blue:
        print(f"\n{output.inert(say('explain.reverses', blue=linked.blue))}")
    for red in linked.reds:
        state = say(f"state.{red.state}")
        print(f"\n{output.inert(say('explain.reversed_by', no=red.no, number=red.number or '-', state=state))}")
