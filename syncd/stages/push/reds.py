"""The red gate with the store's facts: what is known of the blue invoice, of its other reds, and of the buyer's wallet.

Everything is read in the transaction that will commit the intent, so no other worker can put one in between; the
unique index over the reds in flight says the same once more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from syncd.domain import red_gate, red_guard
from syncd.domain.invoice import BlueRef, Colour, InvoiceRequest
from syncd.domain.lifecycle import Hold, Phase, State
from syncd.domain.mapping import to_request
from syncd.domain.order import WDT_HAS_INVOICE, InvoiceOrder, WdtStatus
from syncd.domain.red_gate import BlueSeen, Halt, Later, OtherRed, RedOrder
from syncd.domain.taxpayer import normalise
from syncd.domain.unfit_texts import Unfitness
from syncd.stages.push.plan import PutAside
from syncd.stages.turn import Merchant
from syncd.store.orders import OrderView, WholeOrder
from syncd.store.reds import Recorded
from syncd.store.store import Tx

#: A state in which our own order that shows a number has no known outcome yet.
_OPEN = (State.PENDING, State.INTENT, State.FAILED)
#: In doubt in one of these it is asked about; until then its form may be alive.
_DOUBTED = (State.PENDING, State.INTENT, State.HOLD, State.FAILED, State.DONE85, State.CANCELLED)
#: The issuer was asked about its key, and knew of nothing.
_ASKED = frozenset({"order.believed", "order.left", "order.cancelled"})
#: A person's word about the blue invoice of a red order, in its journal.
BLUE_EXISTS = "order.blue_exists"
#: That a red order waits, in its journal.
WAITING = "order.waiting_blue"
#: It waits for a fresh look at the buyer's card, a matter of seconds.
LOOKED_AT = "card_looked_at"
#: What the guard says of a card → the code of the hold.
CARD_CODES = {
    "lock": "card_locked",
    "closure": "card_closed",
    "cancel": "card_cancelled",
    "unknown": "card_unknown",
}


@dataclass(frozen=True, slots=True)
class Cleared:
    """It may go. `blue_total`: what the blue one amounts to; None where the order is unfit anyway, as planning tells.

    `warning`: what the wallet says and the settings do not heed.
    """

    blue: BlueRef
    blue_total: Decimal | None
    warning: str = ""


@dataclass(frozen=True, slots=True)
class Blocked:
    """Nothing is sent now."""

    why: str
    after: timedelta


async def gate(
    tx: Tx, merchant: Merchant, order: OrderView, row: InvoiceOrder, patience: timedelta
) -> Cleared | Blocked | PutAside:
    """Whether this red order may be submitted now; a blue that nobody knows is waited for as long as `patience`."""
    request = to_request(row, merchant.mapping)
    if isinstance(request, Unfitness) or request.blue is None:
        return Cleared(BlueRef(""), None)
    red = RedOrder(
        request.blue, -request.total, merchant.issuer.tax_no, request.buyer.tax_no, since=order.changed_at
    )  # fmt: skip
    seen = await _blue(tx, merchant, request)
    others = await _others(tx, order, request.blue)
    word = await _vouched(tx, order, request.blue)
    decided = red_gate.decide(red, seen, others, tx.now, word=word, patience=patience)
    if isinstance(decided, Halt):
        return PutAside(Hold.RED_BLUE_MISMATCH, (("code", decided.code), *decided.facts))
    if isinstance(decided, Later):
        return Blocked(decided.why, red_gate.look_after(order.tries))
    return await _wallet(tx, merchant, order, Cleared(request.blue, decided.blue_total))


async def is_news(tx: Tx, order: OrderView, why: str) -> bool:
    """Whether the history does not tell yet that the order waits for this. That a card is looked at is told once."""
    story = await tx.journal.of(order.id)
    last = next((one for one in reversed(story) if one.event == WAITING), None)
    if last is None or (order.phase is not Phase.WAITING_BLUE and story[-1] is not last):
        return True
    return why not in (last.facts.get("why"), LOOKED_AT)


# -- the blue invoice ------------------------------------------------------------------------------------------------


async def _blue(tx: Tx, merchant: Merchant, request: InvoiceRequest) -> BlueSeen | None:
    """Our own record of it, else a row of WDT that shows it as issued."""
    assert request.blue is not None
    ours = await tx.reds.recorded(request.blue)
    if ours is not None:
        return await _recorded(tx, merchant, ours)
    rows = [order for order in await tx.reds.shown(request.blue.number) if order.wdt_status in WDT_HAS_INVOICE]
    shown = [seen for order in rows if (seen := await _shown(tx, merchant, order, request.blue)) is not None]
    return min(shown, key=_worth, default=None)


async def _recorded(tx: Tx, merchant: Merchant, ours: Recorded) -> BlueSeen:
    order = ours.order
    stored = (await tx.submissions.newest([order.id])).get(order.id)
    row = _readable(merchant, order)
    seller = stored.seller_tax_no if stored is not None else normalise(row.payee.tax_no) if row is not None else None
    buyer = (
        stored.expected.buyer_tax_no if stored is not None else normalise(row.payer.tax_no) if row is not None else None
    )
    return BlueSeen(
        total=ours.total,
        colour=ours.colour,
        seller_tax_no=seller or None,
        buyer_tax_no=buyer,
        order_no=order.no,
        voided=await _was_voided(tx, order),
    )


async def _was_voided(tx: Tx, order: OrderView) -> bool:
    """Whether the issuer has ever said that this order's invoice is void; settling the order does not undo that."""
    if order.hold is Hold.VOIDED_OUTSIDE:
        return True
    story = await tx.journal.of(order.id)
    return any(one.event == "order.held" and one.facts.get("hold") == Hold.VOIDED_OUTSIDE for one in story)


