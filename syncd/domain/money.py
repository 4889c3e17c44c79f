"""Amounts: what may be printed, what must add up, and by how much it may be off (R1–R5, R8).

Money is Decimal with two decimals. Tax is never computed anew: WDT's own sample carries 0.47 on 3.53 at 13 %.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal

from syncd.domain.order import InvoiceOrder, RowType
from syncd.domain.unfit_texts import Unfitness, unfit

CENT = Decimal("0.01")
#: R2: how far a line's tax may lie from net × rate (Nuonuo E9131, Piaotong 8011).
TAX_TOLERANCE = Decimal("0.06")
#: R4: how far price × number may lie from the line's amount.
PRICE_TOLERANCE = Decimal("0.01")
PRICE_DECIMALS = 8
ZERO = Decimal(0)
_ONE = Decimal(1)
_NOTHING = Decimal("0.00")

#: Wide enough that nothing WDT can send (19 digits each) is rounded on the way; the host's own context is not used.
_EXACT = Context(prec=60, rounding=ROUND_HALF_UP)
#: 1, 0.1, 0.01 …: what a number with so many digits after its point is a multiple of.
_UNITS = tuple(_ONE.scaleb(-places) for places in range(PRICE_DECIMALS + 1))
#: WDT's amounts are Decimal(19,4): fifteen digits before the point.
_DIGITS = 15


@dataclass(frozen=True, slots=True)
class Totals:
    """The seven figures of a header, in cents; positive for a red order too."""

    goods_amount: Decimal
    goods_tax: Decimal
    discount: Decimal
    discount_tax: Decimal
    sum_price: Decimal
    sum_tax: Decimal
    invoice_amount: Decimal


@dataclass(frozen=True, slots=True)
class Entry:
    """A detail line that can be read: its amounts are known and in cents, its code has 19 digits.

    `line` is its place in WDT's list, from 1. `discount` is what the line itself says was taken off it.
    """

    line: int
    row_type: int
    name: str
    tax_code: str
    rate: Decimal
    num: Decimal | None
    price: Decimal | None
    net: Decimal
    tax: Decimal
    gross: Decimal
    discount: Decimal = ZERO
    discount_tax: Decimal = ZERO


def is_sane(value: Decimal) -> bool:
    """Whether `value` is a finite number that WDT's columns could hold; nothing else is safe to reckon with."""
    return value.is_finite() and (not value or value.adjusted() < _DIGITS)


def has_places(value: Decimal, places: int) -> bool:
    """Whether a sane `value` can be written with so many digits after its point, or fewer."""
    return rounded(value, places) == value


def plain(value: Decimal) -> Decimal:
    """A sane number without trailing zeros and without an exponent: 0.1300 as 0.13, 1E+2 as 100."""
    whole = value.quantize(_ONE, None, _EXACT)
    return whole if whole == value else value.normalize(_EXACT)


def rounded(value: Decimal, places: int = 2) -> Decimal:
    """A sane `value` rounded half up, as every party here rounds."""
    return value.quantize(_UNITS[places], None, _EXACT)


def times(left: Decimal, right: Decimal) -> Decimal:
    """The product, unrounded for anything WDT can send."""
    return _EXACT.multiply(left, right)


def cents(value: Decimal | None) -> Decimal | None:
    """An amount in cents; None where it is none: `read` says why."""
    if value is None:
        return None
    if not value:
        return _NOTHING  # no "-0.00" on an invoice
    if not value.is_finite() or value.adjusted() >= _DIGITS:
        return None
    found = value.quantize(CENT, None, _EXACT)
    return found if found == value else None


def read(value: Decimal | None, field: str) -> Decimal | Unfitness:
    """An amount in cents. Never rounded: 3.5301 is somebody's mistake, and holds the order."""
    found = cents(value)
    if found is not None:
        return found
    if value is None:
        return unfit("amount_missing", field=field)
    if not is_sane(value):
        return unfit("amount_out_of_range", field=field)
    return unfit("amount_not_in_cents", field=field, amount=value)


def first_unfit(findings: Iterable[object]) -> Unfitness | None:
    """The first reason to hold among results of checks."""
    return next((found for found in findings if isinstance(found, Unfitness)), None)


def rounded_tax(net: Decimal, rate: Decimal) -> Decimal:
    """What exact rounding of net × rate would give. For comparing only, never for sending."""
    return rounded(times(net, rate))


def sum_fits(net: Decimal, tax: Decimal, gross: Decimal) -> bool:
    """R1: net + tax is gross, exactly."""
    return net + tax == gross


def tax_fits(net: Decimal, rate: Decimal, tax: Decimal) -> bool:
    """R2: tax within 0.06 of net × rate; at rate 0 there is no tax at all, whatever rounding."""
    if not rate:
        return not tax
    return abs(times(net, rate) - tax) <= TAX_TOLERANCE


