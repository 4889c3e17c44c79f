"""Days at Alibaba's invoice centre: invoices it lacks, bans, strangers' invoices, and buyers who change their minds."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta

from syncd.sandbox import Mix
from syncd.scenarios.buyers import Buyers
from syncd.scenarios.plays.strikes import Strikes
from syncd.scenarios.scenario import ALWAYS, Scenario
from syncd.scenarios.world import World

#: What a network and the platform do to an answer without anybody waiting for a time-out of the host's clock.
LOST = (
    *("lost_before", "lost_after", "http_502_before", "http_502_after", "html_200_after", "truncated", "empty"),
    *("15_isp_before", "15_isp_after", "code_10"),
)
#: What is read is not what these days are about.
SELDOM = {"poll": "10m", "mirror": "30m"}
HEALTHY = Mix(hold=0.0, refuse=0.0, fresh=0.0, background=0.0, plant_one=False)
BAN = 31_062
A_DAY = timedelta(hours=24)
UPDATE, UPLOAD = "alibaba.einvoice.prod.apply.update", "alibaba.einvoice.core.inv.upload"


async def missing(world: World) -> None:
    """Every invoice is missing at first, is collected late, and three answers in ten are lost."""
    await _missing(world, lambda point, worker: None)


async def struck(world: World) -> None:
    """The same day, and workers die before and after every commit and every call of it."""
    strikes = Strikes(world)

    def strike(point: str, worker: int) -> None:
        if worker >= 0 and point.startswith(("alibaba.", "applications.", "files.", "top.")):
            strikes(point, worker)

    await _missing(world, strike)


async def _missing(world: World, strike: Callable[[str, int], None]) -> None:
    async with world.parties() as sandbox:
        buyers = Buyers(world, random.Random(f"{world.seed}/buyers"))
        sandbox.top.switches.collect_after = 45.0
        buyers.apply_for(world.populate(HEALTHY))
        faults = sandbox.top.faults
        faults.share, faults.weights = 0.3, dict.fromkeys(LOST, 1.0) | {"lost_after": 3.0}
        for method in ("core.inv.upload", "prod.apply.update"):  # on a small day too
            faults.force(method, "lost_after", skip=2)
        there = _collected_otherwise(buyers)
        alibaba = {"tmc": True, "link_by_trade": True}
        async with world.daemons(world.settings(schedule=SELDOM, alibaba=alibaba)):
            with world.striking(strike):
                await world.pass_by(60)
                await buyers.link_all()
                await world.settle(timedelta(days=4))
            buyers.note()
        needless = [one for one in sandbox.top.uploads if (one.apply_id, one.number) in there]
        world.figures["uploads_needless"] = len(needless)
        world.seen["notices"] += len(sandbox.top.messages)


def _collected_otherwise(buyers: Buyers) -> set[tuple[str, str]]:
    """Of applications for two orders the centre gets one invoice by another way, as soon as it is issued."""
    there: set[tuple[str, str]] = set()
    world, top = buyers.world, buyers.world.sandbox.top
    shared = [apply_id for apply_id, numbers in buyers.of.items() if len(numbers) > 1]

    def collect() -> None:
        for apply_id in list(shared):
            document = buyers.of[apply_id][0]
            issued = [one.number for one in world.sandbox.nuonuo.ledger if one.order_no.startswith(document)]
            if issued and top.applications[apply_id].status == "applying":
                top.collect(apply_id, issued[0])
                there.add((apply_id, issued[0]))
                world.seen["collected_otherwise"] += 1
                shared.remove(apply_id)
        if shared and world.clock.world < world.began + timedelta(hours=2):
            world.diary.at(world.clock.world + timedelta(seconds=2), collect)

    world.diary.at(world.began, collect)
    return there


async def ban(world: World) -> None:
    """The application's calls for the day are used up: code 7 for 31,062 seconds. WDT's leg does not notice."""
    async with world.parties() as sandbox:
        buyers = Buyers(world, random.Random(f"{world.seed}/buyers"))
        buyers.apply_for(world.populate(HEALTHY), by_message=0.0)
        async with world.daemons(world.settings(schedule={"poll": "3h", "mirror": "6h"}, alibaba={})):
            await world.pass_by(5)
            await buyers.link_all()
            sandbox.top.ban("app", BAN)
            await world.finish()
            world.figures["hours_to_wdt"] = round((world.clock.world - world.began) / timedelta(hours=1), 1)
            world.figures["written_back_in_the_ban"] = sandbox.counts()["written_back"]
            world.figures["told_in_the_ban"] = sum(
                one.status != "applying" for one in sandbox.top.applications.values()
            )
            world.figures["rows_harmed"] = world.onlooker.one(
                "SELECT count(*) FROM application WHERE state = 'held' OR tries > 0"
            )
            world.seen["bans"] += sandbox.top.rate_refused
            await world.settle(A_DAY)
            buyers.note()
        world.figures["calls_refused"] = sandbox.top.rate_refused


async def foreign(world: World) -> None:
    """The centre wants invoices for some applications that are other people's, or ours for another application."""
    async with world.parties() as sandbox:
        buyers = Buyers(world, random.Random(f"{world.seed}/buyers"))
        buyers.apply_for(world.populate(HEALTHY), together=0.0, by_message=0.0)
        wanted = {apply_id for apply_id in buyers.of if buyers.dice.random() < 0.3} or {next(iter(buyers.of))}
        for apply_id in wanted:
            sandbox.top.demand(apply_id, f"2699{buyers.dice.randrange(10**16):016d}")
        world.seen["wanted_of_others"] += len(wanted)
        async with world.daemons(world.settings(schedule=SELDOM, alibaba={})):
            await world.pass_by(5)
            await buyers.link_all()
            await world.settle(A_DAY)
            buyers.note(except_for=sorted(wanted))
            named = {
                apply_id
                for apply_id, facts in world.onlooker.rows(
                    "SELECT apply_id, hold_facts FROM application WHERE hold = 'top_foreign_invoice'"
                )
                if sandbox.top.applications[apply_id].demanded[0].number in facts
            }
            world.figures["strangers_not_named"] = len(wanted ^ named)


