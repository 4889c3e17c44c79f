"""An issued invoice as the parameters of the interface that returns it to the centre.

Pure. What does not add up, or cannot be put into the interface, is refused here and never sent; nothing is repaired.
Source: TOP's metadata of core.inv.upload and detail.upload. Not said there: the kind of a fully digital invoice in the
former, any limit on a file's size.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from syncd.domain.centre import FileKind, InvoiceUk, ReturnedInvoice
from syncd.domain.clock import BEIJING
from syncd.domain.invoice import Colour, Invoice, InvoiceRequest, Kind, RequestLine
from syncd.domain.order import RowType
from syncd.wire.top.codec import CodeRule, compact
from syncd.wire.top.sign import FilePart, without_empty

_CENT = Decimal("0.01")
_QUANTITY_PLACES, _PRICE_PLACES = 6, 6

_CORE_KINDS: Mapping[Kind, int] = {
    Kind.E_NORMAL: 0,
    Kind.PAPER_NORMAL: 1,
    Kind.PAPER_SPECIAL: 2,
    Kind.DIGITAL_NORMAL: 0,
    Kind.DIGITAL_SPECIAL: 0,
    Kind.E_SPECIAL: 0,
}
_DETAIL_KINDS: Mapping[Kind, int] = {
    Kind.E_NORMAL: 0,
    Kind.PAPER_NORMAL: 1,
    Kind.PAPER_SPECIAL: 2,
    Kind.E_SPECIAL: 3,
    Kind.DIGITAL_NORMAL: 4,
    Kind.DIGITAL_SPECIAL: 5,
}
_SPECIAL = frozenset({Kind.PAPER_SPECIAL, Kind.E_SPECIAL, Kind.DIGITAL_SPECIAL})
_ELECTRONIC = 0
#: RequestLine.zero_rate → the mark beside a rate of 0.
_ZERO_MARKS = {"exempt": "1", "untaxed": "2", "zero": "3"}


@dataclass(frozen=True, slots=True)
class Upload:
    """One upload: the signed texts and, beside them, the file where it travels as a part."""

    params: Mapping[str, str]
    file: FilePart | None = None


def core_upload(returned: ReturnedInvoice, code: CodeRule, *, as_part: bool) -> Upload:
    """core.inv.upload of an invoice issued for an application. Raises ValueError, naming the field."""
    _check(returned, most_lines=100)
    if not returned.apply_id.strip():
        raise ValueError("apply_id is missing")
    kind = _CORE_KINDS[returned.request.kind]
    if kind == _ELECTRONIC and returned.file is None:
        raise ValueError("invoice_file: an electronic invoice is not returned without its file")
    params = {
        "source": "apply",
        "apply_id": returned.apply_id,
        "invoice_kind": str(kind),
        **_document(returned, code),
        **_payer(returned.request),
        **_payee(returned.request),
        "invoice_items": compact([_item(line, str_row_type=False) for line in returned.request.lines]),
    }
    if returned.file is None:
        return Upload(without_empty(params))
    params["invoice_file_type"] = str(returned.file.kind)
    if as_part:
        return Upload(without_empty(params), _part(returned))
    params["invoice_file_content"] = base64.b64encode(returned.file.content).decode("ascii")
    return Upload(without_empty(params))


def detail_upload(returned: ReturnedInvoice, code: CodeRule) -> Upload:
    """detail.upload, which knows a trade and no application. Raises ValueError, naming the field."""
    _check(returned, most_lines=200)
    for name in ("platform_code", "platform_tid"):
        if not getattr(returned, name):
            raise ValueError(f"{name} is missing: this interface knows an invoice by its trade")
    request = returned.request
    params = {
        "platform_code": returned.platform_code,
        "platform_tid": returned.platform_tid,
        "invoice_kind": str(_DETAIL_KINDS[request.kind]),
        **_document(returned, code),
        "payee_register_no": request.seller.tax_no,
        "payer_name": request.buyer.name,
        "payer_register_no": request.buyer.tax_no,
        "invoice_items": compact([_item(line, str_row_type=True) for line in request.lines]),
    }
    if request.kind in _SPECIAL:
        params |= {
            "payer_phone": request.buyer.phone,
            "payer_address": request.buyer.address,
            "payer_bankaccount": f"{request.buyer.bank_name} {request.buyer.bank_account}".strip(),
        }
    # Its one file field has no type beside it.
    is_pdf = returned.file is not None and returned.file.kind is FileKind.PDF
    return Upload(without_empty(params), _part(returned) if is_pdf else None)


# -- parts of both uploads ---------------------------------------------------------------------------------------------


def _document(returned: ReturnedInvoice, code: CodeRule) -> dict[str, str]:
    invoice, request = returned.invoice, returned.request
    issued_at = invoice.issued_at
    if issued_at is None:
        raise ValueError("invoice_date: the issuer did not tell when it was issued")
    return {
        "invoice_no": invoice.number,
        "invoice_code": code(InvoiceUk(invoice.number, invoice.code)) or "",
        "invoice_date": issued_at.astimezone(BEIJING).strftime("%Y-%m-%d"),
        "invoice_type": str(request.colour),
        "business_type": "1" if request.buyer_is_company else "0",
        "invoice_amount": _money(request.total),
        "sum_price": _money(request.net),
        "sum_tax": _money(request.tax),
        **_cancelled(returned, code),
    }


def _cancelled(returned: ReturnedInvoice, code: CodeRule) -> dict[str, str]:
    if returned.request.colour is not Colour.RED:
        return {}
    if returned.blue is None:
        raise ValueError("normal_invoice_no: a red invoice names the blue one it cancels")
    return {"normal_invoice_no": returned.blue.number, "normal_invoice_code": code(returned.blue) or ""}


def _payer(request: InvoiceRequest) -> dict[str, str]:
    """A person's address and phone go along only where the legal kind prints them."""
    buyer = request.buyer
    payer = {"payer_name": buyer.name, "payer_register_no": buyer.tax_no}
    if request.kind in _SPECIAL:
        payer |= {
            "payer_address": buyer.address,
            "payer_phone": buyer.phone,
            "payer_bank_name": buyer.bank_name,
            "payer_bank_account_id": buyer.bank_account,
        }
    return payer


