"""The day on which a store goes on in another database."""

from __future__ import annotations

import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from syncd import faultpoint
from syncd.scenarios.nursery import at_most, until
from syncd.scenarios.plays.storage import PATIENCE, SPEED, ask_to_arm, dies_midway, sent_so_far
from syncd.scenarios.scenario import ALWAYS, Scenario
from syncd.scenarios.world import World
from syncd.scenarios.yard import FRESH, Yard, yard_of
from syncd.store import migrate
from syncd.store.guard import Guard
from syncd.store.move import End, looked_at, moved
from syncd.store.place import known_place
from syncd.store.postgres import is_postgresql
from syncd.store.store import Store
from syncd.store.witness import WitnessFolder

#: Between which commits the move is killed, one attempt after the other.
DEATHS = ("move.copied.after", "move.handed_over.before", "move.handed_over.after", "move.taken_over.before")


class Struck(BaseException):
    """The move has come to its end."""


async def store_moved(world: World) -> None:
    """The daemon dies in the middle of its work, its store is moved with deaths in between, and both are started."""
    world.figures |= {"armable_at_once": 0}
    async with yard_of(world, speed=SPEED) as here:
        old, new = _ends(world)
        _work_on(world, here, old)
        here.sandbox.populate(world.rows // 2, FRESH)
        await dies_midway(here, random.Random(f"{world.seed}/move"))
        await _left_alone(here, old)
        world.seen["open_at_the_move"] += here.books.open_orders() > 0
        for point in (*DEATHS, ""):
            await _attempt(world, here, old, new, point)
            armable = [url for url in (old, new) if await _armable(here, url)]
            world.figures["armable_at_once"] = max(world.figures["armable_at_once"], len(armable))

        here.sandbox.populate(world.rows - world.rows // 2, FRESH)
        world.figures["sent_by_the_old"] = await _old_starts(world, here)
        _work_on(world, here, new)
        world.figures["sent_disarmed"] = await _new_starts(world, here)
        await here.works_everything_off(PATIENCE)
        world.figures["told_two_things"] = len(here.books.told_two_things())
        world.figures["sent_blindly"] = len(here.books.repeated_without_a_question())


def _ends(world: World) -> tuple[str, str]:
    """From where to where: away from the world's store, or, on a server, with every second seed to it."""
    file = f"sqlite:///{world.folder}/other.db"
    arrives = is_postgresql(world.url) and world.seed % 2 == 0
    return (file, world.url) if arrives else (world.url, file)


def _work_on(world: World, here: Yard, url: str) -> None:
    world.url = here.books.url = url
    here.tree = {**here.tree, "store": {**here.tree["store"], "url": url}}


async def _left_alone(here: Yard, url: str) -> None:
    """Until the leases of the dead are over."""
    async with Store.at(url, here.clock) as store:
        held = ["?"]
        while held:
            async with store.read() as tx:
                held = await tx.units.held()
            await at_most(0.05, lambda: False)


@asynccontextmanager
async def _end(here: Yard, url: str) -> AsyncIterator[End]:
    async with Store.at(url, here.clock) as store:
        yield End(store, Guard(WitnessFolder(Path(here.tree["store"]["witness"])), known_place(url)), url)


async def _attempt(world: World, here: Yard, old: str, new: str, point: str) -> None:
    """Move, as the command does it, and die at `point`."""

    def strike(reached: str) -> None:
        if reached == point:
            world.seen["died_moving"] += 1
            raise Struck

    await migrate.upgrade(new)
    async with _end(here, old) as source, _end(here, new) as target:
        leftover = (await looked_at(source, target.store)).leftover
    if leftover:
        world.seen["made_anew"] += 1
        await migrate.downgrade(new, "base")
        await migrate.upgrade(new)
    with faultpoint.armed(strike), suppress(Struck):
        async with _end(here, old) as source, _end(here, new) as target:
            await moved(source, target, lambda *_: None)


async def _armable(here: Yard, url: str) -> bool:
    async with Store.at(url, here.clock) as store, store.read() as tx:
        found = await tx.instance.get()
    return found is not None and not found.stuck


async def _old_starts(world: World, here: Yard) -> int:
    """Start a daemon on the store that was left; what it sent."""
    sent = sent_so_far(here)
    old = here.start(mode="serve")
    # It has had its chance once it has sent something, or a while after it said that it will not.
    await at_most(10, lambda: sent_so_far(here) > sent or old.over)
    await at_most(1.0, lambda: sent_so_far(here) > sent)
    world.seen["old_refused"] += old.over and "InAMove" in old.log
    old.kill()
    await old.end()
    return sent_so_far(here) - sent


async def _new_starts(world: World, here: Yard) -> int:
    """Start one on the new store and arm it; what it sent before that."""
    sent = sent_so_far(here)
    worker = here.start(mode="serve")
    await worker.begins()
    await at_most(1.0, lambda: sent_so_far(here) > sent)
    sent_disarmed = sent_so_far(here) - sent
    world.seen["disarmed"] += here.books.count("instance WHERE armed = 0")
    await ask_to_arm(here)
    await until(lambda: here.books.count("instance WHERE armed = 1"), "the store to be armed", within=60)
    worker.kill(signal.SIGTERM)
    await worker.ends_well()
    return sent_disarmed


SCENARIOS = (
    Scenario(
        name="store-moved",
        zh="半途被杀后迁库，迁移本身又在每个提交之间被杀；旧库与新库都启动：只有一个能对外写入，不重不漏",
        en="moved after a death midway, with the move itself killed between its commits; old and new are both started",
        play=store_moved,
        must=f"{ALWAYS}, max_issued_per_order=1, unresolved=0, armable_at_once=1, sent_by_the_old=0, sent_disarmed=0, "
        "sent_blindly=0, told_two_things=0",
        sometimes=("open_at_the_move", "died_moving", "made_anew", "old_refused", "disarmed"),
        faults=("F111",),
        rows=45,
    ),
)
