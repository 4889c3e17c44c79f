"""Most turns find nothing: what sleeps on without one, and cursors that move together over windows without rows."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from daemon_parts import VirtualClock
from stage_parts import Open

from syncd.app import App
from syncd.domain.window import Window
from syncd.sandbox import Sandbox
from syncd.stages.asleep import look_over
from syncd.stages.poll.outset import Nothing, Outsets
from syncd.store.lanes import STRIKES
from syncd.store.store import Store
from syncd.store.units import LEASE, LONGEST_SLEEP, UnitView
from syncd.store.windows import Done

A_MINUTE = timedelta(minutes=1)


async def units(store: Store) -> dict[tuple[str, str], UnitView]:
    async with store.read() as tx:
        return {(unit.stage, unit.key): unit for unit in await tx.units.all()}


async def test_who_has_nothing_to_do_sleeps_on_without_a_turn(daemon: Open, clock: VirtualClock) -> None:
    async with daemon() as d:
        for stage in ("push", "collect", "write_back"):
            await d.turn(stage)
        for feed in ("pending", "backfill", "refresh"):
            await d.turn("poll", feed)
        clock.advance(timedelta(minutes=11))

        asleep = {
            name: await look_over(d.app.store, stage, [key for one, key in await units(d.app.store) if one == name])
            for name, stage in d.app.stages.items()
        }

        assert asleep == {
            "poll": {"m001/backfill", "m001/refresh"},
            "push": {"m001"},
            "collect": {"m001"},
            "write_back": {"m001"},
        }
        after = await units(d.app.store)
        for name, keys in asleep.items():
            for key in keys:
                next_at = after[name, key].next_at
                assert next_at is not None
                assert next_at - clock.now() > LONGEST_SLEEP - A_MINUTE, key


async def test_who_has_something_to_do_is_to_have_a_turn(sandbox: Sandbox, daemon: Open, clock: VirtualClock) -> None:
    sandbox.wdt.put_order({})
    async with daemon() as d:
        await d.turn("push")
        await d.turn("poll", "pending")
        clock.advance(LONGEST_SLEEP)

        asleep = await look_over(d.app.store, d.app.stages["push"], ["m001"])

        assert asleep == set()
        assert ("push", "m001") in [(unit.stage, unit.key) for unit in await d.app.store.desk.due("push")]


async def test_a_lane_to_be_tried_wants_a_turn(daemon: Open, clock: VirtualClock) -> None:
    async with daemon() as d:
        await d.turn("collect")
        merchant = d.app.parties.merchants[0]
        async with d.app.store.begin() as tx:
            await tx.lanes.pause(merchant.name, merchant.issuer.name, "a test", clock.now() + timedelta(hours=1))
        clock.advance(LONGEST_SLEEP)

        assert await look_over(d.app.store, d.app.stages["collect"], ["m001"]) == set()


async def test_a_unit_that_slept_on_is_woken_like_any_other(daemon: Open, clock: VirtualClock) -> None:
    async with daemon() as d:
        await d.turn("push")
        clock.advance(LONGEST_SLEEP)
        assert await look_over(d.app.store, d.app.stages["push"], ["m001"]) == {"m001"}

        async with d.app.store.begin() as tx:
            await tx.units.wake("push", "m001")

        assert [(unit.key, unit.rested) for unit in await d.app.store.desk.due("push")] == [("m001", False)]


# -- windows without rows ------------------------------------------------------------------------------------------


async def nothing(app: App, outsets: Outsets) -> Nothing:
    """A minute without rows after the cursor of the work list, read under a claim."""
    merchant = app.parties.merchants[0]
    async with app.store.begin() as tx:
        await tx.units.wake("poll", "m001/pending")
    claim = await app.store.desk.claim("poll", "m001/pending")
    assert claim is not None
    outset = await outsets.of(merchant, "pending")
    assert outset.cursor is not None
    since = outset.cursor.position
    return Nothing(claim, merchant, Done(merchant.sid, "pending", Window(since, since + A_MINUTE), 0, 1))


async def test_a_window_without_rows_moves_the_cursor_and_is_in_the_ledger(daemon: Open, clock: VirtualClock) -> None:
    async with daemon() as d:
        await d.turn("poll", "pending")
        clock.advance(timedelta(minutes=10))
        outsets = Outsets(d.app.store)
        found = await nothing(d.app, outsets)

        assert await outsets.passed(found) is True

        async with d.app.store.read() as tx:
            cursor = await tx.windows.cursor(found.done.sid, "pending")
            assert cursor is not None
            assert cursor.position == found.done.window.end
            assert await tx.windows.gaps() == []


async def test_a_superseded_turn_moves_no_cursor(daemon: Open, clock: VirtualClock) -> None:
    async with daemon() as d:
        await d.turn("poll", "pending")
        outsets = Outsets(d.app.store)
        found = await nothing(d.app, outsets)
        clock.advance(LEASE)
        assert await d.app.store.desk.claim("poll", "m001/pending") is not None

        assert await outsets.passed(found) is False

        stands = (await outsets.of(found.merchant, "pending")).cursor
        assert stands is not None
        assert stands.position == found.done.window.start


async def test_a_lane_that_recovers_wants_a_transaction_of_its_own(daemon: Open) -> None:
    async with daemon() as d:
        await d.turn("poll", "pending")
        outsets = Outsets(d.app.store)
        found = await nothing(d.app, outsets)
        async with d.app.store.begin() as tx:
            assert await tx.lanes.strike("m001", "wdt") < STRIKES

        assert await outsets.passed(found) is False


async def test_a_window_that_does_not_fit_its_cursor_takes_no_other_along(daemon: Open) -> None:
    async with daemon() as d:
        await d.turn("poll", "pending")
        outsets = Outsets(d.app.store)
        found = await nothing(d.app, outsets)

        told = await asyncio.gather(outsets.passed(found), outsets.passed(found))
        alone = await outsets.passed(found)

        assert (told, alone) == ([False, False], True)
