"""What one turn of write-back goes about with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from syncd.stages.turn import Brake, Merchant
from syncd.stages.write_back.plan import WriteBackRules
from syncd.store.orders import OrderId
from syncd.store.store import Store
from syncd.store.units import Claim


@dataclass(frozen=True, slots=True)
class Errand:
    """One merchant's turn. `take` is told of the order that is worked on in single file."""

    store: Store
    merchant: Merchant
    claim: Claim
    rules: WriteBackRules
    brake: Brake
    take: Callable[[OrderId], None]
