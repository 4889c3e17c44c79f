"""Tax numbers (纳税人识别号) of buyers and sellers."""

from __future__ import annotations

import re
from functools import lru_cache

from syncd.domain.texts import clean, half_width

#: Not `\d` and no ignored case: neither Arabic digits nor "ß" may become part of a tax number.
_ACCEPTED = re.compile(r"[0-9A-Z]{15,20}")
_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"  # GB 32100: no I, O, S, V, Z
_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)


@lru_cache(maxsize=1024)
def normalise(text: str) -> str:
    """A tax number trimmed, half-width and upper case; nothing inside it is dropped."""
    number = clean(half_width(text))
    return number.upper() if number.isascii() else number


def is_accepted(tax_no: str) -> bool:
    """Whether a normalised number has a form issuers take: 15 to 20 digits and capitals."""
    return _ACCEPTED.fullmatch(tax_no) is not None


def is_uscc(tax_no: str) -> bool:
    """Whether this is an 18-character unified social credit code with a true check digit (GB 32100).

    Sandbox numbers of several vendors fail, so a false answer is a warning, no refusal, unless the operator says so.
    """
    return len(tax_no) == 18 and all(c in _ALPHABET for c in tax_no) and tax_no[17] == _check_digit(tax_no[:17])


def fails_check_digit(tax_no: str) -> bool:
    """Whether a number of credit-code length is none; older and other lengths have no check digit to fail."""
    return len(tax_no) == 18 and not is_uscc(tax_no)


def _check_digit(body: str) -> str:
    total = sum(weight * _ALPHABET.index(c) for weight, c in zip(_WEIGHTS, body, strict=True))
    return _ALPHABET[(31 - total % 31) % 31]
