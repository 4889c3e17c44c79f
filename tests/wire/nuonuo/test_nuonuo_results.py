from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from nuonuo_parts import KEY, OTHER_KEY

from syncd.domain.invoice import Colour, Invoice
from syncd.domain.outcome import (
    Blocked,
    Failed,
    Issued,
    NotFound,
    Outcome,
    Processing,
    SealFailed,
    Split,
    Stalled,
    Unknown,
    Voided,
)
from syncd.domain.trouble import Care, Verdict
from syncd.wire.issuers.nuonuo.errors import Said
from syncd.wire.issuers.nuonuo.results import read_answer, read_entry, stray_numbers
from syncd.wire.strict_json import loads

NUMBER = "26212000001234567890"
INVOICE = Invoice(
    number=NUMBER,
    code="",
    total=Decimal("4.00"),
    colour=Colour.BLUE,
    issued_at=datetime(2026, 11, 20, 4, 0, 1, 500_000, tzinfo=UTC),
    net=Decimal("3.53"),
    tax=Decimal("0.47"),
    buyer_name="个人",
    buyer_tax_no="",
    file_url="https://files.example/1.pdf",
    ofd_url="https://files.example/1.ofd",
    xml_url="https://files.example/1.xml",
    serial="S1",
)


def entry(status: object = "2", **changes: Any) -> dict[str, Any]:
    issued = {
        "orderNo": KEY, "serialNo": "S1", "status": status, "statusMsg": "", "failCause": "",
        "allElectronicInvoiceNumber": NUMBER, "invoiceNo": NUMBER, "invoiceCode": "",
        "invoiceTime": 1795147201500, "exTaxAmount": "3.53", "taxAmount": "0.47", "orderAmount": "4.00",
        "payerName": "个人", "payerTaxNo": "", "pdfUrl": "https://files.example/1.pdf",
        "ofdUrl": "https://files.example/1.ofd", "xmlUrl": "https://files.example/1.xml",
    }  # fmt: skip
    return {**issued, **changes}


def bare(status: str, **changes: Any) -> dict[str, Any]:
    """As an entry looks before there is an invoice: the fields are there and empty."""
    return entry(status, allElectronicInvoiceNumber="", invoiceNo="", invoiceTime=None, **changes)


def unheard(status: str) -> Unknown:
    """A state nobody has listed: asked about for ever, and shown to people."""
    return Unknown(status, unclassified=Verdict(Care.UNCLASSIFIED, "nuonuo", status, ""))


def stalled(care: Care, cause: str, rest_for: float) -> Stalled:
    """Failed for what is the account's trouble: never a reason to report the invoice as failed."""
    return Stalled(Verdict(care, "nuonuo", "22", cause, rest_for), "S1")


def invoice_of(found: Outcome) -> Invoice:
    assert isinstance(found, Issued)
    return found.invoice


def answered(*entries: object, keys: tuple[Any, ...] = (KEY,)) -> dict[Any, Outcome]:
    return dict(read_answer(Said("E0000", "", list(entries)), keys))


# --- the states ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        (bare("20"), Processing("S1")),
        (bare("21"), Processing("S1", exists=True)),
        (entry("21"), Processing("S1", exists=True)),
        (entry("2"), Issued(INVOICE)),
        (entry(2), Issued(INVOICE)),
        (bare("22", failCause="购方税号不存在"), Failed("22", "购方税号不存在", "S1")),
        (bare("24", failCause="签章失败"), SealFailed("S1", "签章失败")),
        (bare("22", failCause="开票员未登录电子税务局"), stalled(Care.PERSON, "开票员未登录电子税务局", 300)),
        (bare("22", failCause="可用授信额度不足"), stalled(Care.PERSON, "可用授信额度不足", 300)),
        (bare("22", failCause="操作过于频繁"), stalled(Care.REST_LANE, "操作过于频繁", 60)),
        (bare("22", failCause="购方税号未通过认证"), Failed("22", "购方税号未通过认证", "S1")),
        (entry("24", statusMsg="签章失败"), SealFailed("S1", "签章失败", INVOICE)),
        (entry("3", statusMsg="已作废"), Voided(INVOICE, "已作废")),
        (bare("31", statusMsg="作废中"), Voided(None, "作废中")),
        (entry("99"), unheard("status 99")),
        (entry(None), unheard("status missing")),
        (entry(True), unheard("status missing")),
    ],
)
def test_each_state_is_one_outcome(given: dict[str, Any], outcome: Outcome) -> None:
    assert read_entry(given) == outcome


