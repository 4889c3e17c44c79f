"""Days on which processes die: kill -9 at any instant, sleep beyond the lease, two daemons at one store."""

from __future__ import annotations

import asyncio
import random
import signal
from dataclasses import dataclass, field

from syncd import faultpoint
from syncd.scenarios.nursery import Daemon, at_most, until
from syncd.scenarios.processes import HELD_ELSEWHERE
from syncd.scenarios.scenario import ALWAYS, Scenario
from syncd.scenarios.world import World
from syncd.scenarios.yard import FRESH, Yard, yard_of

#: Seconds of the program's clock for which a unit is granted.
LEASE = 60.0
#: What a network does to an answer without anybody waiting for a time-out of the host's clock.
ROUGH = (
    *("lost_before", "lost_after", "http_502_before", "http_502_after", "html_200", "html_200_after"),
    *("truncated", "empty", "late_duplicate", "delayed", "E9999", "E9999_after"),
)


# -- the storm ---------------------------------------------------------------------------------------------------------

#: In the storm a lease lasts half a second.
STORM_SPEED = 120.0
#: The same where a worker must get through a turn before its lease is half spent, however slow the host is.
SLEEP_SPEED = 40.0
#: Seconds of the host between two strikes at random instants, on average; how long to wait for a strike at a point.
BETWEEN_STRIKES, MOST_FOR_A_POINT = 0.12, 0.5
#: One worker in so many sleeps beyond its lease before it dies.
FREEZE_EVERY = 12
#: Where a worker holds a unit and no transaction: a sleeper there stands in nobody's way.
BEDS = (
    *("push.intended.after", "nuonuo.submit.before", "nuonuo.submit.after", "push.recorded.after"),
    *("nuonuo.ask.before", "nuonuo.ask.after", "collect.settled.after", "write_back.said.after"),
    *("wdt.update.before", "wdt.update.after", "write_back.answered.after", "wdt.search.after"),
)
#: Points of every order's life, which a storm comes by; the others are visited one by one in the tests.
OFTEN = tuple(
    point
    for point in faultpoint.POINTS
    if point.startswith(
        (
            *("app.", "unit.", "poll.hot_page", "poll.page", "wdt.search", "push.", "nuonuo.submit", "nuonuo.ask"),
            *("collect.", "write_back.said", "write_back.answered", "write_back.confirmed"),
            *("write_back.looked", "write_back.page", "wdt.update"),
        )
    )
)


@dataclass(frozen=True, slots=True)
class Fate:
    """How a worker is going to end: "instant" (at any), "point" (at this one), "sleep" (there first, for a while)."""

    kind: str
    point: str = ""
    nth: int = 1


