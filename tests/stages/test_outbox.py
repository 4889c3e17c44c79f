"""The calls of one turn: so many at a time, and answers that come together are recorded together."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from syncd.domain.outcome import Outcome, Unknown
from syncd.stages.push import outbox as outbox_of_push
from syncd.stages.push.outbox import MOST, READY, Job, Outbox
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

    await box.some()

    assert len(box.answers()) == 30
    assert box.waiting == 0


async def test_a_record_is_bounded_and_loses_none() -> None:
    box = outbox()
    box.post(jobs(MOST + 7), [answered() for _ in range(MOST + 7)])

    await box.some()

    assert [len(box.answers()), len(box.answers())] == [MOST, 7]


async def test_the_next_ones_are_made_ready_before_the_last_have_ended() -> None:
    most = READY * 2
    box = outbox(concurrency=2)
    box.post(jobs(most), [*(never() for _ in range(most - 1)), answered()])
    full = box.has_room
    await box.some()
    box.answers()

    assert (full, box.has_room, box.waiting) == (False, True, most - 1)
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

    await box.some()
    with pytest.raises(KeyError):
        box.answers()
    await box.close()


async def test_answers_are_not_waited_for_longer_than_until_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_of_push, "GATHER_FOR", 3600.0)
    most = READY * 2
    box = outbox(concurrency=2)
    box.post(jobs(most + 5), [*(answered() for _ in range(6)), *(never() for _ in range(most - 1))])

    await asyncio.wait_for(box.some(until_room=True), 20)
    come = box.answers()

    assert (len(come), box.waiting, box.has_room) == (6, most - 1, True)
    await box.close()


async def test_an_answer_is_recorded_though_the_others_are_late() -> None:
    box = outbox(concurrency=2)
    box.post(jobs(9), [answered(), *(never() for _ in range(8))])

    await box.some()
    come = box.answers()

    assert (len(come), box.waiting) == (1, 8)
    await box.close()


async def test_what_comes_until_it_is_taken_is_one_record() -> None:
    """Whoever records waits for the merchant's other writers first; what is answered meanwhile need not wait again."""
    may_end = asyncio.Event()

    async def later() -> Outcome:
        await may_end.wait()
        return await answered()

    box = outbox(concurrency=2)
    calls = [later() for _ in range(3)]
    box.post(jobs(4), [answered(), *calls])

    await box.some()
    may_end.set()
    await box.some()

    assert (len(box.answers()), box.waiting) == (4, 0)
