"""Writing a decision down: the step, what it makes us owe, and the line in the story, in one transaction."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import structlog

from syncd.domain.invoice import Expected, Invoice
from syncd.domain.judgement import Adopt, Case, Decision, Drop, Fail, Repend, Resend, RestLane, Revive, SetAside, Wait
from syncd.domain.lifecycle import Event, Hold, Phase, State
from syncd.domain.ports import Issuer, IssuerProfile
from syncd.domain.retry import ask_again, next_sweep
from syncd.stages.turn import Merchant
from syncd.store import debts
from syncd.store.instants import to_ms
from syncd.store.orders import OrderView
from syncd.store.store import Tx
from syncd.store.submissions import Stored

log = structlog.get_logger("syncd.stages")

_SWEPT = (State.FAILED, State.DONE85, State.CANCELLED)


def case_of(order: OrderView, stored: Stored | None, expected: Expected | None, profile: IssuerProfile) -> Case:
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
        revives=order.revives,
        most_revives=profile.most_revives,
    )


def elsewhere(stored: Stored | None, issuer: Issuer) -> SetAside | None:
    """What was submitted to another account can neither be asked about here nor sent here: a person decides.

    Renaming an account in the settings changes nothing; another platform or another seller does.
    """
    if stored is None or (stored.issuer_kind, stored.seller_tax_no) == (issuer.profile.kind, issuer.tax_no):
        return None
    return SetAside(Hold.CLASS_C_UNKNOWN, (("code", "account_changed"), ("account", stored.issuer)))


async def settle(tx: Tx, merchant: Merchant, order: OrderView, stored: Stored | None, decision: Decision) -> None:
    """Apply `decision` to `order`. Raises Stale when the order has moved since it was read."""
    match decision:
        case Adopt(invoice, generation):
            await _adopt(tx, merchant, order, stored, invoice, generation)
        case Wait():
            await _wait(tx, merchant, order, decision)
        case Resend():
            await tx.orders.wait(order, phase=Phase.READY, next_at=to_ms(tx.now), tries=0, refusal_code=None)
            await tx.journal.add("order.cleared", order_id=order.id, merchant=merchant.name, why="not_found_twice")
            await tx.units.wake("push", merchant.name)
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
        case RestLane(verdict):
            edge = await tx.lanes.rest(merchant.name, merchant.issuer.name, verdict)
            if edge:
                tx.tell(
                    partial(
                        log.warning,
                        "lane.rested",
                        lane=f"{merchant.name}/{merchant.issuer.name}",
                        care=str(verdict.care),
                        code=verdict.code,
                        why=verdict.text,
                    )
                )
            if order.state is State.INTENT and order.phase in (Phase.SENT, Phase.READY):
                await tx.orders.wait(order, phase=Phase.UNKNOWN, next_at=to_ms(tx.now))


async def _adopt(
    tx: Tx, merchant: Merchant, order: OrderView, stored: Stored | None, invoice: Invoice, generation: int
) -> None:
    known = (await tx.submissions.invoices([order.id])).get(order.id, [])
    if order.state is State.ISSUED and known and invoice.number not in {one.number for one in known}:
        numbers = {"numbers": f"{known[-1].number} {invoice.number}"}
        await _set_aside(tx, merchant, order, Hold.SPLIT_INVOICES, numbers, (invoice,))
        return
    if not await tx.submissions.record(order.id, generation, invoice):
        await _set_aside(tx, merchant, order, Hold.KEY_COLLISION, {"number": invoice.number, "fields": "order"}, ())
        return
    filed = bool(invoice.file_url)
    phase = Phase.NONE if filed else Phase.FILE_PENDING
    if order.state is State.ISSUED:  # known already; this look was for the file
        again = to_ms(tx.now + ask_again(order.tries))
        await tx.orders.wait(order, phase=phase, next_at=again, tries=order.tries + 1)
    else:
        await tx.orders.move(
            order,
            Event.ISSUED,
            phase=phase,
            generation=generation,
            tries=0,
            # A key that was listed as failed may still be made good: the earlier generations are looked back at.
            sweep_at=to_ms(next_sweep(tx.now, tx.now)) if generation else None,
            next_at=to_ms(tx.now + ask_again(0)),
            refusal_code=None,
            refusal_text=None,
        )
        await tx.debts.owe(
            order.id,
            merchant.name,
            kind=debts.ISSUED,
            generation=generation,
            revision=stored.revision if stored is not None else 0,
        )
        late = order.state in _SWEPT
        await tx.journal.add(
            "order.issued", order_id=order.id, merchant=merchant.name, number=invoice.number, late=late or None
        )
        tx.tell(
            partial(
                log.info,
                "collect.issued",
                merchant=merchant.name,
                order_no=order.no,
                invoice_no=invoice.number,
                late=late,
            )
        )
    if filed:
        await tx.debts.wake(order.id)
        await tx.units.wake("write_back", merchant.name)


async def _wait(tx: Tx, merchant: Merchant, order: OrderView, wait: Wait) -> None:
    again = to_ms(tx.now + wait.after)
    columns: dict[str, object] = {"phase": wait.phase, "tries": order.tries + 1}
    columns["sweep_at" if order.state in _SWEPT else "next_at"] = again
    if wait.missed and order.missed_at is None:
        columns["missed_at"] = to_ms(tx.now)
    if wait.refusal is not None:
        columns["refusal_code"], columns["refusal_text"] = wait.refusal
    await tx.orders.wait(order, **columns)
    if wait.phase is not order.phase:
        why = ": ".join(wait.refusal) if wait.refusal else None
        await tx.journal.add(f"order.{wait.phase}", order_id=order.id, merchant=merchant.name, why=why)
        if wait.phase is Phase.UNKNOWN:
            tx.tell(partial(log.warning, "push.unknown", merchant=merchant.name, order_no=order.no))
        if wait.after <= timedelta(seconds=1):
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
    await tx.journal.add("order.failed", order_id=order.id, merchant=merchant.name, code=code, text=text)
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
    await tx.journal.add("order.held", order_id=order.id, merchant=merchant.name, hold=hold, **facts)
    tx.tell(partial(log.warning, "order.held", merchant=merchant.name, order_no=order.no, hold=str(hold)))
