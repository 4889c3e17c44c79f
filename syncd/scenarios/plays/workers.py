"""Days of many processes on one PostgreSQL: the real command line, real time, real signals."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from syncd.sandbox.population import uscc
from syncd.sandbox.wdt.world import DEFAULT_APPSECRET
from syncd.scenarios.books import Books
from syncd.scenarios.fleet import Fleet, Member
from syncd.scenarios.nursery import at_most, until
from syncd.scenarios.scenario import ALWAYS, Scenario
from syncd.scenarios.settings import settings_for
from syncd.scenarios.world import TooLong, World
from syncd.scenarios.yard import FRESH, _absolute
from syncd.store.workers import SILENT_AFTER

#: Merchants among whom the orders are spread: each has units of its own, so that all workers have something to do.
MERCHANTS = 6
#: What WDT allows each merchant in a minute, and counts; what the settings say that it allows.
PER_MINUTE = 30
#: Seconds between two strikes, on average; every so manieth is a sleep instead of a death.
BETWEEN_STRIKES, SLEEP_EVERY = 2.0, 4
#: Seconds after which a dead worker's units must be at work again.
RUN_AGAIN_WITHIN = 10.0
#: Seconds that a sleeper's units may take: what it left open when it fell asleep is ended ten seconds later.
TAKEN_OVER_WITHIN = 20.0
#: Seconds within which who woke must have been refused: its late write may first have to wait for its place at WDT.
REFUSED_WITHIN = 40.0
#: Nobody takes over from a process that was heard so many seconds ago: what is granted sooner had been given back.
NOT_YET_SILENT = SILENT_AFTER.total_seconds() / 2
#: Seconds that the start of a program may take.
STARTED_WITHIN = 180.0


@dataclass(slots=True)
class Struck:
    """Units whose holder was struck at `at` (monotonic seconds), and under which epochs they were held."""

    at: float
    epochs: dict[tuple[str, str], int]
    overtaken: bool = False

    def taken(self, now: dict[tuple[str, str], tuple[int, bool]]) -> bool:
        """Whether one of them was granted to somebody else since; it is looked for no more.

        Nor is one whose holder's last word, on its way to the server when it was struck, gave it back.
        """
        others = [unit for unit, epoch in self.epochs.items() if now[unit][0] > epoch]
        given_back = [unit for unit, epoch in self.epochs.items() if now[unit] == (epoch, False)]
        for unit in (*others, *given_back):
            del self.epochs[unit]
        silent = time.monotonic() - self.at > NOT_YET_SILENT
        self.overtaken = self.overtaken or (bool(others) and silent)
        return bool(others)


@dataclass(slots=True)
class Storm:
    """A fleet in which somebody is always about to be struck."""

    world: World
    fleet: Fleet
    dice: random.Random
    kills: int = 0
    sleeps: int = 0
    not_fenced: int = 0
    longest: float = 0.0
    never: int = 0
    _dead: list[Struck] = field(default_factory=list)
    _asleep: Struck | None = None
    _fed: int = 0
    _shops: list[tuple[str, str]] = field(default_factory=list)

    def open_shops(self) -> list[dict[str, Any]]:
        """So many merchants at WDT, each with its own tax number; what the settings say of each."""
        sandbox = self.world.sandbox
        for number in range(MERCHANTS):
            sid, tax_no = f"sid{number:03d}", uscc(random.Random(f"{self.world.seed}/{number}"))
            sandbox.wdt.add_tenant(sid, f"{sid}-syncd", DEFAULT_APPSECRET)
            sandbox.nuonuo.add_seller(tax_no, [sandbox.describe()["nuonuo"]["app_key"]])
            self._shops.append((sid, tax_no))
        return [{"sid": sid, "key": f"{sid}-syncd", "tax_no": tax_no} for sid, tax_no in self._shops]

    def feed(self, share: float) -> None:
        """As many of the orders as that share, among all merchants."""
        while self._fed < round(self.world.rows * share):
            many = min(10, self.world.rows - self._fed)
            sid, tax_no = self._shops[self._fed // 10 % len(self._shops)]
            self.world.sandbox.populate(many, FRESH, sid=sid, seller={"payee_register_no": tax_no})
            self._fed += many

    async def rage(self, strikes: int) -> None:
        """Strike so many times; who died is replaced at once."""
        for number in range(1, strikes + 1):
            self.feed(number / strikes)
            await self._watch(STARTED_WITHIN, self._half_is_at_work)
            if number % SLEEP_EVERY == 0:
                await self._watch(RUN_AGAIN_WITHIN, lambda: not self._dead)  # a sleeper may lie on what they held
                await self._sleep()
            elif number % 2:
                await self._kill(self.dice.choice(self.fleet.members))
            else:
                await self._kill_in_a_turn()
            await self._watch(self.dice.expovariate(1 / BETWEEN_STRIKES))

    def _half_is_at_work(self) -> bool:
        """Whether of each role as many are at work as are missing: on a crowded machine a start takes many strikes."""
        wanted = Counter(one.role for one in self.fleet.members)
        there = Counter(one.role for one in self.fleet.members if one.at_work)
        return all(2 * there[role] >= many for role, many in wanted.items())

    async def _kill_in_a_turn(self) -> None:
        victim, _ = await self._somebody_with_a_unit()
        if victim is not None:
            await self._kill(victim)

    async def _kill(self, victim: Member) -> None:
        held = self.fleet.held_by(victim)
        if held:
            self._dead.append(Struck(time.monotonic(), held))
            self.world.seen["killed_with_a_unit"] += 1
        victim.kill()
        await victim.end()
        self.kills += 1
        self.world.figures["crashes"] += victim.has_crashed
        self.fleet.replace(victim)

    async def _sleep(self) -> None:
        """A worker stands still with a unit in its hand until others have taken it; then it goes on."""
        sleeper, held = await self._somebody_with_a_unit()
        if sleeper is None:
            return
        self.sleeps += 1
        mine = Struck(time.monotonic(), held)
        self._asleep = mine
        await self._watch(TAKEN_OVER_WITHIN, lambda: not mine.epochs)
        self._asleep = None
        self.never += bool(mine.epochs)
        before = len(sleeper.events("unit.fenced"))
        sleeper.kill(signal.SIGCONT)
        if mine.overtaken:
            await at_most(REFUSED_WITHIN, lambda: len(sleeper.events("unit.fenced")) > before)
        fenced = len(sleeper.events("unit.fenced")) - before
        self.world.seen["fence_rejected"] += fenced
        self.not_fenced += mine.overtaken and not fenced

    async def _somebody_with_a_unit(self) -> tuple[Member | None, dict[tuple[str, str], int]]:
        """Stopped with a unit in its hand, after a few tries; it goes on if it was just done."""
        for _ in range(50):
            for member in self.dice.sample(self.fleet.members, len(self.fleet.members)):
                if member.over or not self.fleet.held_by(member):
                    continue
                member.kill(signal.SIGSTOP)
                await until(lambda one=member: one.stopped or one.over, "a worker to stand still")  # type: ignore[misc]
                if held := self.fleet.held_by(member):
                    return member, held
                member.kill(signal.SIGCONT)
            await asyncio.sleep(0.1)
        return None, {}

    async def _watch(self, seconds: float, enough: Callable[[], bool] = lambda: False) -> None:
        """For so long, or until it is enough, look how soon the units of the struck are at work again."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            epochs, now = self.fleet.epochs(), time.monotonic()
            for struck in self._dead:
                if struck.taken(epochs):
                    self.longest = max(self.longest, now - struck.at)
            self._dead = [struck for struck in self._dead if struck.epochs]
            if self._asleep is not None:
                self._asleep.taken(epochs)
            if enough():
                return
            await asyncio.sleep(0.1)

    async def calm_down(self) -> None:
        """Nobody is struck any more, and everything is worked off."""
        books = self.fleet.books
        await self._watch(2 * RUN_AGAIN_WITHIN, lambda: not self._dead)
        self.never += sum(len(struck.epochs) for struck in self._dead)
        patience = 120 + self.world.rows / 5
        try:
            await until(lambda: _is_decided(books), "nothing to be lost", within=patience, every=0.25)
        except TooLong as stuck:
            raise TooLong(f"{stuck}; {books.unfinished()}; {self.fleet.members[-1].last_words}") from stuck
        if not books.broken()["doubles"]:
            await until(lambda: books.open_orders() == 0, "nothing to be open", within=patience, every=0.25)


