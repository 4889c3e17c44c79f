"""A merchant is being renamed: for a while two workers call the same tenant differently, and hold different locks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from store_parts import SID, row, the, wanted

from syncd.domain.clock import SystemClock
from syncd.domain.lifecycle import Event, Phase, State
from syncd.domain.order import MerchantName
from syncd.store import script
from syncd.store.instants import to_ms
from syncd.store.sightings import Seen
from syncd.store.store import Store, StoreUnavailable
from syncd.store.units import LEASE, Claim

OLD, NEW = MerchantName("old"), MerchantName("new")


@pytest.fixture
async def workers(emptied: str) -> AsyncIterator[tuple[Store, Store]]:
    async with AsyncExitStack() as stack:
        clock = SystemClock()
        old, new = [await stack.enter_async_context(Store.at(emptied, clock)) for _ in range(2)]
        async with new.begin() as tx:
            await tx.units.ensure_all([("push", NEW), ("poll", f"{OLD}/pending")])
            await tx.sightings.keep(NEW, SID, [row("FP1")], Seen(1, tx.now))
        yield old, new


async def claimed(store: Store, stage: str, key: str) -> Claim:
    async with store.begin(lone=True) as tx:
        granted = await tx.units.claim(stage, key, LEASE)
    assert granted is not None
    return granted


@pytest.mark.parametrize("before", [State.PENDING, State.INTENT])
async def test_what_was_seen_never_undoes_what_was_sent_meanwhile(
    workers: tuple[Store, Store], before: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row is read, the order goes out under the new name, and only then what the row means is written."""
    old, new = workers
    if before is State.INTENT:
        async with new.begin() as tx:
            order = await the(tx, "FP1")
            await tx.submissions.intend(order.id, wanted(), 1)
            await tx.orders.move(order, Event.INTENDED, phase=Phase.READY)
    pushes, polls = await claimed(new, "push", NEW), await claimed(old, "poll", f"{OLD}/pending")
    is_read, is_sent = asyncio.Event(), asyncio.Event()

    usual = script.done

    async def done(cursor: Any, step: script.Step) -> Any:
        found = await usual(cursor, step)
        if not is_read.is_set():
            is_read.set()
            await is_sent.wait()
        return found

    async def seen() -> None:
        async with old.begin(polls) as tx:
            monkeypatch.setattr(script, "done", done)
            await tx.sightings.keep(OLD, SID, [row("FP1", version=2)], Seen(2, tx.now))

    async with asyncio.TaskGroup() as group:
        late = group.create_task(expected_refusal(seen()))
        await is_read.wait()
        async with new.begin(pushes) as tx:
            order = await the(tx, "FP1")
            if before is State.PENDING:
                await tx.submissions.intend(order.id, wanted(), pushes.epoch)
                await tx.orders.move(order, Event.INTENDED, phase=Phase.SENT, sent_at=to_ms(tx.now))
            else:
                await tx.orders.wait(order, phase=Phase.SENT, sent_at=to_ms(tx.now))
        is_sent.set()

    assert late.result()
    async with new.read() as tx:
        order = await the(tx, "FP1")
    assert (order.state, order.phase) == (State.INTENT, Phase.SENT)


async def expected_refusal(late: Any) -> bool:
    try:
        await late
    except StoreUnavailable:
        return True
    return False
