from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any, TypeVar
from unittest.mock import patch

import pytest
from daemon_parts import NOON, VirtualClock
from hypothesis import given
from hypothesis import strategies as st
from stage_parts import SEARCH, Open, submits

from syncd.domain.lifecycle import Hold, State
from syncd.domain.order import MerchantName, OrderNo, Page, Row, Search
from syncd.domain.trouble import Care, Permanent, Verdict
from syncd.domain.window import SECOND, Window
from syncd.sandbox import Sandbox
from syncd.stages.poll import reading
from syncd.stages.poll.ahead import AHEAD, Ahead
from syncd.stages.poll.plan import PollRules, hot_search, next_page, origin, proven_by_hot_page, refresh_search
from syncd.store.sightings import Seen
from syncd.store.windows import Cursor

T = TypeVar("T")

RULES = PollRules(
    every=timedelta(seconds=60),
    mirror_every=timedelta(minutes=15),
    settle=timedelta(seconds=300),
    step=timedelta(days=1),
    page_size=10,
)


def page(rows: int, asked_at: datetime, total: int | None = None) -> Page:
    row = Row(OrderNo("FP1"), 45, "", False, "", "", None, None, b"", b"")
    return Page((row,) * rows, (), rows if total is None else total, asked_at)


# -- what is decided -----------------------------------------------------------------------------------------------


def test_a_hot_page_proves_everything_settled_when_it_was_asked() -> None:
    query = hot_search(NOON - timedelta(hours=1), NOON, 10)

    proven = proven_by_hot_page(query, page(9, NOON), NOON - timedelta(hours=1), RULES)

    assert proven == Window(NOON - timedelta(hours=1), NOON - timedelta(seconds=300))


@pytest.mark.parametrize(("rows", "total"), [(10, 10), (9, 12), (0, 1)])
def test_a_full_page_or_one_whose_total_disagrees_proves_nothing(rows: int, total: int) -> None:
    cursor = NOON - timedelta(hours=1)

    assert proven_by_hot_page(hot_search(cursor, NOON, 10), page(rows, NOON, total), cursor, RULES) is None


def test_a_hot_page_that_does_not_reach_back_to_the_cursor_proves_nothing() -> None:
    cursor = NOON - timedelta(days=40)

    assert proven_by_hot_page(hot_search(cursor, NOON, 10), page(0, NOON), cursor, RULES) is None


@given(st.integers(301, 100_000), st.integers(-100_000, 100_000))
def test_a_hot_page_proves_nothing_beyond_what_it_was_asked_for(since: int, delay: int) -> None:
    """Between the making of a question and its stamp a host may sleep, or its clock may be set: what lies between the
    question's end and the stamp was never read."""
    cursor = NOON - timedelta(seconds=since)
    query = hot_search(cursor, NOON, 10)

    proven = proven_by_hot_page(query, page(0, NOON + timedelta(seconds=delay)), cursor, RULES)

    assert query.end is not None
    assert proven is None or proven.end <= query.end


def test_the_tail_begins_where_nothing_slips_between_it_and_the_past() -> None:
    """R15: a settle time and the tolerance of the clock ago."""
    assert origin(NOON, RULES) == NOON - timedelta(seconds=420)
    assert origin(NOON, _starting(NOON - timedelta(days=9))) == NOON - timedelta(seconds=420)
    assert origin(NOON, _starting(NOON - timedelta(seconds=60))) == NOON - timedelta(seconds=60)


def _starting(start: datetime) -> PollRules:
    return PollRules(RULES.every, RULES.mirror_every, RULES.settle, RULES.step, RULES.page_size, start)


def test_stale_orders_are_looked_for_where_they_were_last_seen() -> None:
    span = (NOON - timedelta(days=2), NOON - timedelta(days=1))

    query = refresh_search(span, NOON, 3, 10)

    assert (query.start, query.end, query.page_no) == (span[0] - SECOND, span[1] + SECOND, 3)


@pytest.mark.parametrize(("page_no", "rows", "total", "following"), [(0, 10, 25, 1), (2, 5, 25, 0), (1, 0, 25, 0)])
def test_a_round_over_the_work_list_goes_on_to_its_last_page(
    page_no: int, rows: int, total: int, following: int
) -> None:
    assert next_page(page_no, page(rows, NOON, total), 10) == following


# -- what is done --------------------------------------------------------------------------------------------------


async def cursors(daemon: Any) -> dict[str, Cursor]:
    async with daemon.app.store.read() as tx:
        return {cursor.feed: cursor for cursor in await tx.windows.cursors()}


