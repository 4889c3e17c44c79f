"""Rows as WDT nearly always writes them, cut and read in one go.

Whatever is not exactly as expected (a number as a text, a lone surrogate, a red row) is left to the careful reader,
which costs ten times as much. The two agree on every row that this one takes.
"""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated

import msgspec
from msgspec import Meta

from syncd.domain.order import OrderNo, Row
from syncd.wire.wdt import cells
from syncd.wire.wdt.slices import slice_rows

#: Milliseconds, from 1973 to 2096: nothing smaller is taken for milliseconds, and up to there a float is exact enough.
_Milliseconds = Annotated[int, Meta(ge=100_000_000_000, lt=4_000_000_000_000)]
_Text = Annotated[str, Meta(max_length=40)]
_Number = Annotated[OrderNo, Meta(max_length=40)]
_instant = datetime.fromtimestamp
MAX_ROW = 2**20
#: An amount of so many digits before its point is out of range or near it.
_LARGE = 14
#: What the digits of an amount without its point are multiplied by to be ten-thousandths, by how many stood behind it.
_SCALE = (10_000, 1_000, 100, 10, 1)
#: Python's lock is let go for hashing more than this at a time, and to have it back costs more than the hash.
_PIECE = 2047
_STATUS, _NO = b'"status"', b'"invoice_order_no"'
_OPENING = b"{" + _NO


class PlainRow(msgspec.Struct, gc=False):
    """A row of which nothing wants care, as `domain.order.Glance`: most rows are unchanged, and need not be more."""

    no: _Number = msgspec.field(name="invoice_order_no")
    status: Annotated[int, Meta(ge=0, lt=2**31)]
    is_red: bool = False
    invoice_no: _Text | None = None
    shop_no: str | None = None
    payer_name: str | None = None
    created: _Milliseconds | None = None
    invoice_amount: msgspec.Raw = msgspec.Raw()
    #: These two are never what the row may say under such names: see `_known_by`.
    raw: bytes = b""
    content_hash: bytes = b""

    def read(self) -> Row:
        """The row, as the careful reader would have read it."""
        amount = bytes(self.invoice_amount)
        cents = _ten_thousandths(amount.strip(b'"'))
        return Row(
            self.no,
            self.status,
            _storable(self.invoice_no),
            False,
            _storable(self.shop_no),
            _storable(self.payer_name),
            cells.ten_thousandths(amount) if cents is None else cents,
            None if self.created is None else _instant(self.created / 1000, UTC),
            self.raw,
            self.content_hash,
        )


class _Data(msgspec.Struct, gc=False):
    order: list[PlainRow]


class _Usual(msgspec.Struct, gc=False):
    data: _Data


_PLAIN = msgspec.json.Decoder(PlainRow)
_PAGE = msgspec.json.Decoder(_Usual)


def content_hash(raw: bytes) -> bytes:
    """The digest by which an unchanged row is known without comparing it. SHA-256 is built into processors."""
    if len(raw) <= _PIECE:
        return sha256(raw).digest()[:16]
    digest = sha256()
    for at in range(0, len(raw), _PIECE):
        digest.update(raw[at : at + _PIECE])
    return digest.digest()[:16]


def says_twice(raw: bytes) -> bool:
    """Whether a row may name its number or its status twice: their names occur in two places."""
    return raw.find(_STATUS) != raw.rfind(_STATUS) or raw.find(_NO) != raw.rfind(_NO)


def plain_row(raw: bytes) -> PlainRow | None:
    """One row; None where something about it wants care."""
    try:
        row = _PLAIN.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return _known_by(row, raw) if raw.find(_NO) == raw.rfind(_NO) else None


def plain_page(body: bytes) -> tuple[bytes, list[bytes], list[PlainRow | None]] | None:
    """As `slice_rows`, and what `plain_row` makes of each row; None where the answer is not as it nearly always is.

    A row begins with its number (the vendor's own sample does, seed wdt-search §5), so it is cut where one is named.
    Every row names its own: where there are as many names as rows, there is one in each, and what opens right before
    it is the row. Where a name may be written with escapes, that proves nothing.
    """
    if b"\\" in body and b"\\u" in body:
        return None
    try:
        rows = _PAGE.decode(body).data.order
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    before, *others = body.split(_NO)
    if not rows or len(others) != len(rows) or not before.endswith(b"{"):
        return None
    end = others.pop()
    if not all(other.endswith(b"},{") for other in others):
        return None
    spine, last = slice_rows(before + _NO + end)
    raws = [_OPENING + other[:-2] for other in others] + last
    return spine, raws, [_known_by(row, raw) for row, raw in zip(rows, raws, strict=True)]


def _known_by(row: PlainRow, raw: bytes) -> PlainRow | None:
    """The row that was read from `raw`, where its number is named once; None where something about it wants care."""
    no = row.no
    if row.is_red or raw.find(_STATUS) != raw.rfind(_STATUS) or len(raw) > MAX_ROW:
        return None
    if not no.isascii() or not no.isprintable() or not no.strip():
        return None
    row.raw = raw
    row.content_hash = content_hash(raw)
    return row


def _storable(text: str | None) -> str:
    """As `cells.storable_text`; half a pair is no text of JSON's to msgspec."""
    return text.replace("\0", "") if text else ""


def _ten_thousandths(amount: bytes) -> int | None:
    """The amount, where it is written as digits with a point or without; None where there is more to it."""
    whole, _, part = amount.partition(b".")
    if len(whole) >= _LARGE or len(part) > 4 or not whole.isdigit() or not (part.isdigit() or not part):
        return None
    return int(whole + part) * _SCALE[len(part)]
