"""Units of work: who may work on what, until when, and under which epoch.

A claim is one UPDATE whose row count is checked. Every later write names the epoch and is refused when another claim
has been granted since: a queue's lock is not a fence.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.domain.clock import Clock
from syncd.store.instants import from_ms, to_ms
from syncd.store.schema import unit

#: While a unit runs its next_at stands here, so that a wake in the meantime is seen when it finishes.
_RUNNING = 2**62
#: A step of the clock smaller than this (milliseconds) is left alone.
_CLOCK_WENT_BACK = 5_000


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

    @property
    def single_file(self) -> bool:
        """Two defects in a row: one order at a time from now on, so that the next one names the order."""
        return self.crashes >= 2


@dataclass(frozen=True, slots=True)
class Host:
    """This process on this boot: monotonic leases of an earlier boot mean nothing."""

    owner: str
    boot: str


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

    def __init__(self, connection: AsyncConnection, clock: Clock, host: Host) -> None:
        self._connection = connection
        self._clock = clock
        self._host = host

    async def ensure(self, stage: str, key: str) -> None:
        """Make the unit exist, due now."""
        known = await self._connection.execute(select(unit.c.epoch).where(unit.c.stage == stage, unit.c.key == key))
        if known.first() is None:
            await self._connection.execute(insert(unit).values(stage=stage, key=key, next_at=to_ms(self._clock.now())))

    async def due(self, stage: str) -> list[str]:
        """Keys of `stage` whose time has come and that nobody holds, longest waiting first."""
        rows = await self._connection.execute(
            select(unit.c.key).where(unit.c.stage == stage, self._claimable()).order_by(unit.c.next_at, unit.c.key)
        )
        return [row.key for row in rows]

    async def claim(self, stage: str, key: str, lease: timedelta) -> Claim | None:
        """Take the unit for `lease`, or None when it is not due or another holds it."""
        claimed_at = self._clock.monotonic()
        lease_until = claimed_at + lease.total_seconds()
        granted = await self._connection.execute(
            update(unit)
            .where(unit.c.stage == stage, unit.c.key == key, self._claimable())
            .values(
                epoch=unit.c.epoch + 1,
                lease_until=int(lease_until * 1000),
                lease_boot=self._host.boot,
                owner=self._host.owner,
                next_at=_RUNNING,
            )
            .returning(unit.c.epoch, unit.c.notes, unit.c.crashes)
        )
        row = granted.first()
        return None if row is None else Claim(stage, key, row.epoch, claimed_at, lease_until, row.notes, row.crashes)

    def _claimable(self) -> ColumnElement[bool]:
        mono = int(self._clock.monotonic() * 1000)
        now = to_ms(self._clock.now())
        idle = unit.c.lease_until == 0
        # A unit that ran in the future has seen the clock go back; its next_at means nothing.
        due = or_(unit.c.next_at <= now, and_(unit.c.ran_at.is_not(None), unit.c.ran_at > now + _CLOCK_WENT_BACK))
        lost = or_(unit.c.lease_boot != self._host.boot, unit.c.lease_until <= mono)
        return or_(and_(idle, due), and_(unit.c.lease_until > 0, lost))

    async def check(self, claim: Claim) -> None:
        """Raises Fenced unless `claim` is still the newest grant."""
        row = await self._connection.execute(
            select(unit.c.epoch)
            .where(unit.c.stage == claim.stage, unit.c.key == claim.key)
            .with_for_update(read=True)  # ignored by SQLite, whose writer is alone anyway
        )
        if row.scalar() != claim.epoch:
            raise Fenced(f"{claim.stage}/{claim.key} epoch {claim.epoch}")

    async def renew(self, claim: Claim, lease: timedelta) -> Claim:
        """The same grant for `lease` more. Raises Fenced when it is no longer ours."""
        await self.check(claim)
        lease_until = self._clock.monotonic() + lease.total_seconds()
        await self._connection.execute(
            update(unit)
            .where(unit.c.stage == claim.stage, unit.c.key == claim.key, unit.c.epoch == claim.epoch)
            .values(lease_until=int(lease_until * 1000))
        )
        return replace(claim, claimed_at=self._clock.monotonic(), lease_until=lease_until)

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
        done = await self._connection.execute(
            update(unit)
            .where(unit.c.stage == claim.stage, unit.c.key == claim.key, unit.c.epoch == claim.epoch)
            .values(
                next_at=func.min(unit.c.next_at, to_ms(next_at))
                if self._connection.dialect.name == "sqlite"
                else func.least(unit.c.next_at, to_ms(next_at)),
                lease_until=0,
                owner="",
                failures=failures,
                trouble=trouble,
                notes=notes,
                crashes=crashes,
                ran_at=to_ms(self._clock.now()),
            )
        )
        if done.rowcount != 1:
            raise Fenced(f"{claim.stage}/{claim.key} epoch {claim.epoch}")

    async def failures(self, stage: str, key: str) -> int:
        """How often in a row the unit ended in trouble."""
        found = await self._connection.execute(select(unit.c.failures).where(unit.c.stage == stage, unit.c.key == key))
        return int(found.scalar() or 0)

    async def wake(self, stage: str, key: str, at: datetime | None = None) -> None:
        """Make the unit due at `at`, or now: part of the transaction that gives it something to do."""
        await self.wake_by(stage, key, 0 if at is None else to_ms(at))

    async def wake_by(self, stage: str, key: str, at: int) -> None:
        """As `wake`, for an instant in milliseconds."""
        due = max(at, to_ms(self._clock.now()))
        await self._connection.execute(
            update(unit).where(unit.c.stage == stage, unit.c.key == key, unit.c.next_at > due).values(next_at=due)
        )

    async def take_over(self) -> int:
        """Void every lease: only for the process that holds the store's kernel lock, so that all holders are dead."""
        freed = await self._connection.execute(
            update(unit)
            .where(unit.c.lease_until > 0)
            .values(epoch=unit.c.epoch + 1, lease_until=0, owner="", next_at=to_ms(self._clock.now()))
        )
        return freed.rowcount

    async def all(self) -> list[UnitView]:
        """Every unit, by stage and key."""
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


def half_spent(claim: Claim, monotonic: float) -> bool:
    """Whether half of the lease is gone: no outside write may start after that."""
    return monotonic - claim.claimed_at >= (claim.lease_until - claim.claimed_at) / 2


LEASE = timedelta(seconds=60)
