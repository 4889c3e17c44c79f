"""Days with real processes and files, small, and the wrong programs that must not get through them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import pytest
from _pytest.mark import ParameterSet

from syncd.scenarios.plays import deaths, moving, refusing, storage
from syncd.scenarios.run import Order, Result, play

TWINS = Path(__file__).parent / "twins_processes.py"
WORKERS = {
    scenario.name: scenario.workers
    for scenario in (*deaths.SCENARIOS, *storage.SCENARIOS, *refusing.SCENARIOS, *moving.SCENARIOS)
}

#: The days, and how many orders they are played with here; each docstring of a play says what happens.
DAYS = {
    "frozen-worker": 9,  # F11
    "two-daemons": 20,  # F110
    "store-deleted": 18,  # F27
    "restore-old-backup": 18,  # F26, F35, F111
    "wal-lost": 18,  # F25
    "corrupt-store": 8,  # F23, F24
    "disk-full": 18,  # F17, F18
    "store-locked": 20,  # F22, F33
    "store-moved": 18,  # F111
}


#: (day, orders, twin, the demands that must break).
WRONG = (
    ("kill9-storm", 30, "call_then_save", ["doubles"]),
    ("frozen-worker", 9, "no_fence", ["fence_rejected"]),
    ("two-daemons", 10, "no_lock", ["second_refused"]),
    ("store-deleted", 18, "random_key", ["doubles"]),
    ("restore-old-backup", 18, "never_disarmed", ["sent_by_the_copy"]),
    ("wal-lost", 18, "never_disarmed", ["disarmed"]),
    ("store-moved", 18, "nothing_ended", ["armable_at_once", "sent_by_the_old"]),
    ("corrupt-store", 8, "never_looked_through", ["refused_starts"]),
    ("disk-full", 18, "believed_commits", ["sent_before_committed"]),
)
#: Days that are mostly waited through: so many are played at a time.
AT_A_TIME = 2


def order(name: str, rows: int, twin: str = "", seed: int = 1) -> Order:
    return Order(name, rows, seed, WORKERS[name], f"{TWINS}:{twin}" if twin else "")


STORM = order("kill9-storm", 150)


@pytest.fixture(scope="module")
def played(request: pytest.FixtureRequest) -> Iterator[Callable[[Order], Result]]:
    """Plays a day; all that are asked for in this run are begun at once, each in a process of its own."""
    names = " ".join(item.name for item in request.session.items if item.path == request.path)
    wanted = [STORM] if "hundred_deaths" in names else []
    wanted += [order(name, rows) for name, rows in DAYS.items() if f"well[{name}]" in names]
    wanted += [order(name, rows, twin) for name, rows, twin, _ in WRONG if f"[{name}-{twin}]" in names]
    with ProcessPoolExecutor(AT_A_TIME, mp_context=get_context("spawn")) as pool:
        begun = {one: pool.submit(play, one) for one in wanted}
        yield lambda one: begun[one].result()
        pool.shutdown(cancel_futures=True)


def proven(result: Result, again: int = 3) -> Result:
    """The result, or that of another seed where the fault did not happen to strike: real processes have real instants.

    Only a run that proves nothing is repeated; one figure that is not as it must be stands.
    """
    nothing = result.broken and all("proves nothing" in why for why in result.broken)
    if not nothing or not again:
        return result
    return proven(play(replace(result.order, seed=result.order.seed + 1)), again - 1)


@pytest.mark.timeout(300)
def test_a_hundred_deaths_leave_nothing_twice_lost_or_wrong(played: Callable[[Order], Result]) -> None:
    """F01, F02, F03, F04, F05, F06, F08, F11: kill -9 at random instants and points, sleeps beyond the lease."""
    result = proven(played(STORM))

    assert result.broken == ()
    assert result.figures["kills"] >= 100


@pytest.mark.storm
@pytest.mark.timeout(7200)
def test_two_thousand_deaths_over_ten_thousand_orders_leave_nothing_twice_lost_or_wrong() -> None:
    """F08, at its full size."""
    result = play(order("kill9-storm", 10_000))

    assert result.broken == ()
    assert result.figures["kills"] >= 2000


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("name", "rows"), DAYS.items(), ids=DAYS)
def test_a_bad_day_for_processes_and_files_ends_well(played: Callable[[Order], Result], name: str, rows: int) -> None:
    """F11, F17, F18, F22, F23, F24, F25, F26, F27, F33, F35, F110, F111."""
    assert proven(played(order(name, rows))).broken == ()


def marked(name: str, rows: int, twin: str, figures: list[str]) -> ParameterSet:
    """Two of them play each time; all of them in storms, and when the table of twins is made."""
    always = twin in ("call_then_save", "random_key")
    marks = [] if always else [pytest.mark.storm]
    return pytest.param(name, rows, twin, figures, marks=marks, id=f"{name}-{twin}")


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("name", "rows", "twin", "figures"), [marked(*one) for one in WRONG])
def test_a_wrong_program_does_not_get_through(
    played: Callable[[Order], Result], name: str, rows: int, twin: str, figures: list[str]
) -> None:
    """F08, F11, F17, F23, F25, F26, F27, F110: it is these demands, and not an accident, that break."""
    result = played(order(name, rows, twin))

    assert {re.split("[ =<>]", line)[0] for line in result.broken} >= set(figures), result.broken
