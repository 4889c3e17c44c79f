import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.domain.order import BadRow, Page
from syncd.wire.strict_json import Malformed
from syncd.wire.wdt.errors import Refusal
from syncd.wire.wdt.page import content_hash, decode_page, read_row

ASKED_AT = datetime(2026, 11, 20, 2, tzinfo=UTC)
SAMPLE = (Path(__file__).parents[2] / "data" / "wdt-search-sample.json").read_bytes()
ROW = b'{"invoice_order_no":"FP1","status":45}'
NEIGHBOUR = b'{"invoice_order_no":"FP2","status":45,"invoice_amount":4}'


def page(body: bytes) -> Page:
    """The answer, and every row of it read to its end."""
    found = decode_page(body, ASKED_AT)
    return replace(found, rows=tuple(row.read() for row in found.rows))


def page_of(*rows: bytes) -> Page:
    return page(b'{"status":0,"data":{"total_count":9,"order":[' + b",".join(rows) + b"]}}")


def test_the_vendors_own_sample_is_read():
    """Seed wdt-search §6.1, with the opening brace it lacks."""
    found = page(SAMPLE)

    (row,) = found.rows
    assert (found.total, found.bad, found.asked_at) == (1, (), ASKED_AT)
    assert (row.no, row.status, row.is_red, row.shop_no) == ("FP201902120001", 20, False, "msn001")
    assert (row.payer_name, row.amount, row.invoice_no) == ("个人", 40_000, "")
    assert row.created_at == datetime(2019, 2, 12, 3, 54, 59, tzinfo=UTC)
    assert json.loads(row.raw) == json.loads(SAMPLE)["data"]["order"][0]
    assert row.raw in SAMPLE
    assert row.content_hash == content_hash(row.raw)


@pytest.mark.parametrize(
    "body",
    [
        b'{"status":0,"data":null}',
        b'{"status":0,"data":{}}',
        b'{"status":0,"data":[]}',
        b'{"status":0,"data":{"order":null}}',
        b'{"status":0,"data":{"order":[]}}',
        b'{"status":0,"data":{"order":{}}}',
        b'{"status":0,"data":""}',
        b'{"status":0}',
    ],
)
def test_a_page_without_rows_has_many_shapes(body: bytes):
    found = page(body)

    assert (found.rows, found.bad, found.total, found.count) == ((), (), None, 0)


@pytest.mark.parametrize(
    "body",
    [
        b'{"status":0,"data":{"order":[%s]}}',
        b'{"data":{"order":[%s]},"status":"0"}',
        b'{"status":0.0,"message":"ok","data":[%s]}',
        b'{"status":0,"order":[%s]}',
        b'\xef\xbb\xbf{"status":0,"data":{"order":[%s]}}',
        b' \n{ "status" : 0 , "data" : { "order" : [ %s ] , "x" : [ 1 ] } }\n',
    ],
)
def test_rows_are_found_wherever_the_envelope_keeps_them(body: bytes):
    found = page(body % ROW)

    assert [row.raw for row in found.rows] == [ROW]


@pytest.mark.parametrize(
    ("body", "total"),
    [
        (b'{"status":0,"data":{"total_count":7,"order":[]}}', 7),
        (b'{"status":0,"data":{"total_count":"7","order":[]}}', 7),
        (b'{"status":0,"data":{"total_count":7.0,"order":[]}}', 7),
        (b'{"status":0,"data":{"order":[]},"total_count":7}', 7),
        (b'{"status":0,"data":{"order":[]},"total":7}', 7),
        (b'{"status":0,"data":{"total_count":0,"order":[]}}', 0),
        (b'{"status":0,"data":{"total_count":null,"order":[]},"total":7}', 7),
        (b'{"status":0,"data":{"total_count":"","order":[]}}', None),
        (b'{"status":0,"data":{"total_count":-1,"order":[]}}', None),
        (b'{"status":0,"data":{"total_count":"many","order":[]}}', None),
        (b'{"status":0,"data":{"total_count":1.5,"order":[]}}', None),
        (b'{"status":0,"data":{"total_count":true,"order":[]}}', None),
        (b'{"status":0,"data":{"total_count":[7],"order":[]}}', None),
        (b'{"status":0,"data":{"order":[]}}', None),
    ],
)
def test_a_total_is_a_count_or_none(body: bytes, total: int | None):
    """F73: what cannot be trusted as a number must not pass for one."""
    assert page(body).total == total


