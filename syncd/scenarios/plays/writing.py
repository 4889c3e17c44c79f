"""Days on which WDT takes some of what it is told, takes it without saying so, or takes it late."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from syncd.sandbox import HEALTHY, Mix, Sandbox
from syncd.sandbox.nuonuo.order import Order
from syncd.scenarios.scenario import ALWAYS, Scenario
from syncd.scenarios.world import World

#: A number that somebody else's program wrote.
FOREIGN = "25332000000000000000"
#: What a bureau may answer: two thousand characters, some of them beyond what WDT's database takes.
TIRADE = "购方税号与名称不一致，请核实后重新开具😀\u2028\x1b[31m" * 80
#: Documents of this minute.
FRESH = Mix(hold=0.0, refuse=0.0, fresh=1.0, background=0.0, plant_one=False)
#: Within this, what is new in WDT has been seen.
READ = timedelta(minutes=1)
#: Documents in one call, and how often the stages look.
BATCH = 10
SCHEDULE = {"push": "20s", "collect": "20s", "write_back": "5s"}
_UNDER_WAY = """
SELECT o.no FROM debt d JOIN invoice_order o ON o.id = d.order_id WHERE d.state = 'sent' AND o.state = 'ISSUED'
ORDER BY o.no
"""
_HELD = "SELECT no FROM invoice_order WHERE state = 'HOLD'"
_REFUSED = "SELECT count(*) FROM journal WHERE event = 'write_back.refused'"
LONGEST_URL, LONGEST_ERROR = 255, 100


@dataclass(slots=True)
class Meanwhile:
    """What happens in WDT to documents of the very first write-back, right before it arrives there."""

    world: World
    each: int
    cancelled: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    locked: list[str] = field(default_factory=list)
    long_address: list[str] = field(default_factory=list)

    def strike(self, point: str, _worker: int) -> None:
        """Everything is issued, the files are ready, and the first call is about to leave: for once, not again."""
        if point != "wdt.update.before" or self.world.seen["meanwhile"]:
            return
        told = [no for (no,) in self.world.onlooker.rows(_UNDER_WAY)][: 4 * self.each]
        if not told:
            return
        groups = (self.cancelled, self.gone, self.foreign, self.locked)
        for at, group in enumerate(groups):
            group += told[at * self.each : (at + 1) * self.each]
        self.world.seen["meanwhile"] = len(told)
        self._act()
        for kind in ("lost_before", "lost_after", "status_100_after", "http_502_after"):  # of the calls that follow
            self.world.sandbox.wdt.faults.force("updateInvoice", kind, skip=1)

    def _act(self) -> None:
        wdt = self.world.sandbox.wdt
        for no in self.cancelled:
            wdt.cancel(no)
        for no in self.gone:
            _take_away(self.world.sandbox, no)
        for no in self.foreign:
            wdt.edit(no, status=60, invoice_no=FOREIGN)
            wdt.document(no).expect = "hold"
        for no in self.locked:  # refused in words that nobody has classified: told again or held, but never forgotten
            wdt.set_status(no, 50)
            wdt.document(no).expect = "hold"


async def writeback_mixed(world: World) -> None:
    """Between issuing and telling WDT, documents are cancelled, taken away, finished by others, or locked."""
    each = max(1, min(world.rows, BATCH * 4) // 20)
    async with world.parties():
        sandbox = world.sandbox
        refused = sandbox.populate(world.rows - 2 * each, HEALTHY)[:each]
        for no in refused:
            sandbox.wdt.document(no).expect = "refuse"
        sandbox.nuonuo.script(_asks_for(sandbox, refused), "fail", cause=TIRADE)
        sandbox.nuonuo.switches.file_delay = 180.0
        meanwhile = Meanwhile(world, each)
        async with world.daemons(world.settings(schedule=SCHEDULE, write_back={"batch": BATCH})):
            with world.striking(meanwhile.strike):
                await world.pass_by(timedelta(minutes=15))
            sandbox.nuonuo.switches.file_delay = 0.0
            for no in meanwhile.locked:
                sandbox.wdt.set_status(no, 45)
            await _long_addresses(world, meanwhile)
            await _reopened_and_overtaken(world, each)
            await world.settle()
            await world.pass_by(timedelta(minutes=12))
            world.seen["refused_by_name"] = world.onlooker.one(_REFUSED)
            held = [no for (no,) in world.onlooker.rows(_HELD)]
        _look_back(world, meanwhile, held)


def _take_away(sandbox: Sandbox, no: str) -> None:
    """The document moves to a shop that this account may not see: for us it is gone."""
    tenant = sandbox.wdt.tenants["demo_sid"]
    tenant.shops = tenant.shops or {document.shop_no for document in sandbox.wdt.documents.values()}
    document = sandbox.wdt.document(no)
    document.expect, document.shop_no = "hold", "another shop"


async def _long_addresses(world: World, meanwhile: Meanwhile) -> None:
    """The issuer's new file server has addresses that WDT's column cannot take."""
    issuer, short = world.sandbox.nuonuo, world.sandbox.nuonuo.files_root
    issuer.files_root = f"{short}/{'x' * LONGEST_URL}"
    meanwhile.long_address += world.sandbox.populate(meanwhile.each, FRESH)
    for no in meanwhile.long_address:
        world.sandbox.wdt.document(no).expect = "hold"
    await world.pass_by(READ)
    await world.settle()
    issuer.files_root = short


async def _reopened_and_overtaken(world: World, rows: int) -> None:
    """An 85 stays with a proxy until its document has been reopened and issued anew: the 60 must win in the end."""
    sandbox = world.sandbox
    sandbox.wdt.faults.hold_replays = True
    sandbox.wdt.faults.forced.clear()
    numbers = sandbox.populate(rows, FRESH)
    sandbox.nuonuo.script(_asks_for(sandbox, numbers), "fail", times=rows)
    sandbox.wdt.faults.force("updateInvoice", "delayed")
    await world.pass_by(READ)
    await world.settle()
    sandbox.nuonuo.switches.file_delay = 180.0
    for no in numbers:
        if sandbox.wdt.document(no).status == 85:
            sandbox.wdt.reopen(no)
    await world.pass_by(timedelta(minutes=2))
    assert sandbox.wdt_server is not None
    world.seen["overtaken"] = sandbox.wdt_server.delivery.replay()
    sandbox.nuonuo.switches.file_delay = 0.0
    await world.pass_by(READ)
    await world.settle()


def _asks_for(sandbox: Sandbox, numbers: Sequence[str]) -> Callable[[Order], bool]:
    """Whether an order at the issuer is one of these documents, by the serial in its goods' name."""
    names = {sandbox.wdt.order(no)["detail_list"][0]["item_name"] for no in numbers}
    return lambda order: order.lines[0].goods_name in names


