from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from orders import RATES, line, order_of
from rule_vectors import vectors

from syncd.domain import detail, discount, money
from syncd.domain.money import ZERO, Entry, Totals
from syncd.domain.order import InvoiceOrder, Line
from syncd.domain.unfit_texts import Unfitness

TEN_OFF: dict[str, Any] = {"sum_price": Decimal(-10), "tax": Decimal("-1.30"), "sum_amount": Decimal("-11.30")}


def head(name: str = "demo goods", **changes: Any) -> Line:
    return line(item_name=name, row_type=2, **changes)


def cut(name: str = "demo goods", **changes: Any) -> Line:
    return line(item_name=name, row_type=1, **({"num": None, "price": None} | TEN_OFF | changes))


def read(*lines: Line, red: bool = False) -> tuple[Entry, ...]:
    entries = detail.read(lines, red=red)
    assert not isinstance(entries, Unfitness)
    return entries


def normalise(*lines: Line, allocate: bool = False, **header: Any) -> tuple[Entry, ...] | Unfitness:
    """What becomes of an order of these lines, whose header agrees with them unless `header` says otherwise."""
    order = order_of(*lines, **header)
    return discount.normalise(read(*lines), order.discount, order.discount_tax, allocate=allocate)


def shape(found: tuple[Entry, ...] | Unfitness) -> list[tuple[int, str, Decimal]]:
    assert not isinstance(found, Unfitness)
    return [(e.row_type, e.name, e.net) for e in found]


def code(found: object) -> str:
    assert isinstance(found, Unfitness)
    return found.code


@vectors("discount_example")
def test_the_worked_example_is_two_lines_on_blue_and_one_on_red(vector: dict[str, Any]) -> None:
    rows = [{k: int(v) if k == "row_type" else Decimal(v) for k, v in row.items()} for row in vector["inputs"]["lines"]]
    rate = Decimal(vector["inputs"]["rate"])
    lines = [line(**({"num": None, "price": None, "tax_rate": rate} | row)) for row in rows]
    expected = vector["expected"]

    found = normalise(*lines)

    assert not isinstance(found, Unfitness)
    assert [
        {
            "invoiceLineProperty": str(e.row_type),
            **({"price": str(e.price), "num": str(e.num)} if e.num is not None else {}),
            "taxExcludedAmount": str(e.net),
            "tax": str(e.tax),
            "taxIncludedAmount": str(e.gross),
        }
        for e in found
    ] == expected["nuonuo"]
    totals = {name: str(sum(getattr(e, name) for e in found)) for name in ("net", "tax", "gross")}
    assert totals == expected["totals"]
    netted = discount.netted(found)
    printed = [detail.negative(x) for x in _printed(netted, lines)]
    assert [{name: str(getattr(x, name)) for name in expected["red_line"]} for x in printed] == [expected["red_line"]]


def _printed(entries: tuple[Entry, ...], lines: list[Line]) -> Any:
    printed = detail.printed(entries, lines, {})
    assert not isinstance(printed, Unfitness)
    return printed


def test_a_positive_discount_line_with_number_and_price_becomes_a_bare_negative_one() -> None:
    positive = cut(num=Decimal(1), price=Decimal(10), **{k: -v for k, v in TEN_OFF.items()})

    found = normalise(head(), positive)

    assert not isinstance(found, Unfitness)
    assert (found[1].net, found[1].tax, found[1].gross) == tuple(TEN_OFF.values())
    assert (found[1].num, found[1].price) == (None, None)


@pytest.mark.parametrize(
    "lines",
    [
        (cut(), head()),
        (cut("b"), head(), cut(), head("b")),
        (head(), head("b"), cut("b"), cut()),
        (cut(), line(item_name="c"), head()),
    ],
)
def test_a_misplaced_discount_line_moves_behind_the_only_line_it_can_mean(lines: tuple[Line, ...]) -> None:
    found = shape(normalise(*lines))

    expected = []
    for x in lines:
        if x.row_type != 1:
            expected.append((x.row_type, x.item_name, Decimal(100)))
        if x.row_type == 2:
            expected.append((1, x.item_name, Decimal(-10)))
    assert found == expected


def test_two_discounted_lines_of_one_name_keep_the_discount_that_follows_each() -> None:
    found = shape(normalise(head(), cut(), head(), cut(sum_price=Decimal(-20))))

    assert [net for _, _, net in found] == [100, -10, 100, -20]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((head(), head(), cut()), "discounted_line_alone"),
        ((cut(), head(), head()), "discount_ambiguous"),
        ((cut(), head(), cut(), head()), "discount_ambiguous"),
        ((head(), cut(), cut()), "discount_ambiguous"),
        ((head(),), "discounted_line_alone"),
        ((line(), cut()), "discount_line_astray"),
        ((cut(),), "discount_line_astray"),
        ((head(), cut("b")), "discount_line_astray"),
        ((head(), cut(tax_rate=Decimal("0.09"))), "discount_line_astray"),
        ((head(), cut(tax_code="304")), "discount_line_astray"),
        ((head(), cut(sum_price=Decimal("-100.01"))), "discount_too_large"),
        ((head(), cut(tax=Decimal("-13.01"))), "discount_too_large"),
        ((head(), cut(sum_amount=Decimal("-113.01"))), "discount_too_large"),
        ((head(discount=Decimal(11), discount_tax=Decimal("1.30")), cut()), "discount_ambiguous"),
        ((head(), cut(discount=Decimal(5))), "discount_ambiguous"),
        ((head(), cut(), line(item_name="c", discount=Decimal(1))), "discount_ambiguous"),
    ],
)
def test_a_discount_that_could_mean_two_things_or_none_is_held(lines: tuple[Line, ...], expected: str) -> None:
    assert code(normalise(*lines)) == expected


