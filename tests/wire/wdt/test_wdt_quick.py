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
from syncd.wire.wdt.quick import plain_row
from syncd.wire.wdt.slices import _cut, _cut_any

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
