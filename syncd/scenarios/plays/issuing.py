"""Days on which issuing stands still, or users do not: logins, quotas, outages, cancellations, edits, second wishes."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal

from syncd.catalogue import find
from syncd.sandbox import Mix, Sandbox
from syncd.sandbox.nuonuo.order import Order
from syncd.sandbox.wdt.document import Document
from syncd.scenarios.clerks import Clerks, told_failed
from syncd.scenarios.ledgers import cancelled_unnoticed, out_of_order, told_failed_unasked, unlike_the_ledger
from syncd.scenarios.phone import Phone
from syncd.scenarios.scenario import ALWAYS, Scenario
from syncd.scenarios.world import World

#: Rows of the last half hour that one window shows together: they queue before the first is sent.
QUEUED = Mix(hold=0.0, refuse=0.0, fresh=0.0, background=0.0, plant_one=False, days=0.02)
#: Rows of this minute.
NEW = Mix(hold=0.0, refuse=0.0, fresh=1.0, background=0.0, plant_one=False)
#: What is read is not what these days are about.
SELDOM = {"poll": "30m", "mirror": "1h"}
#: How long the drawer, the quota, the issuer are away.
LOGGED_OUT, EMPTY, DOWN = timedelta(hours=3), timedelta(hours=20), timedelta(hours=72)
#: With fewer rows than these the quota is away for five hours only, and the issuer for half a day.
WHOLE_OUTAGE = 50
#: Until everything that stood still is done.
AFTERWARDS = timedelta(hours=30)


# -- standing still ----------------------------------------------------------------------------------------------------


async def login_expired(world: World) -> None:
    """The drawer is logged out in the morning; which way the issuer shows it, differs by seed."""
    phone = Phone()
    async with world.parties(issue_delay=(3.0, 3.0)) as sandbox:
        how = ("refuse", "fail", "wait")[world.seed % 3]
        sandbox.nuonuo.switches.logged_out = how  # type: ignore[assignment]
        world.seen[f"logged_out_{how}"] += 1
        sandbox.nuonuo.login = "logged_out"
        modified = _modified(sandbox, sandbox.populate(world.rows, QUEUED))
        async with world.daemons(world.settings(schedule=SELDOM)):
            world.diary.at(world.began, phone.watch(world.app).look, timedelta(minutes=1))
            await world.pass_by(LOGGED_OUT)
            world.figures["written_85_meanwhile"] = told_failed(sandbox)
            _note_rest(world, how != "wait")
            sandbox.nuonuo.login = "ok"
            await world.finish(AFTERWARDS)
            _note_end(world, sandbox, modified)
        world.figures["alerts"] = phone.rung


async def quota_empty(world: World) -> None:
    """A third of the rows may still be issued; the rest of the quota comes the next day."""
    async with world.parties(issue_delay=(3.0, 3.0)) as sandbox:
        how = ("fail", "wait")[world.seed % 2]
        sandbox.nuonuo.switches.quota = how  # type: ignore[assignment]
        world.seen[f"quota_{how}"] += 1
        numbers = sandbox.populate(world.rows, QUEUED)
        modified = _modified(sandbox, numbers)
        whole = sandbox.nuonuo.quota
        sandbox.nuonuo.quota = sum((_net(sandbox, no) for no in numbers[: world.rows // 3]), Decimal(0))
        async with world.daemons(world.settings(schedule=SELDOM)):
            await world.pass_by(EMPTY)
            world.seen["stood_still"] += len(numbers) - len(sandbox.nuonuo.ledger)
            world.figures["written_85_meanwhile"] = told_failed(sandbox)
            sandbox.nuonuo.quota = whole
            await world.finish(AFTERWARDS)
            _note_end(world, sandbox, modified)


async def issuer_down(world: World) -> None:
    """For three days nobody answers; rows go on coming; then everything is worked off."""
    down = DOWN if world.rows >= WHOLE_OUTAGE else timedelta(hours=12)
    async with world.parties(issue_delay=(3.0, 3.0)) as sandbox:
        faults = sandbox.nuonuo.faults
        faults.weights = {("lost_before", "http_502_before", "html_200")[world.seed % 3]: 1.0}
        modified = _modified(sandbox, sandbox.populate(world.rows // 2, QUEUED))

        def arrive() -> None:
            modified.update(_modified(sandbox, sandbox.populate(1, NEW)))

        for at in range(world.rows - world.rows // 2):
            when = world.began + down * (at / world.rows)
            world.diary.at(when, arrive)
        async with world.daemons(world.settings(schedule=SELDOM)):
            faults.share = 1.0
            await world.pass_by(down)
            calls, minutes = sandbox.nuonuo.calls.by_method.total(), down / timedelta(minutes=1)
            world.figures["calls_per_minute_down_ratio"] = round(calls / minutes, 3)
            world.seen["calls_while_down"] += calls
            faults.share = 0.0
            came_back = world.clock.world
            await world.finish(AFTERWARDS)
            drained = world.clock.world - came_back
            world.figures["drained_minutes_ratio"] = round(drained / timedelta(minutes=1), 1)
            _note_end(world, sandbox, modified)


def _note_rest(world: World, rests: bool) -> None:
    """Whether the lane rests for a reason that somebody is told what to do about."""
    lanes = world.onlooker.rows("SELECT code, reason FROM lane WHERE state = 'resting' AND platform = 'main'")
    entries = [find("nuonuo", code.partition(".")[2], reason.partition(": ")[2]) for code, reason in lanes]
    world.figures["without_a_remedy"] = entries.count(None) + (rests and not lanes)
    world.seen["lanes_rested"] += len(lanes)


def _note_end(world: World, sandbox: Sandbox, modified: Mapping[str, float]) -> None:
    world.figures["written_85"] = told_failed(sandbox)
    world.figures["out_of_order"] = out_of_order(sandbox, world.onlooker, modified)


def _modified(sandbox: Sandbox, numbers: list[str]) -> dict[str, float]:
    """When each was last changed before anybody wrote back."""
    return {no: sandbox.wdt.document(no).modified for no in numbers}


def _net(sandbox: Sandbox, no: str) -> Decimal:
    return Decimal(str(sandbox.wdt.order(no)["sum_price"]))


# -- users -------------------------------------------------------------------------------------------------------------


async def cancel_race(world: World) -> None:
    """Users cancel while orders queue, before a submission leaves, after it arrived, and between two pages."""
    async with world.parties(issue_delay=(0.1, 20.0)) as sandbox:
        world.populate()
        clerks = Clerks(sandbox, random.Random(f"{world.seed}/clerks"))

        def cancel(why: str) -> None:
            if clerks.cancel_one() is not None:
                world.seen[f"cancelled_{why}"] += 1

        def strike(point: str, worker: int) -> None:
            if point in ("nuonuo.submit.before", "nuonuo.submit.after") and clerks.dice.random() < 0.15:
                cancel(point.rpartition(".")[2])

        sandbox.wdt.after("search", lambda: cancel("reading"), times=max(1, world.rows // 20))
        async with world.daemons():
            with world.striking(strike):
                await _cancel_some(world, clerks)
                await world.settle()
            await world.pass_by(timedelta(minutes=12))
            world.figures["issued_and_unnoticed"] = cancelled_unnoticed(sandbox, world.onlooker)
            world.seen["held_after_issue"] += _held(world, "cancelled_after_issue")
            states = "SELECT count(*) FROM invoice_order WHERE state = 'CANCELLED'"
            world.seen["never_issued"] += int(world.onlooker.one(states))


async def amount_changed(world: World) -> None:
    """Users edit amounts while submissions are on their way."""
    async with world.parties(issue_delay=(0.1, 20.0)) as sandbox:
        world.populate()
        clerks = Clerks(sandbox, random.Random(f"{world.seed}/clerks"))

        def strike(point: str, worker: int) -> None:
            if point in ("nuonuo.submit.before", "nuonuo.submit.after") and clerks.dice.random() < 0.2:
                world.seen["edited"] += clerks.edit_one() is not None

        async with world.daemons():
            with world.striking(strike):
                await world.settle()
            await world.pass_by(timedelta(minutes=12))
            silent, wrong = unlike_the_ledger(sandbox, world.onlooker)
            world.figures["silent_drift"], world.figures["wrong_amount_told"] = silent, wrong
            drifted = "SELECT count(*) FROM invoice_order WHERE drifted = 1"
            world.seen["drifted"] += int(world.onlooker.one(drifted))


def _held(world: World, hold: str) -> int:
    return int(world.onlooker.one("SELECT count(*) FROM invoice_order WHERE hold = ?", hold))


async def re_pended(world: World) -> None:
    """Half of the rows fail one to three times; users put them back, some corrected; others they cancel first."""
    async with world.parties() as sandbox:
        dice = random.Random(f"{world.seed}/clerks")
        clerks = Clerks(sandbox, dice)
        for no in world.populate():
            if dice.random() < 0.6:
                outcome = "fail" if dice.random() < 0.6 else "refuse"
                sandbox.nuonuo.script(_of(no), outcome, times=dice.randint(1, 3))  # type: ignore[arg-type]
        async with world.daemons():
            await _cancel_some(world, clerks)
            for _ in range(12):
                await world.settle(timedelta(hours=6))
                if not _put_back(world, clerks):
                    break
                await world.pass_by(timedelta(minutes=dice.randint(1, 40)))
            await world.settle(timedelta(hours=6))
        world.figures["unfinished"] = len(clerks.at(45, 85, 5))


def _of(no: str) -> Callable[[Order], bool]:
    """The orders of one document: its number stands readable in front of all its keys."""
    return lambda order: order.order_no.startswith(no)


async def _cancel_some(world: World, clerks: Clerks) -> None:
    """A fifth is cancelled after it was read and before anything is sent: the lane is paused meanwhile."""
    async with world.app.store.begin() as tx:
        await tx.lanes.pause("m001", "main", "rehearsal", tx.now + timedelta(minutes=10))
    await world.pass_by(timedelta(minutes=3))
    for document in clerks.some(clerks.waiting(), 0.2):
        clerks.wdt.cancel(document.no)
        world.seen["cancelled"] += 1
    await world.pass_by(timedelta(minutes=8))


def _put_back(world: World, clerks: Clerks) -> int:
    """Users put everything back that failed or was cancelled, half of it corrected; how many."""
    back = [*clerks.failed(), *clerks.cancelled()]
    for document in back:
        if document.status == 85 and clerks.dice.random() < 0.15:
            clerks.wdt.cancel(document.no)  # and back in the next round
            continue
        was = "cancelled" if document.status == 5 else "failed"
        corrected = clerks.dice.random() < 0.5
        if corrected and clerks.dice.random() < 0.5:
            clerks.edit(document)
            clerks.reopen(document)
        else:
            clerks.reopen(document)
            if corrected:
                clerks.edit(document)
        world.seen[f"reopened_{was}{'_corrected' if corrected else ''}"] += 1
    return len(back)


async def late_issue(world: World) -> None:
    """What was refused is issued hours later after all, and requests are executed hours after they were sent."""
    async with world.parties() as sandbox:
        dice = random.Random(f"{world.seed}/bureau")
        nuonuo = sandbox.nuonuo
        nuonuo.switches.revive_after = dice.uniform(600, 5 * 3600)
        nuonuo.faults.share, nuonuo.faults.weights = 0.5, {"delayed": 1.0}
        nuonuo.faults.only_methods = frozenset({"nuonuo.OpeMplatform.requestBillingNew"})
        nuonuo.faults.replay_after = dice.uniform(3600, 5 * 3600)
        for no in world.populate():
            match dice.randrange(4):
                case 0:
                    nuonuo.script(_of(no), "fail_then_issue", times=1)
                case 1:
                    nuonuo.script(_of(no), "refuse", times=1)
        async with world.daemons(world.settings(schedule=SELDOM)):
            await world.settle(timedelta(hours=12))
            world.seen["told_failed_first"] += told_failed(sandbox)
            nuonuo.faults.share = 0.0
            await world.pass_by(timedelta(hours=8))
            await world.settle(timedelta(hours=2))
        failed = {document.key for document in sandbox.wdt.documents.values() if _first_failed(document)}
        issued = {document.key for document in sandbox.wdt.documents.values() if document.status == 60}
        world.seen["healed"] += len(failed & issued)
        world.figures["told_failed_unasked"] = told_failed_unasked(sandbox)


def _first_failed(document: Document) -> bool:
    return bool(document.written) and document.written[0].status == 85


_STILL = f"{ALWAYS}, max_issued_per_order=1, unresolved=0, held=0, refused=0, written_85=0, out_of_order=0"
SCENARIOS = (
    Scenario(
        name="login-expired",
        zh="开票员登录失效三小时，单据排队；不写一个 85，至多提醒一次，恢复登录后从最早的单据开始全部开出",
        en="the drawer is logged out for three hours: no 85, one alert at most, then all is issued, oldest first",
        play=login_expired,
        must=f"{_STILL}, written_85_meanwhile=0, without_a_remedy=0, alerts<=1",
        rows=60,
    ),
    Scenario(
        name="quota-empty",
        zh="授信额度只够三分之一，二十小时后补足；不写 85，不挂起，之后全部开出",
        en="the credit line is used up for twenty hours: no 85, nothing held, then all is issued",
        play=quota_empty,
        must=f"{_STILL}, written_85_meanwhile=0",
        sometimes=("stood_still",),
        faults=("F57",),
        rows=60,
    ),
    Scenario(
        name="issuer-down",
        zh="开票平台停摆七十二小时，单据不断到来；停摆期间每分钟至多一次请求，恢复后按先后开完",
        en="the issuer is down for 72 hours: at most one call a minute meanwhile, then all is worked off in order",
        play=issuer_down,
        must=f"{_STILL}, calls_per_minute_down_ratio<=1",
        sometimes=("calls_while_down",),
        faults=("F56",),
        rows=60,
    ),
    Scenario(
        name="cancel-race",
        zh="用户在提交的一瞬间取消单据；已开出的都被挂起并记下号码，其余从未开出",
        en="users cancel while a submission is on its way: what was issued is held with its number, the rest never is",
        play=cancel_race,
        must="doubles=0, lost=0, wrong=0, unresolved=0, missed=0, issued_and_unnoticed=0",
        sometimes=("cancelled_before", "cancelled_after", "held_after_issue", "never_issued"),
        faults=("F85",),
        rows=120,
        workers=2,
    ),
    Scenario(
        name="amount-changed",
        zh="提交途中用户修改金额；以冻结的请求为准，差异有记录，回写的是实际开出的金额",
        en="amounts are edited after the intent: the frozen request wins, the drift is noted, what was issued is told",
        play=amount_changed,
        must=f"{ALWAYS}, unresolved=0, missed=0, silent_drift=0, wrong_amount_told=0",
        sometimes=("edited", "drifted"),
        faults=("F86",),
        rows=120,
        workers=2,
    ),
    Scenario(
        name="re-pended",
        zh="单据失败后被用户多次重新提交，有的改过，有的先取消；每单最终恰好一张",
        en="failed orders are put back again and again, corrected or not, some cancelled in between: one invoice each",
        play=re_pended,
        must=f"{ALWAYS}, max_issued_per_order=1, unresolved=0, unfinished=0, held=0",
        sometimes=("reopened_failed", "reopened_failed_corrected", "reopened_cancelled"),
        rows=60,
    ),
    Scenario(
        name="late-issue",
        zh="先拒后开、数小时后才执行的请求；复查将 85 改回 60，一张不多",
        en="refused first and issued hours later, requests executed hours late: sweeps turn 85 into 60, nothing twice",
        play=late_issue,
        must=f"{ALWAYS}, max_issued_per_order=1, unresolved=0, told_failed_unasked=0",
        sometimes=("told_failed_first", "healed", "issuer.requestBillingNew.delayed"),
        faults=("F38", "F42"),
        rows=60,
    ),
)