@dataclass(slots=True)
class Storm:
    """Two processes at one store, one of which is always about to be struck."""

    world: World
    here: Yard
    wanted: int
    dice: random.Random
    kills: int = 0
    freezes: int = 0
    crashes: int = 0
    too_early: set[str] = field(default_factory=set)
    _born: int = 0
    _fed: int = 0
    _fates: dict[int, Fate] = field(default_factory=dict)

    async def rage(self, kills: int, **task: object) -> None:
        """Strike until so many more have died; `task` as in `processes.Task`."""
        end = self.kills + kills
        pair = [self._start(task), self._start(task)]
        while self.kills < end:
            self._feed()
            victim = next((one for one in pair if one.over), None) or self.dice.choice(pair)
            fate = self._fates.pop(victim.pid)
            await self._come(victim, fate)
            await self._strike(victim, fate)
            pair[pair.index(victim)] = self._start(task)
        for left in pair:
            left.kill()
            await left.end()

    def _start(self, task: dict[str, object]) -> Daemon:
        fate = self._fate(bool(task.get("shared")))
        sign = "SIGSTOP" if fate.kind == "sleep" else "SIGKILL"
        daemon = self.here.start(fate.point, nth=fate.nth, sign=sign, **task)
        self._fates[daemon.pid] = fate
        return daemon

    def _fate(self, shared: bool) -> Fate:
        self._born += 1
        if shared and self._born % FREEZE_EVERY == 0:
            return Fate("sleep", self.dice.choice(BEDS))
        if self.dice.random() < 0.5:
            return Fate("point", self.dice.choice(OFTEN), self.dice.choice((1, 1, 2)))
        return Fate("instant")

    def _feed(self, ahead: int = 1) -> None:
        """As many orders as belong to the strikes so far and a few `ahead`."""
        due = self.world.rows * min(self.kills + ahead, self.wanted) // self.wanted - self._fed
        if due > 0:
            self.here.sandbox.populate(due, FRESH)
            self._fed += due

    async def _come(self, victim: Daemon, fate: Fate) -> None:
        """Wait for what is to happen to it."""
        if fate.kind == "sleep":
            await self._sleep(victim)
        wait = MOST_FOR_A_POINT if fate.kind == "point" else self.dice.expovariate(1 / BETWEEN_STRIKES)
        await at_most(wait, lambda: victim.over)

    async def _sleep(self, victim: Daemon) -> None:
        """It stands still for longer than its lease; whoever takes over meanwhile must not be disturbed by it."""
        self._feed(ahead=3)  # so that there is work to fall asleep over
        await at_most(2 * MOST_FOR_A_POINT, lambda: victim.stopped)
        victim.kill(signal.SIGSTOP)
        await asyncio.sleep(1.3 * LEASE / self.here.clock.speed)
        victim.kill(signal.SIGCONT)
        self.freezes += 1
        await at_most(MOST_FOR_A_POINT, lambda: victim.events("unit.fenced"))
        self.world.seen["fenced_after_a_sleep"] += len(victim.events("unit.fenced"))

    async def _strike(self, victim: Daemon, fate: Fate) -> None:
        victim.kill()
        await victim.end()
        self.kills += 1
        self.crashes += victim.has_crashed
        seen, books = self.world.seen, self.here.books
        seen["killed_at_a_point"] += fate.kind == "point" and bool(victim.note("struck"))
        seen["met_an_intent_unanswered"] += books.unanswered() > 0
        seen["met_a_write_back_unproven"] += books.unproven() > 0
        self.too_early |= books.newly_submitted() - books.committed_keys()

    async def calm_down(self) -> None:
        """The parties answer well again, and one daemon works everything off undisturbed."""
        self.here.sandbox.use_faults("calm")
        await self.here.works_everything_off(60 + self.world.rows / 10)


