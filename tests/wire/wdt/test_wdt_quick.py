"""The quick reader takes a row only where the careful one would say the very same of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.domain.order import Row
from syncd.stages.intake import SUPERSEDED
from syncd.wire.strict_json import Malformed
from syncd.wire.wdt.page import careful_row, decode_page
from syncd.wire.wdt.quick import plain_page, plain_row
from syncd.wire.wdt.slices import _cut, _cut_any, slice_rows

SAMPLE = json.loads((Path(__file__).parents[2] / "data" / "wdt-search-sample.json").read_bytes())["data"]["order"][0]

TEXTS = st.text(st.characters(codec="utf-8"), max_size=5) | st.sampled_from(
    ["", " ", "\0", "FP\n1", "8" * 41, "9" * 101, "1e5"]
)
NUMBERS = st.sampled_from([0, 45, -1, 2**31, 2**70, 1_549_943_699_000, 1_549_943_699, 10**11, 2 * 10**14, 10**17])
AMOUNTS = st.decimals(allow_nan=False, allow_infinity=False).map(lambda n: f"{n:E}".lower()) | st.sampled_from(
    ["0", "-0", "0.00005", "1.23455", "702.29", "9e14", "900000000000000.1", "1e-30", "1e999999", "-12.3400"]
)
INSTANTS = st.integers(10**11, 4 * 10**12)
VALUES = st.one_of(st.none(), st.booleans(), TEXTS, NUMBERS, INSTANTS, st.floats(allow_nan=False, allow_infinity=False))
NAMES = st.sampled_from(
    ["invoice_order_no", "status", "is_red", "invoice_no", "shop_no", "payer_name", "created", "relation_invoice_code"]
)
#: Of a row, but for its opening: what makes it hard to say where it begins, ends, or names itself.
MEMBERS = st.sampled_from(
    [
        *(b'"invoice_order_no":"FP1"', b'"invoice_order_no":"FP2"', b'"invoice_order_no" : "FP3"'),
        *(b'"invoice_order_no":7', b'"\\u0069nvoice_order_no":"FP4"'),
        *(b'"status":45', b'"status":45 ', b'"status":"45"', b'"\\u0073tatus":60', b'"is_red":true'),
        *(
            b'"shop_no":"invoice_order_no"',
            b'"shop_no":"\\"invoice_order_no\\""',
            b'"shop_no":"},{"',
            b'"shop_no":"}]"',
        ),
        *(b'"shop_no":"\\n"', b'"shop_no":"\\ud800"', b'"shop_no":"\xff"', b'"shop_no":"a\nb"', b'"created":NaN'),
        *(b'"detail_list":[{"a":1},{"invoice_order_no":"FP5"}]', b'"order":[{"invoice_order_no":"FP6","status":5}]'),
        b'"detail_list":[{"a":{}},{"b":[]}]',
    ]
)
FIRST, LAST = b'"invoice_order_no":"FP8"', b'"status":45'
ROWS = st.one_of(
    *[st.just([FIRST, LAST])] * 3,
    st.just([FIRST, b'"detail_list":[{"a":{}},{"b":[]}]', b'"shop_no":"},{"', LAST]),
    st.builds(lambda more: [FIRST, more, LAST], MEMBERS),
    st.builds(lambda more: [more, FIRST, LAST], MEMBERS),
    st.lists(MEMBERS, max_size=4),
).map(lambda members: b"{" + b",".join(members) + b"}")
#: Around the rows.
ANSWERS = st.just(b'{"status":0,"data":{"total_count":2,"order":[%b]}}') | st.sampled_from(
    [
        b'\n{"data":{"order":[%b],"total_count":2},"status":0}\n',
        *(b'{"status":0,"data":{"order":[ %b ]}}', b'{"status":0,"data":[%b]}', b'{"status":0,"order":[%b]}'),
        b'{"status":0,"message":"invoice_order_no","data":{"order":[%b]}}',
        b'{"status":0,"data":{"order":[{"invoice_order_no":"FP8","status":45}]},"data":{"order":[%b]}}',
        b'{"status":0,"data":{"order":[%b]},"order":[{"invoice_order_no":"FP7","status":45}]}',
        b'{"x":{"order":[{"invoice_order_no":"FP7","status":45}]},"status":0,"data":{"order":[%b]}}',
    ]
)
USUAL = {"invoice_order_no": "FP1", "status": 45, "created": 1_795_090_192_687, "shop_no": "shop01", "is_red": False}


def carefully(raw: bytes) -> Row | str:
    try:
        return careful_row(raw)
    except Malformed as error:
        return error.why


def as_written(changes: dict[str, object], amount: str | None, *, quoted: bool = False) -> bytes:
    raw = json.dumps({**USUAL, **changes}, ensure_ascii=False).encode()
    if amount is None:
        return raw
    return raw[:-1] + b',"invoice_amount":' + (f'"{amount}"' if quoted else amount).encode() + b"}"


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(NAMES, VALUES, max_size=3), st.none() | AMOUNTS, st.booleans())
def test_both_readers_say_the_same_of_a_row(changes: dict[str, object], amount: str | None, quoted: bool) -> None:
    raw = as_written(changes, amount, quoted=quoted)

    quick = plain_row(raw)

    assert quick is None or quick.read() == carefully(raw)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.dictionaries(NAMES, VALUES, max_size=2), st.none() | AMOUNTS), min_size=1, max_size=4))
def test_of_every_page_the_quick_reader_says_what_the_careful_one_says_row_by_row(
    rows: list[tuple[dict[str, object], str | None]],
) -> None:
    """What is looked at first, too: by number, status and bytes an unchanged row is known, and not read any further."""
    raws = [as_written({"invoice_order_no": f"FP{n}", **changes}, amount) for n, (changes, amount) in enumerate(rows)]
    body = b'{"status":0,"data":{"total_count":1,"order":[' + b",".join(raws) + b"]}}"

    found = decode_page(body, datetime(2026, 11, 20, tzinfo=UTC))

    careful = {row.raw: row for row in map(carefully, raws) if isinstance(row, Row)}
    assert {*(row.raw for row in found.rows), *(row.raw for row in found.bad)} == set(raws)
    for row in found.rows:
        known = careful[row.raw]
        assert (row.no, row.status, row.content_hash, row.read()) == (known.no, known.status, known.content_hash, known)
    assert all(bad.raw not in careful for bad in found.bad if bad.reason != SUPERSEDED)


@settings(max_examples=200, deadline=None)
@given(ANSWERS, st.lists(ROWS, max_size=4), st.sampled_from([b","] * 6 + [b" ,", b", "]))
def test_a_page_that_is_read_in_one_go_is_what_it_is_row_by_row(answer: bytes, rows: list[bytes], comma: bytes) -> None:
    body = answer % comma.join(rows)

    quick = plain_page(body)

    if quick is not None:
        spine, raws = slice_rows(body)
        assert quick[:2] == (spine, raws)
        assert [row and row.read() for row in quick[2]] == [row and row.read() for row in map(plain_row, raws)]


@pytest.mark.parametrize("rows", [1, 2, 100])
def test_the_page_of_every_day_is_read_in_one_go(rows: int) -> None:
    """The vendor's own row, and one whose texts hold what has to be escaped."""
    listed = [{**SAMPLE, "invoice_order_no": f"FP{n}", "payer_name": '"甲"\n乙/丙 },{'} for n in range(rows)]
    answer = {"status": 0, "data": {"total_count": rows, "order": listed}}
    body = json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()

    quick = plain_page(body)

    assert quick is not None
    assert quick[:2] == slice_rows(body)
    assert [row and row.no for row in quick[2]] == [f"FP{n}" for n in range(rows)]


