from __future__ import annotations

import asyncio
import bisect
import heapq
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

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


# -- who goes first ----------------------------------------------------------------------------------------------------


_NUMBERS = itertools.count()


class Waits:
    """Time that stands still until the test lets it pass."""

    def __init__(self) -> None:
        self.passed = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Event]] = []

    def clock(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.Event()
        heapq.heappush(self._sleepers, (self.passed + seconds, next(_NUMBERS), woken))
        await woken.wait()

    async def goes_on(self, seconds: float) -> None:
        end = self.passed + seconds
        await self._everybody_stands()
        while self._sleepers and self._sleepers[0][0] <= end + 1e-9:
            at, _number, woken = heapq.heappop(self._sleepers)
            self.passed = max(self.passed, at)
            woken.set()
            await self._everybody_stands()
        self.passed = end

    async def _everybody_stands(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)


def slowly(world: Waits, per_minute: float = 60, **more: Any) -> Pacer:
    return Pacer(per_minute, world.clock, sleep=world.sleep, **more)


async def test_what_is_urgent_goes_before_all_who_are_patient_and_takes_the_place_that_comes_next():
    """A place is the line's: however long the patient have waited, the next one is for whoever is in a hurry."""
    world, went = Waits(), list[tuple[str, float]]()
    pacer = slowly(world)

    async def go(name: str, *, patient: bool) -> None:
        await pacer.turn(patient=patient)
        went.append((name, round(world.passed, 2)))

    await go("first", patient=True)
    waiting = [asyncio.create_task(go(name, patient=True)) for name in ("past 1", "past 2")]
    await world.goes_on(0.5)
    waiting += [asyncio.create_task(go(name, patient=False)) for name in ("live 1", "live 2")]
    await world.goes_on(10)
    await asyncio.gather(*waiting)

    assert went == [("first", 0.0), ("live 1", 1.02), ("live 2", 2.04), ("past 1", 3.06), ("past 2", 4.08)]


async def test_one_who_gives_up_leaves_the_place_to_the_next():
    world = Waits()
    pacer = slowly(world, 1)
    await pacer.turn()
    gone, next_one = asyncio.create_task(pacer.turn()), asyncio.create_task(pacer.turn())
    await world.goes_on(1)

    gone.cancel()
    await world.goes_on(60.2)

    assert gone.cancelled()
    assert next_one.done()


async def test_nobody_calls_while_another_one_is_alone_and_a_place_that_has_passed_is_void():
    """A slow answer must not be followed by all the calls that have waited for it."""
    world, began = Waits(), list[float]()
    pacer = slowly(world)

    async def call(takes: float) -> None:
        async with pacer.alone():
            began.append(world.passed)
            if takes:
                await world.sleep(takes)

    calls = [asyncio.create_task(call(takes)) for takes in (30, 0, 0, 0)]
    await world.goes_on(60)
    await asyncio.gather(*calls)

    assert began == pytest.approx([0, 30, 31.02, 32.04])


async def test_a_call_that_asks_now_comes_after_those_that_go_before_it():
    world = Waits()
    pacer = slowly(world, now=lambda: NOON + timedelta(seconds=world.passed))
    await pacer.turn()
    waiting = [asyncio.create_task(pacer.turn(patient=patient)) for patient in (True, True, False)]
    await world.goes_on(0.01)

    hurried, patient = await pacer.free_at(), await pacer.free_at(patient=True)

    assert (hurried - NOON).total_seconds() == pytest.approx(2.04, abs=0.01)
    assert (patient - NOON).total_seconds() == pytest.approx(4.08, abs=0.01)
    await world.goes_on(10)
    await asyncio.gather(*waiting)


async def test_a_process_that_begins_waits_as_if_another_had_called_just_now():
    """It may have: whoever was killed a moment ago called with the same credential."""
    world = Waits()
    calls = list[float]()
    for _life in range(20):
        pacer = slowly(world, last_call_ago=0.0)
        turn = asyncio.create_task(pacer.turn())
        while not turn.done():
            await world.goes_on(0.1)
        calls.append(world.passed)

    assert all(later - sooner >= 1.02 - 1e-6 for sooner, later in itertools.pairwise(calls))


# -- several workers ---------------------------------------------------------------------------------------------------


class Row:
    """The row that workers share, and how often it was asked."""

    def __init__(self, world: Waits | World) -> None:
        self._world = world
        self.until = float("-inf")
        self.asked = 0

    async def take(self, places: int, spacing: float) -> float:
        self.asked += 1
        first = max(self.until, self._world.passed)
        self.until = first + places * spacing
        return first - self._world.passed


@pytest.mark.parametrize(("per_minute", "together"), [(60, 1), (600, 10)])
async def test_workers_that_share_a_row_keep_the_limit_together_and_ask_for_several_places_at_once(
    per_minute: int, together: int
):
    world, calls = Waits(), list[float]()
    row = Row(world)

    async def work(pacer: Pacer) -> None:
        while world.passed < 120:
            await pacer.turn()
            calls.append(world.passed)

    workers = [slowly(world, per_minute, places=row) for _ in range(4)]
    working = [asyncio.create_task(work(pacer)) for pacer in workers for _ in range(together)]
    await world.goes_on(130)
    await asyncio.gather(*working)

    calls.sort()
    most = max(bisect.bisect_left(calls, at + 60) - nth for nth, at in enumerate(calls))
    assert most <= per_minute
    assert len(calls) >= 0.95 * 2 * per_minute
    assert together == 1 or row.asked <= len(calls) / 5


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


def pacer_of(world: World, book: Book | None = None, per_minute: float = 60, places: Row | None = None) -> Pacer:
    return Pacer(per_minute, world.clock, now=world.now, sleep=world.sleep, book=book, places=places)


async def test_whoever_calls_steadily_takes_about_as_many_places_as_it_uses_and_after_silence_one():
    world = World()
    row = Row(world)
    pacer = pacer_of(world, per_minute=60_000, places=row)

    for _ in range(1000):
        await pacer.turn()
        world.passed += 0.02
    asked = row.asked
    world.passed += 5
    await pacer.turn()

    assert asked <= 100
    assert row.until - world.passed == pytest.approx(pacer.spacing)


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
