"""`orders list` and `orders show`."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
from cli_world import ROWS, Place, Run

CONTRACT = {"merchant", "invoice_order_no", "state", "hold", "invoice_no"}
WITH_ROW = "SELECT payer_name, raw FROM invoice_order JOIN order_row ON order_id = id WHERE no = ?"
HOSTILE = "\x1b]0;pwned\x07[red]x[/red]\nsecond line\u202e"


def held(run: Run) -> str:
    return str(json.loads(run("orders", "list", "--state", "HOLD", "--json").output)[0]["invoice_order_no"])


def test_json_lists_every_order_with_the_fields_of_the_contract(run: Run) -> None:
    found = json.loads(run("orders", "list", "--json").output)

    assert len(found) >= ROWS
    assert all(set(order) >= CONTRACT for order in found)
    done = [order for order in found if order["state"] == "DONE60"]
    assert done
    assert all(order["hold"] is None and order["invoice_no"] for order in done)


def test_a_limit_and_filters_narrow_the_list(run: Run) -> None:
    some = json.loads(run("orders", "list", "--json", "--limit", "3").output)
    held = json.loads(run("orders", "list", "--json", "--state", "hold", "--merchant", "m001").output)

    assert len(some) == 3
    assert {order["state"] for order in held} == {"HOLD"}
    assert held[0]["hold"]
    assert held[0]["text"]


def test_people_see_why_an_order_is_held_in_their_language(run: Run) -> None:
    zh, en = run("orders", "list", "--state", "HOLD", lang="zh"), run("orders", "list", "--state", "HOLD")

    assert "请在旺店通改正" in zh.output
    assert "Correct the order in WDT" in en.output


def test_a_shortened_list_says_how_many_there_are(run: Run) -> None:
    total = len(json.loads(run("orders", "list", "--json").output))

    assert f"2 of {total}" in run("orders", "list", "--limit", "2").output


@pytest.mark.parametrize(("option", "word", "near"), [("--state", "HLD", "HOLD"), ("--merchant", "m01", "m001")])
def test_a_mistyped_filter_names_the_nearest(option: str, word: str, near: str, run: Run) -> None:
    result = run("orders", "list", option, word)

    assert result.exit_code == 2
    assert f"Did you mean {near}" in result.output


def test_an_unknown_number_names_the_nearest(run: Run) -> None:
    no = held(run)

    result = run("orders", "show", f"{no}0")  # a digit too many: one number alone is the nearest

    assert result.exit_code == 2
    assert no in result.output


def test_show_masks_the_buyer_unless_the_raw_row_is_asked_for(run: Run, place: Place) -> None:
    no = held(run)
    with closing(sqlite3.connect(place.store)) as db:
        name, raw = db.execute(WITH_ROW, (no,)).fetchone()

    shown, whole = run("orders", "show", no, "--json"), run("orders", "show", no, "--json", "--raw")

    assert name not in shown.output
    assert json.loads(shown.output)["payer"].startswith(name[0])
    assert json.loads(whole.output)["raw"] == raw.decode()


@pytest.mark.parametrize("as_json", [False, True])
def test_hostile_contents_are_shown_inert(as_json: bool, run: Run, place: Place) -> None:
    no = held(run)
    with closing(sqlite3.connect(place.store)) as db:
        facts = json.dumps({"code": "tax_code_malformed", "line": HOSTILE, "tax_code": HOSTILE})
        db.execute("UPDATE invoice_order SET payer_name = ?, hold_facts = ? WHERE no = ?", (HOSTILE, facts, no))
        db.commit()
    flag = ["--json"] if as_json else []

    for args in (["orders", "list"], ["orders", "show", no], ["explain", no]):
        result = run(*args, *flag)

        assert result.exit_code == 0
        assert "[red]x[/red]" in result.output
        assert all(one.isprintable() or one == "\n" for one in result.output)
        assert not any(line.startswith("second line") for line in result.output.splitlines())


def test_a_terminal_gets_a_table_in_which_markup_stays_text(
    run: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from syncd.cli import output

    monkeypatch.setattr(output, "is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "100")

    output.table(["a", "b"], [["[red]x[/red]", "\x1b[31my"]])

    shown = capsys.readouterr().out
    assert "[red]x[/red]" in shown
    assert "\\x1b[31my" in shown
    assert "\x1b[31m" not in shown
