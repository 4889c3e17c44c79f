"""`explain`: the story, what is next, and who must act."""

from __future__ import annotations

import json

import pytest
from cli_world import Place, Run
from orders_made import in_store, look_up, make

from syncd.domain.lifecycle import Hold, Phase, State


def first(run: Run, state: str) -> str:
    return str(json.loads(run("orders", "list", "--state", state, "--json").output)[0]["invoice_order_no"])


def test_a_finished_order_tells_its_whole_story(run: Run) -> None:
    no = first(run, "DONE60")

    told = json.loads(run("explain", no, "--json").output)

    events = [entry["event"] for entry in told["events"]]
    assert events[0] == "order.intended"
    assert "order.issued" in events
    assert events[-1] == "order.written_60"
    assert told["invoices"][0]["number"] == told["invoice_no"]
    assert told["submissions"][0]["key"]
    assert told["next"]["who"] == "nobody"


def test_the_story_is_told_in_both_languages(run: Run) -> None:
    no = first(run, "DONE60")

    zh, en = run("explain", no, lang="zh"), run("explain", no)

    assert (zh.exit_code, en.exit_code) == (0, 0)
    assert "已开票并回传" in zh.output
    assert "issued and written back" in en.output
    assert "order." not in zh.output + en.output


def test_a_held_order_names_the_clerk_and_the_command(run: Run) -> None:
    no = first(run, "HOLD")

    result = run("explain", no)

    assert "the finance clerk" in result.output
    assert f"syncd orders release {no}" in result.output


def test_an_order_behind_a_resting_lane_says_so_and_who_may_open_it(place: Place, run: Run) -> None:
    make(place.store, "X1", State.INTENT, Phase.UNKNOWN)
    run("lane", "pause", "m001/main", "--reason", "new tax number")

    told = json.loads(run("explain", "X1", "--json").output)

    assert told["next"]["lane"] == "m001/main"
    assert told["next"]["who"] == "operator"
    assert told["next"]["at"] is None
    assert "new tax number" in run("explain", "X1").output


def test_a_lane_of_the_other_party_does_not_concern_it(place: Place, run: Run) -> None:
    make(place.store, "X2", State.INTENT, Phase.UNKNOWN)
    run("lane", "pause", "m001/wdt", "--reason", "stock-taking")

    assert json.loads(run("explain", "X2", "--json").output)["next"]["lane"] is None


@pytest.mark.parametrize(
    ("state", "phase"),
    [
        (State.PENDING, Phase.NONE),
        (State.PENDING, Phase.LEFT),
        *((State.INTENT, phase) for phase in (Phase.READY, Phase.SENT, Phase.ISSUING, Phase.UNKNOWN, Phase.REFUSED)),
        (State.ISSUED, Phase.NONE),
        (State.ISSUED, Phase.FILE_PENDING),
        (State.FAILED, Phase.NONE),
    ],
)
def test_every_unfinished_order_says_what_happens_next_and_when(
    state: State, phase: Phase, place: Place, run: Run
) -> None:
    make(place.store, "Y1", state, phase)

    following = json.loads(run("explain", "Y1", "--json").output)["next"]

    assert following["at"]
    assert following["who"] == "system"
    assert following["text"] != "the system goes on"


def test_the_words_of_a_party_lose_what_identifies_people(place: Place, run: Run) -> None:
    words = {"text": "the buyer's phone 13900139000 is wrong"}
    make(place.store, "Z1", State.INTENT, Phase.UNKNOWN, hold=Hold.VOIDED_OUTSIDE, facts=words)
    order = look_up(place.store, "Z1")
    in_store(
        place.store,
        lambda tx: tx.journal.add("order.failed", order_id=order.id, merchant="m001", text="phone 13800138000 wrong"),
    )

    result = run("explain", "Z1")

    assert "13800138000" not in result.output
    assert "13900139000" not in result.output + run("explain", "Z1", "--json").output
    assert "wrong" in result.output


def test_an_order_of_another_account_is_told_so_even_where_the_name_is_the_same(place: Place, run: Run) -> None:
    """Two processes with different settings call two sellers by one name: nobody looks at WDT for that."""
    facts = {"code": "account_changed", "account": "main"}
    make(place.store, "A1", State.INTENT, Phase.UNKNOWN, hold=Hold.CLASS_C_UNKNOWN, facts=facts)

    told, in_chinese = run("explain", "A1").stdout, run("explain", "A1", lang="zh").stdout

    assert "whatever its name, is another seller's" in " ".join(told.split())
    assert "a process has other settings" in " ".join(told.split())
    assert "即使同名" in in_chinese
