"""Days on which workers are struck down at named points, thousands in a minute, or stand still beyond their leases."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import timedelta

from syncd.sandbox import Mix, Sandbox
from syncd.scenarios.ledgers import told_failed_unasked
from syncd.scenarios.plays.answers import rough
from syncd.scenarios.scenario import ALWAYS, Scenario
from syncd.scenarios.world import Struck, World

#: Some of everything: what is held, what fails, what comes just now; all of the last hour.
MIXED = Mix(hold=0.05, refuse=0.08, fresh=0.2, background=0.0, days=0.05)
NEW = Mix(hold=0.0, refuse=0.0, fresh=0.0, background=0.0, plant_one=False, settled_for=0.0, days=0.0)
#: Seconds in which a third of the rows arrives.
ARRIVING_WITHIN = 2400.0
#: Each point is struck once when it is reached this often or less, and by chance in so many times.
FIRST_WITHIN, BY_CHANCE = 2, 0.02
#: Longer than a lease, and than the longest that a call may take.
STILL_FOR = (65.0, 200.0)


@dataclass(slots=True)
class Strikes:
    """Where the next worker dies: every point once early on, and again and again by chance."""

    world: World
    dice: random.Random = field(init=False)
    countdown: dict[str, int] = field(default_factory=dict)
    left: int = 0

    def __post_init__(self) -> None:
        self.dice = random.Random(f"{self.world.seed}/strikes")
        self.left = 2 * self.world.rows

    def __call__(self, point: str, worker: int) -> None:
        self.countdown.setdefault(point, self.dice.randint(1, FIRST_WITHIN))
        self.countdown[point] -= 1
        by_chance = self.left > 0 and self.dice.random() < BY_CHANCE
        if self.countdown[point] == 0 or by_chance:
            self.left -= by_chance
            self.world.seen[f"struck.{point}"] += 1
            raise Struck(point)


async def struck_workers(world: World) -> None:
    """Workers die before and after every commit and every call; others take over when the lease is over."""
    async with world.parties(issue_delay=(0.1, 8.0)) as sandbox:
        arriving = world.rows // 3
        sandbox.populate(world.rows - arriving, MIXED)
        for at in range(arriving):
            when = world.began + timedelta(seconds=60 + at * ARRIVING_WITHIN / arriving)
            world.diary.at(when, lambda: sandbox.populate(1, NEW))
        rough(sandbox, 0.1)
        _plant(world, sandbox)
        renewed = {"token": "", "token_url": sandbox.token_url}
        with world.striking(Strikes(world)):
            async with world.daemons(world.settings(issuer=renewed)):
                await world.pass_by(ARRIVING_WITHIN)
                await world.settle(timedelta(hours=72))
                await world.pass_by(timedelta(minutes=12))
                _note(world, sandbox)


def _plant(world: World, sandbox: Sandbox) -> None:
    """What makes the rare points be reached: seals that fail, refusals by name, WDT's own pacing, hidden documents."""
    wdt, nuonuo = sandbox.wdt, sandbox.nuonuo
    numbers = [document.no for document in wdt.documents.values() if document.status == 45]
    for no in numbers[::9]:
        nuonuo.script(lambda order, no=no: order.order_no.startswith(no), "seal_fail", times=1)  # type: ignore[misc]
    for no in numbers[4::9]:
        nuonuo.script(lambda order, no=no: order.order_no.startswith(no), "refuse", times=1)  # type: ignore[misc]
    nuonuo.switches.logged_out = "refuse"
    for minutes, act in (
        (11, lambda: setattr(nuonuo, "login", "logged_out")),
        (24, lambda: setattr(nuonuo, "login", "ok")),
        (26, lambda: rough(sandbox, 1.0)),
        (36, lambda: rough(sandbox, 0.1)),
    ):
        world.diary.at(world.began + timedelta(minutes=minutes), act)
    wdt.faults.force("search", "rate", skip=6)
    wdt.faults.force("updateInvoice", "rate")
    wdt.faults.force("updateInvoice", "status_100", times=1, skip=2)


async def stalled_workers(world: World) -> None:
    """Workers stand still for minutes before a transaction; meanwhile others have taken over and gone on."""
    async with world.parties(issue_delay=(0.1, 8.0)) as sandbox:
        sandbox.populate(world.rows, MIXED)
        rough(sandbox, 0.15)
        dice = random.Random(f"{world.seed}/stalls")

        def freeze(fact: str, worker: int) -> float:
            return dice.uniform(*STILL_FOR) if fact != "unit.claimed" and dice.random() < 0.08 else 0.0

        async with world.daemons():
            with world.freezing(freeze):
                await world.settle(timedelta(hours=72))
            await world.settle(timedelta(hours=2))
            await world.pass_by(timedelta(minutes=12))
            _note(world, sandbox)
        world.figures["late_writes"] = world.late_writes


def _note(world: World, sandbox: Sandbox) -> None:
    """What a reading that was cut off would have left out, and a failure nobody had asked about."""
    world.figures["told_failed_unasked"] = told_failed_unasked(sandbox)
    world.figures["strikes"] = world.seen["workers_struck"]


_MUST = f"{ALWAYS}, max_issued_per_order=1, unresolved=0, missed=0, told_failed_unasked=0"
SCENARIOS = (
    Scenario(
        name="struck-workers",
        zh="工作者在每一次提交与调用的前后被击倒，他人接手；一张不多，一张不少",
        en="workers are struck down before and after every commit and every call: others take over, none is lost",
        play=struck_workers,
        must=_MUST,
        sometimes=("workers_struck", "struck.nuonuo.submit.after", "struck.push.intended.after"),
        faults=("F01", "F02", "F03", "F04"),
        rows=60,
        workers=3,
    ),
    Scenario(
        name="stalled-workers",
        zh="工作者在写库前停顿数分钟，租期已过、他人已接手；迟到的写入一律被拒",
        en="workers stand still beyond their lease while others go on: what they write late is refused",
        play=stalled_workers,
        must=f"{_MUST}, late_writes=0",
        sometimes=("workers_frozen", "overtaken"),
        faults=("F11",),
        rows=60,
        workers=3,
    ),
)
