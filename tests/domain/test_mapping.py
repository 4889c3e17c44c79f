from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from orders import BUYER, SELLER, line, order_of, red, sample_order

from syncd.domain.invoice import Colour, InvoiceRequest, Kind
from syncd.domain.mapping import MappingOptions, Unfitness, notices, to_request
from syncd.domain.money import CENT, ZERO
from syncd.domain.order import InvoiceOrder, Party
from syncd.domain.unfit_texts import say

OPTIONS = MappingOptions(tax_no=SELLER)


def request(order: InvoiceOrder, **options: Any) -> InvoiceRequest:
    found = to_request(order, replace(OPTIONS, **options))
    assert isinstance(found, InvoiceRequest), found
    return found


def held(order: InvoiceOrder, **options: Any) -> str:
    """The hold code; whatever holds an order can also be said in both languages."""
    found = to_request(order, replace(OPTIONS, **options))
    assert isinstance(found, Unfitness), found
    assert say(found, "zh") != say(found, "en")
    return found.code


def buyer(order: InvoiceOrder | None = None, *, business_type: int | None = 0, **payer: Any) -> InvoiceOrder:
    order = order or order_of(line())
    return replace(order, business_type=business_type, payer=replace(Party(name="demo buyer"), **payer))


def test_the_vendors_own_sample_goes_through_to_the_cent() -> None:
    found = request(sample_order())

    assert (found.net, found.tax, found.total) == (Decimal("3.53"), Decimal("0.47"), Decimal("4.00"))
    assert (found.kind, found.colour) == (Kind.DIGITAL_NORMAL, Colour.BLUE)
    assert (found.buyer.name, found.mobile, found.natural_person) == ("个人", "18000000983", True)
    assert (found.seller.tax_no, found.seller.name, found.drawer) == (SELLER, "百望", "示例开票员")
    [only] = found.lines
    assert (only.name, only.tax_code, only.unit) == ("green", "1010101010000000000", "只")
    assert (only.num, only.price, only.rate) == (Decimal(1), Decimal("3.53"), Decimal("0.13"))
    assert (only.net, only.tax, only.gross, only.zero_rate) == (
        Decimal("3.53"),
        Decimal("0.47"),
        Decimal("4.00"),
        "",
    )


@pytest.mark.parametrize(
    ("invoice_type", "kind", "as_digital"),
    [
        (0, Kind.PAPER_NORMAL, Kind.PAPER_NORMAL),
        (1, Kind.E_NORMAL, Kind.DIGITAL_NORMAL),
        (2, Kind.PAPER_SPECIAL, Kind.PAPER_SPECIAL),
        (3, Kind.DIGITAL_NORMAL, Kind.DIGITAL_NORMAL),
        (4, Kind.DIGITAL_SPECIAL, Kind.DIGITAL_SPECIAL),
        (5, Kind.E_SPECIAL, Kind.DIGITAL_SPECIAL),
    ],
)
def test_the_legal_kind_changes_only_where_a_person_said_so(invoice_type: int, kind: Kind, as_digital: Kind) -> None:
    order = buyer(business_type=1, tax_no=BUYER)
    order = replace(order, invoice_type=invoice_type)

    assert request(order).kind is kind
    assert request(order, legacy_as_digital=True).kind is as_digital


def test_an_unknown_kind_is_held_and_an_absent_one_is_the_operators_choice() -> None:
    order = order_of(line())

    assert held(replace(order, invoice_type=6)) == "type_unknown"
    assert held(replace(order, invoice_type=None), default_kind=None) == "type_unknown"
    assert request(replace(order, invoice_type=None), default_kind=Kind.E_NORMAL).kind is Kind.E_NORMAL


def test_the_row_must_be_for_the_seller_this_account_issues_for() -> None:
    other = replace(order_of(line()), payee=Party(tax_no=BUYER))

    assert held(other) == "seller_differs"
    assert request(replace(other, payee=Party(tax_no=f" {SELLER.lower()}"))).seller.tax_no == SELLER