@pytest.mark.parametrize(
    "rows",
    [
        b'{"invoice_order_no":"FP1","status":45,"l":[{},{"invoice_order_no":"FP2"}]},{"a":1,"\\u0069nvoice_order_no":"FP2","status":45}',
        b'{"\\u0069nvoice_order_no":"FP1","status":45,"l":[{"invoice_order_no":"FP2"}]}',
        b'{"invoice_order_no":"FP1","status":45},{"status":45,"invoice_order_no":"FP2"}',
        b'{"status":45,"invoice_order_no":"FP1"},{"invoice_order_no":"FP2","status":45}',
        b'{"invoice_order_no":"FP1","status":45,"invoice_order_no":"FP2"}',
        b'{"invoice_order_no":"FP1","status":45,"l":[{},{"invoice_order_no":"FP2"}]}',
        b'{"invoice_order_no":"FP1","status":45} ,{"invoice_order_no":"FP2","status":45}',
    ],
)
def test_a_page_whose_rows_do_not_surely_begin_with_their_number_is_cut_with_care(rows: bytes) -> None:
    assert plain_page(b'{"status":0,"data":{"order":[' + rows + b"]}}") is None


def test_the_row_of_every_day_is_read_quickly() -> None:
    raw = json.dumps({**USUAL, "payer_name": "示例文化传播有限公司", "invoice_amount": 702.29}).encode()

    found = plain_row(raw)

    assert found is not None
    row = found.read()
    assert (row.no, row.status, row.amount, row.payer_name) == ("FP1", 45, 7_022_900, "示例文化传播有限公司")
    sample = plain_row(json.dumps(SAMPLE).encode())
    assert sample is not None
    assert sample.read() == carefully(json.dumps(SAMPLE).encode())


