"""Units of work: who may work on what, until when, and under which epoch.

A claim is one UPDATE whose row count is checked. Every later write names the epoch and is refused when another claim
has been granted since: a queue's lock is not a fence.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, func, not_, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.domain.clock import Clock
from syncd.store.dialect import DATABASE_NOW, is_postgresql, upsert
from syncd.store.instants import from_ms, span_ms, to_ms
from syncd.store.schema import unit
from syncd.store.workers import MOST_OFF, Pulse, silent

#: While a unit runs its next_at stands here, so that a wake in the meantime is seen when it finishes.
_RUNNING = 2**62
#: The longest sleep of a unit that has nothing to do: whatever gives it something wakes it.
LONGEST_SLEEP = timedelta(minutes=5)
#: A step of the clock smaller than this (milliseconds) is left alone.
_CLOCK_WENT_BACK = 5_000
#: Nor is what the clocks of two hosts may differ by without either being astray.
_CLOCKS_DIFFER = _CLOCK_WENT_BACK + 2 * span_ms(MOST_OFF)


class Fenced(Exception):
    """This claim has been superseded: somebody else works on the unit now, and our late write is refused."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on (stage, key) under `epoch` until the monotonic instant `lease_until` (seconds)."""

    stage: str
    key: str
    epoch: int
    claimed_at: float
    lease_until: float
    notes: str
    crashes: int = 0  # how many turns in a row ended in a defect
    pulse: Pulse | None = None  # of this process, where others may take it for dead
    failures: int = 0  # how many turns in a row ended in trouble

    @property
    def single_file(self) -> bool:
        """Two defects in a row: one order at a time from now on, so that the next one names the order."""
        return self.crashes >= 2


@dataclass(frozen=True, slots=True)
class Ending:
    """How the turn under `claim` ended, and when the unit is due again."""

    claim: Claim
    next_at: datetime
    failures: int = 0
    trouble: str = ""
    notes: str = ""
    crashes: int = 0


@dataclass(frozen=True, slots=True)
class Host:
    """This process on this boot: monotonic leases of an earlier boot mean nothing."""

    owner: str
    boot: str
    pulse: Pulse | None = None


@dataclass(frozen=True, slots=True)
class Due:
    """A unit whose time has come. `rested`: only because it has slept for as long as anybody sleeps."""

    stage: str
    key: str
    rested: bool


class LeaseClock(StrEnum):
    """By whose clock a lease runs out: this host's monotonic one, or the database's, which all its workers share."""

    HOST = "host"
    DATABASE = "database"


@dataclass(frozen=True, slots=True)
class UnitView:
    """A unit as people see it."""

    stage: str
    key: str
    next_at: datetime | None
    running: bool
    owner: str
    failures: int
    trouble: str
    ran_at: datetime | None


