"""One turn at one unit: claim it, let the stage work, give it back under its epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from syncd.domain.mapping import MappingOptions
from syncd.domain.order import MerchantName
from syncd.domain.ports import Erp, Issuer
from syncd.domain.retry import backoff
from syncd.domain.trouble import Trouble
from syncd.store.store import Store, StoreUnavailable
from syncd.store.units import LEASE, Claim, Fenced

log = structlog.get_logger("syncd.stages")


@dataclass(frozen=True, slots=True)
class Merchant:
    """One merchant and the two parties it stands between."""

    name: MerchantName
    sid: str
    erp: Erp
    issuer: Issuer
    mapping: MappingOptions


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn leaves behind: when the unit is due again, and what it counted."""

    next_at: datetime
    tally: dict[str, int] = field(default_factory=dict)
    notes: str = ""


class Brake:
    """Pulled when the process is about to stop: what is under way ends, nothing new begins."""

    pulled = False

    def pull(self) -> None:
        """From now on every stage ends its turn at the next safe point."""
        self.pulled = True


class Stage(Protocol):
    """What the engine drives."""

    @property
    def name(self) -> str: ...

    @property
    def keys(self) -> Sequence[str]:
        """Every unit of this stage."""
        ...

    async def work(self, key: str, claim: Claim) -> Turn:
        """Do what is due for `key`; every write names `claim`."""
        ...


async def run_unit(store: Store, stage: Stage, key: str, rng: Callable[[], float]) -> Turn | None:
    """Claim, work, finish. None when somebody else has the unit or took it over meanwhile.

    A lost lease, a crash or a cancellation in here loses work, never a fact: what was committed stands, what was sent
    will be asked about.
    """
    try:
        async with store.begin() as tx:
            claim = await tx.units.claim(stage.name, key, LEASE)
            failures = await tx.units.failures(stage.name, key)
    except StoreUnavailable as error:
        log.warning("store.refused", stage=stage.name, unit=key, why=str(error))
        return None
    if claim is None:
        return None
    try:
        turn, trouble = await stage.work(key, claim), ""
        failures = 0
    except Fenced as fenced:
        log.warning("unit.fenced", stage=stage.name, unit=key, epoch=claim.epoch, why=str(fenced))
        return None
    except (Trouble, StoreUnavailable) as error:
        failures, trouble = failures + 1, str(error)
        turn = Turn(store.clock.now() + backoff(failures, rng, cap=300.0))
        log.warning("unit.troubled", stage=stage.name, unit=key, failures=failures, why=trouble)
    try:
        async with store.begin() as tx:
            await tx.units.finish(claim, next_at=turn.next_at, failures=failures, trouble=trouble, notes=turn.notes)
    except Fenced as fenced:
        log.warning("unit.fenced", stage=stage.name, unit=key, epoch=claim.epoch, why=str(fenced))
        return None
    except StoreUnavailable as error:  # the lease runs out and the unit is claimed again
        log.warning("store.refused", stage=stage.name, unit=key, why=str(error))
        return None
    return turn


def later(now: datetime, wait: timedelta, tally: dict[str, int] | None = None, notes: str = "") -> Turn:
    """A turn that ends here and comes back after `wait`."""
    return Turn(now + wait, tally or {}, notes)
