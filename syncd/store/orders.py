"""Invoice orders: chosen for what is due, moved step by step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

import orjson
from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Select,
    Update,
    and_,
    bindparam,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.domain.lifecycle import Event, Hold, Phase, State, step
from syncd.domain.order import MerchantName, WdtStatus
from syncd.store import question
from syncd.store.instants import from_ms, to_ms
from syncd.store.order_view import PHASES, STATES, WHOLE
from syncd.store.order_view import OrderId as OrderId
from syncd.store.order_view import OrderView as OrderView
from syncd.store.order_view import WholeOrder as WholeOrder
from syncd.store.question import Among
from syncd.store.schema import card, debt, invoice_order
from syncd.store.together import Guarded, Together

#: The words of the partial index: SQLite uses it only where they stand in the query literally.
_UNFINISHED = text("invoice_order.state IN ('PENDING', 'INTENT', 'ISSUED', 'FAILED')")


View = TypeVar("View", OrderView, WholeOrder)
#: An INTENT in one of these waits for push.
SENDABLE = (Phase.READY, Phase.REVIVABLE)


class Stale(Exception):
    """The order is no longer in the state this decision was made for; nothing was written."""


class Orders:
    """The invoice_order table, inside one transaction."""

    def __init__(self, connection: AsyncConnection, now: datetime, together: Together) -> None:
        self._connection = connection
        self._now = now
        self._together = together
        #: (stage, merchant) → the earliest instant (milliseconds) at which something changed here becomes due;
        #: `Store.begin` wakes whom it concerns.
        self.dues: dict[tuple[str, str], int] = {}
        #: What was moved here, and where to: `Store.begin` sees what that means to the invoice centre.
        self.moved: dict[OrderId, State] = {}

    # -- choosing --------------------------------------------------------------------------------------------------

    async def to_push(self, merchant: MerchantName, fresh_since: datetime, limit: int) -> list[WholeOrder]:
        """What may be sent now, oldest first: pending orders and cleared resends, seen at 45 since `fresh_since`."""
        whose = {"of_merchant": merchant, "now": to_ms(self._now), "most": limit}
        rows = await question.rows(self._connection, _TO_PUSH, **whose, since=to_ms(fresh_since))
        return self._seen(rows, WholeOrder)

    async def asked_by(self, merchant: MerchantName, until: datetime) -> bool:
        """Whether the issuer will be asked about something by then that may be known to have ended."""
        found = await question.first(self._connection, _ASKED_BY, of_merchant=merchant, now=to_ms(until))
        return found is not None

    async def on_trial(self, merchant: MerchantName, since: datetime) -> bool:
        """Whether something sent since then is still without an end."""
        t = invoice_order.c
        found = await self._connection.scalar(
            select(t.id)
            .where(
                t.merchant == merchant,
                _UNFINISHED,
                t.state == State.INTENT,
                t.phase.not_in(SENDABLE),
                t.sent_at >= to_ms(since),
            )
            .limit(1)
        )
        return found is not None

    async def stale(self, merchant: MerchantName, fresh_since: datetime) -> int:
        """How many orders must be read again before they may be sent."""
        t = invoice_order.c
        found = await self._connection.scalar(
            select(func.count()).where(
                t.merchant == merchant, _sendable(), t.next_at <= to_ms(self._now), t.seen_at < to_ms(fresh_since)
            )
        )
        return int(found or 0)

    async def oldest_stale(self, merchant: MerchantName, fresh_since: datetime, limit: int) -> list[OrderView]:
        """The orders that wait longest for being read again."""
        t = invoice_order.c
        return await self._some(
            t.merchant == merchant,
            _sendable(),
            t.next_at <= to_ms(self._now),
            t.seen_at < to_ms(fresh_since),
            limit=limit,
        )

    async def stale_span(self, merchant: MerchantName, fresh_since: datetime) -> tuple[datetime, datetime] | None:
        """The windows in which stale orders were last seen, from the first start to the last end."""
        t = invoice_order.c
        row = (
            await self._connection.execute(
                select(func.min(t.span_start), func.max(t.span_end)).where(
                    t.merchant == merchant,
                    _sendable(),
                    t.next_at <= to_ms(self._now),
                    t.seen_at < to_ms(fresh_since),
                )
            )
        ).one()
        return None if row[0] is None or row[1] is None else (from_ms(row[0]), from_ms(row[1]))

    async def to_ask(self, merchant: MerchantName, limit: int, *, red: bool | None = None) -> list[OrderView]:
        """What must be asked about now: unknown outcomes, missing files, orders WDT moved, late-issue sweeps.

        `red`: of one colour alone.
        """
        whose = {"of_merchant": merchant, "now": to_ms(self._now), "most": limit}
        questions = [question.question(self._connection, one, **whose) for one in _TO_ASK[red]]
        due, swept = await question.answers(self._connection, questions)
        chosen = {order.id: order for order in self._seen((*due, *swept), OrderView)}
        return list(chosen.values())[:limit]

    async def by_ids(self, ids: Iterable[OrderId]) -> dict[OrderId, OrderView]:
        """The orders of these ids."""
        rows = await question.rows(self._connection, _BY_IDS, ids=list(ids))
        return {order.id: order for order in self._seen(rows, OrderView)}

    async def whole(self, ids: Iterable[OrderId]) -> dict[OrderId, WholeOrder]:
        """The orders of these ids with the bytes of their rows."""
        rows = await question.rows(self._connection, _WHOLE_BY_IDS, ids=list(ids))
        return {order.id: order for order in self._seen(rows, WholeOrder)}

    async def standing(self, ids: Iterable[OrderId]) -> dict[OrderId, Guarded]:
        """State, phase and status at WDT of these orders now; changes of them can then be made together."""
        rows = await question.rows(self._connection, _STANDING, ids=list(ids))
        found = {OrderId(id_): (STATES[state], PHASES[phase], status) for id_, state, phase, status in rows}
        self._together.known.update(found.items())
        return found

    async def by_no(self, no: str, merchant: str | None = None) -> list[WholeOrder]:
        """Orders of this number: one per merchant that has it."""
        condition = [invoice_order.c.no == no]
        if merchant is not None:
            condition.append(invoice_order.c.merchant == merchant)
        rows = await self._connection.execute(WHOLE.where(*condition).order_by(invoice_order.c.id))
        return self._seen(rows, WholeOrder)

    async def _some(self, *conditions: Any, limit: int) -> list[OrderView]:
        rows = await self._connection.execute(
            select(invoice_order).where(*conditions).order_by(invoice_order.c.next_at, invoice_order.c.id).limit(limit)
        )
        return self._seen(rows, OrderView)

    def _seen(self, rows: Iterable[Sequence[Any]], kind: type[View]) -> list[View]:
        orders = [kind(row) for row in rows]
        self._together.known.update((order.id, (order.state, order.phase, order.wdt_status)) for order in orders)
        return orders

    # -- moving ----------------------------------------------------------------------------------------------------

    async def move(self, order: OrderView, event: Event, **columns: Any) -> State:
        """Take one step of the lifecycle. Raises IllegalStep, or Stale when the order has moved since it was read."""
        after = step(order.state, event)
        await self._set(order, state=after, changed_at=to_ms(self._now), **columns)
        self.moved[order.id] = after
        return after

    async def wait(self, order: OrderView, **columns: Any) -> None:
        """Change what the order waits for, not its state. Raises Stale."""
        await self._set(order, **columns)

    async def hold(self, order: OrderView, reason: Hold, facts: Mapping[str, str]) -> None:
        """Set the order aside until a person decides. Raises Stale."""
        await self.move(
            order,
            Event.HELD,
            hold=reason,
            hold_facts=orjson.dumps(dict(facts)).decode(),
            held_from=order.state,
            held_phase=order.phase,
            phase=Phase.NONE,
            sweep_at=None,
        )

    async def _set(self, order: OrderView, **columns: Any) -> None:
        was = order.state, order.phase, order.wdt_status
        guard = {"k_id": order.id, "k_state": order.state, "k_phase": order.phase, "k_status": order.wdt_status}
        known, setting = self._together.known.get(order.id), _setting(tuple(sorted(columns)))
        if known == was:  # seen in this very transaction: it can wait for others of its kind
            self._together.add(order.id, setting, {**columns, **guard}, guarded=True)
            self._together.known[order.id] = columns.get("state", was[0]), columns.get("phase", was[1]), was[2]
        elif known is not None or (await self._connection.execute(setting, {**columns, **guard})).rowcount != 1:
            raise Stale(f"order {order.no} is no longer {order.state} {order.phase}")
        self._note_due(order, columns)

    def _note_due(self, order: OrderView, columns: Mapping[str, Any]) -> None:
        """Whatever path an order was moved on, the stage that has to do with it next must not sleep past its time."""
        state, phase = columns.get("state", order.state), columns.get("phase", order.phase)
        stage = _stage_of(state, phase)
        if stage is not None and {"state", "phase", "next_at"} & columns.keys():
            self._due(stage, order.merchant, columns.get("next_at", to_ms(order.next_at)))
        if order.doubted_at is not None and state in (State.PENDING, State.INTENT):
            self._due("collect", order.merchant, columns.get("next_at", to_ms(order.next_at)))
        if columns.get("sweep_at") is not None:
            self._due("collect", order.merchant, columns["sweep_at"])

    def _due(self, stage: str, merchant: str, at: int) -> None:
        self.dues[stage, merchant] = min(at, self.dues.get((stage, merchant), at))

    # -- when something will be due --------------------------------------------------------------------------------

    async def next_to_push(self, merchant: MerchantName) -> datetime | None:
        """When something may be sent next, fresh or not; None when nothing waits."""
        return _instant(await question.first(self._connection, _NEXT_TO_PUSH, of_merchant=merchant))

    async def next_to_ask(self, merchant: MerchantName) -> datetime | None:
        """When something is to be asked about next; None when nothing is."""
        both = [question.question(self._connection, one, of_merchant=merchant) for one in _NEXT_TO_ASK]
        found = [row[0] for rows in await question.answers(self._connection, both) for row in rows]
        return _instant(min(found, default=None))

    async def doubt(self, order: OrderView) -> None:
        """Have a waiting order asked about before it counts as never sent."""
        t, now = invoice_order.c, to_ms(self._now)
        await self._connection.execute(
            update(invoice_order)
            .where(t.id == order.id, t.state == State.PENDING, t.doubted_at.is_(None))
            .values(doubted_at=now, missed_at=None, tries=0, unheard=0, next_at=now)
        )
        self._due("collect", order.merchant, now)

    async def believe(self, order_id: OrderId) -> None:
        """The issuer has answered for an order that was in doubt."""
        await self._connection.execute(
            update(invoice_order).where(invoice_order.c.id == order_id).values(doubted_at=None)
        )

    async def heard(self, order_id: OrderId) -> None:
        """Somebody has answered for an order about which nobody did."""
        await self._connection.execute(update(invoice_order).where(invoice_order.c.id == order_id).values(unheard=0))

    async def recover(self) -> int:
        """After a crash: whatever was handed to the network is to be asked about now; returns how many."""
        t = invoice_order.c
        found = await self._connection.execute(
            update(invoice_order).where(t.state == State.INTENT, t.phase == Phase.SENT).values(next_at=to_ms(self._now))
        )
        return found.rowcount

    async def rename(self, sid: str, merchant: str) -> None:
        """Follow a merchant whose name in the settings changed, with all it is owed; the sid is who it is."""
        t = invoice_order.c
        renamed = t.sid == sid, t.merchant != merchant
        ids = select(t.id).where(*renamed)
        await self._connection.execute(update(debt).where(debt.c.order_id.in_(ids)).values(merchant=merchant))
        await self._connection.execute(update(invoice_order).where(*renamed).values(merchant=merchant))
        of_before = card.c.sid == sid, card.c.merchant != merchant
        await self._connection.execute(update(card).where(*of_before).values(merchant=merchant))


_T = invoice_order.c
#: What runs for every batch is built once.
_ORDER = select(invoice_order)
_BY_IDS = _ORDER.where(Among(_T.id, "ids"))
_WHOLE_BY_IDS = WHOLE.where(Among(_T.id, "ids"))
_STANDING = select(_T.id, _T.state, _T.phase, _T.wdt_status).where(Among(_T.id, "ids"))


@cache
def _setting(columns: tuple[str, ...]) -> Update:
    """The guarded change of these columns; built once for each set of them, because it runs for every order.

    Its key finds the order. No index answers to the guard: PostgreSQL might read all that are in that state instead.
    """
    t = invoice_order.c
    return (
        update(invoice_order)
        .where(
            t.id == bindparam("k_id"),
            func.coalesce(t.state, t.state) == bindparam("k_state"),
            t.phase == bindparam("k_phase"),
            t.wdt_status == bindparam("k_status"),
        )
        .values({name: bindparam(name) for name in columns})
    )


def _sendable() -> ColumnElement[bool]:
    """Waiting at WDT as last seen, not in doubt, and never sent or cleared for sending again or going on."""
    t = invoice_order.c
    pending = and_(t.state == State.PENDING, t.phase.in_((Phase.NONE, Phase.WAITING_BLUE)))
    ready = and_(t.state == State.INTENT, t.phase.in_(SENDABLE))
    return and_(_UNFINISHED, t.wdt_status == WdtStatus.WAITING, t.doubted_at.is_(None), or_(pending, ready))


def _askable() -> ColumnElement[bool]:
    """Sent with an outcome to be learned, in doubt, moved by WDT before it was sent, or issued without its file."""
    t = invoice_order.c
    moved = t.wdt_status != WdtStatus.WAITING  # cleared for sending, but WDT does not wait for it any more
    doubted = t.doubted_at.is_not(None)
    intent = and_(t.state == State.INTENT, or_(t.phase.not_in(SENDABLE), moved, doubted))
    left = and_(t.state == State.PENDING, or_(t.phase == Phase.LEFT, doubted))
    file = and_(t.state == State.ISSUED, t.phase == Phase.FILE_PENDING)
    return or_(intent, left, file)


_OURS = _T.merchant == bindparam("of_merchant")
_DUE = and_(_OURS, _UNFINISHED, _T.next_at <= bindparam("now"))
_MOST = bindparam("most", type_=BigInteger)


def _oldest(*conditions: ColumnElement[bool], of: Select[Any] = _ORDER) -> Select[Any]:
    return of.where(*conditions).order_by(_T.next_at, _T.id).limit(_MOST)


def _soonest(when: Column[Any], *conditions: Any) -> Select[Any]:
    return select(when).where(_OURS, *conditions).order_by(when).limit(1)


def _to_ask(*colour: ColumnElement[bool]) -> tuple[Select[Any], Select[Any]]:
    """By its time, and by its late-issue sweep."""
    return _oldest(_DUE, _askable(), *colour), _oldest(_OURS, _T.sweep_at <= bindparam("now"), *colour)


_TO_PUSH = _oldest(_DUE, _sendable(), _T.seen_at >= bindparam("since"), of=WHOLE)
_TO_ASK = {None: _to_ask(), False: _to_ask(_T.is_red == 0), True: _to_ask(_T.is_red == 1)}
_ASKED_BY = select(_T.id).where(_DUE, _T.state == State.INTENT, _T.phase.not_in(SENDABLE)).limit(1)
_NEXT_TO_PUSH = _soonest(_T.next_at, _UNFINISHED, _sendable())
_NEXT_TO_ASK = _soonest(_T.next_at, _UNFINISHED, _askable()), _soonest(_T.sweep_at, _T.sweep_at.is_not(None))


def _instant(found: int | None) -> datetime | None:
    return None if found is None else from_ms(found)


def _stage_of(state: State, phase: Phase) -> str | None:
    """Which stage an order in this place waits for, by its `next_at`."""
    match state:
        case State.PENDING:
            return "collect" if phase is Phase.LEFT else "push"
        case State.INTENT:
            return "push" if phase in SENDABLE else "collect"
        case State.ISSUED if phase is Phase.FILE_PENDING:
            return "collect"
        case _:
            return None
