"""A ban that a party told of stays until its end, whoever resumes the lane; only a person lifts it, knowingly."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from cli_world import Place, Run, World
from orders_made import in_store

from syncd.domain.trouble import Care, Verdict
from syncd.store.schema import journal, pace
from syncd.store.store import Tx
from syncd.store.units import UnitView

BAN = "accesscontrol.limited-by-app-access-count This ban will last for 31060 more seconds"
LASTS = timedelta(seconds=31_061)


@pytest.fixture
def banned(place: Place, world: World) -> Place:
    """TOP has banned the application key, and the lane of its one merchant rests for it."""
    told = world.sandbox.describe()["top"]
    table = f"""[merchants.alibaba]
url = "{told["url"]}"
app_key = "{told["app_key"]}"
secret = "{told["secret"]}"
session = "{told["session"]}"
[issuers.main]"""
    place.change("[issuers.main]", table)

    async def ban(tx: Tx) -> None:
        await _ban(tx, told["app_key"])
        await tx.lanes.rest("m001", "top", Verdict(Care.REST_LANE, "top", "7", BAN, LASTS.total_seconds()))
        await tx.units.ensure("alibaba", "m001")
        claim = await tx.units.claim("alibaba", "m001", timedelta(seconds=5))
        assert claim is not None
        await tx.units.finish(claim, next_at=tx.now + LASTS)

    in_store(place.store, ban)
    return place


async def _ban(tx: Tx, account: str) -> None:
    from sqlalchemy import insert

    from syncd.store.instants import to_ms

    at, until = to_ms(tx.now), to_ms(tx.now + LASTS)
    row = {"platform": "top", "account": account, "rate": 150_000, "slowed_at": at, "until_at": until}
    await tx.connection.execute(insert(pace).values(**row))


def lane(run: Run) -> dict[str, Any]:
    (found,) = [one for one in json.loads(run("lane", "list", "--json").output) if one["lane"] == "m001/top"]
    return dict(found)


def unit(place: Place) -> UnitView:
    async def find(tx: Tx) -> UnitView:
        (found,) = [one for one in await tx.units.all() if one.stage == "alibaba"]
        return found

    return in_store(place.store, find)


@pytest.mark.usefixtures("banned")
def test_resuming_the_lane_says_until_when_nothing_is_called_and_status_goes_on_showing_it(run: Run) -> None:
    resumed = run("lane", "resume", "m001/top", lang="zh")
    again = run("lane", "resume", "m001/top")
    zh, en = run("status", lang="zh").output, run("status").output
    shown = json.loads(run("status", "--json").output)["bans"]

    assert "立即继续" not in resumed.output
    assert "--lift-ban" in resumed.output
    assert "open already, but the party's ban" in again.output
    assert "全部畅通" not in zh
    assert "m001/top 的账号被对方限流" in zh
    assert "The account of m001/top was throttled" in en
    assert [one["lane"] for one in shown] == ["m001/top"]
    assert lane(run)["banned_until"] == shown[0]["until"]


@pytest.mark.usefixtures("banned")
def test_while_the_lane_itself_rests_for_it_the_ban_is_told_once_and_in_the_readers_language(run: Run) -> None:
    zh, en = run("status", lang="zh").output, run("status").output

    assert "应用当天的调用次数用完" in zh
    assert "The app's calls of the day are used up until midnight in Beijing. Nothing was executed (rest_lane: " in en
    assert "was throttled" not in en


def test_a_ban_is_lifted_by_who_agrees_and_the_history_says_so(banned: Place, run: Run) -> None:
    declined = run("lane", "resume", "m001/top", "--lift-ban", input="n\n")
    still = lane(run)["banned_until"]
    lifted = run("lane", "resume", "m001/top", "--lift-ban", "--reason", "reset in the console", "--yes")
    told = in_store(banned.store, _journal)

    assert (declined.exit_code, lifted.exit_code) == (1, 0)
    assert still is not None
    assert (lane(run)["banned_until"], lane(run)["state"]) == (None, "open")
    assert [(facts["lane"], facts["reason"]) for facts in told] == [("m001/top", "reset in the console")]
    assert told[0]["by"]
    assert "All open" in run("status").output


def test_a_daemon_at_work_is_woken_when_it_has_heard_of_it(banned: Place, run: Run) -> None:
    """A pacer believes what it read for five seconds; woken earlier, it would sleep to the end of the ban."""
    before = unit(banned).next_at
    run("lane", "resume", "m001/top", "--lift-ban", "--yes")
    after = unit(banned).next_at

    assert before is not None
    assert after is not None
    now = datetime.now(after.tzinfo)
    assert now + timedelta(seconds=2) < after < now + timedelta(seconds=10)


async def _journal(tx: Tx) -> list[dict[str, Any]]:
    from sqlalchemy import select

    rows = await tx.connection.execute(select(journal.c.facts).where(journal.c.event == "lane.ban_lifted"))
    return [json.loads(facts) for facts in rows.scalars()]


@pytest.mark.usefixtures("banned")
def test_the_pace_stays_as_low_as_the_ban_left_it(run: Run) -> None:
    run("lane", "resume", "m001/top", "--lift-ban", "--yes")

    assert lane(run)["calls_per_minute"] < lane(run)["at_most"]


def test_a_ban_of_one_interface_is_told_with_its_name_and_lifted_with_the_rest(
    place: Place, banned: Place, run: Run, world: World
) -> None:
    key = world.sandbox.describe()["top"]["app_key"]
    run("lane", "resume", "m001/top", "--lift-ban", "--yes")
    in_store(place.store, lambda tx: _ban(tx, f"{key} alibaba.einvoice.core.inv.upload"))
    told = run("lane", "resume", "m001/top").output
    run("lane", "resume", "m001/top", "--lift-ban", "--yes")

    assert "alibaba.einvoice.core.inv.upload" in told
    assert lane(run)["banned_until"] is None
    assert banned is place


def test_without_a_ban_there_is_nothing_to_lift(run: Run) -> None:
    result = run("lane", "resume", "m001/wdt", "--lift-ban", "--yes")

    assert result.exit_code == 1
    assert "nothing to lift" in result.output


def test_a_pause_that_ends_by_itself_needs_nobody(run: Run) -> None:
    no = json.loads(run("orders", "list", "--state", "HOLD", "--json").output)[0]["invoice_order_no"]
    run("orders", "retry", no)
    run("lane", "pause", "m001/main", "--reason", "stock-taking", "--for", "2h")
    timed = run("status")
    run("lane", "resume", "m001/main")
    run("lane", "pause", "m001/main", "--reason", "stock-taking")
    endless = run("status")

    assert "m001/main: paused" in timed.output
    assert (timed.exit_code, endless.exit_code) == (0, 3)
    assert "Needs a person" not in timed.output
