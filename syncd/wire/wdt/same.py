"""Whether two rows ask for the same invoice, without reading either: their cells are compared as they are written.

Two spellings of one value count as different here; who has to know reads both rows then.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw

_NONE = Raw()


class _Wish(msgspec.Struct, gc=False):
    """What `domain.payload.payload_hash` looks at, by WDT's names (`wire.wdt.order`)."""

    is_red: Raw = _NONE
    business_type: Raw = _NONE
    invoice_type: Raw = _NONE
    relation_invoice_no_out: Raw = _NONE
    relation_invoice_code: Raw = _NONE
    payer_name: Raw = _NONE
    payer_register_no: Raw = _NONE
    payer_address: Raw = _NONE
    payer_phone: Raw = _NONE
    payer_bank: Raw = _NONE
    payer_account: Raw = _NONE
    payer_email: Raw = _NONE
    payee_name: Raw = _NONE
    payee_register_no: Raw = _NONE
    payee_address: Raw = _NONE
    payee_telno: Raw = _NONE
    payee_bank_name: Raw = _NONE
    payee_bank_account: Raw = _NONE
    payee_operator: Raw = _NONE
    payee_receiver: Raw = _NONE
    payee_checker: Raw = _NONE
    invoice_remark: Raw = _NONE
    goods_amount: Raw = _NONE
    goods_tax: Raw = _NONE
    discount: Raw = _NONE
    discount_tax: Raw = _NONE
    sum_price: Raw = _NONE
    sum_tax: Raw = _NONE
    invoice_amount: Raw = _NONE
    detail_list: Raw = _NONE


_WISH = msgspec.json.Decoder(_Wish)


def ask_the_same(before: bytes, now: bytes) -> bool:
    """Whether every cell that an invoice is made of is written alike in both."""
    try:
        return _WISH.decode(before) == _WISH.decode(now)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
