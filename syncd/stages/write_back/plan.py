"""What a sighting proves about a debt to WDT, and what to send when it proves nothing yet. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from syncd.domain.invoice import Colour, Invoice
from syncd.domain.lifecycle import Hold
from syncd.domain.order import WDT_ACCEPTS_WRITE_BACK, WDT_HAS_INVOICE, WdtStatus, WriteBack
from syncd.store.debts import ISSUED, Debt
from syncd.store.journal import Entry
from syncd.store.orders import OrderView

#: WDT's limits, in characters (seed wdt-update-invoice §3.3).
URL_LIMIT, ERROR_LIMIT = 255, 100
#: An 85 is sent only if the issuer was asked this recently (T16).
RECHECK_AFTER = timedelta(minutes=10)
#: Why nothing can be said: WDT shows a status in which it takes no write-back.
LOCKED = "wdt_status"
#: So often refused by name, an order is a person's. In words that nobody has classified, once is enough; when they
#: are about the whole call, and it carried this document alone, twice (WDT: "try once more, then it is the document").
MOST_REFUSALS, MOST_DOUBTS = 5, 2


@dataclass(frozen=True, slots=True)
class WriteBackRules:
    """The settings of this stage."""

    every: timedelta
    batch: int
    look_after: timedelta = timedelta(seconds=2)
    most_reads: int = 10  # reads by number in one turn
    shows_within: timedelta = timedelta(seconds=150)  # WDT shows what it has taken at most this much later


@dataclass(frozen=True, slots=True)
class Paid:
    """WDT shows what it was owed. `drifted`: its amount is not the one that was issued."""

    drifted: bool


@dataclass(frozen=True, slots=True)
class Send:
    """Say it (again)."""

    document: WriteBack


@dataclass(frozen=True, slots=True)
class Postpone:
    """Nothing can be said now: the file is missing, or WDT does not take it in this state."""

    why: str


@dataclass(frozen=True, slots=True)
class Recheck:
    """Ask the issuer once more before saying "failed"."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The user cancelled it in WDT and nothing was issued: nothing is owed."""


@dataclass(frozen=True, slots=True)
class Incident:
    """A person decides."""

    hold: Hold
    facts: tuple[tuple[str, str], ...]


Move = Paid | Send | Postpone | Recheck | Cancelled | Incident


def next_move(debt: Debt, order: OrderView, invoice: Invoice | None, now: datetime) -> Move:
    """What the newest sighting of the order means for its debt (T13–T16)."""
    if debt.kind == ISSUED:
        return Postpone("invoice_unknown") if invoice is None else _issued(debt, order, invoice)
    return _failed(debt, order, now)


def _issued(debt: Debt, order: OrderView, invoice: Invoice) -> Move:
    if order.wdt_status in WDT_HAS_INVOICE:
        if order.wdt_invoice_no.strip() == invoice.number:
            return Paid(drifted=_drifted(order, invoice))
        facts = (("number", invoice.number), ("wdt_number", order.wdt_invoice_no))
        return Incident(Hold.FOREIGN_NUMBER, facts)
    if order.wdt_status == WdtStatus.CANCELLED:
        return Incident(Hold.CANCELLED_AFTER_ISSUE, (("number", invoice.number),))
    if len(invoice.file_url) > URL_LIMIT:
        return Incident(Hold.URL_TOO_LONG, (("number", invoice.number), ("length", str(len(invoice.file_url)))))
    if not invoice.file_url:
        return Postpone("file_pending")
    if order.wdt_status not in WDT_ACCEPTS_WRITE_BACK:
        return Postpone(LOCKED)
    return Send(issued_document(order, invoice))


def _failed(debt: Debt, order: OrderView, now: datetime) -> Move:
    if order.wdt_status in WDT_HAS_INVOICE:
        return Incident(Hold.FOREIGN_NUMBER, (("number", ""), ("wdt_number", order.wdt_invoice_no)))
    if order.wdt_status == WdtStatus.CANCELLED:
        return Cancelled()
    seen_since = debt.sent_at is not None and order.seen_at > debt.sent_at
    if order.wdt_status == WdtStatus.OFFLINE_FAILED and seen_since:
        return Paid(drifted=False)
    if order.wdt_status not in WDT_ACCEPTS_WRITE_BACK:
        return Postpone(LOCKED)
    if order.asked_at is None or now - order.asked_at > RECHECK_AFTER:
        return Recheck()
    return Send(WriteBack(order.no, WdtStatus.OFFLINE_FAILED, error_text=debt.text[:ERROR_LIMIT]))


def issued_document(order: OrderView, invoice: Invoice) -> WriteBack:
    """The 60 of one order. The two optional urls are left out where they would not fit; the pdf never is."""
    return WriteBack(
        order_no=order.no,
        status=WdtStatus.ISSUED,
        invoice_no=invoice.number,
        invoice_code=invoice.code,
        file_url=invoice.file_url,
        ofd_url=invoice.ofd_url if len(invoice.ofd_url) <= URL_LIMIT else "",
        xml_url=invoice.xml_url if len(invoice.xml_url) <= URL_LIMIT else "",
        issued_at=invoice.issued_at,
        outer_amount=_as_signed(order, invoice),
    )


def _as_signed(order: OrderView, invoice: Invoice) -> Decimal | None:
    """What was really issued. Of a red one with the sign that the order itself has: which WDT expects is not stated."""
    if invoice.total is None or invoice.colour is Colour.BLUE:
        return invoice.total
    return -abs(invoice.total) if order.amount is not None and order.amount < 0 else abs(invoice.total)


def _drifted(order: OrderView, invoice: Invoice) -> bool:
    if order.amount is None or invoice.total is None:
        return False
    return abs(order.amount) != abs(int(invoice.total * 10_000))


def refused_whole(text: str) -> Incident:
    """One document alone was refused as a whole call: its content does not fit WDT."""
    hold = Hold.URL_TOO_LONG if "url" in text.lower() else Hold.POISON_ROW
    return Incident(hold, (("code", "write_back_refused"), ("text", text)))


def final_no(story: Sequence[Entry]) -> str | None:
    """The words after which this is not said again: seen since, and not applied. None while it may be."""
    locked = max((at for at, entry in enumerate(story) if entry.event == "write_back.locked"), default=-1)
    story = story[locked + 1 :]  # what was refused before, the status explained
    refusals = [entry.facts for entry in story if entry.event == "write_back.refused"]
    if refusals and (refusals[-1].get("unclassified") or len(refusals) >= MOST_REFUSALS):
        return str(refusals[-1].get("text", ""))
    doubts = [entry.facts for entry in story if entry.event == "write_back.doubted" and entry.facts["documents"] == 1]
    return str(doubts[-1].get("text", "")) if len(doubts) >= MOST_DOUBTS else None


def share(story: Sequence[Entry], batch: int) -> int:
    """With how many documents this one may go: half of those it was doubted with, so that the bad one is found."""
    doubted = [int(entry.facts["documents"]) for entry in story if entry.event == "write_back.doubted"]
    return max(1, doubted[-1] // 2) if doubted else batch
