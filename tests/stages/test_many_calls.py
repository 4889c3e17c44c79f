"""Several calls' worth of write-backs are said in one transaction, and one of the calls may go wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from daemon_parts import VirtualClock
from stage_parts import UPDATE, Open

from syncd import faultpoint
from syncd.domain.lifecycle import State
from syncd.domain.order import MerchantName
from syncd.sandbox import Sandbox


@contextmanager
def second_call(sandbox: Sandbox, fault: str) -> Iterator[None]:
    """The second call of the turn goes wrong like this."""
    calls = 0

    def strike(point: str) -> None:
        nonlocal calls
        calls += point == "wdt.update.before"
        if calls == 2 and point == "wdt.update.before":
            sandbox.wdt.faults.force("updateInvoice", fault)

    with faultpoint.armed(strike):
        yield


@pytest.mark.parametrize(
    ("fault", "made"),
    [
        ("rate", 2),  # the lane rests: the others are owed as before
        ("lost_before", 5),  # one that nobody answered says nothing of the others
        ("lost_after", 5),
    ],
)
async def test_each_is_written_once_whatever_became_of_the_second_call(
    sandbox: Sandbox, daemon: Open, fault: str, made: int
) -> None:
    numbers = [sandbox.wdt.put_order({}) for _ in range(5)]
    async with daemon(write_back={"batch": 1}) as d:
        await d.comes_to(numbers[-1], State.ISSUED)
        with second_call(sandbox, fault):
            await d.turn("write_back")
        in_this_turn = len(sandbox.wdt.calls.of(UPDATE))
        await d.settle(within=timedelta(hours=1))

        assert in_this_turn == made
        assert {await d.state(no) for no in numbers} == {State.DONE60}
    assert [len(sandbox.wdt.document(no).written) for no in numbers] == [1, 1, 1, 1, 1]


async def test_what_was_said_is_not_called_for_once_the_daemon_is_to_stop(sandbox: Sandbox, daemon: Open) -> None:
    numbers = [sandbox.wdt.put_order({}) for _ in range(3)]
    async with daemon(write_back={"batch": 1}) as d:
        await d.comes_to(numbers[-1], State.ISSUED)

        def strike(point: str) -> None:
            if point == "wdt.update.after":
                d.app.brake.pull()

        with faultpoint.armed(strike):
            await d.turn("write_back")
        async with d.app.store.read() as tx:
            owed = await tx.debts.due(d.app.parties.merchants[0].name, "owed", 10)

    assert len(sandbox.wdt.calls.of(UPDATE)) == 1
    assert len(owed) == 2


async def test_what_does_not_fill_a_call_goes_with_what_is_owed_by_then(sandbox: Sandbox, daemon: Open) -> None:
    numbers = [sandbox.wdt.put_order({}) for _ in range(5)]
    async with daemon(write_back={"batch": 2}) as d:
        await d.comes_to(numbers[-1], State.ISSUED)
        await d.turn("write_back")

    assert len(sandbox.wdt.calls.of(UPDATE)) == 3


async def test_one_that_was_doubted_in_company_does_not_make_the_calls_of_those_before_it_smaller(
    sandbox: Sandbox, daemon: Open
) -> None:
    numbers = [sandbox.wdt.put_order({}) for _ in range(5)]
    async with daemon() as d:
        await d.comes_to(numbers[-1], State.ISSUED)
        doubted = await d.order(numbers[-1])
        async with d.app.store.begin() as tx:
            (debt,) = [one for one in await tx.debts.due(MerchantName("m001"), "owed", 9) if one.order_id == doubted.id]
            await tx.debts.mark_sent([debt.id], tx.now)
            await tx.debts.owe_again([debt.id], tx.now)
            await tx.journal.add("write_back.doubted", order_id=doubted.id, merchant="m001", documents=2, text="?")
        await d.turn("write_back")

    assert len(sandbox.wdt.calls.of(UPDATE)) == 2
    assert [len(sandbox.wdt.document(no).written) for no in numbers] == [1, 1, 1, 1, 1]


async def test_what_was_sent_is_looked_at_however_long_the_other_calls_take(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    """Each turn ends in the middle of what it has said, because half of its lease is spent by then."""
    numbers = [sandbox.wdt.put_order({}) for _ in range(9)]
    async with daemon(write_back={"batch": 1}) as d:
        await d.comes_to(numbers[-1], State.ISSUED)

        def strike(point: str) -> None:
            if point == "wdt.update.before":
                clock.advance(8)

        with faultpoint.armed(strike):
            await d.turn("write_back")
            await d.turn("write_back")
        written = len(sandbox.wdt.calls.of(UPDATE))
        done = sum(order.state is State.DONE60 for order in (await d.orders()).values())

    assert written == 8
    assert done > 0
