"""`syncd retry --where …`: many orders, the same rules as one."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from cli_world import Place, Run
from orders_made import due_units, in_store, look_up, make, put_off_units, story

from syncd.domain.lifecycle import Hold, Phase, State
from syncd.store.instants import to_ms
from syncd.store.store import Tx

WRONG = {"code": "gross_total_differs", "expected": "1.00", "given": "2.00"}
UNHEARD = {"code": "unclassified_answer", "platform": "nuonuo", "answer": "E9777", "text": "什么"}


def dry(run: Run, where: str) -> dict[str, Any]:
    result = run("retry", "--where", where, "--dry-run", "--json")
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.output)
    return found


def numbers(told: dict[str, Any]) -> list[str]:
    return [order["invoice_order_no"] for order in told["orders"]]


def age(place: Place, no: str, by: timedelta) -> None:
    """The order has been where it is for so long."""

    async def shift(tx: Tx) -> None:
        at = to_ms(tx.now - by)
        await tx.connection.exec_driver_sql("UPDATE invoice_order SET changed_at = ? WHERE no = ?", (at, no))

    in_store(place.store, shift)


def contents(place: Place) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(place.store)) as db:
        return [
            *db.execute("SELECT no, state, phase, hold, next_at, tries FROM invoice_order ORDER BY id"),
            *db.execute("SELECT stage, key, next_at FROM unit ORDER BY stage, key"),
            *db.execute("SELECT count(*) FROM journal"),
        ]


def test_a_dry_run_says_what_would_be_done_for_each_and_writes_nothing(place: Place, run: Run) -> None:
    make(place.store, "Q1", hold=Hold.POISON_ROW, facts=WRONG)
    make(place.store, "Q2", State.INTENT, Phase.UNKNOWN)
    make(place.store, "Q3", State.INTENT, Phase.SENT)
    make(place.store, "Q4", State.INTENT, Phase.UNKNOWN, hold=Hold.POISON_ROW, facts=UNHEARD)
    make(place.store, "Q5", State.INTENT, Phase.UNKNOWN, hold=Hold.KEY_COLLISION, facts={"number": "1"})
    before = contents(place)

    told = dry(run, "no~Q?")

    assert [(order["invoice_order_no"], order["action"]) for order in told["orders"]] == [
        ("Q1", "release"),
        ("Q2", "retry"),
        ("Q3", "none"),
        ("Q4", "none"),
        ("Q5", "none"),
    ]
    assert told["counts"] == {"retry": 1, "release": 1, "none": 3}
    assert (told["dry_run"], told["matched"]) == (True, 5)
    assert "on its way" in told["orders"][2]["what"]
    assert "syncd orders release" in told["orders"][3]["what"]
    assert all(order["done"] is None for order in told["orders"])
    assert contents(place) == before


def test_people_see_the_same_as_a_table_with_a_summary(place: Place, run: Run) -> None:
    make(place.store, "Q1", hold=Hold.POISON_ROW, facts=WRONG)
    make(place.store, "Q2", State.INTENT, Phase.SENT)
    before = contents(place)

    zh, en = run("retry", "--where", "no~Q*", "--dry-run", lang="zh"), run("retry", "--where", "no~Q*", "--dry-run")

    assert (zh.exit_code, en.exit_code) == (0, 0)
    assert "Back to waiting: 1. Not possible: 1." in en.output
    assert "HOLD: bad data (poison_row)" in en.output
    assert "HOLD/" not in zh.output
    assert "(poison_row)" in zh.output
    assert "未做任何改动" in zh.output
    assert contents(place) == before


def test_each_order_goes_through_the_rules_of_a_single_retry(place: Place, run: Run) -> None:
    """What is in flight, or was held after it may have been sent, is not touched."""
    make(place.store, "Q1", hold=Hold.POISON_ROW, facts=WRONG)
    make(place.store, "Q2", State.INTENT, Phase.UNKNOWN)
    make(place.store, "Q3", State.INTENT, Phase.SENT)
    make(place.store, "Q4", State.INTENT, Phase.UNKNOWN, hold=Hold.POISON_ROW, facts=UNHEARD)
    put_off_units(place.store)
    untouched = [look_up(place.store, no) for no in ("Q3", "Q4")]

    result = run("retry", "--where", "no~Q*", "--yes", "--reason", "corrected", "--json")

    told = json.loads(result.output)
    assert result.exit_code == 1
    assert [order["done"] for order in told["orders"]] == [True, True, None, None]
    assert (look_up(place.store, "Q1").state, look_up(place.store, "Q1").hold) == (State.PENDING, None)
    assert look_up(place.store, "Q2").phase is Phase.UNKNOWN
    assert [look_up(place.store, no) for no in ("Q3", "Q4")] == untouched
    assert {("push", "m001"), ("collect", "m001")} <= due_units(place.store)
    event, facts = story(place.store, "Q1")[-1]
    assert event == "order.retried"
    assert (facts["reason"], facts["where"]) == ("corrected", "no~Q*")
    assert facts["by"]


def test_when_everything_could_be_done_the_exit_code_is_0(place: Place, run: Run) -> None:
    make(place.store, "Q1", hold=Hold.POISON_ROW, facts=WRONG)

    result = run("retry", "--where", "no=Q1", "--yes")

    assert result.exit_code == 0
    assert "Retried: 1." in result.output


@pytest.mark.parametrize("answer", ["n\n", ""])
def test_without_yes_it_asks_and_no_means_no(answer: str, place: Place, run: Run) -> None:
    make(place.store, "Q1", hold=Hold.POISON_ROW, facts=WRONG)
    before = contents(place)

    result = run("retry", "--where", "no=Q1", input=answer)

    assert result.exit_code == 1
    assert "Nothing was done" in result.output
    assert contents(place) == before


def test_a_yes_that_is_typed_is_a_yes(place: Place, run: Run) -> None:
    make(place.store, "Q1", hold=Hold.POISON_ROW, facts=WRONG)

    assert run("retry", "--where", "no=Q1", input="y\n").exit_code == 0
    assert look_up(place.store, "Q1").state is State.PENDING


def test_json_never_asks(place: Place, run: Run) -> None:
    result = run("retry", "--where", "no=Q1", "--json")

    assert result.exit_code == 2
    assert "--dry-run" in result.output


def test_what_a_person_set_aside_is_retried_only_where_it_is_named(place: Place, run: Run) -> None:
    make(place.store, "Q1", hold=Hold.BY_OPERATOR, facts={"by": "x", "reason": "y"})

    assert dry(run, "no=Q1,state=HOLD")["orders"][0]["action"] == "none"
    assert dry(run, "no=Q1,hold=by_operator")["orders"][0]["action"] == "release"


def test_an_order_wdt_waits_for_no_more_is_asked_about_and_not_sent(place: Place, run: Run) -> None:
    make(place.store, "Q1", hold=Hold.POISON_ROW, facts=WRONG, status=5)

    assert "asked first" in dry(run, "no=Q1")["orders"][0]["what"]
    assert run("retry", "--where", "no=Q1", "--yes").exit_code == 0
    assert look_up(place.store, "Q1").phase is Phase.LEFT


# -- conditions --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("no~Q*", ["Q1", "Q2", "Q3"]),
        ("no~Q* and state=HOLD", ["Q1"]),
        ("no~Q*,state=hold", ["Q1"]),
        ("no~Q* AND hold=poison_row", ["Q1"]),
        ("no~Q*, phase=unknown", ["Q2"]),
        ("no~Q*,merchant=m001", ["Q1", "Q2"]),
        ("no~Q*,merchant~m00?", ["Q1", "Q2", "Q3"]),
        ("no~Q*,code=gross_total_differs", ["Q1"]),
        ("no~Q*,code~gross*", ["Q1"]),
        ("no~Q*,code=E9130", []),
        ("no~Q*,older_than=2h", ["Q2"]),
        ("no~Q*,older_than=1h30m,older_than=10h", []),
        ("no = Q2", ["Q2"]),
        ("no=Q", []),
        ("no~q*", []),
        ("no~Q*,state=HOLD,state=INTENT", []),
        ("no~Q*,state=DONE60", []),
    ],
)
def test_a_condition_means_what_it_says(where: str, expected: list[str], place: Place, run: Run) -> None:
    make(place.store, "Q1", hold=Hold.POISON_ROW, facts=WRONG)
    make(place.store, "Q2", State.INTENT, Phase.UNKNOWN)
    make(place.store, "Q3", merchant="m002", sid="other")
    age(place, "Q2", timedelta(hours=3))

    assert numbers(dry(run, where)) == expected


def test_a_code_is_that_of_the_refusal_and_that_of_the_unclassified_answer_too(place: Place, run: Run) -> None:
    make(place.store, "Q1", State.FAILED)
    make(place.store, "Q2", State.INTENT, Phase.UNKNOWN, hold=Hold.POISON_ROW, facts=UNHEARD)

    assert numbers(dry(run, "no~Q?,code=22")) == ["Q1"]
    assert numbers(dry(run, "no~Q?,code=E9777")) == ["Q2"]
    assert numbers(dry(run, "no~Q?,code=unclassified_answer")) == ["Q2"]


def test_finished_orders_are_only_looked_at_when_they_are_named(place: Place, run: Run) -> None:
    states = {order["state"] for order in dry(run, "merchant=m001")["orders"]}
    done = dry(run, "state=DONE60")["orders"]

    assert not states & {"DONE60", "DONE85", "CANCELLED", "MIRRORED"}
    assert done
    assert {order["action"] for order in done} == {"none"}


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("colour=red", "state, hold, phase, merchant, code, no, older_than"),
        ("stat=HOLD", "Did you mean state?"),
        ("state=HLD", "Did you mean HOLD?"),
        ("hold=poison_rows", "Did you mean poison_row?"),
        ("older_than=soon", "soon"),
        ("older_than~2h", "takes = and not ~"),
        ("state~H*", "takes = and not ~"),
        ("state", "should look like"),
        ("state=", "should look like"),
        ("no='x' OR 1=1", None),
        ("1=1", "no field"),
        ("", "no condition"),
        (" , and , ", None),
        ("no=" + "x" * 600, "no condition"),
    ],
)
def test_a_condition_that_cannot_be_meant_exits_2_and_says_what_there_is(
    where: str, said: str | None, place: Place, run: Run
) -> None:
    before = contents(place)

    result = run("retry", "--where", where, "--yes")

    assert contents(place) == before
    if said is None:  # a text like any other, which no order has
        assert "No order meets" in result.output or result.exit_code == 2
    else:
        assert result.exit_code == 2
        assert said in " ".join(result.output.split())


def test_nothing_found_is_nothing_wrong(place: Place, run: Run) -> None:
    result = run("retry", "--where", "merchant=nobody", "--yes")

    assert result.exit_code == 0
    assert "No order meets" in result.output
