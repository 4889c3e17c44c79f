import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from syncd.domain.order import OrderNo, Search, WriteBack
from syncd.domain.trouble import Permanent
from syncd.wire.strict_json import Malformed
from syncd.wire.wdt.codec import (
    Terms,
    TooLong,
    Unsendable,
    fit_error_text,
    parse_now,
    parse_update,
    search_body,
    update_body,
    version,
)
from syncd.wire.wdt.errors import Refusal

VECTORS = json.loads((Path(__file__).parents[2] / "data" / "vectors.json").read_text())["vectors"]
START = datetime(2026, 11, 19, 1, 50, tzinfo=UTC)
END = datetime(2026, 11, 20, 1, 55, tzinfo=UTC)
A = OrderNo("FP202611200001")
B = OrderNo("FP202611200002")
ISSUED = WriteBack(
    order_no=B,
    status=60,
    invoice_no="26112000000123456789",
    file_url="https://fp.example.test/d?id=1&k=a/b",
    issued_at=datetime(2026, 11, 20, 1, 58, 7, tzinfo=UTC),
    outer_amount=Decimal("113.0"),
)
FAILED = WriteBack(order_no=A, status=85, error_text="购方税号不正确")


def signed_body(vector: str) -> bytes:
    return next(one["inputs"]["body"].encode() for one in VECTORS if one["id"] == vector)


def document(written: WriteBack, terms: Terms | None = None) -> dict[str, object]:
    ((found,),) = json.loads(update_body([written], terms or Terms()), parse_float=Decimal)
    return found


def test_a_search_is_one_map_with_beijing_times():
    body = search_body(Search(start=START, end=END))

    assert body == signed_body("wdt-sign-search-page0")


@pytest.mark.parametrize(
    ("query", "params"),
    [
        (Search(order_no=A, every_status=True), {"invoice_order_no": A, "mode": 1}),
        (Search(order_no=A), {"invoice_order_no": A}),
        (
            Search(start=START, end=END, every_status=True, status=85),
            {"start_time": "2026-11-19 09:50:00", "end_time": "2026-11-20 09:55:00", "mode": 1, "status": 85},
        ),
    ],
)
def test_a_search_says_what_is_asked_and_nothing_else(query: Search, params: dict[str, object]):
    assert json.loads(search_body(query)) == [params]


@pytest.mark.parametrize(
    "query",
    [
        Search(),
        Search(start=START),
        Search(end=END),
        Search(start=START, end=END, status=85),
        Search(order_no=OrderNo("FP1\r\n")),  # S43
        Search(start=START.replace(tzinfo=None), end=END),
    ],
)
def test_a_question_wdt_cannot_answer_is_not_asked(query: Search):
    with pytest.raises(ValueError):
        search_body(query)


def test_a_failure_is_written_as_the_vector_says():
    assert update_body([FAILED], Terms()) == signed_body("wdt-sign-update-failed-utf8")


def test_an_issued_invoice_is_written_as_the_vector_says():
    assert update_body([ISSUED], Terms()) == signed_body("wdt-sign-update-issued")


@pytest.mark.parametrize(
    ("amount", "written"),
    [("4", b":4}"), ("1E+2", b":100}"), ("123456789012345.6789", b":123456789012345.6789}"), ("-0.10", b":-0.10}")],
)
def test_an_amount_is_written_with_its_own_digits(amount: str, written: bytes):
    body = update_body([WriteBack(order_no=A, status=85, outer_amount=Decimal(amount))], Terms())

    assert written in body


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "0.00001", "1e15"])
def test_an_amount_wdt_cannot_hold_is_not_sent(amount: str):
    with pytest.raises(Unsendable, match="invoice_outer_amount"):
        update_body([WriteBack(order_no=A, status=85, outer_amount=Decimal(amount))], Terms())