async def kill9_storm(world: World) -> None:
    """First one daemon after another, then two workers that share the store; both over rough parties."""
    kills = max(min(100, world.rows), world.rows // 5)
    small = {"push": {"batch": 8, "concurrency": 4}, "write_back": {"batch": 8}}
    async with yard_of(world, speed=STORM_SPEED, sections={**small, "issuer": {"settle": "60s"}}) as here:
        _rough(here, 0.12)
        storm = Storm(world, here, kills, random.Random(f"{world.seed}/strikes"))
        await storm.rage(kills // 4, mode="serve", wait_for_lock=60)
        await storm.rage(kills - kills // 4, mode="serve", shared=True)
        world.figures["kills"] = storm.kills
        world.figures["freezes"] = storm.freezes
        world.figures["crashes"] = storm.crashes
        world.figures["sent_before_committed"] = len(storm.too_early)
        await storm.calm_down()
        world.figures["told_two_things"] = len(here.books.told_two_things())


def _rough(here: Yard, share: float) -> None:
    """So many calls go wrong, in ways that cost no time."""
    issuer, wdt = here.sandbox.nuonuo.faults, here.sandbox.wdt.faults
    issuer.share, issuer.weights = share, dict.fromkeys(ROUGH, 1.0) | {"lost_after": 6.0}
    wdt.share, wdt.weights = share / 3, dict.fromkeys(("lost_before", "lost_after", "http_502_after"), 1.0)


# -- one of two falls asleep -------------------------------------------------------------------------------------------


async def frozen_worker(world: World) -> None:
    """Again and again one worker falls asleep in the middle of its work, another does all of it, the first wakes."""
    beds = random.Random(f"{world.seed}/beds").sample(BEDS, 3)
    world.figures |= dict.fromkeys(("sleeps", "not_fenced", "late_writes", "crashes"), 0)
    async with yard_of(world, speed=SLEEP_SPEED) as here:
        for number, bed in enumerate(beds):
            here.sandbox.populate(_share(world.rows, number, len(beds)), FRESH)
            sleeper, changed = await _overslept(here, bed)
            fenced = len(sleeper.events("unit.fenced"))
            world.figures["sleeps"] += 1
            world.figures["not_fenced"] += not fenced
            world.figures["late_writes"] += changed
            world.figures["crashes"] += await sleeper.end() != 0 or sleeper.has_crashed
            world.seen["fence_rejected"] += fenced
        world.seen["duplicates_refused"] = here.books.duplicates_refused()


async def _overslept(here: Yard, bed: str) -> tuple[Daemon, int]:
    """A worker that was overtaken in its sleep, and how many tables it changed when it woke."""
    sleeper = here.start(bed, sign="SIGSTOP", mode="in_turn")  # alone with its unit: no transaction sleeps with it
    await until(lambda: sleeper.note("struck") == bed and sleeper.stopped, f"a worker asleep at {bed}", within=60)
    await here.works_everything_off(60, taking_from=sleeper, shared=True)
    before = here.books.facts()
    sleeper.kill(signal.SIGCONT)
    await sleeper.end()
    after = here.books.facts()
    return sleeper, sum(before[table] != after[table] for table in before)


def _share(rows: int, number: int, of: int) -> int:
    return rows // of + (number < rows % of)


# -- two at one store --------------------------------------------------------------------------------------------------


async def two_daemons(world: World) -> None:
    """The second daemon is sent away by name; a pair that is forced together is kept apart by leases and fences."""
    async with yard_of(world, speed=SLEEP_SPEED) as here:
        here.sandbox.populate(world.rows // 2, FRESH)
        world.figures["second_refused"] = int(await _second_is_sent_away(here))
        pair = [here.start(mode="serve", shared=True), here.start(mode="serve", shared=True)]
        here.sandbox.populate(world.rows - world.rows // 2, FRESH)
        books = here.books
        await until(lambda: books.broken()["lost"] == 0 and books.open_orders() == 0, "all to be done", within=60)
        for one in pair:
            one.kill(signal.SIGTERM)
            await one.ends_well()
        world.seen["both_worked"] = min(
            len(one.events("push.submitted")) + len(one.events("write_back.sent")) for one in pair
        )
        world.figures["told_two_things"] = len(books.told_two_things())


async def _second_is_sent_away(here: Yard) -> bool:
    """Whether it ended by itself, was told who holds the store, and had not begun to turn."""
    first = here.start(mode="serve")
    await first.begins()
    second = here.start(mode="serve")
    await until(lambda: second.over or second.at_work, "the second to be sent away")
    told = second.note("held")
    named = f"pid {first.pid} " in told or f":{first.pid} " in told
    refused = second.over and await second.end() == HELD_ELSEWHERE and named
    await first.dies()
    second.kill()
    await second.end()
    return refused and not second.at_work


SCENARIOS = (
    Scenario(
        name="kill9-storm",
        zh="两个进程共用一个库，随时随地被 kill -9 或冻结超过租约，请求又常出错：不重开、不漏开",
        en="two processes at one store, killed or frozen at any instant, over rough parties: none twice, none lost",
        play=kill9_storm,
        must=f"{ALWAYS}, max_issued_per_order=1, unresolved=0, crashes=0, sent_before_committed=0, told_two_things=0",
        sometimes=(
            *("killed_at_a_point", "met_an_intent_unanswered", "met_a_write_back_unproven"),
            *("issuer.requestBillingNew.lost_after",),  # that a sleeper is fenced, frozen-worker shows each time
        ),
        faults=("F01", "F02", "F03", "F04", "F05", "F06", "F08", "F11"),
        rows=300,
        workers=2,
    ),
    Scenario(
        name="frozen-worker",
        zh="一个进程睡过了租约，另一个接手做完；醒来后的迟到写入一概被拒",
        en="a worker sleeps beyond its lease and another does its work: whatever it writes when it wakes is refused",
        play=frozen_worker,
        must=f"{ALWAYS}, max_issued_per_order=1, unresolved=0, not_fenced=0, late_writes=0, crashes=0",
        sometimes=("fence_rejected",),
        faults=("F11",),
        rows=24,
        workers=2,
    ),
    Scenario(
        name="two-daemons",
        zh="第二个守护进程被拒并得知占用者；强行并跑的两个进程由租约和围栏隔开",
        en="a second daemon is refused and told the holder; a pair forced together is kept apart by leases and fences",
        play=two_daemons,
        must=f"{ALWAYS}, max_issued_per_order=1, unresolved=0, second_refused=1, told_two_things=0",
        sometimes=("both_worked",),
        faults=("F110",),
        rows=60,
        workers=2,
    ),
)
