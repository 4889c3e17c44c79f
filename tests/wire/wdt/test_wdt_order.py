import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.domain.order import InvoiceOrder
from syncd.wire.wdt.order import decode_order
from syncd.wire.wdt.page import decode_page

SAMPLE = (Path(__file__).parents[2] / "data" / "wdt-search-sample.json").read_bytes()
SAMPLE_ROW = decode_page(SAMPLE, datetime(2026, 11, 20, 2, tzinfo=UTC)).rows[0].raw


def order(**fields: object) -> InvoiceOrder:
    return decode_order(json.dumps({"invoice_order_no": "FP1", "status": 45, **fields}, ensure_ascii=False).encode())


def order_of(field: str, said: str) -> InvoiceOrder:
    return decode_order(f'{{"invoice_order_no":"FP1","status":45,"{field}":{said}}}'.encode())


def test_the_vendors_own_sample_is_decoded_exactly():
    """Seed wdt-search §6.1: eleven fields documented as always present are absent."""
    found = decode_order(SAMPLE_ROW)

    (line,) = found.lines
    assert (found.no, found.status, found.is_red, found.business_type) == ("FP201902120001", 20, False, 0)
    assert (found.invoice_amount, found.sum_price, found.sum_tax) == (Decimal(4), Decimal("3.53"), Decimal("0.47"))
    assert (found.payer.name, found.payer.phone, found.payer.tax_no) == ("个人", "18000000983", "")
    assert (found.payee.name, found.payee.address, found.payee.phone) == ("百望", "北京", "15936892345")
    assert (found.operator, found.receiver, found.checker) == ("王小二",) * 3
    assert found.created_at == datetime(2019, 2, 12, 3, 54, 59, tzinfo=UTC)
    assert (found.invoice_type, found.relation_invoice_no, found.mask) == (None, "", 0)
    assert (line.row_type, line.unit_name, line.num, line.price) == (0, "只", Decimal(1), Decimal("3.53"))
    assert (line.tax_rate, line.tax, line.sum_amount) == (Decimal("0.13"), Decimal("0.47"), Decimal(4))
    assert (line.tax_code, line.platform_id, line.tid) == ("1010101010000000000", None, "")


def test_every_documented_field_has_its_place():
    """Seed wdt-search §4, the whole table, each field with a value of its own."""
    texts = {
        "payer_name": "payer.name", "payer_register_no": "payer.tax_no", "payer_address": "payer.address",
        "payer_phone": "payer.phone", "payer_bank": "payer.bank_name", "payer_account": "payer.bank_account",
        "payer_email": "payer.email", "payee_name": "payee.name", "payee_register_no": "payee.tax_no",
        "payee_address": "payee.address", "payee_telno": "payee.phone", "payee_bank_name": "payee.bank_name",
        "payee_bank_account": "payee.bank_account", "payee_operator": "operator", "payee_receiver": "receiver",
        "payee_checker": "checker", "shop_no": "shop_no", "shop_name": "shop_name", "trade_no": "trade_no",
        "invoice_remark": "remark", "tax_control_no": "tax_control_no",
        "relation_invoice_no_out": "relation_invoice_no", "relation_invoice_code": "relation_invoice_code",
        "invoice_no": "invoice_no", "invoice_code": "invoice_code", "invoice_time": "invoice_time",
        "file_url": "file_url", "error_info": "error_info", "serial_no": "serial_no",
    }  # fmt: skip
    numbers = {
        "goods_amount": "goods_amount", "goods_tax": "goods_tax", "discount": "discount",
        "discount_tax": "discount_tax", "sum_price": "sum_price", "sum_tax": "sum_tax",
        "invoice_amount": "invoice_amount", "invoice_outer_amount": "outer_amount",
    }  # fmt: skip
    integers = {"business_type": "business_type", "invoice_type": "invoice_type", "invoice_mask": "mask"}
    line_texts = ("item_name", "item_no", "unit_name", "tax_code", "remark", "tid", "oid", "trade_no")
    line_numbers = ("num", "price", "tax_rate", "sum_price", "tax", "sum_amount", "discount", "discount_tax")
    line = {name: f"line {name}" for name in line_texts}
    line |= {name: 100 + place for place, name in enumerate(line_numbers)} | {"row_type": "2", "platform_id": 69}

    found = order(
        is_red=True,
        **{name: f"a {name}" for name in texts},
        **{name: place for place, name in enumerate([*numbers, *integers], 10)},
        detail_list=[line],
    )

    assert found.is_red
    assert {name: _at(found, path) for name, path in texts.items()} == {name: f"a {name}" for name in texts}
    for place, path in enumerate([*numbers.values(), *integers.values()], 10):
        assert _at(found, path) == place
    for name in (*line_texts, *line_numbers):
        assert getattr(found.lines[0], name) == line[name]
    assert (found.lines[0].row_type, found.lines[0].platform_id) == (2, 69)