async def _shown(tx: Tx, merchant: Merchant, order: WholeOrder, blue: BlueRef) -> BlueSeen | None:
    """A row of WDT as evidence; None where it is about another invoice with the same eight digits, or unreadable."""
    row = _readable(merchant, order)
    if row is None or (blue.code and row.invoice_code.strip() != blue.code):
        return None
    total = row.outer_amount or row.invoice_amount
    return BlueSeen(
        total=None if total is None else abs(total),
        colour=Colour.RED if row.is_red else Colour.BLUE,
        seller_tax_no=normalise(row.payee.tax_no) or None,
        buyer_tax_no=normalise(row.payer.tax_no),
        order_no=order.no,
        settled=order.state not in _OPEN,
        disputed=order.state in (State.HOLD, State.ISSUED, State.DONE60),  # ours, and not the number we recorded
        voided=await _was_voided(tx, order),
    )


def _worth(seen: BlueSeen) -> tuple[bool, bool, bool]:
    """Of several rows that show one number the least certain counts."""
    return (not seen.voided, not seen.disputed, seen.settled)


def _readable(merchant: Merchant, order: WholeOrder) -> InvoiceOrder | None:
    try:
        return merchant.erp.decode(order.raw)
    except (ValueError, ArithmeticError):
        return None


async def _vouched(tx: Tx, order: OrderView, blue: BlueRef) -> bool:
    """Whether a person has vouched for this very blue invoice."""
    story = await tx.journal.of(order.id)
    return any(entry.event == BLUE_EXISTS and entry.facts.get("blue") == str(blue) for entry in story)


# -- its other reds --------------------------------------------------------------------------------------------------


