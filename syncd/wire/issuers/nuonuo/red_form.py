"""Red confirmation forms (红字确认单) in Nuonuo's dialect: the bodies that are sent, and what a form's state means.

Pure. A form names a blue invoice and no figure: without lines it reverses all of it. A part is never asked for here.
Source: Nuonuo field tables and public clients (saveInvoiceRedConfirm and its kin); the bureau's states after
docs/amounts.md. Not said there: states beyond 13, what a repeated billId is answered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from syncd.domain.invoice import BlueRef, InvoiceRequest, IssuerKey
from syncd.domain.money_guard import PrintedForm
from syncd.domain.ports import Unfit
from syncd.wire.issuers.nuonuo.codec import DIGITAL, KEY, NuonuoOptions, invoice_line
from syncd.wire.issuers.nuonuo.results import Entry, text_in
from syncd.wire.strict_json import loads

#: Source of the form: 0, the seller. The reasons are Nuonuo's own: 1 returned, 2 wrong, 3 service ended, 4 allowance.
_SELLER = "0"
#: Where a query looks: 0, among the seller's.
_IDENTITY = "0"
#: Field of the form → (the WDT field or the setting it comes from, the longest it may be).
_LENGTHS: Mapping[str, tuple[str, int]] = {
    "sellerTaxNo": ("payee_register_no", 20),
    "sellerName": ("payee_name", 100),
    "buyerTaxNo": ("payer_register_no", 20),
    "buyerName": ("payer_name", 100),
    "extensionNumber": ("extension_number", 5),
}
_DIGITAL_NUMBER = re.compile(r"[0-9]{20}")


class Stage(StrEnum):
    """What a state of the form leaves to be done."""

    APPLYING = "applying"
    BUYER = "buyer"  # the buyer has 72 hours
    AGREED = "agreed"  # the red invoice's own number is awaited
    PERSON = "person"  # a person decides
    ENDED = "ended"  # without a red invoice


#: billStatus → what it leaves to be done, and what is told of it.
STATES: Mapping[str, tuple[Stage, str]] = {
    "01": (Stage.AGREED, "无需确认"),
    "02": (Stage.BUYER, "待购买方确认"),
    "03": (Stage.PERSON, "购买方发起，待销售方确认"),
    "04": (Stage.AGREED, "双方已确认"),
    "05": (Stage.ENDED, "购买方否认红字确认单"),
    "06": (Stage.PERSON, "销售方否认红字确认单"),
    "07": (Stage.ENDED, "购买方超过72小时未确认，红字确认单作废"),
    "08": (Stage.ENDED, "发起方撤销红字确认单"),
    "09": (Stage.ENDED, "红字确认单确认后被撤销"),
    "10": (Stage.ENDED, "红字确认单因异常凭证作废"),
    "11": (Stage.PERSON, "纳税人状态异常，红字确认单被阻断"),
    "12": (Stage.ENDED, "自然人拒收，红字确认单终止"),
    "13": (Stage.PERSON, "已开具退税申请单，红字确认单被阻断"),
    "15": (Stage.APPLYING, "红字确认单申请中"),
    "16": (Stage.ENDED, "红字确认单申请失败"),
}


@dataclass(frozen=True, slots=True)
class Form:
    """One form as a query shows it; empty where not told. `stage` is None for a state that nobody knows."""

    status: str
    stage: Stage | None
    text: str
    bill_no: str = ""
    uuid: str = ""
    serial: str = ""
    red_number: str = ""
    line: str = ""
    blue_number: str = ""

    @property
    def names_red(self) -> bool:
        """Whether it shows a red invoice, which exists whatever the form's state says."""
        return bool(self.serial or self.red_number)


def render(request: InvoiceRequest, key: IssuerKey, tax_no: str, options: NuonuoOptions) -> bytes:
    """The body of saveInvoiceRedConfirm for the whole of the blue invoice. Raises: Unfit.

    The red invoice that comes of it by itself is to have our key as its order number, too.
    """
    if not KEY.fullmatch(key):
        raise Unfit("key_out_of_form", key=key)
    if request.blue is None or not request.blue.number:
        raise Unfit("red_without_blue")
    line = invoice_line(request.kind, options)
    form = {
        "billId": key,
        "blueInvoiceLine": line,
        "applySource": _SELLER,
        **_named(request.blue, line),
        "sellerTaxNo": tax_no,
        "sellerName": request.seller.name,
        "buyerName": request.buyer.name,
        "buyerTaxNo": request.buyer.tax_no,
        "redReason": options.red_reason,
        "extensionNumber": options.extension_number,
        "orderNo": key,
    }
    _check(form)
    return compact({name: text for name, text in form.items() if text})


