"""What queryInvoiceResult says of each order number that was asked for.

Nothing is adopted that does not name our key exactly, and nothing is believed absent on the word of an answer that
is partly about something else.
Source: Nuonuo field tables (queryInvoiceResult); the payer's fields after public clients. Not said there: whether
empty fields are left out, null or "".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation

from syncd import catalogue
from syncd.domain.invoice import BlueRef, Colour, Invoice, IssuerKey
from syncd.domain.outcome import (
    Failed,
    Issued,
    NotFound,
    Outcome,
    Processing,
    SealFailed,
    Split,
    Stalled,
    Unknown,
    Voided,
)
from syncd.domain.trouble import Verdict
from syncd.wire.issuers.nuonuo.errors import PLATFORM, Meaning, Said, meaning, no_answer, not_its_fault, unheard

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER_FIELD = "allElectronicInvoiceNumber"
#: The vendor's own table prints the name one letter short, without our knowing whether a server does.
_NUMBER_FIELDS = (
    _NUMBER_FIELD,
    *dict.fromkeys(_NUMBER_FIELD[:at] + _NUMBER_FIELD[at + 1 :] for at in range(len(_NUMBER_FIELD))),
)
_RED_MARKS = ("oldEleInvoiceNumber", "oldInvoiceNo", "oldInvoiceCode")

Entry = Mapping[str, object]


def read_answer(said: Said, keys: Sequence[IssuerKey]) -> dict[IssuerKey, Outcome]:
    """One outcome for every key of `keys`."""
    match meaning(said.code):
        case Meaning.ACCEPTED:
            return _read_list(said.result, keys)
        case Meaning.NOT_FOUND:
            return {key: NotFound() for key in keys}
        case _:
            return dict.fromkeys(keys, no_answer(said))


def leaves_out(said: Said, keys: Sequence[IssuerKey]) -> bool:
    """Whether the answer lists some of the keys that were asked for, and leaves others out."""
    entries = said.result if isinstance(said.result, list) else []
    return 0 < len({_order_no(entry) for entry in entries} & {str(key) for key in keys}) < len(keys)


def missing_for_issuing(told: object) -> Verdict | None:
    """What an answer about the drawer's session or the credit line says is missing; None for anything else.

    Source: Nuonuo field tables (getCertificationStatus, getCreditLine).
    """
    entry = told if isinstance(told, dict) else {}
    if text_in(entry, "loginStatus") == "0":
        return catalogue.verdict(PLATFORM, "loginStatus 0", "开票员未登录电子税务局")
    if text_in(entry, "certificationStatus") == "2":
        return catalogue.verdict(PLATFORM, "certificationStatus 2", "开票员需要完成实名认证")
    credit = _amount(entry, "availableCreditLine")
    if credit is not None and credit <= 0:
        return catalogue.verdict(PLATFORM, "availableCreditLine 0", "可用授信额度不足")
    return None


def stray_numbers(said: Said, keys: Sequence[IssuerKey]) -> int:
    """How many entries of the answer are about order numbers that were not asked for (or about none)."""
    entries = said.result if isinstance(said.result, list) else []
    asked = set(keys)
    return sum(1 for entry in entries if _order_no(entry) not in asked)


def _read_list(result: object, keys: Sequence[IssuerKey]) -> dict[IssuerKey, Outcome]:
    if not isinstance(result, list):
        return dict.fromkeys(keys, Unknown("result is no list"))
    ours: dict[str, list[Entry]] = {key: [] for key in keys}
    strays = False
    for entry in result:
        number = _order_no(entry)
        if number in ours:
            ours[number].append(entry)
        else:
            strays = True
    absent: Outcome = Unknown("key mismatch") if strays else NotFound()
    return {key: _outcome_of(ours[key]) if ours[key] else absent for key in keys}


def _order_no(entry: object) -> str | None:
    """Exactly as echoed: another case or a blank more is another order."""
    number = entry.get("orderNo") if isinstance(entry, dict) else None
    return number if isinstance(number, str) else None


def _outcome_of(entries: Sequence[Entry]) -> Outcome:
    """Of one order. Several invoices under one number are never one of them, whatever became of the others."""
    if len(entries) == 1:
        return read_entry(entries[0])
    outcomes = list(dict.fromkeys(read_entry(entry) for entry in entries))
    if len(outcomes) == 1:
        return outcomes[0]
    for unclear in (Unknown, Processing):
        for outcome in outcomes:
            if isinstance(outcome, unclear):
                return outcome
    if all(isinstance(outcome, Failed | Stalled) for outcome in outcomes):
        return outcomes[0]
    return Split(tuple(invoice for outcome in outcomes if (invoice := _invoice_in(outcome)) is not None))


def _invoice_in(outcome: Outcome) -> Invoice | None:
    return outcome.invoice if isinstance(outcome, Issued | SealFailed | Voided) else None


def read_entry(entry: Entry) -> Outcome:
    """One entry. Status 2 here is "issued" (in a callback it is "failed"); 24 is an invoice that exists."""
    status, serial = text_in(entry, "status"), text_in(entry, "serialNo")
    invoice = _invoice(entry)
    text = text_in(entry, "failCause") or text_in(entry, "statusMsg")
    match status:
        case "20":
            return Processing(serial)
        case "21":
            return Processing(serial, exists=True)
        case "2":
            return Issued(invoice) if invoice else Processing(serial, exists=True)
        case "22":
            stopped = not_its_fault(status, text)
            return Stalled(stopped, serial) if stopped else Failed(status, text, serial)
        case "24":
            return SealFailed(serial, text, invoice)
        case "3" | "31":
            return Voided(invoice, text)
        case _:
            code = f"status {status or 'missing'}"
            return Unknown(code, unclassified=unheard(code, text))


#: Longer than any number, and short enough for an index of the store: what is longer is none.
_LONGEST_NUMBER = 100


def _invoice(entry: Entry) -> Invoice | None:
    """The invoice of the entry; None as long as it has no number."""
    digital = next((number for name in _NUMBER_FIELDS if (number := text_in(entry, name))), "")
    number = digital or text_in(entry, "invoiceNo")
    if not number or len(number) > _LONGEST_NUMBER:
        return None
    code = "" if digital or len(number) == 20 else text_in(entry, "invoiceCode")[:_LONGEST_NUMBER]
    total = _amount(entry, "orderAmount")
    return Invoice(
        number=number.zfill(8) if code else number,
        code=code.zfill(12) if len(code) == 11 else code,
        total=total,
        colour=_colour(entry, total),
        issued_at=_instant(entry),
        net=_amount(entry, "exTaxAmount"),
        tax=_amount(entry, "taxAmount"),
        buyer_name=_carried(entry, "payerName", "buyerName"),
        buyer_tax_no=_carried(entry, "payerTaxNo", "buyerTaxNum"),
        file_url=text_in(entry, "pdfUrl"),
        ofd_url=text_in(entry, "ofdUrl"),
        xml_url=text_in(entry, "xmlUrl"),
        serial=text_in(entry, "serialNo"),
        blue=_blue(entry),
    )


def _blue(entry: Entry) -> str:
    """The blue invoice a red one names; "" where it names none, or not wholly."""
    digital, number, code = (text_in(entry, name) for name in _RED_MARKS)
    if digital:
        return str(BlueRef(digital))
    return str(BlueRef(number.zfill(8), code)) if number and code else ""


def _colour(entry: Entry, total: Decimal | None) -> Colour:
    """Any sign of red makes it red: a blue one has a positive total and names no other invoice."""
    negative = total is not None and total < 0
    names_a_blue = any(text_in(entry, name) for name in _RED_MARKS)
    return Colour.RED if negative or names_a_blue or text_in(entry, "invoiceType") == "2" else Colour.BLUE


def text_in(entry: Entry, name: str) -> str:
    """A text, or a number written as one; everything else is "not told"."""
    value = entry.get(name)
    if isinstance(value, str):
        return value.strip()
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, Decimal) and value.is_finite():
        return f"{value:f}"
    return ""


def _carried(entry: Entry, *names: str) -> str | None:
    """The first of these texts that is there at all: "" says that the buyer has none, null says nothing."""
    return next((text_in(entry, name) for name in names if isinstance(entry.get(name), str)), None)


def _amount(entry: Entry, name: str) -> Decimal | None:
    try:
        amount = Decimal(text_in(entry, name))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None


def _instant(entry: Entry) -> datetime | None:
    """Epoch milliseconds in UTC; an unreadable one costs the time, never the invoice."""
    text = text_in(entry, "invoiceTime")
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        return None
    try:
        return _EPOCH + timedelta(milliseconds=int(text))
    except OverflowError:
        return None
