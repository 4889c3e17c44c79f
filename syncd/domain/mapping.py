"""From a WDT invoice order to the neutral request an issuer renders, or to the reason a person must look at it.

Nothing is repaired: what does not fit holds the order, with the figures that disagree. Source: seed wdt-search §4 for
the fields, docs/amounts.md for what issuers make of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from syncd.domain import detail, discount, money, taxpayer, texts
from syncd.domain.invoice import BlueRef, Colour, InvoiceRequest, Kind, RequestLine
from syncd.domain.money import Totals
from syncd.domain.numbers import number_kind
from syncd.domain.order import InvoiceOrder, Party
from syncd.domain.unfit_texts import Unfitness, unfit

__all__ = ["MappingOptions", "Unfitness", "blue_of", "notices", "to_request"]

#: WDT `invoice_type` → kind (seed wdt-search §4).
KINDS: Mapping[int, Kind] = {
    0: Kind.PAPER_NORMAL,
    1: Kind.E_NORMAL,
    2: Kind.PAPER_SPECIAL,
    3: Kind.DIGITAL_NORMAL,
    4: Kind.DIGITAL_SPECIAL,
    5: Kind.E_SPECIAL,
}
SPECIAL = frozenset({Kind.PAPER_SPECIAL, Kind.DIGITAL_SPECIAL, Kind.E_SPECIAL})
#: Changes the legal kind of the document, so only where a person said so.
LEGACY_AS_DIGITAL: Mapping[Kind, Kind] = {
    Kind.E_NORMAL: Kind.DIGITAL_NORMAL,
    Kind.E_SPECIAL: Kind.DIGITAL_SPECIAL,
}
_PERSON, _COMPANY = 0, 1  # business_type


@dataclass(frozen=True, slots=True)
class MappingOptions:
    """What an operator decides per issuer account.

    `default_kind` is for orders that name no `invoice_type` (WDT's own sample does not); None holds them.
    `zero_rate_rules` maps a prefix of the tax code to exempt, untaxed or zero, over the default 6 → untaxed.
    `remark_limit` is in characters: Nuonuo takes 200 on digital kinds, the bureau 230.
    The seller's particulars are used where the order has none.
    """

    tax_no: str
    amount_limit: Decimal | None = None
    default_kind: Kind | None = Kind.DIGITAL_NORMAL
    legacy_as_digital: bool = False
    natural_person: Literal["auto", "always", "never"] = "auto"
    allocate_header_discount: bool = False
    zero_rate_rules: Mapping[str, str] = field(default_factory=dict)
    strict_tax_no: bool = False
    cut_remark: bool = False
    remark_limit: int = 200
    drawer: str = ""
    seller_phone: str = ""
    seller_address: str = ""
    seller_bank_name: str = ""
    seller_bank_account: str = ""


def to_request(order: InvoiceOrder, options: MappingOptions) -> InvoiceRequest | Unfitness:
    """The request that says exactly what the order says, or why it must be held. Never raises.

    Colour, kind, parties and amounts are checked; the order's status is not this function's business.
    """
    kind = _kind(order, options)
    if isinstance(kind, Unfitness):
        return kind
    if held := money.first_unfit(check(order, options) for check in _CHECKS):
        return held
    header = money.totals(order)
    if isinstance(header, Unfitness):
        return header
    lines = _lines(order, header, options)
    if isinstance(lines, Unfitness):
        return lines
    if options.amount_limit is not None and header.invoice_amount > options.amount_limit:
        return unfit("amount_over_limit", amount=header.invoice_amount, limit=options.amount_limit)
    return _request(order, kind, header, lines, options)


def notices(order: InvoiceOrder, request: InvoiceRequest) -> tuple[str, ...]:
    """What a person may want to know of an order that was mapped: codes for the log, without any content."""
    tax_no = request.buyer.tax_no
    found = {
        "company_by_tax_no": request.buyer_is_company and order.business_type != _COMPANY,
        "buyer_tax_no_check_digit": taxpayer.fails_check_digit(tax_no),
        "remark_cut": len(_remark(order)) > len(request.remark),
        "email_dropped": bool(order.payer.email.strip()) and not request.buyer.email,
        "discounts_arranged": not order.is_red and _as_sent(order) != _as_printed(request),
    }
    return tuple(code for code, holds in found.items() if holds)


def _as_sent(order: InvoiceOrder) -> list[tuple[int, Decimal]]:
    return [(line.row_type, abs(line.sum_price or money.ZERO)) for line in order.lines]


def _as_printed(request: InvoiceRequest) -> list[tuple[int, Decimal]]:
    return [(line.property, abs(line.net)) for line in request.lines]


def _check_texts(order: InvoiceOrder, options: MappingOptions) -> Unfitness | None:
    named = [*_texts(order)]
    if texts.is_usable("".join([text for _, text in named])):  # as all of them together, so each
        return None
    for wdt_field, text in named:
        if not texts.is_usable(text):
            return unfit("text_unusable", field=wdt_field)
    return None


def _texts(order: InvoiceOrder) -> Iterator[tuple[str, str]]:
    """Every header text that may be printed, under WDT's name for it."""
    payer, payee = order.payer, order.payee
    yield from (("payer_name", payer.name), ("payer_register_no", payer.tax_no))
    yield from (("payer_address", payer.address), ("payer_phone", payer.phone), ("payer_email", payer.email))
    yield from (("payer_bank", payer.bank_name), ("payer_account", payer.bank_account))
    yield from (("payee_name", payee.name), ("payee_register_no", payee.tax_no))
    yield from (("payee_address", payee.address), ("payee_telno", payee.phone))
    yield from (("payee_bank_name", payee.bank_name), ("payee_bank_account", payee.bank_account))
    yield from (("payee_operator", order.operator), ("payee_receiver", order.receiver))
    yield from (("payee_checker", order.checker), ("invoice_remark", order.remark))
    yield from (("relation_invoice_no_out", order.relation_invoice_no),)
    yield from (("relation_invoice_code", order.relation_invoice_code),)


def _check_count(order: InvoiceOrder, options: MappingOptions) -> Unfitness | None:
    return detail.check_count(len(order.lines))


def _kind(order: InvoiceOrder, options: MappingOptions) -> Kind | Unfitness:
    kind = options.default_kind if order.invoice_type is None else KINDS.get(order.invoice_type)
    if kind is None:
        return unfit("type_unknown", invoice_type="" if order.invoice_type is None else order.invoice_type)
    return LEGACY_AS_DIGITAL.get(kind, kind) if options.legacy_as_digital else kind


def _check_seller(order: InvoiceOrder, options: MappingOptions) -> Unfitness | None:
    given = taxpayer.normalise(order.payee.tax_no)
    ours = taxpayer.normalise(options.tax_no)
    return unfit("seller_differs", given=given, ours=ours) if given and given != ours else None


def _check_buyer_name(order: InvoiceOrder, options: MappingOptions) -> Unfitness | None:
    length = len(texts.clean(order.payer.name))
    if not length:
        return unfit("buyer_name_missing")
    return unfit("buyer_name_too_long", length=length, limit=texts.NAME_LIMIT) if length > texts.NAME_LIMIT else None


def _check_buyer_tax_no(order: InvoiceOrder, options: MappingOptions) -> Unfitness | None:
    if order.business_type not in (None, _PERSON, _COMPANY):
        return unfit("business_type_unknown", business_type=order.business_type)
    tax_no = taxpayer.normalise(order.payer.tax_no)
    needed = order.business_type == _COMPANY or _kind(order, options) in SPECIAL
    if not tax_no:
        return unfit("buyer_tax_no_missing") if needed else None
    if not taxpayer.is_accepted(tax_no):
        return unfit("buyer_tax_no_malformed", length=len(tax_no))
    if options.strict_tax_no and needed and taxpayer.fails_check_digit(tax_no):
        return unfit("buyer_tax_no_check_digit")
    return None


def _check_remark(order: InvoiceOrder, options: MappingOptions) -> Unfitness | None:
    length = len(_remark(order))
    if length <= options.remark_limit or options.cut_remark:
        return None
    return unfit("remark_too_long", length=length, limit=options.remark_limit)


def _remark(order: InvoiceOrder) -> str:
    return texts.clean(order.remark, breaks=" ")


def _check_blue(order: InvoiceOrder, options: MappingOptions) -> Unfitness | None:
    """A red invoice names its blue one: 20 digits, or 8 with the code."""
    if not order.is_red:
        return None
    blue = blue_of(order)
    if not blue.number:
        return unfit("red_without_blue")
    if number_kind(blue.number, blue.code) == "needs_attention":
        return unfit("blue_number_malformed", number=blue.number, invoice_code=blue.code)
    return None


def blue_of(order: InvoiceOrder) -> BlueRef:
    """The blue invoice an order names, checked or not; WDT leaves both fields out where they are null."""
    return BlueRef(texts.clean(order.relation_invoice_no), texts.clean(order.relation_invoice_code))


#: In this order; the first that speaks holds the order. The count comes first, before anything walks the lines.
_CHECKS: tuple[Callable[[InvoiceOrder, MappingOptions], Unfitness | None], ...] = (
    _check_count,
    _check_texts,
    _check_seller,
    _check_buyer_name,
    _check_buyer_tax_no,
    _check_remark,
    _check_blue,
)


def _lines(order: InvoiceOrder, header: Totals, options: MappingOptions) -> tuple[RequestLine, ...] | Unfitness:
    """The lines as they will be printed, once they agree with the header."""
    entries = detail.read(order.lines, red=order.is_red)
    if isinstance(entries, Unfitness):
        return entries
    entries = discount.normalise(
        entries, header.discount, header.discount_tax, allocate=options.allocate_header_discount
    )
    if isinstance(entries, Unfitness):
        return entries
    if held := money.check(entries, header):
        return held
    if order.is_red:  # netting adds up two rounded taxes
        entries = discount.netted(entries)
        if held := money.first_unfit(money.check_line(e) for e in entries):
            return held
    if held := detail.check_count(len(entries)):  # splitting makes two lines of one
        return held
    lines = detail.printed(entries, order.lines, {**detail.ZERO_RATE_RULES, **options.zero_rate_rules})
    if isinstance(lines, Unfitness) or not order.is_red:
        return lines
    return tuple(detail.negative(line) for line in lines)


def _request(
    order: InvoiceOrder, kind: Kind, header: Totals, lines: tuple[RequestLine, ...], options: MappingOptions
) -> InvoiceRequest:
    buyer = _buyer(order.payer)
    is_company = order.business_type == _COMPANY or taxpayer.is_uscc(buyer.tax_no)
    sign = -1 if order.is_red else 1
    return InvoiceRequest(
        order_no=order.no,
        colour=Colour.RED if order.is_red else Colour.BLUE,
        kind=kind,
        seller=_seller(order.payee, options),
        buyer=buyer,
        buyer_is_company=is_company,
        natural_person=not is_company and kind not in SPECIAL and _is_natural_person(buyer, options),
        drawer=texts.clean(order.operator) or options.drawer,
        payee=texts.clean(order.receiver),
        checker=texts.clean(order.checker),
        remark=texts.cut(_remark(order), options.remark_limit),
        ordered_at=order.created_at,
        mobile=texts.mobile(order.payer.phone),
        lines=lines,
        net=sign * header.sum_price,
        tax=sign * header.sum_tax,
        total=sign * header.invoice_amount,
        blue=blue_of(order) if order.is_red else None,
    )


def _is_natural_person(buyer: Party, options: MappingOptions) -> bool:
    """Of a buyer who is no company: 1 in `auto` only without a tax number."""
    if options.natural_person == "auto":
        return not buyer.tax_no
    return options.natural_person == "always"


def _buyer(payer: Party) -> Party:
    return Party(
        name=texts.clean(payer.name),
        tax_no=taxpayer.normalise(payer.tax_no),
        address=texts.clean(payer.address),
        phone=texts.clean(payer.phone),
        bank_name=texts.clean(payer.bank_name),
        bank_account=texts.clean(payer.bank_account),
        email=texts.email(payer.email),
    )


def _seller(payee: Party, options: MappingOptions) -> Party:
    """As the order says it, the account's particulars where it says nothing; the tax number is the account's."""
    return Party(
        name=texts.clean(payee.name),
        tax_no=taxpayer.normalise(options.tax_no),
        address=texts.clean(payee.address) or options.seller_address,
        phone=texts.clean(payee.phone) or options.seller_phone,
        bank_name=texts.clean(payee.bank_name) or options.seller_bank_name,
        bank_account=texts.clean(payee.bank_account) or options.seller_bank_account,
    )
