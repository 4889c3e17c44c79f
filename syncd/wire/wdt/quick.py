"""Rows as WDT nearly always writes them, read in one go.

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

#: Milliseconds, from 1973 to 2096: nothing smaller is taken for milliseconds, and up to there a float is exact enough.
_Milliseconds = Annotated[int, Meta(ge=100_000_000_000, lt=4_000_000_000_000)]
_Text = Annotated[str, Meta(max_length=40)]
_Number = Annotated[OrderNo, Meta(max_length=40)]
_instant = datetime.fromtimestamp
#: An amount of so many digits before its point is out of range or near it.
_LARGE = 14
#: What the digits of an amount without its point are multiplied by to be ten-thousandths, by how many stood behind it.
_SCALE = (10_000, 1_000, 100, 10, 1)
#: Python's lock is let go for hashing more than this at a time, and to have it back costs more than the hash.
_PIECE = 2047
_STATUS, _NO = b'"status"', b'"invoice_order_no"'


class _Plain(msgspec.Struct, gc=False):
    invoice_order_no: _Number
    status: Annotated[int, Meta(ge=0, lt=2**31)]
    is_red: bool = False
    invoice_no: _Text | None = None
    shop_no: str | None = None
    payer_name: str | None = None
    created: _Milliseconds | None = None
    invoice_amount: msgspec.Raw = msgspec.Raw()


_PLAIN = msgspec.json.Decoder(_Plain)


def content_hash(raw: bytes) -> bytes:
    """The digest by which an unchanged row is known without comparing it. SHA-256 is built into processors."""
    digest = sha256(raw[:_PIECE])
    if len(raw) > _PIECE:
        for at in range(_PIECE, len(raw), _PIECE):
            digest.update(raw[at : at + _PIECE])
    return digest.digest()[:16]


def says_twice(raw: bytes) -> bool:
    """Whether a row may name its number or its status twice: their names occur in two places."""
    return raw.find(_STATUS) != raw.rfind(_STATUS) or raw.find(_NO) != raw.rfind(_NO)


def plain_row(raw: bytes) -> Row | None:
    """The head of one row; None where something about it wants care."""
    if says_twice(raw):
        return None
    try:
        head = _PLAIN.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    no, created = head.invoice_order_no, head.created
    invoice_no, shop_no, payer_name = head.invoice_no or "", head.shop_no or "", head.payer_name or ""
    if head.is_red or not no.isascii() or not no.isprintable() or not no.strip():
        return None
    if "\0" in invoice_no or "\0" in shop_no or "\0" in payer_name:
        return None
    cents = _ten_thousandths(bytes(head.invoice_amount).strip(b'"'))
    if cents is None:
        return None
    return Row(
        no,
        head.status,
        invoice_no,
        False,
        shop_no,
        payer_name,
        cents,
        None if created is None else _instant(created / 1000, UTC),
        raw,
        content_hash(raw),
    )


def _ten_thousandths(amount: bytes) -> int | None:
    """The amount, where it is written as digits with a point or without; None where there is more to it."""
    whole, _, part = amount.partition(b".")
    if len(whole) >= _LARGE or len(part) > 4 or not whole.isdigit() or not (part.isdigit() or not part):
        return None
    return int(whole + part) * _SCALE[len(part)]
