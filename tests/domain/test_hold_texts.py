"""Every hold, and every code a hold can carry, has a sentence in both languages."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import syncd
from syncd.domain.code_texts import CODE_TEXTS
from syncd.domain.hold_texts import HOLD_TEXTS, Language, explain, sentence
from syncd.domain.lifecycle import Hold
from syncd.domain.unfit_texts import UNFIT_TEXTS

LANGUAGES: tuple[Language, ...] = get_args(Language)
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize("hold", list(Hold))
def test_every_hold_says_what_happened_and_what_to_do_in_both_languages(hold: Hold) -> None:
    zh, en = explain(hold, {}, "zh"), explain(hold, {}, "en")

    assert CHINESE.search(zh.what)
    assert CHINESE.search(zh.then)
    assert not CHINESE.search(en.what + en.then)
    assert set(HOLD_TEXTS) == set(Hold)


def raised_codes() -> set[str]:
    """Every code that some source of the program puts into an Unfit or a hold's facts."""
    found = set()
    for source in Path(syncd.__file__).parent.rglob("*.py"):
        text = source.read_text(encoding="utf-8")
        found |= set(re.findall(r'\bUnfit\(\s*"([a-z_]+)"', text))
        found |= set(re.findall(r'\("code", "([a-z_]+)"\)', text))
        found |= set(re.findall(r'"code": "([a-z_]+)"', text))
    return found


def test_every_code_that_is_raised_has_a_text() -> None:
    codes = raised_codes()

    assert {"text_missing", "row_unreadable", "write_back_refused", "invoice_number_form"} <= codes
    assert {code for code in codes if code not in CODE_TEXTS and code not in UNFIT_TEXTS} == set()


@pytest.mark.parametrize("code", sorted({*CODE_TEXTS, *UNFIT_TEXTS}))
def test_every_code_has_both_texts_even_without_its_facts(code: str) -> None:
    zh, en = explain(Hold.POISON_ROW, {"code": code}, "zh"), explain(Hold.POISON_ROW, {"code": code}, "en")

    assert CHINESE.search(zh.what)
    assert not CHINESE.search(en.what)
    assert "{" not in zh.what + en.what


def test_the_facts_stand_in_the_sentence() -> None:
    facts = {"number": "26332000000000000001", "wdt_number": "26332000000000000002"}

    for language in LANGUAGES:
        said = sentence(Hold.FOREIGN_NUMBER, facts, language)

        assert facts["number"] in said
        assert facts["wdt_number"] in said


def test_a_tax_number_that_does_not_fit_may_be_wrong_on_either_side() -> None:
    """Where a process has the wrong one, nothing can be corrected in WDT."""
    facts = {"code": "seller_differs", "given": "339902999999789113", "ours": "339902999999780001"}

    zh, en = explain(Hold.POISON_ROW, facts, "zh"), explain(Hold.POISON_ROW, facts, "en")

    for said in (zh.then, en.then):
        assert "WDT" in said or "旺店通" in said
        assert 'syncd retry --where "code=seller_differs" --dry-run' in said
    assert "339902999999780001" in zh.what


def test_fields_are_called_by_their_names_in_the_language() -> None:
    facts = {"code": "text_too_long", "field": "payer_address", "limit": "80"}

    assert "购买方地址" in explain(Hold.POISON_ROW, facts, "zh").what
    assert "buyer's address" in explain(Hold.POISON_ROW, facts, "en").what
    assert "购买方税号、价税合计" in explain(Hold.KEY_COLLISION, {"fields": "buyer_tax_no total"}, "zh").what


def test_a_key_that_belongs_to_another_order_is_told_as_that() -> None:
    """Push notes only the key; the text about differing invoices would be all question marks."""
    assert "FP1ABC" in explain(Hold.KEY_COLLISION, {"key": "FP1ABC"}, "en").what


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(list(Hold)),
    st.dictionaries(
        st.sampled_from(["code", "field", "fields", "number", "text", "line", "limit"]),
        st.one_of(st.text(), st.integers(), st.none(), st.sampled_from(sorted({*CODE_TEXTS, *UNFIT_TEXTS}))),
    ),
    st.sampled_from(LANGUAGES),
)
def test_no_facts_whatever_make_it_fail(hold: Hold, facts: dict[str, object], language: Language) -> None:
    assert sentence(hold, facts, language)
