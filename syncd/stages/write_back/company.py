"""Whether a call waits for others to go with: one that carries one document costs as much as one with twenty.

Orders that one page showed end within seconds of each other, but hardly ever at once. Where calls are scarce, the first
of them waits a little for those that will be asked about meanwhile; where they are not, nobody waits. A look shows all
that was sent before it, so it waits for what is about to be sent, wherever it is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from syncd.stages.turn import Merchant
from syncd.store.debts import Sought
from syncd.store.store import Tx

#: As long as so many calls take, at the credential's present pace, and never longer than that; no shorter wait is one.
WORTH, LONGEST, SHORTEST = 16, timedelta(seconds=20), timedelta(seconds=2)
#: So long a look waits for what it would show as well, and so soon that must be asked about, or be looked for anyway.
SEEN_WITHIN, SOON = timedelta(seconds=10), timedelta(seconds=5)


async def waits(tx: Tx, merchant: Merchant, batch: int) -> bool:
    """Whether less than a call's worth is owed, and more is likely to be before the first of it has waited too long."""
    if merchant.erp_pace is None:
        return False
    patience = min(WORTH * timedelta(seconds=merchant.erp_pace.spacing), LONGEST)
    if patience < SHORTEST:
        return False
    owed = await tx.debts.due(merchant.name, "owed", batch)
    if not owed or len(owed) >= batch or any(debt.tries for debt in owed):
        return False
    until = min(debt.owed_at for debt in owed) + patience
    return tx.now < until and await tx.orders.asked_by(merchant.name, until)


async def looks_at(tx: Tx, merchant: Merchant, sought: Sequence[Sought]) -> datetime:
    """When to look for these: a little later where the same look would show more, which is sent by then, or was just.

    Now where something has waited too long for that, or was not shown by a look before.
    """
    if any(one.looks or one.seen_at > one.sent_at for one in sought):
        return tx.now
    waits_until = min(one.sent_at for one in sought) + SEEN_WITHIN
    if waits_until <= tx.now:
        return tx.now
    if await tx.orders.asked_by(merchant.name, tx.now + SOON):
        return min(tx.now + SHORTEST, waits_until)
    just_sent = await tx.debts.last_sought(merchant.name, tx.now + SOON)
    return tx.now if just_sent is None else min(just_sent, waits_until)
