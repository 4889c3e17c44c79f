from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.wire.strict_json import Malformed, exact, loads


def test_numbers_are_exact():
    body = b'{"a":0.1,"b":4,"c":123456789012345.6789,"d":1.10,"e":-2.5E-3,"f":9223372036854775807}'

    assert loads(body) == {
        "a": Decimal("0.1"),
        "b": 4,
        "c": Decimal("123456789012345.6789"),
        "d": Decimal("1.10"),
        "e": Decimal("-0.0025"),
        "f": 9223372036854775807,
    }


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b'{"status":0,"status":45}', "dup_key"),  # F122
        (b'{"data":{"a":1,"b":[{"x":1,"x":1}]}}', "dup_key"),
        (b'{"st\\u0061tus":0,"status":0}', "dup_key"),
        (b"[NaN]", "number"),  # F119
        (b"[Infinity]", "number"),
        (b"[-Infinity]", "number"),
        (b"[1e400]", "number"),
        (b"[1e999999999]", "number"),
        (b"[1e-999999999]", "number"),
        (b"[0." + b"1" * 5000 + b"]", "number"),
        (b"[" + b"9" * 20 + b"]", "number"),
        (b"[" + b"9" * 5000 + b"]", "number"),  # F120
        (b"[" * 65 + b"1" + b"]" * 65, "depth"),
        (b"[" * 200_000 + b"]" * 200_000, "depth"),  # F121
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "depth"),
        (b'["\\ud800"]', "surrogate"),  # F117
        (b'{"\\udc00":1}', "surrogate"),
        (b'["a\\u0000b"]', "nul"),  # F118
        (b'["a\x00b"]', "nul"),
        (b'["\xff"]', "utf8"),  # F49
        (b'{"status":0,"data":{"or', "syntax"),
        (b"{} {}", "syntax"),
        (b"{'a':1}", "syntax"),
        (b"[01]", "syntax"),
        (b"<html><body>login</body></html>", "html"),  # F48
        (b"\xef\xbb\xbf  <!DOCTYPE html>", "html"),
    ],
)
def test_what_must_not_be_read_as_an_answer_is_refused_with_a_reason(body: bytes, why: str):
    with pytest.raises(Malformed) as caught:
        loads(body)

    assert caught.value.why == why


def test_what_only_looks_odd_is_read():
    assert loads(b'\xef\xbb\xbf{"a":"\\ud83d\\ude00\xe5\x8f\xb7","b":"line\nbreak"}') == {
        "a": "😀号",
        "b": "line\nbreak",
    }
    assert loads(b"[" * 64 + b"1" + b"]" * 64) is not None
    assert loads(b" null ") is None


@pytest.mark.parametrize("text", ["", " 1", "1_000", "１", "nan", "inf", "0x1", "1e", "--1", "1e41", "9" * 65, "1,5"])
def test_a_number_in_a_text_is_as_strict(text: str):
    with pytest.raises(Malformed):
        exact(text)


@pytest.mark.parametrize("text", ["0", "-0.00", "1.0", ".5", "5.", "+3", "1E+3", "12345678901234567890.12345"])
def test_a_number_in_a_text_is_exact(text: str):
    assert exact(text) == Decimal(text)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_no_bytes_whatever_raise_anything_else(body: bytes):
    """S32"""
    try:
        loads(body)
    except Malformed:
        pass


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_mutation_of_a_good_answer_raises_anything_else(data: st.DataObject):
    """S32"""
    body = bytearray(b'{"status":0,"data":{"total_count":1,"order":[{"invoice_order_no":"FP1","amount":-1.5e3}]}}')
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(body) - 1))
        body[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
        if not body:
            break

    try:
        loads(bytes(body))
    except Malformed:
        pass
