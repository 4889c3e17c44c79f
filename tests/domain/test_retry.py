from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from syncd.domain.retry import ASK_AFTER, ask_again, backoff, next_sweep

ENDED = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
attempts = st.integers(0, 10_000)


@given(attempts, st.floats(0, 1, exclude_max=True), st.floats(0.1, 60), st.floats(0.1, 3600))
def test_a_wait_is_between_half_and_all_of_its_ceiling(attempt: int, draw: float, base: float, cap: float) -> None:
    ceiling = min(cap, base * 2 ** min(attempt, 30))

    waited = backoff(attempt, lambda: draw, base=base, cap=cap).total_seconds()

    assert ceiling / 2 - 1e-6 <= waited <= ceiling + 1e-6


def test_waits_double_until_they_are_long_enough() -> None:
    assert [backoff(n, lambda: 0.0).total_seconds() for n in range(11)] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 450, 450]


def test_an_issuer_is_asked_soon_and_then_ever_less_often() -> None:
    waits = [ask_again(tries) for tries in range(len(ASK_AFTER))]

    assert waits[0] == timedelta(seconds=3)
    assert all(shorter < longer for shorter, longer in itertools.pairwise(waits))


@given(attempts)
def test_asking_never_stops(tries: int) -> None:
    assert timedelta(0) < ask_again(tries) <= timedelta(minutes=30)


def test_asking_can_be_slowed_down() -> None:
    assert ask_again(1, scale=2.0) == timedelta(seconds=10)


def test_late_issues_are_looked_for_after_five_minutes_and_until_a_week_later() -> None:
    looks, at = [], ENDED
    while (following := next_sweep(ENDED, at)) is not None:
        looks.append((following - ENDED).total_seconds())
        at = following

    assert looks == [300, 3600, 21_600, 86_400, 259_200, 604_800]


def test_looking_for_another_reason_uses_no_sweep_up() -> None:
    assert next_sweep(ENDED, ENDED + timedelta(hours=2)) == ENDED + timedelta(hours=6)


def test_after_the_last_look_no_more_is_planned() -> None:
    assert next_sweep(ENDED, ENDED + timedelta(days=7)) is None
