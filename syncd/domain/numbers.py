"""Invoice numbers and codes, tax-category codes, and the prefix the bureau prints before a name."""

from __future__ import annotations

import re
from typing import Literal

from syncd.domain.texts import clean, half_width

NumberKind = Literal["digital", "tax_control", "needs_attention"]

_DIGITAL = re.compile(r"[0-9]{20}")
_TAX_CONTROL_NUMBER = re.compile(r"[0-9]{8}")
_TAX_CONTROL_CODE = re.compile(r"[0-9]{10}(?:[0-9]{2})?")
#: One digit for the first level and two for each of nine more (docs/amounts.md): short forms end at a level.
_TAX_CODE = re.compile(r"[0-9](?:[0-9]{2}){0,9}")
_TAX_CODE_LENGTH = 19
_CATEGORY_PREFIX = re.compile(r"^\*[^*]*\*")


def number_kind(invoice_no: str, invoice_code: str) -> NumberKind:
    """What an invoice number with its code is: 20 digits alone, or 8 digits with a code of 10 or 12.

    The meaning of the digits (year, region) is not looked at: vendors' test systems do not keep to it.
    """
    if _DIGITAL.fullmatch(invoice_no) and not invoice_code:
        return "digital"
    if _TAX_CONTROL_NUMBER.fullmatch(invoice_no) and _TAX_CONTROL_CODE.fullmatch(invoice_code):
        return "tax_control"
    return "needs_attention"


def pad_tax_code(text: str) -> str | None:
    """The 19-digit tax-category code (税收分类编码) of a full or shortened one; None when it is neither."""
    code = clean(half_width(text))
    return code.ljust(_TAX_CODE_LENGTH, "0") if _TAX_CODE.fullmatch(code) else None


def strip_category_prefix(name: str) -> str:
    """A printed name without the bureau's `*简称*`, for comparing names."""
    return _CATEGORY_PREFIX.sub("", name)
