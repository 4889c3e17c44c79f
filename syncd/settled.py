"""When `run --once` is done: nothing is under way, and what is left is a person's, or comes due much later."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from syncd.arming import Arming
from syncd.stages.lane import TOP, YUANNIAN
from syncd.stages.turn import Merchant
from syncd.store.applications import STAGE as CENTRE
from syncd.store.instance import Rebuilding
from syncd.store.lanes import RESTING, Lane
from syncd.store.store import Store, Tx
from syncd.store.units import UnitView
from syncd.store.windows import Backfill

#: `run --once` waits for what is due within this time; what a card is owed later is never waited for.
SOON = timedelta(minutes=1)

#: Per merchant, how much comes due later, and the first instant of it.
Later = dict[str, tuple[int, datetime]]


@dataclass(frozen=True, slots=True)
class Settled:
    """How `run --once` stands. `unsettled` counts orders and applications, `stuck` names lanes that need a person."""

    done: bool
    unsettled: int
    held: int
    held_applications: int
    stuck: tuple[str, ...]
    disarmed: str = ""  # why nothing is sent
    later: int = 0  # of the unsettled, those that were put off
    next_at: datetime | None = None  # and when the first of them comes due

    @property
    def needs_a_person(self) -> bool:
        return self.held > 0 or self.held_applications > 0 or bool(self.stuck)


@dataclass(frozen=True, slots=True)
class _Seen:
    """One consistent look at what is left. `later…` is empty where nothing may be put off."""

    now: datetime
    units: Sequence[UnitView]
    backfills: Sequence[Backfill]
    cards: set[str]
    orders: Mapping[str, int]
    applications: Mapping[str, int]
    held: int
    held_applications: int
    later: Later
    later_applications: Later
    lanes: Sequence[Lane]
    rebuilding: Rebuilding

    @property
    def resting(self) -> list[Lane]:
        return [one for one in self.lanes if one.state != "open" and (one.until is None or one.until > self.now)]

    @property
    def stopped(self) -> list[Lane]:
        """Lanes that nothing but a person or the end of a pause opens: what waits for them is not waited for."""
        return [one for one in self.resting if one.state != RESTING or one.reason.startswith(("settings", "person"))]

    @property
    def paused_until(self) -> dict[str, datetime]:
        """Per merchant, when the last of the pauses that end by themselves is over."""
        found: dict[str, datetime] = {}
        for lane in self.stopped:
            if lane.state != RESTING and lane.until is not None and lane.platform not in (TOP, YUANNIAN):
                found[lane.merchant] = max(lane.until, found.get(lane.merchant, lane.until))
        return found


async def look(
    store: Store,
    arming: Arming,
    merchants: Sequence[Merchant],
    ours: Collection[tuple[str, str]],
    *,
    busy: bool,
    soon: timedelta | None = None,
    began_at: datetime | None = None,
) -> Settled:
    """What is still to be done, and whether only a person can do it. `ours`: stage and key of every unit there is.

    With `soon` it is also done when what is left comes due later than that, and only of what may be put off: an
    application at the invoice centre, a red order that waits for the buyer or for its blue invoice. Whatever else is
    unsettled is waited for, whenever it comes due. What was due at `began_at` has had its turn, too.
    """
    async with store.read() as tx:
        seen = await _seen(tx, arming, soon)
    here = await arming.instance()
    served = {str(one.name) for one in merchants if one.centre is not None}
    with_wallet = {str(one.name) for one in merchants if one.wallet is not None}
    put_off = _put_off(seen, served if here.armed else set())
    waits = _orders_wait(seen, arming.merchants) if here.armed else _rebuilt(seen.rebuilding, arming.merchants)
    at_centre = here.armed and _centre_waits(seen, served)
    cards = here.armed and (with_wallet & seen.cards) - {
        one.merchant for one in seen.resting if one.platform == YUANNIAN
    }
    elsewhere = {one.merchant for one in seen.stopped if one.platform not in (TOP, YUANNIAN)}  # these stop no order
    return Settled(
        done=not busy
        and not _unread(seen.units, ours, began_at)
        and waits <= elsewhere
        and not at_centre
        and not cards,
        unsettled=sum(seen.orders.values()) + (sum(seen.applications.values()) if here.armed else 0),
        held=seen.held,
        held_applications=seen.held_applications,
        stuck=tuple(lane.name for lane in seen.stopped if lane.state == RESTING or lane.until is None),
        disarmed="" if here.armed else here.why,
        later=sum(number for number, _ in put_off),
        next_at=min((at for number, at in put_off if number), default=None),
    )


async def _seen(tx: Tx, arming: Arming, soon: timedelta | None) -> _Seen:
    units = await tx.units.all()
    applications = await tx.applications.unsettled()
    later_applications: Later = {}
    if soon is not None:
        later_applications = await tx.board.later_applications(tx.now + soon)
        for unit in _asleep(units, tx.now + soon):  # a lane at rest, a ban, a spent day: it says when it goes on
            assert unit.next_at is not None
            later_applications[unit.key] = (applications.get(unit.key, 0), unit.next_at)
    return _Seen(
        now=tx.now,
        units=units,
        backfills=await tx.windows.open_backfills(),
        cards=await tx.cancels.pressing(SOON),
        orders=await tx.board.unsettled(),
        applications=applications,
        held=sum((await tx.board.by_hold()).values()),
        held_applications=sum((await tx.applications.by_hold()).values()),
        later=await tx.board.later_reds(tx.now + soon) if soon is not None else {},
        later_applications=later_applications,
        lanes=await tx.lanes.all(),
        rebuilding=await tx.instance.rebuilding(arming.merchants),
    )


def _put_off(seen: _Seen, served: set[str]) -> list[tuple[int, datetime]]:
    """What is left to another run: how much, and when. Behind a pause that ends by itself, all orders of a merchant."""
    behind = {name: (seen.orders[name], at) for name, at in seen.paused_until.items() if name in seen.orders}
    orders = {**seen.later, **behind}
    return [*orders.values(), *(found for name, found in seen.later_applications.items() if name in served)]


def _asleep(units: Sequence[UnitView], after: datetime) -> Iterator[UnitView]:
    """The centre's units that are well and do nothing up to `after`."""
    for unit in units:
        if unit.stage == CENTRE and not unit.running and not unit.failures and unit.next_at and unit.next_at > after:
            yield unit


