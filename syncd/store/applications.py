"""Buyers' applications at the invoice centre: what is due, what the centre said, and what is owed to it.

A debt to the centre stands in the table `debt` for each linked order that has ended (target `alibaba`, `revision` the
application's id); the application's own row says how far we are in paying it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NewType

import orjson
from sqlalchemy import Row as SqlRow
from sqlalchemy import bindparam, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.domain.application import Standing, Stuck
from syncd.domain.centre import ApplyId, InvoiceUk
from syncd.domain.lifecycle import State
from syncd.domain.order import MerchantName
from syncd.store import question
from syncd.store.instants import from_ms, to_ms
from syncd.store.orders import OrderId, Stale
from syncd.store.question import Among
from syncd.store.schema import application, application_link, debt, invoice_file, invoice_order, order_trade

ApplicationId = NewType("ApplicationId", int)

#: An application that waits for its orders is due at no time; whatever moves one of them makes it due.
NEVER = 2**62
#: What an application last came to: it waits for a file to be fetched.
FOR_A_FILE = "file"
#: And: the program failed over it, and leaves it alone for hours.
PARKED = "parked"
#: The stage that tells the centre, and the one that fetches files for it.
STAGE, FILES_STAGE = "alibaba", "files"

#: Where an order stands when its part of an application is decided.
_ENDS = frozenset({State.ISSUED, State.DONE85, State.CANCELLED})
_NOT_HELD = text("application.state <> 'held'")  # the words of the partial index
_ENDED = "('ISSUED', 'DONE60', 'DONE85')"
_OF_APPLICATION = "SELECT order_id FROM application_link WHERE application_id = :application"
_VOID = text(f"""
UPDATE debt SET state = 'void', settled_at = :now WHERE target = 'alibaba' AND revision = :application
  AND state IN ('owed', 'sent') AND order_id IN ({_OF_APPLICATION})
""")
_OWE = text(f"""
INSERT INTO debt (order_id, merchant, target, kind, generation, revision, state, text, tries, looks, next_at, owed_at)
SELECT o.id, o.merchant, 'alibaba', CASE WHEN o.state = 'DONE85' THEN 'inv_failed' ELSE 'inv_success' END,
  o.generation, l.application_id, 'owed', '', 0, 0, :now, :now
FROM application_link l JOIN invoice_order o ON o.id = l.order_id
WHERE l.application_id = :application AND l.cancelled_at IS NULL AND o.state IN {_ENDED}
ON CONFLICT (order_id, target, kind, generation, revision) DO UPDATE SET state = 'owed', settled_at = NULL
WHERE debt.state = 'void'
""")
_SENT = text(f"""
UPDATE debt SET state = 'sent', tries = tries + 1, sent_at = :now WHERE target = 'alibaba'
  AND revision = :application AND state IN ('owed', 'sent') AND order_id IN ({_OF_APPLICATION})
""")
_PAID = text(f"""
UPDATE debt SET state = 'paid', settled_at = :now WHERE target = 'alibaba' AND revision = :application
  AND state IN ('owed', 'sent') AND order_id IN ({_OF_APPLICATION})
