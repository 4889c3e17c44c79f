"""The day's second reading (R17): a change that WDT showed later than we wait for it is found all the same."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from daemon_parts import NOON, Daemon, VirtualClock
from stage_parts import Open

from syncd.domain.lifecycle import State
from syncd.sandbox import Sandbox
from syncd.stages.poll.deep import DAYS, MONTH, Look


def origin() -> datetime:
    return NOON - timedelta(days=90)


@pytest.mark.parametrize(("number", "back"), [(0, DAYS), (5, DAYS), (6, MONTH), (7, DAYS), (13, MONTH)])
def test_six_looks_go_back_three_days_and_the_seventh_a_month(number: int, back: timedelta) -> None:
    look = Look(number).begun(origin(), NOON)

    assert look is not None
    assert look.end is not None
    assert look.position == look.end - back
    assert look.end < NOON


def test_a_look_never_goes_back_behind_where_reading_began() -> None:
    began = NOON - timedelta(hours=5)

    look = Look(0).begun(began, NOON)

    assert look is not None
    assert look.position == began
    assert Look(0).begun(NOON, NOON) is None


@pytest.mark.parametrize("look", [Look(3), Look(3, NOON, NOON + DAYS, 2)])
def test_a_look_survives_a_restart(look: Look) -> None:
    assert Look.read(look.written()) == look


async def read_feeds(d: Daemon) -> None:
    for feed in ("pending", "mirror"):
        await d.turn("poll", feed)


async def look(d: Daemon) -> list[int]:
    """One whole deep look; how many missed rows each of its pages told of."""
    for _ in range(5):
        await d.turn("poll", "deep")
    async with d.app.store.read() as tx:
        return [facts["rows"] for _, _, facts in await tx.journal.since(0, ["poll.gap_found"])]


async def test_a_change_that_showed_too_late_for_the_windows_is_found_within_the_day(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    """F72. Visible after more than an hour, where five minutes are waited for."""
    async with daemon() as d:
        await read_feeds(d)
        await d.turn("poll", "deep")  # the first one only notes that there will be a second reading
        clock.advance(3600)
        late = sandbox.wdt.put_order({}, modified=clock(), visible_after=4000)
        for wait in (3600, 1000):
            clock.advance(wait)
            await read_feeds(d)
        assert late not in await d.orders(), "the windows were not too early: this test proves nothing"

        assert await look(d) == [1]

        await d.comes_to(late, State.DONE60)


async def test_a_look_at_what_is_all_known_finds_nothing(sandbox: Sandbox, daemon: Open, clock: VirtualClock) -> None:
    async with daemon() as d:
        await d.turn("poll", "deep")
        for _ in range(3):
            await read_feeds(d)
            sandbox.wdt.put_order({})
            clock.advance(3600)
        await read_feeds(d)

        assert await look(d) == []

        assert len(await d.orders()) == 3
