"""Pages that are too large to be taken in: asked for in smaller pieces, and never given up."""

from __future__ import annotations

from datetime import timedelta

from daemon_parts import VirtualClock
from stage_parts import Open

from syncd.domain.lifecycle import State
from syncd.sandbox import Sandbox


async def test_a_second_whose_page_is_too_large_is_read_in_smaller_pages(
    clock: VirtualClock, daemon: Open, sandbox: Sandbox
) -> None:
    """One second cannot be split in time; a page of it can be made smaller."""
    second = clock() - 3600
    numbers = [sandbox.wdt.put_order({}, modified=second) for _ in range(8)]

    async with daemon(poll={"page_size": 8}) as d:
        for connection in d.app.parties.connections:
            connection._max_body = 6_000
        await d.settle(timedelta(hours=2))
        orders = await d.orders()

    assert {orders[no].state for no in numbers} == {State.DONE60}
    assert {call.params.get("page_size") for call in sandbox.wdt.calls.recent} >= {"8", "4"}
