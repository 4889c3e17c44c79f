"""What an issuer's word does to an order: the one place where an outcome is turned into a decision.

No edge here leads from silence to failure, from a first "no" to an 85, or to a second key while the first is not
provably dead (docs/lifecycle.md, rules 1–5).
"""

from __future__ import annotations

from datetime import datetime, timedelta

from syncd.domain.decision import (
    Adopt,
    Believe,
    Case,
    Decision,
    Drop,
    Fail,
    GoOn,
    Repend,
    Resend,
    RestLane,
    Revive,
    SetAside,
    Wait,
)
from syncd.domain.invoice import Invoice
from syncd.domain.lifecycle import Hold, Phase, State
from syncd.domain.numbers import number_kind
from syncd.domain.order import WDT_HAS_INVOICE, WdtStatus
from syncd.domain.outcome import (
    Agreed,
    AlreadyReversed,
    Blocked,
    Dead,
    Duplicate,
    Failed,
    Issued,
    NotFound,
    Outcome,
    Processing,
    Refused,
    SealFailed,
    Split,
    Stalled,
    Stopped,
    Unknown,
    Voided,
)
from syncd.domain.ports import Class
from syncd.domain.retry import ask_again
from syncd.domain.texts import cut, without_identifiers
from syncd.domain.trouble import Verdict

#: How long a second look must lie behind the first before "not found" is believed.
SECOND_LOOK = timedelta(seconds=2)
#: So often an issuer goes on with what it has failed, each time somebody wants it again; then it has failed.
MOST_RESTARTS = 3
#: So often it goes on with what failed for want of a login or a quota; then a person looks. From the fourth time on
#: the order steps back behind the others.
MOST_STALLS, STEP_BACK = 20, 3
#: "Known already", and then not found, this often: the issuer contradicts itself.
MOST_DUPLICATES = 20
#: How long beyond the buyer's time a form may be said to wait for the buyer.
OVERDUE_AFTER = timedelta(days=1)
#: Characters of a party's own words in a hold's facts.
ANSWER_LIMIT = 100
#: The code under which "its blue invoice is reversed already" is kept until asking has told by whom.
ALREADY_REVERSED = "already_reversed"


def judge_submission(case: Case, outcome: Outcome) -> Decision:
    """What the direct answer to a submission decides. A refusal is only noted: asking confirms it (T11)."""
    match outcome:
        case Refused(code, text):
            return Wait(Phase.REFUSED, timedelta(seconds=1), refusal=(code, text))
        case Failed(code, text):
            return Wait(Phase.REFUSED, timedelta(seconds=1), refusal=(code, text))
        case AlreadyReversed(code, text):
            return Wait(Phase.REFUSED, timedelta(seconds=1), refusal=(ALREADY_REVERSED, f"{code}: {text}"))
        case Duplicate():
            return Wait(Phase.UNKNOWN, timedelta(0), duplicate=True)
        case NotFound() | Stalled():
            return Wait(Phase.UNKNOWN, timedelta(0))
        case Unknown(cause="not_begun"):
            return Wait(Phase.READY, timedelta(0))
        case Unknown(sent=False):
            return Wait(Phase.READY, ask_again(case.tries))
        case Unknown(unclassified=Verdict(code=code, text=text)):
            return Wait(Phase.UNCLASSIFIED, ask_again(case.tries), refusal=(code, text))
        case Unknown():
            return Wait(_waiting(case, Phase.UNKNOWN), ask_again(case.tries))
        case _:
            return _common(case, outcome)


def judge_revival(case: Case, outcome: Outcome) -> Decision:
    """What the answer to "go on with this key" decides: nothing but when to ask, and whether it has left at all."""
    match outcome:
        case Unknown(cause="not_begun"):
            return Wait(Phase.REVIVABLE, timedelta(0))
        case Unknown(sent=False):
            return Wait(Phase.REVIVABLE, ask_again(case.tries))
        case Blocked(verdict):  # whatever became of it, to ask for the same once more makes no second invoice
            return RestLane(verdict, Phase.REVIVABLE)
        case Processing():
            return Wait(Phase.ISSUING, ask_again(0))
        case _:
            return Wait(Phase.UNKNOWN, ask_again(case.tries))


def judge_answer(case: Case, outcome: Outcome, later: tuple[Outcome, ...], now: datetime) -> Decision:
    """What the issuer's answer about the order's own key decides.

    `later` are the answers about the following generations, in order, asked only when the own key is dead or
    unknown there: a rebuilt store may stand behind the generation that was issued.
    """
    if _cannot_be_known(case, outcome):
        return SetAside(Hold.RESTORED_CLASS_C)
    if isinstance(outcome, Dead):
        ahead = _ahead(case, later)
        if ahead is not None:
            return ahead
        return _dead(case, outcome, later, now)
    if isinstance(outcome, Processing) and outcome.for_buyer and case.state is State.INTENT:
        return _waits_for_buyer(case, now)
    return _common(case, outcome)


