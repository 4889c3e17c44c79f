"""Orders put into a store in whichever state a test needs, by the store's own methods."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

from sqlalchemy import update

from syncd.domain.clock import SystemClock
from syncd.domain.invoice import Colour, Expected, Invoice, IssuerKey
from syncd.domain.lifecycle import Event, Hold, Phase, State
from syncd.domain.order import MerchantName, OrderNo, Row
from syncd.store import debts
from syncd.store.dossier import Dossier
from syncd.store.instants import to_ms
from syncd.store.orders import OrderView
from syncd.store.schema import unit
from syncd.store.sightings import Seen
from syncd.store.store import Store, Tx
from syncd.store.submissions import Wanted

T = TypeVar("T")


def in_store(path: Path, work: Callable[[Tx], Awaitable[T]]) -> T:
    """Run `work` in one write transaction on the store at `path`."""

    async def run() -> T:
        async with Store.at(f"sqlite:///{path}", SystemClock()) as store, store.begin() as tx:
            return await work(tx)

    return asyncio.run(run())


def look_up(path: Path, no: str) -> OrderView:
    """The order of this number as it stands."""

    async def find(tx: Tx) -> OrderView:
        return (await tx.orders.by_no(no))[0]

    return in_store(path, find)


def make(
    path: Path,
    no: str,
    state: State = State.PENDING,
    phase: Phase = Phase.NONE,
    *,
    hold: Hold | None = None,
    facts: dict[str, str] | None = None,
    status: int = 45,
    payer: str = "示例购买方",
    merchant: str = "m001",
    sid: str = "demo_sid",
) -> OrderView:
    """An order in `state`, set aside from there where `hold` is given; `status` is what WDT shows in the end."""

    async def build(tx: Tx) -> None:
        await see(tx, no, 45, payer, merchant, sid)
        await _bring(tx, no, state, phase)
        if hold is not None:
            await tx.orders.hold(await _get(tx, no), hold, facts or {})
            await tx.debts.void((await _get(tx, no)).id)
        if status != 45:
            await see(tx, no, status, payer, merchant, sid)

    in_store(path, build)
    return look_up(path, no)


async def _get(tx: Tx, no: str) -> OrderView:
    return (await tx.orders.by_no(no))[0]


async def see(tx: Tx, no: str, status: int, payer: str, merchant: str, sid: str) -> None:
    raw = f'{{"invoice_order_no":"{no}","status":{status}}}'.encode()
    row = Row(
        no=OrderNo(no),
        status=status,
        invoice_no="",
        is_red=False,
        shop_no="shop01",
        payer_name=payer,
        amount=1_000_000,
        created_at=tx.now - timedelta(hours=1),
        raw=raw,
        content_hash=raw,
    )
    await tx.sightings.keep(MerchantName(merchant), sid, [row], Seen(10**6, tx.now))


async def _bring(tx: Tx, no: str, state: State, phase: Phase) -> None:
    order = await _get(tx, no)
    if state is State.PENDING:
        await tx.orders.wait(order, phase=phase)
        return
    wanted = Wanted(
        0, "nuonuo", "main", "339902999999789113", IssuerKey(f"K{no}"[:20]), b"{}", b"h",
        Expected("", Decimal("100.00"), Colour.BLUE),
    )  # fmt: skip
    await tx.submissions.intend(order.id, wanted, 1)
    sent = phase if state is State.INTENT else Phase.SENT
    await tx.orders.move(order, Event.INTENDED, phase=sent, sent_at=to_ms(tx.now))
    order = await _get(tx, no)
    if state is State.ISSUED:
        await tx.submissions.record(order.id, 0, Invoice(f"{order.id:020d}", "", Decimal("100.00"), Colour.BLUE))
        await tx.orders.move(order, Event.ISSUED, phase=phase)
        await tx.debts.owe(order.id, order.merchant, kind=debts.ISSUED, generation=0, revision=0)
    if state is State.FAILED:
        await tx.orders.move(order, Event.REFUSED, phase=phase, refusal_code="22", refusal_text="no such thing")
        await tx.debts.owe(order.id, order.merchant, kind=debts.FAILED, generation=0, revision=0)


def open_debts(path: Path, no: str) -> list[tuple[str, str]]:
    """Kind and state of every open debt of the order."""

    async def find(tx: Tx) -> list[tuple[str, str]]:
        order = await _get(tx, no)
        return [
            (debt.kind, debt.state) for debt in await Dossier(tx.connection).debts(order.id) if debt.state != "void"
        ]

    return in_store(path, find)


def due_units(path: Path) -> set[tuple[str, str]]:
    """Every unit that is due at this moment."""

    async def find(tx: Tx) -> set[tuple[str, str]]:
        stages = ("poll", "push", "collect", "write_back")
        return {(stage, key) for stage in stages for key in await tx.units.due(stage)}

    return in_store(path, find)


def put_off_units(path: Path) -> None:
    """Nothing is due, nor comes due meanwhile, so that what is woken can be told."""

    async def put_off(tx: Tx) -> None:
        await tx.connection.execute(update(unit).values(next_at=to_ms(tx.now + timedelta(hours=1))))

    in_store(path, put_off)


def story(path: Path, no: str) -> list[tuple[str, dict[str, str]]]:
    """The journal of an order: event and facts."""

    async def find(tx: Tx) -> list[tuple[str, dict[str, str]]]:
        return [(entry.event, entry.facts) for entry in await tx.journal.of((await _get(tx, no)).id)]

    return in_store(path, find)
