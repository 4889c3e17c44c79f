"""What becomes due is begun before the next tick of the embedded engine."""

from __future__ import annotations

import asyncio

from syncd.engine.embedded import Embedded

NEVER = 3600.0


class Work:
    """Units that are due whenever they have been made so."""

    def __init__(self) -> None:
        self.is_due: set[str] = set()
        self.runs: list[str] = []
        self.ran = asyncio.Event()
        self.gate = asyncio.Event()

    async def due(self, _stage: str) -> list[str]:
        return sorted(self.is_due)

    async def run(self, _stage: str, key: str) -> None:
        self.is_due.discard(key)
        self.runs.append(key)
        self.ran.set()
        await self.gate.wait()

    async def until(self, number: int) -> None:
        async with asyncio.timeout(5):
            while len(self.runs) < number:
                self.ran.clear()
                await self.ran.wait()


async def ticked() -> tuple[Work, Embedded]:
    """An engine whose first tick is over, and that has no other for an hour."""
    work = Work()
    work.gate.set()
    work.is_due.add("m000")
    engine = Embedded(["push"], work.due, work.run, tick=NEVER)
    engine.start()
    await work.until(1)
    return work, engine


async def test_a_unit_that_is_woken_is_begun_at_once() -> None:
    work = Work()
    engine = Embedded(["push"], work.due, work.run, tick=NEVER)
    engine.start()
    await asyncio.sleep(0)

    work.is_due.add("m001")
    engine.wake([("push", "m001")])

    await work.until(1)
    work.gate.set()
    await engine.drain(5)


async def test_a_unit_that_comes_due_soon_is_begun_then_and_not_at_the_next_tick() -> None:
    work, engine = await ticked()
    began = asyncio.get_running_loop().time()

    work.is_due.add("m001")
    engine.wake_in({("push", "m001"): 0.1})
    engine.wake_in({("push", "m001"): NEVER})  # the sooner one stands

    await work.until(2)
    assert 0.1 <= asyncio.get_running_loop().time() - began < 4
    await engine.drain(5)


async def test_of_two_instants_the_sooner_one_counts() -> None:
    work, engine = await ticked()

    work.is_due.add("m001")
    engine.wake_in({("push", "m001"): NEVER})
    engine.wake_in({("push", "m001"): 0.01})

    await work.until(2)
    await engine.drain(5)


async def test_one_that_is_woken_while_it_runs_is_begun_again_when_it_ends() -> None:
    work = Work()
    engine = Embedded(["push"], work.due, work.run, tick=NEVER)
    engine.start()
    work.is_due.add("m001")
    await work.until(1)

    work.is_due.add("m001")
    engine.wake([("push", "m001")])
    work.gate.set()

    await work.until(2)
    await engine.drain(5)


async def test_nobody_is_begun_once_it_drains() -> None:
    work = Work()
    work.gate.set()
    engine = Embedded(["push"], work.due, work.run, tick=NEVER)
    engine.start()
    await asyncio.sleep(0)

    engine.wake([("push", "m001")])
    work.is_due.add("m001")
    await engine.drain(5)

    assert work.runs == []
