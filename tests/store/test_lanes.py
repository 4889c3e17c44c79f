from __future__ import annotations

from datetime import timedelta

import pytest
from daemon_parts import VirtualClock
from store_parts import at, raw

from syncd.domain.trouble import Care, Verdict
from syncd.store.lanes import Lane
from syncd.store.store import Store

LANE = ("m001", "main")
THROTTLED = Verdict(Care.REST_LANE, "wdt", "100", "too many calls", rest_for=300.0)
LOGIN = Verdict(Care.PERSON, "nuonuo", "E9999", "the drawer is logged out")


async def rest(store: Store, verdict: Verdict = THROTTLED) -> bool:
    async with store.begin() as tx:
        return await tx.lanes.rest(*LANE, verdict)


async def lane(store: Store) -> Lane:
    async with store.read() as tx:
        (found,) = await tx.lanes.all()
    return found


async def test_a_lane_nobody_stopped_may_be_used(store: Store) -> None:
    async with store.read() as tx:
        assert await tx.lanes.at_rest(*LANE) is None
        assert await tx.lanes.all() == []


async def test_a_lane_rests_as_long_as_the_party_said_and_no_longer(store: Store, clock: VirtualClock) -> None:
    assert await rest(store)

    async with store.read() as tx:
        assert await tx.lanes.at_rest(*LANE) == at(300)
    clock.advance(300)
    async with store.read() as tx:
        assert await tx.lanes.at_rest(*LANE) is None


async def test_a_lane_says_why_and_since_when_it_rests(store: Store, clock: VirtualClock) -> None:
    await rest(store)
    clock.advance(300)
    await rest(store, LOGIN)
    found = await lane(store)

    assert (found.name, found.state, found.failures) == ("m001/main", "resting", 2)
    assert (found.reason, found.code) == ("person: the drawer is logged out", "nuonuo.E9999")
    assert (found.since, found.until) == (at(0), at(600))


async def test_only_the_edges_are_told(store: Store) -> None:
    """Went bad once, recovered once, however often it was tried in between."""
    assert [await rest(store) for _ in range(3)] == [True, False, False]
    async with store.begin() as tx:
        assert [await tx.lanes.recovered(*LANE) for _ in range(2)] == [True, False]
    assert await rest(store)


@pytest.mark.parametrize(
    ("care", "seconds"), [(Care.REST_LANE, 300), (Care.CLOCK, 60), (Care.SETTINGS, 300), (Care.PERSON, 300)]
)
async def test_a_lane_rests_for_a_while_where_the_party_did_not_say(store: Store, care: Care, seconds: int) -> None:
    await rest(store, Verdict(care, "wdt", "1", "no"))

    assert (await lane(store)).until == at(seconds)


async def test_an_opened_lane_starts_counting_anew(store: Store, clock: VirtualClock) -> None:
    await rest(store)
    await rest(store)
    clock.advance(10)
    async with store.begin() as tx:
        await tx.lanes.recovered(*LANE)
    found = await lane(store)

    assert (found.state, found.reason, found.failures, found.until) == ("open", "", 0, None)


async def test_a_persons_pause_ends_only_by_a_person(store: Store, clock: VirtualClock) -> None:
    async with store.begin() as tx:
        await tx.lanes.pause(*LANE, "month end", None)
    clock.advance(timedelta(days=30))

    assert not await rest(store)
    async with store.begin() as tx:
        assert not await tx.lanes.recovered(*LANE)
        assert await tx.lanes.at_rest(*LANE) is not None
        assert (await tx.lanes.all())[0].reason == "month end"
        assert await tx.lanes.resume(*LANE)
        assert await tx.lanes.at_rest(*LANE) is None


async def test_a_pause_until_an_instant_ends_there(store: Store, clock: VirtualClock) -> None:
    async with store.begin() as tx:
        await tx.lanes.pause(*LANE, "month end", at(60))
        assert await tx.lanes.at_rest(*LANE) == at(60)
    clock.advance(60)

    async with store.read() as tx:
        assert await tx.lanes.at_rest(*LANE) is None


async def test_resuming_an_open_lane_says_that_there_was_nothing_to_resume(store: Store) -> None:
    await rest(store)
    async with store.begin() as tx:
        assert await tx.lanes.resume(*LANE)
        assert not await tx.lanes.resume(*LANE)


async def test_one_merchants_lane_is_nobody_elses(store: Store) -> None:
    await rest(store)

    async with store.read() as tx:
        assert await tx.lanes.at_rest("m002", "main") is None
        assert await tx.lanes.at_rest("m001", "wdt") is None


async def test_a_lane_has_one_of_three_states(store: Store) -> None:
    await rest(store)

    with raw(store.path) as db, pytest.raises(Exception, match="ck_lane_state"):
        db.execute("UPDATE lane SET state = 'broken'")
