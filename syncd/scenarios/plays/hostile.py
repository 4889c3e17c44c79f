"""Days on which what WDT shows is not what anybody meant: rows that lie, rows that break readers, one on every page."""

from __future__ import annotations

import io
import json
import os
import random
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

from syncd.sandbox import HEALTHY, Mix
from syncd.sandbox.mix import HOLD_KINDS
from syncd.scenarios.scenario import ALWAYS, Scenario
from syncd.scenarios.world import World
from syncd.watch import logs

Row = dict[str, Any]

#: Rows to a page; a poison row stands on every one of them.
PAGE = 5
#: What a terminal, a log reader or a spreadsheet would obey.
OBEYED = (
    *("示例\n2026-11-20 level=error", "示例\r\nSet-Cookie: a=b", "示例\x1b[2J\x1b]0;x\x07", "示例\x85\x9b31m"),
    *("示例\u2028第二行", "示例\u202e倒写", "../../etc/passwd", "${jndi:ldap://example.com/a}", "%s%n{0}{{7*7}}"),
    *('=HYPERLINK("http://example.com","示例")', "+1+cmd|' /C calc'!A0", "@SUM(1+1)", "<script>alert(1)</script>"),
)  # fmt: skip
#: Texts into a row's bytes, in place of its payer's name: no reader agrees on what they are.
UNREADABLE = (b'"\\ud800"', b'"a\\u0000b"', b'"\xff\xfe"', b'"\xed\xa0\x80"')
#: Numbers, in place of an amount.
NUMBERS = (b"NaN", b"Infinity", b"-Infinity", b"1e400", b"99999999999999999999", b"1" * 5000, b"9223372036854775808")
#: What may follow a row's last member: a second status, number or amount, lists inside lists.
TWICE = (
    *(b'"status":60,"invoice_no":"25332999999999999999"', b'"invoice_order_no":"FP0"', b'"invoice_amount":0.01'),
    *(b'"detail_list":[]', b'"extra":' + b"[" * 300 + b"]" * 300),
)
#: A sum that is not the sum of its parts, each its own way.
LYING = Mix(hold=1.0, refuse=0.0, fresh=0.0, background=0.0, plant_one=False, hold_kinds=HOLD_KINDS)
#: Documents of this minute.
FRESH = Mix(hold=0.0, refuse=0.0, fresh=1.0, background=0.0, plant_one=False)
MOST_LINES = 2000