@pytest.mark.parametrize(
    ("body", "code", "text"),
    [
        (b'{"status":100,"message":"x"}', 100, "x"),
        (b'{"status":"7","message":"x"}', 7, "x"),
        (b'{"status":-1}', -1, ""),
        (b'{"status":1,"message":null,"data":{"order":[{}]}}', 1, ""),
        (b'{"status":1,"message":["x"]}', 1, ""),
    ],
)
def test_any_status_but_zero_is_a_refusal(body: bytes, code: int, text: str):
    with pytest.raises(Refusal) as caught:
        page(body)

    assert (caught.value.code, caught.value.text) == (code, text)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "empty"),  # F49
        (b"null", "syntax"),
        (b"[]", "syntax"),
        (b'"ok"', "syntax"),
        (b"{}", "shape"),
        (b'{"status":null}', "shape"),
        (b'{"status":true}', "shape"),  # S47
        (b'{"status":[0]}', "shape"),
        (b'{"status":0.5}', "shape"),
        (b'{"message":"ok"}', "shape"),
        (SAMPLE[:-3], "syntax"),  # F49
        (SAMPLE[:400], "syntax"),
        (SAMPLE + SAMPLE, "syntax"),
        (b"<html>login</html>", "html"),  # F48
        (b'{"status":0,"status":100,"data":{"order":[]}}', "dup_key"),  # F122
        (b'{"status":100,"status":0,"data":{"order":[{}]}}', "dup_key"),
        (b'{"status":0,"data":{"total_count":1,"total_count":0,"order":[%s]}}' % ROW, "dup_key"),
        (b'{"status":0,"data":{"order":[%s],"order":[]}}' % ROW, "dup_key"),
        (b'{"status":0,"data":{"order":[],"order":[%s]}}' % ROW, "dup_key"),
        (b'{"status":0,"data":{"order":' + b"[" * 200_000 + b"]" * 200_000 + b"}}", "depth"),  # F121
        (b'{"status":0,"data":{"order":[{"a":"\\ud800"' + b"[" * 200_000, "syntax"),
        (b'{"status":0,"message":"\xff","data":{"order":[]}}', "utf8"),
    ],
)
def test_what_is_no_whole_answer_is_malformed_and_never_an_empty_page(body: bytes, why: str):
    with pytest.raises(Malformed) as caught:
        page(body)

    assert caught.value.why == why


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"1", "not_object"),
        (b"null", "not_object"),
        (b"[]", "not_object"),
        (b"{}", "no_status"),
        (b'{"status":45}', "no_number"),
        (b'{"invoice_order_no":"FP1"}', "no_status"),
        (b'{"invoice_order_no":"FP1","status":null}', "no_status"),
        (b'{"invoice_order_no":"FP1","status":""}', "no_status"),
        (b'{"invoice_order_no":"FP1","status":true}', "no_status"),  # S47
        (b'{"invoice_order_no":"FP1","status":[45]}', "no_status"),
        (b'{"invoice_order_no":"FP1","status":"waiting"}', "no_status"),
        (b'{"invoice_order_no":"","status":45}', "no_number"),
        (b'{"invoice_order_no":"  ","status":45}', "no_number"),
        (b'{"invoice_order_no":null,"status":45}', "no_number"),
        (b'{"invoice_order_no":true,"status":45}', "no_number"),
        (b'{"invoice_order_no":{"a":1},"status":45}', "no_number"),
        (b'{"invoice_order_no":"' + b"F" * 41 + b'","status":45}', "number_too_long"),
        (b'{"invoice_order_no":"F\\u0000P","status":45}', "nul"),  # F118
        (b'{"invoice_order_no":"F\\ud800P","status":45}', "surrogate"),  # F117
        (b'{"invoice_order_no":"F\\r\\nP","status":45}', "number_control"),  # S43, F116
        (b'{"invoice_order_no":"FP1","status":45,"status":60}', "dup_key"),  # F122
        (b'{"invoice_order_no":"FP1","status":45,"invoice_order_no":"FP9"}', "dup_key"),
        (b'{"invoice_order_no":"FP1","status":45,"remark":"' + b"x" * 2**20 + b'"}', "too_large"),
        (b'{"invoice_order_no":"FP1","status":' + b"9" * 5000 + b"}", "no_status"),  # F120
    ],
)
def test_a_row_that_cannot_be_named_is_set_aside_and_its_neighbour_is_read(row: bytes, reason: str):
    found = page_of(row, NEIGHBOUR)

    assert [(one.raw, one.reason) for one in found.bad] == [(row, reason)]
    assert [one.no for one in found.rows] == ["FP2"]
    assert found.count == 2


