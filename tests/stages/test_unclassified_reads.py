"""A read that WDT refuses in words nobody has classified: counted, shown, and nothing else."""

from __future__ import annotations

from stage_parts import Open

from syncd.domain.lifecycle import State
from syncd.sandbox import Sandbox


async def test_an_unclassified_answer_to_a_read_is_counted_and_the_reading_goes_on(
    sandbox: Sandbox, daemon: Open
) -> None:
    """F79. The cursor stays, no order fails, and what was said is still known after a restart."""
    no = sandbox.wdt.put_order({})
    sandbox.wdt.faults.force("search", "status_100", times=2)
    async with daemon() as d:
        await d.turn("poll", "pending")
        async with d.app.store.read() as tx:
            (one,) = await tx.unclassified.all()
            assert await tx.windows.cursors() == []

    assert (one.platform, one.code, one.count) == ("wdt", "100", 1)

    async with daemon() as again:
        await again.turn("poll", "pending")
        await again.comes_to(no, State.DONE60)
        async with again.app.store.read() as tx:
            assert [(seen.text, seen.count) for seen in await tx.unclassified.all()] == [(one.text, 2)]
    assert len(sandbox.nuonuo.ledger) == 1


async def test_a_read_that_is_refused_in_known_words_is_not_counted(sandbox: Sandbox, daemon: Open) -> None:
    sandbox.wdt.faults.force("search", "rate")
    async with daemon() as d:
        await d.turn("poll", "pending")
        async with d.app.store.read() as tx:
            assert await tx.unclassified.all() == []