def test_issued_without_a_number_is_not_issued_yet() -> None:
    assert read_entry(bare("2")) == Processing("S1", exists=True)


def test_a_state_that_nobody_knows_is_never_read_as_failed() -> None:
    outcomes = {type(read_entry(entry(str(status)))) for status in range(32, 200)}

    assert outcomes == {Unknown}


# --- the invoice --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at", range(len("allElectronicInvoiceNumber")))
def test_the_number_is_found_under_its_name_as_the_vendor_prints_it_one_letter_short(at: int) -> None:
    name = "allElectronicInvoiceNumber"
    given = entry(allElectronicInvoiceNumber=None, invoiceNo="", **{name[:at] + name[at + 1 :]: NUMBER})

    assert invoice_of(read_entry(given)).number == NUMBER


def test_a_digital_paper_invoice_goes_by_its_twenty_digits() -> None:
    given = entry(invoiceNo="12345678", invoiceCode="021002500111")

    assert (invoice_of(read_entry(given)).number, invoice_of(read_entry(given)).code) == (NUMBER, "")


@pytest.mark.parametrize(
    ("number", "code", "read_as"),
    [
        ("12345678", "021002500111", ("12345678", "021002500111")),
        ("12345678", "2100250011", ("12345678", "2100250011")),
        (345678, "21002500111", ("00345678", "021002500111")),
        (NUMBER, "021002500111", (NUMBER, "")),
    ],
)
def test_only_a_tax_control_invoice_has_a_code(number: object, code: str, read_as: tuple[str, str]) -> None:
    invoice = invoice_of(read_entry(entry(allElectronicInvoiceNumber="", invoiceNo=number, invoiceCode=code)))

    assert (invoice.number, invoice.code) == read_as


@pytest.mark.parametrize(
    ("changes", "colour"),
    [
        ({}, Colour.BLUE),
        ({"invoiceType": "1"}, Colour.BLUE),
        ({"invoiceType": "2"}, Colour.RED),
        ({"orderAmount": "-4.00"}, Colour.RED),
        ({"oldEleInvoiceNumber": NUMBER}, Colour.RED),
        ({"oldInvoiceNo": "12345678"}, Colour.RED),
        ({"oldEleInvoiceNumber": "", "oldInvoiceNo": None}, Colour.BLUE),
    ],
)
def test_any_sign_of_red_makes_an_invoice_red(changes: dict[str, Any], colour: Colour) -> None:
    assert invoice_of(read_entry(entry(**changes))).colour is colour


@pytest.mark.parametrize(
    ("stated", "instant"),
    [
        (1795147201500, datetime(2026, 11, 20, 4, 0, 1, 500_000, tzinfo=UTC)),
        ("1795147201500", datetime(2026, 11, 20, 4, 0, 1, 500_000, tzinfo=UTC)),
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (None, None),
        ("", None),
        ("yesterday", None),
        (-5, None),
        (999_999_999_999_999, None),
    ],
)
def test_an_unreadable_time_costs_the_time_and_never_the_invoice(stated: object, instant: datetime | None) -> None:
    assert invoice_of(read_entry(entry(invoiceTime=stated))).issued_at == instant


@pytest.mark.parametrize(
    ("stated", "amount"),
    [("4.00", Decimal("4.00")), (4, Decimal(4)), ("", None), (None, None), ("four", None), ("NaN", None)],
)
def test_an_amount_is_exact_or_not_told(stated: object, amount: Decimal | None) -> None:
    assert invoice_of(read_entry(entry(orderAmount=stated))).total == amount


def test_a_json_number_is_read_without_a_float_between() -> None:
    given = loads(b'{"orderNo":"K","status":"2","invoiceNo":"12345678","orderAmount":0.1000000000000000055511}')
    assert isinstance(given, dict)

    assert invoice_of(read_entry(given)).total == Decimal("0.1000000000000000055511")


