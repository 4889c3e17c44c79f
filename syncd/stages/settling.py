"""Writing a decision down: the step, what it makes us owe, and the line in the story, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

import structlog

from syncd.domain.decision import (
    Adopt,
    Believe,
    Case,
    Decision,
    Drop,
    Fail,
    GoOn,
    Repend,
    Resend,
    RestLane,
    Revive,
    SetAside,
    Wait,
)
from syncd.domain.invoice import BlueRef, Colour, Expected, Invoice
from syncd.domain.lifecycle import Event, Hold, Phase, State
from syncd.domain.order import InvoiceOrder
from syncd.domain.payload import payload_hash
from syncd.domain.ports import Issuer, IssuerProfile
from syncd.domain.release import ACCOUNT_CHANGED
from syncd.domain.retry import ask_again, next_sweep
from syncd.domain.texts import without_identifiers
from syncd.stages import lane
from syncd.stages.cancelling import owe_cancel
from syncd.stages.turn import Merchant
from syncd.store import debts
from syncd.store.instants import to_ms
from syncd.store.lanes import OPEN
from syncd.store.orders import SENDABLE, OrderView, Stale
from syncd.store.store import Tx
from syncd.store.submissions import Stored

log = structlog.get_logger("syncd.stages")

_SWEPT = (State.FAILED, State.DONE85, State.CANCELLED)
#: Where nothing is asked about but the generations before the one that was issued.
_LOOKED_BACK_AT = (State.ISSUED, State.DONE60)


def case_of(
    order: OrderView,
    stored: Stored | None,
    expected: Expected | None,
    profile: IssuerProfile,
    *,
    unchanged: bool = False,
    lane_is_open: bool = True,
) -> Case:
    """The stored side of a question to the issuer."""
    return Case(
        state=order.state,
        phase=order.phase,
        generation=order.generation,
        expected=stored.expected if stored is not None else expected,
        wdt_status=order.wdt_status,
        wdt_invoice_no=order.wdt_invoice_no,
        trust=profile.trust,
        settle_for=timedelta(seconds=profile.settle_for),
        sent_at=order.sent_at,
        missed_at=order.missed_at,
        refusal=order.refusal,
        tries=order.tries,
        unheard=order.unheard,
        revives=order.revives,
        most_revives=profile.most_revives,
        restarts=order.restarts,
        duplicates=order.duplicates,
        unchanged=unchanged,
        lane_is_open=lane_is_open,
        platform=profile.kind,
        doubted_at=order.doubted_at,
        restartable=profile.restartable,
        lapses_for=None if profile.lapses_after is None else timedelta(seconds=profile.lapses_after),
    )


def is_unchanged(row: InvoiceOrder, frozen: Stored, generation: int) -> bool:
    """Whether the row still asks for what was frozen under this generation."""
    return frozen.generation == generation and frozen.payload_hash == payload_hash(row)


def elsewhere(stored: Stored | None, issuer: Issuer) -> SetAside | None:
    """What was submitted to another account can neither be asked about here nor sent here: a person decides.

    Renaming an account in the settings changes nothing; another platform or another seller does.
    """
    if stored is None or (stored.issuer_kind, stored.seller_tax_no) == (issuer.profile.kind, issuer.tax_no):
        return None
    return SetAside(Hold.CLASS_C_UNKNOWN, (("code", ACCOUNT_CHANGED), ("account", stored.issuer)))


def _was_asked(decision: Decision) -> bool:
    """Whether somebody has answered, so that there is nothing left to doubt."""
    if isinstance(decision, SetAside):
        return ("code", ACCOUNT_CHANGED) not in decision.facts
    return not isinstance(decision, Wait | Revive | RestLane)


Decided = tuple[OrderView, Stored | None, Decision]


async def settle_all(tx: Tx, merchant: Merchant, decided: Sequence[Decided]) -> None:
    """Apply each decision to its order. What has moved since it was read is left: it comes up again if that is due."""
    issued: list[State] = []
    for order, stored, decision in decided:
        try:
            if await settle(tx, merchant, order, stored, decision):
                issued.append(order.state)
        except Stale:
            continue
    if issued:
        late = sum(state in _SWEPT for state in issued)
        tx.tell(partial(log.info, "collect.issued", merchant=merchant.name, invoices=len(issued), late=late))


async def settle(tx: Tx, merchant: Merchant, order: OrderView, stored: Stored | None, decision: Decision) -> bool:
    """Apply `decision` to `order`; whether that issued it. Raises Stale when the order has moved since it was read."""
    issued = False
    match decision:
        case Adopt(invoice, generation):
            issued = await _adopt(tx, merchant, order, stored, invoice, generation)
        case Wait():
            await _wait(tx, merchant, order, decision)
        case Resend():
            await tx.orders.wait(order, phase=Phase.READY, next_at=_in_line(tx, order), tries=0, refusal_code=None)
            await tx.journal.add("order.cleared", order_id=order.id, merchant=merchant.name, why="not_found_twice")
            await tx.units.wake("push", merchant.name)
        case GoOn():
            await _go_on(tx, merchant, order, decision)
        case Fail(code, text):
            await _fail(tx, merchant, order, stored, code, text)
        case Repend(generation):
            await _repend(tx, merchant, order, generation)
        case Drop(cancelled):
            await _drop(tx, merchant, order, cancelled)
        case SetAside(hold, facts, invoices):
            await _set_aside(tx, merchant, order, hold, dict(facts), invoices)
        case Revive():
            again = {"sweep_at" if order.state in _SWEPT else "next_at": to_ms(tx.now + ask_again(order.tries))}
            await tx.orders.wait(order, revives=order.revives + 1, tries=order.tries + 1, **again)
        case Believe():
            await tx.orders.wait(order, next_at=_in_line(tx, order), tries=0, missed_at=None)
            await tx.journal.add("order.believed", order_id=order.id, merchant=merchant.name)
            await tx.units.wake("push", merchant.name)
        case RestLane(verdict, phase):
            await lane.rest(tx, merchant, merchant.issuer.name, verdict)
            if order.state is State.INTENT and order.phase in (Phase.SENT, *SENDABLE):
                due = _in_line(tx, order) if phase in SENDABLE else to_ms(tx.now)
                await tx.orders.wait(order, phase=phase, next_at=due)
    if order.doubted_at is not None and _was_asked(decision):
        await tx.orders.believe(order.id)
    if order.unheard and not (isinstance(decision, Wait) and decision.unheard):
        await tx.orders.heard(order.id)
    return issued


def _in_line(tx: Tx, order: OrderView) -> int:
    """The order's place among those that wait to be sent: oldest first, however often it was on its way already."""
    return to_ms(min(tx.now, order.created_at or order.first_seen_at))


