"""Texts that merchants and buyers typed, made safe to print without changing what they say."""

from __future__ import annotations

import re
import unicodedata

#: Buyer name and item name on any issuer; a name longer than this is refused, never cut.
NAME_LIMIT = 100

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_MOBILE = re.compile(r"1[0-9]{10}")
_BREAKS = re.compile(r"[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")
#: Runs in which a tax number, a phone number, a bank account or an invoice number can hide.
_IDENTIFIER = re.compile(r"[0-9A-Za-z]{11,}|[0-9](?:[ -]?[0-9]){10,}")
_DIGITS_OF_AN_IDENTIFIER = 9
#: Full-width forms of ASCII, as Chinese input methods type them.
_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}
#: Controls, invisible format characters (direction overrides among them), line and paragraph separators.
_UNPRINTED = frozenset({"Cc", "Cf", "Zl", "Zp"})


def clean(text: str, breaks: str = "") -> str:
    """`text` trimmed and without control characters; runs of line breaks and tabs become `breaks`."""
    text = text.strip()
    if text.isprintable():  # which no line break is, and nothing of `_UNPRINTED`
        return text
    text = _BREAKS.sub(breaks, text)
    return "".join(c for c in text if unicodedata.category(c) not in _UNPRINTED).strip()


def is_usable(text: str) -> bool:
    """False for a text with lone surrogates, which no issuer, log or database can take as UTF-8."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def half_width(text: str) -> str:
    """`text` with the full-width forms of ASCII (１２３, ＡＢＣ, a wide blank) as plain ASCII, nothing else changed."""
    return text if text.isascii() else text.translate(_HALF_WIDTH)


def email(text: str) -> str:
    """A deliverable-looking address, else "": an invoice is rather sent without delivery than not at all."""
    address = clean(half_width(text))
    return address if _EMAIL.fullmatch(address) else ""


def mobile(text: str) -> str:
    """A mainland mobile number, to which an SMS can go, else "" (WDT's `payer_phone` may be a landline)."""
    number = clean(half_width(text))
    return number if _MOBILE.fullmatch(number) else ""


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, as WDT counts them. Never for names or numbers."""
    return text if len(text) <= limit else text[:limit].rstrip()


def without_identifiers(text: str) -> str:
    """A party's own words fit for the journal: tax, phone, bank and invoice numbers in them are "#"."""
    return _IDENTIFIER.sub(_hidden, text)


def _hidden(found: re.Match[str]) -> str:
    digits = sum(one.isdigit() for one in found[0])
    return "#" if digits >= _DIGITS_OF_AN_IDENTIFIER else found[0]