""")
_WANT_FILES = text("""
INSERT INTO invoice_file (order_id, merchant, state, wanted_at, next_at)
SELECT DISTINCT o.id, o.merchant, 'wanted', :now, :now
FROM application_link l JOIN invoice_order o ON o.id = l.order_id
WHERE o.id IN :orders AND l.cancelled_at IS NULL AND o.state IN ('ISSUED', 'DONE60')
ON CONFLICT (order_id) DO NOTHING
""").bindparams(bindparam("orders", expanding=True))
_CONCERNED = (
    select(application.c.id, application.c.merchant, application.c.state, application_link.c.order_id)
    .join(application_link, application_link.c.application_id == application.c.id)
    .where(Among(application_link.c.order_id, "orders"))
)


@dataclass(frozen=True, slots=True)
class ApplicationView:
    """One application. `missing` are those it lacked when it was asked last; `next_at` None: not by itself."""

    id: ApplicationId
    sid: str
    merchant: MerchantName
    apply_id: ApplyId
    source: str
    platform_code: str
    platform_tid: str
    noticed_at: datetime | None
    seen_at: datetime
    state: Standing
    hold: Stuck | None
    hold_facts: dict[str, str]
    next_at: datetime | None
    round: int
    missing: tuple[InvoiceUk, ...] | None
    blanks: int
    tries: int
    read_at: datetime | None
    said: str
    said_at: datetime | None
    told: str
    answer: str
    request_id: str
    afresh_at: datetime | None
    version: int
    changed_at: datetime


class Applications:
    """The application table, inside one transaction."""

    def __init__(self, connection: AsyncConnection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    # -- choosing --------------------------------------------------------------------------------------------------

    async def due(self, merchant: MerchantName, limit: int) -> list[ApplicationId]:
        """What is to be worked on now, longest waiting first."""
        t = application.c
        rows = await self._connection.execute(
            select(t.id)
            .where(t.merchant == merchant, _NOT_HELD, t.next_at <= to_ms(self._now))
            .order_by(t.next_at, t.id)
            .limit(limit)
        )
        return [ApplicationId(found) for found in rows.scalars()]

    async def next_due(self, merchant: MerchantName) -> datetime | None:
        """When something is to be done next; None when everything waits for orders or people."""
        t = application.c
        found = await self._connection.scalar(
            select(t.next_at)
            .where(t.merchant == merchant, _NOT_HELD, t.next_at < NEVER)
            .order_by(t.next_at, t.id)
            .limit(1)
        )
        return None if found is None else from_ms(found)

    async def get(self, application_id: ApplicationId) -> ApplicationView:
        """One application by its id, which must exist."""
        rows = await self._connection.execute(select(application).where(application.c.id == application_id))
        return view(rows.one())

    async def find(self, apply_id: str, merchant: str | None = None) -> list[ApplicationView]:
        """Applications of this id: one per merchant that has it."""
        conditions = [application.c.apply_id == apply_id]
        if merchant is not None:
            conditions.append(application.c.merchant == merchant)
        rows = await self._connection.execute(select(application).where(*conditions).order_by(application.c.id))
        return [view(row) for row in rows]

    async def of_trade(self, merchant: MerchantName, tid: str) -> list[ApplicationView]:
        """The applications for one trade of the platform."""
        t = application.c
        rows = await self._connection.execute(
            select(application).where(t.merchant == merchant, t.platform_tid == tid).order_by(t.id)
        )
        return [view(row) for row in rows]

    async def of_order(self, order_id: OrderId) -> list[ApplicationView]:
        """The applications an order was ever linked to."""
        rows = await self._connection.execute(
            select(application)
            .join(application_link, application_link.c.application_id == application.c.id)
            .where(application_link.c.order_id == order_id)
            .order_by(application.c.id)
        )
        return [view(row) for row in rows]

    async def all(self, *, merchant: str | None = None, state: Standing | None = None) -> list[ApplicationView]:
        """The work list: newest change first."""
        query = select(application).order_by(application.c.changed_at.desc(), application.c.id.desc())
        if merchant is not None:
            query = query.where(application.c.merchant == merchant)
        if state is not None:
            query = query.where(application.c.state == state)
        return [view(row) for row in await self._connection.execute(query)]

    # -- counting --------------------------------------------------------------------------------------------------

    async def by_state(self) -> dict[tuple[str, Standing], int]:
        """How many applications per merchant and state."""
        t = application.c
        rows = await self._connection.execute(select(t.merchant, t.state, func.count()).group_by(t.merchant, t.state))
        return {(merchant, Standing(state)): int(count) for merchant, state, count in rows}

    async def by_hold(self) -> dict[tuple[str, str], int]:
        """How many held applications per merchant and reason."""
        t = application.c
        rows = await self._connection.execute(
            select(t.merchant, t.hold, func.count()).where(t.state == Standing.HELD).group_by(t.merchant, t.hold)
        )
        return {(merchant, hold): int(count) for merchant, hold, count in rows}

    async def oldest_held(self) -> datetime:
        """Since when the oldest held application waits; one must be there."""
        t = application.c
        found = await self._connection.scalar(select(func.min(t.changed_at)).where(t.state == Standing.HELD))
        assert found is not None
        return from_ms(found)

    async def unsettled(self) -> dict[str, int]:
        """Per merchant, applications with something still to be done without a person."""
        t = application.c
        rows = await self._connection.execute(
            select(t.merchant, func.count()).where(_NOT_HELD, t.next_at < NEVER).group_by(t.merchant)
        )
        return {merchant: int(count) for merchant, count in rows}

    # -- moving ----------------------------------------------------------------------------------------------------

    async def wait(self, seen: ApplicationView, **columns: Any) -> None:
        """Change what is known of an application, not its state. Raises Stale when it has moved since it was read."""
        await self._set(seen, columns)

    async def move(self, seen: ApplicationView, state: Standing, **columns: Any) -> None:
        """Bring an application into `state`, with what is owed to the centre for it. Raises Stale."""
        more = {"hold": None, "hold_facts": None} if seen.state is Standing.HELD else {}
        await self._set(seen, {**more, **columns, "state": state, "changed_at": to_ms(self._now)})
        match state:
            case Standing.DONE:
                await self._debts(_PAID, seen.id)
            case Standing.HELD | Standing.WITHDRAWN:
                await self._debts(_VOID, seen.id)
            case Standing.OWED:
                await self._debts(_OWE, seen.id)
            case Standing.WAITING:
                pass

    async def hold(self, seen: ApplicationView, stuck: Stuck, facts: Mapping[str, str]) -> None:
        """Leave it until a person decides. Raises Stale."""
        await self.move(
            seen, Standing.HELD, hold=stuck, hold_facts=orjson.dumps(dict(facts)).decode(), next_at=NEVER, tries=0
        )

    async def saying(self, seen: ApplicationView, status: str) -> None:
        """About to be told: from now on the centre may have taken it. Raises Stale."""
        await self._set(seen, {"said": status, "said_at": to_ms(self._now)})
        await self._debts(_SENT, seen.id)

    async def void(self, application_id: ApplicationId) -> None:
        """Nothing is owed for its orders any more."""
        await self._debts(_VOID, application_id)

    async def owe(self, application_id: ApplicationId) -> None:
        """Write down what the centre is owed for the linked orders as they stand now."""
        await self._debts(_VOID, application_id)
        await self._debts(_OWE, application_id)

    async def _set(self, seen: ApplicationView, columns: Mapping[str, Any]) -> None:
        t = application.c
        done = await self._connection.execute(
            update(application)
            .where(t.id == seen.id, t.state == seen.state, t.version == seen.version)
            .values(**columns)
        )
        if done.rowcount != 1:
            raise Stale(f"application {seen.apply_id} is no longer {seen.state}")

    async def _debts(self, statement: Any, application_id: ApplicationId) -> None:
        await self._connection.execute(statement, {"application": application_id, "now": to_ms(self._now)})

    # -- what happened to orders -----------------------------------------------------------------------------------

    async def orders_moved(self, moved: Mapping[OrderId, State]) -> list[tuple[str, str]]:
        """Part of the transaction that moved orders: what the centre is owed now, and which units have work by it."""
        ids = [order_id for order_id, state in moved.items() if state is not State.DONE60]  # told since it was ISSUED
        if not ids:
            return []
        concerned = [
            (application_id, merchant)
            for application_id, merchant, standing, order_id in await question.rows(
                self._connection, _CONCERNED, orders=ids
            )
            # One that waits need not know that an order of it is on its way; one that was told must.
            if moved[order_id] in _ENDS or standing != Standing.WAITING
        ]
        if not concerned:
            return []
        await self.orders_changed(list(dict.fromkeys(ApplicationId(one) for one, _ in concerned)))
        wake = [(STAGE, merchant) for _, merchant in concerned]
        if any(state is State.ISSUED for state in moved.values()):
            await self.want_files(ids)
            wake += [(FILES_STAGE, merchant) for _, merchant in concerned]
        return list(dict.fromkeys(wake))

    async def orders_changed(self, ids: Sequence[ApplicationId]) -> None:
        """Look at these applications anew: what they are linked to, or how that ended, is another now."""
        t = application.c
        await self._connection.execute(update(application).where(t.id.in_(ids)).values(version=t.version + 1))
        await self._connection.execute(
            update(application).where(t.id.in_(ids), _NOT_HELD).values(next_at=to_ms(self._now))
        )
        rows = await self._connection.execute(
            select(t.id).where(t.id.in_(ids), t.state.in_((Standing.WAITING, Standing.OWED)))
        )
        for found in rows.scalars().all():
            await self.owe(ApplicationId(found))

    async def file_came(self, order_id: OrderId) -> None:
        """The file of an order is here, or cannot be had: who waits for it goes on."""
        t, k = application.c, application_link.c
        of_order = select(k.application_id).where(k.order_id == order_id)
        await self._connection.execute(
            update(application)
            .where(t.id.in_(of_order), _NOT_HELD, t.answer == FOR_A_FILE, t.next_at > to_ms(self._now))
            .values(next_at=to_ms(self._now))
        )

    async def want_files(self, order_ids: Iterable[OrderId]) -> None:
        """Have the files of these orders fetched, as far as they are issued and linked."""
        await self._connection.execute(_WANT_FILES, {"orders": list(order_ids), "now": to_ms(self._now)})

    async def rename(self, sid: str, merchant: str) -> None:
        """Follow a merchant whose name in the settings changed."""
        renamed = application.c.sid == sid, application.c.merchant != merchant
        await self._connection.execute(update(application).where(*renamed).values(merchant=merchant))
        ids = select(invoice_order.c.id).where(invoice_order.c.sid == sid)
        for table in (invoice_file, order_trade):
            moved = table.c.order_id.in_(ids), table.c.merchant != merchant
            await self._connection.execute(update(table).where(*moved).values(merchant=merchant))

    async def open_debts(self, order_id: OrderId) -> int:
        """How much the centre is still owed for one order."""
        found = await self._connection.scalar(
            select(func.count()).where(
                debt.c.order_id == order_id, debt.c.target == "alibaba", debt.c.state.in_(("owed", "sent"))
            )
        )
        return int(found or 0)


def spelled(invoices: Iterable[InvoiceUk]) -> str:
    """A list of invoices as one text, in one order and one spelling."""
    normal = sorted({(uk.number, uk.code) for uk in (one.normal() for one in invoices)})
    return " ".join(f"{number}/{code}" if code else number for number, code in normal)


def read_back(told: str) -> tuple[InvoiceUk, ...]:
    """What `spelled` wrote."""
    return tuple(InvoiceUk(number, code) for number, _, code in (one.partition("/") for one in told.split()))


def view(row: SqlRow[Any]) -> ApplicationView:
    return ApplicationView(
        id=ApplicationId(row.id),
        sid=row.sid,
        merchant=MerchantName(row.merchant),
        apply_id=ApplyId(row.apply_id),
        source=row.source,
        platform_code=row.platform_code,
        platform_tid=row.platform_tid,
        noticed_at=from_ms(row.noticed_at),
        seen_at=from_ms(row.seen_at),
        state=Standing(row.state),
        hold=Stuck(row.hold) if row.hold else None,
        hold_facts=orjson.loads(row.hold_facts) if row.hold_facts else {},
        next_at=None if row.next_at >= NEVER else from_ms(row.next_at),
        round=row.round,
        missing=None if row.missing is None else read_back(row.missing),
        blanks=row.blanks,
        tries=row.tries,
        read_at=from_ms(row.read_at),
        said=row.said,
        said_at=from_ms(row.said_at),
        told=row.told,
        answer=row.answer,
        request_id=row.request_id,
        afresh_at=from_ms(row.afresh_at),
        version=row.version,
        changed_at=from_ms(row.changed_at),
    )
