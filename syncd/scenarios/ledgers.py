"""What only both sides together show: WDT's documents, the issuer's ledger, the calls that were made, and the store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal

from syncd.sandbox import Sandbox
from syncd.sandbox.calls import Call
from syncd.sandbox.tally import match
from syncd.sandbox.wdt.document import CANCELLED, ISSUED, Document, read_row
from syncd.scenarios.onlooker import Onlooker

#: Submissions under way together, and rows that are read again together: within them nobody promises an order.
BATCH, PAGE = 20, 100


def invoices(sandbox: Sandbox) -> list[tuple[Document, list[str], Decimal]]:
    """Each document that has a legal invoice, with its numbers and their total."""
    verdict = match(sandbox.wdt.documents.values(), sandbox.nuonuo.ledger, sandbox.nuonuo.links)
    return [
        (
            sandbox.wdt.documents[key],
            [one.shown_number() for one in found],
            sum((one.total for one in found), Decimal(0)),
        )
        for key, found in verdict.of_document.items()
    ]


def out_of_order(sandbox: Sandbox, store: Onlooker, modified: Mapping[str, float]) -> int:
    """How many documents were first submitted more than a batch after a younger one, although they were known then.

    As far as the issuer remembers its calls. Younger is what was made later; where there are more than fit on one
    page, what was also modified later (then pages are read again in that order), and two pages more are let pass.
    """
    first: dict[str, float] = {}
    for call in sandbox.nuonuo.calls.of("requestBillingNew"):
        first.setdefault(_order_no(call), call.at)
    created = {document.no: read_row(document.row)["created"] for document in sandbox.wdt.documents.values()}
    known = {no: at / 1000 for no, at in store.rows("SELECT no, first_seen_at FROM invoice_order")}
    many, sent = len(first) > PAGE, list(first)

    def overtook(younger: str, no: str) -> bool:
        later = created[younger] > created[no] and (not many or modified[younger] > modified[no])
        return later and known[no] < first[younger]

    lag = BATCH + (2 * PAGE if many else 0)
    return sum(any(overtook(one, no) for one in sent[: max(0, at - lag)]) for at, no in enumerate(sent))


def cancelled_unnoticed(sandbox: Sandbox, store: Onlooker) -> int:
    """Documents their users cancelled and that were issued, without being held for it under the issued number."""
    held = {
        (no, number)
        for no, number in store.rows(
            "SELECT o.no, i.number FROM invoice_order o JOIN invoice i ON i.order_id = o.id"
            " WHERE o.state = 'HOLD' AND o.hold = 'cancelled_after_issue'"
        )
    }
    return sum(
        (document.no, number) not in held
        for document, numbers, _ in invoices(sandbox)
        if document.status == CANCELLED
        for number in numbers
    )


def unlike_the_ledger(sandbox: Sandbox, store: Onlooker) -> tuple[int, int]:
    """(documents whose amount differs from the issued one unnoticed, documents told another amount than was issued)."""
    noted = {no for (no,) in store.rows("SELECT no FROM invoice_order WHERE drifted = 1 OR state = 'HOLD'")}
    silent = wrong = 0
    for document, _, total in invoices(sandbox):
        row = read_row(document.row)
        silent += Decimal(str(row["invoice_amount"])) != total and document.no not in noted
        wrong += document.status == ISSUED and Decimal(str(row["invoice_outer_amount"])) != total
    return silent, wrong


def told_failed_unasked(sandbox: Sandbox) -> int:
    """How often WDT was told "failed" although nobody had asked the issuer since the last submission.

    As far as the parties remember their calls.
    """
    asked: set[str] = set()
    unasked = 0
    for _, call in sorted(_calls(sandbox), key=lambda entry: entry[0]):
        match call.method.rpartition(".")[2]:
            case "requestBillingNew":
                asked.discard(_order_no(call))
            case "queryInvoiceResult":
                asked.update(one[:14] for one in json.loads(call.body).get("orderNos", []))
            case "updateInvoice":
                unasked += sum(no not in asked for no in _told_failed(call))
    return unasked


def _calls(sandbox: Sandbox) -> list[tuple[tuple[float, int], Call]]:
    both = [*sandbox.nuonuo.calls, *sandbox.wdt.calls]
    return [((call.at, place), call) for place, call in enumerate(both)]


def _order_no(call: Call) -> str:
    """The document's number in front of the key."""
    return str(json.loads(call.body)["order"]["orderNo"])[:14]


def _told_failed(call: Call) -> list[str]:
    try:
        told = json.loads(call.body)
    except ValueError:  # longer than what is remembered
        return []
    documents = next((one for one in told if isinstance(one, list)), told) if isinstance(told, list) else []
    return [str(one.get("invoice_order_no")) for one in documents if str(one.get("status")) == "85"]