async def cancelled_while_issuing(world: World) -> None:
    """A third of the buyers withdraw: some before their invoice is issued, some when it is, none of them told twice."""
    async with world.parties(issue_delay=(20.0, 90.0)) as sandbox:
        buyers = Buyers(world, random.Random(f"{world.seed}/buyers"))
        sandbox.top.switches.collect_after = 30.0
        sandbox.top.switches.after_final = "true"  # whoever does not look has it changed
        buyers.apply_for(world.populate(HEALTHY), together=0.0, by_message=1.0)
        gone = [apply_id for apply_id in buyers.of if buyers.dice.random() < 0.35]
        for apply_id in gone:
            world.diary.at(world.began + timedelta(seconds=buyers.dice.uniform(1, 150)), _withdraw(world, apply_id))
        alibaba = {"tmc": True, "link_by_trade": True}
        quick = {**SELDOM, "poll": "20s"}
        async with world.daemons(world.settings(schedule=quick, alibaba=alibaba)):
            async with world.app.store.begin() as tx:  # for a minute nothing is submitted
                await tx.lanes.pause("m001", "main", "drawer at lunch", world.began + timedelta(seconds=70))
            await world.pass_by(timedelta(minutes=10))
            await world.settle(A_DAY)
            buyers.note()
            _judge_withdrawals(world)


def _withdraw(world: World, apply_id: str) -> Callable[[], None]:
    def withdraw() -> None:
        if not world.sandbox.top.applications[apply_id].final:
            world.sandbox.top.cancel(apply_id)
            world.seen["withdrawn"] += 1

    return withdraw


