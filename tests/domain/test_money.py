from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from orders import line, order_of, red, sample_order
from rule_vectors import vectors

from syncd.domain import detail, money
from syncd.domain.money import Totals
from syncd.domain.order import InvoiceOrder
from syncd.domain.unfit_texts import Unfitness


def amounts(texts: Mapping[str, Any]) -> dict[str, Decimal]:
    return {name: Decimal(text) for name, text in texts.items()}


@vectors("line_check")
def test_a_line_is_checked_as_issuers_check_it(vector: dict[str, Any]) -> None:
    line = amounts(vector["inputs"])
    expected = vector["expected"]

    assert money.sum_fits(line["net"], line["tax"], line["gross"]) is expected["r1_ok"]
    assert money.rounded_tax(line["net"], line["rate"]) == Decimal(expected["rounded_tax"])
    assert abs(money.times(line["net"], line["rate"]) - line["tax"]) == Decimal(expected["tax_diff"])
    assert money.tax_fits(line["net"], line["rate"], line["tax"]) is expected["r2_ok"]


@vectors("per_line_tax")
def test_tax_is_a_rounding_of_each_line_and_not_of_their_sum(vector: dict[str, Any]) -> None:
    nets = [Decimal(net) for net in vector["inputs"]["nets"]]
    rate = Decimal(vector["inputs"]["rate"])

    by_line = sum(money.rounded_tax(net, rate) for net in nets)

    assert by_line == Decimal(vector["expected"]["sum_of_line_taxes"])
    assert money.rounded_tax(sum(nets, money.ZERO), rate) == Decimal(vector["expected"]["tax_of_sum"])


@vectors("gross_split")
def test_a_gross_amount_is_split_into_net_and_the_rest(vector: dict[str, Any]) -> None:
    gross, rate = Decimal(vector["inputs"]["gross"]), Decimal(vector["inputs"]["rate"])

    net, tax = money.split_gross(gross, rate)

    assert (net, tax) == (Decimal(vector["expected"]["net"]), Decimal(vector["expected"]["tax"]))
    assert money.rounded_tax(net, rate) == Decimal(vector["expected"]["net_times_rate"])


@vectors("price_recompute")
def test_a_price_of_eight_decimals_gives_the_amount_again(vector: dict[str, Any]) -> None:
    given, expected = vector["inputs"], amounts(vector["expected"])
    amount, num = Decimal(given["amount"]), Decimal(given["num"])

    price = money.recompute_price(amount, num, given["decimals"])
    short = money.recompute_price(amount, num, 4)

    assert price == expected["price"]
    assert money.rounded(price * num) == expected["product"]
    assert (short, money.rounded(short * num)) == (expected["wdt_price_4"], expected["product_4"])
    assert money.fitting(num, short, amount) == (num, price)


@given(net=st.integers(1, 10**9), num=st.integers(1, 10**9))
@settings(max_examples=200, deadline=None)
def test_number_and_price_are_printed_together_and_fit_or_not_at_all(net: int, num: int) -> None:
    amount, quantity = Decimal(net).scaleb(-2), Decimal(num).scaleb(-4)
    price = money.rounded(amount / quantity, 4)

    printed, printed_price = money.fitting(quantity, price, amount)

    if printed is None or printed_price is None:
        assert (printed, printed_price) == (None, None)
    else:
        assert printed == quantity
        assert printed_price > 0
        assert money.has_places(printed_price, 8)
        assert abs(printed * printed_price - amount) <= Decimal("0.01")


@pytest.mark.parametrize(
    ("num", "price", "net", "printed"),
    [
        ("2", "50", "100", ("2", "50")),
        ("2", "50.0050", "100", ("2", "50.005")),  # exactly 0.01 off
        ("2", "50.0051", "100", ("2", "50")),
        ("0", "50", "100", None),
        (None, "50", "100", None),
        ("2", None, "100", None),
        ("3", "0", "0.01", ("3", "0.00333333")),
        ("900000000", "0.0001", "0.01", None),  # eight decimals show no price at all
        ("0.000000001", "1", "100", None),  # nine decimals of quantity
        ("7000000", "0.0001", "1000.05", None),  # even eight decimals miss
    ],
)
def test_a_price_that_does_not_fit_is_recomputed_or_left_out_with_its_number(
    num: str | None, price: str | None, net: str, printed: tuple[str, str] | None
) -> None:
    given = [None if text is None else Decimal(text) for text in (num, price)]

    fitted = money.fitting(given[0], given[1], Decimal(net))

    expected = (None, None) if printed is None else (Decimal(printed[0]), Decimal(printed[1]))
    assert fitted == expected


@pytest.mark.parametrize(
    ("text", "places"),
    [("3.53", 2), ("3.5300", 2), ("3.5301", 4), ("1E+2", 0), ("100", 0), ("0.0000", 0), ("0E+9", 0), ("1E-30", 30)],
)
def test_decimals_are_counted_without_trailing_zeros(text: str, places: int) -> None:
    enough = [money.has_places(Decimal(text), most) for most in range(9)]

    assert enough == [most >= places for most in range(9)]


