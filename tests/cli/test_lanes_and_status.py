"""`lane` and `status`: what rests, what is paused, what needs a person."""

from __future__ import annotations

import json

import pytest
from cli_world import Place, Run
from orders_made import due_units, in_store, make, put_off_units

from syncd.domain.trouble import Care, Verdict


def lanes(run: Run) -> dict[str, dict[str, object]]:
    return {lane["lane"]: lane for lane in json.loads(run("lane", "list", "--json").output)}


def test_lanes_of_configured_merchants_are_listed_even_when_they_never_rested(run: Run) -> None:
    found = lanes(run)

    assert set(found) == {"m001/wdt", "m001/main"}
    assert all({"lane", "state", "reason", "until"} <= set(lane) for lane in found.values())
    assert {lane["state"] for lane in found.values()} == {"open"}


def test_a_paused_lane_says_why_and_until_when_and_is_woken_by_its_resumption(place: Place, run: Run) -> None:
    put_off_units(place.store)

    paused = run("lane", "pause", "m001/main", "--reason", "tax number changes", "--for", "2h")

    assert paused.exit_code == 0
    assert lanes(run)["m001/main"]["state"] == "paused"
    assert lanes(run)["m001/main"]["until"]
    assert due_units(place.store) == set()

    resumed = run("lane", "resume", "m001/main")

    assert resumed.exit_code == 0
    assert lanes(run)["m001/main"]["state"] == "open"
    assert due_units(place.store) == {("push", "m001"), ("collect", "m001")}


def test_resuming_wdt_wakes_reading_and_writing_back(place: Place, run: Run) -> None:
    run("lane", "pause", "m001/wdt", "--reason", "stock-taking")
    put_off_units(place.store)

    run("lane", "resume", "m001/wdt")

    feeds = {("poll", f"m001/{feed}") for feed in ("pending", "mirror", "backfill", "refresh")}
    assert due_units(place.store) == {*feeds, ("write_back", "m001")}


def test_until_is_beijing_time(run: Run) -> None:
    run("lane", "pause", "m001/wdt", "--reason", "x", "--until", "2099-11-22 08:00")

    assert lanes(run)["m001/wdt"]["until"] == "2099-11-22T00:00:00.000Z"


@pytest.mark.parametrize(
    "args",
    [
        ["lane", "pause", "m001/mian", "--reason", "x"],
        ["lane", "pause", "m001/main", "--reason", "x", "--until", "2001-01-01"],
        ["lane", "pause", "m001/main", "--reason", "x", "--until", "tomorrow"],
        ["lane", "pause", "m001/main", "--reason", "x", "--for", "soon"],
        ["lane", "pause", "m001/main", "--reason", "x", "--for", "1h", "--until", "2099-01-01"],
        ["lane", "pause", "m001/main", "--reason", " "],
        ["lane", "pause", "m001/main"],
        ["lane", "resume", "m002/main"],
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_is_paused(args: list[str], run: Run) -> None:
    result = run(*args)

    assert result.exit_code == 2
    assert {lane["state"] for lane in lanes(run).values()} == {"open"}


def test_an_unknown_lane_names_the_nearest(run: Run) -> None:
    assert "Did you mean m001/main" in run("lane", "resume", "m001/mian").output


def test_status_ends_with_what_a_person_must_do(run: Run) -> None:
    result = run("status")

    assert result.exit_code == 3
    assert result.output.index("Orders") < result.output.index("syncd orders list --state HOLD")


def test_status_is_fine_when_nothing_waits_for_a_person(place: Place, run: Run) -> None:
    no = json.loads(run("orders", "list", "--state", "HOLD", "--json").output)[0]["invoice_order_no"]
    run("orders", "retry", no)

    result = run("status")

    assert result.exit_code == 0
    assert "Nothing waits for a person" in result.output


def test_a_lane_that_needs_a_login_needs_a_person(place: Place, run: Run) -> None:
    no = json.loads(run("orders", "list", "--state", "HOLD", "--json").output)[0]["invoice_order_no"]
    run("orders", "retry", no)
    verdict = Verdict(Care.PERSON, "nuonuo", "E9999", "log in again")
    in_store(place.store, lambda tx: tx.lanes.rest("m001", "main", verdict))

    result = run("status", lang="zh")

    assert result.exit_code == 3
    assert "syncd lane resume m001/main" in result.output


def test_a_throttled_lane_needs_nobody(place: Place, run: Run) -> None:
    no = json.loads(run("orders", "list", "--state", "HOLD", "--json").output)[0]["invoice_order_no"]
    run("orders", "retry", no)
    verdict = Verdict(Care.REST_LANE, "wdt", "100", "too fast", 60.0)
    in_store(place.store, lambda tx: tx.lanes.rest("m001", "wdt", verdict))

    found = json.loads(run("status", "--json").output)

    assert found["needs_a_person"] is False
    assert found["lanes"][0]["lane"] == "m001/wdt"


def test_status_as_json_counts_what_the_store_holds(run: Run) -> None:
    found = json.loads(run("status", "--json").output)

    assert found["merchants"]["m001"]["states"]["HOLD"] == 1
    assert sum(found["merchants"]["m001"]["holds"].values()) == 1
    assert {cursor["feed"] for cursor in found["cursors"]} == {"pending", "mirror"}
    assert found["gaps"] == 0


def test_of_many_merchants_those_are_named_about_whom_there_is_something_to_say(place: Place, run: Run) -> None:
    """A table of two hundred pushes what a person must do off the screen."""
    text = place.settings.read_text(encoding="utf-8")
    merchant = text[text.index("[[merchants]]") : text.index("[issuers.main]")]
    more = "".join(merchant.replace("m001", f"m{n:03}").replace("demo_sid", f"sid_{n:03}") for n in range(2, 31))
    place.settings.write_text(text.replace("[issuers.main]", f"{more}[issuers.main]"), encoding="utf-8")
    make(place.store, "P1", merchant="m007", sid="sid_007")
    in_store(place.store, lambda tx: tx.lanes.rest("m009", "wdt", Verdict(Care.REST_LANE, "wdt", "100", "fast", 60.0)))

    result, in_chinese = run("status"), run("status", lang="zh")

    assert result.exit_code == 3
    lines = result.stdout.splitlines()
    named = {
        line.split(":")[0].strip(): line for line in lines if line.startswith("  m0") and "/" not in line.split(":")[0]
    }
    assert set(named) == {"m001", "m007", "m009"}
    assert "1 held (poison_row)" in named["m001"]
    assert "PENDING 1" in named["m007"]
    assert "lane wdt rests" in named["m009"]
    assert "  The other 27: 0 orders" in result.stdout
    assert "其余 27 个商户" in in_chinese.stdout
    assert "syncd orders list --state HOLD" in lines[-1] + lines[-2]
    assert len(lines) < 25
    assert len(json.loads(run("status", "--json").stdout)["cursors"]) == 2
