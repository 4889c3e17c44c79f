"""`syncd link`: all lines or none, every bad one with its reason, and what a person may decide afterwards."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cli_world import Place, Run
from orders_made import in_store, make

from syncd.domain.application import Standing, Stuck
from syncd.domain.lifecycle import State
from syncd.store.store import Tx


@pytest.fixture
def orders(place: Place) -> list[str]:
    """Two issued orders of one buyer, one of another, and one that waits."""
    make(place.store, "FPA1", State.ISSUED, payer="甲公司")
    make(place.store, "FPA2", State.ISSUED, payer="甲公司")
    make(place.store, "FPB1", State.ISSUED, payer="乙公司")
    make(place.store, "FPC1", State.PENDING, payer="丙")
    return ["FPA1", "FPA2", "FPB1", "FPC1"]


def listed(run: Run) -> dict[str, dict[str, Any]]:
    return {row["apply_id"]: row for row in json.loads(run("link", "--list", "--json").output)}


def held(place: Place, apply_id: str, stuck: Stuck, facts: dict[str, str]) -> None:
    async def hold(tx: Tx) -> None:
        (seen,) = await tx.applications.find(apply_id)
        await tx.applications.move(seen, Standing.OWED)
        (seen,) = await tx.applications.find(apply_id)
        await tx.applications.hold(seen, stuck, facts)

    in_store(place.store, hold)


def debts(place: Place) -> list[tuple[str, str]]:
    async def look(tx: Tx) -> list[tuple[str, str]]:
        from sqlalchemy import text

        rows = await tx.connection.execute(text("SELECT kind, state FROM debt WHERE target = 'alibaba' ORDER BY id"))
        return [(kind, state) for kind, state in rows]

    return in_store(place.store, look)


def test_one_order_is_linked_owed_and_told_in_its_story(run: Run, place: Place, orders: list[str]) -> None:
    made = run("link", "FPA1", "13213123")

    assert made.exit_code == 0
    assert listed(run)["13213123"]["orders"] == ["FPA1"]
    assert debts(place) == [("inv_success", "owed")]
    story = run("explain", "FPA1")
    assert "linked to an application at Alibaba" in story.output
    assert "application 13213123" in story.output
    assert "申请 13213123" in run("explain", "FPA1", lang="zh").output
    assert json.loads(run("explain", "FPA1", "--json").output)["applications"][0]["apply_id"] == "13213123"
    assert "13213123" in run("orders", "show", "FPA1").output
    assert "waits for its orders" in run("status").output


@pytest.mark.parametrize(
    ("encoding", "header"),
    [
        ("utf-8", "invoice_order_no,apply_id"),
        ("utf-8-sig", "备注,发票单号,申请id"),
        ("gb18030", "发票单号,申请ID,备注"),
        ("utf-16", "apply_id\tno"),
    ],
)
def test_a_file_is_read_as_spreadsheets_save_it(
    run: Run, place: Place, orders: list[str], encoding: str, header: str
) -> None:
    names = [name.strip().lower() for name in header.replace("\t", ",").split(",")]
    lines = [header]
    for no, apply_id in (("FPA1", '="7001"'), ("FPA2", "7001"), ("", ""), ("FPB1", "'7002")):
        cells = [no if "no" in name or "单号" in name else apply_id if "id" in name else "" for name in names]
        lines.append(("\t" if "\t" in header else ",").join(cells))
    (place.folder / "links.csv").write_bytes("\r\n".join(lines).encode(encoding))

    shown = run("link", "--csv", "links.csv", "--preview")
    assert shown.exit_code == 0
    assert listed(run) == {}
    made = run("link", "--csv", "links.csv")
    again = run("link", "--csv", "links.csv")

    assert made.exit_code == again.exit_code == 0
    assert "0 linked (3 were linked already)" in again.output
    assert {name: row["orders"] for name, row in listed(run).items()} == {"7001": ["FPA1", "FPA2"], "7002": ["FPB1"]}


def test_one_bad_line_and_nothing_is_done_but_every_reason_told(run: Run, place: Place, orders: list[str]) -> None:
    run("link", "FPB1", "8000")
    text = """invoice_order_no,apply_id
