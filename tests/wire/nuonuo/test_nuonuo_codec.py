from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nuonuo_parts import KEY, SELLER, company, line, request

from syncd.domain.invoice import Colour, InvoiceRequest, IssuerKey, Kind
from syncd.domain.order import Party
from syncd.domain.ports import Unfit
from syncd.sandbox.nuonuo.amounts import checked_lines
from syncd.sandbox.nuonuo.order import read_order
from syncd.wire.issuers.nuonuo.codec import NuonuoOptions, ask_body, render, revive_body

DIGITAL_OPTIONS = NuonuoOptions(paper_as_digital_paper=True, legacy_as_digital=True)
COMPANY = Party(name="示例科技有限公司", tax_no="91120222079642398Y")


def order_of(wanted: InvoiceRequest, options: NuonuoOptions | None = None) -> dict[str, Any]:
    """What the gateway reads of it; the simulator must find the form and the sums right."""
    body = json.loads(render(wanted, KEY, options or NuonuoOptions()))
    checked_lines(read_order(body).lines)
    order: dict[str, Any] = body["order"]
    return order


def details_of(wanted: InvoiceRequest, options: NuonuoOptions | None = None) -> list[dict[str, str]]:
    details: list[dict[str, str]] = order_of(wanted, options)["invoiceDetail"]
    return details


def unfit(wanted: InvoiceRequest, options: NuonuoOptions | None = None, key: str = KEY) -> Unfit:
    with pytest.raises(Unfit) as caught:
        render(wanted, IssuerKey(key), options or NuonuoOptions())
    return caught.value


# --- the whole ----------------------------------------------------------------------------------------------------


def test_the_sample_row_of_wdt_is_sent_with_its_own_tax() -> None:
    """3.53 × 13 % is 0.46 when rounded; the tax of the order is 0.47 and is never recomputed."""
    body = render(request(), KEY, NuonuoOptions())

    assert body.decode() == (
        '{"order":{"orderNo":"FP202611200001ABCDEF","invoiceDate":"2026-11-20 12:00:00","invoiceType":"1",'
        '"invoiceLine":"pc","buyerName":"个人","buyerTel":"18000000983","salerTaxNum":"339902999999789113",'
        '"salerTel":"15936892345","salerAddress":"北京","clerk":"示例开票员","payee":"示例开票员","checker":"示例开票员",'
        '"pushMode":"1","buyerPhone":"18000000983","naturalPersonFlag":"1","invoiceDetail":[{"goodsName":"测试商品",'
        '"goodsCode":"1010101010000000000","specType":"green","unit":"只","num":"1","price":"3.53","withTaxFlag":"0",'
        '"taxRate":"0.13","taxExcludedAmount":"3.53","tax":"0.47","taxIncludedAmount":"4.00",'
        '"invoiceLineProperty":"0","favouredPolicyFlag":"0"}]}}'
    )


TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20)


@settings(max_examples=100, deadline=None)
@given(name=TEXTS.filter(str.strip), remark=TEXTS, cents=st.integers(1, 10**9), num=st.integers(1, 5000))
def test_the_same_request_is_the_same_bytes_and_every_value_a_text(
    name: str, remark: str, cents: int, num: int
) -> None:
    net = Decimal(cents) / 100
    one = line(net=net, tax=Decimal("0.00"), gross=net, num=Decimal(num), price=net / num)
    wanted = request(remark=remark, lines=(one,), buyer=Party(name=name))

    body = render(wanted, KEY, NuonuoOptions())

    order = json.loads(body)["order"]
    assert body == render(wanted, KEY, NuonuoOptions())
    assert order["buyerName"] == name
    assert all(isinstance(value, str) for key, value in order.items() if key != "invoiceDetail")
    assert all(isinstance(value, str) for value in order["invoiceDetail"][0].values())


def test_the_order_time_is_told_in_beijing_whatever_the_zone_it_came_in() -> None:
    wanted = request(ordered_at=datetime(2026, 12, 31, 16, 0, 1, tzinfo=UTC))

    assert order_of(wanted)["invoiceDate"] == "2027-01-01 00:00:01"


