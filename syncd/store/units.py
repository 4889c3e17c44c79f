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

from sqlalchemy import not_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.domain.clock import Clock
from syncd.store import grants, question
from syncd.store.dialect import is_postgresql
from syncd.store.instants import from_ms, span_ms, to_ms
from syncd.store.schema import unit
from syncd.store.script import Ask, Cells, Script, Tell, play, rows_of, tell
from syncd.store.workers import Pulse

#: The longest sleep of a unit that has nothing to do: whatever gives it something wakes it.
LONGEST_SLEEP = timedelta(minutes=5)


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

    @property
    def unit(self) -> tuple[str, str]:
        return self.claim.stage, self.claim.key


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
        if units:
            await tell(self._connection, Tell(grants.ENSURE, [(stage, key, now) for stage, key in units]))

    async def due(self, stage: str) -> list[str]:
        """Keys of `stage` whose time has come and that nobody holds, longest waiting first."""
        await self.wake_all()
        due = await question.rows(self._connection, grants.due(self._by_database), k_stage=stage, **self._now())
        return [key for (key,) in due]

    async def due_of_all(self) -> list[Due]:
        """As `due`, of every stage at once."""
        await self.wake_all()
        slept = span_ms(LONGEST_SLEEP)
        due = await question.rows(self._connection, grants.due_of_all(self._by_database), slept=slept, **self._now())
        return [Due(stage, key, bool(rested)) for stage, key, rested in due]

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
        cells = {**grants.among(units), **self._now(), **self._until(claimed_at, lease), "in_owner": self._host.owner}
        granted = await question.rows(self._connection, grants.claim(self._by_database), **cells)
        lease_until, pulse = claimed_at + lease.total_seconds(), self._host.pulse
        return {
            (stage, key): Claim(stage, key, epoch, claimed_at, lease_until, notes, crashes, pulse, failures)
            for stage, key, epoch, notes, crashes, failures in granted
        }

    async def _waited(self, units: Collection[tuple[str, str]]) -> list[tuple[str, str]]:
        """Which of them can be claimed, once whoever writes under their last grants, or wakes them, has ended."""
        cells = {**grants.among(units), **self._now()}
        held = await question.rows(self._connection, grants.held(self._by_database), **cells)
        return [(stage, key) for stage, key in held]

    async def asleep(self, stage: str, keys: Collection[str]) -> list[str]:
        """Those of `keys` that came due because they have slept long enough, kept from everybody else until the end."""
        return [key for _, key in await self._waited([(stage, key) for key in keys])]

    async def sleep_on(self, stage: str, until: Mapping[str, datetime]) -> None:
        """Let these units, which are `asleep`, sleep on: nobody has taken a turn, and there was none to take."""
        now = to_ms(self._clock.now())
        if until:
            rows = [(to_ms(at), now, stage, key) for key, at in sorted(until.items())]
            await tell(self._connection, Tell(grants.SLEEP_ON, rows))

    def _until(self, since: float, lease: timedelta) -> dict[str, int]:
        """The end of a lease of `since`, which the database reckons from its own moment."""
        span = span_ms(lease)
        return {"c_span": span} if self._by_database else {"c_until": int(since * 1000) + span}

    @property
    def _boot(self) -> str:
        """What a lease is bound to; the database's clock outlives every boot."""
        return "" if self._by_database else self._host.boot

    def _now(self) -> dict[str, Any]:
        """What decides whether a unit can be claimed now."""
        return {"c_now": to_ms(self._clock.now()), **self._mono()}

    def _mono(self) -> dict[str, Any]:
        mono = {} if self._by_database else {"c_mono": int(self._clock.monotonic() * 1000)}
        return {"c_boot": self._boot, **mono}

    async def check(self, claim: Claim, grant: Sequence[Cells] | None = None) -> None:
        """Raises Fenced unless `claim` is still the newest grant, which is `grant` where this transaction has asked."""
        if grant is None:
            grant = await rows_of(self._connection, newest_grant(claim, shared=is_postgresql(self._connection)))
        if list(grant) != [(claim.epoch,)]:
            raise _fenced(claim)

    async def stale(self, claims: Collection[Claim]) -> set[tuple[str, str]]:
        """Units whose newest grant is not among `claims` any more; the others' stays so until this transaction ends."""
        units = [(claim.stage, claim.key) for claim in claims]
        now = await question.rows(self._connection, grants.EPOCHS, **grants.among(units))
        epochs = {(stage, key): epoch for stage, key, epoch in now}
        ours = {(claim.stage, claim.key): claim.epoch for claim in claims}
        return {one for one, epoch in ours.items() if epochs.get(one) != epoch}

    async def renew(self, claim: Claim, lease: timedelta) -> Claim:
        """The same grant for `lease` more. Raises Fenced when it is no longer ours."""
        renewed_at = self._clock.monotonic()
        await self.check(claim)
        await self._connection.execute(
            grants.renew(self._by_database),
            {
                "k_stage": claim.stage,
                "k_key": claim.key,
                "k_epoch": claim.epoch,
                **self._until(renewed_at, lease),
            },
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
        now = to_ms(self._clock.now())
        ended = await play(self._connection, _ended(grants.FINISH[is_postgresql(self._connection)], endings, now))
        self.woken.update(ended)
        return [None if one.unit in ended else _fenced(one.claim) for one in endings]

    async def give_back(self, claims: Sequence[Claim]) -> None:
        """No turn was had under these: their units are due now and otherwise as they were; a superseded one is not."""
        now = to_ms(self._clock.now())
        units = sorted((one.stage, one.key, one.epoch) for one in claims)
        await tell(self._connection, Tell(grants.GIVE_BACK, [(now, *one) for one in units]))
        self.woken.update({(stage, key): now for stage, key, _ in units})

    async def wake(self, stage: str, key: str, at: datetime | None = None) -> None:
        """Make the unit due at `at`, or now: part of the transaction that gives it something to do."""
        await self.wake_by(stage, key, 0 if at is None else to_ms(at))

    async def wake_by(self, stage: str, key: str, at: int) -> None:
        """As `wake`, for an instant in milliseconds."""
        due = max(at, to_ms(self._clock.now()))
        self.woken[stage, key] = min(due, self.woken.get((stage, key), due))
        self._to_wake.add((stage, key))

    def waking(self) -> list[Tell]:
        """What writes down who was woken: once each, at the end of a transaction, in an order that all of them keep."""
        if not self._to_wake:
            return []
        units, self._to_wake = sorted(self._to_wake), set()
        rows: list[tuple[Any, ...]] = [(self.woken[one], *one) for one in units]
        if is_postgresql(self._connection):
            return [Tell(grants.WAKE_BESIDE_OTHERS, rows)]
        return [Tell(grants.WAKE, [(*row, row[0]) for row in rows])]

    async def wake_all(self) -> None:
        """Write that down now."""
        for wake in self.waking():
            await tell(self._connection, wake)

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
            select(unit.c.owner)
            .where(unit.c.lease_until > 0, not_(grants.lost(self._by_database)))
            .distinct()
            .order_by(unit.c.owner),
            self._mono(),
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
                next_at=None if row.next_at == grants.RUNNING else from_ms(row.next_at),
                running=row.lease_until > 0,
                owner=row.owner,
                failures=row.failures,
                trouble=row.trouble,
                ran_at=from_ms(row.ran_at),
            )
            for row in rows
        ]