@pytest.mark.parametrize(
    ("client_version", "status", "url", "sent"),
    [
        ("1.5.8.0", 85, "", "https://fp.example.test/none"),
        ("1.5.8.3", 85, "", "https://fp.example.test/none"),
        ("1.5.8.3", 85, "https://a.test/f", "https://a.test/f"),
        ("1.5.8.4", 85, "", None),
        ("V1.5.10.0", 85, "", None),
        ("1.5.8.4", 85, "https://a.test/f", "https://a.test/f"),
        ("1.5.8.0", 60, "", ""),
        ("1.5.8.4", 60, "", ""),
        ("1.5.8.4", 60, "https://a.test/f", "https://a.test/f"),
    ],
)
def test_the_address_follows_the_client_version(client_version: str, status: int, url: str, sent: str | None):
    """Seed wdt-update-invoice §3.3: always required before 1.5.8.4, only with 60 since."""
    terms = Terms(client_version=version(client_version), failed_file_url="https://fp.example.test/none")

    found = document(WriteBack(order_no=A, status=status, invoice_no="1", file_url=url), terms)

    assert found.get("file_url") == sent


def test_the_other_addresses_are_sent_where_there_are_any():
    found = document(WriteBack(A, 60, "1", file_url="https://a.test/f", ofd_url="https://a.test/o", xml_url="x"))

    assert (found["ofd_url"], found["xml_url"]) == ("https://a.test/o", "x")
    assert "xml_url" not in document(ISSUED)


@pytest.mark.parametrize(
    ("empty_code", "code", "sent"),
    [("", "", ""), ("-", "", "-"), ("-", "044001", "044001"), ("invoice_no_prefix12", "", "261120000001")],
)
def test_a_fully_digital_invoice_has_no_code_and_something_stands_for_it(empty_code: str, code: str, sent: str):
    """F91"""
    written = WriteBack(order_no=A, status=60, invoice_no="26112000000123456789", invoice_code=code)

    assert document(written, Terms(empty_code=empty_code))["invoice_code"] == sent


def test_a_failure_has_an_empty_number_and_an_issued_one_has_no_error_text():
    assert document(FAILED)["invoice_no"] == ""
    assert "error_info" not in document(WriteBack(A, 60, "1", error_text="old"))


@pytest.mark.parametrize("field", ["file_url", "ofd_url", "xml_url"])
def test_a_long_address_is_refused_and_never_cut(field: str):
    """F89: a cut URL leads nowhere, and one over-long field sinks the whole batch."""
    fits = WriteBack(order_no=A, status=60, invoice_no="1", **{field: "x" * 255})
    too_long = WriteBack(order_no=A, status=60, invoice_no="1", **{field: "好" * 256})

    assert document(fits)[field] == "x" * 255
    with pytest.raises(TooLong) as caught:
        update_body([too_long], Terms())
    assert (caught.value.field, caught.value.limit) == (field, 255)


@pytest.mark.parametrize(
    ("written", "field"),
    [
        (WriteBack(OrderNo("F" * 41), 85), "invoice_order_no"),
        (WriteBack(A, 60, "1" * 41), "invoice_no"),
        (WriteBack(A, 60, "1", "2" * 41), "invoice_code"),
        (WriteBack(A, 60, ""), "invoice_no"),
        (WriteBack(A, 45, "1"), "status"),
        (WriteBack(OrderNo("F\r\nP"), 85), "invoice_order_no"),
        (WriteBack(A, 60, "1", file_url="https://a.test/\n"), "file_url"),
    ],
)
def test_what_would_sink_the_batch_is_refused_by_name(written: WriteBack, field: str):
    with pytest.raises(Unsendable) as caught:
        update_body([FAILED, written] if written.order_no != A else [written], Terms())

    assert caught.value.field == field


def test_a_batch_is_at_most_the_cap_and_names_nobody_twice():
    many = [WriteBack(OrderNo(f"FP{place}"), 85) for place in range(21)]

    assert len(json.loads(update_body(many[:20], Terms()))[0]) == 20
    with pytest.raises(ValueError, match="20"):
        update_body(many, Terms())
    with pytest.raises(ValueError, match="twice"):
        update_body([FAILED, FAILED], Terms())


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("购方税号不正确", "购方税号不正确"),
        ("好" * 101, "好" * 100),  # F90
        ("😀" * 50 + "好" * 120, "好" * 100),
        ("a\r\nb\x00c\x1b\x7f\x85d", "abcd"),
        ("\ud800é\u2028", "é\u2028"),
        ("", ""),
    ],
)
def test_an_error_text_is_cut_in_characters_after_cleaning(text: str, sent: str):
    assert fit_error_text(text) == sent
    assert document(WriteBack(A, 85, error_text=text))["error_info"] == sent


