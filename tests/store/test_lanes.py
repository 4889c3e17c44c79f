from __future__ import annotations

from datetime import timedelta

import pytest
from daemon_parts import VirtualClock
from store_parts import at, raw

from syncd.domain.budget import longest_rest
from syncd.domain.trouble import Care, Paced, Verdict
from syncd.store.lanes import Lane
from syncd.store.paces import Paces
from syncd.store.store import Store
from syncd.wire.pace import Pacer

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

    with raw(store) as db, pytest.raises(Exception, match="ck_lane_state"):
        db.execute("UPDATE lane SET state = 'broken'")


UNREACHABLE = Verdict(Care.RETRY_SOON, "main", "unreachable", "timeout")


async def test_an_unreachable_party_rests_ever_longer_but_never_beyond_minutes(
    store: Store, clock: VirtualClock
) -> None:
    """F56."""
    rests = []
    for _ in range(7):
        await rest(store, UNREACHABLE)
        until = (await lane(store)).until
        assert until is not None
        rests.append((until - clock.now()).total_seconds())
        clock.advance(rests[-1])

    assert [30 <= rests[0] <= 36, 60 <= rests[1] <= 72, 120 <= rests[2] <= 144] == [True] * 3
    assert all(300 <= one <= 360 for one in rests[4:])


async def test_of_a_lane_whose_rest_is_over_one_caller_gets_one_call(store: Store, clock: VirtualClock) -> None:
    """F54, F78. All its units would otherwise call at the same moment."""
    await rest(store)
    clock.advance(300)

    async with store.begin() as tx:
        assert (await tx.lanes.standing(*LANE)).half_open
        assert [await tx.lanes.probe([LANE[0]], LANE[1]) for _ in range(2)] == [True, False]
        assert not (await tx.lanes.standing(*LANE)).half_open


async def test_the_right_to_a_call_is_not_lost_with_who_had_it(store: Store, clock: VirtualClock) -> None:
    await rest(store)
    clock.advance(300)
    async with store.begin() as tx:
        await tx.lanes.probe([LANE[0]], LANE[1])
    clock.advance(61)

    async with store.begin() as tx:
        assert await tx.lanes.probe([LANE[0]], LANE[1])


async def test_merchants_of_one_account_share_the_call(store: Store, clock: VirtualClock) -> None:
    async with store.begin() as tx:
        for merchant in ("m001", "m002"):
            await tx.lanes.rest(merchant, "main", THROTTLED)
    clock.advance(300)

    async with store.begin() as tx:
        assert await tx.lanes.probe(["m001", "m002"], "main")
        assert not await tx.lanes.probe(["m001", "m002"], "main")
        assert await tx.lanes.at_rest("m002", "main") is not None


async def test_silence_is_counted_until_somebody_answers(store: Store) -> None:
    async with store.begin() as tx:
        assert [await tx.lanes.strike(*LANE, f"FP{n}") for n in range(3)] == [1, 2, 3]
        await tx.lanes.recovered(*LANE)
        assert await tx.lanes.strike(*LANE, "FP9") == 1


async def test_what_one_order_meets_again_and_again_counts_once(store: Store) -> None:
    async with store.begin() as tx:
        assert [await tx.lanes.strike(*LANE, "FP1") for _ in range(9)] == [1] * 9
        assert await tx.lanes.strike(*LANE, "FP2") == 2


async def test_a_rest_from_a_clock_that_was_ahead_is_over(store: Store, clock: VirtualClock) -> None:
    """F103."""
    clock.advance(timedelta(days=1))
    await rest(store)
    clock.advance(timedelta(days=-1))

    async with store.begin() as tx:
        assert await tx.lanes.at_rest(*LANE) is None
        assert await tx.lanes.probe([LANE[0]], LANE[1])


async def test_a_slowed_credential_is_remembered_and_halved_once_for_calls_that_went_together(
    store: Store, clock: VirtualClock
) -> None:
    """F46."""
    page, other = Paces(store, "wdt", "demo_sid/demo_key"), Paces(store, "wdt", "demo_sid/another")
    began = clock.now()
    clock.advance(2)

    first = await page.slow(50, began, 300)
    again = await Paces(store, "wdt", "demo_sid/demo_key").slow(50, began, 300)

    assert (first.rate, first.until) == (25, at(302))
    assert again == first
    assert await page.slowed() == first
    assert await other.slowed() is None


async def test_a_ban_of_hours_at_top_is_a_rest_and_no_clocks_mistake(store: Store, clock: VirtualClock) -> None:
    """F46: a day's calls are back at midnight; the platform's own sample says 31,062 seconds."""
    ban = Verdict(Care.REST_LANE, "top", "7", "This ban will last for 31062 more seconds", rest_for=31_063.0)
    async with store.begin() as tx:
        await tx.lanes.rest("m001", "top", ban)

    async with store.read() as tx:
        assert await tx.lanes.at_rest("m001", "top") == at(31_063)
    clock.advance(timedelta(days=-2))
    async with store.read() as tx:
        assert await tx.lanes.at_rest("m001", "top") is None


async def test_a_ban_of_hours_survives_a_restart(store: Store, clock: VirtualClock) -> None:
    """F46: the book keeps it, and whoever opens it next rests as long."""
    await Paces(store, "top", "demo_app").slow(300, clock.now(), 31_063)

    async def wait(_seconds: float) -> None: ...

    pacer = Pacer(
        300,
        clock.monotonic,
        now=clock.now,
        sleep=wait,
        book=Paces(store, "top", "demo_app"),
        longest_rest=longest_rest("top"),
    )

    with pytest.raises(Paced) as paced:
        await pacer.turn()
    assert paced.value.until == at(31_063)
