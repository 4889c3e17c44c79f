"""What holds for every engine, whatever it stands on: one process alone, or many on one database."""

from __future__ import annotations

import asyncio
import time

from engine_parts import Made, Work, until


async def test_what_is_due_is_run_once(made: Made) -> None:
    work = Work(push=["m1", "m2"], collect=["m1"])
    work.let_go()

    engine = made(work, "push", "collect")
    await work.until(lambda: len(work.ended) == 3)
    await work.until_asked_again(4)

    assert sorted(work.begun) == ["collect/m1", "push/m1", "push/m2"]
    assert engine.crashes == 0


async def test_what_comes_due_again_is_run_again(made: Made) -> None:
    work = Work(push=["m1"])
    work.let_go()
    made(work, "push")
    await work.until(lambda: work.ended == ["push/m1"])

    work.comes_due("push", "m1")

    await work.until(lambda: work.ended == ["push/m1", "push/m1"])


async def test_a_unit_is_never_run_twice_at_the_same_time(made: Made) -> None:
    """It is offered again while it is at work: its lease ran out under a turn that takes long."""
    work = Work(push=["m1", "m2"])
    made(work, "push")
    await work.until_begun("push/m1", "push/m2")

    work.comes_due("push", "m1")
    await work.until_asked_again()

    assert work.most_at_once["push/m1"] == 1


async def test_a_defect_stops_nobody_else_and_does_not_spin(made: Made) -> None:
    work = Work(push=["m1", "m2"])
    work.defects = {"push/m1"}
    work.let_go()

    engine = made(work, "push")
    await work.until(lambda: work.ended == ["push/m2"] and engine.crashes >= 2)

    turns = [at for name, at in zip(work.begun, work.begun_at, strict=True) if name == "push/m1"]
    assert turns[1] - turns[0] > 0.05


async def test_a_stop_waits_for_what_runs_and_begins_nothing_more(made: Made) -> None:
    work = Work(push=["m1"])
    engine = made(work, "push")
    await work.until_begun("push/m1")

    work.comes_due("push", "m2")
    stopping = asyncio.create_task(engine.drain(10.0))
    await asyncio.sleep(0)
    work.let_go("m1")
    drained = await stopping

    assert (drained.finished, drained.left) == (1, 0)
    assert work.ended == ["push/m1"]
    assert engine.busy == 0


async def test_a_stop_interrupts_what_does_not_end_in_time(made: Made) -> None:
    """F09. What was on its way is an unknown outcome now, and will be asked about."""
    work = Work(push=["m1", "m2"])
    engine = made(work, "push")
    await work.until_begun("push/m1", "push/m2")
    work.let_go("m1")
    await work.until(lambda: work.ended == ["push/m1"])

    began = time.monotonic()
    drained = await engine.drain(0.2)

    assert drained.left == 1
    assert work.interrupted == ["push/m2"]
    assert time.monotonic() - began < 5


async def test_a_full_group_keeps_nobody_of_another_waiting(made: Made) -> None:
    work = Work(poll=["m1/backfill", "m2/backfill", "m3/backfill", "m9/pending"], push=["m9"])

    made(work, "poll", "push", places={"poll/backfill": 2})
    await work.until_begun("poll/m9/pending", "push/m9")

    assert len([name for name in work.begun if "backfill" in name]) <= 2


async def test_a_place_that_comes_free_is_taken_at_once(made: Made) -> None:
    work = Work(push=["m1", "m2", "m3"])
    made(work, "push", most_units=2)
    await work.until(lambda: len(work.begun) == 2)
    first, second = work.begun

    work.let_go(first.partition("/")[2])
    await work.until(lambda: len(work.begun) == 3)

    assert work.begun[2] not in (first, second)
    assert second not in work.ended


async def test_an_engine_shows_that_it_turns(made: Made) -> None:
    work = Work()
    engine = made(work, "push")
    seen = engine.ticked_at

    async def turns() -> bool:
        return engine.ticked_at > seen

    await until(turns)

    assert engine.running == frozenset()
