"""The legal document, and the neutral request from which an issuer makes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NewType

from syncd.domain.order import OrderNo, Party

IssuerKey = NewType("IssuerKey", str)


class Colour(StrEnum):
    """A red invoice is a negative one that cancels a named blue one."""

    BLUE = "blue"
    RED = "red"


class Kind(StrEnum):
    """The legal kind of document, after WDT's `invoice_type` (seed wdt-search §4)."""

    PAPER_NORMAL = "paper_normal"
    E_NORMAL = "e_normal"
    PAPER_SPECIAL = "paper_special"
    DIGITAL_NORMAL = "digital_normal"
    DIGITAL_SPECIAL = "digital_special"
    E_SPECIAL = "e_special"


@dataclass(frozen=True, slots=True)
class BlueRef:
    """Which blue invoice a red one cancels: 20 digits alone, or 8 digits with the code without which they name none."""

    number: str
    code: str = ""

    def __str__(self) -> str:
        """One text per invoice, as the store compares it: 20 digits, or code/number."""
        return f"{self.code}/{self.number}" if self.code else self.number

    @classmethod
    def read(cls, text: str) -> BlueRef:
        """The reference that is written so."""
        code, _, number = text.rpartition("/")
        return cls(number, code)


@dataclass(frozen=True, slots=True)
class RequestLine:
    """One line as it will be printed. Money has two decimals; a discount line has neither price nor number."""

    property: int  # 0 normal, 1 discount, 2 discounted (RowType)
    name: str
    spec: str
    unit: str
    num: Decimal | None
    price: Decimal | None  # tax-exclusive, at most eight decimals; both or neither of num and price
    tax_code: str  # 19 digits
    rate: Decimal
    net: Decimal
    tax: Decimal
    gross: Decimal
    zero_rate: str = ""  # "" | exempt | untaxed | zero


@dataclass(frozen=True, slots=True)
class InvoiceRequest:
    """What is to be issued, in nobody's dialect: checked, normalised, never recomputed tax."""

    order_no: OrderNo
    colour: Colour
    kind: Kind
    seller: Party
    buyer: Party
    buyer_is_company: bool
    natural_person: bool
    drawer: str
    payee: str
    checker: str
    remark: str
    ordered_at: datetime | None
    mobile: str
    lines: tuple[RequestLine, ...]
    net: Decimal
    tax: Decimal
    total: Decimal
    blue: BlueRef | None = None  # of a red one: what it cancels


@dataclass(frozen=True, slots=True)
class Invoice:
    """An issued invoice as its issuer reports it.

    `number` is 20 digits and `code` empty for a fully digital one; 8 digits and a code of 10 or 12 otherwise.
    Fields the issuer did not tell are None; a file may come later than the number.
    """

    number: str
    code: str
    total: Decimal | None
    colour: Colour
    issued_at: datetime | None = None
    net: Decimal | None = None
    tax: Decimal | None = None
    buyer_name: str | None = None
    buyer_tax_no: str | None = None
    file_url: str = ""
    ofd_url: str = ""
    xml_url: str = ""
    serial: str = ""
    blue: str = ""  # of a red one: the blue invoice it names, as `BlueRef` writes it; "" where not told


@dataclass(frozen=True, slots=True)
class Expected:
    """What an invoice found under our key must show before it is ours: no tolerance."""

    buyer_tax_no: str
    total: Decimal
    colour: Colour
    blue: str = ""  # of a red one: what it cancels, as `BlueRef` writes it

    def disagreements(self, invoice: Invoice) -> tuple[str, ...]:
        """The names of the fields in which `invoice` is another one; empty when it is ours."""
        found: list[str] = []
        if invoice.buyer_tax_no is not None and invoice.buyer_tax_no.strip() != self.buyer_tax_no:
            found.append("buyer_tax_no")
        if invoice.total is None or abs(invoice.total) != abs(self.total):
            found.append("total")
        if invoice.colour is not self.colour:
            found.append("colour")
        if self.blue and invoice.blue and invoice.blue != self.blue:
            found.append("blue")
        return tuple(found)
