"""Reading windows of WDT: pages asked for and stored one by one, the earliest part first.

The next page is on its way while this one is stored: what to ask next follows from the page, not from the store. Rows
are stored in the order in which they were asked for, and the mark of the place moves with the last of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog

from syncd.domain.order import Page, Search
from syncd.domain.trouble import Care, Permanent
from syncd.domain.window import Window, settled_end
from syncd.stages.intake import ask, take_in
from syncd.stages.poll.plan import PollRules
from syncd.stages.poll.walk import GoOn, Step, Walk
from syncd.stages.turn import Brake, Merchant
from syncd.store.sightings import Kept
from syncd.store.store import Store, Tx
from syncd.store.units import LEASE, Claim, half_spent

log = structlog.get_logger("syncd.stages.poll")

#: Moves whatever marks the place of a window, in the transaction that stores its last rows.
Move = Callable[[Tx, Window, int, int], Awaitable[None]]
#: Hears what a page changed.
Met = Callable[[Tx, Kept], Awaitable[None]]
#: A page on its way, and the number of its request.
Asking = asyncio.Task[tuple[Page, int]]


class Reading:
    """Reads windows completely. Rows first, the mark of the place last, one transaction (docs/windows.md)."""

    def __init__(self, store: Store, rules: PollRules, brake: Brake) -> None:
        self._store = store
        self._clock = store.clock
        self._rules = rules
        self._brake = brake

    async def read(
        self, merchant: Merchant, claim: Claim, window: Window, every_status: bool, move: Move, *,
        settled: bool = True, met: Met | None = None, go_on: GoOn | None = None,
        limit: datetime | None = None, patient: bool = False,
    ) -> int | None:  # fmt: skip
        """Read a window completely, earliest part first; the number of calls, or None when it could not be.

        `met` hears what each page changed, in the transaction that stores it. `go_on` names the window to read after
        one that is complete: so its first page, too, is asked for while the last one is stored. With a `limit` they
        may grow, up to there (`Walk`). What is `patient` lets every other call go first.
        """
        size = self._rules.page_size
        walk = Walk(window, size, every_status=every_status, go_on=go_on, limit=limit, patient=patient)
        asking = self._ask(merchant, walk)
        try:
            while asking is not None and walk.question is not None:
                try:
                    page, seq = await asking
                except Permanent as no:
                    if no.verdict.care is not Care.SPLIT or not walk.too_wide():
                        raise
                    asking = self._ask(merchant, walk)
                    continue
                span = span_of(walk.question)
                step = walk.feed(page, settled_end(page.asked_at, self._rules.settle) if settled else None)
                asking = self._ask(merchant, walk)
                claim = await self._renewed(claim)
                async with self._store.begin(claim, fact="poll.page") as tx:
                    kept = await take_in(tx, merchant, page, seq, span, known_for=self._rules.max_read_age / 4)
                    if met is not None:
                        await met(tx, kept)
                    if step.complete and not kept.overtaken:
                        await move(tx, step.window, step.rows, step.calls)
                if not self._stood(merchant, step, kept):
                    return None
                if self._brake.pulled:
                    break
        finally:
            await _let_end(asking)
        return walk.calls if walk.question is None else None  # what was stored stays; the window is read again

    def _ask(self, merchant: Merchant, walk: Walk) -> Asking | None:
        """Send the next question, unless there is none or nothing new may begin."""
        if walk.question is None or self._brake.pulled:
            return None
        return asyncio.create_task(ask(self._store, merchant, walk.question))

    def _stood(self, merchant: Merchant, step: Step, kept: Kept) -> bool:
        """Whether the window may be read on after this page (R9, R11)."""
        why = "overtaken" if kept.overtaken else step.unstable
        if why:
            span = {"start": step.window.start, "end": step.window.end}
            log.warning("poll.unstable", merchant=merchant.name, why=why, **span)
        elif step.complete:
            log.debug("poll.window_completed", merchant=merchant.name, rows=step.rows, calls=step.calls)
        return not why

    async def _renewed(self, claim: Claim) -> Claim:
        if not half_spent(claim, self._clock.monotonic()):
            return claim
        async with self._store.begin(claim, fact="poll.renewed") as tx:
            return await tx.units.renew(claim, LEASE)


async def _let_end(asking: Asking | None) -> None:
    """Nobody wants this page any more; it was only a question. It ends by itself, unless we are made to stop."""
    if asking is None:
        return
    try:
        await asyncio.wait({asking})
    except asyncio.CancelledError:
        asking.cancel()
        await asyncio.wait({asking})
        raise
    finally:
        if asking.done() and not asking.cancelled():
            asking.exception()  # seen, so that nobody complains about it


def span_of(query: Search) -> tuple[datetime, datetime] | None:
    """The update times a search asks for, None where it names none."""
    return None if query.start is None or query.end is None else (query.start, query.end)
