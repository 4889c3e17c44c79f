"""Days on which the database's server fails: its sessions are cut, or it dies and is started again."""

from __future__ import annotations

import asyncio
import random
import signal
from collections.abc import Awaitable, Callable

from syncd.scenarios import housing, server
from syncd.scenarios.nursery import Daemon, at_most
from syncd.scenarios.plays.storage import PATIENCE, SPEED
from syncd.scenarios.scenario import ALWAYS, Scenario
from syncd.scenarios.world import World
from syncd.scenarios.yard import FRESH, Yard, yard_of
from syncd.store.postgres import parsed

#: Seconds of the host between two failures, on average.
BETWEEN_CUTS, BETWEEN_DEATHS = 0.4, 1.5


async def connections_cut(world: World) -> None:
    """All sessions of the daemon are ended again and again, in the middle of whatever they do."""
    async with yard_of(world, speed=SPEED) as here:

        async def cut() -> None:
            world.seen["sessions_cut"] += await asyncio.to_thread(housing.cut_connections, world.url)

        await _a_bad_day(world, here, max(10, world.rows // 3), BETWEEN_CUTS, cut)


async def server_killed(world: World) -> None:
    """The database's server dies by kill -9 in the middle of the day, and comes back a moment later."""
    folder, port = world.server, parsed(world.url).port
    assert folder is not None
    assert port is not None
    dice = random.Random(f"{world.seed}/deaths")
    async with yard_of(world, speed=SPEED) as here:

        async def die() -> None:
            world.seen["died_with_work_open"] += here.books.open_orders() > 0
            here.books.close()
            await asyncio.to_thread(server.kill, folder)
            await asyncio.sleep(dice.uniform(0.1, 0.6))
            await asyncio.to_thread(server.start, folder, port)
            world.seen["servers_killed"] += 1

        await _a_bad_day(world, here, max(3, world.rows // 10), BETWEEN_DEATHS, die)


async def _a_bad_day(world: World, here: Yard, times: int, every: float, strike: Callable[[], Awaitable[None]]) -> None:
    """One daemon, orders that come in all day, and so many strikes; then everything is worked off by the same one."""
    dice, fed = random.Random(f"{world.seed}/strikes"), 0
    worker = here.start(mode="serve")
    await worker.begins()
    for number in range(1, times + 1):
        share = world.rows * number // times
        if share > fed:
            here.sandbox.populate(share - fed, FRESH)
            fed = share
        await at_most(dice.expovariate(1 / every), lambda: worker.over)
        await strike()
    await _works_off(here, worker)
    world.figures["crashes"] = worker.has_crashed
    world.figures["told_two_things"] = len(here.books.told_two_things())
    world.figures["sent_blindly"] = len(here.books.repeated_without_a_question())


async def _works_off(here: Yard, worker: Daemon) -> None:
    await here.is_worked_off(worker, PATIENCE)
    worker.kill(signal.SIGTERM)
    await worker.ends_well()


SCENARIOS = (
    Scenario(
        name="connections-cut",
        zh="数据库连接反复被掐断，正在做什么就断在什么地方：同一进程自己接着做，不重开、不漏开",
        en="the database's sessions are cut again and again in mid-work: the daemon goes on, none twice, none lost",
        play=connections_cut,
        must=f"{ALWAYS}, max_issued_per_order=1, unresolved=0, told_two_things=0, sent_blindly=0",
        sometimes=("sessions_cut",),
        faults=("F22",),
        rows=45,
        only="postgresql",
    ),
    Scenario(
        name="server-killed",
        zh="数据库服务器白天被 kill -9 再启动：已确认的提交都在，同一进程自己接着做，不重开、不漏开",
        en="the database's server dies by kill -9 and is started again: the daemon goes on, none twice, none lost",
        play=server_killed,
        must=f"{ALWAYS}, max_issued_per_order=1, unresolved=0, told_two_things=0, sent_blindly=0",
        sometimes=("servers_killed", "died_with_work_open"),
        faults=("F22",),
        rows=45,
        only="own server",
    ),
)
