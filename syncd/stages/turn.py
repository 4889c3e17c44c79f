"""One turn at one unit: claim it, let the stage work, give it back under its epoch."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from syncd.domain.application import CentreRules
from syncd.domain.centre import FileSource, InvoiceCentre
from syncd.domain.clock import Clock
from syncd.domain.mapping import MappingOptions
from syncd.domain.order import MerchantName
from syncd.domain.ports import Erp, Issuer
from syncd.domain.red_guard import GuardRule
from syncd.domain.retry import backoff
from syncd.domain.trouble import Care, Paced, Trouble, Verdict
from syncd.domain.wallet import CardSeal, Wallet
from syncd.stages.parking import set_aside
from syncd.store.instance import Disarmed
from syncd.store.orders import OrderId
from syncd.store.store import Store, StoreUnavailable
from syncd.store.units import LONGEST_SLEEP, Claim, Ending, Fenced, half_spent

log = structlog.get_logger("syncd.stages")

#: While the store is disarmed a unit that would write outside comes back this often; arming wakes it.
DISARMED_LOOKS_AGAIN = timedelta(seconds=60)


class Pace(Protocol):
    """The budget of one credential."""

    @property
    def spacing(self) -> float:
        """Seconds from one call to the next, at the present rate."""
        ...

    async def free_at(self, *, patient: bool = False) -> datetime:
        """When a call that asks now would begin; one that is `patient` lets the others go first."""
        ...


@dataclass(frozen=True, slots=True)
class WalletRules:
    """How one merchant's wallet is used.

    `since` is where the reading of the search feed begins, `every` how often it is read; `tax_nos` narrow it. `token`
    gives the access token of the merchant's own official account, for cards that were taken through it.
    """

    seal: CardSeal
    guard: GuardRule = field(default_factory=GuardRule)
    cancels: bool = False  # whether the card of a reversed invoice may be set to CANCEL
    every: timedelta = timedelta(minutes=15)
    settle: timedelta = timedelta(seconds=300)
    since: datetime | None = None
    tax_nos: tuple[str, ...] = ()
    page_size: int = 50
    token: Callable[[], str] = lambda: ""


@dataclass(frozen=True, slots=True)
class Merchant:
    """One merchant and the parties it stands between."""

    name: MerchantName
    sid: str
    erp: Erp
    issuer: Issuer
    mapping: MappingOptions
    sharers: tuple[str, ...] = ()  # the merchants, this one included, that use the same account at the issuer
    erp_pace: Pace | None = None
    issuer_pace: Pace | None = None
    wallet: Wallet | None = None
    wallet_pace: Pace | None = None
    wallet_rules: WalletRules | None = None  # there where `wallet` is
    centre: InvoiceCentre | None = None
    centre_pace: Pace | None = None
    centre_sharers: tuple[str, ...] = ()  # the merchants that use the same application at the centre
    centre_rules: CentreRules | None = None  # there where `centre` is
    files: FileSource | None = None


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
        """Do what is due for `key`; every write names `claim`. With `claim.single_file`, one order at a time."""
        ...

    def at_hand(self, key: str) -> OrderId | None:
        """The order that a turn in single file was at work on, if there was one."""
        ...


async def run_unit(store: Store, stage: Stage, key: str, rng: Callable[[], float]) -> Turn | None:
    """Claim, work, finish. None when somebody else has the unit or took it over meanwhile.

    A lost lease, a crash or a cancellation in here loses work, never a fact: what was committed stands, what was sent
    will be asked about. A defect passes through, but first the unit is given back, later and later.
    """
    try:
        claim = await store.desk.claim(stage.name, key)
    except StoreUnavailable as error:
        log.warning("store.refused", stage=stage.name, unit=key, why=str(error))
        return None
    if claim is None:
        return None
    failures = claim.failures
    unheard: Verdict | None = None
    ended = False
    try:
        turn, trouble = await stage.work(key, claim), ""
        ended, failures = True, 0
    except Fenced as fenced:
        ended = True
        log.warning("unit.fenced", stage=stage.name, unit=key, epoch=claim.epoch, why=str(fenced))
        return None
    except Disarmed:  # no failure: the store may not write outside until a person has armed it
        ended = True
        turn, trouble = later(store.clock.now(), DISARMED_LOOKS_AGAIN, notes=claim.notes), ""
    except Paced as paced:  # no failure: the credential rests
        ended = True
        turn, trouble = Turn(paced.until, notes=claim.notes), ""
    except (Trouble, StoreUnavailable) as error:
        ended = True
        failures, trouble = failures + 1, str(error)
        turn = Turn(store.clock.now() + backoff(failures, rng, cap=300.0), notes=claim.notes)
        log.warning("unit.troubled", stage=stage.name, unit=key, failures=failures, why=trouble)
        if isinstance(error, Trouble) and error.verdict.care is Care.UNCLASSIFIED:
            unheard = error.verdict
    finally:
        if not ended:  # a defect, or the end of the process; either is on its way up through here
            await _give_back_after_a_defect(store, stage, claim, failures + 1, rng)
    return await _finish(store, stage, claim, turn, failures, trouble, unheard)


async def _finish(
    store: Store, stage: Stage, claim: Claim, turn: Turn, failures: int, trouble: str, unheard: Verdict | None
) -> Turn | None:
    try:
        if unheard is None:
            await store.desk.finish(Ending(claim, turn.next_at, failures, trouble, turn.notes))
        else:
            async with store.begin(fact="unit.finished", lone=True) as tx:
                await tx.units.finish(claim, next_at=turn.next_at, failures=failures, trouble=trouble, notes=turn.notes)
                await tx.unclassified.seen(unheard)
    except Fenced as fenced:
        log.warning("unit.fenced", stage=stage.name, unit=claim.key, epoch=claim.epoch, why=str(fenced))
        return None
    except StoreUnavailable as error:  # the lease runs out and the unit is claimed again
        log.warning("store.refused", stage=stage.name, unit=claim.key, why=str(error))
        return None
    return turn


async def _give_back_after_a_defect(
    store: Store, stage: Stage, claim: Claim, failures: int, rng: Callable[[], float]
) -> None:
    """After two defects in a row a stage works in single file; the order at hand at the next one is set aside."""
    error = sys.exc_info()[1]
    if not isinstance(error, Exception):  # cancelled: the lease, or the next start, takes care of it
        return
    order = stage.at_hand(claim.key) if claim.single_file else None
    next_at = store.clock.now() + backoff(min(failures, 4), rng, cap=300.0)
    try:
        async with store.begin(claim, fact="unit.crashed") as tx:
            if order is not None:
                await set_aside(tx, order, type(error).__name__)
            trouble = f"defect: {type(error).__name__}"
            await tx.units.finish(
                claim, next_at=next_at, failures=failures, trouble=trouble, notes=claim.notes, crashes=claim.crashes + 1
            )
    except (Fenced, StoreUnavailable) as gone:
        log.warning("unit.fenced", stage=stage.name, unit=claim.key, epoch=claim.epoch, why=str(gone))


def later(now: datetime, wait: timedelta, tally: dict[str, int] | None = None, notes: str = "") -> Turn:
    """A turn that ends here and comes back after `wait`."""
    return Turn(now + wait, tally or {}, notes)


#: A turn begins nothing new after so many seconds: the unit goes to the back of the line, and others have their turn.
TURN_FOR = 10.0


def share_spent(claim: Claim, monotonic: float) -> bool:
    """Whether this turn has had its share."""
    return monotonic - claim.claimed_at >= TURN_FOR


def refuse_late(claim: Claim, clock: Clock) -> None:
    """Asked right before an outside write. Raises Paced, until now, once half of the lease is spent: a later turn's."""
    if half_spent(claim, clock.monotonic()):
        raise Paced(clock.now())


def sleep(now: datetime, every: timedelta, due: datetime | None, tally: dict[str, int] | None = None) -> Turn:
    """A turn that ends here and comes back when something is `due`, no sooner than `every` and not much later."""
    wake_at = now + LONGEST_SLEEP if due is None else min(due, now + LONGEST_SLEEP)
    return Turn(max(wake_at, now + every), tally or {})
