"""What rate answers left behind, one row for each credential that ever got one: (platform, account)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, insert, or_, select, update

from syncd.domain.budget import Budget, Slowed, longest_rest
from syncd.store.instants import from_ms, to_ms
from syncd.store.schema import pace
from syncd.store.store import Store, Tx


class Paces:
    """One credential's page of the `pace` table: the `PaceBook` of a pacer."""

    def __init__(self, store: Store, platform: str, account: str) -> None:
        self._store = store
        self._platform = platform
        self._account = account

    async def slowed(self) -> Slowed | None:
        """What the last rate answer to any worker left behind; None before the first."""
        async with self._store.read() as tx:
            return await slowed(tx, self._platform, self._account)

    async def slow(self, ceiling: float, began_at: datetime, rest_for: float) -> Slowed:
        """Halve the rate and begin the rest, durably, unless another call's answer has done so since `began_at`."""
        p = pace.c
        async with self._store.begin(fact="pace.slowed") as tx:
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


@dataclass(frozen=True, slots=True)
class Ban:
    """No call of a credential before `until`; of one interface alone where `call` names it."""

    call: str
    until: datetime


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
    rows = await tx.connection.execute(
        select(pace.c.rate, pace.c.slowed_at, pace.c.until_at).where(
            pace.c.platform == platform, pace.c.account == account
        )
    )
    row = rows.first()
    return None if row is None else Slowed(row.rate / 1000, from_ms(row.slowed_at), from_ms(row.until_at))
