"""What must be there and how long it may be, checked before anything is sent.

Only checks: a text is never cut here. Lengths are in characters. The codes are those of `domain.unfit_texts` where
the mapping knows the same fault; `field` names the WDT field that a clerk can correct.
Source: Nuonuo field tables (requestBillingNew).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from syncd.domain.invoice import RequestLine
from syncd.domain.ports import Unfit
from syncd.domain.texts import is_usable

MOST_LINES = 2000
KEY_LENGTH = 20
REMARK_LENGTH = 230
DIGITAL_REMARK_LENGTH = 200
SPEC_LENGTH = 40
EMAIL_LENGTH = 50
#: A number or a price: in all, and after the point.
NUMBER_LENGTH, NUMBER_PLACES = 16, 8
#: A buyer's telephone and address share one line on the face.
TEL_AND_ADDRESS = 100

#: Field of the order → (the WDT field or the setting it comes from, the longest it may be).
HEADER: Mapping[str, tuple[str, int]] = {
    "buyerName": ("payer_name", 100),
    "buyerTaxNum": ("payer_register_no", 20),
    "buyerTel": ("payer_phone", 50),
    "buyerAddress": ("payer_address", 80),
    "buyerAccount": ("payer_account", 100),
    "salerTaxNum": ("payee_register_no", 20),
    "salerTel": ("payee_telno", 20),
    "salerAddress": ("payee_address", 80),
    "salerAccount": ("payee_bank_account", 100),
    "clerk": ("payee_operator", 20),
    "payee": ("payee_receiver", 20),
    "checker": ("payee_checker", 20),
    "extensionNumber": ("extension_number", 5),
    "clerkId": ("clerk_id", 32),
    "departmentId": ("department_id", 32),
}
LINE: Mapping[str, tuple[str, int]] = {
    "goodsName": ("item_name", 90),
    "goodsCode": ("tax_code", 19),
    "specType": ("item_no", SPEC_LENGTH),
    "unit": ("unit_name", 20),
    "taxExcludedAmount": ("sum_price", 16),
    "tax": ("tax", 16),
    "taxIncludedAmount": ("sum_amount", 16),
}
_WRITTEN: Mapping[str, str] = {**{name: field for name, (field, _) in HEADER.items()}, "remark": "invoice_remark"}
_OWN_TOO_LONG = {"buyerName": "buyer_name_too_long"}


def check_header(header: Mapping[str, str], *, remark_length: int, needs_tax_no: bool) -> None:
    """Raises: Unfit for the first field that is missing, too long, or cannot be written as UTF-8."""
    _check_present(header, needs_tax_no=needs_tax_no)
    for name, (field, limit) in HEADER.items():
        length = len(header[name])
        if name in _OWN_TOO_LONG and length > limit:
            raise Unfit(_OWN_TOO_LONG[name], length=str(length), limit=str(limit))
        if length > limit:
            raise Unfit("text_too_long", field=field, length=str(length), limit=str(limit))
    if len(header["remark"]) > remark_length:
        raise Unfit("remark_too_long", length=str(len(header["remark"])), limit=str(remark_length))
    both = len(header["buyerTel"]) + len(header["buyerAddress"])
    if both > TEL_AND_ADDRESS:
        raise Unfit("buyer_contact_too_long", length=str(both), limit=str(TEL_AND_ADDRESS))
    odd = _unwritable(header)
    if odd is not None:
        raise Unfit("text_unusable", field=_WRITTEN.get(odd, odd))


def check_line(number: int, detail: Mapping[str, str]) -> None:
    """The same for a line, by its place counted from 1."""
    if not detail["goodsName"]:
        raise Unfit("item_name_missing", line=str(number))
    for name, (field, limit) in LINE.items():
        length = len(detail.get(name, ""))
        if length > limit:
            place = f"detail_list.{number}.{field}"
            raise Unfit("item_text_too_long", field=place, length=str(length), limit=str(limit))
    odd = _unwritable(detail)
    if odd is not None:
        raise Unfit("text_unusable", field=f"detail_list.{number}.{LINE[odd][0]}")


def check_zero(number: int, line: RequestLine, known: Mapping[str, object]) -> None:
    """The rate is a fraction; a zero needs its reason and a reason needs a zero, for the law knows three zeros."""
    if not line.rate.is_finite() or not 0 <= line.rate < 1:
        raise Unfit("rate_unknown", line=str(number), rate=str(line.rate))
    if line.rate == 0 and not line.zero_rate:
        raise Unfit("zero_rate_unexplained", line=str(number), tax_code=line.tax_code)
    if line.zero_rate not in known or (line.rate != 0 and line.zero_rate):
        raise Unfit("zero_rate_contradicted", line=str(number), rate=str(line.rate), mark=line.zero_rate)


def check_cents(number: int, name: str, amount: Decimal, places: int) -> None:
    """Money comes in cents and is never rounded to them."""
    field = f"detail_list.{number}.{LINE[name][0]}"
    if not amount.is_finite():
        raise Unfit("amount_out_of_range", field=field)
    if places > 2:
        raise Unfit("amount_not_in_cents", field=field, amount=str(amount))


def _check_present(header: Mapping[str, str], *, needs_tax_no: bool) -> None:
    if not header["buyerName"]:
        raise Unfit("buyer_name_missing")
    if needs_tax_no and not header["buyerTaxNum"]:
        raise Unfit("buyer_tax_no_missing")
    for name, field in (("invoiceDate", "created"), ("salerTaxNum", "payee_register_no"), ("clerk", "payee_operator")):
        if not header[name]:
            raise Unfit("text_missing", field=field)


def _unwritable(texts: Mapping[str, str]) -> str | None:
    """The name of a text in which half a surrogate pair stands: JSON can escape it, but it has no bytes."""
    if is_usable("".join(texts.values())):
        return None
    return next(name for name, text in texts.items() if not is_usable(text))
