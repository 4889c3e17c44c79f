"""Did the business content of an invoice order change, or only WDT's bookkeeping about it?"""

from __future__ import annotations

import json
from decimal import Context, Decimal
from hashlib import blake2b

from syncd.domain.order import InvoiceOrder

#: Changes with the fields below and with how they are written, so that digests of two are never compared by accident.
_VERSION = "payload-2"
Cell = str | int | bool | Decimal | None

#: More digits than any number that was read has.
_AS_IT_IS = Context(prec=100)
_written = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


def payload_hash(order: InvoiceOrder) -> bytes:
    """Sixteen bytes over what a legal invoice is made of: parties, kind, colour and relation, amounts, lines, remark.

    Not over what issuing, uploading and our own write-back change (status, mask, invoice number, code and time, file,
    error text, serial, really issued amount), nor over shop, trade and platform references. 4, 4.0 and 4.0000 are one
    number. The same in every process and release with the same `_VERSION`.
    """
    cells = [_number(cell) if type(cell) is Decimal else cell for cell in _cells(order)]
    return blake2b(_written(cells).encode("utf-8", "surrogatepass"), digest_size=16).digest()


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


def _number(number: Decimal) -> str:
    """One spelling for each number."""
    return str(_AS_IT_IS.normalize(number)) if number else "0"
