from __future__ import annotations

import asyncio

from syncd.engine.embedded import Embedded


async def test_a_stop_lets_a_tick_that_asks_the_database_have_its_answer() -> None:
    """Cancelled in the middle of a statement, and again when the loop closed, it kept the process from ever ending."""
    asked, answer = asyncio.Event(), asyncio.Event()
    ended: list[str] = []

    async def due(_stage: str) -> list[str]:
        asked.set()
        try:
            await answer.wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        ended.append("answered")
        return ["m001"]

    async def run(_stage: str, _key: str) -> None:
        raise AssertionError("nothing is begun in a stop")

    engine = Embedded(["poll"], due, run)
    engine.start()
    await asked.wait()

    stopping = asyncio.create_task(engine.drain(10))
    asyncio.get_running_loop().call_later(0.02, answer.set)
    drained = await stopping

    assert ended == ["answered"]
    assert (drained.finished, drained.left) == (0, 0)


async def test_a_stop_does_not_wait_for_a_tick_beyond_its_deadline() -> None:
    asked = asyncio.Event()

    async def due(_stage: str) -> list[str]:
        asked.set()
        await asyncio.Event().wait()
        return []

    async def run(_stage: str, _key: str) -> None:
        raise AssertionError("nothing is begun in a stop")

    engine = Embedded(["poll"], due, run)
    engine.start()
    await asked.wait()

    async with asyncio.timeout(5):
        await engine.drain(0.01)
