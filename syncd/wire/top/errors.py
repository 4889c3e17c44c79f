"""What TOP's error answers mean for the call that met them. What they mean at all is data: catalogue/top.toml.

Source: TOP's code list and sub-codes as public pages have them. Not said there: any error of the e-invoice family.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from syncd.catalogue import Entry, find, unlisted
from syncd.catalogue.messages import top_text
from syncd.domain.trouble import Care, InDoubt, Permanent, Transient, Trouble, Verdict
from syncd.wire.allowance import midnight_after
from syncd.wire.top.answers import Refusal

PLATFORM = "top"
#: The catalogue's classes that a call acts on (`vendor_class`).
DUPLICATE = "DUPLICATE"
NOT_FOUND = "NOT_FOUND"
METHOD_BAN = "RATE_METHOD"  # one interface is throttled, the others are not
_DAY_BAN = "RATE_DAY"
_NOT_EXECUTED = "NOT_EXECUTED"
_MOST_TEXT = 300

#: Stopped at the gate, and open again by itself.
_PASSES = frozenset({Care.REST_LANE, Care.CLOCK})
#: What may have been done all the same, when a write met it.
_MAYBE_DONE = frozenset({Care.RETRY_SOON, Care.UNKNOWN})


def entry_of(refusal: Refusal) -> Entry:
    """The line of the catalogue for this answer; `unlisted()` where there is none."""
    return find(PLATFORM, refusal.code, _text(refusal)) or unlisted()


def verdict(refusal: Refusal, now: datetime) -> Verdict:
    """The refusal in the catalogue's words; the text is TOP's own, short enough for a log.

    A day's ban whose length is not told is probed as often as the catalogue says, and once more at midnight.
    """
    entry = entry_of(refusal)
    text = _text(refusal)
    rest_for = entry.rest(text)
    if entry.vendor_class == _DAY_BAN and rest_for is not None and rest_for == entry.rest_for:
        rest_for = min(rest_for, (midnight_after(now) - now).total_seconds() + 1.0)
    shown = "".join(one for one in text if one.isprintable())[:_MOST_TEXT]
    return Verdict(entry.care, PLATFORM, refusal.code, shown, rest_for)


def of_read(refusal: Refusal, now: datetime) -> Trouble:
    """Nothing was learned: Transient where the same question may be answered later."""
    judged = verdict(refusal, now)
    return Transient(judged) if judged.care in _PASSES | _MAYBE_DONE else Permanent(judged)


def of_write(refusal: Refusal, now: datetime) -> Trouble:
    """Transient where certainly nothing was done and time mends it, InDoubt where the backend may have done it."""
    judged = verdict(refusal, now)
    if judged.care in _PASSES or entry_of(refusal).vendor_class == _NOT_EXECUTED:
        return Transient(judged)
    if judged.care in _MAYBE_DONE:
        return InDoubt(replace(judged, care=Care.UNKNOWN))
    return Permanent(judged)


def _text(refusal: Refusal) -> str:
    return top_text(refusal.sub_code, refusal.sub_msg, refusal.msg)