class Units:
    """The unit table, inside one transaction."""

    def __init__(
        self, connection: AsyncConnection, clock: Clock, host: Host, leases: LeaseClock = LeaseClock.HOST
    ) -> None:
        self._connection = connection
        self._clock = clock
        self._host = host
        self._by_database = leases is LeaseClock.DATABASE
        #: (stage, key) → the instant (milliseconds) at which it is due because of this transaction.
        self.woken: dict[tuple[str, str], int] = {}
        self._to_wake: set[tuple[str, str]] = set()

    async def ensure(self, stage: str, key: str) -> None:
        """Make the unit exist, due now."""
        await self.ensure_all([(stage, key)])

    async def ensure_all(self, units: Sequence[tuple[str, str]]) -> None:
        """Make all of these exist, each due now."""
        now = to_ms(self._clock.now())
        rows = [{"stage": stage, "key": key, "next_at": now} for stage, key in units]
        if rows:
            await self._connection.execute(upsert(self._connection, unit).on_conflict_do_nothing(), rows)

    async def due(self, stage: str) -> list[str]:
        """Keys of `stage` whose time has come and that nobody holds, longest waiting first."""
        await self.wake_all()
        rows = await self._connection.execute(
            select(unit.c.key).where(unit.c.stage == stage, self._claimable()).order_by(unit.c.next_at, unit.c.key)
        )
        return [row.key for row in rows]

    async def due_of_all(self) -> list[Due]:
        """As `due`, of every stage at once."""
        await self.wake_all()
        rested = and_(
            unit.c.failures == 0, unit.c.lease_until == 0, unit.c.next_at - unit.c.ran_at >= span_ms(LONGEST_SLEEP)
        )
        rows = await self._connection.execute(
            select(unit.c.stage, unit.c.key, func.coalesce(rested, False))
            .where(self._claimable())
            .order_by(unit.c.next_at, unit.c.key)
        )
        return [Due(stage, key, bool(rested)) for stage, key, rested in rows]

    async def claim(self, stage: str, key: str, lease: timedelta) -> Claim | None:
        """Take the unit for `lease`, or None when it is not due or another holds it."""
        return (await self.claim_all([(stage, key)], lease)).get((stage, key))

    async def claim_all(self, units: Collection[tuple[str, str]], lease: timedelta) -> dict[tuple[str, str], Claim]:
        """Take those of `units` that are due and that nobody holds, each under an epoch of its own."""
        await self.wake_all()
        if self._host.pulse is not None and self._host.pulse.half_spent:
            return {}  # they would be somebody else's at once
        claimed_at = self._clock.monotonic()  # before the statement is sent: ours is believed in no longer than theirs
        if is_postgresql(self._connection):
            units = await self._waited(units)
        granted = await self._connection.execute(
            update(unit)
            .where(_among(units), self._claimable())
            .values(
                epoch=unit.c.epoch + 1,
                lease_until=self._until(claimed_at, lease),
                lease_boot=self._boot,
                owner=self._host.owner,
                next_at=_RUNNING,
            )
            .returning(unit.c.stage, unit.c.key, unit.c.epoch, unit.c.notes, unit.c.crashes, unit.c.failures)
        )
        lease_until, pulse = claimed_at + lease.total_seconds(), self._host.pulse
        return {
            (stage, key): Claim(stage, key, epoch, claimed_at, lease_until, notes, crashes, pulse, failures)
            for stage, key, epoch, notes, crashes, failures in granted
        }

    async def _waited(self, units: Collection[tuple[str, str]]) -> list[tuple[str, str]]:
        """Which of them can be claimed, once whoever writes under their last grants, or wakes them, has ended.

        All who hold several hold them in this order.
        """
        held = (
            select(unit.c.stage, unit.c.key)
            .where(_among(units), self._claimable())
            .order_by(unit.c.stage, unit.c.key)
            .with_for_update()
        )
        return [(row.stage, row.key) for row in await self._connection.execute(held)]

    async def asleep(self, stage: str, keys: Collection[str]) -> list[str]:
        """Those of `keys` that came due because they have slept long enough, kept from everybody else until the end."""
        return [key for _, key in await self._waited([(stage, key) for key in keys])]

    async def sleep_on(self, stage: str, until: Mapping[str, datetime]) -> None:
        """Let these units, which are `asleep`, sleep on: nobody has taken a turn, and there was none to take."""
        rows = [
            {"k_stage": stage, "k_key": key, "due": to_ms(at), "now": to_ms(self._clock.now())}
            for key, at in sorted(until.items())
        ]
        if rows:
            await self._connection.execute(_SLEEP, rows)

    def _until(self, since: float, lease: timedelta) -> Any:
        """The end of a lease as the row holds it: of `since` on the host, of this very moment in the database."""
        span = int(lease.total_seconds() * 1000)
        return DATABASE_NOW + span if self._by_database else int(since * 1000) + span

    @property
    def _boot(self) -> str:
        """What a lease is bound to; the database's clock outlives every boot."""
        return "" if self._by_database else self._host.boot

    def _lost(self) -> ColumnElement[bool]:
        """Of a unit that was granted: whether the lease is over, or whoever holds it was not heard for too long."""
        mono: Any = DATABASE_NOW if self._by_database else int(self._clock.monotonic() * 1000)
        over = or_(unit.c.lease_boot != self._boot, unit.c.lease_until <= mono)
        return or_(over, silent(unit.c.owner)) if self._by_database else over

    def _claimable(self) -> ColumnElement[bool]:
        now = to_ms(self._clock.now())
        idle = unit.c.lease_until == 0
        # A unit that ran in the future has seen the clock go back; its next_at means nothing.
        back = _CLOCKS_DIFFER if self._by_database else _CLOCK_WENT_BACK
        due = or_(unit.c.next_at <= now, and_(unit.c.ran_at.is_not(None), unit.c.ran_at > now + back))
        return or_(and_(idle, due), and_(unit.c.lease_until > 0, self._lost()))

    async def check(self, claim: Claim) -> None:
        """Raises Fenced unless `claim` is still the newest grant."""
        if await self._connection.scalar(_EPOCH, {"k_stage": claim.stage, "k_key": claim.key}) != claim.epoch:
            raise _fenced(claim)

    async def stale(self, claims: Collection[Claim]) -> set[tuple[str, str]]:
        """Units whose newest grant is not among `claims` any more; the others' stays so until this transaction ends."""
        among = _among([(claim.stage, claim.key) for claim in claims])
        newest = select(unit.c.stage, unit.c.key, unit.c.epoch).where(among).order_by(unit.c.stage, unit.c.key)
        rows = await self._connection.execute(newest.with_for_update(read=True, key_share=True))
        epochs = {(stage, key): epoch for stage, key, epoch in rows}
        ours = {(claim.stage, claim.key): claim.epoch for claim in claims}
        return {one for one, epoch in ours.items() if epochs.get(one) != epoch}

    async def renew(self, claim: Claim, lease: timedelta) -> Claim:
        """The same grant for `lease` more. Raises Fenced when it is no longer ours."""
        renewed_at = self._clock.monotonic()
        await self.check(claim)
        await self._connection.execute(
            update(unit)
            .where(unit.c.stage == claim.stage, unit.c.key == claim.key, unit.c.epoch == claim.epoch)
            .values(lease_until=self._until(renewed_at, lease))
        )
        return replace(claim, claimed_at=renewed_at, lease_until=renewed_at + lease.total_seconds())

    async def finish(
        self,
        claim: Claim,
        *,
        next_at: datetime,
        failures: int = 0,
        trouble: str = "",
        notes: str = "",
        crashes: int = 0,
    ) -> None:
        """Give the unit back, due at `next_at` or earlier if it was woken meanwhile. Raises Fenced."""
        (fenced,) = await self.finish_all([Ending(claim, next_at, failures, trouble, notes, crashes)])
        if fenced is not None:
            raise fenced

    async def finish_all(self, endings: Sequence[Ending]) -> list[Fenced | None]:
        """As `finish` for each, in the order given; a Fenced stands for whoever was superseded, and wrote nothing."""
        await self.wake_all()
        ran_at = to_ms(self._clock.now())
        in_order = sorted(endings, key=lambda one: (one.claim.stage, one.claim.key))
        await self._connection.execute(
            _FINISH_BESIDE_OTHERS if is_postgresql(self._connection) else _FINISH,
            [
                {
                    "k_stage": one.claim.stage,
                    "k_key": one.claim.key,
                    "k_epoch": one.claim.epoch,
                    "due": to_ms(one.next_at),
                    "in_failures": one.failures,
                    "in_trouble": one.trouble,
                    "in_notes": one.notes,
                    "in_crashes": one.crashes,
                    "at": ran_at,
                }
                for one in in_order
            ],
        )
        stands = await self._standing([(one.claim.stage, one.claim.key) for one in in_order])
        return [
            self._ended(one.claim, *stands.get((one.claim.stage, one.claim.key), (0, 0)), ran_at) for one in endings
        ]

    async def _standing(self, units: Collection[tuple[str, str]]) -> dict[tuple[str, str], tuple[int, int]]:
        """The epoch of each, and when it is due."""
        rows = await self._connection.execute(
            select(unit.c.stage, unit.c.key, unit.c.epoch, unit.c.next_at).where(_among(units))
        )
        return {(stage, key): (epoch, due) for stage, key, epoch, due in rows}

    def _ended(self, claim: Claim, epoch: int, due: int, now: int) -> Fenced | None:
        if epoch != claim.epoch:
            return _fenced(claim)
        if due <= now:  # it goes on at once
            self.woken[claim.stage, claim.key] = due
        return None

    async def wake(self, stage: str, key: str, at: datetime | None = None) -> None:
        """Make the unit due at `at`, or now: part of the transaction that gives it something to do."""
        await self.wake_by(stage, key, 0 if at is None else to_ms(at))

    async def wake_by(self, stage: str, key: str, at: int) -> None:
        """As `wake`, for an instant in milliseconds."""
        due = max(at, to_ms(self._clock.now()))
        self.woken[stage, key] = min(due, self.woken.get((stage, key), due))
        self._to_wake.add((stage, key))

    async def wake_all(self) -> None:
        """Write down who was woken: once each, at the end of a transaction, in an order that all of them keep."""
        if self._to_wake:
            units, self._to_wake = sorted(self._to_wake), set()
            rows = [{"k_stage": stage, "k_key": key, "due": self.woken[stage, key]} for stage, key in units]
            wake = _WAKE_BESIDE_OTHERS if is_postgresql(self._connection) else _WAKE
            await self._connection.execute(wake, rows if len(rows) > 1 else rows[0])

    async def take_over(self) -> int:
        """Void every lease: only for the process that holds the store's kernel lock, so that all holders are dead."""
        freed = await self._connection.execute(
            update(unit)
            .where(unit.c.lease_until > 0)
            .values(epoch=unit.c.epoch + 1, lease_until=0, owner="", next_at=to_ms(self._clock.now()))
        )
        return freed.rowcount

    async def held(self) -> list[str]:
        """Who holds a lease that is not over yet; a worker that was killed does until it is."""
        rows = await self._connection.execute(
            select(unit.c.owner).where(unit.c.lease_until > 0, not_(self._lost())).distinct().order_by(unit.c.owner)
        )
        return [row.owner for row in rows]

    async def all(self) -> list[UnitView]:
        """Every unit, by stage and key."""
        await self.wake_all()
        rows = await self._connection.execute(select(unit).order_by(unit.c.stage, unit.c.key))
        return [
            UnitView(
                stage=row.stage,
                key=row.key,
                next_at=None if row.next_at == _RUNNING else from_ms(row.next_at),
                running=row.lease_until > 0,
                owner=row.owner,
                failures=row.failures,
                trouble=row.trouble,
                ran_at=from_ms(row.ran_at),
            )
            for row in rows
        ]


