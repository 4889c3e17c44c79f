"""Days on which answers get lost, come late, come twice, come mixed up, or are about somebody else's invoice."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from syncd.domain.invoice import Colour
from syncd.domain.key import issuer_key
from syncd.domain.mapping import Unfitness, to_request
from syncd.domain.order import OrderNo
from syncd.sandbox import Sandbox
from syncd.sandbox.nuonuo.issue import request_billing
from syncd.sandbox.nuonuo.world import DEFAULT_APP_KEY
from syncd.sandbox.wdt.document import ISSUED, Document
from syncd.scenarios.clerks import Clerks, told_failed
from syncd.scenarios.ledgers import told_failed_unasked
from syncd.scenarios.scenario import ALWAYS, Scenario
from syncd.scenarios.world import World
from syncd.wire.strict_json import loads

#: What a network does to an answer without anybody waiting for a time-out of the host's clock.
QUICK = (
    *("lost_before", "lost_after", "http_502_before", "http_502_after", "html_200", "html_200_after"),
    *("truncated", "empty", "late_duplicate", "delayed", "E9999", "E9999_after"),
)
#: What is read is not what these days are about.
SELDOM = {"poll": "2m", "mirror": "10m"}
SUBMIT = "nuonuo.OpeMplatform.requestBillingNew"


async def lost_answer(world: World) -> None:
    """Three calls in ten to the issuer go wrong: half of those after it did what was asked."""
    async with world.parties() as sandbox:
        world.populate()
        rough(sandbox)
        async with world.daemons(world.settings(schedule=SELDOM)):
            await world.settle(timedelta(hours=48))
            world.figures["hours"] = round((world.clock.world - world.began) / timedelta(hours=1), 1)
        _note(world, sandbox)


def rough(sandbox: Sandbox, share: float = 0.3) -> None:
    """So many calls to the issuer go wrong, and some to WDT."""
    faults = sandbox.nuonuo.faults
    faults.share, faults.weights = share, dict.fromkeys(QUICK, 1.0) | {"lost_after": 6.0}
    sandbox.wdt.faults.share = share / 6
    sandbox.wdt.faults.weights = dict.fromkeys(("lost_before", "lost_after", "http_502_after"), 1.0)


async def late_answer(world: World) -> None:
    """Answers take up to a minute and more: half of a lease is spent, or all of it, before the next call begins."""
    async with world.parties() as sandbox:
        world.populate()
        rough(sandbox, 0.1)
        dice = random.Random(f"{world.seed}/network")

        def strike(point: str, worker: int) -> None:
            if point in ("nuonuo.submit.after", "nuonuo.ask.after", "wdt.update.after") and dice.random() < 0.2:
                took = dice.choice((10.0, 40.0, 75.0))
                world.clock.advance(took)
                world.seen["answers_late"] += 1
                world.seen["leases_outlasted"] += took > 60

        async with world.daemons(world.settings(schedule=SELDOM)):
            with world.striking(strike):
                await world.settle(timedelta(hours=48))
        _note(world, sandbox)


async def lagging_answer(world: World) -> None:
    """A submission cannot be queried for ten minutes, and half of the answers to submissions are lost."""
    async with world.parties() as sandbox:
        world.populate()
        sandbox.nuonuo.switches.visibility_lag = 600.0
        faults = sandbox.nuonuo.faults
        faults.share, faults.weights = 0.5, {"lost_after": 2.0, "lost_before": 1.0, "late_duplicate": 1.0}
        faults.only_methods = frozenset({SUBMIT})
        async with world.daemons(world.settings(schedule=SELDOM)):
            await world.settle(timedelta(hours=48))
        _note(world, sandbox)


async def mixed_up_answer(world: World) -> None:
    """Every third query is answered in another order, and with orders nobody asked for."""
    async with world.parties(issue_delay=(0.1, 30.0)) as sandbox:
        world.populate()
        rough(sandbox, 0.2)
        sandbox.nuonuo.switches.strange_every = 3
        async with world.daemons(world.settings(schedule=SELDOM)):
            await world.settle(timedelta(hours=48))
        world.seen["answers_mixed_up"] += sandbox.nuonuo.strange_answers
        _note(world, sandbox)


async def foreign_answer(world: World) -> None:
    """Under a third of the keys somebody else has issued another invoice; some of ours come out a cent too large."""
    async with world.parties() as sandbox:
        clerks = Clerks(sandbox, random.Random(f"{world.seed}/others"))
        numbers = world.populate()
        async with world.daemons():
            for no in numbers:
                match clerks.dice.randrange(4):
                    case 0:
                        _issue_another(world, clerks, sandbox.wdt.document(no))
                    case 1:
                        sandbox.nuonuo.script(lambda order, no=no: order.order_no.startswith(no), "cent_off")  # type: ignore[misc]
                        sandbox.wdt.document(no).expect = "hold"
                        world.seen["cents_off"] += 1
            await world.settle()
            collided = "SELECT count(*) FROM invoice_order WHERE hold = 'key_collision'"
            unlike = world.seen["issued_by_others"] + world.seen["cents_off"]
            world.figures["collisions_missed"] = unlike - int(world.onlooker.one(collided))
        held = [document for document in sandbox.wdt.documents.values() if document.expect == "hold"]
        world.figures["written_back_of_others"] = sum(document.status == ISSUED for document in held)
        _note(world, sandbox)


def _issue_another(world: World, clerks: Clerks, document: Document) -> None:
    """Another document's invoice stands under this one's key, as a copied program would have left it."""
    sandbox, merchant = world.sandbox, world.app.parties.merchants[0]
    row = {**sandbox.wdt.order(document.no), **clerks.new_amount(document), "status": 20}
    del row["invoice_order_no"]
    other = sandbox.wdt.put_order(row, expect="hold")
    request = to_request(merchant.erp.decode(sandbox.wdt.document(other).row), merchant.mapping)
    assert not isinstance(request, Unfitness), request
    key = issuer_key(
        sid=merchant.sid, issuer_kind="nuonuo", seller_tax_no=merchant.issuer.tax_no,
        order_no=OrderNo(document.no), colour=Colour.BLUE, generation=0,
    )  # fmt: skip
    body: Any = loads(merchant.issuer.render(request, key))
    request_billing(sandbox.nuonuo, DEFAULT_APP_KEY, "", body)
    sandbox.link(key, other)
    document.expect = "hold"
    world.seen["issued_by_others"] += 1


def _note(world: World, sandbox: Sandbox) -> None:
    """Nothing of what goes wrong here is a failure of an invoice."""
    world.figures["written_85"] = told_failed(sandbox)
    world.figures["told_failed_unasked"] = told_failed_unasked(sandbox)
    world.seen["duplicates_refused"] += sandbox.nuonuo.calls.by_answer[SUBMIT, "E9106"]


_ALL = f"{ALWAYS}, max_issued_per_order=1, unresolved=0, written_85=0, told_failed_unasked=0"
SCENARIOS = (
    Scenario(
        name="lost-answer",
        zh="开票请求三成出错，其中多数已开出发票而回应丢失；每单仍只开一张，无一遗漏",
        en="three in ten calls to the issuer go wrong, most after it issued: still one invoice each, none lost",
        play=lost_answer,
        must=f"{_ALL}",
        sometimes=("issuer.requestBillingNew.lost_after",),
        faults=("F36", "F37", "F39", "F47", "F48", "F49", "F51"),
        rows=200,
        workers=2,
    ),
    Scenario(
        name="late-answer",
        zh="回应迟到，租期过半或已尽；接手者与迟到者都不会多开一张",
        en="answers outlast half a lease or all of it: neither who takes over nor who is late issues twice",
        play=late_answer,
        must=_ALL,
        sometimes=("answers_late", "leases_outlasted"),
        faults=("F14",),
        rows=100,
        workers=2,
    ),
    Scenario(
        name="lagging-answer",
        zh="提交后十分钟内查询不到，一半回应丢失；同一编号重发，平台拒绝重复，最终各得一张",
        en="a submission shows in queries ten minutes late, half of the answers are lost: same key, one invoice each",
        play=lagging_answer,
        must=_ALL,
        sometimes=("duplicates_refused",),
        faults=("F62", "F39"),
        rows=80,
        workers=2,
    ),
    Scenario(
        name="mixed-up-answer",
        zh="每三次查询就有一次顺序颠倒并夹带别人的单据；从不认错",
        en="every third query is answered in another order with strangers in it: none is ever taken for ours",
        play=mixed_up_answer,
        must=f"{_ALL}, held=0",
        sometimes=("answers_mixed_up",),
        faults=("F40",),
        rows=80,
    ),
    Scenario(
        name="foreign-answer",
        zh="部分编号下已有别人开的发票，或金额差一分；全部挂起等人核对，不回写",
        en="under some keys stands an invoice of another amount: held for a person to compare, never written back",
        play=foreign_answer,
        must=f"{_ALL}, collisions_missed=0, written_back_of_others=0",
        sometimes=("issued_by_others", "cents_off"),
        faults=("F41", "F61"),
        rows=80,
    ),
)