def _judge_withdrawals(world: World) -> None:
    """Who withdrew must stay withdrawn at the centre, and stand with us as withdrawn, or as a person's to decide."""
    stopped = [no for (no,) in world.onlooker.rows("SELECT no FROM invoice_order WHERE hold = 'top_cancelled'")]
    for no in stopped:
        world.sandbox.wdt.document(no).expect = "hold"
    world.seen["stopped_unissued"] += len(stopped)
    taken_back = {
        one.apply_id
        for one in world.sandbox.top.applications.values()
        if any(status == "cancelled" for _, status, _ in one.history)
    }
    ended = {
        apply_id: (state, hold)
        for apply_id, state, hold in world.onlooker.rows("SELECT apply_id, state, hold FROM application")
    }
    told = [one for one in taken_back if world.sandbox.top.applications[one].status != "cancelled"]
    world.figures["told_after_withdrawal"] = len(told)
    fine = {("withdrawn", None), ("held", "top_cancelled")}
    world.figures["withdrawals_missed"] = sum(ended.get(one) not in fine for one in taken_back)
    world.seen["withdrawn_after_issue"] += sum(ended.get(one) == ("held", "top_cancelled") for one in taken_back)


_ALL = (
    f"{ALWAYS}, max_issued_per_order=1, unresolved=0, uploads_foreign=0, uploads_stray=0, uploads_double=0,"
    " uploads_hasty=0, told_wrong=0, complaints=0, stamps_reused=0"
)
SCENARIOS = (
    Scenario(
        name="alibaba-missing",
        zh="阿里称发票未归集，且三成答复丢失；缺的各上传一次，申请全部完结，从不因此开票",
        en="Alibaba lacks every invoice and three answers in ten are lost: each is returned once, none is issued again",
        play=missing,
        must=f"{_ALL}, alibaba_open=0, applications_held=0, uploads_needless=0",
        sometimes=("top.upload.lost_after", "top.update.lost_after", "collected_otherwise"),
        faults=("F94", "F96"),
        rows=60,
    ),
    Scenario(
        name="alibaba-struck",
        zh="同一天，进程在每次落库与调用前后被杀；接手者先问平台再传，仍不重传、不遗漏",
        en="the same day, and workers die around every commit and call: whoever takes over asks before it returns",
        play=struck,
        must=f"{_ALL}, alibaba_open=0, applications_held=0, uploads_needless=0",
        sometimes=(
            *("struck.alibaba.returning.after", "struck.top.upload.before", "struck.top.upload.after"),
            *("struck.alibaba.decided.after", "struck.top.update.after", "struck.applications.noted.after"),
            *("struck.files.kept.before", "struck.alibaba.answered.before"),
        ),
        rows=30,
        workers=2,
    ),
    Scenario(
        name="alibaba-ban",
        zh="当日调用用尽，平台禁用 31062 秒；只停阿里，旺店通照常回传，无一单受损",
        en="code 7 for 31,062 seconds: Alibaba's work alone is parked, WDT's goes on, and no row is harmed by it",
        play=ban,
        must=f"{_ALL}, alibaba_open=0, applications_held=0, told_in_the_ban=0, rows_harmed=0, hours_to_wdt<3",
        sometimes=("bans",),
        rows=60,
    ),
    Scenario(
        name="alibaba-foreign",
        zh="平台索要不是我们开的发票；不上传、不开票，挂起并点名，其余照常完结",
        en="the centre wants invoices that are none of ours: neither returned nor issued, held by name; the rest ends",
        play=foreign,
        must=f"{_ALL}, alibaba_open=0, strangers_not_named=0",
        sometimes=("wanted_of_others",),
        faults=("F98",),
        rows=40,
    ),
    Scenario(
        name="alibaba-cancelled-while-issuing",
        zh="买家在开票途中撤回申请；未开的停办，已开的交人处理，绝不再报成功",
        en="buyers withdraw while their invoices are made: what is not issued stops, what is goes to a person",
        play=cancelled_while_issuing,
        must=f"{_ALL}, alibaba_open=0, told_after_withdrawal=0, withdrawals_missed=0",
        sometimes=("stopped_unissued", "withdrawn_after_issue"),
        faults=("F100",),
        rows=60,
    ),
)
