"""The window rules against an awkward WDT, without a store: thousands of schedules of calls, changes and kills."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from pollers import Memory, Polling, backfill, installed, naive, settled_forward, tail
from wdt_book import Book, World

from syncd.stages.poll.plan import PollRules

Poller = Callable[[Book, Memory, PollRules], Polling]
SETTLE = timedelta(seconds=300)


def rules_for(world: World, settle: timedelta = SETTLE) -> PollRules:
    return PollRules(
        every=timedelta(seconds=60),
        mirror_every=timedelta(minutes=15),
        settle=settle,
        step=timedelta(seconds=world.dice.choice([1500, 3000, 86_400])),
        page_size=world.dice.randint(1, 4),
        start=world.clock.world - timedelta(seconds=4500),
    )


def lost(seed: int, poller: Poller = tail, *, settle: timedelta = SETTLE, jumps: bool = True) -> list[str]:
    """One schedule: which rows are missing or old after everything has calmed down."""
    world = World.drawn(seed, jumps=jumps)
    rules = rules_for(world, settle)
    memory = installed(world.clock.now(), replace(rules, settle=SETTLE))
    running: list[Polling | None] = [None, None]

    def go_on(which: int, steps: int) -> None:
        for _ in range(steps):
            polling = running[which] or (poller, backfill)[which](world.book, memory, rules)
            running[which] = polling
            if next(polling, "over") == "over":
                running[which] = None
                return

    for _ in range(world.dice.randint(5, 60)):
        match world.dice.randrange(8):
            case 0 | 1 | 2:
                go_on(0, world.dice.randint(1, 5))
            case 3:
                go_on(1, world.dice.randint(1, 5))
            case 4 if world.dice.random() < 0.3:
                running = [None, None]  # kill -9: only the memory is left
            case _:
                world.disturb()
    world.calm_down()
    for _ in range(80):
        world.clock.advance(SETTLE)
        go_on(1, 4000)
        go_on(0, 4000)
        settled = memory.cursor.timestamp() > world.book.last_change() + 600
        if settled and all(position >= end for position, end in memory.past):
            return memory.lost(world.book)
    raise AssertionError(f"schedule {seed} never came to an end")


def losses(schedules: int, poller: Poller = tail, **options: object) -> list[int]:
    return [seed for seed in range(schedules) if lost(seed, poller, **options)]  # type: ignore[arg-type]


def test_no_schedule_loses_a_row() -> None:
    assert losses(1500) == []


@pytest.mark.storm
def test_no_schedule_of_twenty_thousand_loses_a_row() -> None:
    assert losses(20_000) == []


def test_reading_forward_up_to_now_loses_rows() -> None:
    """The negative control: the same schedules, polled as most programs do."""
    assert len(losses(200, naive)) > 20


def test_a_settle_time_alone_does_not_save_reading_forward() -> None:
    """A row that is edited between two pages moves the others past the reader."""
    assert len(losses(300, settled_forward)) > 5


def test_without_a_settle_time_rows_are_lost() -> None:
    assert len(losses(300, settle=timedelta(0))) > 5


def test_a_settle_time_below_the_tolerance_of_the_clock_loses_rows() -> None:
    assert len(losses(1000, settle=timedelta(seconds=30))) > 0