def test_the_sellers_particulars_are_the_rows_and_else_the_accounts() -> None:
    named = Party(name="demo seller", address="row address", bank_name="row bank")
    fallbacks = {"seller_phone": "010", "seller_address": "x", "seller_bank_name": "y", "seller_bank_account": "z"}

    found = request(replace(order_of(line()), payee=named, operator=" "), drawer="demo", **fallbacks)

    expected = replace(named, tax_no=SELLER, phone="010", bank_account="z")
    assert (found.seller, found.drawer) == (expected, "demo")


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (buyer(name=" \n\x00 "), "buyer_name_missing"),
        (buyer(name="名" * 101), "buyer_name_too_long"),
        (buyer(name="名\ud83d"), "text_unusable"),
        (buyer(business_type=1), "buyer_tax_no_missing"),
        (buyer(business_type=1, tax_no=" \t"), "buyer_tax_no_missing"),
        (replace(buyer(), invoice_type=4), "buyer_tax_no_missing"),
        (replace(buyer(), invoice_type=2), "buyer_tax_no_missing"),
        (replace(buyer(), invoice_type=5), "buyer_tax_no_missing"),
        (buyer(business_type=1, tax_no="9131 0115 MA1K39423D"), "buyer_tax_no_malformed"),
        (buyer(tax_no="12345"), "buyer_tax_no_malformed"),
        (buyer(business_type=2), "business_type_unknown"),
        (replace(buyer(), remark="备" * 201), "remark_too_long"),
        (replace(buyer(), remark="\ud800"), "text_unusable"),
    ],
)
def test_a_buyer_who_cannot_be_printed_is_held(order: InvoiceOrder, code: str) -> None:
    assert held(order) == code


def test_a_name_is_cleaned_and_never_cut() -> None:
    assert request(buyer(name="\u202e某某（上海）&<b>😀\x1b有限公司\n")).buyer.name == "某某（上海）&<b>😀有限公司"
    assert request(buyer(name="名" * 100)).buyer.name == "名" * 100


def test_a_wrong_check_digit_is_a_notice_unless_the_operator_is_strict() -> None:
    order = buyer(business_type=1, tax_no="339902999999789113")

    assert notices(order, request(order)) == ("buyer_tax_no_check_digit",)
    assert held(order, strict_tax_no=True) == "buyer_tax_no_check_digit"
    assert request(buyer(business_type=1, tax_no=BUYER), strict_tax_no=True).buyer.tax_no == BUYER


@pytest.mark.parametrize(
    ("order", "company", "natural"),
    [
        (buyer(), False, {"auto": True, "always": True, "never": False}),
        (buyer(business_type=None), False, {"auto": True, "always": True, "never": False}),
        (buyer(tax_no=BUYER), True, {"auto": False, "always": False, "never": False}),
        (buyer(tax_no="1" * 15), False, {"auto": False, "always": True, "never": False}),
        (buyer(business_type=1, tax_no=BUYER), True, {"auto": False, "always": False, "never": False}),
        (
            replace(buyer(tax_no="1" * 15), invoice_type=4),
            False,
            {"auto": False, "always": False, "never": False},
        ),
    ],
)
def test_who_is_a_company_and_who_is_a_natural_person(
    order: InvoiceOrder, company: bool, natural: dict[str, bool]
) -> None:
    found = {choice: request(order, natural_person=choice) for choice in natural}

    assert {choice: r.natural_person for choice, r in found.items()} == natural
    assert {r.buyer_is_company for r in found.values()} == {company}


def test_a_person_with_a_companys_number_is_noticed() -> None:
    order = buyer(tax_no=BUYER)

    assert notices(order, request(order)) == ("company_by_tax_no",)


