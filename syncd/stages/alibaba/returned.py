"""An issued invoice on its way to the centre: what was asked for, what was issued, and its file."""

from __future__ import annotations

from syncd.domain.application import Stuck
from syncd.domain.centre import InvoiceFile, InvoiceUk, ReturnedInvoice
from syncd.domain.invoice import Colour, InvoiceRequest
from syncd.domain.mapping import Unfitness, to_request
from syncd.domain.order import InvoiceOrder
from syncd.domain.payload import payload_hash
from syncd.stages.turn import Merchant
from syncd.store.applications import ApplicationView
from syncd.store.links import Leg
from syncd.store.orders import WholeOrder
from syncd.store.submissions import Stored


class NotReturnable(Exception):
    """What was issued cannot be told from what is stored; a person returns it."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.stuck = Stuck.ROW_CHANGED
        self.text = text


def returned_invoice(
    merchant: Merchant,
    seen: ApplicationView,
    leg: Leg,
    order: WholeOrder,
    stored: Stored | None,
    file: InvoiceFile | None,
) -> ReturnedInvoice:
    """The invoice as the centre wants it. Raises NotReturnable where WDT's row no longer says what was issued."""
    assert leg.invoice is not None
    row = _row(merchant, order)
    if stored is not None and stored.payload_hash != payload_hash(row):
        raise NotReturnable("row_changed")
    request = to_request(row, merchant.mapping)
    if isinstance(request, Unfitness):
        raise NotReturnable(request.code)
    if leg.invoice.total is not None and abs(request.total) != abs(leg.invoice.total):
        raise NotReturnable("total")
    return ReturnedInvoice(
        apply_id=seen.apply_id,
        invoice=leg.invoice,
        request=request,
        file=file,
        platform_code=seen.platform_code,
        platform_tid=seen.platform_tid,
        blue=_blue(request) if leg.invoice.colour is Colour.RED else None,
    )


def _row(merchant: Merchant, order: WholeOrder) -> InvoiceOrder:
    try:
        return merchant.erp.decode(order.raw)
    except (ValueError, ArithmeticError) as unreadable:
        raise NotReturnable("row_unreadable") from unreadable


def _blue(request: InvoiceRequest) -> InvoiceUk | None:
    """The invoice that a red one cancels, as the issuer was told it."""
    return InvoiceUk(request.blue.number, request.blue.code) if request.blue is not None else None
