"""What an issuer's word does to an order: the one place where an outcome is turned into a decision.

No edge here leads from silence to failure, from a first "no" to an 85, or to a second key while the first is not
provably dead (docs/lifecycle.md, rules 1–5).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from syncd.domain.invoice import Expected, Invoice
from syncd.domain.lifecycle import Hold, Phase, State
from syncd.domain.numbers import number_kind
from syncd.domain.order import WDT_HAS_INVOICE, WdtStatus
from syncd.domain.outcome import (
    Blocked,
    Duplicate,
    Failed,
    Issued,
    NotFound,
    Outcome,
    Processing,
    Refused,
    SealFailed,
    Split,
    Unknown,
    Voided,
)
from syncd.domain.ports import Class
from syncd.domain.retry import ask_again
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
    refusal: tuple[str, str] | None = None  # the code and text of a refusal to be confirmed
    tries: int = 0
    revives: int = 0
    most_revives: int = 20
    wdt_invoice_no: str = ""


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
    refusal: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Resend:
    """The same bytes under the same key may be sent again."""


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
class RestLane:
    """Not this invoice's fault: the lane rests, the order waits."""

    verdict: Verdict


Decision = Adopt | Wait | Resend | Fail | Repend | Drop | SetAside | Revive | RestLane

#: How long a second look must lie behind the first before "not found" is believed.
SECOND_LOOK = timedelta(seconds=2)


def judge_submission(case: Case, outcome: Outcome) -> Decision:
    """What the direct answer to a submission decides. A refusal is only noted: asking confirms it (T11)."""
    match outcome:
        case Refused(code, text):
            return Wait(Phase.REFUSED, timedelta(seconds=1), refusal=(code, text))
        case Failed(code, text):
            return Wait(Phase.REFUSED, timedelta(seconds=1), refusal=(code, text))
        case Duplicate() | NotFound():
            return Wait(Phase.UNKNOWN, timedelta(0))
        case Unknown(sent=False):
            return Wait(Phase.READY, ask_again(case.tries))
        case _:
            return _common(case, outcome)


def judge_answer(case: Case, outcome: Outcome, later: tuple[Outcome, ...], now: datetime) -> Decision:
    """What the issuer's answer about the order's own key decides.

    `later` are the answers about the following generations, in order, asked only when the own key is dead or
    unknown there: a rebuilt store may stand behind the generation that was issued.
    """
    if isinstance(outcome, NotFound | Failed):
        ahead = _ahead(case, later)
        if ahead is not None:
            return ahead
        return _dead(case, outcome, later, now)
    return _common(case, outcome)


def judge_earlier(number: str, earlier: tuple[Outcome, ...]) -> SetAside | None:
    """Whether an issuer has made good a generation it had listed as dead, beside the later one that was issued."""
    invoices = tuple(outcome.invoice for outcome in earlier if isinstance(outcome, Issued))
    alive = any(isinstance(outcome, Issued | Processing | SealFailed | Split) for outcome in earlier)
    if not alive:
        return None
    numbers = " ".join([number, *(invoice.number for invoice in invoices)])
    return SetAside(Hold.SPLIT_INVOICES, (("code", "second_invoice"), ("numbers", numbers)), invoices)


def _ahead(case: Case, later: tuple[Outcome, ...]) -> Decision | None:
    """A later generation that is alive decides; None when all of them are dead or unused."""
    for distance, outcome in enumerate(later, start=1):
        match outcome:
            case Issued(invoice):
                return _adopt(case, invoice, case.generation + distance)
            case NotFound() | Failed():
                continue
            case SealFailed():
                return _unsealed(case, outcome, case.generation + distance)
            case _:
                return _common(case, outcome)
    return None


def _common(case: Case, outcome: Outcome) -> Decision:
    match outcome:
        case Issued(invoice):
            return _adopt(case, invoice, case.generation)
        case Processing():
            return Wait(_waiting(case, Phase.ISSUING), ask_again(case.tries))
        case SealFailed():
            return _unsealed(case, outcome, case.generation)
        case Voided(invoice, text):
            return SetAside(Hold.VOIDED_OUTSIDE, (("text", text),), (invoice,) if invoice else ())
        case Split(invoices):
            return SetAside(Hold.SPLIT_INVOICES, (("numbers", " ".join(i.number for i in invoices)),), invoices)
        case Blocked(verdict):
            return RestLane(verdict)
        case _:
            return Wait(_waiting(case, Phase.UNKNOWN), ask_again(case.tries))


