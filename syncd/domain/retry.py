"""When to try again: a decision returned as a value, with full jitter."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

#: How long to wait before asking an issuer again: soon, then ever less often.
ASK_AFTER = (3.0, 5.0, 10.0, 20.0, 60.0, 300.0, 900.0, 1800.0)
#: A failed or cancelled order is asked about again for a late issue, counted from its end.
SWEEP_AFTER = (300.0, 3600.0, 21_600.0, 86_400.0, 259_200.0, 604_800.0)


def backoff(attempt: int, rng: Callable[[], float], *, base: float = 2.0, cap: float = 900.0) -> timedelta:
    """The wait before try number `attempt` + 1: between half and all of base·2ⁿ, at most `cap` seconds.

    `rng` gives a number in [0, 1).
    """
    ceiling = min(cap, base * 2.0 ** min(attempt, 30))
    return timedelta(seconds=ceiling * (0.5 + 0.5 * rng()))


def ask_again(tries: int, scale: float = 1.0) -> timedelta:
    """The wait before an issuer is asked for the `tries`+1st time."""
    return timedelta(seconds=ASK_AFTER[min(tries, len(ASK_AFTER) - 1)] * scale)


def next_sweep(ended_at: datetime, now: datetime) -> datetime | None:
    """The next instant after `now` at which an order that ended at `ended_at` is swept; None after the last.

    Counted from the end, not in looks: a look for another reason must not use the sweeps up.
    """
    instants = (ended_at + timedelta(seconds=after) for after in SWEEP_AFTER)
    return next((instant for instant in instants if instant > now), None)
