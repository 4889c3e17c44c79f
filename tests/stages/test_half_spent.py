"""No outside write begins once half of the lease is spent, though the store knows already that it was about to.

A process that stood still between the commit and the call may have been overtaken by the time it goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from centre_parts import UPDATE as TOLD
from centre_parts import UPLOAD as RETURNED
from centre_parts import alibaba, applied, calls, comes_to, ends, linked
from daemon_parts import Daemon, VirtualClock
from stage_parts import UPDATE, Open

from syncd import faultpoint
from syncd.domain.application import Standing
from syncd.domain.lifecycle import State
from syncd.domain.wallet import CardRef
from syncd.sandbox import Sandbox
from syncd.stages.wallet.keeping import keep_cards

#: More than half of a lease, in seconds.
STILL = 31


@contextmanager
def standing_still_after(fact: str, clock: VirtualClock, wrote: Callable[[], int]) -> Iterator[list[int]]:
    """The first three times, the process stands still after that commit; how much each of these turns wrote then."""
    before: list[int] = []
    after: list[int] = []

    def strike(point: str) -> None:
        if point == f"{fact}.after" and len(before) == len(after) < 3:
            before.append(wrote())
            clock.advance(STILL)
        elif point == "unit.finished.before" and len(before) > len(after):
            after.append(wrote() - before[-1])

    with faultpoint.armed(strike):
        yield after


async def test_wdt_is_told_by_a_later_turn(sandbox: Sandbox, daemon: Open, clock: VirtualClock) -> None:
    """F14."""
    no = sandbox.wdt.put_order({})

    def wrote() -> int:
        return len(sandbox.wdt.calls.of(UPDATE))

    async with daemon() as d:
        with standing_still_after("write_back.said", clock, wrote) as late:
            await d.comes_to(no, State.DONE60)

    assert late == [0, 0, 0]
    assert wrote() == 1


async def test_an_unsealed_invoice_is_revived_by_a_later_turn(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    """F14."""
    no = sandbox.wdt.put_order({})
    sandbox.nuonuo.script(lambda order: True, "seal_fail", times=1)

    def wrote() -> int:
        return len(sandbox.nuonuo.calls.of("reInvoice"))

    async with daemon() as d:
        await d.turn("poll", "pending")
        await d.turn("push")
        clock.advance(STILL)
        with standing_still_after("collect.settled", clock, wrote) as late:
            await d.comes_to(no, State.DONE60)

    assert late == [0, 0, 0]
    assert wrote() == 1


@pytest.mark.parametrize(("fact", "call", "times"), [("decided", TOLD, 2), ("returning", RETURNED, 1)])
async def test_the_centre_is_told_and_given_by_a_later_turn(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock, fact: str, call: str, times: int
) -> None:
    """F14."""
    no = sandbox.wdt.put_order({})
    applied(sandbox, "A1", no)

    def wrote() -> int:
        return calls(sandbox).count(call)

    async with daemon(alibaba=alibaba(sandbox)) as d:
        await d.turn("poll", "pending")
        await linked(d, "A1", no)
        await d.comes_to(no, State.ISSUED)
        with standing_still_after(f"alibaba.{fact}", clock, wrote) as late:
            await ends(d, "A1")

    assert late == [0, 0, 0]
    assert wrote() == times
    assert sandbox.top.uploads_double() == 0


async def test_messages_are_taken_off_the_queue_by_a_later_turn(
    sandbox: Sandbox, daemon: Open, clock: VirtualClock
) -> None:
    """F14."""
    sandbox.top.put_application("A1", tid="T1", announce="Apply")

    def wrote() -> int:
        return sum(message.confirmed for message in sandbox.top.messages)

    async with daemon(alibaba=alibaba(sandbox, tmc=True)) as d:
        with standing_still_after("applications.noted", clock, wrote) as late:
            await comes_to(d, "A1", Standing.WAITING)
            await d.pass_by(300)

    assert late == [0, 0, 0]
    assert wrote() == 1


async def test_a_card_is_cancelled_by_a_later_turn(sandbox: Sandbox, daemon: Open, clock: VirtualClock) -> None:
    """F14."""
    sandbox.wdt.put_order({})
    yuannian = {**sandbox.describe()["yuannian"], "timeout": "2s"}

    def wrote() -> int:
        return len(sandbox.yuannian.calls.of("status.update"))

    async with daemon(yuannian=yuannian) as d:
        await d.turn("poll", "pending")
        await owe_a_cancel(d, sandbox)
        with standing_still_after("wallet.said", clock, wrote) as late:
            await d.until(lambda: nothing_owed(d))

    assert late == [0, 0, 0]
    assert wrote() == 1


async def owe_a_cancel(d: Daemon, sandbox: Sandbox) -> None:
    """A card of the mirror is owed its CANCEL, as the issue of a red invoice does it."""
    card = sandbox.yuannian.put_card("26332000000000000001", openid="o1")
    merchant = d.app.parties.merchants[0]
    assert merchant.wallet is not None
    assert merchant.wallet_rules is not None
    found = await merchant.wallet.import_cards([CardRef(card.card_id, card.encrypt_code)], "")
    async with d.app.store.begin() as tx:
        codes = {card.card_id: card.encrypt_code}
        await keep_cards(tx, merchant.sid, "m001", merchant.wallet_rules.seal, found, codes=codes)
        (order,) = await tx.board.orders()
        kept = await tx.cards.of_invoice("m001", card.number, card.code)
        assert kept is not None
        assert await tx.cancels.owe(order.id, order.merchant, kept.id)
        await tx.units.wake("wallet", "m001")


async def nothing_owed(d: Daemon) -> bool:
    async with d.app.store.read() as tx:
        return (await tx.board.debts()).get("wallet", 0) == 0