async def _go_on(tx: Tx, merchant: Merchant, order: OrderView, decision: GoOn) -> None:
    """Push has the issuer go on with the key; or, where the row has changed, sends it anew under the next one."""
    same = decision.generation == order.generation
    due = to_ms(tx.now + decision.after) if decision.after else _in_line(tx, order)
    columns: dict[str, object] = {
        "phase": Phase.REVIVABLE if same else Phase.READY,
        "generation": decision.generation,
        "next_at": due,
        "tries": 0,
        "missed_at": None,
        "duplicates": 0,
        "refusal_code": None,
        "refusal_text": None,
    }
    if order.state is State.INTENT:
        if decision.verdict is not None and not await _is_news(tx, merchant, order):
            decision = GoOn(decision.generation, decision.after)
        await tx.orders.wait(order, **columns, restarts=order.restarts + 1 if same else 0)
    else:
        await tx.orders.move(order, Event.RESUMED, **columns, restarts=1, revives=0, sweep_at=None)
        await tx.debts.void(order.id)
    event = "order.resumed" if order.state is not State.INTENT else "order.revivable"
    why = None if decision.verdict is None else without_identifiers(decision.verdict.text)
    await tx.journal.add(event, order_id=order.id, merchant=merchant.name, generation=decision.generation, why=why)
    if decision.verdict is not None:
        await lane.rest(tx, merchant, merchant.issuer.name, decision.verdict)
    await tx.units.wake("push", merchant.name)


async def _is_news(tx: Tx, merchant: Merchant, order: OrderView) -> bool:
    """Whether a failure for want of a login tells how the lane is now: not when it has opened since, nor at rest."""
    known = [
        one for one in await tx.lanes.all() if (one.merchant, one.platform) == (merchant.name, merchant.issuer.name)
    ]
    if not known:
        return True
    if known[0].state != OPEN:
        return (await tx.lanes.standing(merchant.name, merchant.issuer.name)).until is None
    return order.sent_at is None or order.sent_at >= known[0].since


