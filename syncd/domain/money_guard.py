"""The last look at the money: the very bytes that are about to leave are read again and compared with the order.

Mapping and codec have checked all of this before. The guard shares nothing with them but the tolerances, so that a
mistake in either, or a byte that changed on the disk, ends in a held order and not in a wrong invoice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from syncd.domain.invoice import BlueRef
from syncd.domain.money import PRICE_TOLERANCE, TAX_TOLERANCE, ZERO, first_unfit, has_places, is_sane, times, totals
from syncd.domain.order import InvoiceOrder, RowType
from syncd.domain.unfit_texts import Unfitness, unfit


@dataclass(frozen=True, slots=True)
class PrintedLine:
    """One line as the issuer's own format has it, read back from the bytes."""

    property: int
    rate: Decimal
    net: Decimal
    tax: Decimal
    gross: Decimal
    num: Decimal | None = None
    price: Decimal | None = None


@dataclass(frozen=True, slots=True)
class PrintedForm:
    """An application for a red invoice as the issuer's own format has it, read back from the bytes.

    `in_full`: it names no lines, so the whole blue invoice is reversed, whatever its total is.
    """

    blue: BlueRef
    seller_tax_no: str
    in_full: bool


Printed = Sequence[PrintedLine] | PrintedForm


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the order's header asks for, in cents; negative for a red order. None where only the total is known.

    `blue` and `blue_total` are of a red order: the invoice it names, and what that one really amounts to.
    """

    total: Decimal
    net: Decimal | None = None
    tax: Decimal | None = None
    blue: BlueRef | None = None
    blue_total: Decimal | None = None


def wanted(order: InvoiceOrder, blue_total: Decimal | None = None) -> Wanted | Unfitness:
    """The three figures of an order, straight from its header; of a red one also what it is to reverse."""
    header = totals(order)
    if isinstance(header, Unfitness):
        return header
    if not order.is_red:
        return Wanted(header.invoice_amount, header.sum_price, header.sum_tax)
    figures = -header.invoice_amount, -header.sum_price, -header.sum_tax
    return Wanted(*figures, blue=_named(order), blue_total=blue_total)


def _named(order: InvoiceOrder) -> BlueRef:
    """The digits of the blue invoice that a red order names."""
    number, code = order.relation_invoice_no, order.relation_invoice_code
    return BlueRef(*("".join(sign for sign in text if sign in "0123456789") for text in (number, code)))


def guard(printed: Printed, asked: Wanted) -> Unfitness | None:
    """None when the bytes say exactly what the order says, else what differs. Never raises."""
    if isinstance(printed, PrintedForm):
        return _form(printed, asked)
    return _invoice(printed, asked)


def _form(form: PrintedForm, asked: Wanted) -> Unfitness | None:
    """A form says no figure: it takes back all of the blue one it names, so that must be what the order takes back."""
    if asked.blue is None or form.blue != asked.blue:
        return unfit("request_differs", field="relation_invoice_no_out", expected=str(asked.blue), given=str(form.blue))
    if not form.in_full or asked.blue_total is None or asked.total != -asked.blue_total or asked.total >= 0:
        expected = "?" if asked.blue_total is None else -asked.blue_total
        return unfit("request_differs", field="invoice_amount", expected=expected, given=asked.total)
    return None


def _invoice(lines: Sequence[PrintedLine], asked: Wanted) -> Unfitness | None:
    if not lines:
        return unfit("request_differs", field="detail_list", expected="1", given="0")
    return (
        first_unfit(_line(place, line, asked) for place, line in enumerate(lines, start=1))
        or _discounts(lines)
        or _sums(lines, asked)
    )


def _line(place: int, line: PrintedLine, asked: Wanted) -> Unfitness | None:
    for name, figure in (("sum_price", line.net), ("tax", line.tax), ("sum_amount", line.gross)):
        if not is_sane(figure) or not has_places(figure, 2):
            return unfit("request_differs", field=_field(place, name), expected="0.01", given=figure)
    if not is_sane(line.rate) or not 0 <= line.rate < 1:
        return unfit("request_differs", field=_field(place, "tax_rate"), expected="0 ≤ x < 1", given=line.rate)
    takes_back = (line.property == RowType.DISCOUNT) is (asked.total > 0)
    if line.net == ZERO or (line.net < 0) is not takes_back:
        return unfit("request_differs", field=_field(place, "sum_price"), expected="±", given=line.net)
    sums = (
        ("sum_amount", line.net + line.tax, line.gross, ZERO),
        ("tax", times(line.net, line.rate), line.tax, TAX_TOLERANCE),
    )
    for name, expected, given, tolerance in sums:
        if abs(expected - given) > tolerance:
            return unfit("request_differs", field=_field(place, name), expected=expected, given=given)
    return _price(place, line)


def _price(place: int, line: PrintedLine) -> Unfitness | None:
    if line.num is None and line.price is None:
        return None
    both = line.num is not None and line.price is not None and is_sane(line.num) and is_sane(line.price)
    made = times(line.num or ZERO, line.price or ZERO) if both else ZERO
    if not both or (line.price or ZERO) <= 0 or abs(made - line.net) > PRICE_TOLERANCE:
        return unfit("request_differs", field=_field(place, "price"), expected=line.net, given=made)
    return None


def _discounts(lines: Sequence[PrintedLine]) -> Unfitness | None:
    """A discount stands directly behind its discounted line and takes no more than there is."""
    for place, (before, line) in enumerate(zip((None, *lines), (*lines, None), strict=True), start=1):
        discounted = before is not None and before.property == RowType.DISCOUNTED
        is_discount = line is not None and line.property == RowType.DISCOUNT
        if discounted is not is_discount:
            given = "" if line is None else str(line.property)
            return unfit("request_differs", field=_field(place, "row_type"), expected=str(int(discounted)), given=given)
        if before is not None and line is not None and is_discount and abs(line.net) > abs(before.net):
            return unfit("request_differs", field=_field(place, "sum_price"), expected=before.net, given=line.net)
    return None


def _sums(lines: Sequence[PrintedLine], asked: Wanted) -> Unfitness | None:
    sums: tuple[tuple[str, Decimal | None, Decimal], ...] = (
        ("sum_price", asked.net, sum((line.net for line in lines), ZERO)),
        ("sum_tax", asked.tax, sum((line.tax for line in lines), ZERO)),
        ("invoice_amount", asked.total, sum((line.gross for line in lines), ZERO)),
    )
    return first_unfit(
        unfit("request_differs", field=field, expected=expected or ZERO, given=given)
        for field, expected, given in sums
        if expected is not None and expected != given
    )


def _field(place: int, name: str) -> str:
    return f"detail_list.{place}.{name}"
