"""Who must be told what: one message when an outage begins, one when it ends, however many rows it touches.

`plan` is pure: what is wrong now, and what was told before, give the messages and what to remember of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from syncd.store.told import Told


class Kind(StrEnum):
    """What can be wrong enough to tell somebody. The value begins an outage's name in the store."""

    SECOND_INVOICE = "second_invoice"
    LANE_PERSON = "lane_person"  # login, credentials, quota: nothing moves until somebody acts
    LANE_RESTING = "lane_resting"
    HELD = "held"
    UNKNOWN = "unknown"
    CURSOR = "cursor"
    DISARMED = "disarmed"
    STORE = "store"


#: Where a person reads on: docs/runbooks/….
RUNBOOKS: Mapping[Kind, str] = {
    Kind.SECOND_INVOICE: "second-invoice.md",
    Kind.LANE_PERSON: "lane-needs-person.md",
    Kind.LANE_RESTING: "lane-resting.md",
    Kind.HELD: "held-orders.md",
    Kind.UNKNOWN: "unknown-outcome-old.md",
    Kind.CURSOR: "cursor-stale.md",
    Kind.DISARMED: "disarmed.md",
    Kind.STORE: "disk-full.md",
}


@dataclass(frozen=True, slots=True)
class Wrong:
    """One outage as it is now. `name` is the same for as long as it is the same outage.

    `count` is how many are affected, `about` which (lanes, merchants, parts of the store; words without blanks),
    `facts` further figures for the text. None of it names a person.
    """

    kind: Kind
    since: datetime
    count: int = 1
    about: tuple[str, ...] = ()
    scope: str = ""
    facts: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        return f"{self.kind}:{self.scope}" if self.scope else str(self.kind)


class Edge(StrEnum):
    """Why something is said."""

    BEGAN = "began"
    GREW = "grew"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Message:
    """Something to be said to people."""

    edge: Edge
    kind: Kind
    name: str
    since: datetime
    count: int
    about: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()

    @property
    def key(self) -> tuple[str, Edge, datetime]:
        """The same for a message that says the same edge of the same outage."""
        return (self.name, self.edge, self.since)


@dataclass(frozen=True, slots=True)
class Step:
    """What to remember of an outage; with a message, once somebody has taken that."""

    told: Told
    message: Message | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """`quiet_for`: held orders are told about this seldom. `gather_for`: so long an outage that spreads is watched
    before it is told again. `calm_for`: so long something must not be seen before it is over."""

    quiet_for: timedelta = timedelta(hours=6)
    gather_for: timedelta = timedelta(minutes=10)
    calm_for: timedelta = timedelta(minutes=3)


def plan(wrongs: Sequence[Wrong], told: Mapping[str, Told], now: datetime, rules: Rules) -> list[Step]:
    """The messages that are due, the gravest first, and what changes in silence."""
    steps = [step for wrong in wrongs if (step := _of_wrong(wrong, told.get(wrong.name), now, rules))]
    seen = {wrong.name for wrong in wrongs}
    steps += [step for one in told.values() if one.name not in seen and (step := _of_gone(one, now, rules))]
    order = list(Kind)
    return sorted(steps, key=lambda step: order.index(step.message.kind) if step.message else len(order))


def _of_wrong(wrong: Wrong, told: Told | None, now: datetime, rules: Rules) -> Step | None:
    fresh = Told(wrong.name, wrong.since, now, wrong.count, wrong.about)
    if told is None or told.over_at is not None:
        if told is not None and wrong.kind is Kind.HELD and not _passed(told.told_at, now, rules.quiet_for):
            return None
        return Step(fresh, _message(Edge.BEGAN, wrong))
    if _grew(wrong, told) and _passed(told.told_at, now, _wait(wrong.kind, rules)):
        return Step(fresh, _message(Edge.GREW, wrong))
    mended = replace(
        told,
        count=min(told.count, wrong.count),
        about=tuple(one for one in told.about if one in wrong.about),
        gone_at=None,
    )
    return Step(mended) if mended != told else None


def _of_gone(told: Told, now: datetime, rules: Rules) -> Step | None:
    if told.over_at is not None:
        return None
    if told.gone_at is None:
        return Step(replace(told, gone_at=now))
    if not _passed(told.gone_at, now, rules.calm_for):
        return None
    kind = kind_of(told.name)
    over = replace(told, over_at=now)
    if kind is None:  # told by another version, of something this one does not know
        return Step(over)
    return Step(over, Message(Edge.OVER, kind, told.name, told.since, told.count, told.about))


def kind_of(name: str) -> Kind | None:
    """The kind that an outage's name begins with."""
    word = name.partition(":")[0]
    return Kind(word) if word in set(Kind) else None


def _grew(wrong: Wrong, told: Told) -> bool:
    return wrong.count > told.count or not set(wrong.about) <= set(told.about)


def _wait(kind: Kind, rules: Rules) -> timedelta:
    waits = {Kind.HELD: rules.quiet_for, Kind.SECOND_INVOICE: timedelta(0)}
    return waits.get(kind, rules.gather_for)


def _passed(since: datetime, now: datetime, wait: timedelta) -> bool:
    """Whether `wait` is over; also where the clock has gone back behind `since`."""
    return not timedelta(0) <= now - since < wait


def _message(edge: Edge, wrong: Wrong) -> Message:
    return Message(edge, wrong.kind, wrong.name, wrong.since, wrong.count, wrong.about, wrong.facts)
