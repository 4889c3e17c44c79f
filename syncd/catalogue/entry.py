"""One line of the catalogue: which messages it is about, what they mean, who acts, and what they do."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from syncd.domain.trouble import Care

#: A ban longer than this is a misreading; the party is looked at again before.
LONGEST_REST = 86_400.0
#: Of a party's text, as much is looked at; nobody says more, and nobody shall keep us busy with it.
LONGEST_TEXT = 4_000


class Owner(StrEnum):
    """Who must act."""

    CLERK = "clerk"  # the merchant's finance clerk, in WDT
    INTEGRATOR = "integrator"  # settings, clock, permissions, or a defect to be reported
    ISSUER = "issuer"  # the person who holds the account at the party: login, face, quota
    NOBODY = "nobody"  # it passes by itself


class BadEntry(ValueError):
    """The catalogue's data cannot be used; the text names the entry."""


@dataclass(frozen=True, slots=True)
class Entry:
    """`codes` empty: any code, a trailing `*` any ending; `pattern` None: any text.

    `vendor_class` is the party's own kind of error, as its client knows it; `rest_for` is in seconds.
    """

    id: str
    platform: str
    codes: tuple[str, ...]
    pattern: re.Pattern[str] | None
    vendor_class: str
    care: Care
    rest_for: float | None
    rest_in: re.Pattern[str] | None
    owner: Owner
    texts: tuple[str, str]  # what it means: Chinese, English
    remedies: tuple[str, str]  # what to do now: Chinese, English
    runbook: str  # a file of docs/runbooks
    samples: tuple[tuple[str, str], ...]  # code and text of messages that are this one

    def matches(self, code: str, text: str) -> bool:
        """Whether a message is this one; the pattern may stand anywhere in the text, case ignored."""
        if self.codes and not any(_is(code, known) for known in self.codes):
            return False
        return self.pattern is None or self.pattern.search(text[:LONGEST_TEXT]) is not None

    def rest(self, text: str) -> float | None:
        """How long the lane rests, in seconds: a second more than the party itself says, else as listed."""
        told = self.rest_in.search(text[:LONGEST_TEXT]) if self.rest_in else None
        return self.rest_for if told is None else min(float(told[1]) + 1.0, LONGEST_REST)


def _is(code: str, known: str) -> bool:
    return code.startswith(known[:-1]) if known.endswith("*") else code == known


def read(platform: str, told: Mapping[str, object]) -> Entry:
    """An entry of a catalogue file. Raises BadEntry for a missing, empty or unknown field."""
    name = str(told.get("id", f"an entry of {platform} without an id"))
    if unknown := told.keys() - _FIELDS:
        raise BadEntry(f"{name}: unknown {sorted(unknown)}")
    try:
        return Entry(
            id=_text(told, "id"),
            platform=platform,
            codes=tuple(_texts(told.get("codes", []))),
            pattern=_pattern(told.get("pattern")),
            vendor_class=_text(told, "class"),
            care=Care(_text(told, "care")),
            rest_for=_seconds(told.get("rest")),
            rest_in=_pattern(told.get("rest_in")),
            owner=Owner(_text(told, "owner")),
            texts=(_text(told, "zh"), _text(told, "en")),
            remedies=(_text(told, "zh_do"), _text(told, "en_do")),
            runbook=_text(told, "runbook"),
            samples=tuple(_sample(sample) for sample in _texts(told.get("samples", []))),
        )
    except (KeyError, TypeError, ValueError, re.error) as error:
        raise BadEntry(f"{name}: {error}") from None


_FIELDS = {
    *("id", "codes", "pattern", "class", "care", "rest", "rest_in", "owner"),
    *("zh", "en", "zh_do", "en_do", "runbook", "samples"),
}


def _text(told: Mapping[str, object], name: str) -> str:
    value = told[name]
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{name} is empty or no text")
    return value


def _texts(value: object) -> Sequence[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise ValueError(f"{value!r} is no list of texts")
    return value


def _pattern(value: object) -> re.Pattern[str] | None:
    return None if value is None else re.compile(str(value), re.IGNORECASE)


def _seconds(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= LONGEST_REST:
        raise ValueError(f"rest {value!r} is no number of seconds within a day")
    return float(value)


def _sample(text: str) -> tuple[str, str]:
    code, colon, words = text.partition(": ")
    if not colon:
        raise ValueError(f"sample {text!r} does not look like CODE: TEXT")
    return code, words
