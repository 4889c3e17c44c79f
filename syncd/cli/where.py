"""Which orders a bulk command means: a few comparisons, joined by "and". Never SQL, never an expression."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from syncd.cli.frame import Frame
from syncd.domain.lifecycle import OPEN, Hold, Phase, State

if TYPE_CHECKING:
    from syncd.store.orders import OrderView

#: Field → the values it can take; None: any text.
FIELDS: Mapping[str, Sequence[str] | None] = {
    "state": tuple(State),
    "hold": tuple(Hold),
    "phase": tuple(phase for phase in Phase if phase),
    "merchant": None,
    "code": None,
    "no": None,
    "older_than": None,
}
#: Fields that may be compared with a pattern of * and ?.
_PATTERNED = ("merchant", "code", "no")
#: The states in which a retry may do something; a condition that names no state is about these.
_WORTHWHILE = tuple(state for state in State if state in OPEN or state is State.HOLD)
_AND = re.compile(r",|\sand\s", re.IGNORECASE)
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison; `pattern` is True for `~`."""

    field: str
    value: str
    pattern: bool = False


@dataclass(frozen=True, slots=True)
class Condition:
    """What was asked for, and since when an order must not have moved (None: does not matter)."""

    text: str
    terms: tuple[Term, ...]
    not_since: datetime | None = None

    @property
    def states(self) -> tuple[State, ...]:
        """Where to look."""
        named = {State(term.value) for term in self.terms if term.field == "state"}
        if not named:
            return (State.HOLD,) if self.names("hold") else _WORTHWHILE
        return tuple(named) if len(named) == 1 else ()

    def names(self, field: str, value: str | None = None) -> bool:
        """Whether the condition speaks of `field` (with this value)."""
        return any(term.field == field and value in (None, term.value) for term in self.terms)

    def matches(self, order: OrderView) -> bool:
        """Whether every comparison holds."""
        if self.not_since is not None and order.changed_at > self.not_since:
            return False
        return all(_holds(term, order) for term in self.terms)


def _holds(term: Term, order: OrderView) -> bool:
    match term.field:
        case "state" | "phase" | "hold":
            return str(getattr(order, term.field) or "") == term.value
        case "code":
            return any(_is(term, code) for code in _codes(order))
        case "older_than":
            return True  # looked at by `matches`
        case _:
            return _is(term, str(getattr(order, term.field)))


def _is(term: Term, value: str) -> bool:
    return fnmatchcase(value, term.value) if term.pattern else value == term.value


def _codes(order: OrderView) -> list[str]:
    """The code it was refused with, and those the hold remembers."""
    held = [str(order.hold_facts[name]) for name in ("answer", "code") if name in order.hold_facts]
    return [*held, *([order.refusal[0]] if order.refusal else [])]


def parse(frame: Frame, text: str, now: datetime) -> Condition:
    """The condition as typed. Raises Unusable, naming the fields there are."""
    parts = [part.strip() for part in _AND.split(text[: _LONGEST + 1]) if part.strip()]
    if not parts or len(text) > _LONGEST:
        raise frame.unusable("where.empty", fields=", ".join(FIELDS))
    terms = tuple(_term(frame, part) for part in parts)
    ages = [_age(frame, term.value) for term in terms if term.field == "older_than"]
    return Condition(", ".join(parts), terms, now - max(ages) if ages else None)


def _term(frame: Frame, part: str) -> Term:
    found = re.fullmatch(r"(\w{1,40})\s*([=~])\s*(\S.*)", part)
    if found is None:
        raise frame.unusable("where.unreadable", term=part, fields=", ".join(FIELDS))
    name, sign, value = found[1].lower(), found[2], found[3].strip()
    if name not in FIELDS:
        near = frame.nearest(name, FIELDS)
        raise frame.unusable("where.unknown_field", name=name, fields=", ".join(FIELDS), near=near)
    if sign == "~" and name not in _PATTERNED:
        raise frame.unusable("where.no_pattern", name=name)
    return Term(name, _value(frame, name, value), sign == "~")


def _value(frame: Frame, name: str, value: str) -> str:
    """The value as it is stored. Raises Unusable for one the field cannot have."""
    known = FIELDS[name]
    if known is None:
        return value
    folded = value.upper() if name == "state" else value.lower()
    if folded not in known:
        near = frame.nearest(folded, known)
        raise frame.unusable("where.unknown_value", name=name, value=value, known=", ".join(known), near=near)
    return folded


def _age(frame: Frame, value: str) -> timedelta:
    from syncd.config import duration

    try:
        return duration.parse(value)
    except ValueError:
        raise frame.unusable("span.unreadable", text=value) from None
