"""Gauges that are counted from the store when somebody looks."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from syncd.store.lanes import OPEN, PAUSED, Lane
from syncd.store.store import Store, StoreUnavailable, Tx
from syncd.watch.metrics import Metrics

#: Lines of the journal that counters are made of.
_ISSUED, _FAILED, _UNKNOWN, _HELD = "order.issued", "order.failed", "order.unknown", "order.held"
_GAP = "poll.gap_found"
#: Where several transactions write at once, a line may become visible after so many later ones.
_SEEN_LATE = 500
#: The ledger is searched for gaps this often: it has a row for each day, feed and merchant.
_GAPS_EVERY = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Served:
    """One configured merchant: its name, its WDT account's id, and the issuer account it uses."""

    name: str
    sid: str
    account: str
    platform: str  # of the issuer: "nuonuo"

    @property
    def lanes(self) -> dict[str, tuple[str, str]]:
        """Each of its lanes, with the party that `Metrics.called` knows it by."""
        return {f"{self.name}/wdt": ("wdt", self.name), f"{self.name}/{self.account}": (self.platform, self.account)}


class Gauges:
    """Fills `metrics` from one store, for the merchants it serves. A cursor of any other is left out."""

    def __init__(
        self, metrics: Metrics, store: Store, merchants: Sequence[Served], *, counts: bool = True, calls: bool = True
    ) -> None:
        """Of many processes on one store some count what it holds and some make the calls; one alone does both."""
        self._counts = counts
        self._calls = calls
        self._metrics = metrics
        self._store = store
        self._merchants = tuple(merchants)
        self._names = {one.sid: one.name for one in merchants}
        self._gaps_at: datetime | None = None

    async def begin(self) -> None:
        """From here on the journal is counted. Raises StoreUnavailable."""
        async with self._store.read() as tx:
            await self._begin(tx)

    async def _begin(self, tx: Tx) -> None:
        self._metrics.journal_read_from = self._metrics.journal_read_to = await tx.journal.newest()

    async def look(self) -> None:
        """Set everything that describes the store to what it holds now; where it does not answer, `ready` says so."""
        if self._store.path is not None:
            self._files(self._store.path)
        self._metrics.reach(self._metrics.fence_rejected, self._store.fenced)
        try:
            async with self._store.read() as tx:
                if self._counts:
                    await self._count(tx)
                if self._calls:
                    await self._lanes_fresh(tx)
        except (StoreUnavailable, DBAPIError):  # the latter where the file is no database any more
            self._metrics.ready.set(0)
            return
        self._metrics.ready.set(1)

    async def _count(self, tx: Tx) -> None:
        await self._orders(tx)
        await self._applications(tx)
        await self._rows(tx)
        await self._lanes(tx)
        await self._windows(tx)
        await self._journal(tx)
        await self._fleet(tx)
        units = {(unit.stage, unit.key): float(unit.failures) for unit in await tx.units.all()}
        self._metrics.replace(self._metrics.unit_failures, units)

    async def _orders(self, tx: Tx) -> None:
        metrics, board, now = self._metrics, tx.board, tx.now
        orders = {(merchant, str(state)): float(n) for (merchant, state), n in (await board.by_state()).items()}
        metrics.replace(metrics.orders, orders)
        metrics.replace(metrics.held, {key: float(n) for key, n in (await board.by_hold()).items()})
        oldest = {(name, str(state)): _age(now, at) for (name, state), at in (await board.oldest()).items()}
        metrics.replace(metrics.oldest_seconds, oldest)
        metrics.replace(metrics.unknown_age_seconds, _ages(now, await board.oldest_unknown()))
        second = {(name,): float(count) for name, (count, _) in (await board.second_invoices()).items()}
        metrics.replace(metrics.second_invoice, second)
        metrics.replace(metrics.debts_open, {(target,): float(n) for target, n in (await board.debts()).items()})
        metrics.replace(metrics.debt_oldest_seconds, _ages(now, await board.oldest_debts()))

    async def _applications(self, tx: Tx) -> None:
        metrics = self._metrics
        states = {
            (merchant, str(state)): float(n) for (merchant, state), n in (await tx.applications.by_state()).items()
        }
        metrics.replace(metrics.applications, states)
        held = {key: float(n) for key, n in (await tx.applications.by_hold()).items()}
        metrics.replace(metrics.applications_held, held)

    async def _rows(self, tx: Tx) -> None:
        metrics, aside = self._metrics, await tx.board.set_aside()
        for merchant, (count, _) in aside.items():
            metrics.reach(metrics.rows_quarantined, count, merchant)
        newest = {(merchant,): _age(tx.now, at) for merchant, (_, at) in aside.items()}
        metrics.replace(metrics.quarantine_newest_seconds, newest)
        left = {(issuer,): -_age(tx.now, at) for issuer, at in (await tx.board.credentials()).items()}
        metrics.replace(metrics.credential_expires_seconds, left)
        metrics.replace(
            metrics.unclassified,
            {(name,): float(count) for name, count in (await tx.unclassified.by_platform()).items()},
        )

    async def _lanes(self, tx: Tx) -> None:
        metrics = self._metrics
        lanes = {lane.name: lane for lane in await tx.lanes.all()}
        resting = {(lane.name, care_of(lane)): float(at_rest(lane, tx.now)) for lane in lanes.values()}
        metrics.replace(metrics.lane_resting, resting)

    async def _lanes_fresh(self, tx: Tx) -> None:
        """Since when each lane has been silent to this process; of many, the smallest counts."""
        metrics, lanes = self._metrics, {lane.name: lane for lane in await tx.lanes.all()}
        fresh: dict[tuple[str], float] = {}
        for merchant in self._merchants:
            for name, (platform, party) in merchant.lanes.items():
                since = metrics.since_answer(platform, party)
                lane = lanes.get(name)
                if lane is not None and at_rest(lane, tx.now):  # no call went well since it began to rest
                    since = max(since, _age(tx.now, lane.since))
                fresh[(name,)] = since
        metrics.replace(metrics.lane_fresh_seconds, fresh)

    async def _windows(self, tx: Tx) -> None:
        metrics, now = self._metrics, tx.now
        cursors = [at for at in await tx.windows.cursors() if at.sid in self._names]
        place = {(self._names[at.sid], at.feed): at for at in cursors}
        metrics.replace(metrics.cursor_lag_seconds, {key: _age(now, at.position) for key, at in place.items()})
        metrics.replace(metrics.cursor_still_seconds, {key: _age(now, at.moved_at) for key, at in place.items()})
        left: dict[tuple[str], float] = {(merchant.name,): 0.0 for merchant in self._merchants}
        for job in await tx.windows.open_backfills():
            if job.sid in self._names:
                left[(self._names[job.sid],)] += (job.end - job.position).total_seconds()
        metrics.replace(metrics.backfill_seconds, left)
        if self._gaps_at is None or not timedelta(0) <= now - self._gaps_at < _GAPS_EVERY:
            await self._gaps(tx)

    async def _gaps(self, tx: Tx) -> None:
        gaps: dict[tuple[str], float] = {(merchant.name,): 0.0 for merchant in self._merchants}
        for gap in await tx.windows.gaps():
            if gap.sid in self._names:
                gaps[(self._names[gap.sid],)] += 1
        self._metrics.replace(self._metrics.cursor_gaps, gaps)
        self._gaps_at = tx.now

    async def _journal(self, tx: Tx) -> None:
        metrics = self._metrics
        if metrics.journal_read_to is None:
            await self._begin(tx)
            return
        counters = {_ISSUED: metrics.issued, _FAILED: metrics.refused, _UNKNOWN: metrics.unknown}
        since = max(metrics.journal_read_from, metrics.journal_read_to - _SEEN_LATE)
        counted = metrics.journal_counted
        for number, event, facts in await tx.journal.since(since, [*counters, _HELD, _GAP]):
            if number in counted:
                continue
            counted.add(number)
            if event in counters:
                counters[event].inc()
            elif event == _GAP:
                metrics.gap_found.inc(facts["rows"])
            elif facts.get("code") == "second_invoice":
                metrics.invariant_violation.inc()
            metrics.journal_read_to = max(number, metrics.journal_read_to)
        counted -= {number for number in counted if number <= metrics.journal_read_to - _SEEN_LATE}

    async def _fleet(self, tx: Tx) -> None:
        workers = await tx.workers.all()
        alive = Counter((worker.role,) for worker in workers if worker.alive)
        self._metrics.replace(self._metrics.workers, {role: float(number) for role, number in alive.items()})
        self._metrics.workers_silent.set(sum(not worker.alive for worker in workers))

    def _files(self, path: Path) -> None:
        """What the file system says; where it says nothing, the last known stays."""
        try:
            self._metrics.disk_free_bytes.set(disk_free(path))
            self._metrics.wal_bytes.set(wal_bytes(path))
        except OSError:
            return


def disk_free(store: Path) -> int:
    """Bytes the service may still write beside the store. Raises OSError."""
    stat = os.statvfs(store.parent)
    return stat.f_bavail * stat.f_frsize


def wal_bytes(store: Path) -> int:
    """Size of the write-ahead log; 0 while there is none."""
    try:
        return store.with_name(store.name + "-wal").stat().st_size
    except FileNotFoundError:
        return 0


def at_rest(lane: Lane, now: datetime) -> bool:
    """Whether nothing but a trial call uses the lane; a pause whose time is over counts no more."""
    over = lane.state == PAUSED and lane.until is not None and lane.until <= now
    return lane.state != OPEN and not over


def care_of(lane: Lane) -> str:
    """Why a lane rests, in one word; empty while it is open."""
    if lane.state == OPEN:
        return ""
    return "paused" if lane.state == PAUSED else lane.reason.partition(":")[0]


def _age(now: datetime, at: datetime) -> float:
    return (now - at).total_seconds()


def _ages(now: datetime, since: Mapping[str, datetime]) -> dict[tuple[str], float]:
    return {(key,): _age(now, at) for key, at in since.items()}
