from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.domain.budget import FLOOR, Budget, Slowed
from syncd.domain.trouble import Paced
from syncd.wire.pace import Pacer

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)


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
def test_no_sixty_seconds_ever_hold_more_than_the_limit(per_minute: int, arrivals: list[float]):
    """However calls come, in bursts or after silence: a bucket would let twice the limit through."""
    clock = Hand()
    pacer = Pacer(per_minute, clock)
    starts = []

    for pause in arrivals:
        clock.now += pause
        starts.append(clock.now + pacer.reserve())

    assert starts == sorted(starts)
    for first in starts:
        assert sum(first <= start < first + 60 for start in starts) <= per_minute


def test_the_wait_grows_by_one_spacing_per_call():
    pacer = Pacer(60, Hand())

    assert [pacer.reserve() for _ in range(4)] == pytest.approx([0.0, 1.02, 2.04, 3.06])


def test_silence_saves_nothing_up():
    clock = Hand()
    pacer = Pacer(60, clock)
    pacer.reserve()

    clock.now += 3600

    assert [pacer.reserve() for _ in range(3)] == pytest.approx([0.0, 1.02, 2.04])


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

    assert pacer.reserve() == pytest.approx(61.2)


async def test_a_cancelled_place_in_the_middle_moves_nobody():
    pacer = Pacer(1, Hand())
    await pacer.turn()
    middle = asyncio.create_task(pacer.turn())
    await asyncio.sleep(0)
    assert pacer.reserve() == pytest.approx(122.4)

    middle.cancel()
    with pytest.raises(asyncio.CancelledError):
        await middle

    assert pacer.reserve() == pytest.approx(183.6)


# -- slowed down by the party ------------------------------------------------------------------------------------------


class World:
    """Wall and monotonic time, moved together: whoever waits lets it pass."""

    def __init__(self) -> None:
        self.passed = 0.0

    def clock(self) -> float:
        return self.passed

    def now(self) -> datetime:
        return NOON + timedelta(seconds=self.passed)

    async def sleep(self, seconds: float) -> None:
        self.passed += seconds


class Book:
    """What two workers share."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._slowed: Slowed | None = None

    async def slowed(self) -> Slowed | None:
        return self._slowed

    async def slow(self, ceiling: float, began_at: datetime, rest_for: float) -> Slowed:
        after = Budget(ceiling, self._slowed).after_rate_answer(self._world.now(), began_at, rest_for)
        assert after.slowed is not None
        self._slowed = after.slowed
        return after.slowed


def pacer_of(world: World, book: Book | None = None, per_minute: float = 60) -> Pacer:
    return Pacer(per_minute, world.clock, now=world.now, sleep=world.sleep, book=book)


async def test_no_call_is_made_before_the_rest_is_over():
    """F46, F76."""
    world = World()
    pacer = pacer_of(world)
    await pacer.turn()

    await pacer.slow(world.now(), 300)

    with pytest.raises(Paced) as paced:
        await pacer.turn()
    assert paced.value.until == NOON + timedelta(seconds=300)
    assert await pacer.free_at() == NOON + timedelta(seconds=300)
    world.passed = 300
    await pacer.turn()


async def test_a_rest_that_begins_while_one_waits_for_a_place_stops_the_call():
    world = World()
    pacer = pacer_of(world)
    await pacer.turn()

    async def told_meanwhile(seconds: float) -> None:
        await pacer.slow(world.now(), 300)
        world.passed += seconds

    pacer._sleep = told_meanwhile

    with pytest.raises(Paced):
        await pacer.turn()


async def test_after_the_rest_the_rate_is_half_and_grows_back_by_a_twentieth_each_calm_minute():
    """F46."""
    world = World()
    pacer = pacer_of(world)
    await pacer.slow(world.now(), 60)
    world.passed = 60
    counts = []

    for minute in range(12):
        end, calls = 60 + 60 * (minute + 1), 0
        while world.passed < end:
            await pacer.turn()
            calls += 1
        counts.append(calls)

    assert counts[0] in (29, 30, 31)
    assert counts == sorted(counts)
    assert counts[-1] in (58, 59, 60)


async def test_workers_and_later_processes_of_one_credential_rest_together():
    """F46: what one was told, the others know before their next call but one."""
    world = World()
    book = Book(world)
    told, other = pacer_of(world, book), pacer_of(world, book)
    await other.turn()

    await told.slow(world.now(), 300)
    world.passed += 6

    with pytest.raises(Paced):
        await other.turn()
    with pytest.raises(Paced):
        await pacer_of(world, book).turn()


answers = st.lists(st.tuples(st.floats(0, 900), st.floats(1, 600)), max_size=8)


@settings(max_examples=200, deadline=None)
@given(ceiling=st.integers(1, 600), told=answers)
def test_the_rate_stays_between_the_floor_and_the_ceiling_and_only_a_rate_answer_lowers_it(
    ceiling: int, told: list[tuple[float, float]]
):
    now, budget = NOON, Budget(ceiling)

    for calm_for, rest_for in told:
        before = budget.rate(now)
        now += timedelta(seconds=calm_for)
        assert before <= budget.rate(now) <= ceiling
        began_at = now - timedelta(microseconds=1)
        budget = budget.after_rate_answer(now, began_at, rest_for)
        assert budget.rate(now) >= min(FLOOR, ceiling)
        now = max(now, budget.slowed.until) if budget.slowed else now
    calm = now + timedelta(minutes=20)

    assert budget.rate(calm) == ceiling


def test_calls_that_were_under_way_together_halve_the_rate_once():
    first = Budget(60).after_rate_answer(NOON + timedelta(seconds=2), NOON, 60)

    second = first.after_rate_answer(NOON + timedelta(seconds=3), NOON + timedelta(seconds=1), 90)

    assert second.slowed == Slowed(30, NOON + timedelta(seconds=2), NOON + timedelta(seconds=93))


def test_a_rest_noted_while_our_clock_was_ahead_is_void():
    """F103."""
    ahead = Budget(60, Slowed(30, NOON + timedelta(days=1), NOON + timedelta(days=1, minutes=5)))

    assert ahead.resting(NOON) is None