@pytest.mark.parametrize(
    ("changes", "buyer"),
    [
        ({}, ("个人", "")),
        ({"payerName": None, "payerTaxNo": None}, (None, None)),
        ({"payerName": None, "payerTaxNo": None, "buyerName": "甲", "buyerTaxNum": " 91A "}, ("甲", "91A")),
    ],
)
def test_a_buyer_is_told_or_not_told_and_an_empty_tax_number_is_told(
    changes: dict[str, Any], buyer: tuple[str | None, str | None]
) -> None:
    invoice = invoice_of(read_entry(entry(**changes)))

    assert (invoice.buyer_name, invoice.buyer_tax_no) == buyer


# --- the list -----------------------------------------------------------------------------------------------------


def test_a_key_that_is_absent_from_the_list_is_not_found() -> None:
    assert answered(entry(), keys=(KEY, OTHER_KEY)) == {KEY: Issued(INVOICE), OTHER_KEY: NotFound()}


def test_an_empty_list_finds_nothing() -> None:
    assert answered() == {KEY: NotFound()}


def test_no_such_invoice_answers_for_every_key() -> None:
    said = Said("E9500", "未查询到发票信息")

    assert read_answer(said, (KEY, OTHER_KEY)) == {KEY: NotFound(), OTHER_KEY: NotFound()}


@pytest.mark.parametrize("echoed", [OTHER_KEY, KEY.lower(), f" {KEY}", f"{KEY}\n", "", None, 7])
def test_another_orders_entry_is_never_adopted_and_proves_nothing_absent(echoed: object) -> None:
    """An answer that is partly about something else is not believed about what it leaves out (F40)."""
    given = entry(orderNo=echoed)

    assert answered(given) == {KEY: Unknown("key mismatch")}
    assert stray_numbers(Said("E0000", "", [given]), (KEY,)) == 1


def test_a_stray_entry_does_not_hide_ours() -> None:
    assert answered(entry(orderNo=OTHER_KEY), entry(), "no entry") == {KEY: Issued(INVOICE)}


def test_swapped_entries_go_to_their_own_keys() -> None:
    found = answered(bare("20", orderNo=OTHER_KEY), entry(), keys=(KEY, OTHER_KEY))

    assert found == {KEY: Issued(INVOICE), OTHER_KEY: Processing("S1")}


@pytest.mark.parametrize("result", [None, {}, "", "[]", 0, {"orderNo": KEY, "status": "22"}])
def test_a_result_that_is_no_list_says_nothing(result: object) -> None:
    assert read_answer(Said("E0000", "", result), (KEY,)) == {KEY: Unknown("result is no list")}


def test_several_invoices_of_one_order_are_a_split_with_all_their_numbers() -> None:
    (found,) = answered(entry(), entry(allElectronicInvoiceNumber="26212000001234567891")).values()

    assert isinstance(found, Split)
    assert [invoice.number for invoice in found.invoices] == [NUMBER, "26212000001234567891"]


def test_a_split_whose_other_half_failed_is_still_no_single_invoice() -> None:
    assert answered(entry(), bare("22", failCause="超限")) == {KEY: Split((INVOICE,))}


@pytest.mark.parametrize(
    ("entries", "outcome"),
    [
        ((entry(), bare("20")), Processing("S1")),
        ((entry(), entry("99")), unheard("status 99")),
        ((bare("22", failCause="a"), bare("22", failCause="b")), Failed("22", "a", "S1")),
        ((entry(), entry()), Issued(INVOICE)),
    ],
)
def test_a_split_is_told_only_when_all_its_parts_are_known(
    entries: tuple[dict[str, Any], ...], outcome: Outcome
) -> None:
    assert answered(*entries) == {KEY: outcome}


def test_a_refused_question_says_nothing_of_the_invoice() -> None:
    """E4000 in answer to a question is our fault; read as a refusal it would burn a living key."""
    said = Said("E4000", "私有参数[orderNos]不正确")

    assert read_answer(said, (KEY,)) == {KEY: Unknown("code E4000")}


def test_a_blocked_question_blocks_every_key() -> None:
    found = read_answer(Said("E9301", "销方企业未注册"), (KEY, OTHER_KEY))

    assert all(isinstance(outcome, Blocked) for outcome in found.values())
    assert set(found) == {KEY, OTHER_KEY}
