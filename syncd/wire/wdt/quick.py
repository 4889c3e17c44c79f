"""Rows as WDT nearly always writes them, read in one go.

Whatever is not exactly as expected (a number as a text, a lone surrogate, a red row) is left to the careful reader,
which costs ten times as much. The two agree on every row that this one takes.
"""

from __future__ import annotations

from decimal import Decimal
from hashlib import blake2b

import msgspec

from syncd.domain.order import OrderNo, Row
from syncd.wire.wdt.times import created_at, from_epoch_ms

#: An amount of this many digits before its point, less one, is out of range or near it.
_LARGE = 14
#: Milliseconds, from 1973 to 8307: nothing smaller is taken for milliseconds, and no calendar ends before.
_OLDEST, _NEWEST = 100_000_000_000, 200_000_000_000_000


class _Plain(msgspec.Struct):
    invoice_order_no: str
    status: int
    is_red: bool = False
    invoice_no: str | None = None
    shop_no: str | None = None
    payer_name: str | None = None
    created: int | None = None
    invoice_amount: Decimal | None = None


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
    no, amount, created = head.invoice_order_no, head.invoice_amount, head.created
    texts = head.invoice_no or "", head.shop_no or "", head.payer_name or ""
    if head.is_red or not 0 <= head.status < 2**31 or not _is_plain_number(no):
        return None
    cents = None
    if amount is not None and (cents := _ten_thousandths(amount)) is None:
        return None
    if len(texts[0]) > 40 or "\0" in texts[0] or "\0" in texts[1] or "\0" in texts[2]:
        return None
    return Row(
        no=OrderNo(no),
        status=head.status,
        invoice_no=texts[0],
        is_red=False,
        shop_no=texts[1],
        payer_name=texts[2],
        amount=cents,
        created_at=from_epoch_ms(created) if created and _OLDEST <= created < _NEWEST else created_at(created),
        raw=raw,
        content_hash=content_hash(raw),
    )


def _is_plain_number(no: str) -> bool:
    return len(no) <= 40 and no.isascii() and no.isprintable() and not no.isspace() and no != ""


def _ten_thousandths(amount: Decimal) -> int | None:
    """The amount, None where it is large, tiny, not a number, or would have to be rounded."""
    if not amount.is_finite() or not -_LARGE < amount.adjusted() < _LARGE:
        return None
    scaled = amount.scaleb(4)
    whole = int(scaled)
    return whole if whole == scaled else None