def portion(total: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """`part` of `whole`, of `total`, in cents."""
    return rounded(_EXACT.divide(times(total, part), whole))


def split_gross(gross: Decimal, rate: Decimal) -> tuple[Decimal, Decimal]:
    """R5: net and tax of an amount that includes tax. Only where a party gave the gross amount alone."""
    net = rounded(_EXACT.divide(gross, 1 + rate))
    return net, gross - net


def recompute_price(amount: Decimal, num: Decimal, places: int = PRICE_DECIMALS) -> Decimal:
    """The unit price that gives `amount` again. WDT's four decimals fail from about 200 pieces up. `num` is not 0."""
    return plain(rounded(_EXACT.divide(amount, num), places))


def price_fits(price: Decimal, num: Decimal, net: Decimal) -> bool:
    """R4: a positive price of at most eight decimals, and price × num within 0.01 of the line's amount."""
    return price > ZERO and has_places(price, PRICE_DECIMALS) and abs(times(price, num) - net) <= PRICE_TOLERANCE


def fitting(num: Decimal | None, price: Decimal | None, net: Decimal) -> tuple[Decimal, Decimal] | tuple[None, None]:
    """Number and price as they can be printed beside `net`: as given, with a recomputed price, or neither.

    An issuer takes both or neither; the amounts are mandatory anyway and stay as they are.
    """
    if num is None or price is None or not _is_printable(num):
        return None, None
    if price_fits(price, num, net):
        return plain(num), plain(price)
    recomputed = recompute_price(net, num)
    return (plain(num), recomputed) if price_fits(recomputed, num, net) else (None, None)


def _is_printable(num: Decimal) -> bool:
    return num > ZERO and has_places(num, PRICE_DECIMALS)


def one_sign(figures: Sequence[tuple[str, Decimal]]) -> Unfitness | None:
    """Figures of one thing point one way; which way is not stated for red orders and discount lines."""
    positive = sum(1 for _, figure in figures if figure > 0)
    negative = sum(1 for _, figure in figures if figure < 0)
    if not positive or not negative:
        return None
    odd = next((f, a) for f, a in figures if (a < 0 if positive >= negative else a > 0))
    return unfit("signs_mixed", field=odd[0], amount=odd[1])


def totals(order: InvoiceOrder) -> Totals | Unfitness:
    """The header's figures, once they are all there, in cents and agree among themselves.

    A red order's are turned positive: its sign is not stated in seed wdt-search §4.
    """
    figures: list[Decimal] = []
    fields = Totals.__dataclass_fields__
    for field in fields:
        figure = read(getattr(order, field), field)
        if isinstance(figure, Unfitness):
            return figure
        figures.append(figure)
    if order.is_red:
        named = [(field, f) for field, f in zip(fields, figures, strict=True) if not field.startswith("discount")]
        if mixed := one_sign(named):
            return mixed
        figures = [abs(figure) for figure in figures]
    header = Totals(*figures)
    return check_header(header) or header


def check_header(header: Totals) -> Unfitness | None:
    """The identities given in seed wdt-search §4, and something to issue at all."""
    equal = (
        ("net_total_differs", header.goods_amount - header.discount, header.sum_price),
        ("tax_total_differs", header.goods_tax - header.discount_tax, header.sum_tax),
        ("gross_total_differs", header.sum_price + header.sum_tax, header.invoice_amount),
    )
    for code, expected, given in equal:
        if expected != given:
            return unfit(code, expected=expected, given=given)
    if header.invoice_amount <= 0:
        return unfit("amount_not_positive", amount=header.invoice_amount)
    return None


def check_line(entry: Entry) -> Unfitness | None:
    """R1, R2 and R8 of one line, discount lines being negative by now. R4 is kept by `fitting`."""
    amount = -entry.net if entry.row_type == RowType.DISCOUNT else entry.net
    if amount <= 0:
        return unfit("line_amount_not_positive", line=entry.line, amount=amount)
    if not sum_fits(entry.net, entry.tax, entry.gross):
        return unfit("line_sum_differs", line=entry.line, expected=entry.net + entry.tax, given=entry.gross)
    if not tax_fits(entry.net, entry.rate, entry.tax):
        return unfit("line_tax_off", line=entry.line, expected=rounded_tax(entry.net, entry.rate), given=entry.tax)
    return None


def check_sums(entries: Sequence[Entry], header: Totals) -> Unfitness | None:
    """R3: goods and discount lines, each summed, are the header's.

    With the header's identities this makes the signed sums net, tax and total as well.
    """
    goods = [e for e in entries if e.row_type != RowType.DISCOUNT]
    discounts = [e for e in entries if e.row_type == RowType.DISCOUNT]
    equal = (
        ("goods_amount_differs", sum((e.net for e in goods), ZERO), header.goods_amount),
        ("goods_tax_differs", sum((e.tax for e in goods), ZERO), header.goods_tax),
        ("discount_differs", -sum((e.net for e in discounts), ZERO), header.discount),
        ("discount_tax_differs", -sum((e.tax for e in discounts), ZERO), header.discount_tax),
    )
    return first_unfit(
        unfit(code, expected=expected, given=given) for code, expected, given in equal if expected != given
    )


def check(entries: Sequence[Entry], header: Totals) -> Unfitness | None:
    """Every line, then their sums; `entries` as `discount.normalise` left them."""
    for entry in entries:
        if held := check_line(entry):
            return held
    return check_sums(entries, header)