def test_a_bad_address_and_a_landline_cost_the_delivery_and_not_the_invoice() -> None:
    order = buyer(email="none", phone="010-62345678")

    found = request(order)

    assert (found.buyer.email, found.buyer.phone, found.mobile) == ("", "010-62345678", "")
    assert notices(order, found) == ("email_dropped",)


@pytest.mark.parametrize(("length", "kept"), [(200, 200), (201, 200), (230, 200)])
def test_a_remark_is_cut_only_where_a_person_said_so(length: int, kept: int) -> None:
    order = replace(buyer(), remark="备" * length)

    found = request(order, cut_remark=True)

    assert found.remark == "备" * kept
    assert notices(order, found) == (("remark_cut",) if length > kept else ())
    assert request(order, remark_limit=230).remark == order.remark


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"item_name": " ", "item_no": ""}, "item_name_missing"),
        ({"item_name": "名" * 101}, "item_text_too_long"),
        ({"item_no": "x" * 41}, "item_text_too_long"),
        ({"unit_name": "x" * 21}, "item_text_too_long"),
        ({"item_name": "\udc00"}, "text_unusable"),
        ({"tax_code": " "}, "tax_code_missing"),
        ({"tax_code": "1" * 18}, "tax_code_malformed"),
        ({"tax_code": "1" * 32}, "tax_code_malformed"),
        ({"tax_rate": None}, "rate_unknown"),
        ({"tax_rate": Decimal("-0.13")}, "rate_unknown"),
        ({"tax_rate": Decimal(1)}, "rate_unknown"),
        ({"tax_rate": Decimal(13)}, "rate_unknown"),
        ({"tax_rate": Decimal("NaN")}, "rate_unknown"),
        ({"tax_rate": Decimal("sNaN")}, "rate_unknown"),
        ({"tax_rate": Decimal("0.12345")}, "rate_unknown"),
        ({"row_type": 3}, "row_type_unknown"),
        ({"num": Decimal(-2)}, "quantity_negative"),
        ({"num": Decimal("1e400")}, "amount_out_of_range"),
        ({"price": Decimal("Infinity")}, "amount_out_of_range"),
        ({"sum_price": None}, "amount_missing"),
        ({"tax": None}, "amount_missing"),
        ({"sum_amount": None}, "amount_missing"),
        ({"sum_price": Decimal("100.0001")}, "amount_not_in_cents"),
        ({"discount": Decimal("0.001")}, "amount_not_in_cents"),
        ({"tax": Decimal(-13)}, "signs_mixed"),
    ],
)
def test_a_line_that_cannot_be_printed_holds_the_order(changes: dict[str, Any], code: str) -> None:
    order = replace(order_of(line(), line()), lines=(line(), line(**changes)))

    assert held(order) == code


def test_a_line_of_nothing_is_refused() -> None:
    nothing = {"sum_price": ZERO, "tax": ZERO, "sum_amount": ZERO}

    assert held(order_of(line(), line(**nothing))) == "line_amount_not_positive"
    assert held(order_of(line(row_type=2), line(row_type=1, **nothing))) == "line_amount_not_positive"


@pytest.mark.parametrize(
    ("tax_code", "rules", "mark"),
    [
        ("6010000000000000000", {}, "untaxed"),
        ("6010000000000000000", {"6": "exempt"}, "exempt"),
        ("1030405010000000000", {"1": "exempt", "10304": "zero"}, "zero"),
        ("103", {"": "exempt"}, "exempt"),
    ],
)
def test_rate_zero_is_explained_by_the_longest_rule(tax_code: str, rules: dict[str, str], mark: str) -> None:
    free = line(tax_code=tax_code, tax_rate=ZERO, tax=ZERO, sum_amount=Decimal(100))

    found = request(order_of(free, line()), zero_rate_rules=rules)

    assert [x.zero_rate for x in found.lines] == [mark, ""]


