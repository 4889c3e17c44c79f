"""One invoice order (发票单) inside WDT and what happened to it."""

import json
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

import msgspec

PENDING = 45
CANCELLED = 5
ISSUED = 60
FAILED = 85
WRITABLE = frozenset({PENDING, FAILED})

Row = dict[str, Any]

_encoder = msgspec.json.Encoder(decimal_format="number")


def pack_row(row: Row) -> bytes:
    """A row as JSON bytes, decimals as numbers with all their digits."""
    return _encoder.encode(row)


def read_row(packed: bytes) -> Row:
    """The row again; amounts come back as Decimal (or int where no fraction was written)."""
    row: Row = json.loads(packed, parse_float=Decimal)
    return row


class Content(NamedTuple):
    """What a document asks to be invoiced, as it must reappear in the legal invoice.

    A red one is known by the seller, the blue invoice it reverses (`reverses`: 20 digits, or "code/number") and its
    amount without a sign; buyer and goods are the blue one's, and empty here.
    """

    seller_tax_no: str
    buyer_name: str
    buyer_tax_no: str
    total: Decimal | None
    goods_name: str
    reverses: str | None = None


class Written(NamedTuple):
    """One write-back that was accepted: the status and the invoice number it brought."""

    status: int
    invoice_no: str


def plain(text: object) -> str:
    """A text without control characters and outer blanks, so that harmless cleaning does not count as a change."""
    full = str(text or "")
    return (full if full.isprintable() else "".join(char for char in full if char.isprintable())).strip()


def cents(value: object) -> Decimal | None:
    """An amount with two places; None when it is none."""
    try:
        return Decimal(str(value)).quantize(Decimal("0.01"))
    except InvalidOperation:
        return None


def red_content(seller_tax_no: object, blue: str, total: Decimal | None) -> Content:
    """What a red document asks for, and what a red invoice is."""
    return Content(plain(seller_tax_no).upper(), "", "", None if total is None else abs(total), "", blue)


def content_of(row: Row) -> Content:
    if row.get("is_red"):
        number, code = plain(row.get("relation_invoice_no_out")), plain(row.get("relation_invoice_code"))
        blue = number if len(number) == 20 else f"{code}/{number}"
        return red_content(row.get("payee_register_no"), blue, cents(row.get("invoice_amount")))
    lines = row.get("detail_list") or [{}]
    return Content(
        plain(row.get("payee_register_no")).upper(),
        plain(row.get("payer_name")),
        plain(row.get("payer_register_no")).upper(),
        cents(row.get("invoice_amount")),
        plain(lines[0].get("item_name")),
    )


@dataclass(slots=True)
class Document:
    """A document, packed: 100,000 of them must fit in memory and be served without being built again.

    `row` is the truth, `shown` what the read replica still shows. `modified` is hidden from clients, in unix
    seconds. `expect` says how a faithful client ends it: "issue" | "refuse" | "hold" | "none".
    `contents` are all contents it ever had. `written` are the write-backs since it last became pending.
    """

    sid: str
    no: str
    seq: int
    status: int
    modified: int
    shop_no: str
    platforms: frozenset[int]
    row: bytes
    shown: bytes
    shown_status: int
    shown_modified: int
    expect: str
    contents: list[Content]
    written: list[Written] = field(default_factory=list)
    was_pending: bool = False
    cancelled_by_user: bool = False
    files: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        return self.sid, self.no

    @property
    def result(self) -> Written | None:
        """The last accepted write-back since the document became pending."""
        return self.written[-1] if self.written else None
