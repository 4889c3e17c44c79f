"""`cursor audit` and `backfill`."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest
from cli_world import Place, Run
from orders_made import due_units, put_off_units


def test_an_audit_without_gaps_is_fine(run: Run) -> None:
    result = run("cursor", "audit", "--json")

    found = json.loads(result.output)
    assert result.exit_code == 0
    assert {cursor["feed"] for cursor in found["cursors"]} == {"pending", "mirror"}
    assert found["gaps"] == []


def test_a_gap_is_shown_and_fails_the_audit(place: Place, run: Run) -> None:
    with closing(sqlite3.connect(place.store)) as db:
        db.execute("DELETE FROM window_done WHERE feed = 'mirror'")
        db.commit()

    people, machines = run("cursor", "audit", lang="zh"), run("cursor", "audit", "--json")

    assert (people.exit_code, machines.exit_code) == (1, 1)
    assert "没有读过" in people.output
    assert json.loads(machines.output)["gaps"][0]["feed"] == "mirror"


def test_a_backfill_is_asked_for_once_and_wakes_its_reader(place: Place, run: Run) -> None:
    put_off_units(place.store)

    asked = run("backfill", "m001", "--from", "2026-01-01", "--to", "2026-01-11")
    again = run("backfill", "m001", "--from", "2026-01-01", "--to", "2026-01-11")

    assert (asked.exit_code, again.exit_code) == (0, 0)
    assert "At least 1 calls" in asked.output
    assert "asked for before" in again.output
    assert due_units(place.store) == {("poll", "m001/backfill")}
    job = json.loads(run("cursor", "audit", "--json").output)["backfills"][0]
    assert job["start"] == "2025-12-31T16:00:00.000Z"
    assert job["end"] == "2026-01-10T16:00:00.000Z"


def test_without_an_end_it_reaches_to_where_reading_began(run: Run) -> None:
    run("backfill", "m001", "--from", "2026-01-01", "--feed", "mirror")

    found = json.loads(run("cursor", "audit", "--json").output)

    origin = next(cursor["origin"] for cursor in found["cursors"] if cursor["feed"] == "mirror")
    assert found["backfills"][0]["end"] == origin


@pytest.mark.parametrize(
    "args",
    [
        ["m01", "--from", "2026-01-01"],
        ["m001", "--from", "2026-01-01", "--to", "2099-01-01"],
        ["m001", "--from", "2026-01-02", "--to", "2026-01-01"],
        ["m001", "--from", "yesterday"],
        ["m001", "--from", "2026-01-01", "--feed", "pendng"],
        ["m001"],
    ],
)
def test_a_backfill_that_cannot_be_meant_is_refused(args: list[str], run: Run) -> None:
    result = run("backfill", *args)

    assert result.exit_code == 2
    assert json.loads(run("cursor", "audit", "--json").output)["backfills"] == []