def _named(blue: BlueRef, line: str) -> dict[str, str]:
    digital = _DIGITAL_NUMBER.fullmatch(blue.number) is not None
    if digital is not (line in DIGITAL):
        raise Unfit("red_kind_mismatch", blue=str(blue))
    if digital:
        return {"blueElecInvoiceNumber": blue.number}
    return {"blueInvoiceNumber": blue.number, "blueInvoiceCode": blue.code}


def _check(form: Mapping[str, str]) -> None:
    if not form["buyerName"]:
        raise Unfit("buyer_name_missing")
    if not form["sellerName"]:
        raise Unfit("text_missing", field="payee_name")
    for name, (field, limit) in _LENGTHS.items():
        try:
            form[name].encode()
        except UnicodeEncodeError:
            raise Unfit("text_unusable", field=field) from None
        if len(form[name]) > limit:
            raise Unfit("text_too_long", field=field, length=str(len(form[name])), limit=str(limit))


def printed(body: bytes) -> PrintedForm:
    """What a rendered form asks for, read back from its bytes. Raises ValueError where it is none."""
    form = loads(body)
    if not isinstance(form, dict) or not text_in(form, "billId"):
        raise ValueError("no form")
    digital, number, code = (
        text_in(form, name) for name in ("blueElecInvoiceNumber", "blueInvoiceNumber", "blueInvoiceCode")
    )
    if bool(digital) is bool(number):
        raise ValueError("names none or two blue invoices")
    lines = [name for name in form if name not in _WITHOUT_LINES]
    return PrintedForm(BlueRef(digital) if digital else BlueRef(number, code), text_in(form, "sellerTaxNo"), not lines)


#: Whatever else stands in a form may ask for a part only.
_WITHOUT_LINES = frozenset(
    {
        *("billId", "blueInvoiceLine", "applySource", "blueElecInvoiceNumber", "blueInvoiceNumber", "blueInvoiceCode"),
        *("sellerTaxNo", "sellerName", "buyerName", "buyerTaxNo", "redReason", "extensionNumber", "orderNo"),
    }
)


def ask_body(key: IssuerKey) -> bytes:
    """The body of queryInvoiceRedConfirm for one form of ours."""
    return compact({"identity": _IDENTITY, "billId": key})


def refresh_body(uuid: str) -> bytes:
    """The body of refreshInvoiceRedConfirm: Nuonuo fetches the bureau's state of one form."""
    return compact({"identity": _IDENTITY, "billUuid": uuid})


def serials_body(serials: Sequence[str]) -> bytes:
    """The body of queryInvoiceResult for the red invoices of agreed forms."""
    return compact({"serialNos": list(serials), "isOfferInvoiceDetail": "0"})


def make_body(key: IssuerKey, tax_no: str, form: Form) -> bytes:
    """The body of fastInvoiceRed: make the red invoice of an agreed form, under our key."""
    body = {
        "orderNo": key,
        "taxNum": tax_no,
        "elecInvoiceNumber": form.blue_number,
        "billNo": form.bill_no,
        "billUuid": form.uuid,
        "invoiceLine": form.line,
    }
    return compact({name: text for name, text in body.items() if text})


def forms_in(result: object) -> list[Entry] | None:
    """The forms an answer lists; None where it is no list of forms."""
    listed = result.get("list") if isinstance(result, dict) else result
    if listed is None and isinstance(result, dict) and text_in(result, "total") == "0":
        return []
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        return None
    return listed


def read_form(entry: Entry) -> Form:
    """One form; its state decides what is left to be done."""
    status = text_in(entry, "billStatus")
    stage, text = STATES.get(status, (None, ""))
    return Form(
        status=status,
        stage=stage,
        text=text_in(entry, "billMessage") or text,
        bill_no=text_in(entry, "billNo"),
        uuid=text_in(entry, "billUuid"),
        serial=text_in(entry, "invoiceSerialNum"),
        red_number=text_in(entry, "redInvoiceNumber"),
        line=text_in(entry, "blueInvoiceLine"),
        blue_number=text_in(entry, "blueElecInvoiceNumber"),
    )


def compact(body: Mapping[str, object]) -> bytes:
    """As it is sent, signed and frozen."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
