"""One stored order as the stages see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from operator import itemgetter
from typing import Any, NewType, cast

import orjson
from sqlalchemy import select

from syncd.domain.lifecycle import Hold, Phase, State
from syncd.domain.order import MerchantName, OrderNo
from syncd.store.instants import from_ms
from syncd.store.schema import invoice_order, order_row

OrderId = NewType("OrderId", int)
#: By their names: an enumeration would take twice as long to find one.
STATES: Mapping[str, State] = {str(one): one for one in State}
PHASES: Mapping[str, Phase] = {str(one): one for one in Phase}

_AT = {column: at for at, column in enumerate(invoice_order.c.keys())}
#: What a `WholeOrder` is made of. An order without its row must be heard of: it is not left out.
WHOLE = select(*invoice_order.c, order_row.c.raw).select_from(
    invoice_order.outerjoin(order_row, order_row.c.order_id == invoice_order.c.id)
)


def _cell(column: str) -> Any:
    """The cell of that column as it is stored."""
    return property(itemgetter(_AT[column]))


def _read(column: str, read: Callable[[Any], object]) -> Any:
    """What the cell of that column means; None where it is empty."""
    at = _AT[column]

    def meaning(order: OrderView) -> object:
        cell = order[at]
        return None if cell is None or cell == "" else read(cell)

    return property(meaning)


def _named(column: str, names: Mapping[str, object]) -> Any:
    """Which of these the cell of that column names."""
    at = _AT[column]
    return property(lambda order: names[order[at]])


class RowMissing(RuntimeError):
    """An order is stored without its row: the two are written together, so somebody else has been at the store."""


class OrderView(tuple[Any, ...]):
    """One stored order; `amount` is ten-thousandths.

    It is the row itself, and what a cell means is found out when it is asked for: thousands are read in a minute, of
    each of which a stage looks at a few cells.
    """

    __slots__ = ()

    id: OrderId = _cell("id")
    sid: str = _cell("sid")
    merchant: MerchantName = _cell("merchant")
    no: OrderNo = _cell("no")
    shop_no: str = _cell("shop_no")
    payer_name: str = _cell("payer_name")
    amount: int | None = _cell("amount")
    is_red: bool = _read("is_red", bool)
    created_at: datetime | None = _read("created_at", from_ms)
    wdt_status: int = _cell("wdt_status")
    wdt_invoice_no: str = _cell("wdt_invoice_no")
    first_seen_at: datetime = _read("first_seen_at", from_ms)
    seen_at: datetime = _read("seen_at", from_ms)
    state: State = _named("state", STATES)
    phase: Phase = _named("phase", PHASES)
    generation: int = _cell("generation")
    hold: Hold | None = _read("hold", Hold)
    held_from: State | None = _read("held_from", State)
    held_phase: Phase | None = _read("held_phase", Phase)
    next_at: datetime = _read("next_at", from_ms)
    tries: int = _cell("tries")
    unheard: int = _cell("unheard")
    revives: int = _cell("revives")
    restarts: int = _cell("restarts")
    duplicates: int = _cell("duplicates")
    sent_at: datetime | None = _read("sent_at", from_ms)
    missed_at: datetime | None = _read("missed_at", from_ms)
    asked_at: datetime | None = _read("asked_at", from_ms)
    sweeps: int = _cell("sweeps")
    sweep_at: datetime | None = _read("sweep_at", from_ms)
    drifted: bool = _read("drifted", lambda told: told == 1)
    doubted_at: datetime | None = _read("doubted_at", from_ms)
    changed_at: datetime = _read("changed_at", from_ms)
    relation: str = _cell("relation")  # of a red row: the blue invoice it names, as WDT shows it now
    red_of: str | None = _cell("red_of")  # the blue invoice that its newest submission reverses

    def changed(self, **cells: object) -> OrderView:
        """The order with these cells, as they are stored, instead of its own."""
        row = list(self)
        for column, cell in cells.items():
            row[_AT[column]] = cell
        return OrderView(row)

    @property
    def hold_facts(self) -> dict[str, str]:
        facts = self[_AT["hold_facts"]]
        return dict(orjson.loads(facts)) if facts else {}

    @property
    def refusal(self) -> tuple[str, str] | None:
        """The issuer's no, code and text, as long as it is not confirmed."""
        code = self[_AT["refusal_code"]]
        return None if code is None else (code, self[_AT["refusal_text"]])


class WholeOrder(OrderView):
    """One stored order with the row's bytes as WDT sent them, for whoever has to read them."""

    __slots__ = ()

    @property
    def raw(self) -> bytes:
        """Raises RowMissing."""
        raw = self[len(_AT)]
        if raw is None:
            raise RowMissing(f"the row of order {self.no} is gone")
        return cast("bytes", raw)
