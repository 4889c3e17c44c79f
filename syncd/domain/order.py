"""The invoice order (发票单) as WDT shows it, and what one page of a search brings.

Source: seed wdt-search §4. Every field is optional when read: the seed's own sample lacks eleven of the
fields it documents as always present.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import IntEnum
from typing import NamedTuple, NewType, Protocol

from syncd.domain.trouble import Verdict

OrderNo = NewType("OrderNo", str)
MerchantName = NewType("MerchantName", str)


class WdtStatus(IntEnum):
    """States of an invoice order inside WDT (seed wdt-search §3.3). Unknown numbers stay plain integers."""

    CANCELLED = 5
    EDITING = 10
    REVIEW = 20
    IMPORTED = 35
    TO_ISSUE = 40
    WAITING = 45
    ISSUING = 50
    ISSUED = 60
    REQUEST_FAILED = 70
    ISSUE_FAILED = 80
    OFFLINE_FAILED = 85
    PDF_PENDING = 90
    UPLOAD_FAILED = 100
    UPLOADED = 110


#: An order in one of these states carries a legal invoice as far as WDT knows.
WDT_HAS_INVOICE = frozenset({WdtStatus.ISSUED, WdtStatus.PDF_PENDING, WdtStatus.UPLOAD_FAILED, WdtStatus.UPLOADED})
#: The only states from which WDT accepts a write-back (seed wdt-update-invoice §1.5).
WDT_ACCEPTS_WRITE_BACK = frozenset({WdtStatus.WAITING, WdtStatus.OFFLINE_FAILED})


@dataclass(frozen=True, slots=True)
class Party:
    """Buyer or seller; an absent text is the empty string."""

    name: str = ""
    tax_no: str = ""
    address: str = ""
    phone: str = ""
    bank_name: str = ""
    bank_account: str = ""
    email: str = ""


class RowType(IntEnum):
    """Kind of a detail line (seed wdt-search §4, row_type)."""

    NORMAL = 0
    DISCOUNT = 1
    DISCOUNTED = 2


@dataclass(frozen=True, slots=True)
class Line:
    """One detail line; amounts carry up to four decimals as WDT sends them, None where absent or null."""

    item_name: str
    item_no: str
    row_type: int
    unit_name: str
    num: Decimal | None
    price: Decimal | None
    tax_code: str
    tax_rate: Decimal | None
    sum_price: Decimal | None
    tax: Decimal | None
    sum_amount: Decimal | None
    discount: Decimal
    discount_tax: Decimal
    remark: str = ""
    tid: str = ""
    oid: str = ""
    trade_no: str = ""
    platform_id: int | None = None


@dataclass(frozen=True, slots=True)
class InvoiceOrder:
    """One invoice order, fully decoded. Texts are as sent; an absent one is the empty string."""

    no: OrderNo
    status: int
    is_red: bool
    business_type: int | None
    invoice_type: int | None
    payer: Party
    payee: Party
    operator: str
    receiver: str
    checker: str
    shop_no: str
    shop_name: str
    trade_no: str
    goods_amount: Decimal | None
    goods_tax: Decimal | None
    discount: Decimal
    discount_tax: Decimal
    sum_price: Decimal | None
    sum_tax: Decimal | None
    invoice_amount: Decimal | None
    outer_amount: Decimal | None
    remark: str
    tax_control_no: str
    relation_invoice_no: str
    relation_invoice_code: str
    invoice_no: str
    invoice_code: str
    invoice_time: str
    file_url: str
    error_info: str
    serial_no: str
    mask: int
    created_at: datetime | None
    lines: tuple[Line, ...]


class Glance(Protocol):
    """A row of a search page, as far as it takes to know whether it is new or changed; `read` tells the rest.

    Its bytes are those of a row that can be read: nothing can go wrong any more.
    """

    @property
    def no(self) -> OrderNo: ...
    @property
    def status(self) -> int: ...
    @property
    def raw(self) -> bytes: ...
    @property
    def content_hash(self) -> bytes: ...

    def read(self) -> Row:
        """The row, as `Row` tells of it."""
        ...


class Row(NamedTuple):
    """One row of a search page: the head that is filtered and shown, and the untouched bytes.

    `amount` is `invoice_amount` in ten-thousandths (None where absent or unreadable); `content_hash` is a
    digest of `raw`, so that an unchanged row is known without comparing it. `relation`: of a red row, the blue invoice
    it names, as `BlueRef` writes it.
    """

    no: OrderNo
    status: int
    invoice_no: str
    is_red: bool
    shop_no: str
    payer_name: str
    amount: int | None
    created_at: datetime | None
    raw: bytes
    content_hash: bytes
    relation: str = ""

    def read(self) -> Row:
        """Itself: it has been read."""
        return self


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row that cannot even be named (no readable number or status): kept with its bytes and the reason."""

    raw: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class Search:
    """What to ask of `InvoiceOrder.search`: a window of last-update time, or one order by its number.

    `start` and `end` are aware and are sent as they stand; widening them for the unknown meaning of the ends
    is the window rules' business. `every_status` is `mode=1`; without it WDT returns status 45 alone. What is
    `patient` lets every other call of the credential go first.
    """

    start: datetime | None = None
    end: datetime | None = None
    page_no: int = 0
    page_size: int = 100
    every_status: bool = False
    status: int | None = None
    order_no: OrderNo | None = None
    with_total: bool = True
    patient: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """One answered page. `total` is None when the answer carried none that can be trusted as a number.

    `asked_at` is the clock reading that stamped and signed the accepted call: what the rows show was true at
    or after it, give or take the server's tolerated clock error.
    """

    rows: tuple[Glance, ...]
    bad: tuple[BadRow, ...]
    total: int | None
    asked_at: datetime

    @property
    def count(self) -> int:
        """How many rows were served, readable or not."""
        return len(self.rows) + len(self.bad)


@dataclass(frozen=True, slots=True)
class WriteBack:
    """How an order ended, for `updateInvoice`: status 60 with the invoice, or 85 with the reason.

    Limits (seed wdt-update-invoice §3.3), all in characters: number and code 40, urls 255, error text 100.
    """

    order_no: OrderNo
    status: int
    invoice_no: str = ""
    invoice_code: str = ""
    file_url: str = ""
    ofd_url: str = ""
    xml_url: str = ""
    issued_at: datetime | None = None
    error_text: str = ""
    outer_amount: Decimal | None = None


@dataclass(frozen=True, slots=True)
class UpdateAnswer:
    """WDT took the call; the listed documents were refused with the text given, the others accepted.

    `verdicts` says of each refused document what its text means; its keys are those of `refused`.
    """

    refused: dict[OrderNo, str]
    verdicts: Mapping[OrderNo, Verdict] = field(default_factory=dict)