def test_rate_zero_without_a_rule_is_held() -> None:
    free = line(tax_rate=ZERO, tax=ZERO, sum_amount=Decimal(100))

    assert held(order_of(free)) == "zero_rate_unexplained"
    assert held(order_of(replace(free, tax=CENT, sum_amount=Decimal("100.01"))), zero_rate_rules={"": "zero"}) == (
        "line_tax_off"
    )


def test_an_order_has_lines_and_not_more_than_an_invoice_can_hold() -> None:
    """F130."""
    cent = line(num=None, price=None, sum_price=CENT, tax=ZERO, sum_amount=CENT)
    split = replace(line(), discount=Decimal(10), discount_tax=Decimal("1.30"))

    assert held(replace(order_of(line()), lines=())) == "no_lines"
    assert held(order_of(*[cent] * 2001)) == "too_many_lines"
    assert len(request(order_of(*[cent] * 2000)).lines) == 2000
    assert held(order_of(*[cent] * 1999, split)) == "too_many_lines"


def test_an_amount_above_the_limit_waits_for_a_person() -> None:
    order = order_of(line())

    assert held(order, amount_limit=Decimal("112.99")) == "amount_over_limit"
    assert held(red(order), amount_limit=Decimal("112.99")) == "amount_over_limit"
    assert request(order, amount_limit=Decimal(113)).total == Decimal(113)


def test_a_price_of_four_decimals_is_recomputed_for_a_thousand_pieces() -> None:
    many = line(num=Decimal(3000), price=Decimal("0.3333"), sum_price=Decimal(1000), tax=Decimal(130))
    order = order_of(replace(many, sum_amount=Decimal(1130)))

    [only] = request(order).lines

    assert (only.num, only.price, only.net) == (Decimal(3000), Decimal("0.33333333"), Decimal("1000.00"))


@pytest.mark.parametrize("sign", [-1, 1])
def test_a_red_order_is_one_negative_line_with_a_positive_price(sign: int) -> None:
    """Rules §7.4, worked example: −2 × 45, −90.00/−11.70/−101.70."""
    off = line(row_type=1, sum_price=Decimal(-10), tax=Decimal("-1.30"), sum_amount=Decimal("-11.30"))
    order = red(order_of(line(row_type=2), off), sign)

    found = request(order)

    assert found.colour is Colour.RED
    assert (found.net, found.tax, found.total) == (Decimal(-90), Decimal("-11.70"), Decimal("-101.70"))
    [only] = found.lines
    assert (only.property, only.num, only.price) == (0, Decimal(-2), Decimal(45))
    assert (only.net, only.tax, only.gross) == (found.net, found.tax, found.total)


@pytest.mark.parametrize(
    ("number", "invoice_code", "code"),
    [
        ("", "", "red_without_blue"),
        ("14869350", "", "blue_number_malformed"),
        ("26112000000123456789", "012001800211", "blue_number_malformed"),
        ("14869350", "012001800211", None),
        ("26112000000123456789", "", None),
    ],
)
def test_a_red_order_names_its_blue_invoice(number: str, invoice_code: str, code: str | None) -> None:
    order = replace(red(order_of(line())), relation_invoice_no=number, relation_invoice_code=invoice_code)

    if code is None:
        assert request(order).colour is Colour.RED
    else:
        assert held(order) == code


def test_a_negative_order_that_is_not_called_red_is_held() -> None:
    assert held(replace(red(order_of(line())), is_red=False)) == "amount_not_positive"


def test_a_red_line_that_points_both_ways_is_held() -> None:
    order = red(order_of(line(), line(item_name="b")))
    [first, second] = order.lines

    assert held(replace(order, lines=(first, replace(second, tax=Decimal(13))))) == "signs_mixed"


def test_moved_discount_lines_are_noticed() -> None:
    off = line(row_type=1, sum_price=Decimal(-10), tax=Decimal("-1.30"), sum_amount=Decimal("-11.30"))
    order = order_of(off, line(row_type=2))

    assert notices(order, request(order)) == ("discounts_arranged",)
    assert notices(order_of(line()), request(order_of(line()))) == ()