@pytest.mark.parametrize(
    "vector", [one for one in VECTORS if one["kind"] == "wdt_parse_update"], ids=lambda one: one["id"]
)
def test_an_answer_to_a_write_back_is_read_as_the_vector_says(vector: dict):
    body, expected = vector["inputs"]["json"].encode(), vector["expected"]

    if not expected["ok"]:
        with pytest.raises((Refusal, Permanent)):
            parse_update(body)
        return

    assert parse_update(body).refused == expected["refused"]


def answer(told: object) -> bytes:
    return json.dumps({"status": 0, "data": {"error_info": told, "status": 0}}, ensure_ascii=False).encode()


@pytest.mark.parametrize(
    "told",
    [
        {A: "发票不存在!"},
        {f" {A.lower()} ": "发票不存在!"},
        {A: {"message": "发票不存在!"}},
        [{"order_no": A, "message": "发票不存在!"}],
        [{"invoice_order_no": A, "err_msg": "发票不存在!"}],
        [{"no": A, "error": "发票不存在!"}],
        [{"name": f"{A}\t", "error": "发票不存在!"}],
    ],
)
def test_a_refused_document_is_found_however_it_is_listed(told: object):
    """F80, F81"""
    assert parse_update(answer(told), [A, B]).refused == {A: "发票不存在!"}


@pytest.mark.parametrize(("told", "text"), [({A: ""}, ""), ({A: None}, ""), ({A: 5}, "5"), ([{"no": A}], "")])
def test_being_listed_is_being_refused_even_without_a_text(told: object, text: str):
    assert parse_update(answer(told), [A]).refused == {A: text}


@pytest.mark.parametrize("told", [{}, [], None, "", "  "])
def test_nothing_listed_is_nothing_refused(told: object):
    assert parse_update(answer(told), [A]).refused == {}


def test_somebody_elses_number_is_reported_under_its_own_name():
    assert parse_update(answer({A: "x", "FP9": "y"}), [A]).refused == {A: "x", "FP9": "y"}


@pytest.mark.parametrize(
    "body",
    ['{"status":0,"data":[{"no":"%s","error":"x"}]}', '{"status":0,"data":{"error_list":[{"no":"%s","error":"x"}]}}'],
)
def test_the_lists_of_sibling_methods_are_read_too(body: str):
    assert parse_update((body % A).encode(), [A]).refused == {A: "x"}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b'{"status":0,"data":{"error_info":{',
        b'{"status":0,"status":100}',
        b'{"status":0,"data":{"error_info":["FP1 x"]}}',
        b'{"status":0,"data":{"error_info":[{"message":"x"}]}}',
        b'{"status":0,"data":{"error_info":5}}',
        b'{"status":0,"data":{"failed":["FP1"]}}',
        b'{"status":0,"data":"ok"}',
        b'{"status":0,"data":{"error_info":{},"status":"fine"}}',
        b'{"data":{"error_info":{}}}',
    ],
)
def test_an_answer_that_says_nothing_certain_is_malformed(body: bytes):
    with pytest.raises(Malformed):
        parse_update(body, [A])


@pytest.mark.parametrize("told", [b'"status":-1', b'"status":"1"', b'"status":1'])
def test_a_failure_inside_is_a_failure(told: bytes):
    with pytest.raises(Refusal):
        parse_update(b'{"status":0,"data":{"error_info":{},' + told + b"}}", [A])


@pytest.mark.parametrize(
    "data",
    ['{"now":469792800}', "469792800", '"469792800"', "1795140000", "1795140000000", '"2026-11-20 10:00:00"'],
)
def test_the_servers_clock_is_understood_in_every_shape_we_can_imagine(data: str):
    assert parse_now(b'{"status":0,"data":%s}' % data.encode()) == datetime(2026, 11, 20, 2, tzinfo=UTC)


@pytest.mark.parametrize("data", ["null", "{}", "[]", '"soon"', '"2026-11-20"', "true", "1.5", "-9223372036854775807"])
def test_a_clock_in_another_shape_is_unknown(data: str):
    assert parse_now(b'{"status":0,"data":%s}' % data.encode()) is None


@pytest.mark.parametrize("text", ["", "new", "1.5.x"])
def test_a_client_version_is_numbers(text: str):
    with pytest.raises(ValueError):
        version(text)