def _among(units: Collection[tuple[str, str]]) -> ColumnElement[bool]:
    return tuple_(unit.c.stage, unit.c.key).in_(sorted(units))


def _fenced(claim: Claim) -> Fenced:
    return Fenced(f"{claim.stage}/{claim.key} epoch {claim.epoch}")


_ONE = (unit.c.stage == bindparam("k_stage"), unit.c.key == bindparam("k_key"))
#: A grant waits until this transaction has ended, and this one for a grant; a wake waits for neither. (SQLite, whose
#: writer is alone anyway, ignores it.)
_EPOCH = select(unit.c.epoch).where(*_ONE).with_for_update(read=True, key_share=True)
_WAKE = update(unit).where(*_ONE, unit.c.next_at > bindparam("due")).values(next_at=bindparam("due"))
#: Where others write too, a unit that is due already is held until this transaction is durable: granted before, it
#: would look in vain for what is being written here, and go to sleep.
_WAKE_BESIDE_OTHERS = update(unit).where(*_ONE).values(next_at=func.least(unit.c.next_at, bindparam("due")))
#: A unit that was woken during its turn is due when it was woken for.
_FINISH, _FINISH_BESIDE_OTHERS = (
    update(unit)
    .where(*_ONE, unit.c.epoch == bindparam("k_epoch"))
    .values(
        next_at=earlier(unit.c.next_at, bindparam("due")),
        lease_until=0,
        owner="",
        failures=bindparam("in_failures"),
        trouble=bindparam("in_trouble"),
        notes=bindparam("in_notes"),
        crashes=bindparam("in_crashes"),
        ran_at=bindparam("at"),
    )
    for earlier in (func.min, func.least)
)
_SLEEP = update(unit).where(*_ONE).values(next_at=bindparam("due"), ran_at=bindparam("now"), trouble="", notes="")


def half_spent(claim: Claim, monotonic: float) -> bool:
    """Whether half of the lease, or of the time we are believed in, is gone: no outside write may start after that."""
    unheard = claim.pulse is not None and claim.pulse.half_spent
    return unheard or monotonic - claim.claimed_at >= (claim.lease_until - claim.claimed_at) / 2


LEASE = timedelta(seconds=60)