def _at(found: object, path: str) -> object:
    for name in path.split("."):
        found = getattr(found, name)
    return found


@pytest.mark.parametrize("said", ["null", '""', '"  "', "absent"])
def test_missing_null_and_empty_are_the_same(said: str):
    fields = ("invoice_amount", "discount", "invoice_type", "is_red", "detail_list", "invoice_mask")
    said_all = "" if said == "absent" else "".join(f',"{field}":{said}' for field in fields)

    found = decode_order(f'{{"invoice_order_no":"FP1","status":45{said_all}}}'.encode())

    assert (found.invoice_amount, found.discount, found.invoice_type) == (None, 0, None)
    assert (found.is_red, found.lines, found.mask) == (False, (), 0)


@pytest.mark.parametrize(
    ("said", "amount"),
    [
        ("4", "4"),
        ("4.00", "4.00"),
        ('"4.70"', "4.70"),
        ('" 4.70 "', "4.70"),
        ("1.13E+2", "113"),
        ('"1.13e2"', "113"),
        ("-0.01", "-0.01"),
        ("123456789012345.6789", "123456789012345.6789"),
        ('"123456789012345.6789"', "123456789012345.6789"),
        ("0.1234567890123456789", "0.1234567890123456789"),
    ],
)
def test_an_amount_is_exact_to_its_last_digit(said: str, amount: str):
    assert order_of("invoice_amount", said).invoice_amount == Decimal(amount)


@pytest.mark.parametrize("said", ["NaN", "Infinity", "1e400", "9" * 20, "900000000000000.01", "-9e14000"])
def test_an_impossible_number_is_refused(said: str):
    """F119, F120"""
    with pytest.raises(ValueError):
        order_of("invoice_amount", said)


