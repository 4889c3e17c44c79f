import subprocess
import sys
from dataclasses import fields, replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from syncd.domain.order import InvoiceOrder, Line, OrderNo, Party
from syncd.domain.payload import payload_hash

LINE = Line(
    item_name="样品", item_no="green", row_type=0, unit_name="只", num=Decimal(1), price=Decimal("3.53"),
    tax_code="1010101010000000000", tax_rate=Decimal("0.13"), sum_price=Decimal("3.53"), tax=Decimal("0.47"),
    sum_amount=Decimal(4), discount=Decimal(0), discount_tax=Decimal(0),
)  # fmt: skip
ORDER = InvoiceOrder(
    no=OrderNo("FP1"), status=45, is_red=False, business_type=0, invoice_type=3, payer=Party("买方"),
    payee=Party("卖方"), operator="", receiver="", checker="", shop_no="s1", shop_name="", trade_no="",
    goods_amount=Decimal("3.53"), goods_tax=Decimal("0.47"), discount=Decimal(0), discount_tax=Decimal(0),
    sum_price=Decimal("3.53"), sum_tax=Decimal("0.47"), invoice_amount=Decimal(4), outer_amount=None, remark="",
    tax_control_no="", relation_invoice_no="", relation_invoice_code="", invoice_no="", invoice_code="",
    invoice_time="", file_url="", error_info="", serial_no="", mask=0, created_at=None, lines=(LINE,),
)  # fmt: skip

#: What issuing, uploading and our own write-back change, and what only refers to other papers.
BOOKKEEPING = {
    "no", "status", "shop_no", "shop_name", "trade_no", "outer_amount", "tax_control_no", "invoice_no",
    "invoice_code", "invoice_time", "file_url", "error_info", "serial_no", "mask", "created_at",
}  # fmt: skip
REFERENCES = {"tid", "oid", "trade_no", "platform_id"}
INSTANT = datetime(2026, 11, 20, tzinfo=UTC)


def changed(value: object, name: str) -> object:
    if name == "created_at":
        return INSTANT
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | Decimal):
        return value + 1
    if isinstance(value, Party):
        return replace(value, tax_no="91310000000000000X")
    if isinstance(value, tuple):
        return (*value, LINE)
    return "x" if isinstance(value, str) else Decimal(1)


@pytest.mark.parametrize("name", [field.name for field in fields(InvoiceOrder)])
def test_every_field_of_an_order_is_either_business_or_bookkeeping(name: str):
    other = replace(ORDER, **{name: changed(getattr(ORDER, name), name)})

    assert (payload_hash(other) == payload_hash(ORDER)) is (name in BOOKKEEPING)


@pytest.mark.parametrize("name", [field.name for field in fields(Line)])
def test_every_field_of_a_line_is_either_business_or_a_reference(name: str):
    other = replace(ORDER, lines=(replace(LINE, **{name: changed(getattr(LINE, name), name)}),))

    assert (payload_hash(other) == payload_hash(ORDER)) is (name in REFERENCES)


@pytest.mark.parametrize("side", ["payer", "payee"])
@pytest.mark.parametrize("name", [field.name for field in fields(Party)])
def test_every_field_of_a_party_counts(side: str, name: str):
    other = replace(ORDER, **{side: replace(getattr(ORDER, side), **{name: "changed"})})

    assert payload_hash(other) != payload_hash(ORDER)


@pytest.mark.parametrize("spelling", ["4.0", "4.0000", "0.4E+1", "004"])
def test_one_number_in_two_spellings_is_one_number(spelling: str):
    assert payload_hash(replace(ORDER, invoice_amount=Decimal(spelling))) == payload_hash(ORDER)


def test_digits_beyond_the_arithmetic_precision_count():
    one, other = Decimal("123456789012345678901234567890.1"), Decimal("123456789012345678901234567890.2")

    assert payload_hash(replace(ORDER, sum_tax=one)) != payload_hash(replace(ORDER, sum_tax=other))


def test_zero_is_one_number_and_not_nothing():
    zero = payload_hash(replace(ORDER, sum_tax=Decimal("0")))

    assert payload_hash(replace(ORDER, sum_tax=Decimal("-0.00"))) == zero
    assert payload_hash(replace(ORDER, sum_tax=None)) != zero


def test_text_cannot_wander_from_one_field_into_the_next():
    one = replace(ORDER, operator="ab", receiver="c")
    other = replace(ORDER, operator="a", receiver="bc")

    assert payload_hash(one) != payload_hash(other)


def test_the_order_of_lines_counts():
    second = replace(LINE, item_no="blue")

    assert payload_hash(replace(ORDER, lines=(LINE, second))) != payload_hash(replace(ORDER, lines=(second, LINE)))


def test_the_digest_is_the_same_in_every_process():
    """Pinned: digests stored by one release are compared by the next."""
    code = "import sys; sys.path[:0] = sys.argv[1:]; import test_payload as t; print(t.payload_hash(t.ORDER).hex())"
    elsewhere = subprocess.run(
        [sys.executable, "-c", code, *sys.path], env={"PYTHONHASHSEED": "7"}, capture_output=True, text=True, check=True
    )

    assert elsewhere.stdout.strip() == payload_hash(ORDER).hex() == PINNED


PINNED = "eae1aa2dea866c01924994f7af8a7338"