FPA1,7001
FPA1,7001
FPXX,7002
FPB1,7003
FPC1,7001
FPA2,1.32E+15
FPC1,
FPC1,7004,x
"""
    (place.folder / "links.csv").write_text(text, encoding="utf-8")

    made = run("link", "--csv", "links.csv")

    assert made.exit_code == 2
    assert set(listed(run)) == {"8000"}
    told = made.stderr.splitlines()
    assert [line.partition(":")[0] for line in told[:-1]] == [f"line {n}" for n in (3, 4, 5, 6, 7, 8, 9)]
    for words in (
        "line 2 already",
        "unknown",
        "linked to 8000",
        "whose buyer is not",
        "round it",
        "is empty",
        "3 columns",
    ):
        assert any(words in line for line in told), words
    assert "nothing was linked" in told[-1]
    zh = run("link", "--csv", "links.csv", "--preview", lang="zh")
    assert zh.exit_code == 2
    assert "第 4 行：没有读到过单据 FPXX" in zh.stderr


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"order,apply_id\nFPA1,1\n", "columns invoice_order_no and apply_id"),
        (b"no,order_no,apply_id\nFPA1,FPA1,1\n", "each once"),
        (b"", "must name the columns"),
        (b"no,apply_id\n\xff\xff\xff,1\n", "encoding"),
        (b'no,apply_id\n"FPA1,1\n', "quotation mark"),
    ],
)
def test_a_file_with_wrong_columns_or_words_is_refused_as_a_whole(
    run: Run, place: Place, orders: list[str], content: bytes, words: str
) -> None:
    (place.folder / "links.csv").write_bytes(content)

    made = run("link", "--csv", "links.csv")

    assert made.exit_code == 2
    assert words in made.stderr
    assert listed(run) == {}


def test_an_order_ends_a_second_application_only_where_somebody_says_so(run: Run, orders: list[str]) -> None:
    run("link", "FPA1", "7001")

    refused, allowed = run("link", "FPA1", "7002"), run("link", "FPA1", "7002", "--also")

    assert (refused.exit_code, allowed.exit_code) == (2, 0)
    assert set(listed(run)) == {"7001", "7002"}


def test_a_link_is_taken_back_as_long_as_nothing_was_said(run: Run, place: Place, orders: list[str]) -> None:
    run("link", "FPA1", "7001")
    run("link", "FPB1", "7002")

    async def say(tx: Tx) -> None:
        (seen,) = await tx.applications.find("7002")
        await tx.applications.saying(seen, "inv_success")

    in_store(place.store, say)

    gone, said = run("link", "--remove", "FPA1", "7001"), run("link", "--remove", "FPB1", "7002")

    assert (gone.exit_code, said.exit_code) == (0, 1)
    assert set(listed(run)) == {"7002"}
    assert debts(place) == [("inv_success", "void"), ("inv_success", "sent")]


def test_a_held_application_is_told_counted_and_goes_on_or_is_left(run: Run, place: Place, orders: list[str]) -> None:
    for no, apply_id in (("FPA1", "7001"), ("FPB1", "7002")):
        run("link", no, apply_id)
    held(place, "7001", Stuck.FOREIGN_INVOICE, {"foreign": "26990000000000000009"})
    held(place, "7002", Stuck.AMOUNT_DIFFERS, {"theirs": "1.00", "ours": "113.00"})

    status = run("status")
    assert status.exit_code == 3
    assert "applications held (top_foreign_invoice)" in status.output
    assert "26990000000000000009" in run("explain", "FPA1").output
    assert "113.00" in listed(run)["7002"]["text"]
    again, over = run("link", "--retry", "7001"), run("link", "--settled", "7002", "--reason", "红冲已办")
    twice = run("link", "--settled", "7002")

    assert (again.exit_code, over.exit_code, twice.exit_code) == (0, 0, 1)
    states = {name: row["state"] for name, row in listed(run).items()}
    assert states == {"7001": "waiting", "7002": "done"}
    assert debts(place) == [("inv_success", "owed"), ("inv_success", "void")]


@pytest.mark.parametrize(
    "args", [["FPA1"], ["--retry"], ["--list", "FPA1"], ["--csv", "x", "--list"], ["--remove", "FPA1"]]
)
def test_what_cannot_be_meant_says_how_it_is_used(run: Run, orders: list[str], args: list[str]) -> None:
    made = run("link", *args)

    assert made.exit_code == 2


def test_json_is_one_value_whatever_is_asked(run: Run, place: Place, orders: list[str]) -> None:
    """An integrator reads what was linked, and of a bad file which lines and why; nothing else stands on the output."""
    (place.folder / "links.csv").write_text("no,apply_id\nFPA1,7001\nFPXX,7002\nFPC1\n", encoding="utf-8")

    bad = run("link", "--csv", "links.csv", "--json")
    one = run("link", "FPA1", "7001", "--json", lang="zh")
    told = {
        name: json.loads(run("link", *args, "--json").stdout)
        for name, args in {
            "preview": ("FPA2", "7001", "--preview"),
            "again": ("FPA1", "7001"),
            "removed": ("--remove", "FPA1", "7001"),
        }.items()
    }
    run("link", "FPB1", "7003")
    settled = json.loads(run("link", "--settled", "7003", "--json").stdout)

    assert bad.exit_code == 2
    assert json.loads(bad.stdout)["done"] is False
    assert [(line["line"], line["why"]) for line in json.loads(bad.stdout)["bad"]] == [
        (3, "order_unknown"),
        (4, "cells"),
    ]
    assert json.loads(one.stdout)["linked"] == [{"line": 0, "no": "FPA1", "apply_id": "7001"}]
    assert told["preview"]["done"] is False
    assert told["preview"]["linked"] == [{"line": 0, "no": "FPA2", "apply_id": "7001"}]
    assert told["again"]["linked_already"] == [{"line": 0, "no": "FPA1", "apply_id": "7001"}]
    assert told["removed"] == {
        "removed": True,
        "no": "FPA1",
        "apply_id": "7001",
        "merchant": "m001",
        "forgotten": True,
    }
    assert settled == {"settled": True, "apply_id": "7003", "merchant": "m001"}


def test_a_command_shows_no_log_lines_to_a_clerk(run: Run, orders: list[str]) -> None:
    made = run("link", "FPA1", "7001", lang="zh")

    assert made.stdout.splitlines() == ["已关联 1 行（另有 0 行此前已关联）。"]
    assert made.stderr == ""


def test_a_file_may_come_by_standard_input(run: Run, orders: list[str]) -> None:
    made = run("link", "--csv", "-", "--json", input="no,apply_id\nFPA1,7001\n")

    assert made.exit_code == 0
    assert json.loads(made.stdout)["linked"] == [{"line": 2, "no": "FPA1", "apply_id": "7001"}]


@pytest.mark.parametrize(("name", "words"), [("missing.csv", "没有文件 missing.csv"), (".", "是文件夹")])
def test_a_file_that_cannot_be_read_is_told_in_the_clerks_language(
    run: Run, orders: list[str], name: str, words: str
) -> None:
    made = run("link", "--csv", name, lang="zh")

    assert made.exit_code == 2
    assert words in made.stderr
    assert "No such file" not in made.stderr


def test_lines_of_one_file_that_contradict_each_other_name_each_other(
    run: Run, place: Place, orders: list[str]
) -> None:
    """Nothing of it is linked yet, so nothing is said to be."""
    text = "no,apply_id\nFPA1,7001\nFPA1,7002\nFPB1,7001\n"
    (place.folder / "links.csv").write_text(text, encoding="utf-8")

    made = run("link", "--csv", "links.csv")

    assert made.stderr.splitlines()[:2] == [
        "line 3: line 2 of this file links FPA1 to 7001; if it ends a second application too, add --also",
        "line 4: line 2 of this file links 7001 to FPA1, whose buyer is not that of FPB1",
    ]


def test_an_application_that_only_a_link_had_made_goes_with_it(run: Run, place: Place, orders: list[str]) -> None:
    """One that the platform told of, or that another order ends too, stays."""
    for no in ("FPA1", "FPA2"):
        run("link", no, "7001")
    run("link", "--remove", "FPA1", "7001")
    assert listed(run)["7001"]["orders"] == ["FPA2"]
    run("link", "--remove", "FPA2", "7001")
    assert listed(run) == {}

    assert run("link", "FPA1", "7001").exit_code == 0
    assert listed(run)["7001"]["orders"] == ["FPA1"]


def test_what_a_person_settled_is_told_apart_from_what_was_told_to_the_centre(run: Run, orders: list[str]) -> None:
    run("link", "FPA1", "7001")
    run("link", "--settled", "7001")

    assert "settled by a person" in run("link", "--list").stdout
    assert listed(run)["7001"]["settled_outside"] is True