@pytest.mark.parametrize(
    ("field", "said", "told"),
    [
        ("invoice_amount", '"four"', "invoice_amount: not a number"),
        ("invoice_amount", '"NaN"', "invoice_amount: not a number"),
        ("invoice_amount", "true", "invoice_amount: not a number"),
        ("invoice_amount", "[4]", "invoice_amount: not a number"),
        ("invoice_amount", '"9e14000"', "invoice_amount: not a number"),
        ("invoice_amount", '"900000000000001"', "invoice_amount: a number out of range"),
        ("invoice_type", "1.5", "invoice_type: not a whole number"),
        ("invoice_type", "true", "invoice_type: not a whole number"),
        ("invoice_type", '"three"', "invoice_type: not a number"),
        ("is_red", '"perhaps"', "is_red: not a yes or no"),
        ("is_red", "2", "is_red: not a yes or no"),
        ("is_red", "[1]", "is_red: not a yes or no"),
        ("payer_name", "true", "payer_name: not a text"),
        ("payer_name", '{"a":1}', "payer_name: not a text"),
        ("detail_list", "{}", "detail_list: not a list"),
        ("detail_list", "[{},1]", "detail_list[1]: not an object"),
        ("detail_list", '[{},{},{"tax":"x"}]', "detail_list[2].tax: not a number"),
        ("detail_list", '[{"item_name":[]}]', "detail_list[0].item_name: not a text"),
    ],
)
def test_an_unreadable_field_is_named_without_its_value(field: str, said: str, told: str):
    with pytest.raises(ValueError) as caught:
        order_of(field, said)

    assert str(caught.value) == told


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b'{"status":45}', "invoice_order_no: missing"),
        (b'{"invoice_order_no":"FP1"}', "status: missing"),
        (b"[]", "row: not an object"),
        (b'{"invoice_order_no":"FP1","status":45,"status":60}', "dup_key"),  # F122
        (b'{"invoice_order_no":"FP1","status":45,"payer_name":"\\ud800"}', "surrogate"),  # F117
        (b'{"invoice_order_no":"FP1","status":45,"payer_name":"a\\u0000"}', "nul"),  # F118
        (b'{"invoice_order_no":"FP1","status":45,"payer_name":"\xff"}', "utf8"),
    ],
)
def test_a_row_that_is_no_order_is_refused(raw: bytes, told: str):
    with pytest.raises(ValueError, match=told):
        decode_order(raw)


def test_unknown_numbers_pass_through():
    found = order(status=999, invoice_type=77, invoice_mask=1 << 30, detail_list=[{"row_type": 9, "platform_id": 31}])

    assert (found.status, found.invoice_type, found.mask) == (999, 77, 1 << 30)
    assert (found.lines[0].row_type, found.lines[0].platform_id) == (9, 31)


def test_whole_numbers_come_as_fractions_and_texts():
    found = decode_order(b'{"invoice_order_no":"FP1","status":"45","invoice_type":3.0,"business_type":"1"}')

    assert (found.status, found.invoice_type, found.business_type) == (45, 3, 1)


def test_texts_are_kept_as_they_were_typed():
    """F116: cleaning is for the issuer's field rules, not for the reader."""
    typed = "a\nb\x1b[0m\u2028c\u202e😀 "

    found = order(payer_name=typed, trade_no=20261120)

    assert found.payer.name == typed
    assert found.trade_no == "20261120"


def test_a_number_where_a_text_belongs_is_written_out():
    found = order_of("detail_list", '[{"tax_code":1010101010000000000,"item_no":1.50}]')

    assert (found.lines[0].tax_code, found.lines[0].item_no) == ("1010101010000000000", "1.50")


@pytest.mark.parametrize(
    ("said", "kept"),
    [("null", ""), ('"0000-00-00 00:00:00"', "0000-00-00 00:00:00"), ("1549943699000", "1549943699000")],
)
def test_an_odd_time_of_issue_is_kept_as_it_came(said: str, kept: str):
    """F107: no time is invented from it, and it makes no row bad."""
    assert order_of("invoice_time", said).invoice_time == kept


def test_lines_keep_their_order_and_their_doubles():
    found = order(detail_list=[{"item_no": "a"}, {"item_no": "b", "row_type": "1"}, {"item_no": "a"}])

    assert [(line.item_no, line.row_type) for line in found.lines] == [("a", 0), ("b", 1), ("a", 0)]


@settings(max_examples=200, deadline=None)
@given(st.decimals(min_value=Decimal("-9e14"), max_value=Decimal("9e14"), places=4))
def test_every_amount_of_the_database_is_read_as_it_was_written(amount: Decimal):
    text = format(amount, "f")

    assert order_of("sum_tax", text).sum_tax == amount
    assert order_of("sum_tax", f'"{text}"').sum_tax == amount


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_mutation_of_a_row_raises_anything_but_value_errors(data: st.DataObject):
    body = bytearray(SAMPLE_ROW)
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(0, len(body)))
        body[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))

    try:
        decode_order(bytes(body))
    except ValueError:
        pass