def test_every_field_of_the_parties_finds_its_place() -> None:
    buyer = Party("买方", "91120222079642398Y", "天津", "022-1", "工行", "622", "a@b.cn")
    seller = Party("卖方", SELLER, "北京", "010-2", "农行", "955", "")

    order = order_of(company(buyer=buyer, seller=seller, remark="备注", payee="收款", checker="复核", mobile=""))

    assert (order["buyerTaxNum"], order["salerTaxNum"]) == ("91120222079642398Y", SELLER)
    assert (order["buyerAddress"], order["buyerTel"], order["buyerAccount"]) == ("天津", "022-1", "工行 622")
    assert (order["salerAddress"], order["salerTel"], order["salerAccount"]) == ("北京", "010-2", "农行 955")
    assert (order["remark"], order["payee"], order["checker"]) == ("备注", "收款", "复核")


def test_settings_of_the_account_are_sent_only_when_set() -> None:
    options = NuonuoOptions(
        clerk="开票员", extension_number="889", clerk_id="c1", department_id="d1", show_bank_account="3",
        call_back_url="https://callback.example/nuonuo", check_buyer_name=True, check_tax_no=True,
    )  # fmt: skip

    order = order_of(request(), options)

    assert order["clerk"] == "开票员"
    assert (order["extensionNumber"], order["clerkId"], order["departmentId"]) == ("889", "c1", "d1")
    assert (order["showBankAccountType"], order["callBackUrl"]) == ("3", "https://callback.example/nuonuo")
    assert order["naturalPersonVerifyFlag"] == order["taxNumVerifyFlag"] == "1"
    assert not {"extensionNumber", "clerkId", "callBackUrl", "taxNumVerifyFlag"} & order_of(request()).keys()


def test_a_red_request_needs_the_confirmation_form() -> None:
    assert unfit(request(colour=Colour.RED)).code == "red_needs_confirmation_form"


# --- kinds and buyers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "as_asked", "with_options"),
    [
        (Kind.PAPER_NORMAL, "c", "ec"),
        (Kind.E_NORMAL, "p", "pc"),
        (Kind.PAPER_SPECIAL, "s", "es"),
        (Kind.DIGITAL_NORMAL, "pc", "pc"),
        (Kind.DIGITAL_SPECIAL, "bs", "bs"),
        (Kind.E_SPECIAL, "b", "bs"),
    ],
)
def test_a_kind_becomes_another_legal_kind_only_when_asked_to(kind: Kind, as_asked: str, with_options: str) -> None:
    wanted = company(kind=kind)

    assert order_of(wanted)["invoiceLine"] == as_asked
    assert order_of(wanted, DIGITAL_OPTIONS)["invoiceLine"] == with_options


@pytest.mark.parametrize(
    ("kind", "natural", "flag"),
    [
        (Kind.DIGITAL_NORMAL, True, "1"),
        (Kind.DIGITAL_NORMAL, False, "0"),
        (Kind.DIGITAL_SPECIAL, False, None),
        (Kind.E_NORMAL, True, None),
    ],
)
def test_only_a_digital_ordinary_invoice_tells_whether_its_buyer_is_a_person(
    kind: Kind, natural: bool, flag: str | None
) -> None:
    assert order_of(company(kind=kind, natural_person=natural)).get("naturalPersonFlag") == flag


@pytest.mark.parametrize("kind", [Kind.PAPER_SPECIAL, Kind.DIGITAL_SPECIAL, Kind.E_SPECIAL])
def test_a_special_invoice_needs_the_buyers_tax_number(kind: Kind) -> None:
    assert unfit(request(kind=kind)).code == "buyer_tax_no_missing"


def test_a_company_needs_its_tax_number() -> None:
    assert unfit(request(buyer_is_company=True)).code == "buyer_tax_no_missing"


@pytest.mark.parametrize(
    ("changes", "code", "facts"),
    [
        ({"buyer": Party()}, "buyer_name_missing", {}),
        ({"drawer": ""}, "text_missing", {"field": "payee_operator"}),
        ({"seller": Party()}, "text_missing", {"field": "payee_register_no"}),
        ({"ordered_at": None}, "text_missing", {"field": "created"}),
        ({"lines": (line(), line(name=""))}, "item_name_missing", {"line": "2"}),
    ],
)
def test_what_the_vendor_demands_is_demanded_before_sending(
    changes: dict[str, Any], code: str, facts: dict[str, str]
) -> None:
    refusal = unfit(request(**changes))

    assert (refusal.code, refusal.facts) == (code, facts)


