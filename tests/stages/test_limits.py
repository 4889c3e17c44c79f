"""A host that runs out of something: memory, file descriptors, time."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import NoReturn

import pytest
from daemon_parts import VirtualClock
from stage_parts import Open, submits

from syncd import faultpoint
from syncd.domain.lifecycle import State
from syncd.sandbox import Sandbox
from syncd.wire.wdt import client


async def test_a_page_that_does_not_fit_into_memory_leaves_no_half_of_it(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F12. The page is dropped as a whole and read again."""
    no = sandbox.wdt.put_order({})

    def exhausted(*_: object) -> NoReturn:
        raise MemoryError

    async with daemon() as d:
        monkeypatch.setattr(client, "decode_page", exhausted)
        with pytest.raises(MemoryError):
            await d.turn("poll", "pending")
        assert await d.orders() == {}
        monkeypatch.undo()

        clock.advance(120)
        await d.comes_to(no, State.DONE60)


@contextmanager
def no_more_descriptors() -> Iterator[None]:
    """Not one file or socket more can be opened inside."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken: list[int] = []
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    try:
        try:
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        except OSError:
            yield
    finally:
        for fd in taken:
            os.close(fd)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def test_without_file_descriptors_nothing_is_sent_and_nothing_crashes(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    """F13. A connection that cannot be opened sent nothing; when there are descriptors again, the work goes on."""
    no = sandbox.wdt.put_order({})
    async with daemon(issuer={"settle": "30s"}) as d:
        await d.turn("poll", "pending")
        with no_more_descriptors():
            await d.turn("push")
        assert submits(sandbox) == 0
        assert (await d.order(no)).state is State.INTENT

        await d.comes_to(no, State.DONE60, within=timedelta(hours=1))

    assert len(sandbox.nuonuo.ledger) == 1


async def test_a_process_that_slept_through_half_of_its_lease_sends_nothing_any_more(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    """F14. Blocked between the intent and the call; the intent is asked about before anything is sent."""
    no = sandbox.wdt.put_order({})

    def block(point: str) -> None:
        if point == "push.intended.after" and clock.world.second == 0:
            clock.advance(31)

    async with daemon() as d:
        await d.turn("poll", "pending")
        with faultpoint.armed(block):
            await d.turn("push")
        assert submits(sandbox) == 0

        await d.comes_to(no, State.DONE60, within=timedelta(hours=1))

    assert submits(sandbox) == 1


async def test_after_eight_hours_asleep_there_is_one_turn_at_each_unit_and_not_a_thousand(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    """F108. A suspended host wakes: whatever is due is due once."""
    async with daemon() as d:
        await d.settle()
        clock.advance(timedelta(hours=8))
        sandbox.wdt.calls.clear()
        await d.pass_by(1)

    assert len(sandbox.wdt.calls) <= 12


async def test_a_year_later_leases_and_waits_still_have_their_milliseconds(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    """F109. 3·10⁷ seconds on the monotonic clock round nothing away."""
    async with daemon(poll={"step": "29d"}) as d:
        for _ in range(4):
            clock.advance(timedelta(days=100))
            no = sandbox.wdt.put_order({})
            await d.comes_to(no, State.DONE60)

    assert clock.monotonic() > 3e7
    assert len(sandbox.nuonuo.ledger) == 4
