"""From a credential's limit to its pacer, whether this process has it alone or shares it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from syncd.domain.budget import longest_rest
from syncd.domain.clock import Clock
from syncd.store.paces import Paces
from syncd.store.store import Store
from syncd.wire.pace import Pacer


def paced(
    per_minute: float,
    clock: Clock,
    sleep: Callable[[float], Awaitable[object]],
    store: Store | None,
    credential: tuple[str, str],
) -> Pacer:
    """The pacer of (platform, account). Without a store that is ready, its pace is kept in memory alone.

    Whoever has the store for itself counts in memory, and begins one spacing after the last call of whoever had it
    before; the others take their places from the row of the credential.
    """
    book = None if store is None else Paces(store, *credential)
    return Pacer(
        per_minute,
        clock.monotonic,
        now=clock.now,
        sleep=sleep,
        book=book,
        places=None if store is None or store.alone else book,
        last_call_ago=store.silent_for if store is not None and store.alone else None,
        longest_rest=longest_rest(credential[0]),
    )
