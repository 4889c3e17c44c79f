"""Whether a red order may be submitted (T20): what is known of the blue invoice it names, and of its other red ones.

Pure. A red waits while nobody can say what became of its blue; it goes on evidence that the blue exists; together the
reds of a blue never exceed it, and one of them is on its way at a time. Only a full reversal goes by itself: a form
without lines takes back all of the blue one, so the totals must be the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from syncd.domain.invoice import BlueRef, Colour
from syncd.domain.money import ZERO

#: How long a blue that nobody knows is waited for: WDT's mirror may show it late, and so may its issuer.
PATIENCE = timedelta(hours=2)
#: How soon it is looked again: at first soon, for the blue may be on its way.
LOOK_AFTER = (3.0, 5.0, 10.0, 20.0, 60.0, 300.0)


@dataclass(frozen=True, slots=True)
class RedOrder:
    """The red order: what it reverses and by how much (positive), for whom, and since when it waits."""

    blue: BlueRef
    total: Decimal
    seller_tax_no: str
    buyer_tax_no: str
    since: datetime


@dataclass(frozen=True, slots=True)
class BlueSeen:
    """The blue invoice as somebody has shown it: our own record, or a row of WDT that has this number as issued.

    `settled`: False while our own order that shows this number has no known outcome. `disputed`: that order waits for
    a person itself, or we issued another number for it. A tax number that nobody told is None.
    """

    total: Decimal | None
    colour: Colour = Colour.BLUE
    seller_tax_no: str | None = None
    buyer_tax_no: str | None = None
    order_no: str = ""
    settled: bool = True
    disputed: bool = False
    voided: bool = False


@dataclass(frozen=True, slots=True)
class OtherRed:
    """Another red of the same blue: on its way, perhaps sent in a time the store has forgotten, or issued.

    `unsure`: nobody will learn by asking whether a form was ever raised for it, or what became of that.
    """

    order_no: str
    in_flight: bool
    total: Decimal | None = None  # positive; of an issued one
    unsure: bool = False


@dataclass(frozen=True, slots=True)
class Passed:
    """It may go; `blue_total` is what the blue one amounts to."""

    blue_total: Decimal


@dataclass(frozen=True, slots=True)
class Later:
    """Not yet. `why`: blue_unsettled, blue_unknown, red_in_flight."""

    why: str


@dataclass(frozen=True, slots=True)
class Halt:
    """A person decides; `code` has a sentence."""

    code: str
    facts: tuple[tuple[str, str], ...]


Verdict = Passed | Later | Halt


def decide(
    red: RedOrder,
    blue: BlueSeen | None,
    others: Sequence[OtherRed],
    now: datetime,
    *,
    word: bool = False,
    patience: timedelta = PATIENCE,
) -> Verdict:
    """Whether `red` goes. `word`: a person vouches that the blue exists, and that this alone reverses it, in full.

    That word stands in for what nobody has shown, and never against what somebody has.
    """
    if word and (blue is None or blue.disputed or blue.total is None):
        blue = BlueSeen(red.total) if blue is None else replace(blue, disputed=False, total=blue.total or red.total)
    if blue is None:
        return Later("blue_unknown") if now - red.since < patience else _halt("blue_unknown", red)
    wrong = _wrong_blue(red, blue)
    if wrong is not None:
        return wrong
    if not blue.settled:
        return Later("blue_unsettled")
    if blue.disputed:
        return _halt("blue_disputed", red, blue_order=blue.order_no)
    if any(other.in_flight for other in others):
        return Later("red_in_flight")
    unsure = [other.order_no for other in others if other.unsure]
    if unsure and not word:
        return _halt("red_forgotten", red, other=unsure[0])
    if blue.total is None:
        return _halt("blue_total_unknown", red)
    return _amounts(red, blue.total, others)


def _wrong_blue(red: RedOrder, blue: BlueSeen) -> Halt | None:
    """It is not the invoice that this order can mean, whatever became of it."""
    if blue.colour is not Colour.BLUE:
        return _halt("blue_is_red", red)
    if blue.voided:
        return _halt("blue_voided", red)
    if blue.seller_tax_no is not None and blue.seller_tax_no != red.seller_tax_no:
        return _halt("blue_of_another_seller", red)
    if blue.buyer_tax_no is not None and blue.buyer_tax_no != red.buyer_tax_no:
        return _halt("blue_of_another_buyer", red)
    return None


def _amounts(red: RedOrder, blue_total: Decimal, others: Sequence[OtherRed]) -> Passed | Halt:
    """A red whose total nobody knows may have taken all of it."""
    issued = [other.total for other in others if not other.unsure]
    taken = sum((blue_total if total is None else total for total in issued), ZERO)
    if red.total > blue_total - taken:
        return _halt("red_over_blue", red, blue_total=str(blue_total), taken=str(taken))
    if red.total != blue_total:
        return _halt("red_partial", red, blue_total=str(blue_total))
    return Passed(blue_total)


def _halt(code: str, red: RedOrder, **facts: str) -> Halt:
    return Halt(code, (("blue", str(red.blue)), ("red", str(red.total)), *facts.items()))


def look_after(tries: int) -> timedelta:
    """When a waiting red is looked at again, unless something it waits for wakes it."""
    return timedelta(seconds=LOOK_AFTER[min(tries, len(LOOK_AFTER) - 1)])
