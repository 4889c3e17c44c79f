from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.domain import texts


@pytest.mark.parametrize(
    ("given_", "cleaned"),
    [
        ("  北京某某有限公司\n", "北京某某有限公司"),
        ("北京\r\n某某\t有限公司", "北京某某有限公司"),
        ("a\x00b\x1b[31mc", "ab[31mc"),
        ("a\u2028b\u2029c", "abc"),
        ("safe\u202etxt.exe", "safetxt.exe"),
        ("\ufeff名\u200b称", "名称"),
        ("Ａ＆Ｂ（上海）<x> & 😀", "Ａ＆Ｂ（上海）<x> & 😀"),
        ("\u3000 \x00 ", ""),
    ],
)
def test_control_characters_and_line_breaks_go_and_everything_else_stays(given_: str, cleaned: str) -> None:
    assert texts.clean(given_) == cleaned


def test_a_remark_keeps_a_blank_where_its_lines_broke() -> None:
    assert texts.clean("order 1\r\norder 2\n\n", breaks=" ") == "order 1 order 2"


@given(st.text(alphabet=st.characters(exclude_categories=())))
@settings(max_examples=200, deadline=None)
def test_a_cleaned_text_is_clean_and_only_lost_characters(text: str) -> None:
    cleaned = texts.clean(text)

    assert texts.clean(cleaned) == cleaned
    assert len(cleaned) <= len(text)
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in cleaned)


@pytest.mark.parametrize(("text", "usable"), [("名😀", True), ("", True), ("\ud800", False), ("ok\udfffok", False)])
def test_a_lone_surrogate_makes_a_text_unusable(text: str, usable: bool) -> None:
    assert texts.is_usable(text) is usable


@given(st.text(alphabet=st.characters(exclude_categories=())))
@settings(max_examples=200, deadline=None)
def test_a_usable_text_is_one_that_can_be_encoded(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        assert not texts.is_usable(text)
    else:
        assert texts.is_usable(text)


@pytest.mark.parametrize("address", ["a@b.cn", "  a.b@c.example ", "demo@sub.example.com"])
def test_an_address_that_can_be_delivered_to_is_kept(address: str) -> None:
    assert texts.email(address) == address.strip()


@pytest.mark.parametrize("address", ["", "无", "a@b", "a b@c.cn", "a@@b.cn", "a@b.cn;c@d.cn", "@b.cn"])
def test_an_address_that_cannot_be_delivered_to_is_left_out(address: str) -> None:
    assert texts.email(address) == ""


@pytest.mark.parametrize(
    ("phone", "mobile"), [("18000000983", "18000000983"), ("１８０００００００００", "18000000000")]
)
def test_a_mobile_number_can_take_an_sms(phone: str, mobile: str) -> None:
    assert texts.mobile(phone) == mobile


@pytest.mark.parametrize("phone", ["", "010-62345678", "1800000098", "180000009830", "28000000983", "١٨٠٠٠٠٠٠٩٨٣"])
def test_a_landline_is_no_mobile_number(phone: str) -> None:
    assert texts.mobile(phone) == ""


@pytest.mark.parametrize(("length", "kept"), [(199, 199), (200, 200), (201, 200), (230, 200)])
def test_a_text_is_cut_by_characters_and_not_by_bytes(length: int, kept: int) -> None:
    assert texts.cut("备" * length, 200) == "备" * kept


def test_only_the_wide_forms_of_ascii_are_narrowed() -> None:
    assert texts.half_width("１０３，ＡＢ（㈱）\u3000ﬁ") == "103,AB(㈱) ﬁ"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("购方税号91310115MA1K39423D不存在", "购方税号#不存在"),
        ("电话 13800138000 有误", "电话 # 有误"),
        ("电话 138-0013-8000 有误", "电话 # 有误"),
        ("账号 6222 0212 3456 7890 123", "账号 #"),
        ("E9101: 购方信息不正确", "E9101: 购方信息不正确"),
        ("请在 2026-11-20 前处理", "请在 2026-11-20 前处理"),
        ("InvalidParameterException", "InvalidParameterException"),
        ("", ""),
    ],
)
def test_a_partys_words_are_told_without_anybodys_numbers(said: str, told: str) -> None:
    assert texts.without_identifiers(said) == told
