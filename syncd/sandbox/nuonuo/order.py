"""Reading a submitted order: every value a text, required fields present, lengths kept (docs/wire/nuonuo.md)."""

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from syncd.sandbox.moment import parse_beijing
from syncd.sandbox.nuonuo.refusal import invalid, missing

Json = dict[str, Any]

REQUIRED = ("orderNo", "invoiceDate", "invoiceType", "buyerName", "salerTaxNum", "clerk")
LENGTHS = {
    "orderNo": 20, "invoiceDate": 20, "invoiceType": 1, "invoiceLine": 2, "buyerName": 100, "buyerTaxNum": 20,
    "buyerTel": 50, "buyerAddress": 80, "buyerAccount": 100, "salerTaxNum": 20, "salerTel": 20,
    "salerAddress": 80, "salerAccount": 100, "clerk": 20, "payee": 20, "checker": 20, "pushMode": 2,
    "buyerPhone": 20, "email": 50, "extensionNumber": 5, "clerkId": 32, "departmentId": 32,
    "naturalPersonFlag": 1, "naturalPersonVerifyFlag": 1, "taxNumVerifyFlag": 1, "showBankAccountType": 1,
    "callBackUrl": 500, "remark": 230,
}  # fmt: skip
LINE_LENGTHS = {
    "goodsName": 90, "goodsCode": 19, "specType": 40, "unit": 20, "withTaxFlag": 1, "price": 16, "num": 16,
    "taxExcludedAmount": 16, "tax": 16, "taxIncludedAmount": 16, "taxRate": 10, "invoiceLineProperty": 1,
    "favouredPolicyFlag": 2, "zeroRateFlag": 1,
}  # fmt: skip
DIGITAL = frozenset({"pc", "bs", "es", "ec"})
ELECTRONIC_DIGITAL = frozenset({"pc", "bs"})
KINDS = DIGITAL | {"p", "c", "s", "e", "f", "r", "b", "j", "u"}
SPECIAL = frozenset({"bs", "es", "b", "s"})
DIGITAL_REMARK = 200
TEL_AND_ADDRESS = 100
MOST_LINES = 2000
SHORT_NAME = 4


@dataclass(frozen=True, slots=True)
class Line:
    """One submitted line; amounts have two decimals, `price` and `num` at most eight, or are both None."""

    goods_name: str
    goods_code: str
    with_tax: bool
    rate: Decimal
    prop: str
    price: Decimal | None
    num: Decimal | None
    net: Decimal | None
    tax: Decimal | None
    gross: Decimal | None
    raw: Json


@dataclass(frozen=True, slots=True)
class Order:
    """A submitted order whose form is right; whether its amounts agree is for `amounts.py`."""

    order_no: str
    seller_tax_no: str
    buyer_name: str
    buyer_tax_no: str
    kind: str
    lines: list[Line]
    raw: Json

    def text(self, name: str) -> str:
        return str(self.raw.get(name) or "")


def read_order(body: Json, *, max_order_no: int | None = 20) -> Order:
    """The order of a requestBillingNew body. Raises: Refused E4000. `max_order_no` None = no limit."""
    raw = body.get("order")
    if not isinstance(raw, dict):
        raise missing("order")
    _check_texts(raw, LENGTHS, skip="orderNo" if max_order_no is None else "")
    for name in REQUIRED:
        if not raw.get(name):
            raise missing(name)
    kind = raw.get("invoiceLine") or "p"
    _check_header(raw, kind)
    _check_delivery(raw)
    return Order(
        order_no=raw["orderNo"],
        seller_tax_no=raw["salerTaxNum"],
        buyer_name=raw["buyerName"],
        buyer_tax_no=raw.get("buyerTaxNum") or "",
        kind=kind,
        lines=_lines(raw),
        raw=raw,
    )


def _check_texts(raw: Json, lengths: dict[str, int], skip: str = "") -> None:
    """Known fields must be texts within their length; unknown fields are ignored, null counts as absent."""
    for name, longest in lengths.items():
        value = raw.get(name)
        if value is None:
            continue
        if not isinstance(value, str):
            raise invalid(name, "应为字符串")
        if len(value) > longest and name != skip:
            raise invalid(name, f"长度不能超过{longest}")