@pytest.mark.parametrize(
    "row",
    [
        b'{"invoice_order_no":"FP1","status":45,"remark":"\\ud800"}',  # F117
        b'{"invoice_order_no":"FP1","status":45,"remark":"a\x01\nb"}',  # F116
        b'{"invoice_order_no":"FP1","status":45,"invoice_amount":NaN}',  # F119
        b'{"invoice_order_no":"FP1","status":45,"invoice_amount":"12\\ud800"}',  # F117
        b'{"invoice_order_no":"FP1","status":45,"remark":"\xff\xfe"}',  # F49
        b'{"invoice_order_no":"FP1","status":45,"payer_name":"\xff\xfe"}',
        b'{"invoice_order_no":"FP1","status":45,"shop_no":{"a":[1,2]}}',
        b'{"invoice_order_no":"FP1","status":45,"sum_tax":' + b"9" * 5000 + b"}",  # F120
        b'{"invoice_order_no":"FP1","status":45,"x":' + b"[" * 200 + b"]" * 200 + b"}",
    ],
)
def test_a_row_with_something_impossible_in_it_keeps_its_name_and_hides_no_neighbour(row: bytes):
    """The fast reader would refuse the whole page for one of these; what is wrong shows when the row is decoded."""
    found = page_of(NEIGHBOUR, row, ROW.replace(b"FP1", b"FP3"))

    assert [one.no for one in found.rows] == ["FP2", "FP1", "FP3"]
    assert found.rows[1].raw == row
    assert found.rows[0].amount == 40_000
    assert (found.bad, found.total) == ((), 9)


@pytest.mark.parametrize(
    ("field", "said", "name", "read"),
    [
        (b"status", b'"45"', "status", 45),
        (b"status", b"45.0", "status", 45),
        (b"status", b"12345", "status", 12345),
        (b"invoice_order_no", b"12345", "no", "12345"),
        (b"invoice_no", b"26112000000123456789", "invoice_no", "26112000000123456789"),
        (b"invoice_no", b"null", "invoice_no", ""),
        (b"is_red", b"true", "is_red", True),
        (b"is_red", b'"true"', "is_red", True),
        (b"is_red", b"1", "is_red", True),
        (b"is_red", b'"0"', "is_red", False),
        (b"is_red", b'"perhaps"', "is_red", False),
        (b"invoice_amount", b'"113.0000"', "amount", 1_130_000),
        (b"invoice_amount", b"1.13E+2", "amount", 1_130_000),
        (b"invoice_amount", b"-0.01", "amount", -100),
        (b"invoice_amount", b"123456789012345.6789", "amount", 1234567890123456789),
        (b"invoice_amount", b'""', "amount", None),
        (b"invoice_amount", b"null", "amount", None),
        (b"invoice_amount", b'"four"', "amount", None),
        (b"invoice_amount", b"1e400", "amount", None),
        (b"invoice_amount", b"9e15", "amount", None),
        (b"invoice_amount", b"[4]", "amount", None),
        (b"created", b'"1549943699000"', "created_at", datetime(2019, 2, 12, 3, 54, 59, tzinfo=UTC)),
        (b"created", b"{}", "created_at", None),
        (b"payer_name", b'"a\\u0000\\ud800b"', "payer_name", "ab"),
        (b"payer_name", b'"\xf0\x9f\x98\x80\xe5\x8f\xb7"', "payer_name", "😀号"),
    ],
)
def test_a_head_field_is_read_in_every_spelling(field: bytes, said: bytes, name: str, read: object):
    others = b"".join(
        b'"%s":%s,' % other for other in ((b"invoice_order_no", b'"FP1"'), (b"status", b"45")) if other[0] != field
    )

    (row,) = page_of(b"{" + others + b'"' + field + b'":' + said + b"}").rows

    assert getattr(row, name) == read


