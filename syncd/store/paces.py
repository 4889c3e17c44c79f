"""What rate answers left behind, one row for each credential that ever got one: (platform, account)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, insert, select

from syncd.domain.budget import Budget, Slowed
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


async def slowed(tx: Tx, platform: str, account: str) -> Slowed | None:
    """The row of one credential, as people and pacers need it."""
    rows = await tx.connection.execute(
        select(pace.c.rate, pace.c.slowed_at, pace.c.until_at).where(
            pace.c.platform == platform, pace.c.account == account
        )
    )
    row = rows.first()
    return None if row is None else Slowed(row.rate / 1000, from_ms(row.slowed_at), from_ms(row.until_at))
