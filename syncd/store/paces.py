"""What rate answers left behind, one row for each credential that ever got one: (platform, account).

And the line before a credential that several workers share: one row that says until when its places are given away.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, and_, delete, func, insert, or_, select, update

from syncd.domain.budget import Budget, Slowed, longest_rest
from syncd.domain.trouble import Paced
from syncd.store import question
from syncd.store.dialect import DATABASE_NOW, is_postgresql
from syncd.store.instants import from_ms, to_ms
from syncd.store.question import Among
from syncd.store.schema import pace, pace_taken, unit
from syncd.store.script import Ask, rows_of
from syncd.store.troubles import StoreUnavailable
from syncd.store.units import LeaseClock

if TYPE_CHECKING:
    from syncd.store.store import Store, Tx

#: Nobody has a place later than this many seconds and places from now; a row that says so was written by a clock that
#: has been set back since.
_FURTHEST_FOR, _FURTHEST_PLACES = 120.0, 64
#: Without the store no place can be had; it is asked again after this.
_WITHOUT_STORE = timedelta(seconds=2)
_MICRO = 1_000_000
_SLOWED = select(pace.c.platform, pace.c.account, pace.c.rate, pace.c.slowed_at, pace.c.until_at).where(
    Among(pace.c.platform, "platforms", "TEXT"), Among(pace.c.account, "accounts", "TEXT")
)
_TAKE = """
INSERT INTO pace_taken (platform, account, taken_until) VALUES (?, ?, {now} + ?)
ON CONFLICT (platform, account) DO UPDATE SET taken_until = CASE
    WHEN pace_taken.taken_until > {now} + ? THEN {now}
    ELSE {greatest}(pace_taken.taken_until, {now})
  END + ?
RETURNING taken_until, {now}
"""


class Paces:
    """One credential's page of the `pace` table: the `PaceBook` of a pacer, and its `PlaceBook`."""

    def __init__(self, store: Store, platform: str, account: str) -> None:
        self._store = store
        self._platform = platform
        self._account = account

    async def slowed(self) -> Slowed | None:
        """What the last rate answer to any worker left behind; None before the first."""
        return await self._store.desk.slowed(self._platform, self._account)

    async def slow(self, ceiling: float, began_at: datetime, rest_for: float) -> Slowed:
        """Halve the rate and begin the rest, durably, unless another call's answer has done so since `began_at`."""
        p = pace.c
        async with self._store.begin(fact="pace.slowed", scope=f"pace:{self._platform} {self._account}") as tx:
            before = await slowed(tx, self._platform, self._account)
            after = Budget(ceiling, before).after_rate_answer(tx.now, began_at, rest_for).slowed
            assert after is not None
            await tx.connection.execute(delete(pace).where(p.platform == self._platform, p.account == self._account))
            await tx.connection.execute(
                insert(pace).values(
                    platform=self._platform,
                    account=self._account,
                    rate=round(after.rate * 1000),
                    slowed_at=to_ms(after.at),
                    until_at=to_ms(after.until),
                )
            )
        return after

    async def take(self, places: int, spacing: float) -> float:
        """Take so many places in a row, `spacing` seconds apart; in how many seconds the first one comes.

        One statement, so that whoever asks at the same moment gets the places behind; by the clock by which units are
        leased. What was taken stays taken, whatever becomes of the taker. Raises Paced where the store does not answer.
        """
        try:
            async with self._store.begin(fact="pace.taken", lone=True) as tx:
                return await self._take(tx, places, spacing)
        except StoreUnavailable as error:
            raise Paced(self._store.clock.now() + _WITHOUT_STORE) from error

    async def _take(self, tx: Tx, places: int, spacing: float) -> float:
        by_database = self._store.leases is LeaseClock.DATABASE
        now = () if by_database else (to_ms(tx.now) * 1000,)
        span, furthest = round(places * spacing * _MICRO), round((_FURTHEST_FOR + _FURTHEST_PLACES * spacing) * _MICRO)
        cells = (self._platform, self._account, *now, span, *now, furthest, *now, *now, span, *now)
        taking = Ask(_take_words(by_database, is_postgresql(tx.connection)), cells)
        ((until, present),) = await rows_of(tx.connection, taking)
        return float(until - span - present) / _MICRO


@cache
def _take_words(by_database: bool, shared: bool) -> str:
    """`_TAKE` by the database's clock, or with a value for each `now`."""
    given = "CAST(? AS BIGINT)" if shared else "?"
    words = _TAKE.replace("{now}", f"{DATABASE_NOW} * 1000" if by_database else given)
    return words.replace("{greatest}", "GREATEST" if shared else "MAX")


@dataclass(frozen=True, slots=True)
class Ban:
    """No call of a credential before `until`; of one interface alone where `call` names it."""

    call: str
    until: datetime


async def silent_for(tx: Tx) -> float:
    """For so many seconds nobody who works on this store has called anybody; 0.0 where that is not sure.

    Units say when their last turn ended, and are held while one is under way; commands say which places they took.
    """
    u = unit.c
    held = await tx.connection.scalar(select(u.key).where(u.lease_until > 0).limit(1))
    ended = await tx.connection.scalar(select(func.max(u.ran_at)))
    if held is not None or ended is None:
        return 0.0
    taken = await tx.connection.scalar(select(func.max(pace_taken.c.taken_until))) or 0
    last = max(int(ended), int(taken) // 1000)
    return max(0.0, (to_ms(tx.now) - last) / 1000)


async def bans(tx: Tx, platform: str, account: str) -> list[Ban]:
    """What the party forbids this credential now, the longest first; a ban of one interface is kept under "KEY CALL".

    A rest too long for any party was noted while our clock was ahead, and forbids nothing.
    """
    p = pace.c
    rows = await tx.connection.execute(
        select(p.account, p.until_at).where(
            _of(platform, account),
            p.until_at > to_ms(tx.now),
            p.until_at <= to_ms(tx.now + longest_rest(platform)),
        )
    )
    found = [Ban(row.account.removeprefix(account).strip(), from_ms(row.until_at)) for row in rows]
    return sorted(found, key=lambda ban: ban.until, reverse=True)


async def lift(tx: Tx, platform: str, account: str) -> None:
    """A person says that the party forbids nothing any more. The rate stays as low as it was, and grows back."""
    p = pace.c
    await tx.connection.execute(
        update(pace).where(_of(platform, account), p.until_at > to_ms(tx.now)).values(until_at=to_ms(tx.now))
    )


def _of(platform: str, account: str) -> ColumnElement[bool]:
    p = pace.c
    return and_(p.platform == platform, or_(p.account == account, p.account.startswith(f"{account} ", autoescape=True)))


async def slowed(tx: Tx, platform: str, account: str) -> Slowed | None:
    """The row of one credential, as people and pacers need it."""
    return (await slowed_all(tx, [(platform, account)])).get((platform, account))


async def slowed_all(tx: Tx, credentials: Collection[tuple[str, str]]) -> dict[tuple[str, str], Slowed]:
    """The rows of those that have one."""
    platforms, accounts = ([*{one[part] for one in credentials}] for part in (0, 1))
    rows = await question.rows(tx.connection, _SLOWED, platforms=platforms, accounts=accounts)
    return {
        (platform, account): Slowed(rate / 1000, from_ms(slowed_at), from_ms(until_at))
        for platform, account, rate, slowed_at, until_at in rows
        if (platform, account) in credentials
    }
