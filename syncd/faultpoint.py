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
    "alibaba.answered",
    "alibaba.decided",
    "alibaba.held",
    "alibaba.left_over",
    "alibaba.looked",
    "alibaba.moved",
    "alibaba.not_returned",
    "alibaba.parked",
    "alibaba.postponed",
    "alibaba.refused",
    "alibaba.rested",
    "alibaba.returned",
    "alibaba.returned_all",
    "alibaba.returning",
    "allowance.taken",
    "app.taken_over",
    "applications.noted",
    "applications.rested",
    "arming.asked",
    "arming.withdrawn",
    "arming.woken",
    "collect.probed",
    "collect.settled",
    "files.awaited",
    "files.failed",
    "files.kept",
    "files.none",
    "files.parked",
    "instance.armed",
    "instance.compared",
    "instance.disarmed",
    "instance.opened",
    "intake.read_by_number",
    "lane.probed",
    "move.copied",
    "move.handed_over",
    "move.taken_over",
    "pace.slowed",
    "pace.taken",
    "poll.begun",
    "poll.hot_page",
    "poll.missing",
    "poll.nothing_new",
    "poll.page",
    "poll.refreshed",
    "poll.renewed",
    "poll.rested",
    "push.intended",
    "push.looked",
    "push.recorded",
    "push.rested",
    "store.analysed",
    "store.numbered",
    "token.kept",
    "token.tried",
    "unit.claimed",
    "unit.crashed",
    "unit.finished",
    "unit.slept_on",
    "wallet.heard",
    "wallet.kept",
    "wallet.missed",
    "wallet.rested",
    "wallet.said",
    "wallet.settled",
    "wallet.unclassified",
    "worker.beat",
    "worker.signed_off",
    "write_back.answered",
    "write_back.confirmed",
    "write_back.doubted",
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
    "files.fetch",
    "nuonuo.ask",
    "nuonuo.probe",
    "nuonuo.red_ask",
    "nuonuo.red_make",
    "nuonuo.red_refresh",
    "nuonuo.red_submit",
    "nuonuo.revive",
    "nuonuo.submit",
    "nuonuo.token",
    "top.application",
    "top.confirm",
    "top.notices",
    "top.time",
    "top.update",
    "top.upload",
    "wdt.now",
    "wdt.search",
    "wdt.update",
    "yuannian.import",
    "yuannian.qrcode",
    "yuannian.search",
    "yuannian.sign",
    "yuannian.status",
    "yuannian.token",
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
