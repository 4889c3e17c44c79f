"""A complete, valid row to start from, so that a test states only what it is about."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from syncd.sandbox.wdt.document import Row, cents

DEFAULT_SELLER = "339902999999789113"
"""The vendor sandbox's seller tax number; it fails the check digit on purpose (docs/wire/nuonuo.md)."""

SELLER: Row = {
    "payee_name": "示例电子商务有限公司",
    "payee_register_no": DEFAULT_SELLER,
    "payee_address": "浙江省杭州市示例路1号",
    "payee_telno": "0571-80000000",
    "payee_bank_name": "示例银行杭州分行",
    "payee_bank_account": "3300000000000000001",
    "payee_operator": "开票员",
    "payee_receiver": "收款员",
    "payee_checker": "复核员",
    "payee_remark": "",
    "provider_name": "线下开票",
    "tax_control_no": "",
}
BUYER: Row = {
    "payer_name": "个人",
    "payer_register_no": "",
    "payer_address": "",
    "payer_phone": "13800000000",
    "payer_bank": "",
    "payer_account": "",
    "payer_email": "buyer@example.com",
    "business_type": 0,
}
RESULT: Row = {
    "status": 45,
    "invoice_code": "",
    "invoice_no": "",
    "invoice_time": "",
    "invoice_outer_amount": Decimal("0"),
    "file_url": "",
    "error_info": "",
    "serial_no": "",
}
ORIGIN: Row = {
    "invoice_type": 3,
    "is_red": False,
    "invoice_remark": "",
    "invoice_mask": 8,
    "flag_name": "",
    "shop_no": "shop01",
    "shop_name": "示例旗舰店",
}
HEADER = frozenset({"goods_amount", "goods_tax", "discount", "discount_tax", "sum_price", "sum_tax", "invoice_amount"})
CENT = Decimal("0.01")
TAX_CODE = "1010101010000000000"


def split_gross(gross: Decimal, rate: Decimal) -> tuple[Decimal, Decimal]:
    """(net, tax) of an amount that includes tax; the tax carries the remainder (docs/amounts.md R5)."""
    net = (gross / (1 + rate)).quantize(CENT, ROUND_HALF_UP)
    return net, gross - net


def unit_price(net: Decimal, num: Decimal) -> Decimal:
    """WDT's price before tax: four places, which cannot reproduce large quantities (docs/amounts.md R4)."""
    return (net / num).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def goods_line(name: str, gross: Decimal, *, rate: Decimal = Decimal("0.13"), num: Decimal = Decimal(1)) -> Row:
    """One ordinary line of a given amount including tax."""
    net, tax = split_gross(gross, rate)
    return {
        "item_name": name,
        "item_no": "标准",
        "row_type": "0",
        "unit_name": "件",
        "num": num,
        "tax_code": TAX_CODE,
        "tax_rate": rate,
        "price": unit_price(net, num),
        "sum_price": net,
        "tax": tax,
        "sum_amount": gross,
        "discount": Decimal("0"),
        "discount_tax": Decimal("0"),
        "remark": "",
        "tid": "",
        "oid": "",
        "trade_no": "",
        "platform_id": 127,
    }


def discount_line(of: Row, gross: Decimal) -> Row:
    """The row_type 1 line under `of` (which becomes row_type 2); no unit, num and price (seed of search §4)."""
    of["row_type"] = "2"
    net, tax = split_gross(gross, of["tax_rate"])
    line = {name: value for name, value in of.items() if name not in ("unit_name", "num", "price")}
    return {**line, "row_type": "1", "sum_price": -net, "tax": -tax, "sum_amount": -gross}


def header_totals(lines: Iterable[Row]) -> Row:
    """The header amounts that satisfy WDT's identities (seed of search §4). Null amounts count as zero."""
    rows = list(lines)
    kept = [line for line in rows if str(line.get("row_type")) != "1"]
    cut = [line for line in rows if str(line.get("row_type")) == "1"]
    goods_amount, goods_tax = _sum(kept, "sum_price"), _sum(kept, "tax")
    discount, discount_tax = abs(_sum(cut, "sum_price")), abs(_sum(cut, "tax"))
    sum_price, sum_tax = goods_amount - discount, goods_tax - discount_tax
    return {
        "goods_amount": goods_amount,
        "goods_tax": goods_tax,
        "discount": discount,
        "discount_tax": discount_tax,
        "sum_price": sum_price,
        "sum_tax": sum_tax,
        "invoice_amount": sum_price + sum_tax,
    }


def complete_row(row: Row, no: str, modified: float) -> Row:
    """`row` with everything it does not mention: seller, buyer, one line of 113.00, header amounts.

    Without `detail_list` there is one line whose gross amount is `invoice_amount` (or 113.00).
    """
    lines = row.get("detail_list")
    if lines is None:
        gross = cents(row.get("invoice_amount", "113.00")) or Decimal("113.00")
        lines = [goods_line("演示商品", gross)]
    start: Row = {
        "invoice_order_no": no,
        **RESULT,
        **ORIGIN,
        **SELLER,
        **BUYER,
        **({} if row.keys() >= HEADER else header_totals(lines)),
        "created": int(modified * 1000) - 600_000,
        "trade_no": "JY" + no[2:],
    }
    return {**start, **row, "detail_list": lines}


def red_row(blue: Row, gross: Decimal | None = None, sign: str = "negative") -> Row:
    """A row that reverses `blue`, in full or (`gross`, positive) in one line; amounts and quantities with `sign`."""
    kept = {name: blue[name] for name in (*SELLER, *BUYER, *ORIGIN, "trade_no") if name in blue}
    lines = blue["detail_list"]
    if gross is not None:
        first = lines[0]
        lines = [goods_line(str(first["item_name"]), gross, rate=Decimal(str(first["tax_rate"])))]
    header = header_totals(lines)
    if sign == "negative":
        lines = [{name: _negated(name, value) for name, value in line.items()} for line in lines]
        header = {name: -amount for name, amount in header.items()}
    return {**kept, **header, "is_red": True, "detail_list": lines}


def _negated(name: str, value: Any) -> Any:
    signed = name in ("num", "sum_price", "tax", "sum_amount", "discount", "discount_tax")
    return -value if signed and isinstance(value, int | Decimal) else value


def _sum(lines: list[Row], name: str) -> Decimal:
    total: Any = sum((Decimal(str(line.get(name) or 0)) for line in lines), Decimal(0))
    return Decimal(total)
