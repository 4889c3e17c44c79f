"""The acting side of poll: asks WDT, stores pages, moves cursors. Rows first, cursor last, one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from syncd.domain.clock import Clock, whole_second
from syncd.domain.lifecycle import Hold
from syncd.domain.order import Page, Search
from syncd.domain.trouble import LANE_WIDE, Care, Permanent, Trouble
from syncd.domain.window import LONGEST, SECOND, Window, settled_end
from syncd.stages import lane
from syncd.stages.intake import ask, read_by_number, take_in
from syncd.stages.poll.deep import EVERY, Look
from syncd.stages.poll.outset import Nothing, Outset, Outsets
from syncd.stages.poll.plan import (
    BACKFILL,
    DEEP,
    FEEDS,
    IDLE,
    MIRROR,
    PENDING,
    REFRESH,
    PollRules,
    hot_search,
    next_page,
    origin,
    proven_by_hot_page,
    refresh_search,
)
from syncd.stages.poll.reading import Reading, span_of
from syncd.stages.poll.steps import Steps
from syncd.stages.poll.walk import GoOn
from syncd.stages.turn import Brake, Merchant, Turn, later, share_spent
from syncd.store.orders import OrderId, OrderView
from syncd.store.sightings import Kept
from syncd.store.store import Store, Tx
from syncd.store.units import Claim
from syncd.store.windows import Cursor, Done

log = structlog.get_logger("syncd.stages.poll")

#: A disarmed store whose reading could not be finished tries again after this.
SOON = timedelta(seconds=5)
#: This many stale orders or fewer are read by their numbers at once.
_FEW = 3


class Poll:
    """Reads one merchant's feeds: pending (the work list), mirror (everything), backfill, refresh."""

    name = "poll"

    def __init__(self, store: Store, merchants: Sequence[Merchant], rules: PollRules, brake: Brake) -> None:
        self._store = store
        self._brake = brake
        self._clock: Clock = store.clock
        self._merchants = {str(merchant.name): merchant for merchant in merchants}
        self._rules = rules
        self._reading = Reading(store, rules, brake)
        self._steps = Steps(store, rules)
        self._outsets = Outsets(store)
        self.keys = [f"{merchant.name}/{feed}" for merchant in merchants for feed in FEEDS]
        self.sleepers = frozenset(key for key in self.keys if key.endswith((f"/{BACKFILL}", f"/{REFRESH}")))

    async def work(self, key: str, claim: Claim) -> Turn:
        """One turn at `merchant/feed`. Whether a lane at rest works again, the work list's first call finds out."""
        name, feed = key.rsplit("/", 1)
        merchant = self._merchants[name]
        outset = await self._outsets.of(merchant, feed)
        way = await lane.gate(
            self._store,
            claim,
            merchant,
            lane.WDT,
            prober=feed == PENDING,
            patient=feed in (BACKFILL, DEEP),
            standing=outset.standing,
        )
        if way.until is not None:
            return Turn(way.until, notes=claim.notes)
        feeds = {
            PENDING: self._pending,
            MIRROR: self._mirror,
            BACKFILL: self._backfill,
            REFRESH: self._refresh,
            DEEP: self._deep,
        }
        try:
            return await feeds[feed](merchant, claim, outset)
        except Trouble as trouble:
            rest = await lane.troubled(self._store, claim, merchant, trouble, fact="poll.rested", probe=way.probe)
            if rest is None:
                raise
            return Turn(rest, notes=claim.notes)

    async def asleep_until(self, tx: Tx, key: str) -> datetime | None:
        """Until when a feed that is read at need may sleep on; None where there is a need."""
        name, feed = key.rsplit("/", 1)
        merchant = self._merchants[name]
        if feed == BACKFILL:
            needed = await tx.windows.next_backfill(merchant.sid) is not None
        else:
            needed = await tx.orders.stale(merchant.name, tx.now - self._rules.max_read_age) > 0
        return None if needed else tx.now + IDLE

    def at_hand(self, key: str) -> OrderId | None:
        """No order is handled here: rows that cannot be read are set aside one by one."""
        return None

    # -- the work list ---------------------------------------------------------------------------------------------

    async def _pending(self, merchant: Merchant, claim: Claim, outset: Outset) -> Turn:
        known = outset.cursor
        since = known.position if known else origin(self._clock.now(), self._rules)
        query = hot_search(since, self._clock.now(), self._rules.page_size)
        try:
            page, seq = await ask(self._store, merchant, query)
        except Permanent as too_wide:
            if too_wide.verdict.care is not Care.SPLIT:
                raise
            if known is not None:  # the settled read splits; freshness waits for it
                more = await self._settled(merchant, claim, PENDING, every_status=False)
                return later(self._clock.now(), timedelta(0) if more else self._rules.every)
            query = hot_search(self._clock.now(), self._clock.now(), self._rules.page_size)
            page, seq = await ask(self._store, merchant, query)
        if outset.armed and await self._is_nothing(merchant, claim, query, page, known):
            return later(self._clock.now(), self._rules.every, {"rows": 0, "new": 0, "calls": 1})
        async with self._store.begin(claim, fact="poll.hot_page") as tx:
            cursor = known or await self._begin(tx, merchant, page)
            window = proven_by_hot_page(query, page, cursor.position, self._rules)
            kept = await take_in(tx, merchant, page, seq, span_of(query))
            if kept.overtaken:
                window = None
            if window is not None:
                await tx.windows.move(merchant.sid, PENDING, window, rows=page.count, calls=1)
        tally = {"rows": page.count, "new": kept.new, "calls": 1}
        if kept.new:
            log.info("poll.page_kept", merchant=merchant.name, feed=PENDING, rows=page.count, new=kept.new)
        if window is None and await self._settled(merchant, claim, PENDING, every_status=False):
            return later(self._clock.now(), timedelta(0), tally)
        again = not outset.armed and await self._catch_up(merchant, claim, PENDING, every_status=False)
        return later(self._clock.now(), min(SOON, self._rules.every) if again else self._rules.every, tally)

    async def _is_nothing(
        self, merchant: Merchant, claim: Claim, query: Search, page: Page, known: Cursor | None
    ) -> bool:
        """Whether the page shows nothing and proves a window, over which the cursor has been moved then."""
        if page.count or page.bad or known is None:
            return False
        window = proven_by_hot_page(query, page, known.position, self._rules)
        if window is None:
            return False
        return await self._outsets.passed(Nothing(claim, merchant, Done(merchant.sid, PENDING, window, 0, 1)))

    async def _begin(self, tx: Tx, merchant: Merchant, page: Page) -> Cursor:
        """The first cursor, a settle time before an accepted call; the past becomes a backfill.

        Only an accepted call proves our clock. A cursor begun by a clock that is ahead would skip what happens until
        the real time has caught up.
        """
        begin = origin(page.asked_at, self._rules)
        start = self._rules.start
        if start is not None and start < begin:
            await tx.windows.add_backfill(merchant.sid, PENDING, start, begin)
            await tx.units.wake("poll", f"{merchant.name}/{BACKFILL}")
        await tx.units.wake("poll", f"{merchant.name}/{MIRROR}")
        return await tx.windows.begin(merchant.sid, PENDING, begin)

    async def _mirror(self, merchant: Merchant, claim: Claim, outset: Outset) -> Turn:
        """Everything in every state; begins where the work list began, which a proven clock has set."""
        if outset.cursor is None:
            async with self._store.begin(claim, fact="poll.begun") as tx:
                proven = await tx.windows.cursor(merchant.sid, PENDING)
                if proven is None:
                    return later(tx.now, self._rules.every)
                await tx.windows.begin(merchant.sid, MIRROR, proven.origin)
        if await self._settled(merchant, claim, MIRROR, every_status=True):
            return later(self._clock.now(), timedelta(0))
        again = not outset.armed and await self._catch_up(merchant, claim, MIRROR, every_status=True)
        return later(self._clock.now(), min(SOON, self._rules.every) if again else self._rules.mirror_every)

    async def _settled(self, merchant: Merchant, claim: Claim, feed: str, *, every_status: bool) -> bool:
        """Read settled windows up to now; True when the turn's share of calls was used up before the end."""

        async def move(tx: Tx, window: Window, rows: int, calls: int) -> None:
            await tx.windows.move(merchant.sid, feed, window, rows=rows, calls=calls)

        # Read once: a paced call takes longer than a second, and the end would move away.
        limit = settled_end(self._clock.now(), self._rules.settle)
        async with self._store.read() as tx:
            cursor = await tx.windows.cursor(merchant.sid, feed)
        assert cursor is not None
        behind = cursor.position - limit
        if behind > 5 * SECOND:
            log.warning("cursor.backwards", merchant=merchant.name, feed=feed, seconds=behind.total_seconds())
        window = await self._steps.first(merchant.sid, feed, cursor.position, limit)
        if window is None:
            return False
        places = [cursor.position]
        calls = await self._reading.read(
            merchant, claim, window, every_status, move,
            go_on=self._goes_on(claim, merchant.sid, feed, limit, places), limit=limit,
        )  # fmt: skip
        return calls is not None and places[-1] < limit

    def _goes_on(self, claim: Claim, sid: str, feed: str, limit: datetime, places: list[datetime]) -> GoOn:
        """Window after window up to `limit`, as long as this turn has its share; `places` is where it has come."""

        def go_on(done: Window, rows: int, calls: int) -> Window | None:
            places.append(done.end)
            following = self._steps.after(sid, feed, done, rows, limit)
            spent = calls >= self._rules.most_calls or share_spent(claim, self._clock.monotonic())
            return None if spent or self._brake.pulled else following

        return go_on

    async def _catch_up(self, merchant: Merchant, claim: Claim, feed: str, *, every_status: bool) -> bool:
        """Read a disarmed store's feed from the cursor to the present, settled or not; True: try again.

        It proves no window and moves no cursor: it shows what was done in the time that the store has forgotten.
        """
        async with self._store.read() as tx:
            cursor = await tx.windows.cursor(merchant.sid, feed)
            wanted = await tx.instance.wants_reading(merchant.sid, feed)
        if cursor is None or not wanted:
            return False
        began = self._clock.now()
        end = max(whole_second(began), cursor.position + SECOND)
        if end - cursor.position > LONGEST:  # the settled windows come first
            return True
        window = Window(cursor.position, end)

        async def note(tx: Tx, part: Window, _rows: int, _calls: int) -> None:
            if part.end == window.end:
                await tx.instance.caught_up(merchant.sid, feed, began)

        return await self._reading.read(merchant, claim, window, every_status, note, settled=False) is None

    # -- the past, and what has been waiting too long --------------------------------------------------------------

    async def _backfill(self, merchant: Merchant, claim: Claim, _outset: Outset) -> Turn:
        """Some windows of the oldest unfinished backfill, beside the live tail, which goes first."""
        async with self._store.read() as tx:
            job = await tx.windows.next_backfill(merchant.sid)
        if job is None:
            return later(self._clock.now(), IDLE)

        async def move(tx: Tx, window: Window, rows: int, calls: int) -> None:
            await tx.windows.move_backfill(job, window, rows=rows, calls=calls)

        feed = f"{job.feed}/{BACKFILL}"
        window = await self._steps.first(merchant.sid, feed, job.position, job.end)
        assert window is not None, "an unfinished backfill has something left"
        places = [job.position]
        calls = await self._reading.read(
            merchant, claim, window, job.feed == MIRROR, move,
            go_on=self._goes_on(claim, merchant.sid, feed, job.end, places), limit=job.end, patient=True,
        )  # fmt: skip
        if places[-1] > job.position:
            log.info("poll.backfill_advanced", merchant=merchant.name, to=places[-1], end=job.end)
        return later(self._clock.now(), self._rules.every if calls is None else timedelta(0))

    async def _deep(self, merchant: Merchant, claim: Claim, _outset: Outset) -> Turn:
        """One window of the day's second reading; what only it shows was missed, and is stored now (R17)."""
        now = self._clock.now()
        async with self._store.read() as tx:
            mirror = await tx.windows.cursor(merchant.sid, MIRROR)
        look = Look.read(claim.notes)
        if look is None or mirror is None:  # what is read for the first time needs no second reading today
            return later(now, EVERY, notes=Look().written())
        if look.position is None:
            look = look.begun(mirror.origin, mirror.position) or look
        if look.position is None or look.end is None:
            return later(now, EVERY, notes=look.over().written())
        window = await self._steps.first(merchant.sid, DEEP, look.position, look.end)
        if window is None:
            return later(now, EVERY, notes=look.over().written())
        missed: list[int] = []
        ends: list[datetime] = []

        async def count(tx: Tx, kept: Kept) -> None:
            gap = kept.new + kept.changed
            if gap:
                missed.append(gap)
                await tx.journal.add("poll.gap_found", merchant=merchant.name, rows=gap, start=window.start)
                tx.tell(partial(log.error, "poll.gap_found", merchant=merchant.name, rows=gap, start=window.start))

        async def stay(_tx: Tx, part: Window, rows: int, _calls: int) -> None:
            """It moves no cursor: it only proves, or disproves, that they were moved rightly."""
            ends.append(part.end)
            self._steps.after(merchant.sid, DEEP, part, rows, part.end)

        read = await self._reading.read(merchant, claim, window, True, stay, met=count, limit=look.end, patient=True)
        if read is None:
            return later(now, self._rules.every, notes=look.written())
        look = replace(look, position=ends[-1], found=look.found + sum(missed))
        if look.is_over:
            return later(now, EVERY, notes=look.over().written())
        return later(now, SOON, notes=look.written())

    async def _refresh(self, merchant: Merchant, claim: Claim, _outset: Outset) -> Turn:
        """Read waiting orders again, a page at a time, so that what push sends was seen at 45 just now."""
        now = self._clock.now()
        fresh_since = now - self._rules.max_read_age
        async with self._store.read() as tx:
            stale = await tx.orders.stale(merchant.name, fresh_since)
            span = await tx.orders.stale_span(merchant.name, fresh_since)
            oldest = await tx.orders.oldest_stale(merchant.name, fresh_since, _FEW)
        if not stale:
            return later(now, IDLE)
        page_no = int(claim.notes or 0)
        if stale <= _FEW or span is None:
            await self._by_number(merchant, claim, oldest)
            return later(now, IDLE)
        query = refresh_search(span, now, page_no, self._rules.page_size)
        try:
            page, seq = await ask(self._store, merchant, query)
        except Permanent as too_much:
            if too_much.verdict.care is not Care.SPLIT:
                raise
            await self._by_number(merchant, claim, oldest)  # a few at a time; push wakes us for the others
            return later(now, IDLE)
        async with self._store.begin(claim, fact="poll.refreshed") as tx:
            await take_in(tx, merchant, page, seq, span)
            await tx.units.wake("push", merchant.name)
        following = next_page(page_no, page, self._rules.page_size)
        if following == 0:  # the round is over: whoever was not in it is asked for by number
            async with self._store.read() as tx:
                missed = await tx.orders.oldest_stale(merchant.name, fresh_since, _FEW)
            await self._by_number(merchant, claim, missed)
        return later(now, IDLE, {"rows": page.count, "calls": 1}, notes=str(following))

    async def _by_number(self, merchant: Merchant, claim: Claim, orders: Sequence[OrderView]) -> None:
        for order in orders:
            try:
                page = await read_by_number(self._store, merchant, claim, order.no)
            except Permanent as no:
                if no.verdict.care in LANE_WIDE:
                    raise
                log.warning("poll.unreadable", merchant=merchant.name, order_no=order.no, why=str(no.verdict))
                continue  # what is wrong with the one is not wrong with the others
            async with self._store.begin(claim, fact="poll.missing") as tx:
                await tx.units.wake("push", merchant.name)
                if page.count == 0 and await self._still(tx, order):
                    await tx.orders.hold(order, Hold.WDT_MISSING, {})
                    await tx.journal.add("order.held", order_id=order.id, merchant=merchant.name, hold=Hold.WDT_MISSING)
                    tx.tell(
                        partial(log.warning, "order.held", merchant=merchant.name, order_no=order.no,
                                hold=str(Hold.WDT_MISSING))
                    )  # fmt: skip

    async def _still(self, tx: Tx, order: OrderView) -> bool:
        """Whether nobody has moved the order since it was chosen."""
        newest = (await tx.orders.by_ids([order.id])).get(order.id)
        return newest is not None and (newest.state, newest.phase) == (order.state, order.phase)