def _check_header(raw: Json, kind: str) -> None:
    if kind not in KINDS:
        raise invalid("invoiceLine", "未知的发票种类")
    if raw["invoiceType"] not in ("1", "2"):
        raise invalid("invoiceType", "应为1或2")
    if raw["invoiceType"] == "2" and kind in DIGITAL:
        raise invalid("invoiceType", "数电票请使用红字确认单")
    if parse_beijing(raw["invoiceDate"]) is None or len(raw["invoiceDate"]) != 19:
        raise invalid("invoiceDate", "格式应为yyyy-MM-dd HH:mm:ss")
    if kind in SPECIAL and not raw.get("buyerTaxNum"):
        raise missing("buyerTaxNum")
    if kind in DIGITAL and len(raw.get("remark") or "") > DIGITAL_REMARK:
        raise invalid("remark", f"数电票备注长度不能超过{DIGITAL_REMARK}")
    if len(raw.get("buyerTel") or "") + len(raw.get("buyerAddress") or "") > TEL_AND_ADDRESS:
        raise invalid("buyerAddress", f"地址电话合计不能超过{TEL_AND_ADDRESS}")
    if _is_short_company_name(raw, kind):
        raise invalid("buyerName", "非自然人购方名称过短")


def _is_short_company_name(raw: Json, kind: str) -> bool:
    """The vendor's optional name check refuses a non-person's 普票 with four characters or fewer."""
    checked = raw.get("naturalPersonVerifyFlag") == "1" and raw.get("naturalPersonFlag") != "1"
    return checked and kind in ("pc", "p") and len(raw["buyerName"]) <= SHORT_NAME


def _check_delivery(raw: Json) -> None:
    """pushMode asks for an e-mail (0), a phone (1, the default), both (2) or nothing (-1)."""
    mode = raw.get("pushMode") or "1"
    if mode not in ("-1", "0", "1", "2"):
        raise invalid("pushMode", "应为-1、0、1、2")
    if mode in ("1", "2") and not raw.get("buyerPhone"):
        raise missing("buyerPhone")
    if mode in ("0", "2") and not raw.get("email"):
        raise missing("email")


def _lines(raw: Json) -> list[Line]:
    details = raw.get("invoiceDetail")
    if not isinstance(details, list) or not details:
        raise missing("invoiceDetail")
    if len(details) > MOST_LINES:
        raise invalid("invoiceDetail", f"明细不能超过{MOST_LINES}行")
    return [_line(detail) for detail in details]


def _line(raw: Any) -> Line:
    if not isinstance(raw, dict):
        raise invalid("invoiceDetail", "应为对象")
    _check_texts(raw, LINE_LENGTHS)
    for name in ("goodsName", "withTaxFlag", "taxRate"):
        if not raw.get(name):
            raise missing(name)
    if raw["withTaxFlag"] not in ("0", "1"):
        raise invalid("withTaxFlag", "应为0或1")
    code = raw.get("goodsCode") or ""
    if code and not re.fullmatch(r"[0-9]+", code):
        raise invalid("goodsCode", "应为数字")
    prop = raw.get("invoiceLineProperty") or "0"
    if prop not in ("0", "1", "2"):
        raise invalid("invoiceLineProperty", "应为0、1、2")
    return Line(
        goods_name=raw["goodsName"],
        goods_code=code,
        with_tax=raw["withTaxFlag"] == "1",
        rate=_rate(raw["taxRate"]),
        prop=prop,
        price=_decimal(raw, "price", 8),
        num=_decimal(raw, "num", 8),
        net=_decimal(raw, "taxExcludedAmount", 2),
        tax=_decimal(raw, "tax", 2),
        gross=_decimal(raw, "taxIncludedAmount", 2),
        raw=raw,
    )


def _rate(text: str) -> Decimal:
    rate = _decimal({"taxRate": text}, "taxRate", 4)
    if rate is None or not 0 <= rate < 1:
        raise invalid("taxRate", "应为小数，如0.13")
    return rate


def _decimal(raw: Json, name: str, places: int) -> Decimal | None:
    text = raw.get(name) or ""
    if not text:
        return None
    if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text):
        raise invalid(name, "应为数字")
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise invalid(name, "应为数字") from None
    if len(text.partition(".")[2]) > places:
        raise invalid(name, f"小数位数不能超过{places}")
    return value
