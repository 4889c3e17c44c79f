"""The rows of a page by what is to be done with them: store, change, note that they were seen, or nothing. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from syncd.domain.lifecycle import Hold, Phase, State
from syncd.domain.order import Glance, OrderNo, Row, WdtStatus
from syncd.domain.sighting import Known, Sighting, observe
from syncd.store.instants import to_ms
from syncd.store.orders import OrderId

#: On the way to an end: whether WDT shows it yet, and shows it still, is asked by looking at when it was seen.
_IN_FLIGHT = frozenset({State.INTENT, State.ISSUED, State.FAILED})


@dataclass(frozen=True, slots=True)
class Seen:
    """Where and when a page was read: the request's number, its stamp, and the window asked for.

    Without a window (a read by number) the order keeps the one it was last seen in, where it can be read again.
    With `known_for`, what is unchanged is not written again where nobody needs to know that it was seen now: an order
    that has ended, and one that was seen to wait no longer ago than this.
    """

    seq: int
    at: datetime
    span: tuple[datetime, datetime] | None = None
    known_for: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """What a page changed. `drifted` are orders edited after we froze a request for them.

    `overtaken` counts rows that differ from what a later request has stored already. They were not stored, and which
    of the two is newer nobody can say: such a page proves no window complete.
    """

    new: int
    changed: int
    unchanged: int
    waiting: int
    overtaken: int
    moved: tuple[tuple[OrderId, str], ...]
    drifted: tuple[OrderId, ...]
    fresh: tuple[OrderNo, ...] = ()  # new or changed
    turned: tuple[tuple[OrderId, State], ...] = ()  # whose end counts no more, or counts again, and their state
    due: bool = False  # whether what was seen of an order that was known makes it due now
    #: Of `drifted`: the row before, and now. Nothing before it where that was never compared with what was frozen.
    replaced: Mapping[OrderId, tuple[bytes, bytes]] = field(default_factory=dict)


class Stored(NamedTuple):
    """What is stored of an order, the request that wrote it, and when it was last seen (milliseconds)."""

    id: OrderId
    no: OrderNo
    state: str
    phase: str
    wdt_status: int
    content_hash: bytes
    hold: str | None
    seq: int
    seen_at: int
    sent: int

    @property
    def known(self) -> Known:
        hold = Hold(self.hold) if self.hold else None
        phase = Phase(self.phase)
        return Known(State(self.state), phase, self.wdt_status, bytes(self.content_hash), hold, bool(self.sent))


@dataclass(frozen=True, slots=True)
class _Meaning:
    """What seeing an order unchanged means: `stays` is that it changes nothing, `asks` that somebody waits to hear."""

    sight: Sighting
    stays: bool
    asks: bool


class Sorted:
    """The rows of a page by what is to be done with them."""

    def __init__(self, seen: Seen, passed_over: int = 0, waiting: int = 0) -> None:
        """`passed_over`: so many rows of the page need no look, and so many of them are waiting."""
        self.seen = seen
        self.inserts: list[Row] = []
        self.changes: list[tuple[Row, Stored, Sighting]] = []
        self.touches: list[tuple[Any, ...]] = []
        #: The rows of orders in flight as they were, where they were compared; to be filled in before the change.
        self.before: dict[OrderId, bytes] = {}
        self.passed_over, self.waiting, self.overtaken = passed_over, waiting, 0
        self._when = when(seen)
        self._seen_since = seen_since(seen)
        #: Orders that are alike and unchanged mean the same: judged once a page.
        self._meanings: dict[tuple[object, ...], _Meaning] = {}

    def sort(self, row: Glance, stored: Stored) -> None:
        """A row of an order that is known already."""
        if stored.content_hash != row.content_hash:
            self._changed(row, stored)
            return
        like = (row.status, stored.state, stored.phase, stored.wdt_status, stored.hold, stored.sent)
        meaning = self._meanings.get(like)
        if meaning is None:
            meaning = self._meanings[like] = _meaning(row, stored.known)
        self.waiting += meaning.sight.state is State.PENDING
        if stored.seq > self.seen.seq:
            return
        if not meaning.stays:
            self.changes.append((row.read(), stored, meaning.sight))
        elif self._as_good_as_now(stored, meaning):
            self.passed_over += 1
        else:
            self.touches.append((*self._when, stored.id, self.seen.seq))

    def _changed(self, row: Glance, stored: Stored) -> None:
        sight = observe(stored.known, row)
        self.waiting += sight.state is State.PENDING
        if stored.seq > self.seen.seq:
            self.overtaken += 1
        else:
            self.changes.append((row.read(), stored, sight))

    def _as_good_as_now(self, stored: Stored, meaning: _Meaning) -> bool:
        """Whether nobody waits to hear that the order was seen again."""
        if self._seen_since is None or meaning.asks:
            return False
        return stored.state != State.PENDING or stored.seen_at >= self._seen_since

    @property
    def drifted(self) -> list[OrderId]:
        """Orders edited after we froze a request for them."""
        return [stored.id for _, stored, sight in self.changes if sight.drifted]

    @property
    def rewritten(self) -> list[tuple[bytes, OrderId]]:
        """The bytes of the orders that differ from what is stored."""
        return [(row.raw, stored.id) for row, stored, _ in self.changes if stored.content_hash != row.content_hash]

    @property
    def aside(self) -> list[OrderId]:
        """Orders edited while they were not on their way: held, or ended. Nobody compares them with what was frozen."""
        return [
            stored.id
            for row, stored, sight in self.changes
            if stored.sent and not sight.drifted and stored.content_hash != row.content_hash
        ]

    def kept(self) -> Kept:
        """What the page changed."""
        new = tuple(row.no for row in self.inserts)
        return Kept(
            new=len(new),
            changed=len(self.changes),
            unchanged=len(self.touches) + self.passed_over,
            waiting=self.waiting,
            overtaken=self.overtaken,
            moved=tuple((stored.id, sight.event) for _, stored, sight in self.changes if sight.event),
            drifted=tuple(self.drifted),
            fresh=(*new, *(row.no for row, _, _ in self.changes)),
            turned=tuple((stored.id, sight.state) for _, stored, sight in self.changes if _turned(stored, sight)),
            due=any(sight.due for _, _, sight in self.changes),
            replaced={
                stored.id: (self.before.get(stored.id, b""), row.raw)
                for row, stored, sight in self.changes
                if sight.drifted
            },
        )


def _meaning(row: Glance, before: Known) -> _Meaning:
    sight = observe(before, row)
    stays = (sight.state, sight.phase) == (before.state, before.phase)
    return _Meaning(sight, stays, before.state in _IN_FLIGHT)


def passable(state: State, phase: Phase, *, waits: bool) -> bool:
    """Whether nothing follows from seeing an order there again, unchanged, and nobody waits to hear of it.

    Why it is held, and whether it was ever sent, means something only where the row has changed.
    """
    status = WdtStatus.WAITING if waits else WdtStatus.EDITING
    row = Row(OrderNo(""), status, "", False, "", "", None, None, b"", b"")
    meaning = _meaning(row, Known(state, phase, status, row.content_hash))
    return meaning.stays and not meaning.asks


def seen_since(seen: Seen) -> int | None:
    """A waiting order that was seen then, or later, is as good as seen now; None where none is (milliseconds)."""
    return None if seen.known_for is None else to_ms(seen.at - seen.known_for)


def _turned(stored: Stored, sight: Sighting) -> bool:
    phases = Phase(stored.phase), sight.phase
    return Phase.REPENDED in phases and phases[0] is not phases[1]


class Newborn:
    """The cells of orders that were never seen before, all of one page."""

    def __init__(self, merchant: str, sid: str, seen: Seen, now: int) -> None:
        self._whose = (sid, merchant)
        self._now = now
        seq, seen_at, start, end = when(seen)
        self._when = (seq, now, seen_at, start, end)
        self._window = start

    def cells(self, order_id: OrderId, row: Row) -> tuple[Any, ...]:
        """As `INSERT` takes them, but for the row's bytes.

        Oldest first: a waiting order is due since the window began in which WDT changed it last, or since it was
        created, not since we read it. All of a window are due at one instant: their index is only ever appended to.
        """
        created, now, waits = to_ms(row.created_at), self._now, row.status == WdtStatus.WAITING
        since = self._window or created or now
        return (
            *(order_id, *self._whose, row.no, row.shop_no, row.payer_name, row.amount, int(row.is_red)),
            *(created, row.status, row.invoice_no, row.relation, row.content_hash, *self._when),
            *("PENDING" if waits else "MIRRORED", "", min(now, since), now),
        )


def when(seen: Seen) -> tuple[int, int, int | None, int | None]:
    """The cells that tell of a sighting: the request's number, its stamp, and the window."""
    start, end = seen.span or (None, None)
    return seen.seq, to_ms(seen.at), to_ms(start), to_ms(end)
