"""From a request to the bytes that are sent: requestBillingNew, queryInvoiceResult, reInvoice.

Pure: the same input gives the same bytes, for they are frozen before the first send and sent again as they are.
Source: Nuonuo field tables (requestBillingNew) and docs/amounts.md. Limits are counted in characters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

import msgspec
import orjson

from syncd.domain.clock import BEIJING
from syncd.domain.invoice import Colour, InvoiceRequest, IssuerKey, Kind, RequestLine
from syncd.domain.money import CENT
from syncd.domain.money_guard import PrintedLine
from syncd.domain.order import Party, RowType
from syncd.domain.ports import Unfit
from syncd.wire.issuers.nuonuo.limits import (
    DIGITAL_REMARK_LENGTH,
    EMAIL_LENGTH,
    KEY_LENGTH,
    MOST_LINES,
    NUMBER_LENGTH,
    NUMBER_PLACES,
    REMARK_LENGTH,
    SPEC_LENGTH,
    check_cents,
    check_header,
    check_line,
    check_zero,
)

KEY = re.compile(rf"[A-Za-z0-9_]{{1,{KEY_LENGTH}}}")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_MOBILE = re.compile(r"1[0-9]{10}")

#: Kind → invoiceLine as asked for, and as the option turns it into another legal kind.
_PAPER = {Kind.PAPER_NORMAL: ("c", "ec"), Kind.PAPER_SPECIAL: ("s", "es")}
_LEGACY = {Kind.E_NORMAL: ("p", "pc"), Kind.E_SPECIAL: ("b", "bs")}
_DIGITAL_KINDS = {Kind.DIGITAL_NORMAL: "pc", Kind.DIGITAL_SPECIAL: "bs"}
DIGITAL = frozenset({"pc", "bs", "es", "ec"})
_DIGITAL_NORMAL = frozenset({"pc", "ec"})
_SPECIAL = frozenset({"bs", "es", "b", "s"})

#: RequestLine.zero_rate → the marks of a fully digital invoice, and those of a tax-control one.
_MARKS: Mapping[str, tuple[Mapping[str, str], Mapping[str, str]]] = {
    "": ({"favouredPolicyFlag": "0"}, {"favouredPolicyFlag": "0"}),
    "exempt": (
        {"favouredPolicyFlag": "03"},
        {"favouredPolicyFlag": "1", "favouredPolicyName": "免税", "zeroRateFlag": "1"},
    ),
    "untaxed": (
        {"favouredPolicyFlag": "04"},
        {"favouredPolicyFlag": "1", "favouredPolicyName": "不征税", "zeroRateFlag": "2"},
    ),
    "zero": ({"favouredPolicyFlag": "0"}, {"favouredPolicyFlag": "0", "zeroRateFlag": "3"}),
}


@dataclass(frozen=True, slots=True)
class NuonuoOptions:
    """What an operator decides about one account. Those that change the legal kind of document are off.

    `settle_for` is in seconds. `clerk`, when set, stands in for every order's drawer: a digital invoice needs the
    name tied to the tax-bureau login, which WDT does not know.
    """

    settle_for: float = 600.0
    paper_as_digital_paper: bool = False
    legacy_as_digital: bool = False
    cut_remark: bool = False
    cut_spec: bool = False
    push_email: bool = True
    push_sms: bool = True
    check_buyer_name: bool = False
    check_tax_no: bool = False
    clerk: str = ""
    extension_number: str = ""
    clerk_id: str = ""
    department_id: str = ""
    show_bank_account: str = ""  # 0 none, 1 seller's, 2 buyer's, 3 both
    call_back_url: str = ""
    red_reason: str = "1"  # Nuonuo's own table: 1 returned, 2 wrong, 3 service ended, 4 allowance
    red_by_itself: bool = True  # the bureau makes the red invoice of an agreed form; else Nuonuo must be told to


def render(request: InvoiceRequest, key: IssuerKey, options: NuonuoOptions) -> bytes:
    """The body of requestBillingNew. Raises: Unfit, its `code` naming the rule and its `facts` the field."""
    if request.colour is Colour.RED:
        raise Unfit("red_needs_confirmation_form")
    if not KEY.fullmatch(key):
        raise Unfit("key_out_of_form", key=key)
    kind = invoice_line(request.kind, options)
    fitting = cut(request, options)
    order: dict[str, object] = {"orderNo": key, **_header(fitting, kind, options)}
    order["invoiceDetail"] = _details(fitting.lines, digital=kind in DIGITAL)
    return _compact({"order": order})


class _Detail(msgspec.Struct):
    """What the guard looks at in a line."""

    invoiceLineProperty: str
    taxRate: Decimal
    taxExcludedAmount: Decimal
    tax: Decimal
    taxIncludedAmount: Decimal
    num: Decimal | None = None
    price: Decimal | None = None


class _Order(msgspec.Struct):
    invoiceDetail: list[_Detail]


class _Whole(msgspec.Struct):
    order: _Order


_WHOLE = msgspec.json.Decoder(_Whole)
#: Said once in each line, the last two where it has them; of what is said twice only the last would be seen.
*_ALWAYS, _NUM, _PRICE = (b'"%b":' % name.encode() for name in _Detail.__struct_fields__)


def printed(body: bytes) -> tuple[PrintedLine, ...]:
    """The lines of a requestBillingNew body, read back from its bytes. Raises ValueError where it is none."""
    try:
        details = _WHOLE.decode(body).order.invoiceDetail
    except (msgspec.MsgspecError, UnicodeDecodeError) as unreadable:
        raise ValueError(f"unreadable lines: {type(unreadable).__name__}") from None
    times = dict.fromkeys(_ALWAYS, len(details))
    times[_NUM] = sum(one.num is not None for one in details)
    times[_PRICE] = sum(one.price is not None for one in details)
    if any(body.count(name) != often for name, often in times.items()):
        raise ValueError("a figure said twice")
    return tuple(
        PrintedLine(
            int(one.invoiceLineProperty),
            one.taxRate,
            one.taxExcludedAmount,
            one.tax,
            one.taxIncludedAmount,
            one.num,
            one.price,
        )
        for one in details
    )


def invoice_line(kind: Kind, options: NuonuoOptions) -> str:
    """Nuonuo's letter for the legal kind. Left out, the vendor would take an electronic tax-control one."""
    if kind in _DIGITAL_KINDS:
        return _DIGITAL_KINDS[kind]
    if kind in _PAPER:
        return _PAPER[kind][options.paper_as_digital_paper]
    return _LEGACY[kind][options.legacy_as_digital]


