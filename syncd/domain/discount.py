"""Discount lines brought into the one form issuers take: directly after their line, negative, nothing else (R6).

Seed wdt-search §4 knows the row types but states neither the sign nor the place of a discount line; its sample shows
`discount` fields on the lines that its table lacks. What is not certain is held.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

from syncd.domain.money import ZERO, Entry, first_unfit, fitting, portion, times
from syncd.domain.order import RowType
from syncd.domain.unfit_texts import Unfitness, unfit

Entries = tuple[Entry, ...]
K = TypeVar("K")


def normalise(
    entries: Sequence[Entry], discount: Decimal, discount_tax: Decimal, *, allocate: bool = False
) -> Entries | Unfitness:
    """Each line followed by its discount line, if it has one. `discount` and `discount_tax` are the header's.

    Amounts other than a discount line's sign are left as they are; that they add up is `money.check`'s business.
    With `allocate`, a header discount that no line carries is spread in proportion; without it, it is held.
    """
    if not discount and not any(e.row_type or e.discount or e.discount_tax for e in entries):
        return tuple(entries)  # normal lines, and nothing taken off any of them
    entries = [_as_discount(e) if e.row_type == RowType.DISCOUNT else e for e in entries]
    if not any(e.row_type == RowType.DISCOUNT for e in entries):
        entries = [part for e in entries for part in _split(e)]
    if discount and not any(e.row_type == RowType.DISCOUNT for e in entries):
        if not allocate:
            return unfit("discount_unallocated", discount=discount)
        entries = _allocated(entries, discount, discount_tax)
    return _paired(entries)


def netted(entries: Sequence[Entry]) -> Entries:
    """R7: normal lines only, each discount taken off its line; a line discounted to nothing is not printed."""
    lines: list[Entry] = []
    for entry in entries:
        if entry.row_type == RowType.DISCOUNT:
            entry = _taken_off(lines.pop(), entry)
        lines.append(replace(entry, row_type=int(RowType.NORMAL)))
    return tuple(e for e in lines if e.net or e.tax)


def _taken_off(line: Entry, cut: Entry) -> Entry:
    net = line.net + cut.net
    num, price = fitting(line.num, line.price, net)
    return replace(line, num=num, price=price, net=net, tax=line.tax + cut.tax, gross=line.gross + cut.gross)


def _as_discount(entry: Entry) -> Entry:
    """Step 1: negative amounts, neither number nor price."""
    net, tax, gross = -abs(entry.net), -abs(entry.tax), -abs(entry.gross)
    return replace(entry, num=None, price=None, net=net, tax=tax, gross=gross)


def _split(entry: Entry) -> Entries:
    """Step 3: a line that says its own discount becomes a discounted line and a discount line."""
    if not entry.discount and not entry.discount_tax:
        return (entry,)
    return _cut(entry, abs(entry.discount), abs(entry.discount_tax))


def _cut(entry: Entry, net: Decimal, tax: Decimal) -> Entries:
    head = replace(entry, row_type=int(RowType.DISCOUNTED), discount=ZERO, discount_tax=ZERO)
    return head, _as_discount(replace(head, row_type=int(RowType.DISCOUNT), net=net, tax=tax, gross=net + tax))


def _allocated(entries: Sequence[Entry], discount: Decimal, discount_tax: Decimal) -> list[Entry]:
    """Step 4: in proportion to the lines, first among the rates, then among the lines of each.

    The tax is shared among rates as the discount at each rate would bear it, then as the discount itself.
    """
    rates = dict.fromkeys(e.rate for e in entries)
    by_rate = _shares(discount, {r: sum((e.net for e in entries if e.rate == r), ZERO) for r in rates})
    tax_by_rate = _shares(discount_tax, {r: times(by_rate[r], r) for r in rates})
    nets: dict[int, Decimal] = {}
    taxes: dict[int, Decimal] = {}
    for rate in rates:
        of_rate = _shares(by_rate[rate], {e.line: e.net for e in entries if e.rate == rate})
        nets |= of_rate
        taxes |= _shares(tax_by_rate[rate], of_rate)
    return [part for e in entries for part in (_cut(e, nets[e.line], taxes[e.line]) if nets[e.line] else (e,))]


def _shares(total: Decimal, weights: Mapping[K, Decimal]) -> dict[K, Decimal]:
    """`total` in cents by weight; what rounding leaves is carried on, so the last share takes the remainder.

    Carried from share to share, because a hundred roundings in one line would break its tax (R2).
    """
    whole = sum(weights.values(), ZERO)
    shares = dict.fromkeys(weights, ZERO)
    upto = given = ZERO
    for key, weight in weights.items() if whole > 0 else ():
        upto += weight
        shares[key] = portion(total, upto, whole) - given
        given += shares[key]
    return shares


def _paired(entries: Sequence[Entry]) -> Entries | Unfitness:
    """Steps 1 and 2: every discount line behind its own discounted line, every discounted line with one."""
    heads: dict[tuple[str, Decimal], list[Entry]] = {}
    for entry in entries:
        if entry.row_type == RowType.DISCOUNTED:
            heads.setdefault((entry.name, entry.rate), []).append(entry)
    cut_of: dict[int, Entry] = {}
    for before, entry in zip([None, *entries], entries, strict=False):
        if entry.row_type == RowType.DISCOUNT:
            head = _head_of(entry, before, heads.get((entry.name, entry.rate), []))
            if isinstance(head, Unfitness):
                return head
            if head.line in cut_of:
                return unfit("discount_ambiguous", line=entry.line)
            cut_of[head.line] = entry
    goods = [e for e in entries if e.row_type != RowType.DISCOUNT]
    if wrong := first_unfit(_check_pair(line, cut_of.get(line.line)) for line in goods):
        return wrong
    return tuple(e for line in goods for e in (line, cut_of.get(line.line)) if e is not None)


def _head_of(cut: Entry, before: Entry | None, heads: Sequence[Entry]) -> Entry | Unfitness:
    """The line right before, if it is one of `heads` (same name and rate), else the only one there is."""
    if before is not None and before in heads:
        heads = [before]
    if len(heads) > 1:
        return unfit("discount_ambiguous", line=cut.line)
    if not heads or heads[0].tax_code != cut.tax_code:
        return unfit("discount_line_astray", line=cut.line)
    return heads[0]


def _check_pair(head: Entry, cut: Entry | None) -> Unfitness | None:
    """One line with the discount line found for it, if any."""
    if cut is None:
        if head.row_type == RowType.DISCOUNTED:
            return unfit("discounted_line_alone", line=head.line)
        return unfit("discount_ambiguous", line=head.line) if head.discount or head.discount_tax else None
    for mine, off in ((head.net, cut.net), (head.tax, cut.tax), (head.gross, cut.gross)):
        if -off > mine:
            return unfit("discount_too_large", line=head.line, discount=-off, amount=mine)
    if _repeats(head, cut) and _repeats(cut, cut):
        return None
    return unfit("discount_ambiguous", line=head.line)


def _repeats(entry: Entry, cut: Entry) -> bool:
    """Where a discount line exists, a line's own `discount` may be zero or say the same again, nothing else."""
    own = (abs(entry.discount), abs(entry.discount_tax))
    return own in ((ZERO, ZERO), (-cut.net, -cut.tax))
