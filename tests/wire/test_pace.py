import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.wire.pace import Pacer


class Hand:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@settings(max_examples=200, deadline=None)
@given(
    per_minute=st.integers(1, 120),
    arrivals=st.lists(st.floats(0, 30, allow_nan=False, allow_infinity=False), min_size=1, max_size=300),
)
def test_no_sixty_seconds_ever_hold_more_than_the_limit_and_one(per_minute: int, arrivals: list[float]):
    """However calls come, in bursts or after silence: a bucket would let twice the limit through."""
    clock = Hand()
    pacer = Pacer(per_minute, clock)
    starts = []

    for pause in arrivals:
        clock.now += pause
        starts.append(clock.now + pacer.reserve())

    assert starts == sorted(starts)
    for first in starts:
        assert sum(first <= start < first + 60 for start in starts) <= per_minute + 1


def test_the_wait_grows_by_one_spacing_per_call():
    pacer = Pacer(60, Hand())

    assert [pacer.reserve() for _ in range(4)] == [0.0, 1.0, 2.0, 3.0]


def test_silence_saves_nothing_up():
    clock = Hand()
    pacer = Pacer(60, clock)
    pacer.reserve()

    clock.now += 3600

    assert [pacer.reserve() for _ in range(3)] == [0.0, 1.0, 2.0]


def test_zero_is_no_limit():
    pacer = Pacer(0, Hand())

    assert [pacer.reserve() for _ in range(100)] == [0.0] * 100


def test_a_negative_limit_is_refused():
    with pytest.raises(ValueError):
        Pacer(-1)


async def test_turns_are_taken_in_the_order_of_asking():
    pacer = Pacer(60_000)
    order: list[int] = []

    async def call(number: int) -> None:
        await pacer.turn()
        order.append(number)

    await asyncio.gather(*(call(number) for number in range(20)))

    assert order == list(range(20))


async def test_a_turn_really_waits():
    pacer = Pacer(1200)
    started = asyncio.get_running_loop().time()

    for _ in range(3):
        await pacer.turn()

    assert asyncio.get_running_loop().time() - started >= 0.09


async def test_the_last_in_the_queue_gives_its_place_back_when_it_is_cancelled():
    clock = Hand()
    pacer = Pacer(1, clock)
    await pacer.turn()
    waiting = asyncio.create_task(pacer.turn())
    await asyncio.sleep(0)

    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting

    assert pacer.reserve() == pytest.approx(60)


async def test_a_cancelled_place_in_the_middle_moves_nobody():
    pacer = Pacer(1, Hand())
    await pacer.turn()
    middle = asyncio.create_task(pacer.turn())
    await asyncio.sleep(0)
    assert pacer.reserve() == pytest.approx(120)

    middle.cancel()
    with pytest.raises(asyncio.CancelledError):
        await middle

    assert pacer.reserve() == pytest.approx(180)
