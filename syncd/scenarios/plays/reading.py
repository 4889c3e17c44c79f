"""Days on which what is read does not stand still, or the clocks do not agree."""

from __future__ import annotations

import json
import math
import os
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from syncd.sandbox import HEALTHY, Mix, Sandbox
from syncd.sandbox.moment import parse_beijing
from syncd.scenarios.scenario import ALWAYS, Scenario
from syncd.scenarios.world import World

#: Seconds until a commit shows in search: below the settle time, and far above what a page takes.
LATE = 90.0
#: Shares of the documents that are edited, only touched, and new while pages are read.
EDITED, TOUCHED, ARRIVING = 0.2, 0.05, 0.2
#: Documents of this minute, and documents of this very second.
FRESH = Mix(hold=0.0, refuse=0.0, fresh=1.0, background=0.0, plant_one=False)
AT_ONCE = Mix(hold=0.0, refuse=0.0, fresh=0.0, background=0.0, plant_one=False, settled_for=0.0, days=0.0)
#: All that is left to do in these scenarios may be done this seldom.
UNHURRIED = {"push": "20s", "collect": "20s", "write_back": "20s"}
#: From the last change until everything must have been read: settle time, lateness, the mirror's interval, some air.
CALM = timedelta(minutes=12)


@dataclass(slots=True)
class Users:
    """What users do in WDT while it is being read: drawn beforehand, so that a seed's day is one and the same."""

    world: World
    todo: list[Callable[[], object]] = field(default_factory=list)
    at_once: int = 1

    def plan(self, numbers: list[str], arriving: int, dice: random.Random) -> None:
        """Edits and mere touches of documents that are there, new ones, and a crowd of new ones in one second."""
        wdt = self.world.sandbox.wdt
        for no in dice.sample(numbers, round(len(numbers) * EDITED)):
            self.todo.append(partial(self._do, "edited", partial(wdt.edit, no, invoice_remark=f"{dice.random()}")))
        for no in dice.sample(numbers, round(len(numbers) * TOUCHED)):
            self.todo.append(partial(self._do, "touched", partial(wdt.touch, no)))
        for _ in range(arriving // 2):
            self.todo.append(partial(self._do, "arrived", partial(self.world.sandbox.populate, 1, FRESH)))
        dice.shuffle(self.todo)
        crowd = partial(self._do, "crowds", partial(self.world.sandbox.populate, arriving - arriving // 2, AT_ONCE))
        self.todo.insert(len(self.todo) // 2, crowd)
        self.at_once = max(1, len(self.todo) // 25)

    def begin(self) -> None:
        """From now on something is done after every page that search serves."""
        self.world.sandbox.wdt.after("search", self._some)

    async def done(self) -> bool:
        return not self.todo

    def _do(self, what: str, act: Callable[[], object]) -> None:
        act()
        self.world.seen[what] += 1

    def _some(self) -> None:
        for _ in range(min(self.at_once, len(self.todo))):
            self.todo.pop()()
        if self.todo:
            self.begin()


async def moving_rows(world: World) -> None:
    """A fifth of the rows is edited between pages, commits show 90 s late, pages have no order."""
    dice = world.rng
    arriving = max(2, round(world.rows * ARRIVING))
    async with world.parties():
        numbers = world.sandbox.populate(world.rows - arriving, HEALTHY)
        switches = world.sandbox.wdt.switches
        switches.sort, switches.visibility_lag = "random", LATE
        switches.closed_interval = dice.random() < 0.5
        switches.total_count = dice.choice(("asked", "zero", "always"))
        users = Users(world)
        users.plan(numbers, arriving, dice)
        page_size = dice.choice((10, 20, 40))
        async with world.daemons(world.settings(poll={"page_size": page_size, "step": "6h"}, schedule=UNHURRIED)):
            users.begin()
            await world.until(users.done)
            await world.settle()
            await world.pass_by(CALM)


#: Readings of our clock against the world's that WDT still takes, and some that it does not.
TAKEN = (timedelta(seconds=119), timedelta(seconds=-119))
REFUSED = tuple(
    timedelta(seconds=sign * seconds) for seconds in (121, 600, 3600, 86_400) for sign in (1, -1)
)  # fmt: skip
#: Years that a board without a battery, or a typing error, wakes up in.
ABSURD = (datetime(1970, 1, 1, 0, 5, tzinfo=UTC), datetime(2040, 1, 1, tzinfo=UTC))


async def clock_skew(world: World) -> None:
    """Our clock is wrong in every way, is put right again, and steps back while a window is being read."""
    async with world.parties():
        skews = [*TAKEN, *REFUSED, *(moment - world.clock.world for moment in ABSURD)]
        each = max(1, world.rows // (len(skews) + 1))
        async with world.daemons(world.settings(poll={"page_size": 10, "step": "29d"}, schedule=UNHURRIED)):
            await world.pass_by(timedelta(minutes=1))
            for skew in skews:
                await _wrong_by(world, skew, each)
            _steps_back_between_pages(world, max(each, 25))
            await world.pass_by(timedelta(minutes=8))
            world.clock.skew = timedelta()
            await world.pass_by(timedelta(minutes=8))
            await world.settle()
            await world.pass_by(CALM)
    world.seen["refused_for_the_clock"] = world.sandbox.wdt.calls.by_answer["finance.invoice.InvoiceOrder.search", "7"]


async def _wrong_by(world: World, skew: timedelta, rows: int) -> None:
    """Six minutes with a wrong clock, while new orders come; then it is put right."""
    numbers = world.sandbox.populate(rows, FRESH)
    world.clock.skew = skew
    before = await _cursors(world)
    await world.pass_by(timedelta(minutes=6))
    if skew in TAKEN:
        unserved = sum(world.sandbox.wdt.document(no).result is None for no in numbers)
        world.figures["unserved"] = world.figures.get("unserved", 0) + unserved
    else:
        moved = sum(after != before[feed] for feed, after in (await _cursors(world)).items())
        world.figures["cursors_moved"] = world.figures.get("cursors_moved", 0) + moved
    world.clock.skew = timedelta()
    await world.pass_by(timedelta(minutes=2))


async def _cursors(world: World) -> dict[str, datetime]:
    async with world.app.store.read() as tx:
        return {cursor.feed: cursor.position for cursor in await tx.windows.cursors()}


def _steps_back_between_pages(world: World, rows: int) -> None:
    """More than a page of new orders; after the first page of them our clock goes back by an hour."""

    def step() -> None:
        world.clock.skew = timedelta(hours=-1)
        world.seen["stepped_back"] += 1

    world.sandbox.populate(rows, AT_ONCE)
    world.sandbox.wdt.after("search", step)


#: Instants at which something turns over, and the host's zone where it is about that: summer time ends in New York and
#: on Lord Howe (by half an hour) and begins on the Chathams; the Beijing year and both ends of its leap day.
TURNS = (
    (datetime(2026, 11, 1, 6, tzinfo=UTC), "America/New_York"),
    (datetime(2026, 12, 31, 16, tzinfo=UTC), ""),
    (datetime(2027, 4, 3, 15, tzinfo=UTC), "Australia/Lord_Howe"),
    (datetime(2027, 9, 25, 14, tzinfo=UTC), "Pacific/Chatham"),
    (datetime(2028, 2, 28, 16, tzinfo=UTC), ""),
    (datetime(2028, 2, 29, 16, tzinfo=UTC), ""),
)
BEFORE = timedelta(minutes=4)
ZONES = (
    *("America/New_York", "Australia/Lord_Howe", "Pacific/Chatham", "Asia/Kathmandu", "Europe/London", "UTC"),
    *("America/St_Johns", "Asia/Tehran", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Africa/Casablanca", "Asia/Tokyo"),
)
#: A leap second as a text, which no calendar of ours has.
LEAP_SECOND = "2026-12-31 23:59:60"


async def midnight(world: World) -> None:
    """Days, years, leap days and summer times turn over, on hosts of every zone, asleep for months in between."""
    dice = world.rng
    each = max(2, world.rows // (2 * len(TURNS)))
    world.clock.world = world.clock.began = TURNS[0][0] - BEFORE
    async with world.parties():
        settings = world.settings(poll={"page_size": 10, "step": "29d"}, schedule=UNHURRIED)
        async with world.daemons(settings):
            for instant, zone in TURNS:
                world.clock.world = instant - BEFORE
                with host_zone(zone or dice.choice(ZONES)):
                    await _turn_over(world, each)
                world.seen["turned_over"] += 1
            await world.settle()
            await world.pass_by(CALM)
        world.figures["wrong_times"] = float(told_wrong(world.sandbox) + misdated(world.sandbox))


async def _turn_over(world: World, rows: int) -> None:
    """Orders come before the turn and right after it; the day of one has no calendar, so a person decides."""
    numbers = world.sandbox.populate(rows, FRESH)
    world.sandbox.wdt.edit(numbers[0], created=LEAP_SECOND)
    world.sandbox.wdt.document(numbers[0]).expect = "hold"
    await world.pass_by(BEFORE + timedelta(seconds=1))
    world.sandbox.populate(rows, AT_ONCE)
    await world.pass_by(timedelta(minutes=4))


@contextmanager
def host_zone(name: str) -> Iterator[None]:
    """This process on a host of that zone."""
    before = os.environ.get("TZ")
    os.environ["TZ"] = name
    time.tzset()
    try:
        yield
    finally:
        os.environ.pop("TZ") if before is None else os.environ.update(TZ=before)
        time.tzset()


def told_wrong(sandbox: Sandbox) -> int:
    """Searches whose window, read as Beijing texts, ends in the future, or that ask for no hour of the last ones."""
    wrong = 0
    hours: dict[int, float] = {}
    for call in sandbox.wdt.calls.of("search"):
        asked = json.loads(call.body)[0]
        start, end = parse_beijing(asked.get("start_time", "")), parse_beijing(asked.get("end_time", ""))
        if asked.get("invoice_order_no"):
            continue
        if start is None or end is None or not start < end <= call.at + 2:
            wrong += 1
            continue
        hour = int(call.at // 3600)
        hours[hour] = min(hours.get(hour, math.inf), call.at - end)
    return wrong + sum(behind > 60 for behind in hours.values())


def misdated(sandbox: Sandbox) -> int:
    """Invoices whose time in WDT is not the instant of their issuing, to the second."""
    issued = {invoice.number: int(invoice.issued_at) for invoice in sandbox.nuonuo.ledger}
    wrong = 0
    for document in sandbox.wdt.documents.values():
        row = sandbox.wdt.order(document.no, sid=document.sid)
        wrong += document.status == 60 and parse_beijing(row["invoice_time"]) != issued.get(row["invoice_no"])
    return wrong


SCENARIOS = (
    Scenario(
        name="moving-rows",
        zh="翻页之间两成单据被修改，新单不断到来，提交晚 90 秒才可见，每页顺序随机；安静之后无一遗漏，内容皆为最新",
        en="a fifth of the rows is edited between pages, commits show 90 s late, in no order: the newest is kept",
        play=moving_rows,
        must=f"{ALWAYS}, missed=0, unresolved=0, held=0",
        sometimes=("edited", "touched", "arrived", "crowds"),
        faults=("F69", "F70", "F71", "F74", "F75"),
        rows=100,
    ),
    Scenario(
        name="clock-skew",
        zh="本机时钟偏差 119 秒照常工作，121 秒至一天乃至 1970 年被拒而游标不动；翻页中回拨一小时；修复后无一遗漏",
        en="our clock is off by 119 s and works, by 121 s and far more and is refused, steps back: nothing is lost",
        play=clock_skew,
        must=f"{ALWAYS}, missed=0, unresolved=0, held=0, unserved=0, cursors_moved=0",
        sometimes=("refused_for_the_clock", "stepped_back"),
        faults=("F77", "F102", "F103", "F104"),
        rows=60,
    ),
    Scenario(
        name="midnight",
        zh="跨北京时间零点、年末、闰日与各地夏令时切换，宿主机时区各异且数月休眠：线上时间始终为东八区，无一遗漏",
        en="days, years, leap days and summer times turn over on hosts of every zone: times on the wire stay +08:00",
        play=midnight,
        must=f"{ALWAYS}, missed=0, unresolved=0, wrong_times=0, held=6",
        sometimes=("turned_over",),
        faults=("F105", "F106"),
        rows=48,
    ),
)