# --- delivery -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("email", "mobile", "told"),
    [
        ("a@b.cn", "18000000983", ("2", "a@b.cn", "18000000983")),
        ("a@b.cn", "", ("0", "a@b.cn", None)),
        ("", "18000000983", ("1", None, "18000000983")),
        ("", "", ("-1", None, None)),
        ("not an address", "", ("-1", None, None)),
        ("a@b", "", ("-1", None, None)),
        ("\ud83d@b.cn", "", ("-1", None, None)),
        ("a@b.cn\n", "", ("0", "a@b.cn", None)),
        ("a" * 45 + "@b.com", "", ("-1", None, None)),
        ("", "0315-6543210", ("-1", None, None)),
        ("", "１8000000983", ("-1", None, None)),
    ],
)
def test_an_address_that_cannot_be_one_costs_the_message_and_never_the_invoice(
    email: str, mobile: str, told: tuple[str, str | None, str | None]
) -> None:
    order = order_of(request(buyer=Party(name="个人", email=email), mobile=mobile))

    assert (order["pushMode"], order.get("email"), order.get("buyerPhone")) == told


def test_a_landline_stands_on_the_face_and_gets_no_message() -> None:
    order = order_of(request(buyer=Party(name="个人", phone="0315-6543210"), mobile=""))

    assert (order["buyerTel"], order["pushMode"]) == ("0315-6543210", "-1")
    assert "buyerPhone" not in order


def test_messages_can_be_switched_off() -> None:
    wanted = request(buyer=Party(name="个人", email="a@b.cn"))

    order = order_of(wanted, NuonuoOptions(push_email=False, push_sms=False))

    assert order["pushMode"] == "-1"
    assert not {"email", "buyerPhone"} & order.keys()


# --- lengths ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "longest"), [(Kind.DIGITAL_NORMAL, 200), (Kind.DIGITAL_SPECIAL, 200), (Kind.E_NORMAL, 230)]
)
def test_a_remark_may_be_as_long_as_its_kind_allows_and_is_cut_only_by_option(kind: Kind, longest: int) -> None:
    fits, too_long = company(kind=kind, remark="备" * longest), company(kind=kind, remark="备" * (longest + 1))

    refusal = unfit(too_long)

    assert order_of(fits)["remark"] == "备" * longest
    assert refusal.code == "remark_too_long"
    assert refusal.facts == {"limit": str(longest), "length": str(longest + 1)}
    assert order_of(too_long, NuonuoOptions(cut_remark=True))["remark"] == "备" * longest


def test_a_remark_of_201_fits_a_tax_control_invoice_and_not_its_digital_successor() -> None:
    wanted = company(kind=Kind.E_NORMAL, remark="x" * 201)

    assert order_of(wanted)["remark"] == "x" * 201
    assert unfit(wanted, NuonuoOptions(legacy_as_digital=True)).code == "remark_too_long"


