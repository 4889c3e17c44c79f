"""What is wrong now, read from the store: the outages people are told about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from syncd.domain.lifecycle import State
from syncd.domain.trouble import Care
from syncd.store.lanes import Lane
from syncd.store.store import Tx
from syncd.watch.alerts import Kind, Wrong
from syncd.watch.gauges import Served, at_rest, care_of, disk_free, wal_bytes

#: Below this the store soon takes no more; above that its log is no longer emptied.
LEAST_DISK = 500 * 2**20
MOST_WAL = 256 * 2**20
#: A start after a long stop finds old cursors and outcomes; for so long they are given time to catch up.
_CATCH_UP = timedelta(minutes=2)
_PERSON = (Care.PERSON, Care.SETTINGS)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long something may last before it is an outage."""

    resting_after: timedelta = timedelta(minutes=30)
    unknown_after: timedelta = timedelta(minutes=15)
    stale_after: timedelta = timedelta(minutes=30)


async def wrong_now(tx: Tx, merchants: Sequence[Served], limits: Limits, since_start: datetime) -> list[Wrong]:
    """Every outage the store shows. `since_start`: when this process began, for what has no instant of its own."""
    lanes = [lane for lane in await tx.lanes.all() if at_rest(lane, tx.now)]
    waiting = await tx.board.unsettled()
    found = [*_lanes(lanes, waiting, limits, tx.now)]
    found += await _held(tx)
    if not timedelta(0) <= tx.now - since_start < _CATCH_UP:
        found += await _unknown(tx, limits)
        found += await _cursors(tx, merchants, {lane.name for lane in lanes}, limits)
    here = await tx.instance.get()
    if here is not None and not here.armed:
        found.append(Wrong(Kind.DISARMED, here.disarmed_at or since_start))
    return found


def _lanes(lanes: Sequence[Lane], waiting: dict[str, int], limits: Limits, now: datetime) -> Iterator[Wrong]:
    """One outage for each kind and platform: an issuer account that is logged out stops every merchant that uses it."""

    def needs_person(lane: Lane) -> bool:
        return care_of(lane) in _PERSON

    def rests_long(lane: Lane) -> bool:
        return not needs_person(lane) and care_of(lane) != "paused" and now - lane.since >= limits.resting_after

    yield from _by_platform(Kind.LANE_PERSON, lanes, waiting, needs_person)
    yield from _by_platform(Kind.LANE_RESTING, lanes, waiting, rests_long)


def _by_platform(
    kind: Kind, lanes: Sequence[Lane], waiting: dict[str, int], chosen: Callable[[Lane], bool]
) -> Iterator[Wrong]:
    for platform in sorted({lane.platform for lane in lanes}):
        ours = [lane for lane in lanes if lane.platform == platform and chosen(lane)]
        if ours:
            rows = sum(waiting.get(lane.merchant, 0) for lane in ours)
            codes = sorted({lane.code for lane in ours if lane.code})
            yield Wrong(
                kind,
                min(lane.since for lane in ours),
                len(ours),
                tuple(lane.name for lane in ours),
                platform,
                (("waiting", str(rows)), ("codes", " ".join(codes[:5]))),
            )


async def _held(tx: Tx) -> list[Wrong]:
    found: list[Wrong] = []
    by_reason: Counter[str] = Counter()
    for (_, reason), count in (await tx.board.by_hold()).items():
        by_reason[reason] += count
    since_of = [at for (_, state), at in (await tx.board.oldest()).items() if state is State.HOLD]
    applications = sum((await tx.applications.by_hold()).values())
    if applications:
        by_reason["application"] = applications
        since_of.append(await tx.applications.oldest_held())
    if by_reason:
        since = min(since_of)
        facts = tuple((reason, str(count)) for reason, count in by_reason.most_common())
        found.append(Wrong(Kind.HELD, since, by_reason.total(), facts=facts))
    second = await tx.board.second_invoices()
    if second:
        since = min(at for _, at in second.values())
        orders = sum(count for count, _ in second.values())
        found.append(Wrong(Kind.SECOND_INVOICE, since, orders, tuple(sorted(second))))
    return found


async def _unknown(tx: Tx, limits: Limits) -> list[Wrong]:
    unknown = {
        merchant: at for merchant, at in (await tx.board.oldest_unknown()).items() if tx.now - at > limits.unknown_after
    }
    if not unknown:
        return []
    return [Wrong(Kind.UNKNOWN, min(unknown.values()), len(unknown), tuple(sorted(unknown)))]


async def _cursors(tx: Tx, merchants: Sequence[Served], resting: set[str], limits: Limits) -> list[Wrong]:
    """Work lists that are read no more; a merchant whose WDT lane rests has that told already."""
    names = {merchant.sid: merchant.name for merchant in merchants if f"{merchant.name}/wdt" not in resting}
    still = {
        names[at.sid]: at.moved_at
        for at in await tx.windows.cursors()
        if at.sid in names and at.feed == "pending" and tx.now - at.moved_at > limits.stale_after
    }
    if not still:
        return []
    return [Wrong(Kind.CURSOR, min(still.values()), len(still), tuple(sorted(still)))]


def store_parts(path: Path | None, *, answers: bool) -> tuple[str, ...]:
    """What is wrong with the store as a file: it does not answer, its disk is nearly full, its log grows.

    A store on PostgreSQL has no file here (`path` None): its server watches its own disk.
    """
    parts = [] if answers else ["unreadable"]
    if path is None:
        return tuple(parts)
    try:
        parts += ["disk"] if disk_free(path) < LEAST_DISK else []
        parts += ["wal"] if wal_bytes(path) > MOST_WAL else []
    except OSError:
        parts += ["disk"]
    return tuple(parts)
