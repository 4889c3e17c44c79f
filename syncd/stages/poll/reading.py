"""Reading windows of WDT: pages asked for and stored one by one, the earliest part first.

The next pages are on their way while this one is stored: what to ask next follows from the page, not from the store.
Rows are stored in the order in which they were asked for, and the mark of the place moves with the last of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

import structlog

from syncd.domain.order import Page, Search
from syncd.domain.trouble import Care, Permanent
from syncd.domain.window import Window, settled_end
from syncd.stages.intake import ask, take_in
from syncd.stages.poll.ahead import Ahead
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


class Answer(NamedTuple):
    """A page, the number of its request, the update times that were asked for, and what it meant to the walk."""

    page: Page
    seq: int
    span: tuple[datetime, datetime] | None
    step: Step


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
        answers = Ahead(partial(self._answered, merchant, walk, settled=settled))
        try:
            while taken := await answers.next():
                claim = await self._renewed(claim)
                async with self._store.begin(claim, fact="poll.page") as tx:
                    stored = await self._stored(tx, merchant, taken, move, met)
                if not all(self._stood(merchant, step, kept) for step, kept in stored) or self._brake.pulled:
                    return None  # what was stored stays; the window is read again
        finally:
            await answers.over()
        return walk.calls if walk.question is None else None

    async def _stored(
        self, tx: Tx, merchant: Merchant, answers: Sequence[Answer], move: Move, met: Met | None
    ) -> list[tuple[Step, Kept]]:
        """Store pages one after the other, up to the first after which the window cannot be read on."""
        stored: list[tuple[Step, Kept]] = []
        known_for = self._rules.max_read_age / 4
        for page, seq, span, step in answers:
            kept = await take_in(tx, merchant, page, seq, span, known_for=known_for)
            if met is not None:
                await met(tx, kept)
            if step.complete and not kept.overtaken:
                await move(tx, step.window, step.rows, step.calls)
            stored.append((step, kept))
            if _why_not(step, kept):
                break
        return stored

    async def _answered(self, merchant: Merchant, walk: Walk, *, settled: bool) -> Answer | None:
        """The answer to the next question; None where there is none, or nothing new may begin."""
        while (query := walk.question) is not None and not self._brake.pulled:
            try:
                page, seq = await ask(self._store, merchant, query)
            except Permanent as no:
                if no.verdict.care is not Care.SPLIT or not walk.too_wide():
                    raise
                continue
            step = walk.feed(page, settled_end(page.asked_at, self._rules.settle) if settled else None)
            return Answer(page, seq, span_of(query), step)
        return None

    def _stood(self, merchant: Merchant, step: Step, kept: Kept) -> bool:
        """Whether the window may be read on after this page (R9, R11)."""
        why = _why_not(step, kept)
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


def _why_not(step: Step, kept: Kept) -> str:
    """Why the window cannot be read on; "" where it can."""
    return "overtaken" if kept.overtaken else step.unstable


def span_of(query: Search) -> tuple[datetime, datetime] | None:
    """The update times a search asks for, None where it names none."""
    return None if query.start is None or query.end is None else (query.start, query.end)
