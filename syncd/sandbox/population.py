"""Plausible invoice orders in any number, the same for the same seed.

Every first goods name carries a serial ("演示水杯 #000123"), so that an invoice is recognised as belonging to
its document whatever key the client computed.
"""

import random
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from syncd.sandbox.mix import HoldKind, Mix
from syncd.sandbox.moment import beijing_text
from syncd.sandbox.wdt.document import Row
from syncd.sandbox.wdt.sample import discount_line, goods_line, header_totals
from syncd.sandbox.wdt.world import WdtWorld

Goods = tuple[str, str, str, str, str]
"""name, specification, unit, tax code, rate"""

GOODS: tuple[Goods, ...] = (
    ("演示水杯", "500ml 白色", "个", "1070601010000000000", "0.13"),
    ("演示毛巾", "34*74cm", "条", "1040105000000000000", "0.13"),
    ("演示台灯", "LED 暖光", "台", "1090401990000000000", "0.13"),
    ("演示大米", "5kg", "袋", "1010101010000000000", "0.09"),
    ("演示图书", "平装", "册", "1060201010000000000", "0.09"),
    ("演示数据线", "1m", "根", "1090417000000000000", "0.13"),
    ("演示清洁剂", "1L*2", "瓶", "1070204990000000000", "0.13"),
    ("演示技术服务", "年费", "项", "3040203000000000000", "0.06"),
)
COMPANIES = (
    "示例贸易有限公司", "示例科技有限公司", "示例文化传播有限公司", "示例（北京）信息技术有限公司",
    "示例餐饮管理有限公司", "示例建筑工程有限公司", "示例物流&仓储有限公司", "示例医疗器械有限公司",
    "示例教育咨询有限公司", "示例农业发展有限公司",
)  # fmt: skip
FAILING_COMPANY = "开票失败示例有限公司"
SHOPS = (
    ("shop01", "示例旗舰店", 3), ("shop02", "示例抖店", 69), ("shop03", "示例快手小店", 75),
    ("shop04", "示例小红书店", 56), ("shop05", "示例自有商城", 127), ("shop06", "示例线下店", 0),
)  # fmt: skip
USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
USCC_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
BACKGROUND_STATUSES = (20, 60, 5)
LONG_REMARK = "平台订单合并开票，请在备注栏打印订单编号、采购合同编号以及收货联系信息；如需红冲请提前联系店铺客服处理。"
DAY = 86_400


class Planted(NamedTuple):
    """A generated row, when it was modified (unix seconds) and how it should end."""

    row: Row
    modified: float
    expect: str


def uscc(dice: random.Random) -> str:
    """An 18-character tax number with a valid check digit (docs/amounts.md)."""
    body = "91" + f"{dice.randrange(110000, 659000):06d}"
    body += "".join(dice.choice(USCC_ALPHABET) for _ in range(9))
    total = sum(USCC_ALPHABET.index(char) * weight for char, weight in zip(body, USCC_WEIGHTS, strict=True))
    return body + USCC_ALPHABET[(31 - total % 31) % 31]


def populate(
    world: WdtWorld, rows: int, mix: Mix, dice: random.Random, *, sid: str, seller: Row | None = None
) -> list[str]:
    """Put `rows` documents at 45, plus background, into WDT; the numbers of those at 45.

    `seller` overrides payee fields, e.g. `{"payee_register_no": …}`.
    """
    start = len(world.documents)
    kinds = plan(rows, mix, dice)
    numbers = []
    for at, kind in enumerate(kinds):
        planted = _pending(start + at + 1, kind, mix, world.now(), dice)
        numbers.append(_put(world, planted, sid, seller))
    for at in range(round(rows * mix.background)):
        _put(world, _background(start + rows + at + 1, mix, world.now(), dice), sid, seller)
    world.tidy(sid=sid)
    return numbers


def plan(rows: int, mix: Mix, dice: random.Random) -> list[str]:
    """One word per row: "issue", "refuse" or a HoldKind, in random order."""
    least = 1 if mix.plant_one and rows > 1 else 0
    held = max(round(rows * mix.hold), least) if mix.hold_kinds else 0
    refused = max(round(rows * mix.refuse), least)
    kinds: list[str] = [mix.hold_kinds[at % len(mix.hold_kinds)] for at in range(held)]
    kinds += ["refuse"] * refused
    kinds += ["issue"] * max(0, rows - len(kinds))
    dice.shuffle(kinds)
    return kinds[:rows]


def _put(world: WdtWorld, planted: Planted, sid: str, seller: Row | None) -> str:
    row = planted.row if seller is None else {**planted.row, **seller}
    return world.put_order(row, sid=sid, modified=planted.modified, expect=planted.expect, loose=True)


