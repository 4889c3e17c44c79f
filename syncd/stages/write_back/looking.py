"""Looks at WDT for what was sent there: only what is seen settles a debt, and what is not seen is said again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from syncd.domain.clock import whole_second
from syncd.domain.lifecycle import Hold
from syncd.domain.order import OrderNo, Search
from syncd.domain.retry import ask_again
from syncd.domain.trouble import Care, Permanent
from syncd.domain.window import CLOCK_TOLERANCE, SECOND
from syncd.stages.asking import Asking, asking_for, let_end
from syncd.stages.intake import read_by_number, take_in
from syncd.stages.turn import TURN_FOR
from syncd.stages.write_back import company
from syncd.stages.write_back.errand import Errand
from syncd.stages.write_back.paying import Owed, apply, load
from syncd.stages.write_back.plan import Incident, Move, Send
from syncd.store.debts import CLOSE_LOOK, Sought
from syncd.store.store import Tx

#: Rows on a page that confirms, and how many such pages a turn may read: as many as show all that was sent, and no
#: more than its share of time allows.
PAGE_SIZE, MOST_PAGES = 200, 100
#: A call that was answered has been applied within this, whatever it waited for; or since it was owed.
CALLED_FOR = timedelta(seconds=5)
#: How many sent debts one turn looks after, and how many it settles in one transaction.
MOST_DEBTS, MOST_AT_ONCE = 5000, 200


class Looking:
    """The looks of one turn."""

    def __init__(self, errand: Errand) -> None:
        self._store = errand.store
        self._merchant = errand.merchant
        self._claim = errand.claim
        self._rules = errand.rules
        self._brake = errand.brake
        self._take = errand.take
        self.until: datetime | None = None
        #: What is not settled, by the debt.
        self._left: dict[int, Sought] = {}

    async def look(self) -> int:
        """Settle what was sent by sightings newer than that; look for what has none; how many debts that settled.

        Where a look waits for what it would show as well, `until` says for how long. Raises Transient, Permanent,
        Paced.
        """
        async with self._store.read() as tx:
            sought = await tx.debts.sought(self._merchant.name, 1 if self._claim.single_file else MOST_DEBTS)
        if self._claim.single_file and sought:
            self._take(sought[0].order_id)
        self._left = {one.id: one for one in sought}
        await self._settle_seen([one for one in sought if one.seen_at > one.sent_at])
        if self._left and not self._brake.pulled and not await self._waits():
            await self._look_for(list(self._left.values()))
        return len(sought) - len(self._left)

    async def _waits(self) -> bool:
        async with self._store.read() as tx:
            at = await company.looks_at(tx, self._merchant, list(self._left.values()))
            self.until = at if at > tx.now else None
        return self.until is not None

    async def _look_for(self, unseen: Sequence[Sought]) -> None:
        """On pages, and by their numbers what pages have not shown; what is not settled by that is looked for again."""
        now = self._store.clock.now()
        close = [one for one in unseen if one.looks >= CLOSE_LOOK and not self._may_lag(one, now)]
        close = close[: self._rules.most_reads]
        if len(close) < len(unseen):
            await self._look_at_pages({one.no: one for one in unseen})
        for one in close if not self._brake.pulled else []:
            page = await read_by_number(self._store, self._merchant, self._claim, one.no)
            if page.count == 0:
                await self._miss(one)
        await self._settle_seen(close)
        async with self._store.begin(self._claim, fact="write_back.looked") as tx:
            for one in self._left.values():
                await tx.debts.look_again(one, self._next_look(one, tx.now))

    def _next_look(self, sought: Sought, now: datetime) -> datetime:
        look_at = now + ask_again(sought.looks)
        tells_from = sought.sent_at + self._rules.shows_within
        if sought.sent_at < sought.seen_at < tells_from:  # seen too early to tell, though that may be over by now
            return min(look_at, max(now, tells_from) + self._rules.look_after)
        return look_at

    def _may_lag(self, sought: Sought, now: datetime) -> bool:
        """Whether it was seen since, but so early that WDT may not show it yet: a page tells as well as its number."""
        return sought.seen_at > sought.sent_at and now - sought.sent_at < self._rules.shows_within

    # -- what is seen ----------------------------------------------------------------------------------------------

    async def _settle_seen(self, sought: Sequence[Sought]) -> None:
        """Settle those of these that are still left, where a sighting proves something."""
        ids = [one.id for one in sought if one.id in self._left]
        for at in range(0, len(ids), MOST_AT_ONCE):
            async with self._store.begin(self._claim, fact="write_back.confirmed") as tx:
                await self._settle(tx, ids[at : at + MOST_AT_ONCE])

    async def _settle(self, tx: Tx, ids: Sequence[int]) -> None:
        """Apply what sightings newer than the sending prove about these; the others are left."""
        waiting: set[int] = set()
        proven: list[tuple[Owed, Move]] = []
        for owed in await load(tx, await tx.debts.sent(ids)):
            move = owed.move(tx.now)
            if owed.order.seen_at <= owed.sent_at or (isinstance(move, Send) and not self._shows_by_now(owed)):
                waiting.add(owed.debt.id)
                self._left[owed.debt.id] = self._left[owed.debt.id]._replace(seen_at=owed.order.seen_at)
            else:
                proven.append((owed, move))
        await apply(tx, proven, self._rules.look_after)
        for settled in set(ids) - waiting:
            del self._left[settled]

    def _shows_by_now(self, owed: Owed) -> bool:
        """Whether a sighting without our write-back came late enough to say that WDT has not taken it.

        Before that it may only not show it yet, and saying it again would be refused. A call whose process died is
        dated with when it was drawn up, half a lease earlier at most: it may be said again that much too early.
        """
        return owed.order.seen_at - owed.sent_at >= self._rules.shows_within

    async def _miss(self, sought: Sought) -> None:
        """WDT does not know the order any more: a person decides."""
        async with self._store.begin(self._claim, fact="write_back.missing") as tx:
            missing = await load(tx, await tx.debts.sent([sought.id]))
            await apply(tx, [(owed, Incident(Hold.WDT_MISSING, ())) for owed in missing], self._rules.look_after)

    # -- pages -----------------------------------------------------------------------------------------------------

    async def _look_at_pages(self, wanted: dict[OrderNo, Sought]) -> None:
        """The mirror of the last moments: our own writes bumped those orders, so a page shows up to 200 of them.

        The next page is on its way while this one is stored.
        """
        until = self._store.clock.monotonic() + TURN_FOR
        start, end = self._moments(list(wanted.values()))
        query = Search(start=start, end=end, page_no=0, page_size=PAGE_SIZE, every_status=True, with_total=False)
        asking: Asking | None = asking_for(self._store, self._merchant, query)
        try:
            while asking is not None:
                try:
                    page, seq = await asking
                except Permanent as too_much:
                    if too_much.verdict.care is not Care.SPLIT:
                        raise
                    return  # too much for one page: each is read by its number instead
                shown = [wanted.pop(row.no).id for row in page.rows if row.no in wanted]
                query = replace(query, page_no=query.page_no + 1)
                more = bool(wanted) and page.count == PAGE_SIZE and query.page_no < MOST_PAGES
                spent = self._brake.pulled or self._store.clock.monotonic() >= until
                asking = asking_for(self._store, self._merchant, query) if more and not spent else None
                async with self._store.begin(self._claim, fact="write_back.page") as tx:
                    await take_in(tx, self._merchant, page, seq, known_for=timedelta(0))
                    await self._settle(tx, shown)
        finally:
            await let_end(asking)

    def _moments(self, unseen: Sequence[Sought]) -> tuple[datetime, datetime]:
        """From just before any of these may have been applied to now, by the server's clock as far as we know it."""
        offset = self._merchant.erp.clock_offset
        shift = timedelta(seconds=offset or 0.0)
        if offset is None:
            since = min(one.sent_at for one in unseen) - CLOCK_TOLERANCE
        else:
            since = min(max(one.owed_at, one.sent_at - CALLED_FOR) for one in unseen) - SECOND
        end = whole_second(self._store.clock.now() + shift)
        start = max(whole_second(since + shift), end - timedelta(hours=6))
        return min(start, end - SECOND), end
