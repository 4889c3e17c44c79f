"""Do the amounts of an order agree? The vendor's rules with their codes, in Decimal.

    E9104  a discount line whose amounts are not negative            (text not published: our reading)
    E9105  a discount line with another name than the discounted one
    E9108  a discount larger than the discounted line
    E9110  a discount line not directly under a discounted line, or a discounted line without one
    E9111  a discount line whose quantity is not negative
    E9112  a discount line with another rate than the discounted one
    E9114  a discount line with quantity and price at all            (text not published: our reading)
    E9122  price times quantity is not the line amount within 0.01   (text not published: our reading)
    E9123  no price, and not all three amounts
    E9130  net + tax is not the gross amount
    E9131  |net × rate − tax| > 0.06

Source: docs/wire/nuonuo.md, docs/amounts.md R1–R8.
"""

from collections.abc import Iterator
from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

from syncd.sandbox.nuonuo.order import Line
from syncd.sandbox.nuonuo.refusal import Refused, invalid

TAX_TOLERANCE = Decimal("0.06")
PRICE_TOLERANCE = Decimal("0.01")
CENT = Decimal("0.01")
ZERO = Decimal(0)


def checked_lines(lines: list[Line]) -> list[Line]:
    """The lines with all three amounts, if every rule holds. Raises: Refused with the first rule broken."""
    full = [_with_amounts(line) for line in lines]
    for line in full:
        _check_line(line)
    for above, line, below in _neighbours(full):
        _check_discount(above, line, below)
    return full


def totals(lines: list[Line]) -> tuple[Decimal, Decimal, Decimal]:
    """(net, tax, gross) of a whole order, signed."""
    net = sum((_amounts(line)[0] for line in lines), ZERO)
    tax = sum((_amounts(line)[1] for line in lines), ZERO)
    return net, tax, net + tax


def _amounts(line: Line) -> tuple[Decimal, Decimal, Decimal]:
    """(net, tax, gross) of a line; what is missing counts as zero."""
    return line.net or ZERO, line.tax or ZERO, line.gross or ZERO


def _with_amounts(line: Line) -> Line:
    """Missing amounts are computed from price and quantity, as the vendor does."""
    if (line.price is None) != (line.num is None) and line.prop != "1":
        raise invalid("price", "单价和数量须同时填写或同时为空")
    if line.net is not None and line.tax is not None and line.gross is not None:
        return line
    if line.price is None or line.num is None:
        raise Refused("E9123", "单价为空时，不含税金额、税额、含税金额都不能为空")
    amount = (line.price * line.num).quantize(CENT, ROUND_HALF_UP)
    if line.with_tax:
        net = (amount / (1 + line.rate)).quantize(CENT, ROUND_HALF_UP)
        return replace(line, net=net, tax=amount - net, gross=amount)
    tax = (amount * line.rate).quantize(CENT, ROUND_HALF_UP)
    return replace(line, net=amount, tax=tax, gross=amount + tax)


def _check_line(line: Line) -> None:
    net, tax, gross = _amounts(line)
    if net + tax != gross:
        raise Refused("E9130", "不含税金额加税额不等于含税金额")
    if abs(net * line.rate - tax) > TAX_TOLERANCE:
        raise Refused("E9131", "不含税金额乘税率与税额的误差大于0.06")
    if line.prop != "1":
        if net <= 0:
            raise invalid("taxExcludedAmount", "蓝票金额应大于0")
        _check_price(line, gross if line.with_tax else net)


def _check_price(line: Line, amount: Decimal) -> None:
    if line.price is None or line.num is None:
        return
    if abs(line.price * line.num - amount) > PRICE_TOLERANCE:
        raise Refused("E9122", "单价乘数量与金额不一致")


def _check_discount(above: Line | None, line: Line, below: Line | None) -> None:
    if line.prop == "2" and (below is None or below.prop != "1"):
        raise Refused("E9110", "折扣行必须紧跟被折扣行")
    if line.prop != "1":
        return
    net, _, gross = _amounts(line)
    if line.num is not None:
        negative = line.num < 0
        raise Refused("E9114", "折扣行不能填写数量") if negative else Refused("E9111", "折扣行数量必须为负数")
    if above is None or above.prop != "2":
        raise Refused("E9110", "折扣行必须紧跟被折扣行")
    if net >= 0 or gross >= 0:
        raise Refused("E9104", "折扣行金额必须为负数")
    if line.goods_name != above.goods_name:
        raise Refused("E9105", "折扣行与被折扣行商品名称不一致")
    if line.rate != above.rate:
        raise Refused("E9112", "折扣行与被折扣行税率不一致")
    if -net > _amounts(above)[0]:
        raise Refused("E9108", "折扣金额不能大于被折扣行金额")


def _neighbours(lines: list[Line]) -> Iterator[tuple[Line | None, Line, Line | None]]:
    for at, line in enumerate(lines):
        yield (lines[at - 1] if at else None), line, (lines[at + 1] if at + 1 < len(lines) else None)
