"""Fair turns: what fills one group of places keeps nobody of another waiting, and the longest waiting goes first."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from syncd.engine.embedded import Embedded


class Work:
    """Units that are due once each and work until they are let go."""

    def __init__(self, **due: Sequence[str]) -> None:
        self._due = {stage: list(keys) for stage, keys in due.items()}
        self.begun: list[str] = []
        self.changed = asyncio.Event()
        self._gates: dict[str, asyncio.Event] = {}

    async def due(self, stage: str) -> list[str]:
        due, self._due[stage] = self._due[stage], []
        return due

    async def run(self, stage: str, key: str) -> None:
        self.begun.append(f"{stage}/{key}")
        self.changed.set()
        gate = self._gates.setdefault(key, asyncio.Event())
        await gate.wait()

    def let_go(self, key: str) -> None:
        self._gates[key].set()

    async def until(self, number: int) -> None:
        while len(self.begun) < number:
            self.changed.clear()
            async with asyncio.timeout(5):
                await self.changed.wait()


def by_feed(stage: str, key: str) -> str:
    return f"{stage}/{key.rpartition('/')[2]}" if "/" in key else stage


async def test_the_past_of_many_keeps_no_live_feed_waiting() -> None:
    past = [f"m{n}/backfill" for n in range(5)]
    work = Work(poll=[*past, "m9/pending"], push=["m9"])
    engine = Embedded(["poll", "push"], work.due, work.run, group=by_feed, places={"poll/backfill": 2})

    await engine.tick("poll")
    await engine.tick("push")
    await work.until(4)

    assert sorted(work.begun) == ["poll/m0/backfill", "poll/m1/backfill", "poll/m9/pending", "push/m9"]
    await engine.drain(0)


async def test_the_longest_waiting_gets_the_next_place() -> None:
    work = Work(push=["m1", "m2", "m3"])
    engine = Embedded(["push"], work.due, work.run, most_units=1)
    await engine.tick("push")
    await work.until(1)

    work.let_go("m1")
    await work.until(2)

    assert work.begun == ["push/m1", "push/m2"]
    await engine.drain(0)


async def test_a_dead_stage_keeps_no_other_waiting() -> None:
    work = Work(push=["m1", "m2"], collect=["m1"])
    engine = Embedded(["push", "collect"], work.due, work.run, most_units=2)
    await engine.tick("push")

    await engine.tick("collect")
    await work.until(3)

    assert "collect/m1" in work.begun
    await engine.drain(0)
