"""Single values as WDT writes them: the same field comes as a number, a text, 1.0, null, "" or not at all.

What ends in `_or_none` gives None for absent and for unreadable alike and is for heads and envelopes. The others
raise ValueError and are for the full order, where a guess could end up on an invoice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

from syncd.wire.strict_json import Malformed, exact

#: Decimal(19,4) has fifteen digits before its point.
MAX_AMOUNT = Decimal("9e14")
_TRUTHS: Mapping[object, bool] = {"true": True, "false": False, "1": True, "0": False, 1: True, 0: False}


def is_absent(value: object) -> bool:
    """Missing, null and "" are the same to WDT."""
    return value is None or (isinstance(value, str) and not value.strip())


def integer(value: object) -> int | None:
    """A whole number, None where absent. Raises ValueError for a fraction, a truth value, a list, any other text."""
    if is_absent(value):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise ValueError("not a whole number")
    number = _decimal(value)
    if number != number.to_integral_value():
        raise ValueError("not a whole number")
    return int(number)


def integer_or_none(value: object) -> int | None:
    """As `integer`, None where unreadable."""
    try:
        return integer(value)
    except ValueError:
        return None


def number(value: object) -> Decimal | None:
    """An exact amount or quantity, None where absent. Raises ValueError for anything else and beyond ±9e14."""
    if is_absent(value):
        return None
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise ValueError("not a number")
    read = _decimal(value)
    if abs(read) > MAX_AMOUNT:
        raise ValueError("a number out of range")
    return read


def truth(value: object) -> bool | None:
    """A yes or no, None where absent. Raises ValueError for anything that is neither."""
    if is_absent(value):
        return None
    if isinstance(value, bool):
        return value
    key = value.strip().lower() if isinstance(value, str) else value
    if isinstance(key, str | int | float | Decimal) and key in _TRUTHS:
        return _TRUTHS[key]
    raise ValueError("not a yes or no")


def truth_or_none(value: object) -> bool | None:
    """As `truth`, None where unreadable."""
    try:
        return truth(value)
    except ValueError:
        return None


def text(value: object) -> str:
    """The text as it is, "" where absent; a number where a text belongs is written out. Raises ValueError."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError("not a text")
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def loose_text(value: object) -> str:
    """The text or number as text, "" for anything else."""
    try:
        return text(value)
    except ValueError:
        return ""


def storable_text(value: object) -> str:
    """As `loose_text`, without what no database column takes (NUL, lone surrogates); the bytes keep it all."""
    return loose_text(value).replace("\0", "").encode(errors="ignore").decode()


def ten_thousandths(raw: bytes) -> int | None:
    """An amount as it stands in a row, in ten-thousandths; None where absent, unreadable or out of range."""
    try:
        amount = exact(raw.decode().strip('" '))
    except ValueError:
        return None
    if abs(amount) > MAX_AMOUNT:
        return None
    return int((amount * 10_000).to_integral_value(ROUND_HALF_UP))


def lenient_object(raw: bytes) -> dict[str, object]:
    """The members of a row in which something is not JSON in the strict sense; numbers stay texts. Raises Malformed."""
    try:
        value = LENIENT.decode(raw.decode(errors="surrogateescape"))
    except (ValueError, RecursionError):
        raise Malformed("syntax") from None
    if not isinstance(value, dict):
        raise Malformed("not_object")
    return value


#: Takes lone surrogates, raw control characters and NaN, so that one such row does not hide its neighbours.
LENIENT = json.JSONDecoder(strict=False, parse_int=str, parse_float=str, parse_constant=str)


def _decimal(value: int | float | Decimal | str) -> Decimal:
    try:
        return exact(value.strip() if isinstance(value, str) else str(value))
    except Malformed:
        raise ValueError("not a number") from None
