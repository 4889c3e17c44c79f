"""The mirror of buyers' wallets: one row for each card, however often it was imported or shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Row as SqlRow
from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from syncd.domain.taxpayer import normalise
from syncd.domain.wallet import Card, Reimburse
from syncd.store.instants import from_ms, to_ms
from syncd.store.schema import card
from syncd.store.units import Units

#: The stage that looks at cards; its unit is the merchant.
STAGE = "wallet"
#: Digits of a fully digital invoice's number, which needs no code beside it.
DIGITAL_LENGTH = 20


@dataclass(frozen=True, slots=True)
class CardView:
    """One stored card. `looked_at`: when `status` was last read afresh; `sealed`: whose it is (domain `CardSeal`).

    `own_account`: taken through the merchant's own official account, through which alone it can be changed.
    """

    id: int
    sid: str
    merchant: str
    card_id: str
    number: str
    code: str
    biz_code: str
    seller_tax_no: str
    gross: Decimal | None
    status: Reimburse | None
    status_text: str
    own_account: bool
    sealed: bytes
    seen_at: datetime
    looked_at: datetime | None
    wanted_at: datetime | None
    missed_at: datetime | None
    missed_why: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A card to be stored, with its holder's data sealed. `fresh`: its status is of this moment."""

    card: Card
    sealed: bytes
    fresh: bool
    own_account: bool = False


class Cards:
    """The card table, inside one transaction."""

    def __init__(self, connection: AsyncConnection, units: Units, now: datetime) -> None:
        self._connection = connection
        self._units = units
        self._now = now

    # -- finding ---------------------------------------------------------------------------------------------------

    async def of_invoice(
        self, merchant: str, number: str, code: str = "", *, seller_tax_no: str = "", gross: Decimal | None = None
    ) -> CardView | None:
        """The card of an invoice, the one looked at last where there are several.

        A fully digital number names its invoice alone. Eight digits name one only with the code: a card that shows no
        code is taken for it where seller and total agree too, and no card shows this very code.
        """
        if not number:
            return None
        same_number = await self._some(card.c.merchant == merchant, card.c.number == number)
        if len(number) == DIGITAL_LENGTH:
            found = same_number
        else:
            agree = [one for one in same_number if _agrees(one, seller_tax_no, gross)]
            exact = [one for one in same_number if code and one.code == code]
            found = exact or [one for one in agree if not (code and one.code)]
        oldest = self._now.replace(year=2000)
        return max(found, key=lambda one: (one.looked_at or oldest, one.seen_at), default=None)

    async def get(self, card_row: int) -> CardView | None:
        """The card in this row."""
        found = await self._some(card.c.id == card_row)
        return found[0] if found else None

    async def by_ids(self, sid: str, card_ids: Sequence[str]) -> dict[str, CardView]:
        """The cards that are known already."""
        found: dict[str, CardView] = {}
        for start in range(0, len(card_ids), 500):
            chunk = await self._some(card.c.sid == sid, card.c.card_id.in_(card_ids[start : start + 500]))
            found.update({one.card_id: one for one in chunk})
        return found

    async def wanted(self, merchant: str, limit: int) -> list[CardView]:
        """Cards that somebody waits to be looked at, the longest waiting first."""
        query = select(card).where(card.c.merchant == merchant, card.c.wanted_at.is_not(None))
        rows = await self._connection.execute(query.order_by(card.c.wanted_at, card.c.id).limit(limit))
        return [_view(row) for row in rows]

    async def all(self, merchant: str | None = None, limit: int = 1000) -> list[CardView]:
        """The mirror, what was seen last first."""
        query = select(card) if merchant is None else select(card).where(card.c.merchant == merchant)
        rows = await self._connection.execute(query.order_by(card.c.seen_at.desc(), card.c.id.desc()).limit(limit))
        return [_view(row) for row in rows]

    async def _some(self, *conditions: Any) -> list[CardView]:
        rows = await self._connection.execute(select(card).where(*conditions).order_by(card.c.id))
        return [_view(row) for row in rows]

    # -- writing down ----------------------------------------------------------------------------------------------

    async def keep(self, sid: str, merchant: str, kept: Sequence[Kept]) -> int:
        """Store cards, each once; returns how many were new.

        What the search says of a status counts only where no fresh look contradicts it (it may be stale); from
        CLOSURE and CANCEL there is no way back, whoever says it.
        """
        once = {one.card.card_id: one for one in kept}
        known = await self.by_ids(sid, list(once))
        for card_id, one in once.items():
            before = known.get(card_id)
            row = {**self._row(one, before), "merchant": merchant}
            if before is None:
                new = {"sid": sid, "card_id": card_id, "first_seen_at": to_ms(self._now)}
                await self._connection.execute(insert(card).values(**new, **row))
            else:
                await self._connection.execute(update(card).where(card.c.id == before.id).values(**row))
        return len(once.keys() - known.keys())

    def _row(self, kept: Kept, before: CardView | None) -> dict[str, object]:
        shown, now = kept.card, to_ms(self._now)
        row: dict[str, object] = {
            "number": shown.number or (before.number if before else ""),
            "code": shown.code or (before.code if before else ""),
            "biz_code": shown.biz_code or (before.biz_code if before else ""),
            "seller_tax_no": shown.seller_tax_no or (before.seller_tax_no if before else ""),
            "gross": str(shown.gross if shown.gross is not None else before.gross if before else "") or None,
            "own_account": int(kept.own_account or (before.own_account if before else False)),
            "sealed": kept.sealed,
            "status": _status(kept, before),
            "seen_at": now,
        }
        if kept.fresh:
            row |= {"looked_at": now, "wanted_at": None, "missed_at": None, "missed_why": ""}
        return row

    async def want_look(self, view: CardView) -> None:
        """Have the wallet stage read this card's status afresh, now; asked for twice, it is read once."""
        await self._connection.execute(
            update(card).where(card.c.id == view.id, card.c.wanted_at.is_(None)).values(wanted_at=to_ms(self._now))
        )
        await self._units.wake(STAGE, view.merchant)

    async def missed(self, ids: Sequence[int], why: str) -> None:
        """These could not be looked at: whoever waits for them goes on without."""
        await self._connection.execute(
            update(card)
            .where(card.c.id.in_(ids))
            .values(wanted_at=None, missed_at=to_ms(self._now), missed_why=why[:200])
        )


