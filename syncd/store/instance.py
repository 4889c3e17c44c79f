"""What this store is: its id, how far it has gone, and whether it may write to anybody outside.

`epoch` counts the transactions that precede an outside write. A store found to be a copy, or put back from a backup, is
disarmed: whatever may have been sent in the time it has forgotten is doubted, which means asked about before anything
else is done with it (docs/decisions/0009).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import and_, case, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.domain.lifecycle import Phase, State
from syncd.domain.order import WDT_HAS_INVOICE
from syncd.store import question
from syncd.store.dialect import greatest, least
from syncd.store.instants import from_ms, to_ms
from syncd.store.schema import cursor, instance, invoice_order, journal, submission, unit
from syncd.store.script import Cells

#: The feeds that must be read again before a store knows what the world looks like.
_FEEDS = ("pending", "mirror")
#: Whys of a store in the middle of `syncd db move`: a copy that is not finished, the one that was left, the one that is
#: complete and waits for a person. Of the first two nothing but that command makes anything else.
MOVING, MOVED_AWAY, MOVED_HERE = "moving", "moved_away", "moved_here"
STUCK = (MOVING, MOVED_AWAY)
#: Sought by a late-issue sweep, not by when they are due.
_SWEPT = (State.FAILED, State.DONE85, State.CANCELLED)


#: What runs before every outside write is built once.
_I = instance.c
_SHOWN = (_I.id, _I.term, _I.epoch, _I.armed, _I.why, _I.about, _I.disarmed_at, _I.arm_asked_at, _I.asked_by, _I.other)
_HERE = select(*_SHOWN)
_ADVANCE = update(instance).values(epoch=_I.epoch + 1).returning(*_SHOWN)


class InAMove(Exception):
    """This store is what a move left behind, or a copy that it did not finish: nothing may work on it."""

    def __init__(self, why: str, about: str) -> None:
        super().__init__(f"{why}: {about}")
        self.why = why
        self.about = about


class Disarmed(Exception):
    """This store may not write to anybody outside; nothing was written, nothing may be sent."""


@dataclass(frozen=True, slots=True)
class Instance:
    """The one row. `why` is one word, empty while armed; `about` is for people."""

    id: str
    term: str
    epoch: int
    armed: bool
    why: str
    about: str
    disarmed_at: datetime | None  # kept when it is armed again: what is older may have been forgotten
    arm_asked_at: datetime | None
    asked_by: str
    other: str = ""  # the id of the store at the other end of a move

    @property
    def stuck(self) -> bool:
        """Never to be armed as it is: `syncd db move` began here, or ended."""
        return not self.armed and self.why in STUCK


@dataclass(frozen=True, slots=True)
class Rebuilding:
    """What is missing before a disarmed store may be armed, and what was found so far."""

    unread: tuple[tuple[str, str], ...] = ()  # (sid, feed) not read up to the present since the disarming
    unasked: dict[str, int] = field(default_factory=dict)  # per merchant, doubted orders nobody has asked about
    doubted: int = 0  # asked about, and still without a certain answer: each stays unsent by itself
    adopted: int = 0  # invoices found at an issuer
    held: int = 0
    pending: int = 0
    foreign: int = 0  # WDT shows an invoice, and this store has no record of it

    @property
    def complete(self) -> bool:
        return not self.unread and not self.unasked


class Instances:
    """The instance table, and the doubts that a disarming casts, inside one transaction."""

    def __init__(self, connection: AsyncConnection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def get(self) -> Instance | None:
        """This store; None before its first start."""
        found = await question.rows(self._connection, _HERE)
        return _view(found[0]) if found else None

    async def create(self) -> Instance:
        """Give the store its id; it is armed, and has sent nothing yet."""
        await self._connection.execute(insert(instance).values(one=1, id=_drawn(), term=_drawn(), epoch=0, armed=1))
        return await self._the()

    async def has_sent(self) -> bool:
        """Whether anything was ever submitted from here."""
        return bool(await self._connection.scalar(select(exists().where(submission.c.id.is_not(None)))))

    async def _the(self) -> Instance:
        found = await self.get()
        assert found is not None
        return found

    # -- going out -------------------------------------------------------------------------------------------------

    async def require_armed(self) -> None:
        """Raises Disarmed, with the reason."""
        here = await self.get()
        if here is not None and not here.armed:
            raise Disarmed(here.why)

    async def advance(self) -> Instance | None:
        """One more transaction that precedes an outside write; None for a store that was never started."""
        found = await question.rows(self._connection, _ADVANCE)
        return _view(found[0]) if found else None

    async def require_workable(self) -> None:
        """Raises InAMove."""
        here = await self.get()
        if here is not None and here.stuck:
            raise InAMove(here.why, here.about)

    async def new_term(self) -> Instance:
        """This process takes the store for itself."""
        await self._connection.execute(update(instance).values(term=_drawn()))
        return await self._the()

    # -- disarming and arming --------------------------------------------------------------------------------------

    async def disarm(self, why: str, about: str = "", epoch_seen: int = 0) -> int:
        """Send nothing from now on, and doubt whatever may have been sent unknown to us; returns how many orders.

        A store that is stuck in a move stays so, whatever else is found out about it.
        """
        stays = instance.c.why.in_(STUCK)
        await self._connection.execute(
            update(instance).values(
                armed=0,
                why=case((stays, instance.c.why), else_=why),
                about=case((stays, instance.c.about), else_=about),
                epoch=greatest(self._connection, instance.c.epoch, epoch_seen),
                disarmed_at=to_ms(self._now),
                arm_asked_at=None,
                asked_by="",
            )
        )
        await self._wake_collect()
        return await self._doubt()

    async def _wake_collect(self) -> None:
        u, now = unit.c, to_ms(self._now)
        await self._connection.execute(
            update(unit).where(u.stage == "collect").values(next_at=least(self._connection, u.next_at, now))
        )

    async def _doubt(self) -> int:
        """A held order is doubted too: it is asked about once a person has released it."""
        o, now = invoice_order.c, to_ms(self._now)
        handed_over = and_(o.state == State.INTENT, o.phase.in_((Phase.READY, Phase.REVIVABLE, Phase.SENT)))
        swept = o.state.in_(_SWEPT)
        done = await self._connection.execute(
            update(invoice_order)
            .where(
                or_(
                    o.state.in_((State.PENDING, State.INTENT, State.FAILED, State.HOLD)),
                    and_(swept, o.sweep_at.is_not(None)),
                )
            )
            .values(
                doubted_at=now,
                tries=0,
                unheard=0,
                missed_at=None,
                next_at=now,
                phase=case((handed_over, Phase.UNKNOWN), else_=o.phase),
                sweep_at=case((swept, now), else_=o.sweep_at),
            )
        )
        return done.rowcount

    async def ask_to_arm(self, by: str) -> None:
        """A person wants it armed as soon as what was forgotten is known again."""
        await self._connection.execute(update(instance).values(arm_asked_at=to_ms(self._now), asked_by=by))

    async def withdraw(self) -> None:
        """The person does not wait any longer."""
        await self._connection.execute(update(instance).values(arm_asked_at=None, asked_by=""))

    async def arm(self, epoch_seen: int, *, new_id: bool) -> Instance:
        """Send again, further than anybody has gone; under a new id where another store goes on under the old one."""
        here = await self._the()
        await self._connection.execute(
            update(instance).values(
                id=_drawn() if new_id else here.id,
                term=_drawn(),
                epoch=max(here.epoch, epoch_seen) + 1,
                armed=1,
                why="",
                about="",
                arm_asked_at=None,
                asked_by="",
            )
        )
        return await self._the()

    # -- moving ------------------------------------------------------------------------------------------------------

    async def begin_copy(self, of: Instance, about: str) -> Instance:
        """What an unfinished copy of `of` is: a store with an id of its own, beyond any epoch of the other line."""
        await self._connection.execute(
            insert(instance).values(
                one=1,
                id=_drawn(),
                term=_drawn(),
                epoch=of.epoch + 1,
                armed=0,
                why=MOVING,
                about=about,
                other=of.id,
                disarmed_at=to_ms(of.disarmed_at),
            )
        )
        return await self._the()

    async def hand_over(self, to: Instance, about: str) -> Instance:
        """This store goes on as `to`: nothing is ever sent from here again."""
        await self._connection.execute(
            update(instance).values(
                armed=0,
                why=MOVED_AWAY,
                about=about,
                other=to.id,
                epoch=to.epoch,
                arm_asked_at=None,
                asked_by="",
            )
        )
        return await self._the()

    async def take_over(self) -> Instance:
        """The copy is complete and the store it was made of will never send again: a person may arm this one."""
        await self._connection.execute(update(instance).values(why=MOVED_HERE))
        return await self._the()

    # -- getting the memory back -----------------------------------------------------------------------------------

    async def wants_reading(self, sid: str, feed: str) -> bool:
        """Whether this feed must be read up to the present, beyond what is settled, before anything is sent."""
        here = await self.get()
        if here is None or here.armed or here.disarmed_at is None:
            return False
        return (sid, feed) in await self._unread([sid], here.disarmed_at)

    async def caught_up(self, sid: str, feed: str, at: datetime) -> None:
        """A reading that began at `at` showed everything from the cursor to then."""
        c = cursor.c
        await self._connection.execute(
            update(cursor).where(c.sid == sid, c.feed == feed).values(caught_up_at=to_ms(at))
        )

    async def _unread(self, sids: Sequence[str], since: datetime) -> list[tuple[str, str]]:
        c, at = cursor.c, to_ms(since)
        rows = await self._connection.execute(
            select(c.sid, c.feed).where(c.sid.in_(sids), or_(c.position >= at, c.caught_up_at >= at))
        )
        read = {(sid, feed) for sid, feed in rows}
        return [(sid, feed) for sid in sids for feed in _FEEDS if (sid, feed) not in read]

    async def rebuilding(self, merchants: Mapping[str, str]) -> Rebuilding:
        """How far the store is from knowing what it has forgotten; `merchants` are sid → name, as configured."""
        here = await self.get()
        if here is None or here.armed or here.disarmed_at is None:
            return Rebuilding()
        unasked = await self._unasked(list(merchants.values()))
        story = await self._story(here.disarmed_at)
        return Rebuilding(
            unread=tuple(await self._unread(list(merchants), here.disarmed_at)),
            unasked=unasked,
            doubted=await self._doubted() - sum(unasked.values()),
            adopted=story.get("order.issued", 0),
            held=story.get("order.held", 0),
            pending=await self._count(invoice_order.c.state == State.PENDING),
            foreign=await self._count_doubted(
                and_(
                    invoice_order.c.state == State.MIRRORED,
                    invoice_order.c.wdt_status.in_([int(status) for status in WDT_HAS_INVOICE]),
                )
            ),
        )

    async def _unasked(self, merchants: Sequence[str]) -> dict[str, int]:
        o = invoice_order.c
        rows = await self._connection.execute(
            select(o.merchant, func.count())
            .where(o.doubted_at.is_not(None), o.tries + o.unheard == 0, o.merchant.in_(merchants), _askable())
            .group_by(o.merchant)
        )
        return {merchant: int(number) for merchant, number in rows}

    async def _doubted(self) -> int:
        return await self._count_doubted(_askable())

    async def _count_doubted(self, condition: Any) -> int:
        """Filtered, not selected: whoever looks for the state first reads a million rows that nobody doubts."""
        counted = select(func.count().filter(condition)).where(invoice_order.c.doubted_at.is_not(None))
        return int(await self._connection.scalar(counted) or 0)

    async def _story(self, since: datetime) -> dict[str, int]:
        j = journal.c
        rows = await self._connection.execute(
            select(j.event, func.count(func.distinct(j.order_id)))
            .where(j.at >= to_ms(since), j.event.in_(("order.issued", "order.held")))
            .group_by(j.event)
        )
        return {event: int(number) for event, number in rows}

    async def _count(self, condition: Any) -> int:
        found = await self._connection.scalar(select(func.count()).select_from(invoice_order).where(condition))
        return int(found or 0)


def _askable() -> Any:
    """Asked about by itself; a held or mirrored order is once it comes into one of these states."""
    o = invoice_order.c
    return or_(
        o.state.in_((State.PENDING, State.INTENT, State.FAILED)),
        and_(o.state.in_(_SWEPT), o.sweep_at.is_not(None)),
    )


def _drawn() -> str:
    return uuid4().hex


def _view(row: Cells) -> Instance:
    known, term, epoch, armed, why, about, disarmed_at, asked_at, asked_by, other = row
    return Instance(
        known, term, epoch, bool(armed), why, about, from_ms(disarmed_at), from_ms(asked_at), asked_by, other
    )