@pytest.mark.parametrize(("text", "written"), [("0.1300", "0.13"), ("1E+2", "100"), ("2.0000", "2"), ("0.000", "0")])
def test_a_plain_number_is_written_without_zeros_or_exponent(text: str, written: str) -> None:
    assert str(money.plain(Decimal(text))) == written


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (None, "amount_missing"),
        ("3.5301", "amount_not_in_cents"),
        ("NaN", "amount_out_of_range"),
        ("-Infinity", "amount_out_of_range"),
        ("1e400", "amount_out_of_range"),
        ("12345678901234567890", "amount_out_of_range"),
        ("1e-999999", "amount_not_in_cents"),
    ],
)
def test_an_amount_that_is_no_money_is_never_rounded_into_some(given: str | None, code: str) -> None:
    found = money.read(None if given is None else Decimal(given), "tax")

    assert isinstance(found, Unfitness)
    assert (found.code, dict(found.facts)["field"]) == (code, "tax")


def test_four_decimals_that_are_zeros_are_cents_and_zero_has_no_sign() -> None:
    assert str(money.read(Decimal("3.5300"), "tax")) == "3.53"
    assert str(money.read(Decimal("-0.0000"), "tax")) == "0.00"


def test_tax_at_rate_zero_is_zero_whatever_the_tolerance() -> None:
    assert money.tax_fits(Decimal(100), Decimal(0), Decimal(0))
    assert not money.tax_fits(Decimal(100), Decimal(0), Decimal("0.01"))


def test_the_hosts_decimal_context_changes_nothing() -> None:
    with localcontext() as context:
        context.prec = 3

        assert money.recompute_price(Decimal("1000.00"), Decimal(3000)) == Decimal("0.33333333")
        assert money.rounded_tax(Decimal("99999.99"), Decimal("0.13")) == Decimal("13000.00")


def header_of(order: InvoiceOrder) -> Totals | Unfitness:
    return money.totals(order)


@pytest.mark.parametrize(
    ("field", "code"),
    [
        ("goods_amount", "net_total_differs"),
        ("discount", "net_total_differs"),
        ("sum_price", "net_total_differs"),
        ("goods_tax", "tax_total_differs"),
        ("discount_tax", "tax_total_differs"),
        ("sum_tax", "tax_total_differs"),
        ("invoice_amount", "gross_total_differs"),
    ],
)
def test_a_header_figure_a_cent_off_is_named_with_both_numbers(field: str, code: str) -> None:
    order = order_of(line())
    off = replace(order, **{field: getattr(order, field) + Decimal("0.01")})

    found = header_of(off)

    assert isinstance(found, Unfitness)
    assert found.code == code
    given, expected = (Decimal(dict(found.facts)[name]) for name in ("given", "expected"))
    assert abs(given - expected) == Decimal("0.01")


@pytest.mark.parametrize("field", ["goods_amount", "goods_tax", "sum_price", "sum_tax", "invoice_amount"])
def test_a_missing_header_figure_is_named(field: str) -> None:
    missing: dict[str, Any] = {field: None}

    found = header_of(replace(order_of(line()), **missing))

    assert found == Unfitness("amount_missing", (("field", field),))


def test_an_order_of_nothing_has_nothing_to_issue() -> None:
    nothing = line(sum_price=Decimal(0), tax=Decimal(0), sum_amount=Decimal(0))

    found = header_of(order_of(nothing))

    assert found == Unfitness("amount_not_positive", (("amount", "0.00"),))


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_red_header_reads_the_same_with_either_sign(sign: int) -> None:
    found = header_of(red(sample_order(), sign))

    assert found == header_of(sample_order())


def test_a_red_header_whose_signs_are_mixed_is_held() -> None:
    turned = red(order_of(line()))

    found = header_of(replace(turned, sum_tax=Decimal(13)))

    assert found == Unfitness("signs_mixed", (("field", "sum_tax"), ("amount", "13.00")))


def entries_of(order: InvoiceOrder) -> tuple[money.Entry, ...]:
    entries = detail.read(order.lines, red=order.is_red)
    assert not isinstance(entries, Unfitness)
    return entries


def test_a_consistent_order_passes_every_check() -> None:
    order = order_of(line(), line(item_name="other"))
    header = header_of(order)
    assert isinstance(header, Totals)

    assert money.check(entries_of(order), header) is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"sum_amount": Decimal("113.01")}, "line_sum_differs"),
        ({"tax": Decimal("13.07"), "sum_amount": Decimal("113.07")}, "line_tax_off"),
        ({"sum_price": Decimal(0), "tax": Decimal(0), "sum_amount": Decimal(0)}, "line_amount_not_positive"),
    ],
)
def test_a_line_that_breaks_a_rule_is_held(changes: dict[str, Any], code: str) -> None:
    order = order_of(line(**changes), line())

    found = money.first_unfit(money.check_line(entry) for entry in entries_of(order))

    assert found is not None
    assert found.code == code
    assert dict(found.facts)["line"] == "1"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        (("goods_amount", "sum_price", "invoice_amount"), "goods_amount_differs"),
        (("goods_tax", "sum_tax", "invoice_amount"), "goods_tax_differs"),
    ],
)
def test_a_header_consistent_in_itself_must_still_be_the_sum_of_its_lines(fields: tuple[str, ...], code: str) -> None:
    order = order_of(line())
    shifted = replace(order, **{field: getattr(order, field) + 1 for field in fields})
    header = header_of(shifted)
    assert isinstance(header, Totals)

    found = money.check(entries_of(shifted), header)

    assert found is not None
    assert found.code == code