def _look_back(world: World, meanwhile: Meanwhile, held: Sequence[str]) -> None:
    """Figures of what WDT was told, from its own ledgers."""
    wdt = world.sandbox.wdt
    told = Counter(
        update["invoice_order_no"] for call in wdt.calls.of("updateInvoice") for update in json.loads(call.body)[0]
    )
    rows = [wdt.order(document.no) for document in wdt.documents.values() if document.result is not None]
    wanted = {*meanwhile.cancelled, *meanwhile.gone, *meanwhile.foreign, *meanwhile.long_address}
    world.figures |= {
        "max_updates_per_order": max(told.values(), default=0),
        "overwritten": sum(wdt.order(no)["invoice_no"] != FOREIGN for no in meanwhile.foreign),
        "cut_addresses": sum(row["invoice_no"] != "" and not _served(world.sandbox, row["file_url"]) for row in rows),
        "bad_texts": sum(not _is_kept_well(row["error_info"]) for row in rows),
        "held_otherwise": len(wanted.symmetric_difference(held) - set(meanwhile.locked)),
    }


def _served(sandbox: Sandbox, url: str) -> bool:
    return url.startswith(sandbox.nuonuo.files_root) and url.endswith(".pdf")


def _is_kept_well(text: str) -> bool:
    return len(text) <= LONGEST_ERROR and all(" " <= one <= "\uffff" for one in text)


SCENARIOS = (
    Scenario(
        name="writeback-mixed",
        zh="回传部分被拒、已执行而回应丢失、迟到并晚于重开、单据被取消或消失、他人号码、地址与错误文字超长：以回读为准",
        en="write-backs are refused in part, lost after they worked, late or too long: only what is seen counts",
        play=writeback_mixed,
        must=f"{ALWAYS}, missed=0, unresolved=0, overwritten=0, cut_addresses=0, bad_texts=0, held_otherwise=0,"
        " max_updates_per_order<=3",
        sometimes=(
            *("wdt.updateInvoice.lost_after", "wdt.updateInvoice.status_100_after", "wdt.updateInvoice.lost_before"),
            *("wdt.updateInvoice.delayed", "refused_by_name", "overtaken"),
        ),
        faults=("F80", "F81", "F82", "F83", "F84", "F85", "F89", "F90"),
        rows=80,
    ),
)
