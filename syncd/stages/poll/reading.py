"""Reading one window of WDT: its pages asked for and stored one by one, the earliest part of it first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

import structlog

from syncd.domain.order import Page, Search
from syncd.domain.trouble import Care, Permanent
from syncd.domain.window import SECOND, AskPage, Complete, SplitInto, Unstable, Window, WindowReader, settled_end
from syncd.stages.intake import SUPERSEDED, ask, take_in
from syncd.stages.poll.plan import PollRules
from syncd.stages.turn import Brake, Merchant
from syncd.store.sightings import Kept, digest
from syncd.store.store import Store, Tx
from syncd.store.units import LEASE, Claim, half_spent

log = structlog.get_logger("syncd.stages.poll")

#: Moves whatever marks the place of a window, in the transaction that stores its last rows.
Move = Callable[[Tx, Window, int, int], Awaitable[None]]
#: Hears what a page changed.
Met = Callable[[Tx, Kept], Awaitable[None]]


class Reading:
    """Reads windows completely. Rows first, the mark of the place last, one transaction (docs/windows.md)."""

    def __init__(self, store: Store, rules: PollRules, brake: Brake) -> None:
        self._store = store
        self._clock = store.clock
        self._rules = rules
        self._brake = brake

    async def read(
        self, merchant: Merchant, claim: Claim, window: Window, every_status: bool, move: Move, *,
        settled: bool = True, met: Met | None = None,
    ) -> int | None:  # fmt: skip
        """Read a window completely, earliest part first; the number of calls, or None when it could not be.

        `met` hears what each page changed, in the transaction that stores it.
        """
        todo, calls = [window], 0
        while todo:
            part, size = todo.pop(), self._rules.page_size
            reader = WindowReader(part, size)
            advice: AskPage | Complete | SplitInto | Unstable = reader.first()
            rows = 0
            while isinstance(advice, AskPage):
                if self._brake.pulled:
                    return None  # what was stored stays; the window is read again
                claim = await self._renewed(claim)
                query = self._page(part, advice, every_status, size)
                try:
                    page, seq = await ask(self._store, merchant, query)
                except Permanent as no:
                    if no.verdict.care is not Care.SPLIT or (part.span <= SECOND and size == 1):
                        raise
                    if part.span > SECOND:
                        advice = SplitInto(part.split(2))
                        break
                    size, rows = max(1, size // 2), 0  # one second cannot be split: smaller pages of it
                    reader = WindowReader(part, size)
                    advice = reader.first()
                    continue
                calls, rows = calls + 1, rows + page.count
                advice = self._advice(reader, part, page, settled=settled)
                async with self._store.begin(claim, fact="poll.page") as tx:
                    kept = await take_in(tx, merchant, page, seq, span_of(query))
                    if met is not None:
                        await met(tx, kept)
                    if kept.overtaken:
                        advice = Unstable("overtaken")
                    elif isinstance(advice, Complete):
                        await move(tx, part, rows, calls)
            match advice:
                case SplitInto(windows):
                    todo.extend(reversed(windows))
                case Unstable(why):
                    log.warning("poll.unstable", merchant=merchant.name, why=why, start=part.start, end=part.end)
                    return None
                case _:
                    log.debug("poll.window_completed", merchant=merchant.name, rows=rows, calls=calls)
        return calls

    def _advice(
        self, reader: WindowReader, window: Window, page: Page, *, settled: bool
    ) -> AskPage | Complete | SplitInto | Unstable:
        """What the page says, unless the reading that signed it no longer proves the window settled (R2, R3)."""
        if settled and settled_end(page.asked_at, self._rules.settle) < window.end:
            return Unstable("clock_went_back")
        ids = [
            *(str(row.no) for row in page.rows),
            *(digest(row).hex() for row in page.bad if row.reason != SUPERSEDED),
        ]
        return reader.feed(page.count, ids, page.total)

    def _page(self, window: Window, ask: AskPage, every_status: bool, size: int) -> Search:
        start, end = window.widened()
        return Search(
            start=start,
            end=end,
            page_no=ask.page_no,
            page_size=size,
            every_status=every_status,
            with_total=ask.with_total,
        )

    async def _renewed(self, claim: Claim) -> Claim:
        if not half_spent(claim, self._clock.monotonic()):
            return claim
        async with self._store.begin(claim, fact="poll.renewed") as tx:
            return await tx.units.renew(claim, LEASE)


def span_of(query: Search) -> tuple[datetime, datetime] | None:
    """The update times a search asks for, None where it names none."""
    return None if query.start is None or query.end is None else (query.start, query.end)
