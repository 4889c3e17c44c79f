from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from syncd.domain.invoice import Colour
from syncd.domain.key import issuer_key
from syncd.domain.order import OrderNo

SCOPE: dict[str, Any] = {
    "sid": "demo_sid",
    "issuer_kind": "nuonuo",
    "seller_tax_no": "339902999999789113",
    "order_no": "FP201902120001",
    "colour": Colour.BLUE,
    "generation": 0,
}
words = st.text(st.characters(codec="utf-8", exclude_characters="|"), min_size=1, max_size=40)
scopes = st.fixed_dictionaries(
    {
        "sid": words,
        "issuer_kind": st.sampled_from(["nuonuo", "piaotong"]),
        "seller_tax_no": st.from_regex(r"[0-9A-Z]{15,20}", fullmatch=True),
        "order_no": words.map(OrderNo) | st.from_regex(r"FP[0-9]{12}", fullmatch=True).map(OrderNo),
        "colour": st.sampled_from(Colour),
        "generation": st.integers(0, 50),
    }
)


def key(**changes: Any) -> str:
    return issuer_key(**{**SCOPE, **changes})


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "FP201902120001QAZOMM"),
        ({"generation": 1}, "FP201902120001YY4CVA"),
        ({"generation": 7}, "FP201902120001KM5T26"),
        ({"colour": Colour.RED}, "FP2019021200013DJETH"),
        ({"sid": "other_sid"}, "FP201902120001UIQKNP"),
        ({"order_no": "A"}, "A2CWOXCNFUWHX5GFZOLY"),
        ({"order_no": "FP2019021200012"}, "WITHHIYQ5KXTIF4FW2NL"),
        ({"order_no": "fp201902120001"}, "QXHGZKJ2HKQ3DYUXGRDI"),
        ({"order_no": "发票1"}, "FYHIMR6ABFVFPLTVOKTN"),
        ({"length": 16}, "QAZOMMJTDNOUAWKD"),
        ({"length": 16, "order_no": "FP20190212"}, "FP20190212JQIELZ"),
    ],
)
def test_the_scheme_is_what_it_always_was(changes: dict[str, Any], expected: str) -> None:
    """F115. A lost store, or a newer program beside an older one, finds its invoices only if these never change."""
    assert key(**changes) == expected


@given(scopes, st.sampled_from([16, 20]))
def test_a_key_is_computed_and_not_drawn(scope: dict[str, Any], length: int) -> None:
    assert issuer_key(**scope, length=length) == issuer_key(**scope, length=length)


@given(scopes, st.sampled_from([16, 20]))
def test_a_key_fits_the_issuer(scope: dict[str, Any], length: int) -> None:
    assert re.fullmatch(rf"[A-Z0-9]{{{length}}}", issuer_key(**scope, length=length))


@given(scopes, scopes)
def test_two_scopes_have_two_keys(one: dict[str, Any], other: dict[str, Any]) -> None:
    assume(one != other)

    assert issuer_key(**one) != issuer_key(**other)


@pytest.mark.parametrize(
    "changes",
    [
        {"sid": "other_sid"},
        {"issuer_kind": "piaotong"},
        {"seller_tax_no": "91110302562134916R"},
        {"order_no": "FP201902120002"},
        {"colour": Colour.RED},
        {"generation": 1},
    ],
)
def test_each_part_of_an_orders_identity_makes_another_key(changes: dict[str, Any]) -> None:
    assert key(**changes) != key()


@given(st.from_regex(r"[A-Z0-9]{1,14}", fullmatch=True))
def test_a_plain_number_of_up_to_fourteen_characters_stays_readable(no: str) -> None:
    assert key(order_no=no).startswith(no)


@pytest.mark.parametrize("no", ["FP2019021200012", "fp1", "FP-1", "发票1", "FP 1"])
def test_a_longer_or_stranger_number_is_all_tag(no: str) -> None:
    assert key(order_no=no)[:2] not in ("FP", "fp")


@given(st.from_regex(r"[A-Z0-9]{1,14}", fullmatch=True), st.sampled_from([16, 20]))
def test_at_least_thirty_bits_tell_generations_apart(no: str, length: int) -> None:
    """Six characters of base32 at the least stand behind a readable number."""
    first, second = (key(order_no=no, generation=n, length=length) for n in (0, 1))

    assert first[-6:] != second[-6:]