@pytest.mark.parametrize(
    ("field", "longest", "place", "made"),
    [
        ("buyerName", 100, "", lambda text: request(buyer=Party(name=text))),
        ("buyerTaxNum", 20, "payer_register_no", lambda text: request(buyer=Party(name="甲", tax_no=text))),
        ("buyerTel", 50, "payer_phone", lambda text: request(buyer=Party(name="甲", phone=text))),
        ("buyerAddress", 80, "payer_address", lambda text: request(buyer=Party(name="甲", address=text))),
        ("buyerAccount", 100, "payer_account", lambda text: request(buyer=Party(name="甲", bank_name=text))),
        ("salerTel", 20, "payee_telno", lambda text: request(seller=Party(tax_no=SELLER, phone=text))),
        ("salerAddress", 80, "payee_address", lambda text: request(seller=Party(tax_no=SELLER, address=text))),
        (
            "salerAccount",
            100,
            "payee_bank_account",
            lambda text: request(seller=Party(tax_no=SELLER, bank_account=text)),
        ),
        ("clerk", 20, "payee_operator", lambda text: request(drawer=text)),
        ("payee", 20, "payee_receiver", lambda text: request(payee=text)),
        ("checker", 20, "payee_checker", lambda text: request(checker=text)),
        ("goodsName", 90, "detail_list.1.item_name", lambda text: request(lines=(line(name=text),))),
        ("goodsCode", 19, "detail_list.1.tax_code", lambda text: request(lines=(line(tax_code=text),))),
        ("specType", 40, "detail_list.1.item_no", lambda text: request(lines=(line(spec=text),))),
        ("unit", 20, "detail_list.1.unit_name", lambda text: request(lines=(line(unit=text),))),
    ],
)
def test_a_text_is_never_cut_to_fit(field: str, longest: int, place: str, made: Any) -> None:
    order = order_of(made("1" * longest))

    refusal = unfit(made("1" * (longest + 1)))

    assert (order | order["invoiceDetail"][0])[field] == "1" * longest
    assert refusal.code.endswith("_too_long")
    assert refusal.facts.get("field", "") == place
    assert (refusal.facts["length"], refusal.facts["limit"]) == (str(longest + 1), str(longest))


def test_a_spec_is_cut_by_option() -> None:
    wanted = request(lines=(line(spec="长" * 41), line()))

    details = details_of(wanted, NuonuoOptions(cut_spec=True))

    assert [one["specType"] for one in details] == ["长" * 40, "green"]


def test_the_buyers_address_and_telephone_share_a_hundred_characters() -> None:
    fits = request(buyer=Party(name="甲", address="地" * 80, phone="1" * 20))
    too_long = request(buyer=Party(name="甲", address="地" * 80, phone="1" * 21))

    assert order_of(fits)["buyerAddress"] == "地" * 80
    assert unfit(too_long).code == "buyer_contact_too_long"


def test_two_thousand_lines_fit_and_one_more_does_not() -> None:
    assert len(details_of(request(lines=(line(),) * 2000))) == 2000
    assert unfit(request(lines=(line(),) * 2001)).code == "too_many_lines"
    assert unfit(request(lines=())).code == "no_lines"


@pytest.mark.parametrize("key", ["", "A" * 21, "FP2026-0001", "FP2026\r\n", "单号"])
def test_a_key_that_the_issuer_could_change_or_refuse_is_not_used(key: str) -> None:
    assert unfit(request(), key=key).code == "key_out_of_form"


def test_half_a_surrogate_pair_is_refused_and_a_whole_one_sent() -> None:
    assert unfit(request(remark="\ud83d")).facts == {"field": "invoice_remark"}
    assert unfit(request(lines=(line(name="\ud83d"),))).facts == {"field": "detail_list.1.item_name"}
    assert order_of(request(remark="😀"))["remark"] == "😀"


# --- lines --------------------------------------------------------------------------------------------------------


def test_the_worked_discount_example_is_sent_as_worked_out() -> None:
    vectors = json.loads((Path(__file__).parents[2] / "data" / "vectors.json").read_text())["vectors"]
    example = next(vector for vector in vectors if vector["id"] == "rule-discount-example")
    discounted, discount = (
        line(
            property=row["row_type"], num=Decimal(row.get("num", "1")), price=Decimal(row.get("price", "1")),
            net=Decimal(row["sum_price"]), tax=Decimal(row["tax"]), gross=Decimal(row["sum_amount"]),
        )
        for row in example["inputs"]["lines"]
    )  # fmt: skip

    details = details_of(request(lines=(discounted, discount)))

    for sent, expected in zip(details, example["expected"]["nuonuo"], strict=True):
        assert {name: sent[name] for name in expected} == expected
    assert not {"num", "price", "unit"} & details[1].keys()
    assert details[1]["goodsName"] == details[0]["goodsName"]


