"""The wallet of one merchant, opened for one command; what its troubles are told as."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from syncd.cli.frame import Frame
from syncd.cli.output import beijing
from syncd.cli.troubles import Failed
from syncd.cli.words import Lang, speaker

if TYPE_CHECKING:
    from syncd.config import Settings, Yuannian
    from syncd.domain.trouble import Verdict
    from syncd.domain.wallet import Card
    from syncd.stages.turn import Merchant
    from syncd.store.store import Store
    from syncd.wire.yuannian.client import YuannianWallet


@dataclass(frozen=True, slots=True)
class Account:
    """A merchant's wallet. `kept` tells whether there is a store to keep cards in."""

    name: str
    lang: Lang
    settings: Yuannian
    wallet: YuannianWallet
    merchant: Merchant
    store: Store
    kept: bool


def section(frame: Frame, settings: Settings, name: str | None) -> tuple[str, Yuannian]:
    """The merchant meant, and its settings at Yuannian. Raises Unusable."""
    if name is not None:
        found = settings.merchant(frame.merchant(settings, name)).yuannian
        if found is None:
            raise frame.unusable("wallet.not_here", name=name)
        return name, found
    having = [(str(one.name), one.yuannian) for one in settings.merchants if one.yuannian is not None]
    if len(having) > 1:
        raise frame.unusable("wallet.which", names=", ".join(one for one, _ in having))
    if not having:
        raise frame.unusable("wallet.none")
    return having[0]


@asynccontextmanager
async def account(frame: Frame, name: str | None) -> AsyncIterator[Account]:
    """The wallet, its connections closed at the end; the parties' troubles become Failed.

    A store is used where there is one of this program's, and not made. Raises: Unusable, Failed, InAMove.
    """
    from syncd.domain.trouble import Paced, Trouble
    from syncd.parties import join
    from syncd.store import migrate
    from syncd.store.store import Store

    settings = frame.settings()
    merchant, found = section(frame, settings, name)
    url = settings.store.url.get_secret_value()
    try:
        migrate.require_current(url)
        ready = True
    except migrate.NotReady:
        ready = False
    from syncd.domain.clock import SystemClock

    async with Store.at(url, SystemClock(), make=False) as store:
        store.by_hand = True
        if ready:  # whoever goes on in its place has the pace of these calls, and the cards
            async with store.read() as tx:
                await tx.instance.require_workable()
        parties = join(settings, store, store.clock, store_is_ready=ready)
        try:
            if merchant in parties.wallets_off:
                raise frame.unusable("wallet.off", name=merchant, why=parties.wallets_off[merchant])
            here = next(one for one in parties.merchants if one.name == merchant)
            yield Account(merchant, frame.lang, found, parties.wallets[merchant], here, store, ready)
        except Paced as paced:
            raise frame.failed("wallet.rests", until=beijing(paced.until)) from None
        except Trouble as trouble:
            raise told(frame, trouble.verdict) from None
        finally:
            await parties.close()


def told(frame: Frame, verdict: Verdict) -> Failed:
    """The party's words, and what to do about them."""
    from syncd.catalogue import find, unlisted
    from syncd.watch.redaction import masked

    entry = find(verdict.platform, verdict.code, verdict.text) or unlisted()
    remedy = entry.remedies[0 if frame.lang == "zh" else 1]
    return frame.failed("wallet.refused", what=masked(refusal_said(frame.lang, verdict)), remedy=remedy)


def refusal_said(lang: Lang, verdict: Verdict) -> str:
    """The platform's code and words; where the words begin with the code, it is said once."""
    text = verdict.text.removeprefix(verdict.code).lstrip(":： ")
    return speaker(lang)("wallet.said", code=verdict.code, text=text or "-")


def card_facts(card: Card, merchant: str) -> dict[str, Any]:
    """A card as --json shows it. The code that proves whose it is stays out."""
    return {
        "merchant": merchant,
        "card_id": card.card_id,
        "status": card.status_text,
        "invoice_no": card.number,
        "invoice_code": card.code,
        "biz_code": card.biz_code,
        "openid": card.openid,
        "kind": card.kind,
        "title": card.title,
        "buyer_tax_no": card.buyer_tax_no,
        "seller_name": card.seller_name,
        "seller_tax_no": card.seller_tax_no,
        "billed_on": card.billed_on.isoformat() if card.billed_on else None,
        "gross": None if card.gross is None else str(card.gross),
        "net": None if card.net is None else str(card.net),
        "tax": None if card.tax is None else str(card.tax),
        "lines": [
            {
                "name": line.name,
                "quantity": None if line.quantity is None else str(line.quantity),
                "unit": line.unit,
                "amount": None if line.amount is None else str(line.amount),
            }
            for line in card.lines
        ],
    }


def status_said(frame: Frame, status_text: str) -> str:
    """A status in words; as it came where nobody knows it."""
    from syncd.domain.wallet import Reimburse

    if status_text not in set(Reimburse):
        return status_text or "-"
    return frame.say(f"wallet.{status_text.rpartition('_')[2]}")


def card_cells(frame: Frame, card: Card) -> list[str]:
    """A card as a line of a table."""
    return [
        card.card_id,
        card.number or "-",
        status_said(frame, card.status_text),
        "-" if card.gross is None else str(card.gross),
        card.billed_on.isoformat() if card.billed_on else "-",
    ]


def card_headers(frame: Frame) -> list[str]:
    return [frame.say(f"column.{name}") for name in ("card", "invoice", "state", "gross", "billed")]
