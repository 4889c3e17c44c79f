"""Whether a red invoice may be sent while its blue one may lie in a buyer's wallet. Pure.

The rule is advisory unless the settings say `block`: what nobody can tell, because the platform is down or the card
was never given to us, is decided by the settings at once and never by waiting for the platform.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from syncd.domain.wallet import Reimburse


class Mode(StrEnum):
    """How much a card's state counts."""

    OFF = "off"  # not looked at
    WARN = "warn"  # looked at and written down; the red goes
    BLOCK = "block"  # a locked card makes the red wait, a consumed one asks a person


@dataclass(frozen=True, slots=True)
class GuardRule:
    """The settings of the guard.

    `waits_when_unknown`: what cannot be known makes the red wait (else it goes). `fresh_for`: how long a look counts;
    `patience`: how long a look may take before it counts as unknown; `lock_limit`: how long a lock, or what cannot be
    known, is waited out from when the red order was first seen; then a person decides.
    """

    mode: Mode = Mode.WARN
    waits_when_unknown: bool = False
    fresh_for: timedelta = timedelta(minutes=5)
    patience: timedelta = timedelta(seconds=30)
    lock_limit: timedelta = timedelta(days=7)
    look_every: timedelta = timedelta(seconds=3)
    look_again: timedelta = timedelta(minutes=15)


class Looked(Protocol):
    """What is known of the card of a blue invoice; `store.cards.CardView` is one."""

    @property
    def status(self) -> Reimburse | None: ...

    @property
    def looked_at(self) -> datetime | None:
        """When its state was last read afresh."""
        ...

    @property
    def wanted_at(self) -> datetime | None:
        """Since when a fresh look is wanted; None once it was had, or missed."""
        ...

    @property
    def missed_at(self) -> datetime | None:
        """When a look was last tried in vain."""
        ...


@dataclass(frozen=True, slots=True)
class Go:
    """The red may be sent. `warning` is what to write down: lock, closure, cancel, unknown; empty for nothing."""

    warning: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """A fresh look is wanted (`tx.cards.want_look`); come back at `again_at`, or when woken."""

    again_at: datetime


@dataclass(frozen=True, slots=True)
class Wait:
    """The red waits until `until`, then this is asked again. `why`: lock, unknown."""

    until: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Person:
    """The buyer has booked the invoice, or keeps it locked too long, or it is reversed already. `why`: the state."""

    why: str


Guarded = Go | Look | Wait | Person

_WORDS = {Reimburse.LOCK: "lock", Reimburse.CLOSURE: "closure", Reimburse.CANCEL: "cancel"}


def guard(card: Looked | None, rule: GuardRule, since: datetime, now: datetime) -> Guarded:
    """What the wallet says to the red of a blue one whose card is `card`; `since`: when the red was first seen."""
    if rule.mode is Mode.OFF or card is None:
        return Go()
    known = _known(card, rule, since, now)
    if isinstance(known, Look):
        return known
    if known is None:
        if rule.mode is not Mode.BLOCK or not rule.waits_when_unknown:
            return Go("unknown")
        return Wait(now + rule.look_again, "unknown") if now - since < rule.lock_limit else Person("unknown")
    word = _WORDS.get(known)
    if word is None or rule.mode is Mode.WARN:
        return Go(word or "")
    if known is Reimburse.LOCK and now - since < rule.lock_limit:
        return Wait(now + rule.look_again, word)
    return Person(word)


def _known(card: Looked, rule: GuardRule, since: datetime, now: datetime) -> Reimburse | Look | None:
    """The card's state where it is known freshly, None where it cannot be, or that a look is needed first."""
    if card.status in (Reimburse.CLOSURE, Reimburse.CANCEL):
        return card.status  # there is no way back from these, whoever has shown them
    since = max(since, now - rule.fresh_for)  # what was seen before the red was known says nothing of now
    if card.looked_at is not None and card.looked_at > since:
        return card.status
    if card.missed_at is not None and card.missed_at > since:
        return None
    wanted = card.wanted_at or now
    if now - wanted >= rule.patience:
        return None
    return Look(min(now + rule.look_every, wanted + rule.patience))
