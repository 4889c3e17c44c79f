"""T20, the pure part: when a red order may go, when it waits, and when a person decides."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.domain.hold_texts import explain
from syncd.domain.invoice import BlueRef, Colour
from syncd.domain.lifecycle import Hold
from syncd.domain.red_gate import (
    PATIENCE,
    BlueSeen,
    Halt,
    Later,
    OtherRed,
    Passed,
    RedOrder,
    decide,
    look_after,
)

NOW = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
TOTAL = Decimal("113.00")
RED = RedOrder(BlueRef("26112000000123456789"), TOTAL, "91120222079642398Y", "", NOW)
BLUE = BlueSeen(TOTAL, seller_tax_no="91120222079642398Y", buyer_tax_no="", order_no="FP1")

totals = st.decimals(Decimal("0.01"), Decimal(1000), places=2)
others = st.lists(st.builds(OtherRed, st.just("FP2"), st.booleans(), st.none() | totals), max_size=3)
blues = st.none() | st.builds(
    BlueSeen,
    total=st.none() | totals | st.just(TOTAL),
    colour=st.sampled_from(Colour),
    seller_tax_no=st.sampled_from([None, "91120222079642398Y", "91110302562134916R"]),
    buyer_tax_no=st.sampled_from([None, "", "91110302562134916R"]),
    order_no=st.just("FP1"),
    settled=st.booleans(),
    disputed=st.booleans(),
    voided=st.booleans(),
)


def test_a_full_reversal_of_a_known_blue_goes() -> None:
    assert decide(RED, BLUE, [], NOW) == Passed(TOTAL)


@settings(max_examples=200, deadline=None)
@given(blue=blues, reds=others, word=st.booleans(), waited=st.timedeltas(timedelta(0), timedelta(days=3)))
def test_what_passes_is_a_full_reversal_of_a_settled_blue_and_never_more_than_that(
    blue: BlueSeen | None, reds: list[OtherRed], word: bool, waited: timedelta
) -> None:
    said = decide(RED, blue, reds, NOW + waited, word=word)

    if not isinstance(said, Passed):
        return
    assert said.blue_total == RED.total
    assert blue is not None or word
    assert not any(red.in_flight for red in reds)
    assert sum((red.total or said.blue_total for red in reds), RED.total) <= said.blue_total
    if blue is not None:
        assert blue.settled
        assert not blue.voided
        assert blue.colour is Colour.BLUE
        assert blue.total in (None, RED.total)
        assert blue.total is not None or word
        assert word or not blue.disputed


@settings(max_examples=100, deadline=None)
@given(blue=blues, reds=others, waited=st.timedeltas(timedelta(0), timedelta(days=3)))
def test_every_halt_has_words_in_both_languages(blue: BlueSeen | None, reds: list[OtherRed], waited: timedelta) -> None:
    said = decide(RED, blue, reds, NOW + waited)

    if isinstance(said, Halt):
        facts = {"code": said.code, **dict(said.facts)}
        for language in ("zh", "en"):
            told = explain(Hold.RED_BLUE_MISMATCH, facts, language)  # type: ignore[arg-type]
            assert "?" not in told.what
            assert "{" not in told.what + told.then


def test_an_unknown_blue_is_waited_for_and_then_asked_about() -> None:
    """F64: WDT's mirror may show it late."""
    assert decide(RED, None, [], NOW + PATIENCE - timedelta(seconds=1)) == Later("blue_unknown")

    said = decide(RED, None, [], NOW + PATIENCE)

    assert isinstance(said, Halt)
    assert said.code == "blue_unknown"


def test_a_persons_word_stands_in_for_a_blue_nobody_has_shown() -> None:
    assert decide(RED, None, [], NOW, word=True) == Passed(TOTAL)


@pytest.mark.parametrize(
    ("shown", "code"),
    [
        ({"colour": Colour.RED}, "blue_is_red"),
        ({"voided": True}, "blue_voided"),
        ({"seller_tax_no": "91110302562134916R"}, "blue_of_another_seller"),
        ({"buyer_tax_no": "91110302562134916R"}, "blue_of_another_buyer"),
        ({"total": Decimal("113.01")}, "red_partial"),
        ({"total": Decimal("112.99")}, "red_over_blue"),
    ],
)
def test_no_word_helps_against_what_is_shown(shown: dict[str, object], code: str) -> None:
    said = decide(RED, replace(BLUE, **shown), [], NOW, word=True)  # type: ignore[arg-type]

    assert isinstance(said, Halt)
    assert said.code == code


def test_our_own_blue_without_an_outcome_is_waited_for_without_limit() -> None:
    assert decide(RED, replace(BLUE, settled=False), [], NOW + timedelta(days=9)) == Later("blue_unsettled")


def test_one_red_of_a_blue_is_on_its_way_at_a_time() -> None:
    """F65: what is on its way may come to nothing; then the next one goes."""
    assert decide(RED, BLUE, [OtherRed("FP2", in_flight=True)], NOW) == Later("red_in_flight")


def test_a_red_of_which_nothing_can_be_learned_is_a_persons_and_their_word_counts() -> None:
    other = OtherRed("FP2", False, unsure=True)

    held = decide(RED, BLUE, [other], NOW)

    assert isinstance(held, Halt)
    assert (held.code, dict(held.facts)["other"]) == ("red_forgotten", "FP2")
    assert isinstance(decide(RED, BLUE, [other], NOW, word=True), Passed)
    assert decide(RED, BLUE, [other, OtherRed("FP3", True)], NOW, word=True) == Later("red_in_flight")


@pytest.mark.parametrize("total", [TOTAL, Decimal("0.01"), None])
def test_a_blue_that_was_reversed_before_is_not_reversed_again(total: Decimal | None) -> None:
    """F65. A red of unknown total may have taken all of it."""
    said = decide(RED, BLUE, [OtherRed("FP2", False, total)], NOW)

    assert isinstance(said, Halt)
    assert said.code == "red_over_blue"


def test_looks_come_ever_less_often_but_not_rarely() -> None:
    waits = [look_after(tries) for tries in range(20)]

    assert waits == sorted(waits)
    assert waits[-1] == timedelta(minutes=5)


@pytest.mark.parametrize("text", ["26112000000123456789", "012001800211/14869350"])
def test_a_reference_is_read_as_it_is_written(text: str) -> None:
    assert str(BlueRef.read(text)) == text