async def test_rows_that_cannot_be_named_are_set_aside_and_the_page_goes_on(sandbox: Sandbox, daemon: Open) -> None:
    sandbox.wdt.put_order({"invoice_order_no": "N" * 41}, expect="hold")
    no = sandbox.wdt.put_order({})

    async with daemon() as d:
        await d.turn("poll", "pending")

        async with d.app.store.read() as tx:
            assert await tx.board.quarantined() == 1
        assert list(await d.orders()) == [no]
        assert (await cursors(d))["pending"].position == NOON - timedelta(seconds=300)


async def test_a_row_nobody_can_decode_is_held_and_its_neighbours_are_issued(sandbox: Sandbox, daemon: Open) -> None:
    row = {"invoice_order_no": "FP9", "status": 45, "invoice_amount": []}
    bad = sandbox.wdt.put_order(row, raw=True, expect="hold")
    good = sandbox.wdt.put_order({})

    async with daemon() as d:
        await d.settle()

        assert (await d.order(bad)).hold is Hold.POISON_ROW
        assert await d.state(good) is State.DONE60
    assert submits(sandbox) == 1


async def test_a_throttled_lane_rests_and_its_cursor_stays(sandbox: Sandbox, daemon: Open, clock: VirtualClock) -> None:
    sandbox.wdt.put_order({})
    async with daemon() as d:
        await d.turn("poll", "pending")
        before = (await cursors(d))["pending"].position
        clock.advance(60)
        calls = len(sandbox.wdt.calls)
        sandbox.wdt.faults.force("search", "rate")

        await d.turn("poll", "pending")
        await d.turn("poll", "mirror")
        await d.turn("poll", "pending")

        async with d.app.store.read() as tx:
            (lane,) = await tx.lanes.all()
        assert (lane.name, lane.state) == ("m001/wdt", "resting")
        assert lane.until is not None
        assert abs(lane.until - clock.now() - timedelta(seconds=300)) < timedelta(milliseconds=1)
        assert len(sandbox.wdt.calls) == calls + 1
        assert (await cursors(d))["pending"].position == before
        clock.advance(301)
        await d.turn("poll", "pending")
        assert (await cursors(d))["pending"].position == clock.now().replace(microsecond=0) - timedelta(seconds=300)


async def test_a_clock_that_wdt_refuses_moves_nothing(sandbox: Sandbox, daemon: Open, clock: VirtualClock) -> None:
    async with daemon() as d:
        await d.turn("poll", "pending")
        before = await cursors(d)
        clock.skew = timedelta(hours=1)
        await d.turn("poll", "pending")

        assert await cursors(d) == before