def _waits_for_buyer(case: Case, now: datetime) -> Wait | SetAside:
    """Asked ever less often, and once more when the buyer's time is over: then it has lapsed, if nothing else.

    A form that is said to wait a day beyond that is for a person: nobody else would notice.
    """
    after = ask_again(case.tries)
    if case.lapses_for is None or case.sent_at is None:
        return Wait(Phase.WAITING_BUYER, after)
    until = case.sent_at + case.lapses_for
    if now > until + OVERDUE_AFTER:
        return SetAside(Hold.RED_FORM, (("code", "red_form_overdue"),))
    if until > now:
        after = min(after, until - now + SECOND_LOOK)
    return Wait(Phase.WAITING_BUYER, after, until=until)


def _cannot_be_known(case: Case, outcome: Outcome) -> bool:
    """In doubt at an issuer that cannot be asked: only a person can find out whether it was sent."""
    unsent = case.state in (State.PENDING, State.INTENT)
    return (
        unsent and case.doubted_at is not None and case.trust is Class.C and not isinstance(outcome, Issued | Blocked)
    )


def judge_earlier(number: str, earlier: tuple[Outcome, ...]) -> SetAside | None:
    """Whether an issuer has made good a generation it had listed as dead, beside the later one that was issued."""
    invoices = tuple(outcome.invoice for outcome in earlier if isinstance(outcome, Issued))
    alive = any(isinstance(outcome, Issued | Processing | SealFailed | Split | Agreed) for outcome in earlier)
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
            case NotFound() | Failed() | Stalled():
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
        case Agreed():
            return _agreed(case)
        case Stopped(code, text):
            return SetAside(Hold.RED_FORM, (("code", code), ("text", cut(without_identifiers(text), ANSWER_LIMIT))))
        case Unknown(silent=True):  # asking does no harm: one lost answer costs seconds, however long it has waited
            return Wait(_waiting(case, Phase.UNKNOWN), ask_again(case.unheard), unheard=True)
        case _:
            return Wait(_waiting(case, Phase.UNKNOWN), ask_again(case.tries))


def _agreed(case: Case) -> Decision:
    """A form that both sides agreed to, at an issuer that goes on only when told: told if it still says what is wanted.

    That call may make a legal document, so push makes it, with an intent of its own and under the same key.
    """
    resumable = case.state is State.INTENT or case.phase is Phase.REPENDED
    if not resumable or not case.unchanged or case.wdt_status != WdtStatus.WAITING:
        return SetAside(Hold.RED_FORM, (("code", "red_form_changed"),))
    if case.restarts >= MOST_STALLS:
        return SetAside(Hold.RED_FORM, (("code", "red_form_stuck"), ("rounds", str(case.restarts))))
    return GoOn(case.generation, ask_again(case.restarts) if case.restarts else timedelta(0))


def _unsealed(case: Case, outcome: SealFailed, generation: int) -> Decision:
    if case.revives >= case.most_revives:
        return SetAside(Hold.ISSUED_UNSIGNED, (("text", outcome.text), ("serial", outcome.serial)))
    return Revive(outcome.serial, generation)


def _waiting(case: Case, phase: Phase) -> Phase:
    """Only an INTENT has phases of its own to wait in; a refusal stays one until it is confirmed."""
    kept = case.phase in (Phase.REFUSED, Phase.UNCLASSIFIED, Phase.WAITING_BUYER) and phase is Phase.UNKNOWN
    return case.phase if kept or case.state is not State.INTENT else phase


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


def _dead(case: Case, outcome: Dead, later: tuple[Outcome, ...], now: datetime) -> Decision:
    """Nothing is alive under any generation."""
    if case.state is State.INTENT:
        return _dead_intent(case, outcome, later, now)
    if case.state is State.ISSUED:  # its number is ours and durable; an issuer that cannot find it proves nothing
        return Wait(case.phase, ask_again(case.tries))
    if case.doubted_at is not None and not _settled(case, now):
        return Wait(case.phase, _until_settled(case, now), missed=True)
    if case.wdt_status == WdtStatus.WAITING and case.phase is Phase.REPENDED:
        generation = _first_unused(case, outcome, later)
        if case.restartable and case.unchanged and generation == case.generation + 1:
            return GoOn(case.generation)
        return Repend(generation)
    if case.doubted_at is not None and case.wdt_status == WdtStatus.WAITING and case.state is State.PENDING:
        return Believe()
    return Drop(cancelled=case.wdt_status == WdtStatus.CANCELLED)


def _first_unused(case: Case, outcome: Dead, later: tuple[Outcome, ...]) -> int:
    """The generation moves only past keys that the issuer itself lists as dead (T18)."""
    generation = case.generation
    for known in (outcome, *later):
        if not isinstance(known, Failed | Stalled):
            break
        generation += 1
    return generation