def _pending(serial: int, kind: str, mix: Mix, now: float, dice: random.Random) -> Planted:
    row = _row(serial, mix, dice)
    expect = "issue"
    if kind == "refuse":
        row |= _company(dice, FAILING_COMPANY)
        expect = "refuse"
    elif kind != "issue":
        _spoil(row, kind, dice)  # type: ignore[arg-type]
        expect = "hold"
    modified = _modified(mix, now, dice)
    row["created"] = int(modified * 1000) - dice.randrange(60_000, 6_000_000)
    return Planted(row, modified, expect)


def _modified(mix: Mix, now: float, dice: random.Random) -> float:
    if dice.random() < mix.fresh:
        return now - dice.uniform(0, 60)
    return now - dice.uniform(mix.settled_for, mix.days * DAY)


def _row(serial: int, mix: Mix, dice: random.Random) -> Row:
    shop_no, shop_name, platform = dice.choice(SHOPS)
    trade_no = f"JY{serial:012d}"
    lines = list(_lines(serial, mix, dice, trade_no, platform))
    row: Row = {"detail_list": lines, **header_totals(lines)}
    row |= {"shop_no": shop_no, "shop_name": shop_name, "trade_no": trade_no}
    if dice.random() < mix.company:
        row |= _company(dice, dice.choice(COMPANIES))
        row["invoice_type"] = 4 if dice.random() < mix.special else 3
    if dice.random() < mix.long_remark:
        row["invoice_remark"] = (LONG_REMARK * 4)[: dice.randrange(150, 201)]
    return row


def _company(dice: random.Random, name: str) -> Row:
    return {
        "payer_name": name,
        "payer_register_no": uscc(dice),
        "business_type": 1,
        "payer_address": f"示例市示例区示例路{dice.randrange(1, 999)}号",
        "payer_phone": f"010-{dice.randrange(10**7, 10**8)}",
        "payer_bank": "示例银行示例支行",
        "payer_account": f"{dice.randrange(10**15, 10**16)}",
    }


def _lines(serial: int, mix: Mix, dice: random.Random, trade_no: str, platform: int) -> Iterator[Row]:
    count = dice.choices(range(1, 7), (50, 20, 12, 8, 6, 4))[0]
    for at in range(count):
        goods = dice.choice(GOODS)
        line = _line(goods, f"{goods[0]} #{serial:06d}" if at == 0 else goods[0], mix, dice)
        line |= {"tid": f"T{serial:010d}", "oid": f"T{serial:010d}-{at + 1}", "trade_no": trade_no}
        line["platform_id"] = platform
        yield line
        if line["sum_amount"] > 20 and dice.random() < mix.discount:
            yield discount_line(line, Decimal(dice.randrange(100, 1000)) / 100)


def _line(goods: Goods, name: str, mix: Mix, dice: random.Random) -> Row:
    _, spec, unit, code, rate = goods
    large = dice.random() < mix.large
    num = Decimal(dice.randrange(200, 5000)) if large else Decimal(dice.randrange(1, 6))
    gross = Decimal(dice.randrange(100_000, 5_000_000) if large else dice.randrange(500, 80_000)) / 100
    line = goods_line(name, gross, rate=Decimal(rate), num=num)
    if dice.random() < mix.remainder and not large:
        line["sum_price"] -= Decimal("0.01")
        line["tax"] += Decimal("0.01")
    return line | {"item_no": spec, "unit_name": unit, "tax_code": code}


def _spoil(row: Row, kind: HoldKind, dice: random.Random) -> None:
    """Make a row that must be held, and break nothing else in it."""
    match kind:
        case "header_sum":
            row["invoice_amount"] += Decimal("1.00")
        case "no_tax_number":
            row |= _company(dice, dice.choice(COMPANIES)) | {"payer_register_no": "", "invoice_type": 3}
        case "unknown_type":
            row["invoice_type"] = 99
        case "line_tax":
            line = row["detail_list"][-1]
            line["tax"] += Decimal("0.20")
            line["sum_amount"] += Decimal("0.20")
            row |= header_totals(row["detail_list"])
        case "null_amount":
            row["detail_list"][0]["sum_price"] = None


def _background(serial: int, mix: Mix, now: float, dice: random.Random) -> Planted:
    """A document whose story is over or has not begun."""
    row = _row(serial, mix, dice)
    modified = _modified(mix, now, dice)
    row["status"] = dice.choice(BACKGROUND_STATUSES)
    if row["status"] == 60:
        row |= {
            "invoice_no": f"25332{serial:015d}",
            "invoice_time": beijing_text(modified),
            "invoice_outer_amount": row["invoice_amount"],
            "file_url": f"https://fp.example.com/{serial}.pdf",
        }
    return Planted(row, modified, "none")
