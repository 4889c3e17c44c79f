"""A WDT that keeps to the papers and no further: whatever they leave open, it does in the most awkward way.

Rows carry no modified time. A change is stamped when it begins and becomes visible up to `SLOWEST` later; the ends of
a window mean any of four things; rows come in any of four orders; a stamp that is too far off is refused.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import blake2b

from daemon_parts import VirtualClock

from syncd.domain.order import OrderNo, Page, Row, Search
from syncd.domain.trouble import Care, Permanent, Transient, Verdict

#: Seconds: the slowest visibility of a commit that the settle time is meant to cover.
SLOWEST = 150
TOLERANCE = 120
LONGEST = timedelta(days=30)
MEANINGS = ("both ends", "start only", "end only", "neither")
ORDERS = ("oldest first", "newest first", "by number", "ties shuffled")


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a row; instants are the server's unix seconds."""

    no: str
    version: int
    status: int
    modified: int
    visible_at: int

    def row(self) -> Row:
        raw = f"{self.no}/{self.version}/{self.status}".encode()
        return Row(
            no=OrderNo(self.no),
            status=self.status,
            invoice_no="",
            is_red=False,
            shop_no="",
            payer_name="",
            amount=None,
            created_at=None,
            raw=raw,
            content_hash=blake2b(raw, digest_size=16).digest(),
        )


@dataclass(slots=True)
class Book:
    """The documents of one seller account, on `clock`'s world time."""

    clock: VirtualClock
    dice: random.Random
    meaning: str = MEANINGS[0]
    order: str = ORDERS[0]
    cap: int = 1000  # rows a page, whatever is asked for
    history: dict[str, list[Version]] = field(default_factory=dict)
    calls: int = 0
    refused: int = 0

    def now(self) -> int:
        return int(self.clock.world.timestamp())

    def change(self, no: str, status: int = 45, slowness: int = 0) -> None:
        """A user's change; a later one is never visible before an earlier one of the same row."""
        past = self.history.setdefault(no, [])
        visible_at = max(self.now() + slowness, past[-1].visible_at if past else 0)
        past.append(Version(no, len(past) + 1, status, self.now(), visible_at))

    def newest(self) -> dict[str, Version]:
        return {no: versions[-1] for no, versions in self.history.items()}

    def last_change(self) -> int:
        return max((past[-1].modified for past in self.history.values()), default=0)

    def search(self, query: Search) -> Page:
        """Raises Transient where the stamp is off, Permanent where the window is too wide."""
        self.calls += 1
        asked_at = self.clock.now()
        if abs((asked_at - self.clock.world).total_seconds()) > TOLERANCE:
            self.refused += 1
            raise Transient(Verdict(Care.CLOCK, "wdt", "7", "stamp", 60.0))
        found = self._select(query)
        size = min(query.page_size, self.cap)
        page = found[query.page_no * size : (query.page_no + 1) * size]
        total = len(found) if query.with_total else None
        return Page(tuple(one.row() for one in page), (), total, asked_at)

    def _select(self, query: Search) -> list[Version]:
        shown = [one for past in self.history.values() if (one := self._shown(past)) is not None]
        if query.order_no is not None:
            return [one for one in shown if one.no == query.order_no]
        assert query.start is not None
        assert query.end is not None
        if query.end - query.start > LONGEST:
            raise Permanent(Verdict(Care.SPLIT, "wdt", "100", "too wide"))
        start, end = (int(at.timestamp()) for at in (query.start, query.end))
        inside = [one for one in shown if self._inside(one.modified, start, end)]
        return self._sorted([one for one in inside if query.every_status or one.status == 45])

    def _shown(self, past: list[Version]) -> Version | None:
        return next((one for one in reversed(past) if one.visible_at <= self.now()), None)

    def _inside(self, modified: int, start: int, end: int) -> bool:
        after = start <= modified if self.meaning in MEANINGS[:2] else start < modified
        before = modified <= end if self.meaning in (MEANINGS[0], MEANINGS[2]) else modified < end
        return after and before

    def _sorted(self, rows: list[Version]) -> list[Version]:
        match self.order:
            case "oldest first":
                return sorted(rows, key=lambda one: (one.modified, one.no))
            case "newest first":
                return sorted(rows, key=lambda one: (one.modified, one.no), reverse=True)
            case "by number":
                return sorted(rows, key=lambda one: one.no)
            case _:
                self.dice.shuffle(rows)
                return sorted(rows, key=lambda one: one.modified)


@dataclass(slots=True)
class World:
    """What happens around the calls: changes, bursts, time, and a clock of ours that somebody sets."""

    clock: VirtualClock
    dice: random.Random
    book: Book
    statuses: tuple[int, ...] = (45,)
    jumps: bool = True

    @classmethod
    def drawn(cls, seed: int, **options: object) -> World:
        """A world, a server and a past of a few rows, all from one seed."""
        dice = random.Random(seed)
        clock = VirtualClock(datetime(2026, 11, 20, 4, 0, tzinfo=UTC))
        book = Book(clock, dice, dice.choice(MEANINGS), dice.choice(ORDERS), dice.choice([1000, 1000, 2]))
        world = cls(clock, dice, book, **options)  # type: ignore[arg-type]
        clock.advance(-4000)
        for number in range(dice.randrange(7)):
            book.change(f"OLD{number}", dice.choice(world.statuses))
            clock.advance(dice.randrange(600))
        clock.world = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
        clock.skew = timedelta(seconds=dice.randint(-TOLERANCE, TOLERANCE))
        return world

    def disturb(self) -> None:
        """One thing happens, or nothing."""
        dice = self.dice
        match dice.randrange(11):
            case 0 | 1 | 2:
                no = f"NEW{dice.randrange(12)}" if dice.random() < 0.6 else f"OLD{dice.randrange(7)}"
                self.book.change(no, dice.choice(self.statuses), dice.choice([0, 0, dice.randint(0, SLOWEST)]))
            case 3:
                for number in range(dice.randint(1, 9)):  # many in one second
                    self.book.change(f"BURST{number}", dice.choice(self.statuses))
            case 4 | 5:
                self.clock.advance(dice.randint(1, 200))
            case 6 if self.jumps:
                self.clock.skew = timedelta(seconds=dice.randint(-600, 600))
            case 7 if self.jumps:
                self.clock.skew = timedelta(seconds=dice.randint(-TOLERANCE, TOLERANCE))

    def calm_down(self) -> None:
        """The clock is put right as far as WDT needs it, and every commit becomes visible."""
        seconds = self.clock.skew.total_seconds()
        self.clock.skew = timedelta(seconds=max(-TOLERANCE, min(TOLERANCE, seconds)))
        self.clock.advance(SLOWEST)
