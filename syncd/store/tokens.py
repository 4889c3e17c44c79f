"""Where fetched logins survive restarts: an issuer may allow fifty token calls in thirty days and no more."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, select

from syncd.domain.ports import Token
from syncd.store.dialect import upsert
from syncd.store.instants import from_ms, to_ms
from syncd.store.schema import token, token_call
from syncd.store.store import Store

_ALLOWANCE = timedelta(days=30)


class Shelf:
    """The `TokenShelf` of the domain, over the store."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def get(self, issuer: str) -> Token | None:
        """The newest token of an issuer, sealed as its client sealed it."""
        async with self._store.read() as tx:
            row = (await tx.connection.execute(select(token).where(token.c.issuer == issuer))).first()
        return None if row is None else Token(row.sealed, from_ms(row.expires_at))

    async def put(self, issuer: str, value: Token) -> None:
        """Replace the issuer's token."""
        async with self._store.begin(fact="token.kept", scope=f"token:{issuer}") as tx:
            row = {"sealed": value.sealed, "expires_at": to_ms(value.expires_at), "put_at": to_ms(tx.now)}
            put = upsert(tx.connection, token).values(issuer=issuer, **row)
            await tx.connection.execute(put.on_conflict_do_update(index_elements=[token.c.issuer], set_=row))

    async def may_fetch(self, issuer: str, at: datetime, rest_for: float, per_30_days: int) -> bool:
        """Grant one fetch and note it durably before it is made, so that a crash loop cannot repeat it."""
        calls = token_call.c
        async with self._store.begin(fact="token.tried", scope=f"token:{issuer}") as tx:
            await tx.connection.execute(delete(token_call).where(calls.at < to_ms(at - _ALLOWANCE)))
            made, newest = (
                await tx.connection.execute(select(func.count(), func.max(calls.at)).where(calls.issuer == issuer))
            ).one()
            rested = newest is None or to_ms(at) - newest >= int(rest_for * 1000)
            granted = bool(rested and made < per_30_days)
            if granted:
                await tx.connection.execute(insert(token_call).values(issuer=issuer, at=to_ms(at)))
        return granted
