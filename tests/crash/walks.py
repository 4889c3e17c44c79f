"""Which points a daemon comes by on an ordinary day, and walks that visit them in every order of two."""

from __future__ import annotations

import random

from syncd import faultpoint

#: Points of days that are not ordinary: what would have to happen first.
RARE = {
    "alerts.told": "somebody to tell",
    "alibaba": "a merchant who sells at Alibaba",
    "allowance": "a merchant who sells at Alibaba",
    "applications": "a merchant who sells at Alibaba",
    "arming": "a store that was disarmed",
    "collect.probed": "a lane that rests",
    "files": "a merchant who sells at Alibaba",
    "instance.armed": "a store that was disarmed",
    "instance.disarmed": "a store that was disarmed",
    "intake.read_by_number": "a document that pages do not show",
    "lane.probed": "a lane that rests",
    "move": "a store that moves",
    "nuonuo.probe": "a lane that rests",
    "nuonuo.red_": "a red order",
    "nuonuo.revive": "an invoice without a seal",
    "nuonuo.token": "an account without a token",
    "pace.slowed": "a throttled lane",
    "pace.taken": "others at work on the same store",
    "poll.begun": "a new store",
    "poll.missing": "a document that is gone",
    "poll.refreshed": "orders that wait for long",
    "poll.renewed": "a window that takes half a lease",
    "poll.rested": "a lane that rests",
    "push.looked": "a lane that rests",
    "push.rested": "a lane that rests",
    "store.analysed": "a server that knows nothing of a large table",
    "token": "an account without a token",
    "top": "a merchant who sells at Alibaba",
    "unit.crashed": "a defect",
    "wallet": "a merchant with a wallet",
    "wdt.now": "somebody who asks for the time",
    "worker": "others at work on the same store",
    "write_back.confirmed": "another reading that has shown it first",
    "write_back.doubted": "an answer that is lost, or that nobody knows",
    "write_back.missing": "a document that is gone",
    "write_back.not_applied": "a throttled lane",
    "write_back.refused": "a refused write-back",
    "write_back.rested": "a lane that rests",
    "yuannian": "a merchant with a wallet",
}
ORDINARY = tuple(point for point in faultpoint.POINTS if not point.startswith(tuple(RARE)))
#: What a daemon comes by once, on its first day.
FIRST = tuple(point for point in faultpoint.POINTS if point.startswith("poll.begun"))


def sample(seed: int, walks: int) -> list[list[str]]:
    """Every ordinary point once, shuffled, in so many walks; each begins with a point of a first day."""
    points = list(ORDINARY)
    random.Random(seed).shuffle(points)
    return [[FIRST[number % len(FIRST)], *points[number::walks]] for number in range(walks)]


def all_pairs(walks: int) -> list[list[str]]:
    """Every ordered pair of ordinary points, as neighbours in so many walks (an Eulerian tour, cut up)."""
    left = {point: list(ORDINARY) for point in ORDINARY}
    stack, tour = [ORDINARY[0]], list[str]()
    while stack:
        here = stack[-1]
        if left[here]:
            stack.append(left[here].pop())
        else:
            tour.append(stack.pop())
    size = len(tour) // walks + 1
    return [tour[start : start + size + 1] for start in range(0, len(tour), size)]
