"""JSON read with suspicion, for small answers (pages of rows have their own reader).

What the standard reader lets through and a signed result or an amount must not contain is refused here: a key said
twice (the last one wins silently), NaN and Infinity, integers no field can hold, nesting that ends in a
RecursionError, lone surrogates and NUL, which no database column takes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Clamped, Context, Decimal, Inexact, InvalidOperation, Overflow, Rounded
from typing import Any, Never

import msgspec

BOM = b"\xef\xbb\xbf"
_MAX_DIGITS = 19
#: Far beyond any amount, and small enough that writing the number out in full stays harmless (1e999999999 is not).
_MAX_EXPONENT = 40
_MAX_LENGTH = 64
#: Decimal itself would also take underscores, spaces, other scripts' digits and words.
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")


class Malformed(ValueError):
    """Not JSON we accept. `why`: empty, html, utf8, syntax, depth, dup_key, number, surrogate, nul, shape."""

    def __init__(self, why: str) -> None:
        super().__init__(f"malformed body: {why}")
        self.why = why


def loads(body: bytes, *, max_depth: int = 64) -> object:
    """The value in `body`, every number with a point or an exponent as an exact Decimal.

    A UTF-8 byte order mark is skipped. Raw control characters inside texts are kept: WDT's rows carry what the
    merchant typed. Raises Malformed.
    """
    if (plain := _plain(body, max_depth)) is not _NOT_PLAIN:
        return plain
    try:
        value: object = _DECODER.decode(_text(body))
    except json.JSONDecodeError:
        raise Malformed("html" if looks_like_html(body) else "syntax") from None
    except RecursionError:
        raise Malformed("depth") from None
    for text in _texts(value, max_depth):
        refuse_unstorable(text)
    return value


def _plain(body: bytes, max_depth: int) -> object:
    """The value, where it is certain without looking at every member that the slow reader would give the same.

    The fast reader lets names said twice through, and anything an escape can spell. So: no escape at all, which leaves
    no NUL and no lone surrogate in valid UTF-8, and as many texts in the value as there are pairs of quotes in the
    bytes, which leaves no name that another one has replaced.
    """
    if b"\\" in body:
        return _NOT_PLAIN
    try:
        value: object = _FAST.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, ArithmeticError):
        return _NOT_PLAIN
    texts = _count(value, max_depth - 2)
    return value if 2 * texts == body.count(b'"') else _NOT_PLAIN


def _count(value: Any, depth: int) -> int:
    """How many texts and names there are in `value`; far too few where it holds what the slow reader must judge."""
    kind = type(value)
    if kind is str:
        return 1
    if kind is int:
        return 0 if -_MOST < value < _MOST else -_MOST
    if kind is not dict and kind is not list:
        return 0
    if depth < 0:
        return -_MOST
    members, found = (value.values(), len(value)) if kind is dict else (value, 0)
    for one in members:
        of = type(one)
        if of is str:
            found += 1
        elif of is int:
            if not -_MOST < one < _MOST:
                return -_MOST
        elif of is dict or of is list:
            found += _count(one, depth - 1)
    return found


def loads_leniently(body: bytes, *, max_depth: int = 64) -> object:
    """The value in `body` where one odd member must not cost its neighbours: a page of messages, each by somebody else.

    What cannot be stored is replaced by U+FFFD, numbers stay texts, of a key said twice the last one counts. Nothing
    read like this is an amount. Raises Malformed for what is no JSON at all.
    """
    try:
        value: object = _LENIENT.decode(body.removeprefix(BOM).decode(errors="replace"))
    except json.JSONDecodeError:
        raise Malformed("html" if looks_like_html(body) else "syntax") from None
    except RecursionError:
        raise Malformed("depth") from None
    return _storable(value, max_depth)


def _storable(value: object, depth: int) -> object:
    if depth < 0:
        raise Malformed("depth")
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {str(_storable(name, depth)): _storable(member, depth - 1) for name, member in value.items()}
    if isinstance(value, list):
        return [_storable(one, depth - 1) for one in value]
    return value


def looks_like_html(body: bytes) -> bool:
    """True for a page meant for a browser: a login form, a gateway's or firewall's excuse."""
    return body.removeprefix(BOM).lstrip().startswith(b"<")


def refuse_unstorable(text: str) -> None:
    """Raise Malformed where `text` holds a NUL or a lone surrogate."""
    if "\0" in text:
        raise Malformed("nul")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Malformed("surrogate") from None


def exact(text: str) -> Decimal:
    """`text` as the very number it spells. Raises Malformed for NaN, Infinity, absurd exponents and no number."""
    if len(text) > _MAX_LENGTH or not _NUMBER.fullmatch(text):
        raise Malformed("number")
    number = Decimal(text)
    if abs(number.adjusted()) > _MAX_EXPONENT:
        raise Malformed("number")
    return number


def _text(body: bytes) -> str:
    plain = body.removeprefix(BOM)
    if not plain.strip():
        raise Malformed("empty")
    try:
        return plain.decode()
    except UnicodeDecodeError:
        raise Malformed("utf8") from None


def _integer(text: str) -> int:
    if len(text.lstrip("-")) > _MAX_DIGITS:
        raise Malformed("number")
    return int(text)


def _constant(name: str) -> Never:
    raise Malformed("number")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise Malformed("dup_key")
    return members


def _texts(value: object, max_depth: int) -> Iterator[str]:
    """Every text and key in `value`, walked without recursion."""
    level = [value]
    depth = 0
    while level:
        below: list[object] = []
        for one in level:
            if isinstance(one, str):
                yield one
            elif isinstance(one, dict):
                yield from one
                below += one.values()
            elif isinstance(one, list):
                below += one
        depth += 1
        if below and depth > max_depth:
            raise Malformed("depth")
        level = below


#: What every whole number that we accept stays below.
_MOST: int = 10**_MAX_DIGITS
_NOT_PLAIN = object()
#: Takes a number as it is written or, where it has more digits or a larger exponent than any amount, not at all.
_AS_WRITTEN = Context(
    prec=_MAX_EXPONENT, Emin=0, Emax=_MAX_EXPONENT, traps=[Clamped, Inexact, InvalidOperation, Overflow, Rounded]
)
_FAST = msgspec.json.Decoder(float_hook=_AS_WRITTEN.create_decimal)
_LENIENT = json.JSONDecoder(strict=False, parse_int=str, parse_float=str, parse_constant=str)
_DECODER = json.JSONDecoder(
    strict=False, parse_int=_integer, parse_float=exact, parse_constant=_constant, object_pairs_hook=_object
)
