"""Cutting a search answer into its rows, so that each is read alone.

The fast way is msgspec, which cuts without looking inside. It refuses the whole page for one lone surrogate, raw line
break or NaN in one row; then the slow way walks the text and finds the same cuts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from syncd.wire.strict_json import BOM, Malformed, looks_like_html
from syncd.wire.wdt.cells import LENIENT

_ABSENT = msgspec.Raw(b"null")
_SPACE = re.compile(r"[ \t\n\r]*")


class _Outer(msgspec.Struct):
    data: msgspec.Raw = _ABSENT
    order: msgspec.Raw = _ABSENT


class _Inner(msgspec.Struct):
    order: msgspec.Raw = _ABSENT


class _Data(msgspec.Struct):
    order: list[msgspec.Raw]


class _Usual(msgspec.Struct):
    data: _Data


_USUAL = msgspec.json.Decoder(_Usual)
_OUTER = msgspec.json.Decoder(_Outer)
_INNER = msgspec.json.Decoder(_Inner)
_ROWS = msgspec.json.Decoder(list[msgspec.Raw])


def slice_rows(body: bytes) -> tuple[bytes, list[bytes]]:
    """The answer with its list of rows emptied, and the rows' bytes, untouched.

    The rows are the list `data.order`, `data` itself or a top-level `order`; there are none where these are null,
    missing or something else. What remains is small and is read strictly. Raises Malformed.
    """
    plain = body.removeprefix(BOM).strip()
    if not plain:
        raise Malformed("empty")
    try:
        return _cut(plain)
    except msgspec.MsgspecError:
        return _walk(plain)
    except RecursionError:
        raise Malformed("depth") from None


def _cut(body: bytes) -> tuple[bytes, list[bytes]]:
    try:
        raws = [bytes(raw) for raw in _USUAL.decode(body).data.order]
    except msgspec.ValidationError:
        return _cut_any(body)
    if not raws:
        return _cut_any(body)
    start, end = body.find(raws[0]), body.rfind(raws[-1]) + len(raws[-1])
    if end - start != sum(map(len, raws)) + len(raws) - 1:  # not one after the other with a comma between
        return _cut_any(body)
    return body[:start] + body[end:], raws


def _cut_any(body: bytes) -> tuple[bytes, list[bytes]]:
    outer = _OUTER.decode(body)
    found = bytes(outer.data)
    if found.startswith(b"{"):
        found = bytes(_INNER.decode(found).order)
    if not found.startswith(b"["):
        found = bytes(outer.order)
    if not found.startswith(b"["):
        return body, []
    return body.replace(found, b"[]", 1), [bytes(raw) for raw in _ROWS.decode(found)]


def _walk(body: bytes) -> tuple[bytes, list[bytes]]:
    # surrogateescape carries bytes that are no UTF-8 through the text and back, in the one row that has them.
    text = body.decode(errors="surrogateescape")
    try:
        start, end = _list_of_rows(text)
        rows = list(_items(text, start, end))
    except RecursionError:
        raise Malformed("depth") from None
    except (ValueError, IndexError):
        raise Malformed("html" if looks_like_html(body) else "syntax") from None
    spine = text[:start] + "[]" * (end > start) + text[end:]
    return _bytes(spine), [_bytes(row) for row in rows]


def _list_of_rows(text: str) -> tuple[int, int]:
    """Where the list of rows starts and ends; an empty span where there is none."""
    found = (0, 0)
    for key, start, end in _members(text, 0):
        if key in ("data", "order") and text[start] == "[":
            found = (start, end)
        elif key == "data" and text[start] == "{":
            for inner, inner_start, inner_end in _members(text, start):
                if inner == "order" and text[inner_start] == "[":
                    return inner_start, inner_end
    return found


def _members(text: str, at: int) -> Iterator[tuple[str, int, int]]:
    """Each name of the object at `at`, and where its value starts and ends."""
    if text[at] != "{":
        raise ValueError("not an object")
    at = _skip(text, at + 1)
    while text[at] != "}":
        if text[at] != '"':
            raise ValueError("not a name")
        key, at = LENIENT.raw_decode(text, at)
        start = _skip(text, _skip(text, at) + 1)
        end = LENIENT.raw_decode(text, start)[1]
        yield key, start, end
        at = _after_comma(text, end)


def _items(text: str, start: int, end: int) -> Iterator[str]:
    """Each item of the list that spans `start` to `end`."""
    at = _skip(text, start + 1)
    while at < end - 1:
        item_end = LENIENT.raw_decode(text, at)[1]
        yield text[at:item_end]
        at = _after_comma(text, item_end)


def _after_comma(text: str, at: int) -> int:
    at = _skip(text, at)
    return _skip(text, at + 1) if text[at] == "," else at


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")
