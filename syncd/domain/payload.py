"""Did the business content of an invoice order change, or only WDT's bookkeeping about it?"""

from __future__ import annotations

from decimal import Decimal
from hashlib import blake2b

from syncd.domain.order import InvoiceOrder

#: Changes when the fields below change, so that digests of two releases are never compared by accident.
_VERSION = "payload-1"
#: As `_written` gives it; every other text is.
_EMPTY = b"t"
Cell = str | int | bool | Decimal | None


def payload_hash(order: InvoiceOrder) -> bytes:
    """Sixteen bytes over what a legal invoice is made of: parties, kind, colour and relation, amounts, lines, remark.

    Not over what issuing, uploading and our own write-back change (status, mask, invoice number, code and time, file,
    error text, serial, really issued amount), nor over shop, trade and platform references. 4, 4.0 and 4.0000 are one
    number. The same in every process and release with the same `_VERSION`.
    """
    # The length keeps "ab" + "c" apart from "a" + "bc".
    written = [_EMPTY if cell == "" else _written(cell) for cell in _cells(order)]
    return blake2b(b"".join([b"%d:%b" % (len(cell), cell) for cell in written]), digest_size=16).digest()


def _cells(order: InvoiceOrder) -> list[Cell]:
    payer, payee = order.payer, order.payee
    cells: list[Cell] = [
        _VERSION,
        *(order.is_red, order.business_type, order.invoice_type),
        *(order.relation_invoice_no, order.relation_invoice_code),
        *(payer.name, payer.tax_no, payer.address, payer.phone, payer.bank_name, payer.bank_account, payer.email),
        *(payee.name, payee.tax_no, payee.address, payee.phone, payee.bank_name, payee.bank_account, payee.email),
        *(order.operator, order.receiver, order.checker, order.remark),
        *(order.goods_amount, order.goods_tax, order.discount, order.discount_tax),
        *(order.sum_price, order.sum_tax, order.invoice_amount),
        len(order.lines),
    ]
    for line in order.lines:
        cells += (line.item_name, line.item_no, line.row_type, line.unit_name, line.tax_code, line.remark)
        cells += (line.num, line.price, line.tax_rate, line.sum_price, line.tax, line.sum_amount)
        cells += (line.discount, line.discount_tax)
    return cells


def _written(cell: Cell) -> bytes:
    """One spelling per value; None is no empty text and no zero."""
    if type(cell) is str:
        return b"t" + cell.encode("utf-8", "surrogatepass")
    if type(cell) is Decimal:
        return b"n" + _plain(cell)
    match cell:
        case None:
            return b"-"
        case bool():
            return b"b1" if cell else b"b0"
        case Decimal():
            return b"n" + (_plain(cell))
        case int():
            return b"i%d" % cell
        case str():
            return b"t" + cell.encode("utf-8", "surrogatepass")


def _plain(number: Decimal) -> bytes:
    # Not Decimal.normalize(), which rounds to the context's 28 digits.
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return b"0" if text in ("-0", "0", "") else text.encode()
