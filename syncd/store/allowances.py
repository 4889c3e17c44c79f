"""How many of a day's calls a credential has taken, one row for each that is counted by the day."""

from __future__ import annotations

from sqlalchemy import delete, insert, select

from syncd.store.schema import allowance
from syncd.store.store import Store


class Allowances:
    """One credential's row of the `allowance` table: the `DayBook` of an allowance."""

    def __init__(self, store: Store, platform: str, account: str) -> None:
        self._store = store
        self._platform = platform
        self._account = account

    async def take(self, day: str, most: int, portion: int) -> int:
        """Take up to `portion` of the `most` calls of `day`, durably; how many there were."""
        a = allowance.c
        ours = (a.platform == self._platform, a.account == self._account)
        async with self._store.begin(fact="allowance.taken", scope=f"allowance:{self._platform} {self._account}") as tx:
            row = (await tx.connection.execute(select(a.day, a.taken).where(*ours))).first()
            taken = row.taken if row is not None and row.day == day else 0
            granted: int = max(0, min(portion, most - taken))
            if granted:
                await tx.connection.execute(delete(allowance).where(*ours))
                values = {"platform": self._platform, "account": self._account, "day": day, "taken": taken + granted}
                await tx.connection.execute(insert(allowance).values(**values))
        return granted
