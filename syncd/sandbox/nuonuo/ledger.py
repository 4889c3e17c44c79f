"""The legal truth: which invoices exist. An invoice exists from status 21 on (also at 24)."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from syncd.sandbox.moment import BEIJING
from syncd.sandbox.nuonuo.order import DIGITAL, ELECTRONIC_DIGITAL, Order

REGION = "33"


@dataclass(slots=True)
class LegalInvoice:
    """One legally issued invoice. Amounts have two decimals; `issued_at` is unix seconds.

    `requested_total` is the gross amount that was submitted (differs from `total` when the order was split or
    the issuer changed an amount). `serial` names the submission; children of a split share it. A red one has
    negative amounts and names its blue one (`blue_number`, 20 digits or "code/number") and its form (`bill_id`).
    """

    number: str
    code: str
    paper_number: str
    seller_tax_no: str
    order_no: str
    serial: str
    buyer_tax_no: str
    buyer_name: str
    goods_name: str
    net: Decimal
    tax: Decimal
    total: Decimal
    requested_total: Decimal
    issued_at: float
    colour: str = "blue"
    voided: bool = False
    wdt_order_no: str | None = None
    kind: str = ""
    blue_number: str = ""
    bill_id: str = ""

    def shown_number(self) -> str:
        """`invoiceNo` of a query: the 20 digits of a 数电电票, the 8 digits of a paper or tax-control one."""
        return self.paper_number or self.number


class NumberSeries:
    """Runs of numbers of one seller: 20 digits for 数电, code and 8 digits otherwise (docs/amounts.md)."""

    def __init__(self, start: int) -> None:
        self._next = start

    def draw(self, kind: str, issued_at: float) -> tuple[str, str, str]:
        """(number, code, paper number). The number is what identifies the invoice."""
        self._next += 1
        year = datetime.fromtimestamp(issued_at, BEIJING).strftime("%y")
        short = f"{self._next % 10**8:08d}"
        code = f"0{REGION}00{year}00111"
        if kind in ELECTRONIC_DIGITAL:
            return f"{year}{REGION}2{self._next:015d}", "", ""
        if kind in DIGITAL:
            return f"{year}{REGION}2{self._next:015d}", code, short
        return short, code, ""


def legal_invoice(
    order: Order, serial: str, amounts: tuple[Decimal, Decimal], requested: Decimal,
    numbers: tuple[str, str, str], issued_at: float,
) -> LegalInvoice:  # fmt: skip
    """A legal invoice over `amounts` = (net, tax); blue, unless the caller makes it red."""
    net, tax = amounts
    number, code, paper = numbers
    return LegalInvoice(
        number=number, code=code, paper_number=paper,
        seller_tax_no=order.seller_tax_no, order_no=order.order_no, serial=serial,
        buyer_tax_no=order.buyer_tax_no, buyer_name=order.buyer_name, goods_name=order.lines[0].goods_name,
        net=net, tax=tax, total=net + tax, requested_total=requested, issued_at=issued_at, kind=order.kind,
    )  # fmt: skip
