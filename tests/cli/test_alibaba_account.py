"""`check` and `lane` about a merchant's account at Alibaba's invoice centre."""

from __future__ import annotations

import json

import pytest
from cli_world import Place, Run, World
from orders_made import in_store

from syncd.domain.trouble import Care, Verdict


@pytest.fixture
def with_centre(place: Place, world: World) -> Place:
    """The installation of the test, with an account at the sandbox's TOP."""
    told = world.sandbox.describe()["top"]
    table = f"""[merchants.alibaba]
url = "{told["url"]}"
app_key = "{told["app_key"]}"
secret = "{told["secret"]}"
session = "{told["session"]}"
[issuers.main]"""
    place.change("[issuers.main]", table)
    return place


def finding(run: Run, *, expect: int) -> dict[str, str]:
    result = run("check", "--json")
    assert result.exit_code == expect, result.output
    assert "demo_top" not in result.output
    (found,) = [one for one in json.loads(result.output) if one["subject"] == "m001/top"]
    return found


@pytest.mark.usefixtures("with_centre")
def test_a_good_account_passes(run: Run) -> None:
    assert finding(run, expect=0)["level"] == "ok"


def test_a_wrong_secret_fails_with_a_remedy(with_centre: Place, run: Run) -> None:
    with_centre.change('secret = "demo_top_secret"', 'secret = "demo_top_wrong"')

    found = finding(run, expect=1)

    assert found["level"] == "fail"
    assert "25" in found["text"]
    assert "secret" in found["remedy"]


@pytest.mark.usefixtures("with_centre")
def test_a_clock_that_is_off_is_told_before_the_platform_refuses_it(run: Run, world: World) -> None:
    world.sandbox.top.skew = 400
    try:
        found = finding(run, expect=0)
    finally:
        world.sandbox.top.skew = 0.0

    assert found["level"] == "warn"
    assert "TOP" in found["text"]


def test_nobody_there_is_told_with_what_to_look_at(with_centre: Place, run: Run, world: World) -> None:
    with_centre.change(world.sandbox.top_url, "http://127.0.0.1:9/router/rest")

    found = finding(run, expect=1)

    assert (found["level"], bool(found["remedy"])) == ("fail", True)


@pytest.mark.usefixtures("with_centre")
def test_its_lane_is_listed_with_its_pace_and_can_be_paused_and_resumed(run: Run) -> None:
    def lane() -> dict[str, object]:
        (found,) = [one for one in json.loads(run("lane", "list", "--json").output) if one["lane"] == "m001/top"]
        return dict(found)

    assert (lane()["state"], lane()["at_most"]) == ("open", 300)

    assert run("lane", "pause", "m001/top", "--reason", "promotion day").exit_code == 0
    assert lane()["state"] == "paused"
    assert run("lane", "resume", "m001/top").exit_code == 0
    assert lane()["state"] == "open"


@pytest.mark.usefixtures("with_centre")
def test_a_good_account_is_not_said_to_have_a_good_session(run: Run) -> None:
    assert "session was not tried" in finding(run, expect=0)["text"]


def test_a_session_that_the_platform_refused_is_warned_of(with_centre: Place, run: Run) -> None:
    """The clock needs no session: what the centre said to a call with one is what there is to go by."""
    verdict = Verdict(Care.PERSON, "top", "27", "invalid session: session-expired")
    in_store(with_centre.store, lambda tx: tx.lanes.rest("m001", "top", verdict))

    found = finding(run, expect=0)

    assert found["level"] == "warn"
    assert "authorisation (session)" in found["text"]
    assert "syncd lane resume m001/top" in found["remedy"]
