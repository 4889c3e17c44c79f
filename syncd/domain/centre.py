"""Alibaba's invoice centre (阿里发票中台) as the stages see it: applications, and the invoices that end them.

A buyer's application is known by its `apply_id`; one application may need the invoices of several orders. The centre
says which invoices it has not collected yet. That says nothing about whether they were issued: no way leads from a
missing invoice to issuing one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import NewType, Protocol

from syncd.domain.invoice import Invoice, InvoiceRequest

ApplyId = NewType("ApplyId", str)


class ApplyStatus(StrEnum):
    """Where an application stands (the seed names `cancelled` and `inv_success`, TOP's pages the rest).

    A status that is read may be none of these: it is kept as text.
    """

    APPLYING = "applying"
    CONFIRMED = "confirmed"
    CREATING = "creating_inv"  # also met as "craeting_inv"
    SUCCESS = "inv_success"
    PART = "inv_part_success"
    FAILED = "inv_failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class InvoiceUk:
    """What names an invoice at the centre: its number and, where there is one, its code."""

    number: str
    code: str = ""

    def normal(self) -> InvoiceUk:
        """The same name in the one spelling in which two of them may be compared.

        A fully digital number of 20 digits has no code, whatever was sent in its place; an empty code and one of
        zeros are none; a number of the tax-control kinds is eight digits, zeros in front included.
        """
        number, code = self.number.strip(), self.code.strip()
        if len(number) == 20 or not code.strip("0"):
            code = ""
        return InvoiceUk(number.zfill(8), code)


@dataclass(frozen=True, slots=True)
class Updated:
    """The answer to a change of status. `missing`: those not collected yet, as the centre spells them."""

    success: bool
    missing: tuple[InvoiceUk, ...] = ()
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Application:
    """An application as the centre shows it. What it does not tell is None or ""."""

    apply_id: ApplyId
    status: str
    final: bool = False
    amount: Decimal | None = None
    business_type: int | None = None
    payer_name: str = ""
    payer_register_no: str = ""
    payee_register_no: str = ""
    platform_code: str = ""
    platform_tid: str = ""
    invoices: tuple[InvoiceUk, ...] = ()
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """One message of the platform's queue, delivered at least once until it is confirmed.

    `apply_id` is "" in a buyer's withdrawal (`trigger_status` "buyer_cancel"), which names the trade alone.
    `seller_nick` is the shop it is about: one application key serves several. A message without an id that can be
    confirmed has one made of its words.
    """

    id: str
    topic: str
    apply_id: str
    platform_code: str
    platform_tid: str
    trigger_status: str
    status: str
    published_at: datetime | None
    content: str  # the message's own JSON, as it came
    seller_nick: str = ""

    @property
    def confirmable(self) -> bool:
        """Whether it can be taken off the queue: the platform's ids are whole numbers."""
        return self.id.isascii() and self.id.isdigit()


class FileKind(StrEnum):
    """What a file of an invoice is."""

    PDF = "PDF"
    OFD = "OFD"


@dataclass(frozen=True, slots=True)
class InvoiceFile:
    """The bytes of an invoice's file, checked to be what `kind` says."""

    kind: FileKind
    content: bytes


@dataclass(frozen=True, slots=True)
class ReturnedInvoice:
    """An issued invoice on its way to the centre: what was asked for, what was issued, and its file.

    `platform_*` are needed by `detail_upload` alone, which knows trades and no applications. `blue` is the invoice a
    red one cancels.
    """

    apply_id: ApplyId
    invoice: Invoice
    request: InvoiceRequest
    file: InvoiceFile | None
    platform_code: str = ""
    platform_tid: str = ""
    blue: InvoiceUk | None = None


class InvoiceCentre(Protocol):
    """One merchant's account at Alibaba's invoice centre.

    Every call raises Transient (nothing happened there: network before the first byte, a rate limit, server trouble
    that certainly executed nothing), InDoubt (it may have happened: a time-out, `isp.*-timeout`, an unreadable
    answer), Permanent (they understood and said no; `verdict.care` says whether the account or this one application is
    meant) and Paced (the credential rests, nothing was sent).
    """

    async def update(
        self, apply_id: ApplyId, status: ApplyStatus, invoices: Sequence[InvoiceUk] = (), message: str = ""
    ) -> Updated:
        """Change an application's status; ≤ 100 invoices, all of it. Safe to repeat with the same status and list.

        Raises ValueError before anything is sent: more than 100, success without invoices, failure without message.
        Source: seed alibaba-apply-update.
        """
        ...

    async def upload(self, returned: ReturnedInvoice) -> bool:
        """Return one issued invoice by the configured interface; whether the centre says it took it.

        True too where it answers that it has it already. Not known to be safe to repeat: after InDoubt `update` tells.
        Raises ValueError before anything is sent where the invoice cannot be put into this interface.
        """
        ...

    async def application(self, apply_id: ApplyId) -> Application | None:
        """What the centre shows under this id; None when it knows none."""
        ...

    async def notices(self, most: int = 100) -> Sequence[Notice]:
        """Up to `most` (10–200) waiting messages; the same ones again until they are confirmed."""
        ...

    async def confirm(self, ids: Sequence[str]) -> None:
        """Take messages (≤ 200) off the queue. What is lost here comes again."""
        ...

    async def server_time(self) -> datetime:
        """The gateway's clock, aware UTC."""
        ...


class FileSource(Protocol):
    """Where an issuer's files are fetched from."""

    async def fetch(self, url: str) -> InvoiceFile:
        """The file at `url`, whole, and of the kind that its own first bytes say.

        Raises Transient (not there now: network, a server's trouble, not made yet) and Permanent (never: an address
        that may not be called, no PDF and no OFD, too large).
        """
        ...