def _payee(request: InvoiceRequest) -> dict[str, str]:
    """The seller. Optional texts whose lengths are not told (remark, payee, checker) stay at home."""
    seller = request.seller
    return {
        "payee_register_no": seller.tax_no,
        "payee_name": seller.name,
        "payee_address": seller.address,
        "payee_phone": seller.phone,
        "payee_bank_name": seller.bank_name,
        "payee_bank_account_id": seller.bank_account,
        "payee_operator": request.drawer,
    }


def _part(returned: ReturnedInvoice) -> FilePart:
    assert returned.file is not None
    return FilePart("invoice_file_data", f"invoice.{returned.file.kind.lower()}", returned.file.content)


def _item(line: RequestLine, *, str_row_type: bool) -> dict[str, str | int]:
    item: dict[str, str | int] = {
        "row_type": str(line.property) if str_row_type else line.property,
        "item_name": line.name,
        "item_no": line.tax_code,
        "specification": line.spec,
        **_measured(line),
        "sum_price": _money(line.net),
        "tax": _money(line.tax),
        "tax_rate": _plain(line.rate),
        "amount": _money(line.gross),
        "zero_rate_flag": _ZERO_MARKS.get(line.zero_rate, "") if line.rate == 0 else "",
    }
    return {name: value for name, value in item.items() if value != ""}


def _measured(line: RequestLine) -> dict[str, str]:
    """Unit, quantity and price; a discount line must have none of them. A red line's quantity is negative."""
    if line.property == RowType.DISCOUNT:
        return {}
    if line.num is None or line.price is None:
        return {"unit": line.unit}
    quantity = -abs(line.num) if line.net < 0 else line.num
    return {"unit": line.unit, "quantity": _plain(quantity), "price": _price(line.price)}


# -- what must add up before anything is sent --------------------------------------------------------------------------


def _check(returned: ReturnedInvoice, *, most_lines: int) -> None:
    """Raise ValueError where the figures disagree, the issued invoice is another one, or a field is too large."""
    invoice, request = returned.invoice, returned.request
    if not invoice.number.strip():
        raise ValueError("invoice_no is missing")
    if not 1 <= len(request.lines) <= most_lines:
        raise ValueError(f"invoice_items: {len(request.lines)} lines, and the interface takes 1 to {most_lines}")
    if invoice.colour is not request.colour:
        raise ValueError(f"invoice_type: issued {invoice.colour}, asked for {request.colour}")
    for place, line in enumerate(request.lines, start=1):
        _check_line(place, line)
    _same("invoice_amount", request.net + request.tax, request.total)
    for name, parts, whole in (
        ("invoice_amount", [line.gross for line in request.lines], request.total),
        ("sum_price", [line.net for line in request.lines], request.net),
        ("sum_tax", [line.tax for line in request.lines], request.tax),
    ):
        _same(name, sum(parts, Decimal(0)), whole)
    if (request.total < 0) is not (request.colour is Colour.RED):
        raise ValueError(f"invoice_amount: {request.total} on a {request.colour} invoice")
    _check_issued(invoice, request)


def _check_line(place: int, line: RequestLine) -> None:
    for name, figure in (("sum_price", line.net), ("tax", line.tax), ("amount", line.gross)):
        _cents(f"invoice_items.{place}.{name}", figure)
    _same(f"invoice_items.{place}.amount", line.net + line.tax, line.gross)
    if line.property == RowType.DISCOUNT or line.num is None or line.price is None:
        return
    if line.num == 0 or _places(line.num) > _QUANTITY_PLACES:
        raise ValueError(f"invoice_items.{place}.quantity: {line.num}")
    made = abs(line.num) * Decimal(_price(line.price))
    if line.price <= 0 or abs(made - abs(line.net)) > _CENT:
        raise ValueError(f"invoice_items.{place}.price: {line.num} × {_price(line.price)} is not {line.net}")


def _check_issued(invoice: Invoice, request: InvoiceRequest) -> None:
    """What the issuer told of the invoice; some tell a red one's amounts without their sign."""
    for name, issued, asked in (
        ("invoice_amount", invoice.total, request.total),
        ("sum_price", invoice.net, request.net),
        ("sum_tax", invoice.tax, request.tax),
    ):
        if issued is not None and abs(issued) != abs(asked):
            raise ValueError(f"{name}: issued {issued}, asked for {asked}")


def _same(name: str, made: Decimal, stated: Decimal) -> None:
    _cents(name, stated)
    if made != stated:
        raise ValueError(f"{name}: {made} by the lines, {stated} stated")


def _cents(name: str, figure: Decimal) -> None:
    if not figure.is_finite() or _places(figure) > 2:
        raise ValueError(f"{name}: {figure} is no amount of cents")


def _places(figure: Decimal) -> int:
    exponent = figure.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 99


def _money(figure: Decimal) -> str:
    return f"{figure.quantize(_CENT):f}"


def _plain(figure: Decimal) -> str:
    return f"{figure.normalize():f}"


def _price(price: Decimal) -> str:
    """Two to six decimals, as the interface wants."""
    rounded = price.quantize(Decimal(1).scaleb(-_PRICE_PLACES), ROUND_HALF_UP)
    return f"{rounded.normalize():f}" if _places(rounded) > 2 else _money(rounded)