def cut(request: InvoiceRequest, options: NuonuoOptions) -> InvoiceRequest:
    """`request` with the texts shortened that the options allow to be; the same object where none is too long."""
    longest = _remark_length(invoice_line(request.kind, options))
    if options.cut_remark and len(request.remark) > longest:
        request = replace(request, remark=request.remark[:longest])
    if options.cut_spec and any(len(line.spec) > SPEC_LENGTH for line in request.lines):
        request = replace(request, lines=tuple(replace(line, spec=line.spec[:SPEC_LENGTH]) for line in request.lines))
    return request


def ask_body(keys: Sequence[IssuerKey]) -> bytes:
    """The body of queryInvoiceResult for ≤ 50 order numbers, without the lines."""
    return _compact({"orderNos": list(keys), "isOfferInvoiceDetail": "0"})


def revive_body(key: IssuerKey, serial: str) -> bytes:
    """The body of reInvoice; the serial wins when both are there."""
    return _compact({"fpqqlsh": serial, "orderno": key} if serial else {"orderno": key})


def _compact(body: Mapping[str, object]) -> bytes:
    return orjson.dumps(body)


# --- the header -----------------------------------------------------------------------------------------------


def _header(request: InvoiceRequest, kind: str, options: NuonuoOptions) -> dict[str, str]:
    buyer, seller = request.buyer, request.seller
    header = {
        "invoiceDate": _beijing(request.ordered_at),
        "invoiceType": "1",
        "invoiceLine": kind,
        "buyerName": buyer.name,
        "buyerTaxNum": buyer.tax_no,
        "buyerTel": buyer.phone,
        "buyerAddress": buyer.address,
        "buyerAccount": _account(buyer),
        "salerTaxNum": seller.tax_no,
        "salerTel": seller.phone,
        "salerAddress": seller.address,
        "salerAccount": _account(seller),
        "clerk": options.clerk or request.drawer,
        "payee": request.payee,
        "checker": request.checker,
        "remark": request.remark,
        **_delivery(request, options),
        **_switches(request, kind, options),
    }
    needs_tax_no = request.buyer_is_company or kind in _SPECIAL
    check_header(header, remark_length=_remark_length(kind), needs_tax_no=needs_tax_no)
    return {name: text for name, text in header.items() if text}


