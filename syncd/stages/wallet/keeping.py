"""Cards into the mirror: what only an import tells of a holder is kept, sealed, whatever the search leaves out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from syncd.domain.wallet import Card, CardSeal, Holder
from syncd.store.cards import Kept
from syncd.store.store import Tx


async def keep_cards(
    tx: Tx,
    sid: str,
    merchant: str,
    seal: CardSeal,
    cards: Sequence[Card],
    *,
    codes: Mapping[str, str] | None = None,
    own_account: bool = False,
) -> int:
    """Store `cards` and return how many were new.

    `codes` are the encrypt codes they were imported by, by card; given, even empty, what is shown counts as of this
    moment. Without, the search has shown them, and may be behind.
    """
    known = await tx.cards.by_ids(sid, [card.card_id for card in cards])
    kept: list[Kept] = []
    for card in cards:
        before = known.get(card.card_id)
        holder = None if before is None else seal.opened(card.card_id, before.sealed)
        now = merged(holder or Holder(), card, (codes or {}).get(card.card_id, ""))
        sealed = before.sealed if before is not None and now == holder else seal.closed(card.card_id, now)
        kept.append(Kept(card, sealed, fresh=codes is not None, own_account=own_account))
    return await tx.cards.keep(sid, merchant, kept)


def merged(before: Holder, card: Card, encrypt_code: str) -> Holder:
    """What is known of the holder now. The openid of an import stays: the search may show another account's."""
    imported = bool(encrypt_code)
    return Holder(
        encrypt_code=encrypt_code or before.encrypt_code,
        openid=(card.openid or before.openid) if imported else (before.openid or card.openid),
        title=card.title or before.title,
        buyer_tax_no=card.buyer_tax_no or before.buyer_tax_no,
        pdf_url=card.pdf_url or before.pdf_url,
    )