async def _adopt(
    tx: Tx, merchant: Merchant, order: OrderView, stored: Stored | None, invoice: Invoice, generation: int
) -> bool:
    """Record the invoice as the order's; whether the order is issued by that."""
    known = (await tx.submissions.invoices([order.id])).get(order.id, []) if order.state is State.ISSUED else []
    if known and invoice.number not in {one.number for one in known}:
        numbers = {"numbers": f"{known[-1].number} {invoice.number}"}
        await _set_aside(tx, merchant, order, Hold.SPLIT_INVOICES, numbers, (invoice,))
        return False
    if not await tx.submissions.record(order.id, generation, invoice):
        await _set_aside(tx, merchant, order, Hold.KEY_COLLISION, {"number": invoice.number, "fields": "order"}, ())
        return False
    if order.state is State.ISSUED:
        await _file(tx, merchant, order, invoice)
        return False
    await tx.orders.move(
        order,
        Event.ISSUED,
        phase=_phase_with(invoice),
        generation=generation,
        tries=0,
        # A key that was listed as failed may still be made good: the earlier generations are looked back at.
        sweep_at=to_ms(next_sweep(tx.now, tx.now)) if generation else None,
        next_at=to_ms(tx.now + ask_again(0)),
        refusal_code=None,
        refusal_text=None,
    )
    revision = stored.revision if stored is not None else 0
    await tx.debts.owe(order.id, merchant.name, kind=debts.ISSUED, generation=generation, revision=revision)
    late = order.state in _SWEPT or None
    await tx.journal.add("order.issued", order_id=order.id, merchant=merchant.name, number=invoice.number, late=late)
    tx.reds.wake(str(BlueRef(invoice.number, invoice.code)))
    named = order.red_of or order.relation
    if invoice.colour is Colour.RED and named:
        await _reversed(tx, merchant, order, BlueRef.read(named))
    if invoice.file_url:
        await tx.units.wake("write_back", merchant.name)
    return True


async def _file(tx: Tx, merchant: Merchant, order: OrderView, invoice: Invoice) -> None:
    """The invoice was known already; this look was for its file."""
    again = to_ms(tx.now + ask_again(order.tries))
    await tx.orders.wait(order, phase=_phase_with(invoice), next_at=again, tries=order.tries + 1)
    if invoice.file_url:
        await tx.debts.wake(order.id)
        await tx.units.wake("write_back", merchant.name)


def _phase_with(invoice: Invoice) -> Phase:
    return Phase.NONE if invoice.file_url else Phase.FILE_PENDING


async def _reversed(tx: Tx, merchant: Merchant, order: OrderView, blue: BlueRef) -> None:
    """The red invoice has its own number: its blue one is reversed, also in the buyer's wallet if that is kept."""
    await owe_cancel(tx, merchant, order, blue.number, blue.code)
    tx.reds.wake(str(blue))


async def _wait(tx: Tx, merchant: Merchant, order: OrderView, wait: Wait) -> None:
    at_once = wait.phase in SENDABLE and not wait.after
    again = _in_line(tx, order) if at_once else to_ms(tx.now + wait.after)
    columns: dict[str, object] = {"phase": wait.phase}
    if wait.unheard:
        columns["unheard"] = order.unheard + 1
    else:
        columns["tries"] = order.tries + 1
    columns["sweep_at" if order.state in (*_SWEPT, *_LOOKED_BACK_AT) else "next_at"] = again
    if wait.missed and order.missed_at is None:
        columns["missed_at"] = to_ms(tx.now)
    if wait.duplicate:
        columns["duplicates"] = order.duplicates + 1
    if wait.refusal is not None:
        columns["refusal_code"], columns["refusal_text"] = wait.refusal
    elif order.phase is Phase.UNCLASSIFIED and wait.phase is not Phase.UNCLASSIFIED:  # it was no refusal
        columns["refusal_code"] = columns["refusal_text"] = None
    elif wait.phase in (Phase.ISSUING, Phase.WAITING_BUYER) and not wait.missed:  # the issuer has it after all
        columns |= {"refusal_code": None, "refusal_text": None, "missed_at": None}
    await tx.orders.wait(order, **columns)
    if wait.phase is not order.phase:
        await _tell_phase(tx, merchant, order, wait)