def _agrees(view: CardView, seller_tax_no: str, gross: Decimal | None) -> bool:
    """Whether a card shows this seller and this total; what is not told agrees with nothing."""
    told = bool(seller_tax_no) and gross is not None
    return told and normalise(view.seller_tax_no) == seller_tax_no and view.gross == gross


_FINAL = (Reimburse.CLOSURE, Reimburse.CANCEL)


def _status(kept: Kept, before: CardView | None) -> str:
    shown = kept.card.status_text
    if kept.fresh or before is None:
        return shown
    looked = before.looked_at is not None and before.status is not None
    return before.status_text if looked and kept.card.status not in _FINAL else shown or before.status_text


def _view(row: SqlRow[Any]) -> CardView:
    return CardView(
        id=row.id,
        sid=row.sid,
        merchant=row.merchant,
        card_id=row.card_id,
        number=row.number,
        code=row.code,
        biz_code=row.biz_code,
        seller_tax_no=row.seller_tax_no,
        gross=Decimal(row.gross) if row.gross is not None else None,
        status=Reimburse(row.status) if row.status in set(Reimburse) else None,
        status_text=row.status,
        own_account=bool(row.own_account),
        sealed=row.sealed,
        seen_at=from_ms(row.seen_at),
        looked_at=from_ms(row.looked_at),
        wanted_at=from_ms(row.wanted_at),
        missed_at=from_ms(row.missed_at),
        missed_why=row.missed_why,
    )
