"""The last look at the money: the very bytes that are about to leave are read again and compared with the order.

Mapping and codec have checked all of this before. The guard shares nothing with them but the tolerances, so that a
mistake in either, or a byte that changed on the disk, ends in a held order and not in a wrong invoice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from syncd.domain.money import PRICE_TOLERANCE, TAX_TOLERANCE, ZERO, decimals, first_unfit, is_sane, times, totals
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
class Wanted:
    """What the order's header asks for, in cents; negative for a red order. None where only the total is known."""

    total: Decimal
    net: Decimal | None = None
    tax: Decimal | None = None


def wanted(order: InvoiceOrder) -> Wanted | Unfitness:
    """The three figures of an order, straight from its header."""
    header = totals(order)
    if isinstance(header, Unfitness):
        return header
    sign = -1 if order.is_red else 1
    return Wanted(sign * header.invoice_amount, sign * header.sum_price, sign * header.sum_tax)


def guard(lines: Sequence[PrintedLine], asked: Wanted) -> Unfitness | None:
    """None when the bytes say exactly what the order says, else what differs. Never raises."""
    if not lines:
        return unfit("request_differs", field="detail_list", expected="1", given="0")
    return (
        first_unfit(_line(place, line, asked) for place, line in enumerate(lines, start=1))
        or _discounts(lines)
        or _sums(lines, asked)
    )


def _line(place: int, line: PrintedLine, asked: Wanted) -> Unfitness | None:
    for name, figure in (("sum_price", line.net), ("tax", line.tax), ("sum_amount", line.gross)):
        if not is_sane(figure) or decimals(figure) > 2:
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
