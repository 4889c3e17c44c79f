"""What can be decided about an order when its issuer has spoken, and what is known of the order when it does. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from syncd.domain.invoice import Expected, Invoice
from syncd.domain.lifecycle import Hold, Phase, State
from syncd.domain.ports import Class
from syncd.domain.trouble import Verdict


@dataclass(frozen=True, slots=True)
class Case:
    """The stored side of the question: what we sent, when, and what WDT shows."""

    state: State
    phase: Phase
    generation: int
    expected: Expected | None  # None: no request was ever frozen and the row cannot make one
    wdt_status: int
    trust: Class
    settle_for: timedelta
    sent_at: datetime | None = None  # the first time the current bytes may have left
    missed_at: datetime | None = None  # the first "not found" since then
    refusal: tuple[str, str] | None = None  # the code and text of a refusal, or of an unclassified answer
    tries: int = 0
    unheard: int = 0  # how many questions in a row nobody has answered
    revives: int = 0
    most_revives: int = 20
    restarts: int = 0  # how often the issuer was to go on with a key it lists as failed
    duplicates: int = 0  # how often this key was "known already" when it was submitted
    lane_is_open: bool = True  # False while nothing at all is issued: a stall then says nothing of this order
    unchanged: bool = False  # the row as last seen still asks for what was frozen
    platform: str = ""
    wdt_invoice_no: str = ""
    doubted_at: datetime | None = None  # may have been sent, by then, in a time that the store has forgotten
    restartable: bool = True  # the issuer can go on with a key that it lists as failed
    lapses_for: timedelta | None = None  # so long the buyer has time, counted from the sending


@dataclass(frozen=True, slots=True)
class Adopt:
    """The invoice is ours: record it and owe WDT a 60."""

    invoice: Invoice
    generation: int


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing is decided; ask again after `after`."""

    phase: Phase
    after: timedelta
    missed: bool = False  # this look found nothing: remember when
    duplicate: bool = False  # the key was known there already: count it
    refusal: tuple[str, str] | None = None
    unheard: bool = False  # nobody answered: this was no look, and the next one need not wait as if it had been
    until: datetime | None = None  # what it waits for is over by then


@dataclass(frozen=True, slots=True)
class Resend:
    """The same bytes under the same key may be sent again."""


@dataclass(frozen=True, slots=True)
class GoOn:
    """Listed as failed, and still wanted: the issuer goes on with the key of `generation` (push sees to it).

    Where the row has changed since, `generation` is the next one. `verdict`: why the whole lane rests.
    """

    generation: int
    after: timedelta = timedelta(0)
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Fail:
    """Confirmed not issued: owe WDT an 85."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Repend:
    """Confirmed dead and waiting again: a new submission under this generation."""

    generation: int


@dataclass(frozen=True, slots=True)
class Drop:
    """Nothing is ours to do: cancelled, or no longer waiting, and nothing issued."""

    cancelled: bool


@dataclass(frozen=True, slots=True)
class SetAside:
    """A person decides; `facts` are shown side by side, `invoices` are what exists."""

    hold: Hold
    facts: tuple[tuple[str, str], ...] = ()
    invoices: tuple[Invoice, ...] = ()


@dataclass(frozen=True, slots=True)
class Revive:
    """The invoice exists, its seal does not: have the issuer go on with the key of this generation."""

    serial: str
    generation: int


@dataclass(frozen=True, slots=True)
class Believe:
    """Doubted, and confirmed never to have been sent: it waits for its first submission like any other."""


@dataclass(frozen=True, slots=True)
class RestLane:
    """Not this invoice's fault: the lane rests, the order waits."""

    verdict: Verdict
    phase: Phase = Phase.UNKNOWN  # what an order that was on its way waits for meanwhile


Decision = Adopt | Wait | Resend | GoOn | Fail | Repend | Drop | SetAside | Revive | Believe | RestLane
