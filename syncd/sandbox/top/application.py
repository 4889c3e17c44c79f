"""A buyer's application for invoices, and the invoices the centre has collected for it."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

APPLYING = "applying"
CONFIRMED = "confirmed"
CREATING = "creating_inv"
SUCCESS = "inv_success"
PART = "inv_part_success"
FAILED = "inv_failed"
CANCELLED = "cancelled"
STATUSES = (APPLYING, CONFIRMED, CREATING, SUCCESS, PART, FAILED, CANCELLED)
FINAL = frozenset({SUCCESS, FAILED, CANCELLED})
MISSPELT = "craeting_inv"
"""How TOP's own pages spell CREATING in two places; taken for it."""


class InvoiceKey(NamedTuple):
    """What names an invoice, in one spelling."""

    number: str
    code: str = ""

    def normal(self) -> "InvoiceKey":
        """Absent, empty and all-zero codes are the same; numbers keep their leading zeros."""
        return InvoiceKey(self.number.strip(), "" if not self.code.strip("0 ") else self.code.strip())


@dataclass(frozen=True, slots=True)
class Collected:
    """An invoice the centre has (归集); `code` as it keeps it, `at` unix seconds."""

    number: str
    code: str
    at: float
    amount: str = ""
    sum_price: str = ""
    sum_tax: str = ""
    date: str = ""
    kind: str = ""

    @property
    def key(self) -> InvoiceKey:
        return InvoiceKey(self.number, self.code).normal()


@dataclass(slots=True)
class Application:
    """One application. `told` is the list of invoices it was finished with, `message` the last one given.

    `demanded` are invoices the centre waits for although nobody here issued them. `update_calls` counts
    prod.apply.update; `history` is (unix seconds, status, who): "merchant", "buyer" or "platform".
    """

    apply_id: str
    app_key: str
    amount: Decimal
    payer_name: str
    payer_register_no: str
    payee_register_no: str
    platform_code: str
    platform_tid: str
    business_type: int
    invoice_kind: int
    invoice_type: str
    created: float
    modified: float
    seller_nick: str = ""
    more: dict[str, Any] = field(default_factory=dict)
    status: str = APPLYING
    final: bool = False
    message: str = ""
    told: list[InvoiceKey] = field(default_factory=list)
    collected: list[Collected] = field(default_factory=list)
    demanded: list[InvoiceKey] = field(default_factory=list)
    update_calls: int = 0
    history: list[tuple[float, str, str]] = field(default_factory=list)

    def has(self, key: InvoiceKey) -> bool:
        return any(invoice.key == key.normal() for invoice in self.collected)

    def missing(self, asked: list[InvoiceKey]) -> list[InvoiceKey]:
        """Those not collected yet, each once, as they were spelled; then what is demanded besides."""
        open_ones = {key.normal(): key for key in [*asked, *self.demanded] if not self.has(key)}
        return list(open_ones.values())

    def move(self, status: str, at: float, by: str, message: str = "", *, final: bool | None = None) -> None:
        """`final` None goes by the status; inv_part_success may be either."""
        self.status, self.modified = status, at
        self.final = status in FINAL if final is None else final
        self.message = message or self.message
        self.history.append((at, status, by))

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}