async def _others(tx: Tx, order: OrderView, blue: BlueRef) -> list[OtherRed]:
    naming = [one for one in await tx.reds.naming(str(blue), order.id) if one.is_red or one.red_of is not None]
    totals = await tx.reds.red_totals([one.id for one in naming])
    found: list[OtherRed] = []
    for one in naming:
        if one.id in totals:
            found += [OtherRed(one.no, False, None if x is None else abs(x)) for x in totals[one.id]]
        elif _is_in_flight(one, str(blue)):
            found.append(OtherRed(one.no, True))
        elif one.relation == str(blue) and one.wdt_status in WDT_HAS_INVOICE:  # issued by somebody else
            total = None if one.amount is None else abs(Decimal(one.amount) / 10_000)
            found.append(OtherRed(one.no, False, total))
        elif one.state is State.MIRRORED and one.red_of == str(blue):  # settled outside, and its form may be alive
            found.append(OtherRed(one.no, False, unsure=True))
        elif await _is_forgotten(tx, one):
            found.append(await _asked_about(tx, one))
    return found


async def _is_forgotten(tx: Tx, one: OrderView) -> bool:
    """Whether a store that is gone may have submitted this red, and nobody has been asked about it since."""
    ended = one.wdt_status == WdtStatus.OFFLINE_FAILED and one.doubted_at is None
    if one.red_of is not None or ended or one.state not in (State.PENDING, State.MIRRORED):
        return False
    since = await tx.reds.since()
    older = one.created_at is None or since is None or one.created_at <= since
    return (older or one.doubted_at is not None) and _ASKED.isdisjoint(
        entry.event for entry in await tx.journal.of(one.id)
    )


async def _asked_about(tx: Tx, one: OrderView) -> OtherRed:
    """A waiting one is asked about by its computed key, and counts as on its way until then; no other one can be."""
    if one.state is not State.PENDING:
        return OtherRed(one.no, False, unsure=True)
    await tx.orders.doubt(one)
    return OtherRed(one.no, True)


def _is_in_flight(one: OrderView, blue: str) -> bool:
    """Submitted for this blue and without an end; or perhaps submitted, in a time that the store has forgotten."""
    sent = one.state is State.INTENT or (one.state is State.HOLD and one.held_from is State.INTENT)
    forgotten = one.doubted_at is not None and one.state in _DOUBTED
    return (sent and one.red_of == blue) or forgotten


# -- the buyer's wallet ----------------------------------------------------------------------------------------------


async def _wallet(tx: Tx, merchant: Merchant, order: OrderView, cleared: Cleared) -> Cleared | Blocked | PutAside:
    """What the buyer's wallet says, where this merchant has one that is heeded."""
    rules = merchant.wallet_rules
    if rules is None or rules.guard.mode is red_guard.Mode.OFF:
        return cleared
    blue = cleared.blue
    card = await tx.cards.of_invoice(
        merchant.name, blue.number, blue.code, seller_tax_no=merchant.issuer.tax_no, gross=cleared.blue_total
    )
    said = red_guard.guard(card, rules.guard, order.first_seen_at, tx.now)
    match said:
        case red_guard.Go(warning):
            return Cleared(cleared.blue, cleared.blue_total, warning)
        case red_guard.Look(again_at):
            assert card is not None  # there is nothing to look at otherwise
            await tx.cards.want_look(card)
            return Blocked(LOOKED_AT, again_at - tx.now)
        case red_guard.Wait(until, why):
            return Blocked(f"card_{why}", until - tx.now)
        case red_guard.Person(why):
            if await _released(tx, order, CARD_CODES[why], since=order.first_seen_at):
                return Cleared(cleared.blue, cleared.blue_total, why)
            return PutAside(
                Hold.RED_BLUE_MISMATCH, (("code", CARD_CODES[why]), ("blue", str(cleared.blue)))
            )  # fmt: skip


async def _released(tx: Tx, order: OrderView, code: str, since: datetime) -> bool:
    """Whether a person has let it go although the wallet says this: it is not held for the same reason twice."""
    story = await tx.journal.of(order.id)
    return any(one.event == "order.released" and one.facts.get("code") == code for one in story if one.at >= since)