async def hostile_fields(world: World) -> None:
    """One poison row on every page of five; the others must not notice."""
    dice = world.rng
    many = world.rows // PAGE
    async with world.parties():
        wdt = world.sandbox.wdt
        good = world.sandbox.populate(world.rows - many, HEALTHY)
        lying = world.sandbox.populate(max(1, many // 3), LYING)
        broken = world.sandbox.populate(many - len(lying), HEALTHY)
        poison = dice.sample([*lying, *broken], many)
        _spread(world, good, poison)
        _poison(world, broken, dice)
        names = {wdt.order(no)["detail_list"][0]["item_name"] for no in poison}
        odd = _dress_up(world, good, dice)
        with _written(world) as log:
            async with world.daemons(world.settings(poll={"page_size": PAGE}, schedule=SCHEDULE)):
                await world.settle()
                await world.pass_by(timedelta(minutes=8))
                await _a_page_nobody_can_read(world)
                await world.pass_by(timedelta(minutes=12))
                await world.settle()
        sent = [call.body for call in world.sandbox.nuonuo.calls.of("requestBillingNew")]
        world.seen |= {"poisoned": len(poison), "lying": len(lying), "dressed_up": len(odd)}
        world.seen["unreadable_pages"] = log.getvalue().count(b"malformed.depth")
        world.figures |= {
            "poison_sent": sum(any(name in body for name in names) for body in sent),
            "neighbours_lost": sum(wdt.document(no).result is None for no in good if no not in odd),
            "log_lines_broken": _broken_lines(log.getvalue()),
        }


SCHEDULE = {"push": "20s", "collect": "20s", "write_back": "20s"}


def _spread(world: World, good: Sequence[str], poison: Sequence[str]) -> None:
    """A poison row in time between every few good ones, so that no page is without."""
    wdt = world.sandbox.wdt
    began = wdt.now() - 3600
    step = 3000 / world.rows
    order = [no for at in range(len(poison)) for no in (poison[at], *good[at * (PAGE - 1) : (at + 1) * (PAGE - 1)])]
    for at, no in enumerate([*order, *good[len(poison) * (PAGE - 1) :]]):
        wdt.touch(no, modified=began + at * step)


def _poison(world: World, numbers: Sequence[str], dice: random.Random) -> None:
    """Break the bytes of these rows, each in its own way."""
    ways: list[Callable[[bytes], bytes]] = [
        *(_named(text) for text in UNREADABLE),
        *(_amounting(number) for number in NUMBERS),
        *(_followed(member) for member in TWICE),
        _without_number,
        _crowded,
        _a_list,
    ]
    dice.shuffle(ways)
    for at, no in enumerate(numbers):
        document = world.sandbox.wdt.document(no)
        document.shown, document.expect = ways[at % len(ways)](document.shown), "hold"


def _named(text: bytes) -> Callable[[bytes], bytes]:
    return lambda row: re.sub(rb'"payer_name":"[^"]*"', lambda _: b'"payer_name":' + text, row, count=1)


def _amounting(number: bytes) -> Callable[[bytes], bytes]:
    return lambda row: re.sub(rb'"invoice_amount":[-0-9.]+', lambda _: b'"invoice_amount":' + number, row, count=1)


def _followed(member: bytes) -> Callable[[bytes], bytes]:
    return lambda row: row[:-1] + b"," + member + b"}"


def _without_number(row: bytes) -> bytes:
    return re.sub(rb'"invoice_order_no":"[^"]*"', b'"invoice_order_no":null', row, count=1)


def _a_list(row: bytes) -> bytes:
    return b"[" + row + b"]"


def _crowded(row: bytes) -> bytes:
    """A line more than an issuer takes."""
    whole = json.loads(row, parse_float=Decimal)
    line = json.dumps({name: str(value) for name, value in whole["detail_list"][0].items()}).encode()
    return re.sub(
        rb'"detail_list":\[.*?\}\]', lambda _: b'"detail_list":[' + b",".join([line] * (MOST_LINES + 1)) + b"]", row
    )


def _dress_up(world: World, good: Sequence[str], dice: random.Random) -> set[str]:
    """Rows that are sound, but for a text somebody would obey. Whether they are issued is the mapping's decision."""
    fields = ("payer_name", "invoice_remark", "trade_no", "shop_name", "payer_address", "flag_name")
    chosen = dice.sample(good, min(len(good) // 4, len(OBEYED) * 2))
    for at, no in enumerate(chosen):
        document = world.sandbox.wdt.document(no)
        modified = document.modified
        world.sandbox.wdt.edit(no, **{dice.choice(fields): OBEYED[at % len(OBEYED)]})
        world.sandbox.wdt.touch(no, modified=modified)
        document.expect = "none"
    for at, text in enumerate(OBEYED):
        row = world.sandbox.wdt.order(good[0]) | {"invoice_order_no": f"{text}{at}"[:40]}
        world.sandbox.wdt.put_order(row, expect="none", raw=True, modified=world.sandbox.wdt.now() - 1800 + at)
    return set(chosen)


async def _a_page_nobody_can_read(world: World) -> None:
    """A row of lists within lists, deeper than any reader goes, until somebody repairs it."""
    no, *_ = world.sandbox.populate(2, FRESH)
    document = world.sandbox.wdt.document(no)
    whole = document.shown
    document.shown = _followed(b'"extra":' + b"[" * 200_000 + b"]" * 200_000)(whole)
    await world.pass_by(timedelta(minutes=4))
    document.shown = whole
    await world.pass_by(timedelta(minutes=1))


@contextmanager
def _written(world: World) -> Iterator[io.BytesIO]:
    """The program's own log while it runs, in the format that this seed is for; kept where it would have gone, too."""
    log = io.BytesIO()
    logs.configure("json" if world.seed % 2 else "text", "info", log)
    try:
        yield log
    finally:
        with open(os.environ.get("SYNCD_SIM_LOG", os.devnull), "ab") as file:
            file.write(log.getvalue())
        logs.configure("json", "info", io.BytesIO())


def _broken_lines(log: bytes) -> int:
    """Lines with a character that a terminal would obey, and lines that are no event of ours."""
    return sum(
        not line.decode("utf-8", "replace").isprintable() or not _is_event(line) for line in log.split(b"\n")[:-1]
    )


def _is_event(line: bytes) -> bool:
    if re.match(rb"20\d\d-\d\d-\d\dT[0-9:.]+Z (debug|info|warning|error) +[a-z_.]+( |$)", line):
        return True
    try:
        return bool({"at", "level", "event"} <= json.loads(line).keys())
    except (ValueError, AttributeError):
        return False


SCENARIOS = (
    Scenario(
        name="hostile-fields",
        zh="每页都有一行坏数据：控制字符、乱码、天文数字、重复键、嵌套、公式、金额不符；邻行照开，坏行搁置，日志无一脏字节",
        en="a poison row on every page: bytes, numbers, keys, formulas, sums that lie: the neighbours never notice",
        play=hostile_fields,
        must=f"{ALWAYS}, missed=0, unresolved=0, poison_sent=0, neighbours_lost=0, wrong_amounts=0, log_lines_broken=0,"
        " quarantined>=1, held>=1",
        sometimes=("poisoned", "lying", "dressed_up", "unreadable_pages"),
        faults=("F116", "F117", "F118", "F119", "F120", "F121", "F122", "F130", "F131"),
        rows=120,
    ),
)
