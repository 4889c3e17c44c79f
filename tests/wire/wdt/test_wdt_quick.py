"""The quick reader takes a row only where the careful one would say the very same of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.domain.order import Row
from syncd.wire.strict_json import Malformed
from syncd.wire.wdt.page import careful_row
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


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(NAMES, VALUES, max_size=3), st.none() | AMOUNTS, st.booleans())
def test_both_readers_say_the_same_of_a_row(changes: dict[str, object], amount: str | None, quoted: bool) -> None:
    raw = json.dumps({**USUAL, **changes}, ensure_ascii=False).encode()
    if amount is not None:
        raw = raw[:-1] + b',"invoice_amount":' + (f'"{amount}"' if quoted else amount).encode() + b"}"

    quick = plain_row(raw)

    assert quick is None or quick == carefully(raw)


def test_the_row_of_every_day_is_read_quickly() -> None:
    raw = json.dumps({**USUAL, "payer_name": "示例文化传播有限公司", "invoice_amount": 702.29}).encode()

    found = plain_row(raw)

    assert found is not None
    assert (found.no, found.status, found.amount, found.payer_name) == ("FP1", 45, 7_022_900, "示例文化传播有限公司")
    assert plain_row(json.dumps(SAMPLE).encode()) == carefully(json.dumps(SAMPLE).encode())


@pytest.mark.parametrize(
    "raw",
    [
        b'{"invoice_order_no":"FP1","status":45,"status":60}',
        b'{"invoice_order_no":"FP1","status":45,"is_red":true,"relation_invoice_no_out":"26332000000000000001"}',
        b'{"invoice_order_no":"FP1","status":45,"invoice_amount":"NaN"}',
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