@pytest.mark.parametrize(
    ("num", "price"),
    [
        (None, Decimal("3.53")),
        (Decimal(1), None),
        (Decimal(1), Decimal("3.123456789")),
        (Decimal("1.123456789"), Decimal("3.53")),
        (Decimal(1), Decimal("12345678.12345678")),
        (Decimal("NaN"), Decimal("3.53")),
    ],
)
def test_number_and_price_are_sent_both_or_not_at_all(num: Decimal | None, price: Decimal | None) -> None:
    (sent,) = details_of(request(lines=(line(num=num, price=price),)))

    assert not {"num", "price"} & sent.keys()
    assert sent["taxExcludedAmount"] == "3.53"


@pytest.mark.parametrize(
    ("number", "written"),
    [("2E+2", "200"), ("50.0000", "50"), ("0.00035300", "0.000353"), ("1234567.12345678", "1234567.12345678")],
)
def test_numbers_are_written_out_plainly(number: str, written: str) -> None:
    body = json.loads(render(request(lines=(line(num=Decimal(number)),)), KEY, NuonuoOptions()))

    assert body["order"]["invoiceDetail"][0]["num"] == written


def test_money_has_two_decimals_and_is_never_rounded_to_them() -> None:
    four_places = line(net=Decimal("3.5300"), tax=Decimal("0.4700"), gross=Decimal("4"))

    (sent,) = details_of(request(lines=(four_places,)))

    assert (sent["taxExcludedAmount"], sent["tax"], sent["taxIncludedAmount"]) == ("3.53", "0.47", "4.00")
    assert unfit(request(lines=(line(net=Decimal("3.531")),))).code == "amount_not_in_cents"
    assert unfit(request(lines=(line(tax=Decimal("NaN")),))).code == "amount_out_of_range"


ZERO = {"rate": Decimal("0.00"), "net": Decimal(4), "tax": Decimal("-0.00"), "gross": Decimal(4), "price": None}


@pytest.mark.parametrize(
    ("mark", "kind", "told"),
    [
        ("exempt", Kind.DIGITAL_NORMAL, ("03", None, None)),
        ("untaxed", Kind.DIGITAL_NORMAL, ("04", None, None)),
        ("zero", Kind.DIGITAL_NORMAL, ("0", None, None)),
        ("exempt", Kind.E_NORMAL, ("1", "免税", "1")),
        ("untaxed", Kind.E_NORMAL, ("1", "不征税", "2")),
        ("zero", Kind.E_NORMAL, ("0", None, "3")),
    ],
)
def test_each_of_the_three_zeros_has_its_marks(mark: str, kind: Kind, told: tuple[str, str | None, str | None]) -> None:
    (sent,) = details_of(request(kind=kind, lines=(line(zero_rate=mark, **ZERO),)))

    assert (sent["favouredPolicyFlag"], sent.get("favouredPolicyName"), sent.get("zeroRateFlag")) == told
    assert (sent["taxRate"], sent["tax"]) == ("0", "0.00")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({**ZERO, "zero_rate": ""}, "zero_rate_unexplained"),
        ({"zero_rate": "exempt"}, "zero_rate_contradicted"),
        ({**ZERO, "zero_rate": "whatever"}, "zero_rate_contradicted"),
    ],
)
def test_a_zero_without_its_reason_or_a_reason_without_zero_is_not_sent(changes: dict[str, Any], code: str) -> None:
    assert unfit(request(lines=(line(**changes),))).code == code


@pytest.mark.parametrize("rate", ["13", "-0.13", "NaN", "1"])
def test_a_rate_is_a_fraction(rate: str) -> None:
    assert unfit(request(lines=(line(rate=Decimal(rate)),))).code == "rate_unknown"


# --- the other two bodies -----------------------------------------------------------------------------------------


def test_a_question_names_its_orders_and_wants_no_lines() -> None:
    assert ask_body([KEY, IssuerKey("B")]) == (b'{"orderNos":["FP202611200001ABCDEF","B"],"isOfferInvoiceDetail":"0"}')


def test_a_revival_names_the_serial_and_the_order() -> None:
    assert revive_body(KEY, "S1") == b'{"fpqqlsh":"S1","orderno":"FP202611200001ABCDEF"}'
    assert revive_body(KEY, "") == b'{"orderno":"FP202611200001ABCDEF"}'