def _unread(units: Sequence[UnitView], ours: Collection[tuple[str, str]], began_at: datetime | None) -> bool:
    """Whether a unit of ours has not had its first turn, or the one that was due at the beginning."""
    of_ours = [unit for unit in units if (unit.stage, unit.key) in ours]
    return any(unit.ran_at is None or (began_at and unit.next_at and unit.next_at <= began_at) for unit in of_ours)


def _orders_wait(seen: _Seen, sids: Mapping[str, str]) -> set[str]:
    """The merchants with orders, or history, that are still to be dealt with."""
    pressing = {name for name, number in seen.orders.items() if number > _number(seen.later, name)}
    return pressing | {sids[job.sid] for job in seen.backfills if job.sid in sids}


def _rebuilt(rebuilding: Rebuilding, sids: Mapping[str, str]) -> set[str]:
    """Nothing is sent: all that can be done is to learn what was forgotten."""
    return {*rebuilding.unasked, *(sids[sid] for sid, _ in rebuilding.unread)}


def _centre_waits(seen: _Seen, served: set[str]) -> bool:
    """Whether the centre is to be told something soon. Its lane stops applications alone, and no other lane does."""
    at_rest = {lane.merchant for lane in seen.stopped if lane.platform == TOP}
    due = {name for name, number in seen.applications.items() if number > _number(seen.later_applications, name)}
    return bool((due & served) - at_rest)


def _number(later: Later, name: str) -> int:
    return later[name][0] if name in later else 0