def test_of_two_rows_with_one_number_the_last_counts_and_both_were_served():
    """`Page.count` decides whether a page was short, so a doubled row must not make a full page look short."""
    first, last = ROW, ROW.replace(b"45", b"60")

    found = page_of(first, NEIGHBOUR, last)

    assert [(row.no, row.status) for row in found.rows] == [("FP2", 45), ("FP1", 60)]
    assert [(one.raw, one.reason) for one in found.bad] == [(first, "superseded")]
    assert found.count == 3


def test_a_value_that_looks_like_a_field_name_is_no_doubled_name():
    (row,) = page_of(b'{"invoice_order_no":"FP1","status":45,"item":"status","x":{"status":1}}').rows

    assert row.no == "FP1"


def test_a_row_of_two_thousand_lines_is_not_bad():
    lines = b",".join([b'{"item_no":"a"}'] * 2001)

    (row,) = page_of(b'{"invoice_order_no":"FP1","status":45,"detail_list":[' + lines + b"]}").rows

    assert row.no == "FP1"


def test_the_digest_changes_with_any_byte():
    assert content_hash(ROW) != content_hash(ROW + b" ")
    assert len(content_hash(ROW)) == 16


def test_both_ways_of_cutting_find_the_same_rows():
    """One strange row switches the whole page to the slow way; its neighbours must not change their digests."""
    sample_row = page(SAMPLE).rows[0].raw
    strange = b'{"invoice_order_no":"FP9","status":45,"remark":"\\ud800"}'

    fast = page_of(sample_row, NEIGHBOUR)
    slow = page_of(sample_row, strange, NEIGHBOUR)

    assert [row.content_hash for row in fast.rows] == [row.content_hash for row in slow.rows if row.no != "FP9"]


def test_an_invoice_number_of_any_length_is_cut_to_what_can_be_looked_up():
    """Its bytes keep all of it; in the store's index a text of thousands of bytes would stop the whole page."""
    raw = b'{"invoice_order_no":"FP1","status":60,"invoice_no":"' + b"2633" * 2000 + b'"}'

    (row,) = page_of(raw).rows

    assert (row.invoice_no, row.raw) == ("2633" * 25, raw)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_mutation_of_an_answer_raises_anything_unforeseen(data: st.DataObject):
    """S32"""
    body = bytearray(b'{"status":0,"data":{"total_count":2,"order":[' + ROW + b"," + NEIGHBOUR + b"]}}")
    for _ in range(data.draw(st.integers(1, 5))):
        place = data.draw(st.integers(0, len(body)))
        insert = data.draw(st.binary(max_size=3) | st.sampled_from([b"NaN", b"[", b"{", b'"', b"\\ud800", b"null"]))
        body[place : place + data.draw(st.integers(0, 3))] = insert

    try:
        found = page(bytes(body))
    except (Malformed, Refusal):
        return

    for row in found.rows:
        assert row.no.encode()
        assert row.payer_name.encode() is not None


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_of_a_row_raise(raw: bytes):
    assert read_row(raw).raw == raw


def test_a_page_of_a_hundred_rows_is_read_in_milliseconds():
    row = page(SAMPLE).rows[0].raw
    body = b'{"status":0,"data":{"order":[' + b",".join(
        row.replace(b"FP201902120001", b"FP%04d" % number) for number in range(100)
    ) + b"]}}"  # fmt: skip
    started = time.perf_counter()

    found = page(body)

    assert len(found.rows) == 100
    assert time.perf_counter() - started < 0.25


@pytest.mark.parametrize(
    ("fields", "relation"),
    [
        (b'"is_red":true,"relation_invoice_no_out":"26112000000123456789"', "26112000000123456789"),
        (
            b'"is_red":true,"relation_invoice_no_out":" 14869350","relation_invoice_code":"012001800211"',
            "012001800211/14869350",
        ),
        (b'"is_red":true,"relation_invoice_no_out":null', ""),
        (b'"is_red":true,"relation_invoice_no_out":"' + b"9" * 90 + b'"', ""),
        (b'"is_red":false,"relation_invoice_no_out":"26112000000123456789"', ""),
    ],
)
def test_a_red_row_says_which_blue_it_names(fields: bytes, relation: str) -> None:
    row = read_row(b'{"invoice_order_no":"FP1","status":45,' + fields + b"}")

    assert not isinstance(row, BadRow)
    assert row.read().relation == relation