def _is_decided(books: Books) -> bool:
    broken = books.broken()
    return broken["lost"] == 0 or broken["doubles"] > 0


async def workers_storm(world: World) -> None:
    """Two schedulers and several workers; every two seconds one dies or falls asleep, and WDT counts every call."""
    strikes = max(4, world.rows // 25)
    async with _fleet(world) as storm:
        world.figures |= {"crashes": 0}
        for role in ("scheduler", "scheduler", *["worker"] * world.wanted_workers):
            storm.fleet.start(role)
        await storm.fleet.at_work()
        await storm.rage(strikes)
        await storm.calm_down()
        await storm.fleet.at_work()  # who is asked to go home while it starts has no manners yet
        world.figures |= {
            "kills": storm.kills,
            "sleeps": storm.sleeps,
            "not_fenced": storm.not_fenced,
            "never_run_again": storm.never,
            "run_again_seconds": round(storm.longest, 2),
            "told_two_things": len(storm.fleet.books.told_two_things()),
            "went_home_badly": await storm.fleet.go_home(),
        }
        world.seen["workers_born"] = len(storm.fleet.born)
        world.seen["worked"] = sum(bool(one.events("push.submitted")) for one in storm.fleet.born)


@asynccontextmanager
async def _fleet(world: World) -> AsyncIterator[Storm]:
    dice = random.Random(f"{world.seed}/strikes")
    real = {"clock": time.time, "sleep": asyncio.sleep, "calls_per_minute": PER_MINUTE, "issue_delay": (0.2, 1.0)}
    async with world.parties(**real) as sandbox:
        home = world.folder / "fleet"
        fleet = Fleet(home, Books(sandbox, world.url), {}, _absolute(world.twin))
        storm = Storm(world, fleet, dice)
        fleet.settings = _settings(world, storm.open_shops())
        try:
            yield storm
        finally:
            await fleet.clear()


def _settings(world: World, shops: list[dict[str, Any]]) -> dict[str, Any]:
    """Each merchant under its own names; quick, so that a unit is always in somebody's hand."""
    whole = settings_for(
        world.sandbox.describe(),
        world.folder,
        datetime.now(UTC),
        world.url,
        engine={"kind": "distributed"},
        schedule={"poll": "1s", "mirror": "1s", "push": "1s", "collect": "1s", "write_back": "1s"},
        write_back={"confirm_after": "0.5s"},
        push={"batch": 10, "concurrency": 4},
    )
    wdt, issuer = whole["merchants"][0]["wdt"], {**whole["issuers"]["main"], "settle": "5s"}
    whole["merchants"] = [
        {
            "name": shop["sid"].replace("sid", "m"),
            "issuer": shop["sid"],
            "wdt": {**wdt, "sid": shop["sid"], "key": shop["key"], "calls_per_minute": PER_MINUTE},
        }
        for shop in shops
    ]
    whole["issuers"] = {shop["sid"]: {**issuer, "tax_no": shop["tax_no"]} for shop in shops}
    return whole


SCENARIOS = (
    Scenario(
        name="workers-storm",
        zh="四个工作进程共用一个 PostgreSQL，每两秒一个被 kill -9 或冻结：不重开、不漏开，十秒内接手，无一次超频",
        en="four workers on one PostgreSQL, killed or frozen every two seconds: none twice or lost, no call too many",
        play=workers_storm,
        must=f"{ALWAYS}, max_issued_per_order=1, unresolved=0, crashes=0, told_two_things=0, rate_refused=0,"
        f" not_fenced=0, never_run_again=0, run_again_seconds<{RUN_AGAIN_WITHIN:g}, went_home_badly=0",
        sometimes=("killed_with_a_unit", "fence_rejected", "worked"),
        faults=("F08", "F11", "F46", "F110"),
        rows=300,
        workers=4,
        only="postgresql",
    ),
)
