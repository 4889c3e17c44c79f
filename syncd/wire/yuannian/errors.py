"""What Yuannian's codes and words mean for a call. Their meaning is data: catalogue/yuannian.toml.

Only success (1000) is documented (seed yuannian-wechat §2.1.5). Behind the platform stands WeChat, whose own codes
come through in `code` or inside the text. What nobody has classified is tried again where it only reads, and stops
where it changes a customer's card.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from syncd.catalogue import find, unlisted
from syncd.domain.trouble import Care, InDoubt, Permanent, Transient, Trouble, Verdict
from syncd.domain.wallet import AlreadyImported

PLATFORM = "yuannian"
SUCCESS = "1000"
#: WeChat's own error codes, wherever they stand in a text.
_WECHAT = re.compile(r"(?<!\d)[47]\d{4}(?!\d)", re.ASCII)
_LONGEST_TEXT = 300


@dataclass(frozen=True, slots=True)
class ErrorRules:
    """What the settings say of codes nobody has documented: tried again, the account's trouble, or refused for good."""

    retry: frozenset[str] = frozenset()
    account: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Said:
    """One readable answer: its code as text, its wording, and what it carries (None where it carries nothing)."""

    code: str
    text: str
    data: object = None


def meant(said: Said, rules: ErrorRules) -> tuple[str, Verdict]:
    """The class of an answer that is no success (the catalogue's, in capitals), and who must act."""
    code, text = said.code, said.text[:_LONGEST_TEXT]
    for codes, vendor_class, care in (
        (rules.retry, "RETRY", Care.RETRY_SOON),
        (rules.account, "ACCOUNT", Care.SETTINGS),
        (rules.refused, "REFUSED", Care.REFUSED),
    ):
        if code in codes:
            return vendor_class, Verdict(care, PLATFORM, code, text, 300.0 if care is Care.SETTINGS else None)
    inner = _WECHAT.search(text)
    entry = find(PLATFORM, inner[0], text) if inner else None
    if entry is not None and inner is not None and entry.codes:
        code = inner[0]
    else:
        entry = find(PLATFORM, code, text) or unlisted()
    return entry.vendor_class, Verdict(entry.care, PLATFORM, code, text, entry.rest(text))


def token_is_meant(vendor_class: str) -> bool:
    """Whether another token may help."""
    return vendor_class == "TOKEN"


def refused(vendor_class: str, verdict: Verdict, *, changes: bool) -> Trouble:
    """What an answer that is no success is raised as. `changes`: the call would have changed a customer's card."""
    if vendor_class == "ALREADY":
        return AlreadyImported(verdict)
    if vendor_class == "RETRY" or (verdict.care is Care.UNCLASSIFIED and not changes):
        return Transient(verdict)
    return Permanent(verdict)


def no_answer(cause: str, *, changes: bool) -> Trouble:
    """What an answer that says nothing of the call is raised as: a change may have been made."""
    if changes:
        return InDoubt(Verdict(Care.UNKNOWN, PLATFORM, cause, "no readable answer"))
    return Transient(Verdict(Care.RETRY_SOON, PLATFORM, cause, "no readable answer"))
