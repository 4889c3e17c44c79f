"""A question nobody answered is asked again within seconds, however long its order has waited; and ever less often."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Literal

import pytest
from daemon_parts import Daemon, VirtualClock
from stage_parts import ASK, Open

from syncd.domain.lifecycle import State
from syncd.domain.retry import ASK_AFTER
from syncd.sandbox import Sandbox

SOON = timedelta(seconds=ASK_AFTER[0])


@asynccontextmanager
async def long_asked_about(
    sandbox: Sandbox, daemon: Open, ends: Literal["issue", "fail"]
) -> AsyncIterator[tuple[Daemon, str]]:
    """An order that is asked about every five minutes or less often, and ends while nobody looks."""
    sandbox.nuonuo.issue_delay = (300.0, 300.0)
    no = sandbox.wdt.put_order({})
    if ends != "issue":
        sandbox.nuonuo.script(lambda order: True, ends, times=1)
    async with daemon() as d:
        await d.comes_to(no, State.INTENT)

        async def seldom() -> bool:
            return bool((await d.order(no)).tries > ASK_AFTER.index(300.0))

        await d.until(seldom, timedelta(minutes=5))
        yield d, no


def asked(sandbox: Sandbox) -> int:
    return len(sandbox.nuonuo.calls.of(ASK))


@pytest.mark.parametrize(("skip", "ends", "state"), [(1, "fail", State.DONE85), (0, "issue", State.DONE60)])
async def test_one_lost_answer_costs_an_order_seconds_and_not_its_whole_pause(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock, skip: int, ends: Literal["issue", "fail"], state: State
) -> None:
    """Lost is the answer about the order's own key, or, where that is listed as failed, about the keys after it."""
    async with long_asked_about(sandbox, daemon, ends) as (d, no):
        before, due = asked(sandbox), (await d.order(no)).next_at
        sandbox.nuonuo.faults.force(ASK, "lost_before", skip=skip)
        clock.advance((due - clock.now()).total_seconds())

        await d.turn("collect")
        lost, lost_at, calls = await d.order(no), clock.now(), asked(sandbox) - before
        ended = await d.comes_to(no, state, timedelta(minutes=1))

    assert (lost.state, lost.unheard, calls) == (State.INTENT, 1, skip + 1)
    assert lost.next_at - lost_at <= SOON
    assert ended.unheard == 0
    assert len(sandbox.nuonuo.ledger) == (ends == "issue")


async def test_an_order_about_which_nobody_ever_answers_is_asked_about_ever_less_often(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    """Of its own key the issuer speaks, so its lane is well; of the later ones never."""
    async with long_asked_about(sandbox, daemon, "fail") as (d, no):
        pauses = []
        for _ in range(len(ASK_AFTER)):
            clock.advance(((await d.order(no)).next_at - clock.now()).total_seconds())
            sandbox.nuonuo.faults.force(ASK, "lost_before", skip=1)
            await d.turn("collect")
            pauses.append(((await d.order(no)).next_at - clock.now()).total_seconds())

    assert [round(pause) for pause in pauses] == [round(seconds) for seconds in ASK_AFTER]


async def test_an_issuer_that_is_down_is_asked_no_more_for_it(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    """The lane rests after a few silences, and one call an interval tries it, whatever waits behind it."""
    async with long_asked_about(sandbox, daemon, "issue") as (d, no):
        for _ in range(20):
            sandbox.wdt.put_order({})
        await d.pass_by(timedelta(minutes=2))
        before = asked(sandbox)
        sandbox.nuonuo.faults.force("*", "lost_before", times=10_000)

        await d.pass_by(timedelta(minutes=30))
        in_outage = asked(sandbox) - before
        sandbox.nuonuo.faults.forced.clear()
        await d.comes_to(no, State.DONE60, timedelta(minutes=15))

    assert in_outage <= 15
