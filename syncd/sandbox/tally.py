"""Double, lost, wrong? The verdict over both ledgers, without knowing how the client thinks.

A submission (one order number at the issuer) belongs to the WDT document that asks for the same thing: seller,
buyer, buyer's tax number, gross total and first goods name, in any version the document ever had; a red one to the
red document that names the same blue invoice and amount. Where several documents ask for the same, each may have one
invoice. Tests that know the keys can `link` them instead.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from syncd.sandbox.nuonuo.form import Blue, blue_key
from syncd.sandbox.nuonuo.ledger import LegalInvoice
from syncd.sandbox.wdt.document import FAILED, ISSUED, Content, Document, cents, plain, red_content
from syncd.sandbox.wdt.world import WdtWorld

Invoices = list[LegalInvoice]


@dataclass(slots=True)
class Verdict:
    """Who got which invoices. `orphans` are submissions no document is left for."""

    of_document: dict[tuple[str, str], Invoices] = field(default_factory=dict)
    orphans: list[Invoices] = field(default_factory=list)


def counts(world: WdtWorld, ledger: Iterable[LegalInvoice], links: Mapping[str, str]) -> dict[str, int]:
    """The ledgers in figures.

    read          distinct documents served by search
    issued        documents with a legal invoice of their own, blue or red
    written_back  documents at 60 by updateInvoice, with the number of their own invoice
    wrong         documents at 60 by updateInvoice with any other number
    refused       documents at 85 by updateInvoice
    held          documents served at 45, or planted to be held, without a write-back
    doubles       submissions beyond one per document, or belonging to none
    lost          documents expected to be issued that have no final result (and were not cancelled), or that
                  have an invoice WDT was not told
    """
    verdict = match(world.documents.values(), ledger, links)
    documents = world.documents.values()
    return {
        "read": len(world.served),
        "issued": len(verdict.of_document),
        "written_back": sum(_is_right(document, verdict) for document in documents),
        "refused": sum(_wrote(document, FAILED) for document in documents),
        "held": sum(_is_open(document, world) for document in documents),
        "doubles": len(verdict.orphans),
        "lost": sum(_is_lost(document, verdict) for document in documents),
        "wrong": sum(_wrote(document, ISSUED) and not _is_right(document, verdict) for document in documents),
    }


def most_per_document(world: WdtWorld, ledger: Iterable[LegalInvoice], links: Mapping[str, str]) -> int:
    """The most submissions with a legal invoice that any one document can be held to have got."""
    verdict = match(world.documents.values(), ledger, links)
    asking, by_no = _asking(world.documents.values())
    many: Counter[tuple[str, str]] = Counter(verdict.of_document.keys())
    for invoices in verdict.orphans:
        candidates = _candidates(invoices, links, asking, by_no)
        first = invoices[0]
        many[candidates[0].key if candidates else ("", first.blue_number or first.order_no)] += 1
    return max(many.values(), default=0)


def wrong_amounts(documents: Iterable[Document], ledger: Iterable[LegalInvoice]) -> int:
    """Submissions whose legal invoices together are of another gross amount than their document ever asked for."""
    issued: dict[tuple[str, Content], Decimal] = defaultdict(Decimal)
    for invoice in ledger:
        if not invoice.voided:
            issued[invoice.serial, _content(invoice)._replace(total=None)] += abs(invoice.total)
    asked: dict[Content, set[Decimal | None]] = defaultdict(set)
    for document in documents:
        for content in document.contents:
            asked[content._replace(total=None)].add(content.total)
    return sum(content in asked and total not in asked[content] for (_, content), total in issued.items())


def red_before_blue(ledger: Iterable[LegalInvoice], outside: Mapping[str, Blue]) -> int:
    """Red invoices whose blue one did not exist when they were issued."""
    invoices = list(ledger)
    since = {_name(one): one.issued_at for one in invoices if one.colour == "blue"}
    reds = [one for one in invoices if one.colour == "red" and one.blue_number not in outside]
    return sum(since.get(one.blue_number, math.inf) > one.issued_at for one in reds)


def red_over_blue(ledger: Iterable[LegalInvoice], outside: Mapping[str, Blue]) -> int:
    """Blue invoices that red ones together reverse by more than their total."""
    totals: dict[str, Decimal] = {number: blue.total for number, blue in outside.items()}
    reversed_: dict[str, Decimal] = defaultdict(Decimal)
    for invoice in ledger:
        if invoice.colour == "blue":
            totals[_name(invoice)] = invoice.total
        elif not invoice.voided:
            reversed_[invoice.blue_number] -= invoice.total
    return sum(amount > totals.get(number, Decimal(0)) for number, amount in reversed_.items())


def match(documents: Iterable[Document], ledger: Iterable[LegalInvoice], links: Mapping[str, str]) -> Verdict:
    """Give each submission its document: by link, by the number written back, by content."""
    submissions: dict[str, Invoices] = defaultdict(list)
    for invoice in ledger:
        if not invoice.voided:
            submissions[invoice.serial].append(invoice)
    asking, by_no = _asking(documents)
    verdict = Verdict()
    later: list[Invoices] = []
    for invoices in submissions.values():
        candidates = _candidates(invoices, links, asking, by_no)
        written = [document for document in candidates if _number_written(document, invoices)]
        if not _assign(verdict, written, invoices):
            later.append(invoices)
    for invoices in later:
        if not _assign(verdict, _candidates(invoices, links, asking, by_no), invoices):
            verdict.orphans.append(invoices)
    return verdict


def _asking(documents: Iterable[Document]) -> tuple[dict[Content, list[Document]], dict[str, list[Document]]]:
    """Documents by what they ask for, those that ask for it now first; and by number."""
    by_content: dict[Content, list[Document]] = defaultdict(list)
    by_no: dict[str, list[Document]] = defaultdict(list)
    former: list[tuple[Content, Document]] = []
    for document in documents:
        by_no[document.no].append(document)
        by_content[document.contents[-1]].append(document)
        former += [(content, document) for content in document.contents[:-1]]
    for content, document in former:
        by_content[content].append(document)
    return by_content, by_no


def _candidates(
    invoices: Invoices, links: Mapping[str, str],
    asking: Mapping[Content, list[Document]], by_no: Mapping[str, list[Document]],
) -> list[Document]:  # fmt: skip
    linked = links.get(invoices[0].bill_id) or links.get(invoices[0].order_no) or invoices[0].wdt_order_no
    if linked is not None:
        return by_no.get(linked, [])
    return asking.get(_content(invoices[0]), [])


def _name(invoice: LegalInvoice) -> str:
    return blue_key(invoice.number, invoice.code)


def _content(invoice: LegalInvoice) -> Content:
    if invoice.colour == "red":
        return red_content(invoice.seller_tax_no, invoice.blue_number, cents(invoice.requested_total))
    return Content(
        invoice.seller_tax_no.upper(),
        plain(invoice.buyer_name),
        plain(invoice.buyer_tax_no).upper(),
        cents(invoice.requested_total),
        plain(invoice.goods_name),
    )


def _assign(verdict: Verdict, candidates: Iterable[Document], invoices: Invoices) -> bool:
    for document in candidates:
        if document.key not in verdict.of_document:
            verdict.of_document[document.key] = invoices
            return True
    return False


def _number_written(document: Document, invoices: Invoices) -> bool:
    result = document.result
    return result is not None and any(result.invoice_no == one.shown_number() for one in invoices)


def _wrote(document: Document, status: int) -> bool:
    return document.result is not None and document.result.status == status


def _is_right(document: Document, verdict: Verdict) -> bool:
    invoices = verdict.of_document.get(document.key, [])
    return _wrote(document, ISSUED) and _number_written(document, invoices)


def _is_open(document: Document, world: WdtWorld) -> bool:
    touched = document.key in world.served_pending or document.expect == "hold"
    return touched and document.result is None


def _is_lost(document: Document, verdict: Verdict) -> bool:
    if document.expect == "hold" or document.cancelled_by_user:
        return False
    if document.key in verdict.of_document and not _is_right(document, verdict):
        return True
    unsettled = document.result is None and document.status not in (ISSUED, FAILED)
    return document.expect == "issue" and document.was_pending and unsettled
