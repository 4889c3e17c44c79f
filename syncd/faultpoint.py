"""Named places beside every commit and every outside call, where a rehearsal can strike this process.

Off in production: nothing arms them but a scenario or a test in its own process, and an unarmed point costs one
comparison. A fact is the name of a transaction (`push.intended`), a call the name of a request (`nuonuo.submit`);
each has two points, `NAME.before` and `NAME.after`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

Strike = Callable[[str], None]

#: Every transaction of the daemon. A test compares this list with the source.
FACTS = (
    "alerts.told",
    "app.taken_over",
    "arming.asked",
    "arming.withdrawn",
    "arming.woken",
    "collect.probed",
    "collect.settled",
    "instance.armed",
    "instance.compared",
    "instance.disarmed",
    "instance.opened",
    "intake.read_by_number",
    "lane.probed",
    "pace.slowed",
    "poll.begun",
    "poll.hot_page",
    "poll.missing",
    "poll.page",
    "poll.refreshed",
    "poll.renewed",
    "poll.rested",
    "push.intended",
    "push.looked",
    "push.recorded",
    "push.rested",
    "store.numbered",
    "token.kept",
    "token.tried",
    "unit.claimed",
    "unit.crashed",
    "unit.finished",
    "write_back.answered",
    "write_back.confirmed",
    "write_back.doubted",
    "write_back.drawn_up",
    "write_back.looked",
    "write_back.missing",
    "write_back.not_applied",
    "write_back.page",
    "write_back.refused",
    "write_back.rested",
    "write_back.said",
)
#: Every outside call.
CALLS = (
    "nuonuo.ask",
    "nuonuo.probe",
    "nuonuo.revive",
    "nuonuo.submit",
    "nuonuo.token",
    "wdt.now",
    "wdt.search",
    "wdt.update",
)
POINTS = tuple(f"{name}.{side}" for name in (*FACTS, *CALLS) for side in ("before", "after"))

_strike: Strike | None = None


def reached(point: str) -> None:
    """The process has come to `point`; whoever armed the points hears of it, and may not return."""
    if _strike is not None:
        _strike(point)


@contextmanager
def armed(strike: Strike) -> Iterator[None]:
    """Every point reached in this process is told to `strike` inside. Raises RuntimeError when armed already."""
    global _strike
    if _strike is not None:
        raise RuntimeError("the fault points are armed already")
    _strike = strike
    try:
        yield
    finally:
        _strike = None
