"""The invoice orders that every reader is served: made by number, so that a million of them take no memory."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

from syncd.sandbox.mix import Mix
from syncd.sandbox.population import populate
from syncd.sandbox.wdt.world import DEFAULT_SID, WdtWorld

#: How many different orders there are; beyond that they repeat under other numbers and serials.
KINDS = 1000
#: Stands in a kind for an order's own number; no text has this character.
_HOLE = b"\x01"
_MIX = Mix(hold=0.0, refuse=0.0, fresh=0.0, background=0.0, plant_one=False)


class Rows:
    """`count` healthy orders as WDT writes them, each with its lines; number `n` is the same in every run.

    The number, the trade and the name of the first goods carry `n` in eight digits, so that a legal invoice is
    recognised as belonging to its order whatever key its sender computed.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._kinds = [_with_holes(row) for row in _kinds()]

    def row(self, number: int) -> bytes:
        """The order while it waits, about 2 KB."""
        return _digits(number).join(self._kinds[number % len(self._kinds)])

    def done(self, number: int, status: int, invoice_no: str) -> bytes:
        """The order after a write-back."""
        row = self.row(number).replace(b'"status":45', b'"status":%d' % status, 1)
        return row.replace(b'"invoice_no":""', b'"invoice_no":"%s"' % invoice_no.encode(), 1)


def name_of(number: int) -> str:
    """The order's number in WDT."""
    return f"FP26{number:08d}"


def number_of(name: str) -> int | None:
    """The order a WDT number, or the name of a first goods line, stands for; None for any other text."""
    digits = name[-8:]
    return int(digits) if digits.isdigit() and len(digits) == 8 else None


def _digits(number: int) -> bytes:
    return b"%08d" % number


def _kinds() -> list[bytes]:
    """A population of the simulator, the same every time."""
    world = WdtWorld(time.time, random.Random(1))
    populate(world, KINDS, _MIX, random.Random(1), sid=DEFAULT_SID)
    return [document.row for document in world.documents.values()]


def _with_holes(row: bytes) -> list[bytes]:
    """The row cut where its own number goes."""
    at = row.index(b'"invoice_order_no":"') + len(b'"invoice_order_no":"')
    row = row[:at] + b"FP26" + _HOLE + row[row.index(b'"', at) :]
    for before in (b'"trade_no":"JY0000', b'"tid":"T00', b'"oid":"T00', b" #"):
        row = b"".join(_punched(row, before))
    return row.split(_HOLE)


def _punched(row: bytes, before: bytes) -> Iterator[bytes]:
    """The row with `_HOLE` in place of the digits that follow each `before`."""
    head, *rest = row.split(before)
    yield head
    for part in rest:
        digits = len(part) - len(part.lstrip(b"0123456789"))
        yield before + _HOLE + part[digits:]