def _dead_intent(case: Case, outcome: Dead, later: tuple[Outcome, ...], now: datetime) -> Decision:
    match outcome:
        case Stalled():
            return _stalled(case, outcome, later)
        case Failed(code, text, serial):
            if case.revives:  # it was seen to exist, unsealed: "failed" afterwards is for a person to look into
                return SetAside(Hold.ISSUED_UNSIGNED, (("text", text), ("serial", serial)))
            if case.restartable and 0 < case.restarts < MOST_RESTARTS:
                return _go_on(case, outcome, later, ask_again(case.restarts))
            return Fail(code, text)
    if case.refusal is not None and case.phase is not Phase.UNCLASSIFIED:
        return _confirmed_refusal(case, *case.refusal, now)
    if case.trust is Class.B:
        return SetAside(Hold.CLASS_B_NOT_FOUND)
    if case.trust is Class.C:
        return SetAside(Hold.CLASS_C_UNKNOWN)
    if not _settled(case, now):
        return Wait(_waiting(case, Phase.UNKNOWN), _until_settled(case, now), missed=True)
    if case.wdt_status == WdtStatus.WAITING:
        return _send_again(case)
    return _not_wanted(case)


def _confirmed_refusal(case: Case, code: str, text: str, now: datetime) -> Decision:
    """Refused, and nothing exists under the key. A blue that is reversed already is no failure of this order.

    It may have been reversed by ourselves, unseen as yet: only after the settling time is it somebody else's doing.
    """
    if code != ALREADY_REVERSED:
        return Fail(code, text)
    if not _settled(case, now):
        return Wait(case.phase, _until_settled(case, now), missed=True)
    told = (("code", ALREADY_REVERSED), ("text", cut(without_identifiers(text), ANSWER_LIMIT)))
    return SetAside(Hold.RED_BLUE_MISMATCH, told)


def _send_again(case: Case) -> Decision:
    """Confirmed not found. An answer nobody understood, or an issuer that contradicts itself, is for a person."""
    if case.phase is Phase.UNCLASSIFIED:
        code, text = case.refusal or ("", "")
        told = (("platform", case.platform), ("answer", code), ("text", cut(without_identifiers(text), ANSWER_LIMIT)))
        return SetAside(Hold.POISON_ROW, (("code", "unclassified_answer"), *told))
    if case.duplicates >= MOST_DUPLICATES:
        rounds = ("rounds", str(case.duplicates))
        return SetAside(Hold.CLASS_B_NOT_FOUND, (("code", "duplicate_not_found"), rounds))
    return Resend()


def _stalled(case: Case, outcome: Stalled, later: tuple[Outcome, ...]) -> Decision:
    """Not the invoice's fault, so never an 85: it waits, and then the issuer goes on with the same key."""
    if case.restarts >= MOST_STALLS and case.lane_is_open:  # others are issued, this one alone is not
        text = cut(without_identifiers(outcome.verdict.text), ANSWER_LIMIT)
        return SetAside(Hold.POISON_ROW, (("code", "stalled_again"), ("rounds", str(case.restarts)), ("text", text)))
    after = ask_again(case.restarts) if case.restarts > STEP_BACK else timedelta(0)
    return _go_on(case, outcome, later, after, outcome.verdict)


def _go_on(
    case: Case, outcome: Dead, later: tuple[Outcome, ...], after: timedelta, verdict: Verdict | None = None
) -> Decision:
    """With the same key as long as the frozen bytes are what is wanted, with the next one where they are not."""
    if case.wdt_status != WdtStatus.WAITING:
        return _not_wanted(case)
    generation = case.generation if case.unchanged else _first_unused(case, outcome, later)
    return GoOn(generation, after, verdict)


def _not_wanted(case: Case) -> Decision:
    """Never taken by the issuer, and WDT no longer waits for it: sending it now would be nobody's wish."""
    if case.wdt_status == WdtStatus.CANCELLED:
        return Drop(cancelled=True)
    if case.wdt_status in WDT_HAS_INVOICE:
        return SetAside(Hold.FOREIGN_NUMBER, (("number", ""), ("wdt_number", case.wdt_invoice_no)))
    return Wait(_waiting(case, Phase.UNKNOWN), ask_again(case.tries), missed=True)


def _settled(case: Case, now: datetime) -> bool:
    """ "Not found" counts after the issuer's settling time and on a second look (T09)."""
    looked_before = case.missed_at is not None and now - case.missed_at >= SECOND_LOOK
    sent_at = _sent_by(case)
    return looked_before and sent_at is not None and now - sent_at >= case.settle_for


def _sent_by(case: Case) -> datetime | None:
    """When the bytes have left at the latest, as far as we know."""
    return max((at for at in (case.sent_at, case.doubted_at) if at is not None), default=None)


def _until_settled(case: Case, now: datetime) -> timedelta:
    """Not longer than the settling time lasts; where the issuer calls the key known, no oftener than usual."""
    if case.duplicates:
        return ask_again(case.tries)
    sent_at = _sent_by(case) or now
    return max(SECOND_LOOK, min(ask_again(case.tries), sent_at + case.settle_for - now))
