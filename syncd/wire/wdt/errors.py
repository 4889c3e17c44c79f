"""What WDT's error answers mean for the call that met them. What they mean at all is data: catalogue/wdt.toml.

Source: the vendor's flagship error page and method pages. Not said there: numbers of the limits, the text of a
write-back refused for its state.
"""

from __future__ import annotations

from dataclasses import dataclass

from syncd.catalogue import Entry, entries, unlisted
from syncd.domain.trouble import Care, InDoubt, Permanent, Transient, Trouble, Verdict

PLATFORM = "wdt"
#: What WDT says about one document stands in `error_info` without a code: it is judged as status 100 is.
DOCUMENT = 100
#: The vendor: after a rate refusal leave the interface alone for 5 to 10 minutes. Credentials: one probe in five.
REST_FOR = 300.0


class Refusal(Exception):
    """An answer whose status is not 0, before anybody judged it."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code)
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table: an entry of the catalogue, with WDT's whole numbers for codes."""

    entry: Entry

    @property
    def wdt_class(self) -> str:
        return self.entry.vendor_class

    @property
    def care(self) -> Care:
        return self.entry.care

    def matches(self, code: int, text: str) -> bool:
        return self.entry.matches(str(code), text)


#: First match wins. Lines of class OURS are about what we say in WDT's place.
TABLE: tuple[Rule, ...] = tuple(Rule(entry) for entry in entries(PLATFORM) if entry.vendor_class != "OURS")
UNLISTED = Rule(unlisted())

#: Classes after which certainly nothing of a write was applied, and whether the whole lane must rest.
_GATE = frozenset({Care.SETTINGS, Care.CLOCK, Care.REST_LANE})
_SAID_NO = frozenset({Care.REFUSED, Care.SPLIT, Care.DATA})


def classify(code: int, text: str) -> Rule:
    """The line of the table for this answer; `UNLISTED` where there is none."""
    return next((rule for rule in TABLE if rule.matches(code, text)), UNLISTED)


def verdict(refusal: Refusal) -> Verdict:
    """The refusal in the catalogue's words. The text is WDT's own."""
    rule = classify(refusal.code, refusal.text)
    return Verdict(rule.care, PLATFORM, str(refusal.code), refusal.text, rule.entry.rest(refusal.text))


def of_read(refusal: Refusal) -> Trouble:
    """Nothing was learned: Permanent where asking the same again cannot help, else Transient."""
    judged = verdict(refusal)
    if judged.care in _SAID_NO or judged.care is Care.SETTINGS:
        return Permanent(judged)
    return Transient(judged)


def of_write(refusal: Refusal) -> Trouble:
    """Transient where the gate stopped it, Permanent where the content did, InDoubt for everything else.

    A database error or a failed upstream may come after some documents were stored.
    """
    judged = verdict(refusal)
    if judged.care in _GATE:
        return Transient(judged)
    return Permanent(judged) if judged.care in _SAID_NO else InDoubt(judged)


def of_document(text: str) -> Verdict:
    """What the text beside one refused document of a write-back means.

    UNCLASSIFIED: we do not know what WDT objects to, so nothing is sent again on its account.
    """
    return verdict(Refusal(DOCUMENT, text))
