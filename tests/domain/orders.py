"""Invoice orders for tests: the vendor's own sample, plain ones, and Hypothesis strategies for consistent ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from syncd.domain.money import CENT, ZERO, rounded, times
from syncd.domain.order import InvoiceOrder, Line, OrderNo, Party

SELLER = "91310115MA1K39423D"  # made up, with a true check digit
BUYER = "91110302562134916R"
RATES = ("0.13", "0.09", "0.06", "0.03", "0.01")


def line(**changes: Any) -> Line:
    """Two pieces at 50.00 net and 13 %."""
    plain = Line(
        item_name="demo goods",
        item_no="demo-1",
        row_type=0,
        unit_name="件",
        num=Decimal(2),
        price=Decimal(50),
        tax_code="1030405010000000000",
        tax_rate=Decimal("0.13"),
        sum_price=Decimal(100),
        tax=Decimal(13),
        sum_amount=Decimal(113),
        discount=ZERO,
        discount_tax=ZERO,
    )
    return replace(plain, **changes)


def order_of(*lines: Line, **changes: Any) -> InvoiceOrder:
    """A blue order whose header adds up the lines as they stand (row type 1 and own discounts as discounts)."""
    goods = [x for x in lines if x.row_type != 1]
    cuts = [x for x in lines if x.row_type == 1]
    discount = _sum(abs(x.sum_price or ZERO) for x in cuts) + (ZERO if cuts else _sum(x.discount for x in goods))
    discount_tax = _sum(abs(x.tax or ZERO) for x in cuts) + (ZERO if cuts else _sum(x.discount_tax for x in goods))
    amount, tax = _sum(x.sum_price or ZERO for x in goods), _sum(x.tax or ZERO for x in goods)
    plain = InvoiceOrder(
        no=OrderNo("FP201902130005"),
        status=45,
        is_red=False,
        business_type=0,
        invoice_type=3,
        payer=Party(name="个人"),
        payee=Party(tax_no=SELLER),
        operator="demo drawer",
        receiver="",
        checker="",
        shop_no="shop-1",
        shop_name="demo shop",
        trade_no="",
        goods_amount=amount,
        goods_tax=tax,
        discount=discount,
        discount_tax=discount_tax,
        sum_price=amount - discount,
        sum_tax=tax - discount_tax,
        invoice_amount=amount - discount + tax - discount_tax,
        outer_amount=ZERO,
        remark="",
        tax_control_no="",
        relation_invoice_no="",
        relation_invoice_code="",
        invoice_no="",
        invoice_code="",
        invoice_time="",
        file_url="",
        error_info="",
        serial_no="",
        mask=0,
        created_at=datetime(2026, 11, 1, 4, 0, tzinfo=UTC),
        lines=lines,
    )
    return replace(plain, **changes)


def _sum(amounts: Any) -> Decimal:
    return sum(amounts, ZERO)


def sample_order() -> InvoiceOrder:
    """The row of seed wdt-search §6.1, as it is decoded: no type, no seller tax number, a blank item name."""
    goods = line(
        item_name="",
        item_no="green",
        unit_name="只",
        num=Decimal(1),
        price=Decimal("3.53"),
        tax_code="1010101010000000000",
        sum_price=Decimal("3.53"),
        tax=Decimal("0.47"),
        sum_amount=Decimal(4),
    )
    return order_of(
        goods,
        no=OrderNo("FP201902120001"),
        status=20,
        invoice_type=None,
        payer=Party(
            name="个人",
            phone="18000000983",
            address="河北省 唐山市 古冶区 xxxxxxxxx生生世世事实上事实上事实上",
        ),
        payee=Party(name="百望", address="北京", phone="15936892345"),
        operator="示例开票员",
        receiver="示例开票员",
        checker="示例开票员",
        shop_no="msn001",
        shop_name="莫胜男的店铺",
        created_at=datetime(2019, 2, 12, 3, 54, 59, tzinfo=UTC),
    )


def red(order: InvoiceOrder, sign: int = -1) -> InvoiceOrder:
    """The same order as a full reversal; `sign` is how this WDT writes red amounts, which is not stated."""
    lines = tuple(_turned(x, sign) for x in order.lines)
    header = ("goods_amount", "goods_tax", "discount", "discount_tax", "sum_price", "sum_tax", "invoice_amount")
    figures = {field: sign * getattr(order, field) for field in header}
    return replace(order, is_red=True, relation_invoice_no="26112000000123456789", lines=lines, **figures)


def _turned(x: Line, sign: int) -> Line:
    return replace(
        x,
        num=None if x.num is None else sign * x.num,
        sum_price=sign * (x.sum_price or ZERO),
        tax=sign * (x.tax or ZERO),
        sum_amount=sign * (x.sum_amount or ZERO),
    )


@dataclass(frozen=True)
class _Priced:
    line: Line
    discount: Decimal
    discount_tax: Decimal


def _cents(low: int, high: int) -> st.SearchStrategy[Decimal]:
    return st.integers(low, high).map(lambda n: n * CENT)


@st.composite
def _priced(draw: st.DrawFn, name: str) -> _Priced:
    """A line as WDT makes it: a four-decimal price, tax within two cents of rounding, perhaps a discount."""
    rate = Decimal(draw(st.sampled_from(RATES)))
    num = Decimal(draw(st.one_of(st.integers(1, 20), st.integers(200, 50_000), st.integers(1, 99_999)))) / 1
    if draw(st.booleans()):
        num = rounded(num / 7, 4) or Decimal(1)
    net = draw(_cents(1, 9_999_999))
    price = rounded(net / num, 4)
    rounded_tax = rounded(times(net, rate))
    tax = max(ZERO, rounded_tax + draw(_cents(-2, 2)))
    discount, discount_tax = draw(_discount_on(net, tax, rate))
    made = line(
        item_name=name,
        num=num,
        price=price,
        tax_code=draw(st.sampled_from(("103040501", "1010101010000000000", "304"))),
        tax_rate=rate,
        sum_price=net,
        tax=tax,
        sum_amount=net + tax,
    )
    return _Priced(made, discount, discount_tax)


@st.composite
def _discount_on(draw: st.DrawFn, net: Decimal, tax: Decimal, rate: Decimal) -> tuple[Decimal, Decimal]:
    """None, a part, or all of a line; a part leaves something, so that a whole order never comes to nothing."""
    kind = draw(st.sampled_from(("none", "none", "part", "all")))
    if kind == "none" or (kind == "part" and net == CENT):
        return ZERO, ZERO
    if kind == "all":
        return net, tax
    part = draw(_cents(1, int(net / CENT) - 1))
    return part, min(tax, rounded(times(part, rate)))


def _rows(priced: _Priced, sign: int, filled: bool) -> tuple[Line, ...]:
    """A discounted line and its discount line, whose sign and surplus number WDT does not settle."""
    if not priced.discount:
        return (priced.line,)
    off = replace(
        priced.line,
        row_type=1,
        num=Decimal(1) if filled else None,
        price=priced.discount if filled else None,
        sum_price=sign * priced.discount,
        tax=sign * priced.discount_tax,
        sum_amount=sign * (priced.discount + priced.discount_tax),
    )
    return replace(priced.line, row_type=2), off


def _fields(priced: _Priced) -> tuple[Line, ...]:
    return (replace(priced.line, discount=priced.discount, discount_tax=priced.discount_tax),)


@st.composite
def orders(draw: st.DrawFn, reds: bool = True) -> InvoiceOrder:
    """A consistent order: one to five lines, large quantities, discounts as rows (in any order) or as fields."""
    names = [f"goods {n}" for n in range(draw(st.integers(1, 5)))]
    priced = [draw(_priced(name)) for name in names]
    if all(p.discount == p.line.sum_price for p in priced):
        priced[0] = replace(priced[0], discount=ZERO, discount_tax=ZERO)
    if draw(st.booleans()):
        lines = [row for p in priced for row in _fields(p)]
    else:
        sign, filled = draw(st.sampled_from((-1, 1))), draw(st.booleans())
        lines = [row for p in priced for row in _rows(p, sign, filled)]
        if draw(st.booleans()):
            lines = draw(st.permutations(lines))
    company = draw(st.booleans())
    made = order_of(
        *lines,
        no=OrderNo(draw(st.from_regex(r"FP[0-9]{12}", fullmatch=True))),
        business_type=1 if company else draw(st.sampled_from((0, None))),
        invoice_type=draw(st.sampled_from((3, 4, 0, 2, None))) if company else draw(st.sampled_from((3, 0, None))),
        payer=Party(name="demo buyer", tax_no=BUYER if company else ""),
    )
    return red(made, draw(st.sampled_from((-1, 1)))) if reds and draw(st.booleans()) else made
