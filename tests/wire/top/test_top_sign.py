import base64
from datetime import datetime
from urllib.parse import parse_qsl

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from top_parts import NOON, vectors

from syncd.wire.top.sign import (
    FilePart,
    SignMethod,
    beijing_text,
    form,
    from_beijing,
    multipart,
    root_key,
    sign,
    without_empty,
)


@pytest.mark.parametrize(("inputs", "expected"), vectors("top_sign"))
def test_the_signature_is_the_platforms(inputs: dict, expected: dict):
    assert sign(inputs["secret"], inputs["params"], SignMethod(inputs["sign_method"])) == expected["sign"]


@pytest.mark.parametrize(("inputs", "expected"), vectors("top_root_key"))
def test_an_answers_root_is_the_methods_name(inputs: dict, expected: dict):
    assert root_key(inputs["method"]) == expected["root_key"]


@pytest.mark.parametrize(("inputs", "expected"), vectors("top_form_body"))
def test_the_form_is_the_platforms(inputs: dict, expected: dict):
    assert form(dict(inputs["params"])).decode() == expected["body"]


texts = st.text(st.one_of(st.sampled_from("&=+@% \n\r?#;😀号\u2028"), st.characters(codec="utf-8")), max_size=30)


@settings(max_examples=150, deadline=None)
@given(message=texts)
def test_what_arrives_is_what_was_signed_whatever_the_text(message: str):
    params = without_empty({"method": "x", "message": message, "n": "0"})
    signed = sign("demo", params, SignMethod.HMAC_SHA256)

    arrived = dict(parse_qsl(form({**params, "sign": signed}).decode(), keep_blank_values=True))

    assert arrived.pop("sign") == signed
    assert arrived == params
    assert sign("demo", arrived, SignMethod.HMAC_SHA256) == signed


def test_an_empty_value_is_absent_and_zero_is_a_value():
    assert without_empty({"message": "", "business_type": "0"}) == {"business_type": "0"}


def test_a_files_bytes_travel_beside_the_texts_as_they_are():
    content = b"%PDF\r\n--x\r\n\x00\xff"

    body, content_type = multipart({"message": "甲&乙"}, FilePart("invoice_file_data", "invoice.pdf", content))

    boundary = content_type.partition("boundary=")[2]
    parts = body.split(f"--{boundary}".encode())
    assert len(parts) == 4
    assert parts[1].endswith("\r\n\r\n甲&乙\r\n".encode())
    assert parts[2].endswith(b"\r\n\r\n" + content + b"\r\n")
    assert b'name="invoice_file_data"; filename="invoice.pdf"' in parts[2]


def test_a_value_with_the_boundary_in_it_is_refused():
    part = FilePart("f", "f", b"x")
    boundary = multipart({}, part)[1].partition("boundary=")[2]

    with pytest.raises(ValueError):
        multipart({"message": boundary}, part)


def test_the_stamp_is_beijing_time_whatever_the_hosts_zone():
    assert beijing_text(NOON) == "2026-11-20 12:00:00"
    assert from_beijing("2026-11-20 12:00:00") == NOON
    with pytest.raises(ValueError):
        beijing_text(datetime(2026, 11, 20))  # noqa: DTZ001


def test_base64_of_a_file_survives_the_form():
    """ "+" and "/" are letters of base64, and "+" is a blank of forms."""
    content = base64.b64encode(b"\xfb\xff\xbe").decode()

    assert content == "+/++"
    assert dict(parse_qsl(form({"invoice_file_content": content}).decode())) == {"invoice_file_content": content}