async def test_a_first_start_with_a_wrong_clock_begins_nothing_at_a_wrong_instant(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    """A cursor that begins in the future never reads what happens until then; a refused call moves nothing (R2)."""
    clock.skew = timedelta(days=1)
    async with daemon(poll={"start": "2026-11-20 12:00:00"}) as d:
        await d.turn("poll", "pending")
        await d.turn("poll", "mirror")
        clock.skew = timedelta()
        clock.advance(600)
        async with d.app.store.begin() as tx:
            await tx.lanes.resume("m001", "wdt")
        await d.turn("poll", "pending")
        await d.turn("poll", "mirror")

        began = {feed: cursor.origin for feed, cursor in (await cursors(d)).items()}
        async with d.app.store.read() as tx:
            (past,) = await tx.windows.open_backfills()
    assert set(began) == {"pending", "mirror"}
    assert max(began.values()) <= clock.now() - timedelta(seconds=300)
    assert (past.start, past.end) == (NOON, began["pending"])


async def test_the_past_is_read_beside_the_tail_until_both_meet(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    old = [sandbox.wdt.put_order({}, modified=clock() - hours * 3600) for hours in (1, 30, 60)]
    async with daemon(poll={"start": "2026-11-17 00:00:00"}) as d:
        await d.settle()

        assert {no: order.state for no, order in (await d.orders()).items()} == dict.fromkeys(old, State.DONE60)
        async with d.app.store.read() as tx:
            assert await tx.windows.gaps() == []
            assert await tx.windows.open_backfills() == []


async def test_reads_of_the_past_let_every_other_call_of_the_credential_go_first(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    sandbox.wdt.put_order({}, modified=clock() - 30 * 3600)
    asked: list[tuple[str, bool]] = []
    async with daemon(poll={"start": "2026-11-17 00:00:00"}) as d:
        client = d.app.parties.wdt["m001"]
        search = client.search

        async def noted(query: Search) -> Page:
            asked.append((feed, query.patient))
            return await search(query)

        vars(client)["search"] = noted
        for feed in ("pending", "mirror", "backfill", "deep"):
            await d.turn("poll", feed)
        clock.advance(timedelta(days=1))
        for feed in ("mirror", "deep"):
            await d.turn("poll", feed)

    assert set(asked) == {("pending", False), ("mirror", False), ("backfill", True), ("deep", True)}


async def test_a_long_past_is_read_in_windows_that_grow_with_how_little_there_is(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    """A year in which nothing waits is not a call for each of its days."""
    async with daemon(poll={"start": "2025-11-20 12:00:00"}) as d:
        await d.turn("poll", "pending")
        before = len(sandbox.wdt.calls)
        for _ in range(3):
            await d.turn("poll", "backfill")

        assert len(sandbox.wdt.calls) - before <= 18
        async with d.app.store.read() as tx:
            assert await tx.windows.open_backfills() == []
            assert await tx.windows.gaps() == []


async def test_more_rows_than_a_page_are_all_read(sandbox: Sandbox, daemon: Open, clock: VirtualClock) -> None:
    numbers = {sandbox.wdt.put_order({}, modified=clock() - 2000 + at) for at in range(25)}
    async with daemon(poll={"page_size": 10}) as d:
        for feed in ("pending", "backfill"):
            await d.turn("poll", feed)

        assert set(await d.orders()) == numbers


class Late(Ahead[T]):
    """Gives nothing before everything is there that it makes ahead."""

    async def next(self) -> list[T]:
        while not (self._made[-1].done() and (self._is_over or len(self._made) == AHEAD)):
            await asyncio.wait({self._made[-1]})
        return await super().next()


async def test_pages_that_are_stored_together_prove_nothing_after_one_that_was_overtaken(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    """R11. The second page would complete the window; the first one shows an order as it was before."""
    async with daemon(poll={"page_size": 10}) as d:
        await d.turn("poll", "pending")
        before = (await cursors(d))["pending"].position
        numbers = [sandbox.wdt.put_order({}, modified=clock() + at) for at in range(15)]
        clock.advance(1200)
        later = Row(OrderNo(numbers[0]), 45, "", False, "", "", None, None, b"{}", b"later")
        async with d.app.store.begin() as tx:
            await tx.sightings.keep(MerchantName("m001"), "demo_sid", [later], Seen(10**6, tx.now))

        with patch.object(reading, "Ahead", Late):
            await d.turn("poll", "pending")

        assert set(await d.orders()) < set(numbers)
        assert (await cursors(d))["pending"].position == before


async def test_a_window_whose_second_page_never_comes_is_read_again_from_its_first(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    """F68. What came of it is kept, and its cursor stays where it was."""

    async def no_wait(_seconds: float) -> None: ...

    async with daemon(poll={"page_size": 10}) as d:
        d.app.parties.wdt["m001"]._sleep = no_wait
        await d.turn("poll", "pending")
        before = (await cursors(d))["pending"].position
        numbers = {sandbox.wdt.put_order({}, modified=clock() + at) for at in range(25)}
        clock.advance(1200)
        sandbox.wdt.faults.force("search", "lost_before", times=3, skip=2)
        await d.turn("poll", "pending")
        kept = set(await d.orders())
        assert (await cursors(d))["pending"].position == before

        clock.advance(60)
        await d.turn("poll", "pending")

        assert kept < set(await d.orders()) == numbers
        assert (await cursors(d))["pending"].position > before


async def test_what_waited_too_long_is_read_again_before_it_is_sent(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    """An order cancelled in the meantime is never sent, and the others are seen at 45 just before."""
    numbers = [sandbox.wdt.put_order({}) for _ in range(5)]
    async with daemon() as d:
        await d.turn("poll", "pending")
        clock.advance(600)
        sandbox.wdt.cancel(numbers[2])
        await d.turn("push")
        assert submits(sandbox) == 0

        await d.turn("poll", "refresh")
        await d.turn("push")
        await d.settle()

        assert submits(sandbox) == 4
        assert await d.state(numbers[2]) is State.CANCELLED
        for call in sandbox.nuonuo.calls.of("requestBillingNew"):
            seen = max(read.at for read in sandbox.wdt.calls.of(SEARCH) if read.at <= call.at)
            assert call.at - seen <= 120


async def test_an_order_wdt_will_not_show_by_its_number_keeps_no_other_from_being_read(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = [sandbox.wdt.put_order({}) for _ in range(3)]
    async with daemon() as d:
        await d.turn("poll", "pending")
        clock.advance(600)
        erp = d.app.stages["poll"]._merchants["m001"].erp  # type: ignore[attr-defined]
        search, asked = erp.search, []

        async def first_refused(query: Search) -> Page:
            asked.append(query.order_no)
            if query.order_no == numbers[0]:
                raise Permanent(Verdict(Care.REFUSED, "wdt", "200", "no"))
            return await search(query)  # type: ignore[no-any-return]

        monkeypatch.setattr(erp, "search", first_refused)
        await d.turn("poll", "refresh")
        seen = {no: (await d.order(no)).seen_at for no in numbers}

    assert asked == numbers
    just_now = clock.now() - SECOND
    assert [seen[no] > just_now for no in numbers] == [False, True, True]