async def _tell_phase(tx: Tx, merchant: Merchant, order: OrderView, wait: Wait) -> None:
    why = without_identifiers(": ".join(wait.refusal)) if wait.refusal else None
    until = None if wait.until is None else wait.until.isoformat(timespec="seconds")
    await tx.journal.add(f"order.{wait.phase}", order_id=order.id, merchant=merchant.name, why=why, until=until)
    if wait.phase in (Phase.UNKNOWN, Phase.UNCLASSIFIED):
        tx.tell(partial(log.warning, "push.unknown", merchant=merchant.name, order_no=order.no))
    if wait.phase in SENDABLE:
        await tx.units.wake("push", merchant.name, tx.now + wait.after)
    elif wait.after <= timedelta(seconds=1):
        await tx.units.wake("collect", merchant.name)


async def _fail(tx: Tx, merchant: Merchant, order: OrderView, stored: Stored | None, code: str, text: str) -> None:
    await tx.orders.move(
        order,
        Event.REFUSED,
        phase=Phase.NONE,
        tries=0,
        asked_at=to_ms(tx.now),
        sweeps=0,
        sweep_at=to_ms(next_sweep(tx.now, tx.now)),
        refusal_code=code,
        refusal_text=text,
    )
    await tx.debts.owe(
        order.id,
        merchant.name,
        kind=debts.FAILED,
        generation=order.generation,
        revision=stored.revision if stored is not None else 0,
        text=f"{code}: {text}",
    )
    if order.red_of is not None:
        tx.reds.wake(order.red_of)
    told = without_identifiers(text)
    await tx.journal.add("order.failed", order_id=order.id, merchant=merchant.name, code=code, text=told)
    tx.tell(partial(log.warning, "collect.failed", merchant=merchant.name, order_no=order.no, code=code))
    await tx.units.wake("write_back", merchant.name)


async def _repend(tx: Tx, merchant: Merchant, order: OrderView, generation: int) -> None:
    await tx.orders.move(
        order,
        Event.REPENDED,
        phase=Phase.NONE,
        generation=generation,
        tries=0,
        revives=0,
        restarts=0,
        duplicates=0,
        sent_at=None,
        missed_at=None,
        refusal_code=None,
        refusal_text=None,
        sweep_at=None,
        next_at=to_ms(tx.now),
    )
    await tx.debts.void(order.id)
    await tx.journal.add("order.resubmitted", order_id=order.id, merchant=merchant.name, generation=generation)
    await tx.units.wake("push", merchant.name)


async def _drop(tx: Tx, merchant: Merchant, order: OrderView, cancelled: bool) -> None:
    """The issuer knows nothing alive and WDT does not wait for us."""
    if order.state is State.PENDING:
        event = Event.CANCELLED if cancelled else Event.LEFT
        await tx.orders.move(order, event, phase=Phase.NONE, sweep_at=_next_sweep(tx, order, submitted=cancelled))
        await tx.journal.add(f"order.{event}", order_id=order.id, merchant=merchant.name, wdt_status=order.wdt_status)
        return
    if cancelled and order.state in (State.INTENT, State.FAILED, State.DONE85):
        sweep_at = _next_sweep(tx, order, submitted=True)
        await tx.orders.move(order, Event.CANCELLED, phase=Phase.NONE, asked_at=to_ms(tx.now), sweep_at=sweep_at)
        await tx.debts.void(order.id)
        await tx.journal.add("order.cancelled", order_id=order.id, merchant=merchant.name)
        return
    await tx.orders.wait(
        order,
        phase=order.phase if order.state is State.ISSUED else Phase.NONE,
        asked_at=to_ms(tx.now),
        sweeps=order.sweeps + 1,
        sweep_at=_next_sweep(tx, order, submitted=True),
    )


def _next_sweep(tx: Tx, order: OrderView, *, submitted: bool) -> int | None:
    if not submitted:
        return None
    ended_at = tx.now if order.state in (State.PENDING, State.INTENT) else order.changed_at
    return to_ms(next_sweep(ended_at, tx.now + timedelta(minutes=1)))


async def _set_aside(
    tx: Tx, merchant: Merchant, order: OrderView, hold: Hold, facts: dict[str, str], invoices: tuple[Invoice, ...]
) -> None:
    for invoice in invoices if hold is not Hold.KEY_COLLISION else ():  # somebody else's is not recorded as ours
        await tx.submissions.record(order.id, order.generation, invoice)
    await tx.orders.hold(order, hold, facts)
    await tx.debts.void(order.id)
    told = {name: without_identifiers(fact) if name == "text" else fact for name, fact in facts.items()}
    await tx.journal.add("order.held", order_id=order.id, merchant=merchant.name, hold=hold, **told)
    tx.tell(partial(log.warning, "order.held", merchant=merchant.name, order_no=order.no, hold=str(hold)))
