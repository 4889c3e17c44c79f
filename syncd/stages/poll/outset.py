"""What a feed's turn must know before it asks, and what is written of an answer without rows: for many at once.

Most turns find nothing. Whoever begins at the same moment shares the look at the store; whoever hears "nothing" at
the same moment shares the transaction that moves the cursors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from syncd.stages.lane import WDT
from syncd.stages.turn import Merchant
from syncd.store.gathering import Gathered
from syncd.store.lanes import Standing
from syncd.store.store import Store
from syncd.store.units import Claim
from syncd.store.windows import Cursor, Done, Misplaced


@dataclass(frozen=True, slots=True)
class Outset:
    """How things stand as a turn begins: the lane to WDT, the feed's cursor, and whether the store is armed."""

    standing: Standing
    cursor: Cursor | None
    armed: bool


@dataclass(frozen=True, slots=True)
class Nothing:
    """A window without rows, that the turn under `claim` has read for this merchant."""

    claim: Claim
    merchant: Merchant
    done: Done


class Outsets:
    """Looks for the feeds of all merchants."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._looks = Gathered(self._look)
        self._moves = Gathered(self._move)

    async def of(self, merchant: Merchant, feed: str) -> Outset:
        """Raises StoreUnavailable."""
        return await self._looks.ask((merchant, feed))

    async def passed(self, nothing: Nothing) -> bool:
        """Move the cursor over a window without rows. Raises StoreUnavailable.

        False, and nothing is written, where there is more to it: the claim is no longer ours, the lane recovers, or
        somebody else's cursor does not fit. Then it wants a transaction of its own.
        """
        return await self._moves.ask(nothing)

    async def _look(self, feeds: Sequence[tuple[Merchant, str]]) -> list[Outset]:
        async with self._store.read() as tx:
            here = await tx.instance.get()
            standings = await tx.lanes.standings([merchant.name for merchant, _ in feeds], WDT)
            cursors = await tx.windows.places([(merchant.sid, feed) for merchant, feed in feeds])
        armed = here is None or here.armed
        return [
            Outset(standings.get(merchant.name, Standing()), cursors.get((merchant.sid, feed)), armed)
            for merchant, feed in feeds
        ]

    async def _move(self, found: Sequence[Nothing]) -> list[bool]:
        try:
            async with self._store.begin(fact="poll.nothing_new", lone=True) as tx:
                stale = await tx.units.stale([one.claim for one in found])
                unwell = await tx.lanes.unwell([one.merchant.name for one in found], WDT)
                plain = [
                    (one.claim.stage, one.claim.key) not in stale and one.merchant.name not in unwell for one in found
                ]
                done = [one.done for one, is_plain in zip(found, plain, strict=True) if is_plain]
                await tx.windows.move_all(sorted(done, key=lambda one: (one.sid, one.feed)))
        except Misplaced:
            return [False] * len(found)
        return plain