def _ended(sql: str, endings: Sequence[Ending], now: int) -> Script[dict[tuple[str, str], int]]:
    """When each unit is due that was still its claim's; all who hold several units hold them in this order."""
    ended: dict[tuple[str, str], int] = {}
    for one in sorted(endings, key=lambda ending: ending.unit):
        cells = (to_ms(one.next_at), one.failures, one.trouble, one.notes, one.crashes, now)
        for row in (yield Ask(sql, (*cells, *one.unit, one.claim.epoch))):
            ended[one.unit] = row[0]
    return ended


def newest_grant(claim: Claim, *, shared: bool) -> Ask:
    """The question for the epoch of the newest grant of this claim's unit. `shared`: on PostgreSQL."""
    return Ask(grants.EPOCH[shared], (claim.stage, claim.key))


def _fenced(claim: Claim) -> Fenced:
    return Fenced(f"{claim.stage}/{claim.key} epoch {claim.epoch}")


def half_spent(claim: Claim, monotonic: float) -> bool:
    """Whether half of the lease, or of the time we are believed in, is gone: no outside write may start after that."""
    unheard = claim.pulse is not None and claim.pulse.half_spent
    return unheard or monotonic - claim.claimed_at >= (claim.lease_until - claim.claimed_at) / 2


LEASE = timedelta(seconds=60)
