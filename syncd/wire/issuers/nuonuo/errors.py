"""Which outcome each kind of call draws from Nuonuo's codes. What they mean is data: catalogue/nuonuo.toml."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from syncd.catalogue import Entry, entries
from syncd.domain.outcome import AlreadyReversed, Blocked, Duplicate, Outcome, Processing, Refused, Unknown
from syncd.domain.trouble import Care, Verdict

PLATFORM = "nuonuo"


@dataclass(frozen=True, slots=True)
class Said:
    """One readable answer of the gateway: its code, its wording, and what it carries."""

    code: str
    text: str
    result: object = None


class Meaning(StrEnum):
    """What a code says about the call that met it."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    NOT_FOUND = "not_found"
    REFUSED = "refused"
    REVERSED = "reversed"  # the blue invoice is reversed already, or is being
    ACCOUNT = "account"
    CREDENTIALS = "credentials"
    QUOTA = "quota"  # the seller's calls are used up
    LIMIT = "limit"  # this one invoice's re-seals are
    BUSY = "busy"


@dataclass(frozen=True, slots=True)
class Rule:
    """A code's meaning and who must act; `rest_for` seconds is how long the lane then leaves them alone."""

    meaning: Meaning
    care: Care
    rest_for: float | None = None


def _rule_of(entry: Entry) -> Rule:
    return Rule(Meaning(entry.vendor_class), entry.care, entry.rest_for)


#: What the gateway answers, as against the states of an invoice and the words of the token service.
_ANSWERS = tuple(entry for entry in entries(PLATFORM) if entry.vendor_class in set(Meaning))
CODES: Mapping[str, Rule] = {
    code: _rule_of(entry) for entry in _ANSWERS if entry.pattern is None for code in entry.codes
}
#: A drawer whose tax-bureau login is gone has no code of its own that we know of, nor has "too fast".
_WORDINGS = tuple((entry, _rule_of(entry)) for entry in _ANSWERS if entry.pattern is not None)

#: The gateway did not take the token, so the call did not reach the invoicing behind it.
TOKEN_REFUSED = frozenset({"070304", "070305"})

#: Not the one invoice's fault. LIMIT is: twenty re-seals a day are counted per invoice.
_STOPS_THE_SELLER = frozenset({Meaning.ACCOUNT, Meaning.CREDENTIALS, Meaning.QUOTA})

_BUYER = ("购方", "购买方", "买方")


def meaning(code: str) -> Meaning | None:
    """What `code` says; None for one that is not listed."""
    rule = CODES.get(code)
    return rule.meaning if rule else None


def verdict(said: Said) -> Verdict:
    """Who must act on this answer, for people and for the lane."""
    rule = _rule(said)
    if rule is None:
        return unheard(said.code, said.text)
    return Verdict(rule.care, PLATFORM, said.code, said.text, rule.rest_for)


def unheard(code: str, text: str) -> Verdict:
    """Something nobody has classified: never sent again on account of it, and shown to people."""
    return Verdict(Care.UNCLASSIFIED, PLATFORM, code, text)


def not_its_fault(code: str, cause: str) -> Verdict | None:
    """Why an accepted order failed, where that is the account's trouble and not this invoice's: login, quota, pace.

    A text that speaks of the buyer is about this invoice, whatever else it says: it must not stop a whole lane.
    """
    if any(word in cause for word in _BUYER):
        return None
    for entry, rule in _WORDINGS:
        if rule.meaning in _STOPS_THE_SELLER and entry.matches(code, cause):
            return Verdict(rule.care, PLATFORM, code, cause, rule.rest_for)
    return None


def is_unclassified(said: Said) -> bool:
    """Whether the catalogue knows neither the code nor the wording."""
    return _rule(said) is None


def after_submit(said: Said) -> Outcome:
    """What the answer to a submission makes of it. Accepted is never issued."""
    match meaning(said.code):
        case Meaning.ACCEPTED:
            return Processing(serial_in(said.result))
        case Meaning.DUPLICATE:
            return Duplicate()
        case Meaning.REFUSED:
            return Refused(said.code, said.text)
        case Meaning.REVERSED:
            return AlreadyReversed(said.code, said.text)
        case _:
            return no_answer(said)


def after_revive(said: Said) -> Outcome:
    """What the answer to a revival makes of it: never a refusal of the invoice, which exists whatever it says."""
    if meaning(said.code) is Meaning.ACCEPTED:
        return Processing(serial_in(said.result))
    return no_answer(said)


def no_answer(said: Said) -> Blocked | Unknown:
    """For an answer that does not settle what was asked: the lane rests, or nobody told us.

    A refused question is Unknown, too: it says that our question is wrong and nothing of the invoice. What the
    catalogue does not list is Unknown with the verdict: nothing is ever sent again on account of it.
    """
    rule = _rule(said)
    if rule is not None and rule.meaning in _STOPS_THE_SELLER:
        return Blocked(verdict(said))
    return Unknown(f"code {said.code}", unclassified=verdict(said) if rule is None else None)


def serial_in(result: object) -> str:
    """The issuer's own number of the submission; empty when the answer carries none."""
    serial = result.get("invoiceSerialNum") if isinstance(result, dict) else None
    return serial.strip() if isinstance(serial, str) else ""


def _rule(said: Said) -> Rule | None:
    """By the code; where that says nothing of its own, by the wording; None where neither is known."""
    rule = CODES.get(said.code)
    if rule is not None and rule.meaning is not Meaning.BUSY:
        return rule
    return next((wording for entry, wording in _WORDINGS if entry.matches(said.code, said.text)), rule)
