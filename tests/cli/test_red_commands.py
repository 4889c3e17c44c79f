"""What a person may say about the blue invoice of a red order, and what they are told of a form that waits."""

from __future__ import annotations

import inspect
import re
from datetime import UTC, datetime

import pytest
from cli_world import Place, Run
from orders_made import in_store, look_up, make, put_off_units, story

from syncd.cli import explain_red
from syncd.domain import red_gate, red_guard
from syncd.domain.lifecycle import Hold, Phase, State
from syncd.stages.push import reds
from syncd.store.journal import Entry
from syncd.store.store import Tx

UNKNOWN = {"code": "blue_unknown", "blue": "26112000000123456789", "red": "100.00"}


def test_a_person_may_vouch_for_a_blue_nobody_knows(place: Place, run: Run) -> None:
    make(place.store, "R1", hold=Hold.RED_BLUE_MISMATCH, facts=UNKNOWN)
    put_off_units(place.store)

    result = run("orders", "release", "R1", "--blue-exists", "seen at the bureau", "--yes")

    assert result.exit_code == 0
    assert UNKNOWN["blue"] in result.output
    assert "100.00" in result.output
    order = look_up(place.store, "R1")
    assert (order.state, order.phase) == (State.PENDING, Phase.NONE)
    vouched, released = story(place.store, "R1")[-2:]
    assert vouched[0] == "order.blue_exists"
    assert (vouched[1]["blue"], vouched[1]["reason"]) == (UNKNOWN["blue"], "seen at the bureau")
    assert vouched[1]["by"]
    assert (released[0], released[1]["code"]) == ("order.released", "blue_unknown")


@pytest.mark.parametrize(
    ("hold", "facts"),
    [
        (Hold.RED_BLUE_MISMATCH, {"code": "red_over_blue"}),
        (Hold.RED_BLUE_MISMATCH, {"code": "blue_of_another_seller"}),
        (Hold.POISON_ROW, {"code": "gross_total_differs"}),
        (Hold.BY_OPERATOR, {"by": "x", "reason": "y"}),
    ],
)
def test_no_word_helps_against_what_is_known(place: Place, run: Run, hold: Hold, facts: dict[str, str]) -> None:
    make(place.store, "R2", hold=hold, facts=facts)

    result = run("orders", "release", "R2", "--blue-exists", "I say so", "--yes")

    assert result.exit_code == 1
    assert look_up(place.store, "R2").state is State.HOLD
    assert "order.blue_exists" not in [event for event, _ in story(place.store, "R2")]


def test_an_order_is_either_settled_outside_or_vouched_for(place: Place, run: Run) -> None:
    make(place.store, "R3", hold=Hold.RED_BLUE_MISMATCH, facts=UNKNOWN)

    result = run("orders", "release", "R3", "--blue-exists", "x", "--settled-outside", "--yes")

    assert result.exit_code == 2
    assert look_up(place.store, "R3").state is State.HOLD


@pytest.mark.parametrize(("language", "words"), [("zh", "等待购买方确认"), ("en", "waits for the buyer until")])
def test_a_waiting_form_is_told_with_its_deadline(place: Place, run: Run, language: str, words: str) -> None:
    make(place.store, "R4", State.INTENT, Phase.WAITING_BUYER)

    async def noted(tx: Tx) -> None:
        [order] = await tx.orders.by_no("R4")
        await tx.journal.add(
            "order.waiting_buyer", order_id=order.id, merchant="m001", until="2026-11-23T04:00:00+00:00"
        )

    in_store(place.store, noted)

    result = run("explain", "R4", lang=language)

    assert result.exit_code == 0
    assert words in result.output
    assert "2026-11-23 12:00:00" in result.output


def reasons() -> list[str]:
    """Whatever the red gate and the wallet's guard may give as what a red waits for, as it stands in their code."""
    gate = set(re.findall(r'Later\("(\w+)"\)', inspect.getsource(red_gate)))
    card = {f"card_{word}" for word in ("lock", *re.findall(r'Wait\(.*"(\w+)"\)', inspect.getsource(red_guard)))}
    return sorted(gate | card | {reds.LOOKED_AT})


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("why", reasons())
def test_whatever_a_red_waits_for_is_told_in_a_sentence(place: Place, run: Run, why: str, language: str) -> None:
    make(place.store, "R6", State.PENDING, Phase.WAITING_BLUE)

    async def noted(tx: Tx) -> None:
        [order] = await tx.orders.by_no("R6")
        await tx.journal.add(reds.WAITING, order_id=order.id, merchant="m001", why=why, blue="26112000000123456789")

    in_store(place.store, noted)

    shown = run("explain", "R6", lang=language).output

    assert why not in shown
    assert "26112000000123456789" in shown
    assert ("卡包" in shown or "wallet" in shown) is why.startswith("card_")


def test_the_reasons_are_found_in_the_code() -> None:
    assert set(reasons()) >= {"blue_unsettled", "red_in_flight", "card_looked_at", "card_lock", "card_unknown"}


@pytest.mark.parametrize("why", ["lock", "closure", "cancel", "unknown"])
def test_what_the_wallet_warned_of_is_told_in_words(why: str) -> None:
    entry = Entry(datetime(2026, 11, 20, tzinfo=UTC), None, "m001", "order.wallet_warned", {"why": why})

    said = explain_red.waits(entry, "zh"), explain_red.waits(entry, "en")

    assert None not in said
    assert said[0] != said[1]


def test_a_red_that_waits_for_its_blue_is_told_so(place: Place, run: Run) -> None:
    make(place.store, "R5", State.PENDING, Phase.WAITING_BLUE)

    assert "blue invoice" in run("explain", "R5").output
