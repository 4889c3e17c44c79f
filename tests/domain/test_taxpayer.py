from __future__ import annotations

from typing import Any

import pytest
from rule_vectors import vectors

from syncd.domain import taxpayer


@vectors("uscc_check")
def test_the_check_digit_of_a_credit_code_is_known(vector: dict[str, Any]) -> None:
    code = vector["inputs"]["code"]

    assert taxpayer.is_uscc(code) is vector["expected"]["valid"]
    assert taxpayer.fails_check_digit(code) is not vector["expected"]["valid"]


def test_any_single_mistyped_character_fails_the_check_digit() -> None:
    right = "91310115MA1K39423D"
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"

    passing = [
        i for i in range(18) for c in alphabet if c != right[i] and taxpayer.is_uscc(right[:i] + c + right[i + 1 :])
    ]

    assert passing == []


@pytest.mark.parametrize(
    "typed", [" 91310115ma1k39423d\n", "９１３１０１１５ＭＡ１Ｋ３９４２３Ｄ", "91310115MA1K39423D\u200b"]
)
def test_a_number_is_trimmed_narrowed_and_capitalised(typed: str) -> None:
    assert taxpayer.normalise(typed) == "91310115MA1K39423D"


@pytest.mark.parametrize("length", [15, 17, 18, 20])
def test_every_known_length_is_accepted(length: int) -> None:
    assert taxpayer.is_accepted("9" * length)


@pytest.mark.parametrize(
    "typed", ["", "9" * 14, "9" * 21, "9131 0115MA1K39423D", "91310115-MA1K39423", "ß" * 8, "٣" * 18, "无税号"]
)
def test_anything_else_is_not(typed: str) -> None:
    assert not taxpayer.is_accepted(taxpayer.normalise(typed))


def test_older_numbers_have_no_check_digit_to_fail() -> None:
    assert not taxpayer.fails_check_digit("9" * 15)
    assert not taxpayer.is_uscc("9" * 15)
