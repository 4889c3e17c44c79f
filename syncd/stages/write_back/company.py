"""Whether a write-back waits for others to go with: a call that carries one document costs as much as one with twenty.

Orders that one page showed end within seconds of each other, but hardly ever at once. Where calls are scarce, the first
of them waits a little for those that will be asked about meanwhile; where they are not, nobody waits.
"""

from __future__ import annotations

from datetime import timedelta

from syncd.stages.turn import Merchant
from syncd.store.store import Tx

#: As long as so many calls take, at the credential's present pace, and never longer than that.
WORTH, LONGEST = 16, timedelta(seconds=20)


async def waits(tx: Tx, merchant: Merchant, batch: int) -> bool:
    """Whether less than a call's worth is owed, and more is likely to be before the first of it has waited too long."""
    if merchant.erp_pace is None:
        return False
    patience = min(WORTH * timedelta(seconds=merchant.erp_pace.spacing), LONGEST)
    owed = await tx.debts.due(merchant.name, "owed", batch)
    if not owed or len(owed) >= batch or any(debt.tries for debt in owed):
        return False
    until = min(debt.owed_at for debt in owed) + patience
    return tx.now < until and await tx.orders.asked_by(merchant.name, until)
