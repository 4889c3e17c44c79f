"""One stored order as the stages see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, NewType

import orjson
from sqlalchemy import Row as SqlRow

from syncd.domain.lifecycle import Hold, Phase, State
from syncd.domain.order import MerchantName, OrderNo
from syncd.store.instants import from_ms

OrderId = NewType("OrderId", int)


@dataclass(frozen=True, slots=True)
class OrderView:
    """One stored order. `amount` is ten-thousandths; `raw` the row's bytes as WDT sent them."""

    id: OrderId
    sid: str
    merchant: MerchantName
    no: OrderNo
    shop_no: str
    payer_name: str
    amount: int | None
    is_red: bool
    created_at: datetime | None
    wdt_status: int
    wdt_invoice_no: str
    raw: bytes
    first_seen_at: datetime
    seen_at: datetime
    state: State
    phase: Phase
    generation: int
    hold: Hold | None
    hold_facts: dict[str, str]
    held_from: State | None
    held_phase: Phase | None
    next_at: datetime
    tries: int
    revives: int
    restarts: int
    duplicates: int
    sent_at: datetime | None
    missed_at: datetime | None
    asked_at: datetime | None
    refusal: tuple[str, str] | None
    sweeps: int
    sweep_at: datetime | None
    drifted: bool
    doubted_at: datetime | None
    changed_at: datetime
    relation: str = ""  # of a red row: the blue invoice it names, as WDT shows it now
    red_of: str | None = None  # the blue invoice that its newest submission reverses


def view(row: SqlRow[Any]) -> OrderView:
    return OrderView(
        id=OrderId(row.id),
        sid=row.sid,
        merchant=MerchantName(row.merchant),
        no=OrderNo(row.no),
        shop_no=row.shop_no,
        payer_name=row.payer_name,
        amount=row.amount,
        is_red=bool(row.is_red),
        created_at=from_ms(row.created_at),
        wdt_status=row.wdt_status,
        wdt_invoice_no=row.wdt_invoice_no,
        raw=row.raw,
        first_seen_at=from_ms(row.first_seen_at),
        seen_at=from_ms(row.seen_at),
        state=State(row.state),
        phase=Phase(row.phase),
        generation=row.generation,
        hold=Hold(row.hold) if row.hold else None,
        hold_facts=orjson.loads(row.hold_facts) if row.hold_facts else {},
        held_from=State(row.held_from) if row.held_from else None,
        held_phase=Phase(row.held_phase) if row.held_phase else None,
        next_at=from_ms(row.next_at),
        tries=row.tries,
        revives=row.revives,
        restarts=row.restarts,
        duplicates=row.duplicates,
        sent_at=from_ms(row.sent_at),
        missed_at=from_ms(row.missed_at),
        asked_at=from_ms(row.asked_at),
        refusal=(row.refusal_code, row.refusal_text) if row.refusal_code is not None else None,
        sweeps=row.sweeps,
        sweep_at=from_ms(row.sweep_at),
        drifted=bool(row.drifted),
        doubted_at=from_ms(row.doubted_at),
        changed_at=from_ms(row.changed_at),
        relation=row.relation,
        red_of=row.red_of,
    )
