from __future__ import annotations

from typing import Any

import pytest
from rule_vectors import vectors

from syncd.domain import numbers


@vectors("invoice_number_kind")
def test_an_invoice_number_says_what_it_is(vector: dict[str, Any]) -> None:
    given = vector["inputs"]

    assert numbers.number_kind(given["invoice_no"], given["invoice_code"]) == vector["expected"]["kind"]


@pytest.mark.parametrize(
    ("number", "code"),
    [("", ""), ("26112000000123456789\n", ""), ("２６112000000123456789", ""), ("12345678", "01200180021")],
)
def test_a_number_that_only_looks_like_one_needs_a_person(number: str, code: str) -> None:
    """An 11-digit code is padded by the adapter that reads it, not here."""
    assert numbers.number_kind(number, code) == "needs_attention"


@vectors("tax_code_pad")
def test_a_tax_code_is_padded_to_nineteen_digits(vector: dict[str, Any]) -> None:
    assert numbers.pad_tax_code(vector["inputs"]["code"]) == vector["expected"]["code"]


@pytest.mark.parametrize("typed", ["１０３０４０５０１", " 103040501 ", "103040501\n"])
def test_a_tax_code_may_be_typed_wide(typed: str) -> None:
    assert numbers.pad_tax_code(typed) == "1030405010000000000"


@pytest.mark.parametrize("typed", ["", "1" * 18, "1" * 20, "10", "10304050A", "1030405 01", "١٠٣"])
def test_a_tax_code_that_ends_between_levels_or_holds_anything_else_is_refused(typed: str) -> None:
    assert numbers.pad_tax_code(typed) is None


@vectors("strip_category_prefix")
def test_the_bureaus_prefix_is_no_part_of_the_name(vector: dict[str, Any]) -> None:
    assert numbers.strip_category_prefix(vector["inputs"]["name"]) == vector["expected"]["name"]


@pytest.mark.parametrize("name", ["伊利 1kg*12", "*", "奶*粉*", ""])
def test_a_name_without_the_prefix_stays(name: str) -> None:
    assert numbers.strip_category_prefix(name) == name


def test_only_the_first_prefix_goes() -> None:
    assert numbers.strip_category_prefix("*乳制品**酸奶*200g") == "*酸奶*200g"
