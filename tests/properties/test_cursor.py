"""The real poll stage over a real store against an awkward WDT: kills at any statement, clocks that are set."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

import pytest
from mortal import Killed, Mortal
from postgres import fresh_store
from wdt_book import Book, World

from syncd.domain.invoice import Kind
from syncd.domain.mapping import MappingOptions
from syncd.domain.order import InvoiceOrder, MerchantName, Page, Search, UpdateAnswer
from syncd.domain.ports import Issuer
from syncd.stages.poll.plan import BACKFILL, MIRROR, PENDING, PollRules
from syncd.stages.poll.run import Poll
from syncd.stages.turn import Brake, Merchant, run_unit
from syncd.store.store import Store
from syncd.store.units import LeaseClock
from syncd.store.windows import Gap

FEEDS = (PENDING, MIRROR, BACKFILL)
SETTLE = timedelta(seconds=300)


class BookErp:
    """The `Erp` port over a book. Before it asks and before it answers, anything may happen."""

    clock_offset: float | None = None

    def __init__(self, story: Story, book: Book) -> None:
        self._story = story
        self._book = book

    async def search(self, query: Search) -> Page:
        await self._story.meanwhile()
        page = self._book.search(query)
        await self._story.meanwhile()
        return page

    async def update(self, documents: object) -> UpdateAnswer:
        raise AssertionError("poll writes nothing back")

    def decode(self, raw: bytes) -> InvoiceOrder:
        raise AssertionError("poll reads heads alone")

    def ask_the_same(self, before: bytes, now: bytes) -> bool:
        raise AssertionError("poll reads heads alone")


class Story:
    """One schedule: a world, a store, and a daemon that polls, is interrupted and dies."""

    def __init__(self, seed: int, store: Store, world: World, settle: timedelta = SETTLE) -> None:
        self.world = world
        self.store = store
        self.mortal = Mortal()
        self.mortal.watch(store)
        self._dice = random.Random(f"story {seed}")
        self._depth = 0
        self._calm = False
        rules = PollRules(
            every=timedelta(seconds=60),
            mirror_every=timedelta(seconds=60),
            settle=settle,
            step=timedelta(seconds=world.dice.choice([1500, 3000, 86_400])),
            page_size=world.dice.randint(1, 4),
            start=world.clock.world - timedelta(seconds=4500),
        )
        issuer: Issuer = None  # type: ignore[assignment]
        mapping = MappingOptions(tax_no="339902999999789113", default_kind=Kind.DIGITAL_NORMAL)
        merchant = Merchant(MerchantName("m001"), "demo_sid", BookErp(self, world.book), issuer, mapping)
        self.poll = Poll(store, [merchant], rules, Brake())

    async def meanwhile(self) -> None:
        """Between a question and its answer: changes, time, and other feeds that read on."""
        self.mortal.step()
        if self._calm:
            return
        if self._dice.random() < 0.5:
            self.world.disturb()
        if self._depth < 2 and self._dice.random() < 0.15:
            self._depth += 1
            try:
                await self.turn(self._dice.choice(FEEDS))
            finally:
                self._depth -= 1

    async def turn(self, feed: str) -> None:
        """Whatever unit it is, due or not; a unit that is running is left alone."""
        async with self.store.begin() as tx:
            await tx.units.wake("poll", f"m001/{feed}")
            await tx.lanes.resume("m001", "wdt")
        await run_unit(self.store, self.poll, f"m001/{feed}", lambda: 0.5)

    async def start(self) -> None:
        """What a daemon does when it starts: it alone is alive now."""
        async with self.store.begin() as tx:
            for feed in FEEDS:
                await tx.units.ensure("poll", f"m001/{feed}")
            await tx.units.take_over()

    async def go(self, steps: int) -> None:
        await self.start()
        for feed in FEEDS:
            await self.turn(feed)
        for _ in range(steps):
            if self._dice.random() < 0.6:
                self.world.disturb()
                continue
            if self._dice.random() < 0.25:
                self.mortal.after(self._dice.randrange(40))
            try:
                await self.turn(self._dice.choice(FEEDS))
            except Killed:
                self._depth = 0
                await self.start()
            self.mortal.lives()

    async def calm(self) -> None:
        """No more changes; poll until everything has been passed."""
        self._calm = True
        self.world.calm_down()
        for _ in range(40):
            self.world.clock.advance(SETTLE)
            for feed in (BACKFILL, PENDING, MIRROR):
                await self.turn(feed)
            async with self.store.read() as tx:
                behind = min(cursor.position.timestamp() for cursor in await tx.windows.cursors())
                open_backfills = await tx.windows.open_backfills()
            if behind > self.world.book.last_change() + 600 and not open_backfills:
                return
        raise AssertionError("the schedule never came to an end")

    async def lost(self) -> list[str]:
        """Rows whose last version is not stored; what ended before the first start is nobody's work."""
        async with self.store.read() as tx:
            known = await tx.orders.whole([order.id for order in await tx.board.orders()])
            stored = {str(order.no): order.raw for order in known.values()}
            began = min(cursor.origin.timestamp() for cursor in await tx.windows.cursors())
        return [
            no
            for no, newest in self.world.book.newest().items()
            if stored.get(no) != newest.row().raw and (newest.status == 45 or newest.modified > began)
        ]

    async def gaps(self) -> list[Gap]:
        async with self.store.read() as tx:
            return await tx.windows.gaps()


async def told(seed: int, migrated: Path, folder: Path, settle: timedelta = SETTLE) -> tuple[list[str], list[Gap]]:
    """What one schedule lost, and the gaps in its ledger."""
    world = World.drawn(seed, statuses=(45, 45, 45, 20, 5, 60))
    with fresh_store(migrated, folder / f"{seed}.db") as url:
        async with Store.at(url, world.clock, leases=LeaseClock.HOST) as store:
            story = Story(seed, store, world, settle)
            await story.go(30)
            await story.calm()
            return await story.lost(), await story.gaps()


async def broken(seeds: range, migrated: Path, folder: Path, settle: timedelta = SETTLE) -> dict[int, object]:
    found = {seed: await told(seed, migrated, folder, settle) for seed in seeds}
    return {seed: end for seed, end in found.items() if end != ([], [])}


async def test_whatever_happens_the_last_version_of_every_row_is_stored(migrated: Path, tmp_path: Path) -> None:
    assert await broken(range(16), migrated, tmp_path) == {}


async def test_without_a_settle_time_the_real_stage_would_lose_rows(migrated: Path, tmp_path: Path) -> None:
    """The negative control: the same worlds, with nothing held back from the present."""
    for seed in range(40):
        if await told(seed, migrated, tmp_path, settle=timedelta(0)) != ([], []):
            return
    pytest.fail("forty schedules could not tell a settle time from none")


@pytest.mark.storm
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("first", range(1000, 21_000, 500))
async def test_a_storm_of_schedules_loses_nothing(migrated: Path, tmp_path: Path, first: int) -> None:
    assert await broken(range(first, first + 500), migrated, tmp_path) == {}
