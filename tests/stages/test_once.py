"""When `run --once` is done: what comes due in hours is left to another run, and nothing else is."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from centre_parts import alibaba, applied, linked
from daemon_parts import Daemon, VirtualClock
from stage_parts import Open

from syncd.domain.lifecycle import Phase, State
from syncd.sandbox import Sandbox
from syncd.settled import SOON
from syncd.store.applications import FOR_A_FILE
from syncd.store.instants import to_ms

HOURS = timedelta(hours=5)


async def owed(d: Daemon, sandbox: Sandbox) -> str:
    """An order that is finished at WDT, whose application has yet to be told."""
    no = sandbox.wdt.put_order({})
    applied(sandbox, "A1", no)
    await d.comes_to(no, State.DONE60)
    await linked(d, "A1", no)
    return no


async def put_off(d: Daemon, span: timedelta, answer: str = "") -> None:
    async with d.app.store.begin() as tx:
        (seen,) = await tx.applications.find("A1")
        await tx.applications.wait(seen, next_at=to_ms(tx.now + span), answer=answer)


async def test_an_application_due_in_hours_is_left_to_another_run(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    async with daemon(alibaba=alibaba(sandbox)) as d:
        await owed(d, sandbox)
        await put_off(d, HOURS)
        strict, once = await d.app.settled(), await d.app.settled(soon=SOON)
        await put_off(d, timedelta(seconds=50))
        near = await d.app.settled(soon=SOON)

        assert not strict.done
        assert (once.done, once.later, once.unsettled, once.needs_a_person) == (True, 1, 1, False)
        assert once.next_at == clock.now() + HOURS
        assert not near.done


async def test_an_application_that_waits_for_a_file_about_to_come_is_waited_for(sandbox: Sandbox, daemon: Open) -> None:
    async with daemon(alibaba=alibaba(sandbox)) as d:
        await owed(d, sandbox)
        await put_off(d, HOURS, FOR_A_FILE)
        fetching = await d.app.settled(soon=SOON)
        await d.turn("files")
        await put_off(d, HOURS, FOR_A_FILE)
        fetched = await d.app.settled(soon=SOON)

        assert not fetching.done
        assert fetched.done


async def test_a_ban_of_hours_is_not_sat_out(sandbox: Sandbox, daemon: Open) -> None:
    """Not while the lane rests, and not after somebody resumed it: the ban stands all the same."""
    async with daemon(alibaba=alibaba(sandbox)) as d:
        await owed(d, sandbox)
        sandbox.top.ban("app", 31_062)
        await d.turn("alibaba")
        resting, strict = await d.app.settled(soon=SOON), await d.app.settled()
        async with d.app.store.begin() as tx:
            assert await tx.lanes.resume("m001", "top")
        await d.turn("alibaba")
        resumed = await d.app.settled(soon=SOON)

        assert not strict.done
        assert (resting.done, resting.later) == (True, 1)
        assert (resumed.done, resumed.later) == (True, 1)
        assert resumed.next_at is not None
        assert (resumed.next_at - d.clock.now()).total_seconds() > 30_000


async def test_a_red_form_that_waits_for_the_buyer_is_left_to_another_run(sandbox: Sandbox, daemon: Open) -> None:
    sandbox.nuonuo.switches.red_path = "02"
    async with daemon() as d:
        blue = sandbox.wdt.put_order({})
        await d.comes_to(blue, State.DONE60)
        red = sandbox.wdt.put_red_of(blue)

        async def waits_long() -> bool:
            known = (await d.orders()).get(red)
            return known is not None and known.phase is Phase.WAITING_BUYER and known.tries > 5

        await d.until(waits_long)
        strict, once = await d.app.settled(), await d.app.settled(soon=SOON)

    assert not strict.done
    assert (once.done, once.later) == (True, 1)


@pytest.mark.parametrize(
    ("state", "phase"), [(State.INTENT, Phase.UNKNOWN), (State.INTENT, Phase.ISSUING), (State.PENDING, Phase.NONE)]
)
async def test_a_blue_order_is_waited_for_whenever_it_comes_due(
    sandbox: Sandbox, daemon: Open, state: State, phase: Phase
) -> None:
    no = sandbox.wdt.put_order({})
    async with daemon() as d:
        await d.turn("poll", "pending")
        if state is State.INTENT:
            await d.turn("push")
        async with d.app.store.begin() as tx:
            (order,) = await tx.orders.by_no(no)
            await tx.orders.wait(order, phase=phase, next_at=to_ms(tx.now + HOURS))
        once = await d.app.settled(soon=SOON)

    assert order.state is state
    assert (once.done, once.later) == (False, 0)


async def test_what_was_due_at_the_beginning_has_had_its_turn(sandbox: Sandbox, daemon: Open) -> None:
    """Before nothing is left to do, what came meanwhile has been read."""
    async with daemon() as d:
        await d.settle()
        sandbox.wdt.put_order({})
        d.clock.advance(120.0)
        began_at = d.clock.now()
        unread = await d.app.settled(soon=SOON, began_at=began_at)
        await d.pass_by(1.0)
        await d.until(lambda: _done(d, began_at))

        assert not unread.done
        assert [order.state for order in (await d.orders()).values()] == [State.DONE60]


async def _done(d: Daemon, began_at: datetime) -> bool:
    settled = await d.app.settled(soon=SOON, began_at=began_at)
    return bool(settled.done)


async def test_orders_behind_a_pause_that_ends_by_itself_are_left_to_another_run(
    sandbox: Sandbox, daemon: Open
) -> None:
    """Nobody is needed for it; for a pause without an end somebody is."""
    sandbox.wdt.put_order({})
    async with daemon() as d:
        await d.turn("poll", "pending")
        async with d.app.store.begin() as tx:
            await tx.lanes.pause("m001", "main", "stock-taking", tx.now + HOURS)
        await d.pass_by(1.0)
        timed = await d.app.settled(soon=SOON)
        async with d.app.store.begin() as tx:
            await tx.lanes.pause("m001", "main", "stock-taking", None)
        endless = await d.app.settled(soon=SOON)

    assert (timed.done, timed.later, timed.needs_a_person) == (True, 1, False)
    assert timed.next_at is not None
    assert HOURS - timedelta(minutes=1) < timed.next_at - d.clock.now() <= HOURS
    assert (endless.done, endless.stuck, endless.needs_a_person) == (True, ("m001/main",), True)
