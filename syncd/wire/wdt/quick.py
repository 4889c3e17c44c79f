"""Rows as WDT nearly always writes them, read in one go.

Whatever is not exactly as expected (a number as a text, a lone surrogate, a red row) is left to the careful reader,
which costs ten times as much. The two agree on every row that this one takes.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Annotated

import msgspec
from msgspec import Meta

from syncd.domain.order import OrderNo, Row

#: Milliseconds, from 1973 to 8307: nothing smaller is taken for milliseconds, and no calendar ends before.
_Milliseconds = Annotated[int, Meta(ge=100_000_000_000, lt=200_000_000_000_000)]
_Text = Annotated[str, Meta(max_length=40)]
_ZERO = datetime(1970, 1, 1, tzinfo=UTC)
#: An amount of so many digits before its point is out of range or near it.
_LARGE = 14
#: What the digits of an amount without its point are multiplied by to be ten-thousandths, by how many stood behind it.
_SCALE = (10_000, 1_000, 100, 10, 1)


class _Plain(msgspec.Struct, gc=False):
    invoice_order_no: _Text
    status: Annotated[int, Meta(ge=0, lt=2**31)]
    is_red: bool = False
    invoice_no: _Text | None = None
    shop_no: str | None = None
    payer_name: str | None = None
    created: _Milliseconds | None = None
    invoice_amount: msgspec.Raw = msgspec.Raw()


_PLAIN = msgspec.json.Decoder(_Plain)


def content_hash(raw: bytes) -> bytes:
    """The digest by which an unchanged row is known without comparing it."""
    return blake2b(raw, digest_size=16).digest()


def plain_row(raw: bytes) -> Row | None:
    """The head of one row; None where something about it wants care."""
    # A name said twice is looked for only where its bytes occur twice: the count is nearly free, the parse is not.
    if raw.count(b'"status"') > 1 or raw.count(b'"invoice_order_no"') > 1:
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
        OrderNo(no),
        head.status,
        invoice_no,
        False,
        shop_no,
        payer_name,
        cents,
        None if created is None else _ZERO + timedelta(milliseconds=created),
        raw,
        content_hash(raw),
    )


def _ten_thousandths(amount: bytes) -> int | None:
    """The amount, where it is written as digits with a point or without; None where there is more to it."""
    whole, _, part = amount.partition(b".")
    if len(whole) >= _LARGE or len(part) > 4 or not whole.isdigit() or not (part.isdigit() or not part):
        return None
    return int(whole + part) * _SCALE[len(part)]
