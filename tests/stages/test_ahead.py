"""What is made ahead comes in order, one at a time, and no further ahead than there is use for."""

from __future__ import annotations

import asyncio

import pytest

from syncd.stages.poll.ahead import AHEAD, Ahead


class Maker:
    """Makes 1, 2, 3, … up to `last`, each when it is let; `fails_at` is not made."""

    def __init__(self, last: int, fails_at: int = 0) -> None:
        self.last = last
        self.fails_at = fails_at
        self.begun = self.at_once = 0
        self.most = 0
        self.let = asyncio.Semaphore(0)

    async def make(self) -> int | None:
        self.begun += 1
        number = self.begun
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await self.let.acquire()
        finally:
            self.at_once -= 1
        if number == self.fails_at:
            raise ValueError(str(number))
        return number if number <= self.last else None

    def allow(self, many: int) -> None:
        for _ in range(many):
            self.let.release()


async def idle() -> None:
    """Until everybody who can go on has."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_everything_comes_in_order_and_is_made_one_at_a_time() -> None:
    maker = Maker(last=5)
    ahead = Ahead(maker.make)
    maker.allow(100)
    taken: list[int] = []

    while some := await ahead.next():
        taken += some

    assert taken == [1, 2, 3, 4, 5]
    assert maker.most == 1
    assert await ahead.next() == []


async def test_no_more_is_made_ahead_than_there_is_room_for_and_what_is_there_is_taken_together() -> None:
    maker = Maker(last=9)
    ahead = Ahead(maker.make)
    maker.allow(100)
    await idle()
    before = maker.begun

    first = await ahead.next()
    await idle()

    assert (before, first) == (AHEAD, list(range(1, AHEAD + 1)))
    assert maker.begun == 2 * AHEAD
    await ahead.over()


async def test_one_is_given_as_soon_as_it_is_there() -> None:
    maker = Maker(last=9)
    ahead = Ahead(maker.make)
    maker.allow(1)

    assert await ahead.next() == [1]

    await idle()
    assert maker.begun == 2
    maker.allow(1)
    await ahead.over()


async def test_an_error_is_raised_in_its_place_and_nothing_is_made_after_it() -> None:
    maker = Maker(last=9, fails_at=2)
    ahead = Ahead(maker.make)
    maker.allow(100)
    await idle()

    assert await ahead.next() == [1]
    with pytest.raises(ValueError, match="2"):
        await ahead.next()

    await idle()
    assert maker.begun == 2
    await ahead.over()


async def test_what_nobody_wants_any_more_comes_to_its_end_and_nothing_new_begins() -> None:
    maker = Maker(last=9)
    ahead = Ahead(maker.make)
    await idle()

    over = asyncio.create_task(ahead.over())
    await idle()
    waited = not over.done()
    maker.allow(100)
    await over

    await idle()
    assert (waited, maker.begun, maker.at_once) == (True, 1, 0)


async def test_whoever_is_made_to_stop_while_it_ends_takes_it_along() -> None:
    maker = Maker(last=9)
    ahead = Ahead(maker.make)
    await idle()
    over = asyncio.create_task(ahead.over())
    await idle()

    over.cancel()
    with pytest.raises(asyncio.CancelledError):
        await over

    assert (maker.begun, maker.at_once) == (1, 0)


async def test_whoever_is_made_to_stop_leaves_nothing_running_although_one_is_there_already() -> None:
    maker = Maker(last=9)
    ahead = Ahead(maker.make)
    maker.allow(1)
    await idle()
    over = asyncio.create_task(ahead.over())
    await asyncio.sleep(0)

    over.cancel()
    with pytest.raises(asyncio.CancelledError):
        await over

    assert (maker.begun, maker.at_once) == (2, 0)


async def test_nothing_is_made_after_an_error_that_comes_in_the_instant_in_which_one_is_taken() -> None:
    let, begun = asyncio.Event(), 0

    async def make() -> int:
        nonlocal begun
        begun += 1
        if begun == 2:
            await let.wait()
            raise ValueError("2")
        return begun

    async def take() -> list[int]:
        await let.wait()
        return await ahead.next()

    ahead = Ahead(make)
    await idle()
    taking = asyncio.create_task(take())
    await idle()

    let.set()
    assert await taking == [1]
    await idle()

    assert begun == 2
    with pytest.raises(ValueError, match="2"):
        await ahead.next()
    await ahead.over()