def _unsealed(case: Case, outcome: SealFailed, generation: int) -> Decision:
    if case.revives >= case.most_revives:
        return SetAside(Hold.ISSUED_UNSIGNED, (("text", outcome.text), ("serial", outcome.serial)))
    return Revive(outcome.serial, generation)


def _waiting(case: Case, phase: Phase) -> Phase:
    """Only an INTENT has phases of its own to wait in; a refusal stays one until it is confirmed."""
    if case.state is not State.INTENT or (case.phase is Phase.REFUSED and phase is Phase.UNKNOWN):
        return case.phase
    return phase


def _adopt(case: Case, invoice: Invoice, generation: int) -> Decision:
    """Ours only if buyer, total and colour agree to the cent; else both are shown side by side."""
    wrong = case.expected.disagreements(invoice) if case.expected else ("request",)
    if wrong:
        facts = (
            ("fields", " ".join(wrong)),
            ("number", invoice.number),
            ("issued_total", str(invoice.total)),
            ("wanted_total", str(case.expected.total) if case.expected else "?"),
        )
        return SetAside(Hold.KEY_COLLISION, facts, (invoice,))
    if number_kind(invoice.number, invoice.code) == "needs_attention":
        form = (("code", "invoice_number_form"), ("number", invoice.number), ("invoice_code", invoice.code))
        return SetAside(Hold.POISON_ROW, form, (invoice,))
    return Adopt(invoice, generation)


def _dead(case: Case, outcome: NotFound | Failed, later: tuple[Outcome, ...], now: datetime) -> Decision:
    """Nothing is alive under any generation."""
    if case.state is State.INTENT:
        return _dead_intent(case, outcome, now)
    if case.state is State.ISSUED:  # its number is ours and durable; an issuer that cannot find it proves nothing
        return Wait(case.phase, ask_again(case.tries))
    if case.wdt_status == WdtStatus.WAITING and case.phase is Phase.REPENDED:
        return Repend(_first_unused(case, outcome, later))
    return Drop(cancelled=case.wdt_status == WdtStatus.CANCELLED)


def _first_unused(case: Case, outcome: NotFound | Failed, later: tuple[Outcome, ...]) -> int:
    """The generation moves only past keys that the issuer itself lists as dead (T18)."""
    generation = case.generation
    for known in (outcome, *later):
        if not isinstance(known, Failed):
            break
        generation += 1
    return generation


def _dead_intent(case: Case, outcome: NotFound | Failed, now: datetime) -> Decision:
    if isinstance(outcome, Failed):
        if case.revives:  # it was seen to exist, unsealed: "failed" afterwards is for a person to look into
            return SetAside(Hold.ISSUED_UNSIGNED, (("text", outcome.text), ("serial", outcome.serial)))
        return Fail(outcome.code, outcome.text)
    if case.refusal is not None:
        return Fail(*case.refusal)
    if case.trust is Class.B:
        return SetAside(Hold.CLASS_B_NOT_FOUND)
    if case.trust is Class.C:
        return SetAside(Hold.CLASS_C_UNKNOWN)
    if not _settled(case, now):
        return Wait(Phase.UNKNOWN, _until_settled(case, now), missed=True)
    if case.wdt_status == WdtStatus.WAITING:
        return Resend()
    return _not_wanted(case)


def _not_wanted(case: Case) -> Decision:
    """Never taken by the issuer, and WDT no longer waits for it: sending it now would be nobody's wish."""
    if case.wdt_status == WdtStatus.CANCELLED:
        return Drop(cancelled=True)
    if case.wdt_status in WDT_HAS_INVOICE:
        return SetAside(Hold.FOREIGN_NUMBER, (("number", ""), ("wdt_number", case.wdt_invoice_no)))
    return Wait(Phase.UNKNOWN, ask_again(case.tries), missed=True)


def _settled(case: Case, now: datetime) -> bool:
    """ "Not found" counts after the issuer's settling time and on a second look (T09)."""
    looked_before = case.missed_at is not None and now - case.missed_at >= SECOND_LOOK
    return looked_before and case.sent_at is not None and now - case.sent_at >= case.settle_for


def _until_settled(case: Case, now: datetime) -> timedelta:
    sent_at = case.sent_at or now
    return max(SECOND_LOOK, min(ask_again(case.tries), sent_at + case.settle_for - now))