def test_a_whole_line_may_be_discounted_away() -> None:
    whole = cut(sum_price=Decimal(-100), tax=Decimal(-13), sum_amount=Decimal(-113))

    assert [net for _, _, net in shape(normalise(head(), whole, line()))] == [100, -100, 100]


@pytest.mark.parametrize("row_type", [0, 2])
def test_a_line_that_says_its_own_discount_is_split_in_two(row_type: int) -> None:
    off = line(row_type=row_type, discount=Decimal(10), discount_tax=Decimal("1.30"))

    found = normalise(off, line(item_name="b"))

    assert not isinstance(found, Unfitness)
    assert [(e.row_type, e.net, e.tax, e.gross) for e in found] == [
        (2, Decimal(100), Decimal(13), Decimal(113)),
        (1, Decimal(-10), Decimal("-1.30"), Decimal("-11.30")),
        (0, Decimal(100), Decimal(13), Decimal(113)),
    ]


def test_a_discount_said_twice_is_taken_off_once() -> None:
    off = head(discount=Decimal(10), discount_tax=Decimal("1.30"))

    assert [net for _, _, net in shape(normalise(off, cut()))] == [100, -10]


def test_a_header_discount_no_line_carries_is_held_unless_it_may_be_spread() -> None:
    header: dict[str, Any] = {"discount": Decimal(10), "discount_tax": Decimal("1.30")}

    assert normalise(line(), **header) == Unfitness("discount_unallocated", (("discount", "10"),))
    assert [net for _, _, net in shape(normalise(line(), allocate=True, **header))] == [100, -10]


def test_a_spread_discount_is_shared_by_rate_and_amount() -> None:
    at_nine = {"tax_rate": Decimal("0.09"), "tax": Decimal(9), "sum_amount": Decimal(109)}
    lines = (line(), line(**at_nine), line(sum_price=Decimal(200), tax=Decimal(26), sum_amount=Decimal(226)))

    found = normalise(*lines, allocate=True, discount=Decimal(40), discount_tax=Decimal("4.80"))

    assert not isinstance(found, Unfitness)
    assert [(e.net, e.tax) for e in found if e.row_type == 1] == [
        (Decimal(-10), Decimal("-1.30")),
        (Decimal(-10), Decimal("-0.90")),
        (Decimal(-20), Decimal("-2.60")),
    ]


def test_a_cent_is_spread_over_one_line_and_the_others_stay_as_they_are() -> None:
    found = shape(normalise(*[line()] * 5, allocate=True, discount=Decimal("0.01"), discount_tax=ZERO))

    assert [row_type for row_type, _, _ in found].count(1) == 1
    assert sum((net for row_type, _, net in found if row_type == 1), ZERO) == Decimal("-0.01")


@given(
    amounts=st.lists(st.tuples(st.integers(100_00, 10**7), st.sampled_from(RATES)), min_size=1, max_size=40),
    share=st.integers(1, 900),
)
@settings(max_examples=150, deadline=None)
def test_a_spread_discount_is_spent_to_the_cent_and_breaks_no_rule(amounts: list[tuple[int, str]], share: int) -> None:
    lines = [_taxed(Decimal(net).scaleb(-2), Decimal(rate)) for net, rate in amounts]
    off = dict.fromkeys((rate for _, rate in amounts), ZERO)
    for x, (_, rate) in zip(lines, amounts, strict=True):
        off[rate] += money.portion(x.sum_price or ZERO, Decimal(share), Decimal(1000))
    taxes = sum((money.rounded_tax(net, Decimal(rate)) for rate, net in off.items()), ZERO)
    order = _discounted(order_of(*lines), sum(off.values(), ZERO), taxes)
    header = money.totals(order)
    assert isinstance(header, Totals)

    found = discount.normalise(read(*lines), order.discount, order.discount_tax, allocate=True)

    assert not isinstance(found, Unfitness)
    assert money.check(found, header) is None


def _discounted(order: InvoiceOrder, off: Decimal, off_tax: Decimal) -> InvoiceOrder:
    net, tax = (order.sum_price or ZERO) - off, (order.sum_tax or ZERO) - off_tax
    return replace(order, discount=off, discount_tax=off_tax, sum_price=net, sum_tax=tax, invoice_amount=net + tax)


def _taxed(net: Decimal, rate: Decimal) -> Line:
    tax = money.rounded_tax(net, rate)
    return line(sum_price=net, tax=tax, sum_amount=net + tax, tax_rate=rate)


def test_on_red_a_line_discounted_to_nothing_is_not_printed() -> None:
    whole = cut(sum_price=Decimal(-100), tax=Decimal(-13), sum_amount=Decimal(-113))
    found = normalise(head(), whole, line(item_name="b"))
    assert not isinstance(found, Unfitness)

    assert [(e.row_type, e.name, e.net) for e in discount.netted(found)] == [(0, "b", Decimal(100))]


def test_sums_of_discount_lines_must_be_the_headers() -> None:
    lines = (head(), cut())
    found = normalise(*lines)
    totals = money.totals(order_of(*lines))
    assert isinstance(totals, Totals)
    assert not isinstance(found, Unfitness)

    assert money.check(found, totals) is None
    assert code(money.check(found, replace(totals, discount=Decimal(11)))) == "discount_differs"
    assert code(money.check(found, replace(totals, discount_tax=Decimal(2)))) == "discount_tax_differs"
