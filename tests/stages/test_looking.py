"""Looks for what was sent to WDT: one for all that it can show, over no more time than that may have taken."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import cast

import pytest
from daemon_parts import Daemon, VirtualClock
from stage_parts import SEARCH, Open

from syncd.domain.lifecycle import State
from syncd.domain.order import MerchantName, OrderNo
from syncd.sandbox import Sandbox
from syncd.stages.write_back import looking
from syncd.stages.write_back.errand import Errand
from syncd.stages.write_back.plan import WriteBackRules
from syncd.store.debts import Sought
from syncd.store.orders import OrderId


async def issued(sandbox: Sandbox, d: Daemon, count: int) -> list[str]:
    """So many orders of which WDT is owed the number."""
    numbers = [sandbox.wdt.put_order({}) for _ in range(count)]
    for no in numbers:
        await d.comes_to(no, State.ISSUED)
    return numbers


async def next_at(d: Daemon) -> datetime:
    async with d.app.store.read() as tx:
        (unit,) = [one for one in await tx.units.all() if one.stage == "write_back"]
    assert unit.next_at is not None
    return unit.next_at


async def test_a_look_waits_for_what_was_sent_a_moment_ago(sandbox: Sandbox, daemon: Open, clock: VirtualClock) -> None:
    async with daemon() as d:
        first, second = await issued(sandbox, d, 2)
        later = await d.order(second)
        async with d.app.store.begin() as tx:
            await tx.debts.postpone_of(later.id, tx.now + timedelta(seconds=1.5))
        began = clock.now()
        await d.turn("write_back")
        clock.advance(1.5)
        await d.turn("write_back")
        clock.advance(0.6)
        before = len(sandbox.wdt.calls.of(SEARCH))
        await d.turn("write_back")  # the first could be seen by now

        assert len(sandbox.wdt.calls.of(SEARCH)) == before
        assert await next_at(d) >= began + timedelta(seconds=3.5)
        clock.advance(1.5)
        await d.turn("write_back")
        assert len(sandbox.wdt.calls.of(SEARCH)) == before + 1
        assert {await d.state(first), await d.state(second)} == {State.DONE60}


async def test_a_look_does_not_wait_for_ever(sandbox: Sandbox, daemon: Open, clock: VirtualClock) -> None:
    async with daemon() as d:
        first, *others = await issued(sandbox, d, 9)
        async with d.app.store.begin() as tx:
            for seconds, no in enumerate(others, start=1):
                order = (await tx.orders.by_no(no))[0]
                await tx.debts.postpone_of(order.id, tx.now + timedelta(seconds=1.5 * seconds))
        for _ in range(9):
            await d.turn("write_back")
            clock.advance(1.5)

        assert await d.state(first) is State.DONE60
        assert await d.state(others[-1]) is State.ISSUED


@pytest.mark.parametrize(("count", "pages"), [(4, 2), (5, 3)])
async def test_every_page_is_read_that_shows_what_was_sent_and_none_beyond(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch, count: int, pages: int
) -> None:
    monkeypatch.setattr(looking, "PAGE_SIZE", 2)
    async with daemon() as d:
        numbers = await issued(sandbox, d, count)
        await d.turn("write_back")
        clock.advance(2.1)
        before = len(sandbox.wdt.calls.of(SEARCH))
        await d.turn("write_back")

        assert len(sandbox.wdt.calls.of(SEARCH)) == before + pages
        assert {await d.state(no) for no in numbers} == {State.DONE60}


async def test_a_look_begins_where_the_first_of_it_was_owed(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    """Nothing was applied before it was owed; what waited for its call is looked for from a little before that."""
    async with daemon() as d:
        (no,) = await issued(sandbox, d, 1)
        async with d.app.store.read() as tx:
            (debt,) = await tx.debts.due(MerchantName("m001"), "owed", 9)
        await d.turn("write_back")
        clock.advance(2.1)
        await d.turn("write_back")

        assert await d.state(no) is State.DONE60
    asked = json.loads(sandbox.wdt.calls.of(SEARCH)[-1].body)[0]["start_time"]
    start = datetime.strptime(asked + " +0800", "%Y-%m-%d %H:%M:%S %z")
    assert debt.owed_at - timedelta(seconds=3) < start <= debt.owed_at


@pytest.mark.parametrize("over_by", [-10, 10])
def test_a_row_that_was_seen_too_early_to_tell_is_looked_at_again_as_soon_as_it_tells(over_by: int) -> None:
    """Also where that instant passed while others were looked at: the long waits are for what was looked at in vain."""
    rules = WriteBackRules(every=timedelta(seconds=2), batch=20)
    errand = SimpleNamespace(store=None, merchant=None, claim=None, rules=rules, brake=None, take=None)
    sent = datetime(2026, 11, 21, tzinfo=UTC)
    tells_from = sent + rules.shows_within
    sought = Sought(
        1, OrderId(1), OrderNo("A1"), looks=7, owed_at=sent, sent_at=sent, seen_at=sent + rules.shows_within / 2
    )

    due = looking.Looking(cast("Errand", errand))._next_look(sought, tells_from + timedelta(seconds=over_by))

    assert due == max(tells_from, tells_from + timedelta(seconds=over_by)) + rules.look_after