@pytest.mark.parametrize(
    "cells",
    [
        b'"invoice_amount":"NaN"',
        b'"invoice_amount":{"of":4}',
        b'"invoice_amount":" 4 "',
        b'"payer_name":"a\\u0000b","shop_no":"\\u0000"',
        b'"raw":"AAAA","content_hash":"AAAA"',
        b'"relation_invoice_no_out":"26332000000000000001"',
    ],
)
def test_a_cell_that_wants_care_is_read_with_care_where_it_is_wanted(cells: bytes) -> None:
    raw = b'{"invoice_order_no":"FP1","status":45,' + cells + b"}"

    found = plain_row(raw)

    assert found is not None
    assert (found.raw, found.read()) == (raw, carefully(raw))


@pytest.mark.parametrize(
    "raw",
    [
        b'{"invoice_order_no":"FP1","status":45,"status":60}',
        b'{"invoice_order_no":"FP1","status":45,"is_red":true,"relation_invoice_no_out":"26332000000000000001"}',
        b'{"invoice_order_no":"FP1","status":"45"}',
        b'{"invoice_order_no":7,"status":45}',
        b'{"invoice_order_no":"FP1","status":60,"invoice_no":"' + b"2" * 41 + b'"}',
    ],
)
def test_what_wants_care_is_left_to_the_careful_reader(raw: bytes) -> None:
    assert plain_row(raw) is None


@pytest.mark.parametrize(
    "body",
    [
        b'{"status":0,"data":{"total_count":2,"order":[{"a":1},{"b":2}]}}',
        b'{"status":0,"message":{"a":1},"data":{"order":[{"a":1},{"b":2}]},"order":[{"b":2}]}',
        b'{"status":0,"data":{"order":[ {"a":1} , {"a":1} ]}}',
        b'{"status":0,"data":{"order":[{"a":1},{"a":1}]}}',
        b'{"status":0,"data":{"order":[1,11,1]}}',
    ],
)
def test_a_page_is_cut_quickly_as_it_is_cut_carefully(body: bytes) -> None:
    spine, rows = _cut(body)

    careful, cut = _cut_any(body)
    assert (json.loads(spine), rows) == (json.loads(careful), cut)
