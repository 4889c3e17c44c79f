"""The buyer's WeChat wallet as the stages see it, through Yuannian (元年): cards, and who is reimbursing them.

A red invoice cancels a blue one that may lie in its buyer's wallet. A card that the buyer's employer has locked or
written off says so here, before the red one is sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from syncd.domain.trouble import Permanent


class Reimburse(StrEnum):
    """Where a card stands in its holder's reimbursement (seed yuannian-wechat §2.2)."""

    INIT = "INVOICE_REIMBURSE_INIT"  # not locked
    LOCK = "INVOICE_REIMBURSE_LOCK"  # being reimbursed
    CLOSURE = "INVOICE_REIMBURSE_CLOSURE"  # written off: irreversible
    CANCEL = "INVOICE_REIMBURSE_CANCEL"  # reversed: irreversible


@dataclass(frozen=True, slots=True)
class CardRef:
    """What an import needs: the card and the code that proves the holder gave it."""

    card_id: str
    encrypt_code: str


@dataclass(frozen=True, slots=True)
class CardLine:
    """One line of a card's invoice. `amount` is the line's net amount, though the platform calls it a unit price."""

    name: str
    quantity: Decimal | None
    unit: str
    amount: Decimal | None


@dataclass(frozen=True, slots=True)
class Card:
    """One electronic invoice in a wallet, as the platform shows it.

    `billed_on` is None where it is missing or before 2015: the platform is known to misread its own dates (seed
    yuannian-wechat §2.4 shows 1970-01-19). `seller_name` is what it calls `payee`. `status` is None where it is none
    of the four known words; `status_text` keeps the word.
    """

    card_id: str
    number: str
    code: str
    status: Reimburse | None
    status_text: str
    biz_code: str = ""
    openid: str = ""
    kind: str = ""
    title: str = ""
    buyer_tax_no: str = ""
    seller_name: str = ""
    seller_tax_no: str = ""
    billed_on: date | None = None
    gross: Decimal | None = None
    net: Decimal | None = None
    tax: Decimal | None = None
    check_code: str = ""
    pdf_url: str = ""
    trip_pdf_url: str = ""
    lines: tuple[CardLine, ...] = ()


@dataclass(frozen=True, slots=True)
class CardSearch:
    """What to look for; instants are aware UTC and mean the card's last change."""

    biz_code: str = ""
    number: str = ""
    code: str = ""
    changed_from: datetime | None = None
    changed_to: datetime | None = None
    tax_nos: tuple[str, ...] = ()
    page: int = 1
    size: int = 50


@dataclass(frozen=True, slots=True)
class CardPage:
    """One page of cards. `rows` may repeat a card: the platform counts imports, not invoices."""

    page: int
    total_pages: int
    count: int
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class QrImage:
    """A QR code through which staff import cards at a PC; `content` is our document number or the platform's own."""

    content: str
    image: bytes  # PNG or JPEG, checked by its first bytes


class AlreadyImported(Permanent):
    """The platform has this card already and did not show it: the search shows it instead."""


@dataclass(frozen=True, slots=True)
class Holder:
    """What of a card is kept sealed: whose it is, and what changing it takes."""

    encrypt_code: str = ""  # empty where only the search has shown the card
    openid: str = ""
    title: str = ""
    buyer_tax_no: str = ""
    pdf_url: str = ""


class CardSeal(Protocol):
    """Seals a holder's data with a key that only the account's secret makes."""

    def closed(self, card_id: str, holder: Holder) -> bytes:
        """The holder's data of this card, to be stored."""
        ...

    def opened(self, card_id: str, sealed: bytes) -> Holder | None:
        """None for what was sealed under another secret, or for another card."""
        ...


class Wallet(Protocol):
    """One merchant's account at Yuannian.

    Every call raises Transient (nothing happened), InDoubt (a change may have happened: ask by importing again),
    Permanent (refused; `verdict.care` says whether the account or this card is meant) and Paced.
    Source: seed yuannian-wechat. Not said there: the text that is signed, error codes, batch size, rates.
    """

    async def import_cards(
        self, cards: Sequence[CardRef], biz_code: str = "", *, access_token: str = ""
    ) -> Sequence[Card]:
        """Import cards (≤ 100) and see their status afresh; a card missing from the answer was not imported.

        With `access_token` (the caller's own official account) through the H5 interface (§2.6), else §2.1.
        """
        ...

    async def set_status(
        self, openid: str, status: Reimburse, cards: Sequence[CardRef], *, access_token: str = ""
    ) -> None:
        """Change the cards' status, all or none (§2.2; with `access_token` §2.7)."""
        ...

    async def qrcode(self, width: int, height: int, content: str = "") -> QrImage:
        """A QR code to import by (§2.3). Raises Permanent where what comes is no image."""
        ...

    async def search(self, query: CardSearch) -> CardPage:
        """One page of imported cards (§2.4)."""
        ...

    async def jssdk_sign(self, noncestr: str, ticket: str, timestamp: int, url: str) -> str:
        """The platform's JS-SDK signature (§2.5): hands the ticket to it. `domain.jssdk.signature` needs nobody."""
        ...