def _switches(request: InvoiceRequest, kind: str, options: NuonuoOptions) -> dict[str, str]:
    """What the account's options and the buyer's nature switch on; empty ones are not sent."""
    person = ("1" if request.natural_person else "0") if kind in _DIGITAL_NORMAL else ""
    return {
        "naturalPersonFlag": person,
        "naturalPersonVerifyFlag": "1" if options.check_buyer_name else "",
        "taxNumVerifyFlag": "1" if options.check_tax_no else "",
        "showBankAccountType": options.show_bank_account if kind in DIGITAL else "",
        "extensionNumber": options.extension_number,
        "clerkId": options.clerk_id,
        "departmentId": options.department_id,
        "callBackUrl": options.call_back_url,
    }


def _delivery(request: InvoiceRequest, options: NuonuoOptions) -> dict[str, str]:
    """How Nuonuo tells the buyer. Always said, for left out it means SMS and then demands a phone.

    An address that cannot be one costs the buyer a message, never the invoice; a landline gets no SMS.
    """
    email, mobile = request.buyer.email.strip(), request.mobile.strip()
    addressable = email.isascii() and len(email) <= EMAIL_LENGTH and _EMAIL.fullmatch(email) is not None
    by_email = options.push_email and addressable
    by_sms = options.push_sms and bool(_MOBILE.fullmatch(mobile))
    mode = {(False, False): "-1", (True, False): "0", (False, True): "1", (True, True): "2"}[by_email, by_sms]
    return {"pushMode": mode, "email": email if by_email else "", "buyerPhone": mobile if by_sms else ""}


def _remark_length(kind: str) -> int:
    return DIGITAL_REMARK_LENGTH if kind in DIGITAL else REMARK_LENGTH


def _account(party: Party) -> str:
    return f"{party.bank_name} {party.bank_account}".strip()


def _beijing(instant: datetime | None) -> str:
    return instant.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S") if instant else ""


# --- the lines ------------------------------------------------------------------------------------------------


def _details(lines: Sequence[RequestLine], *, digital: bool) -> list[dict[str, str]]:
    if not lines:
        raise Unfit("no_lines")
    if len(lines) > MOST_LINES:
        raise Unfit("too_many_lines", count=str(len(lines)), limit=str(MOST_LINES))
    return [_detail(number, line, digital=digital) for number, line in enumerate(lines, start=1)]


def _detail(number: int, line: RequestLine, *, digital: bool) -> dict[str, str]:
    check_zero(number, line, _MARKS)
    detail = {
        "goodsName": line.name,
        "goodsCode": line.tax_code,
        "specType": line.spec,
        **_quantity(line),
        "withTaxFlag": "0",
        "taxRate": _plain(line.rate),
        "taxExcludedAmount": _money(number, "taxExcludedAmount", line.net),
        "tax": _money(number, "tax", line.tax),
        "taxIncludedAmount": _money(number, "taxIncludedAmount", line.gross),
        "invoiceLineProperty": str(int(line.property)),
        **_MARKS[line.zero_rate][0 if digital else 1],
    }
    check_line(number, detail)
    return {name: text for name, text in detail.items() if text}


def _quantity(line: RequestLine) -> dict[str, str]:
    """Number and price together, or neither where one is missing or does not fit; a discount has none of them.

    Without a price the vendor takes the three amounts, which are always sent.
    """
    if line.property == RowType.DISCOUNT:
        return {}
    num, price = _fitting(line.num), _fitting(line.price)
    return {"unit": line.unit, "num": num, "price": price} if num and price else {"unit": line.unit}


def _fitting(number: Decimal | None) -> str:
    text = _plain(number) if number is not None and number.is_finite() else ""
    fits = len(text) <= NUMBER_LENGTH and len(text.partition(".")[2]) <= NUMBER_PLACES
    return text if fits else ""


def _money(number: int, name: str, amount: Decimal) -> str:
    """Two decimals, never rounded to them."""
    if amount and amount.same_quantum(CENT):
        return str(amount)
    text = f"{amount or abs(amount):.2f}"
    if not amount.is_finite() or Decimal(text) != amount:
        check_cents(number, name, amount, len(_plain(amount).partition(".")[2]))
    return text


def _plain(number: Decimal) -> str:
    """Without exponent, sign of zero or trailing zeros: 2E+2 → 200, 50.0000 → 50."""
    text = f"{number or abs(number):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
