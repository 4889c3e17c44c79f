"""What Nuonuo's codes mean, and which outcome each kind of call draws from them.

Source: Nuonuo interface sheets (business codes) and public clients (gateway codes 07…). Not said there: what
E9122, E9104 and E9114 exactly forbid, and which code a logged-out drawer gets; that one is told by its text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from syncd.domain.outcome import Blocked, Duplicate, Outcome, Processing, Refused, Unknown
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


_DATA = Rule(Meaning.REFUSED, Care.DATA)
_ACCOUNT = Rule(Meaning.ACCOUNT, Care.SETTINGS, 300.0)
_CREDENTIALS = Rule(Meaning.CREDENTIALS, Care.SETTINGS, 300.0)
_BUSY = Rule(Meaning.BUSY, Care.UNKNOWN)
_DRAWER_GONE = Rule(Meaning.ACCOUNT, Care.PERSON, 300.0)
_TOO_FAST = Rule(Meaning.QUOTA, Care.REST_LANE, 60.0)

_DATA_CODES = (
    "E4000", "E9101", "E9102", "E9104", "E9105", "E9107", "E9108", "E9110", "E9111", "E9112", "E9114",
    "E9121", "E9122", "E9123", "E9124", "E9125", "E9126", "E9127", "E9128", "E9129", "E9130", "E9131",
    "E9138", "E9154",
)  # fmt: skip
#: The red one does not fit its blue; E9103 means that the blue was reversed before.
_RED_CODES = ("E9103", "E9113", "E9115", "E9116", "E9117", "E9118", "E9119", "E9120")
_ACCOUNT_CODES = ("E9301", "E9302", "E9338")
_CREDENTIAL_CODES = ("070101", "070304", "070305", "070307")

CODES: Mapping[str, Rule] = {
    "E0000": Rule(Meaning.ACCEPTED, Care.RETRY_SOON),
    "E9106": Rule(Meaning.DUPLICATE, Care.RETRY_SOON),
    "E9500": Rule(Meaning.NOT_FOUND, Care.RETRY_SOON),
    **dict.fromkeys(_DATA_CODES, _DATA),
    **dict.fromkeys(_RED_CODES, Rule(Meaning.REFUSED, Care.REFUSED)),
    **dict.fromkeys(_ACCOUNT_CODES, _ACCOUNT),
    **dict.fromkeys(_CREDENTIAL_CODES, _CREDENTIALS),
    "070306": Rule(Meaning.QUOTA, Care.PERSON, 3600.0),
    "E9613": Rule(Meaning.LIMIT, Care.REST_LANE),
    "E9601": _BUSY,
    "E9999": _BUSY,
}

#: The gateway did not take the token, so the call did not reach the invoicing behind it.
TOKEN_REFUSED = frozenset({"070304", "070305"})

#: Not the one invoice's fault. LIMIT is: twenty re-seals a day are counted per invoice.
_STOPS_THE_SELLER = frozenset({Meaning.ACCOUNT, Meaning.CREDENTIALS, Meaning.QUOTA})

#: A drawer whose tax-bureau login is gone has no code of its own that we know of.
_PERSON_WORDS = ("login", "登录", "登陆", "扫码", "人脸", "认证")
_RATE_WORDS = ("频繁", "限流", "too many requests", "rate limit")


def meaning(code: str) -> Meaning | None:
    """What `code` says; None for one that is not listed."""
    rule = CODES.get(code)
    return rule.meaning if rule else None


def verdict(said: Said) -> Verdict:
    """Who must act on this answer, for people and for the lane."""
    rule = _rule(said)
    if rule is None:
        return Verdict(Care.UNCLASSIFIED, PLATFORM, said.code, said.text)
    return Verdict(rule.care, PLATFORM, said.code, said.text, rule.rest_for)


def after_submit(said: Said) -> Outcome:
    """What the answer to a submission makes of it. Accepted is never issued."""
    match meaning(said.code):
        case Meaning.ACCEPTED:
            return Processing(serial_in(said.result))
        case Meaning.DUPLICATE:
            return Duplicate()
        case Meaning.REFUSED:
            return Refused(said.code, said.text)
        case _:
            return no_answer(said)


def after_revive(said: Said) -> Outcome:
    """What the answer to a revival makes of it: never a refusal of the invoice, which exists whatever it says."""
    if meaning(said.code) is Meaning.ACCEPTED:
        return Processing(serial_in(said.result))
    return no_answer(said)


def no_answer(said: Said) -> Blocked | Unknown:
    """For an answer that does not settle what was asked: the lane rests, or nobody told us.

    A refused question is Unknown, too: it says that our question is wrong and nothing of the invoice.
    """
    rule = _rule(said)
    if rule is not None and rule.meaning in _STOPS_THE_SELLER:
        return Blocked(verdict(said))
    return Unknown(f"code {said.code}")


def serial_in(result: object) -> str:
    """The issuer's own number of the submission; empty when the answer carries none."""
    serial = result.get("invoiceSerialNum") if isinstance(result, dict) else None
    return serial.strip() if isinstance(serial, str) else ""


def _rule(said: Said) -> Rule | None:
    """By the code; where that says nothing of its own, by the wording; None where neither is known."""
    rule = CODES.get(said.code)
    return rule if rule is not None and rule is not _BUSY else _by_text(said.text) or rule


def _by_text(text: str) -> Rule | None:
    lowered = text.lower()
    if any(word in lowered for word in _PERSON_WORDS):
        return _DRAWER_GONE
    if any(word in lowered for word in _RATE_WORDS):
        return _TOO_FAST
    return None
