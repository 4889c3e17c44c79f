"""An electronic invoice in somebody's WeChat wallet, and what happened to it."""

import hashlib
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

INIT = "INVOICE_REIMBURSE_INIT"
LOCK = "INVOICE_REIMBURSE_LOCK"
CLOSURE = "INVOICE_REIMBURSE_CLOSURE"
CANCEL = "INVOICE_REIMBURSE_CANCEL"
STATUSES = (INIT, LOCK, CLOSURE, CANCEL)
TERMINAL = frozenset({CLOSURE, CANCEL})


def status_word(short: str) -> str:
    """The full word of "LOCK" or of itself. Raises: ValueError."""
    word = short if short in STATUSES else f"INVOICE_REIMBURSE_{short}"
    if word not in STATUSES:
        raise ValueError(f"unknown status {short!r}; known: INIT, LOCK, CLOSURE, CANCEL")
    return word


class Goods(NamedTuple):
    """One line: its name and its net amount (which the platform calls a unit price)."""

    name: str
    amount: Decimal


class StatusChange(NamedTuple):
    """One change of a card's status. `by` is the account that made it, or who else ("issuer", "employer")."""

    card_id: str
    before: str
    after: str
    by: str
    at: float


@dataclass(slots=True)
class Card:
    """A card as WeChat knows it. Amounts are yuan; `billed_at` and `changed_at` are unix seconds.

    `holder` tells people apart; `openids` give their id for each official account. `locked_by` holds the lock.
    """

    card_id: str
    encrypt_code: str
    number: str
    code: str
    status: str
    gross: Decimal
    net: Decimal
    tax: Decimal
    title: str
    buyer_tax_no: str
    seller_name: str
    seller_tax_no: str
    billed_at: float
    changed_at: float
    kind: str
    lines: list[Goods]
    holder: str
    openids: dict[str, str] = field(default_factory=dict)
    locked_by: str = ""
    check_code: str = ""

    def openid(self, account: str) -> str:
        """Who holds the card, as `account` knows the holder."""
        return self.openids.setdefault(account, "o" + _letters(f"{account}/{self.holder}", 27))


@dataclass(slots=True)
class Import:
    """One import of a card into the platform: search lists imports, so a card may be listed twice.

    `status` is what the platform saw last; `changed_at` is the update time search filters by.
    """

    card: Card
    biz_code: str
    account: str
    app_id: str
    status: str
    changed_at: float


def card_names(serial: int, seed: float) -> tuple[str, str]:
    """(card_id, encrypt_code) as they look: 28 letters; a long code with / and +."""
    made = f"{seed}/{serial}"
    return "p" + _letters(made, 27), f"O/m{_letters(made + '/code', 20)}+{_letters(made + '/tail', 40)}=="


def _letters(text: str, count: int) -> str:
    raw = hashlib.sha512(text.encode()).digest()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return "".join(alphabet[byte % 64] for byte in raw[:count])
