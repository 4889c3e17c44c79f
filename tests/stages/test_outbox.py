"""The calls of one turn: so many at a time, and answers that come together are recorded together."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from syncd.domain.outcome import Outcome, Unknown
from syncd.stages.push.outbox import MOST, Job, Outbox
from syncd.stages.turn import Merchant
from syncd.store.units import Claim


def outbox(concurrency: int = 2) -> Outbox:
    return Outbox(cast("Merchant", None), Claim("push", "m001", 1, 0.0, 60.0, ""), concurrency)


def jobs(number: int) -> list[Job]:
    return [cast("Job", object()) for _ in range(number)]


async def answered() -> Outcome:
    return Unknown("timeout")


async def never() -> Outcome:
    await asyncio.Event().wait()
    raise AssertionError


async def test_answers_that_come_at_once_are_one_record() -> None:
    box = outbox()
    box.post(jobs(30), [answered() for _ in range(30)])

    assert len(await box.answers()) == 30
    assert box.waiting == 0


async def test_a_record_is_bounded_and_loses_none() -> None:
    box = outbox()
    box.post(jobs(MOST + 7), [answered() for _ in range(MOST + 7)])

    assert [len(await box.answers()), len(await box.answers())] == [MOST, 7]


async def test_the_next_ones_are_made_ready_before_the_last_have_ended() -> None:
    box = outbox(concurrency=2)
    box.post(jobs(4), [never() for _ in range(4)])
    full = box.has_room
    box.post(jobs(1), [answered()])
    await box.answers()

    assert (full, box.waiting) == (False, 4)
    await box.close()


async def test_what_is_under_way_at_the_end_is_interrupted() -> None:
    box = outbox()
    ends: list[str] = []

    async def call() -> Outcome:
        try:
            return await never()
        finally:
            ends.append("interrupted")

    box.post(jobs(1), [call()])
    await asyncio.sleep(0)
    await box.close()

    assert ends == ["interrupted"]


async def test_a_defect_in_a_call_is_told() -> None:
    async def broken() -> Any:
        raise KeyError("defect")

    box = outbox()
    box.post(jobs(1), [broken()])

    with pytest.raises(KeyError):
        await box.answers()
    await box.close()
