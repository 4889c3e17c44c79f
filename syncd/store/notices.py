"""The platform's messages, each recorded once with its own words, and the trades that orders are about."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.domain.centre import Notice
from syncd.domain.order import MerchantName
from syncd.store.dialect import upsert
from syncd.store.instants import to_ms
from syncd.store.orders import OrderId
from syncd.store.schema import notice_seen, order_trade


class Notices:
    """The notice_seen and order_trade tables, inside one transaction."""

    def __init__(self, connection: AsyncConnection, now: datetime) -> None:
        self._connection = connection
        self._now = now

    async def unseen(self, merchant: MerchantName, notices: Iterable[Notice]) -> list[Notice]:
        """Those not recorded before, each once, in the order they came."""
        wanted = {notice.id: notice for notice in notices}
        n = notice_seen.c
        known = await self._connection.execute(select(n.id).where(n.merchant == merchant, n.id.in_(list(wanted))))
        seen = set(known.scalars())
        return [notice for id_, notice in wanted.items() if id_ not in seen]

    async def note(self, merchant: MerchantName, notice: Notice) -> None:
        """Record a message with its own words, before it is confirmed."""
        await self._connection.execute(
            insert(notice_seen).values(
                merchant=merchant,
                id=notice.id,
                topic=notice.topic,
                platform_tid=notice.platform_tid,
                trigger_status=notice.trigger_status,
                published_at=to_ms(notice.published_at),
                seen_at=to_ms(self._now),
                content=notice.content,
            )
        )

    async def withdrawn_after(self, merchant: MerchantName, tid: str, published_at: datetime | None) -> bool:
        """Whether a withdrawal of this trade, published after that instant, was recorded already."""
        if not tid or published_at is None:
            return False
        n = notice_seen.c
        found = await self._connection.scalar(
            select(func.count()).where(
                n.merchant == merchant,
                n.platform_tid == tid,
                n.trigger_status == "buyer_cancel",
                n.published_at > to_ms(published_at),
            )
        )
        return bool(found)

    async def forget(self, older_than: timedelta) -> None:
        """Messages this old are not delivered again."""
        n = notice_seen.c
        await self._connection.execute(delete(notice_seen).where(n.seen_at < to_ms(self._now - older_than)))

    async def note_trades(self, merchant: MerchantName, order_id: OrderId, tids: Iterable[str]) -> None:
        """The platform's trade numbers that an order carries."""
        for tid in dict.fromkeys(tids):
            values = {"merchant": merchant, "tid": tid, "order_id": order_id}
            known = upsert(self._connection, order_trade).values(**values).on_conflict_do_nothing()
            await self._connection.execute(known)

    async def orders_of_trade(self, merchant: MerchantName, tid: str) -> list[OrderId]:
        """The orders that carry this trade number."""
        t = order_trade.c
        rows = await self._connection.execute(
            select(t.order_id).where(t.merchant == merchant, t.tid == tid).order_by(t.order_id)
        )
        return [OrderId(found) for found in rows.scalars()]
