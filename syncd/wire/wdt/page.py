"""Search answers: an envelope of many shapes around rows that are read one by one.

Source: seed wdt-search §4 and §6; the vendor's sibling methods for the other envelopes. The vendor's decimals come as
numbers or texts, integers as 1.0, absent values as null, "" or not at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from syncd.domain.invoice import BlueRef
from syncd.domain.order import BadRow, Glance, OrderNo, Page, Row
from syncd.domain.texts import clean
from syncd.wire import strict_json
from syncd.wire.strict_json import Malformed
from syncd.wire.wdt import cells
from syncd.wire.wdt.errors import Refusal
from syncd.wire.wdt.quick import MAX_ROW, PlainRow, content_hash, plain_page, plain_row, says_twice
from syncd.wire.wdt.slices import slice_rows
from syncd.wire.wdt.times import created_at

#: Same column as in the request (seed wdt-search §3.3): a longer one could never be asked for again.
MAX_NUMBER = 40
#: No number is as long; an index of the store takes no text of any length, and one odd row must not stop its page.
MAX_INVOICE_NO = 100
#: Both columns of the relation are 40 wide (seed wdt-search §4).
MAX_RELATION = 80

Scalar = str | int | float | bool | None


class _Head(msgspec.Struct):
    invoice_order_no: Scalar = None
    status: Scalar = None
    invoice_no: Scalar = None
    is_red: Scalar = None
    shop_no: Scalar = None
    payer_name: Scalar = None
    created: Scalar = None
    relation_invoice_no_out: Scalar = None
    relation_invoice_code: Scalar = None
    invoice_amount: msgspec.Raw = msgspec.Raw(b"null")


_HEAD = msgspec.json.Decoder(_Head)
_HEAD_FIELDS = tuple(name for name in _Head.__struct_fields__ if name != "invoice_amount")


def decode_page(body: bytes, asked_at: datetime) -> Page:
    """The page in `body`; a row that cannot be named stands in `bad` with its bytes and never stops the others.

    Of two rows with the same number the last is kept; the earlier stands in `bad` as `superseded`, so that
    `Page.count` still says how many rows were served. Raises Refusal (status not 0), Malformed.
    """
    spine, raws, plain = plain_page(body) or _odd_page(body)
    envelope = open_envelope(spine)
    rows, bad = _read_rows(raws, plain)
    return Page(tuple(rows), tuple(bad), _total(envelope), asked_at)


def open_envelope(body: bytes) -> dict[str, object]:
    """The outer object of any WDT answer whose status is 0. Raises Refusal, Malformed.

    A `message` beside status 0 is ignored (`"ok"` is seen there); a status that is missing, a truth value or a list
    is no status.
    """
    envelope = strict_json.loads(body)
    if not isinstance(envelope, dict):
        raise Malformed("shape")
    code = cells.integer_or_none(envelope.get("status"))
    if code is None:
        raise Malformed("shape")
    if code != 0:
        raise Refusal(code, cells.loose_text(envelope.get("message")))
    return envelope


def read_row(raw: bytes) -> Glance | BadRow:
    """The head of one row, as lenient about types as it can be; the rest stays in its bytes."""
    if len(raw) > MAX_ROW:
        return BadRow(raw, "too_large")
    plain = plain_row(raw)
    if plain is not None:
        return plain
    try:
        return careful_row(raw)
    except Malformed as error:
        return BadRow(raw, error.why)


def careful_row(raw: bytes) -> Row:
    """A row of which nothing is taken for granted. Raises Malformed."""
    head = _head(raw)
    status = cells.integer_or_none(head.status)
    if status is None or not 0 <= status < 2**31:  # beyond that it is no status of anything, and no database holds it
        raise Malformed("no_status")
    return Row(
        no=_number(head.invoice_order_no),
        status=status,
        invoice_no=cells.storable_text(head.invoice_no)[:MAX_INVOICE_NO],
        is_red=(is_red := cells.truth_or_none(head.is_red) or False),
        shop_no=cells.storable_text(head.shop_no),
        payer_name=cells.storable_text(head.payer_name),
        amount=cells.ten_thousandths(bytes(head.invoice_amount)),
        created_at=created_at(head.created),
        raw=raw,
        content_hash=content_hash(raw),
        relation=_relation(head) if is_red else "",
    )


def _relation(head: _Head) -> str:
    """The blue invoice a red row names; a text too long to name one names none."""
    number, code = (clean(cells.storable_text(x)) for x in (head.relation_invoice_no_out, head.relation_invoice_code))
    return str(BlueRef(number, code)) if number and len(number) + len(code) <= MAX_RELATION else ""


def _head(raw: bytes) -> _Head:
    if says_twice(raw):  # the bytes are nearly free to look for, the parse is not
        strict_json.loads(raw)
    try:
        return _HEAD.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _lenient_head(raw)


def _lenient_head(raw: bytes) -> _Head:
    """The head of a row the fast reader refuses: a lone surrogate, a raw line break or NaN somewhere in it."""
    members = cells.lenient_object(raw)
    head = _Head()
    for name in _HEAD_FIELDS:
        value = members.get(name)
        if isinstance(value, str | int | float | None):
            setattr(head, name, value)
    amount = cells.loose_text(members.get("invoice_amount")).encode(errors="replace")  # half a pair has no bytes
    head.invoice_amount = msgspec.Raw(msgspec.json.encode(amount.decode()))
    return head


def _number(value: Scalar) -> OrderNo:
    if isinstance(value, bool | float | None):
        raise Malformed("no_number")
    number = str(value)
    if not number.strip():
        raise Malformed("no_number")
    strict_json.refuse_unstorable(number)
    if len(number) > MAX_NUMBER:
        raise Malformed("number_too_long")
    if any(character < " " for character in number):
        raise Malformed("number_control")
    return OrderNo(number)


def _odd_page(body: bytes) -> tuple[bytes, list[bytes], list[PlainRow | None]]:
    spine, raws = slice_rows(body)
    return spine, raws, [None] * len(raws)


def _read_rows(raws: Sequence[bytes], plain: Sequence[PlainRow | None]) -> tuple[list[Glance], list[BadRow]]:
    kept: dict[OrderNo, Glance] = {}
    bad: list[BadRow] = []
    for raw, read in zip(raws, plain, strict=True):
        row = read or read_row(raw)
        if isinstance(row, BadRow):
            bad.append(row)
            continue
        if row.no in kept:
            bad.append(BadRow(kept.pop(row.no).raw, "superseded"))
        kept[row.no] = row
    return list(kept.values()), bad


def _total(envelope: dict[str, object]) -> int | None:
    data = envelope.get("data")
    inner: dict[str, object] = data if isinstance(data, dict) else {}
    for value in (inner.get("total_count"), envelope.get("total_count"), envelope.get("total"), inner.get("total")):
        if value is None or value == "":
            continue
        total = cells.integer_or_none(value)
        return total if total is not None and total >= 0 else None
    return None
