"""What an uploaded invoice must look like, whichever call carries it: money, lines, dates, file (docs/wire/top.md)."""

import base64
import binascii
import re
from decimal import Decimal
from typing import Any

from syncd.sandbox.top.ask import Ask, Json
from syncd.sandbox.top.refusal import invalid, missing

MONEY = r"-?\d{1,13}\.\d{2}"
DAY = r"\d{4}-\d\d-\d\d"
QUANTITY = r"-?\d+(\.\d{1,6})?"
PRICE = r"\d+\.\d{2,6}"
RATE = r"0(\.\d{1,4})?"
REGISTER_NO = r"[0-9A-Z]{15,20}"
ITEM_KEYS = (
    "row_type", "item_name", "item_no", "specification", "unit", "quantity", "price", "sum_price", "tax", "tax_rate",
    "amount", "zero_rate_flag",
)  # fmt: skip
NORMAL, DISCOUNT, DISCOUNTED = 0, 1, 2
MAGIC = {"PDF": b"%PDF", "OFD": b"PK\x03\x04"}


def money(ask: Ask, name: str) -> Decimal:
    """Raises: Refused 40 when absent, 41 unless it has exactly two decimals."""
    ask.needed(name)
    ask.fits(name, MONEY, "应保留两位小数")
    return Decimal(ask.get(name))


def check_totals(ask: Ask, items: list[Json]) -> None:
    """The three identities: per line, over the lines, of the header; and the sign of the colour."""
    total, net, tax = (money(ask, name) for name in ("invoice_amount", "sum_price", "sum_tax"))
    if net + tax != total:
        raise invalid("invoice_amount", "不等于 sum_price + sum_tax")
    if sum((_line_total(item) for item in items), Decimal(0)) != total:
        raise invalid("invoice_items", "金额合计不等于 invoice_amount")
    if (total < 0) != (ask.get("invoice_type") == "red"):
        raise invalid("invoice_amount", "红票应为负数，蓝票应为正数")


def check_items(ask: Ask, most: int, *, textual_row_type: bool = False) -> list[Json]:
    """The lines, each checked by itself. `textual_row_type`: "0" instead of 0."""
    ask.needed("invoice_items")
    items = ask.objects("invoice_items", most, ITEM_KEYS)
    if not items:
        raise missing("invoice_items")
    for item in items:
        kind = _row_type(item, textual=textual_row_type)
        _check_item(item, kind, red=ask.get("invoice_type") == "red")
    return items


def check_day(ask: Ask, name: str) -> None:
    ask.needed(name)
    ask.fits(name, DAY, "格式应为 yyyy-MM-dd")


def check_file(ask: Ask, *, needed: bool, largest: int = 0) -> bytes:
    """The file itself: exactly one of the two fields, of the type it says. Empty when there is none."""
    given = [name for name in ("invoice_file_content", "invoice_file_data") if ask.get(name) or name in ask.files]
    if needed:
        ask.needed("invoice_file_type")
        if not given:
            raise missing("invoice_file_content")
    if not given:
        return b""
    if len(given) > 1:
        raise invalid("invoice_file_content", "与 invoice_file_data 只能二选一")
    magic = MAGIC[ask.choice("invoice_file_type", tuple(MAGIC))]
    content = _content(ask, given[0])
    if not content.startswith(magic):
        raise invalid(given[0], "不是所声明类型的文件")
    if largest and len(content) > largest:
        raise invalid(given[0], "文件过大")
    return content


def _content(ask: Ask, name: str) -> bytes:
    if name in ask.files:
        return ask.files[name]
    if name == "invoice_file_data":
        raise invalid(name, "应为文件")
    try:
        return base64.b64decode(ask.get(name), validate=True)
    except binascii.Error:
        raise invalid(name, "不是合法的Base64") from None


def _row_type(item: Json, *, textual: bool) -> int:
    given = item.get("row_type")
    known: tuple[Any, ...] = ("0", "1", "2") if textual else (0, 1, 2)
    if given is None or isinstance(given, bool) or given not in known:
        raise invalid("invoice_items", "row_type 应为 0/1/2")
    return int(given)


def _check_item(item: Json, kind: int, *, red: bool) -> None:
    for name in ("item_name", "sum_price", "tax", "tax_rate", "amount"):
        if item.get(name) in (None, ""):
            raise missing(f"invoice_items.{name}")
    for name in ("sum_price", "tax", "amount"):
        _text_of(item, name, MONEY)
    rate = Decimal(_text_of(item, "tax_rate", RATE))
    if item.get("zero_rate_flag") not in (None, "") and rate != 0:
        raise invalid("invoice_items", "zero_rate_flag 仅用于零税率")
    if _line_total(item) != Decimal(item["sum_price"]) + Decimal(item["tax"]):
        raise invalid("invoice_items", "amount 不等于 sum_price + tax")
    if kind == DISCOUNT:
        _check_bare(item)
    else:
        _check_measure(item, red=red)


def _check_bare(item: Json) -> None:
    for name in ("unit", "quantity", "price"):
        if item.get(name) not in (None, ""):
            raise invalid("invoice_items", f"折扣行不得有 {name}")


def _check_measure(item: Json, *, red: bool) -> None:
    """Quantity above zero (a red one's may be below), at most six decimals; a price of two to six."""
    if item.get("quantity") not in (None, ""):
        quantity = Decimal(_text_of(item, "quantity", QUANTITY))
        if quantity == 0 or (quantity < 0 and not red):
            raise invalid("invoice_items", "quantity 应大于0")
    if item.get("price") not in (None, ""):
        _text_of(item, "price", PRICE)


def _text_of(item: Json, name: str, pattern: str) -> str:
    text = item[name]
    if not isinstance(text, str) or not re.fullmatch(pattern, text):
        raise invalid("invoice_items", f"{name} 格式不正确")
    return text


def _line_total(item: Json) -> Decimal:
    return Decimal(item["amount"])
