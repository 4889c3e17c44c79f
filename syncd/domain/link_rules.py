"""May these orders be linked to these applications? All of them, or none: every line that may not says why. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from syncd.domain.application import Standing, usable_apply_id
from syncd.domain.texts import half_width


@dataclass(frozen=True, slots=True)
class Wish:
    """One wanted link. `line` is where it stands in a file, 0 on the command line."""

    line: int
    no: str
    apply_id: str


@dataclass(frozen=True, slots=True)
class KnownOrder:
    """An order as the store has it; `linked` are the applications it ends already, withdrawn ones left out."""

    no: str
    merchant: str
    payer_name: str
    linked: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KnownApplication:
    """An application as the store has it, with the orders that end it."""

    apply_id: str
    merchant: str
    state: Standing
    told: bool  # its end has been said, or an invoice was returned for it
    orders: tuple[KnownOrder, ...] = ()


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that cannot be done; `why` names a sentence (`link.bad.WHY`)."""

    line: int
    why: str
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows of the numbers and ids that are wished for."""

    orders: Mapping[str, Sequence[KnownOrder]]
    applications: Mapping[str, Sequence[KnownApplication]]


@dataclass(frozen=True, slots=True)
class Judged:
    """`fit` may be linked, `there` are linked so already, `bad` stop the whole."""

    fit: tuple[Wish, ...]
    there: tuple[Wish, ...]
    bad: tuple[BadLine, ...]


def judge(wishes: Sequence[Wish], known: Known, *, also: bool = False) -> Judged:
    """Every wish against the store and against the others. `also`: an order may end a second application.

    One application may be ended by several orders of one merchant and one buyer.
    """
    fit: list[Wish] = []
    there: list[Wish] = []
    bad: list[BadLine] = []
    first: dict[tuple[str, str], int] = {}
    for wish in wishes:
        if (wish.no, wish.apply_id) in first:
            line = first[wish.no, wish.apply_id]
            bad.append(BadLine(wish.line, "duplicate_line", {"no": wish.no, "first": str(line)}))
            continue
        first[wish.no, wish.apply_id] = wish.line
        found = _judged(wish, fit, known, also=also)
        if isinstance(found, BadLine):
            bad.append(found)
        else:
            (there if found else fit).append(wish)
    return Judged(tuple(fit), tuple(there), tuple(bad))


def _judged(wish: Wish, before: Sequence[Wish], known: Known, *, also: bool) -> BadLine | bool:
    """Why not; else whether it is there already."""
    about = {"no": wish.no, "apply_id": wish.apply_id}
    if not usable_apply_id(wish.apply_id):
        return BadLine(wish.line, "apply_id_unusable", about)
    orders = known.orders.get(wish.no, ())
    if not orders:
        return BadLine(wish.line, "order_unknown", about)
    if len(orders) > 1:
        names = ", ".join(sorted(order.merchant for order in orders))
        return BadLine(wish.line, "order_ambiguous", {**about, "merchants": names})
    (order,) = orders
    if wish.apply_id in order.linked:
        return True
    if order.linked and not also:
        return BadLine(wish.line, "linked_elsewhere", {**about, "other": ", ".join(order.linked)})
    above = next((one for one in before if one.no == wish.no), None)
    if above is not None and not also:
        return BadLine(
            wish.line, "order_wished_already", {**about, "first": str(above.line), "other": above.apply_id}
        )  # fmt: skip
    return _contradicted(wish, order, before, known, about) or False


def _contradicted(
    wish: Wish, order: KnownOrder, before: Sequence[Wish], known: Known, about: Mapping[str, str]
) -> BadLine | None:
    applications = known.applications.get(wish.apply_id, ())
    of_others = [one for one in applications if one.merchant != order.merchant]
    lines = {one.no: one.line for one in before if one.apply_id == wish.apply_id}
    beside = [known.orders[no][0] for no in lines]
    if of_others or any(one.merchant != order.merchant for one in beside):
        other = of_others[0].merchant if of_others else beside[0].merchant
        return BadLine(wish.line, "other_merchant", {**about, "other": other})
    for one in applications:
        if one.state is Standing.WITHDRAWN:
            return BadLine(wish.line, "withdrawn", about)
        if one.told or one.state is Standing.DONE:
            return BadLine(wish.line, "already_told", about)
        beside += one.orders
    stranger = next((one for one in beside if _folded(one.payer_name) != _folded(order.payer_name)), None)
    if stranger is not None and stranger.no in lines:
        first = str(lines[stranger.no])
        return BadLine(wish.line, "other_buyer_in_file", {**about, "first": first, "other": stranger.no})
    if stranger is not None:
        return BadLine(wish.line, "other_buyer", {**about, "other": stranger.no})
    return None


def _folded(name: str) -> str:
    return "".join(half_width(name).split()).casefold()
