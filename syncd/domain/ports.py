"""What the stages need of the outside world; `syncd.wire` gives it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from syncd.domain.invoice import InvoiceRequest, IssuerKey
from syncd.domain.money_guard import Printed
from syncd.domain.order import InvoiceOrder, Page, Search, UpdateAnswer, WriteBack
from syncd.domain.outcome import Outcome
from syncd.domain.trouble import Verdict


class Erp(Protocol):
    """One merchant's WDT."""

    @property
    def clock_offset(self) -> float | None:
        """Seconds by which the server's clock is ahead of ours, as its last answer showed; None before one."""
        ...

    async def search(self, query: Search) -> Page:
        """One page of invoice orders.

        Raises: Transient (network, throttled, clock: nothing was learned), Permanent (settings, a window that is
        too wide). Reads are never in doubt: an unreadable answer is Transient.
        Source: seed wdt-search. Not said there: page order, largest page, whether the ends are included.
        """
        ...

    async def update(self, documents: Sequence[WriteBack]) -> UpdateAnswer:
        """Write results back, ≤ the batch cap, no number twice.

        Raises: Transient (certainly nothing was applied), Permanent (the call as a whole was refused, nothing was
        applied), InDoubt (some or all may have been applied: read them back), ValueError before anything is sent, for
        a document WDT could not store.
        Source: seed wdt-update-invoice.
        """
        ...

    def decode(self, raw: bytes) -> InvoiceOrder:
        """The full order from a row's bytes. Raises ValueError naming the field that cannot be read."""
        ...

    def ask_the_same(self, before: bytes, now: bytes) -> bool:
        """Whether two rows of one order certainly ask for the same invoice; what is not certain is False.

        `before` is empty where nobody knows any more what the order asked for.
        """
        ...


class Class(StrEnum):
    """How far an issuer can be trusted with a key (docs/lifecycle.md)."""

    A = "A"  # refuses duplicate keys, can be asked
    B = "B"  # can be asked, does not refuse duplicates
    C = "C"  # neither


@dataclass(frozen=True, slots=True)
class IssuerProfile:
    """What an adapter promises; a conformance test proves it."""

    kind: str  # part of every key: the platform, not the operator's name for it
    trust: Class
    key_length: int
    ask_batch: int  # keys per question
    settle_for: float  # seconds before "not found" counts
    most_revives: int = 20  # per submission, before a person is asked
    restartable: bool = True  # a key that is listed as failed can be gone on with (`revive`); else it takes a new one
    lapses_after: float | None = None  # seconds a buyer has to answer, where something can wait for the buyer


class Unfit(ValueError):
    """This issuer cannot take this request; nothing was sent. `code` names the rule, `text` says it to a clerk."""

    def __init__(self, code: str, **facts: str) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts


class Channel(Protocol):
    """One way to a legal document. Everything but `render` answers with an Outcome and lets no network error out."""

    @property
    def profile(self) -> IssuerProfile: ...

    def render(self, request: InvoiceRequest, key: IssuerKey) -> bytes:
        """The exact body that will be sent, now and on every resend. Raises Unfit before anything is sent."""
        ...

    def printed(self, body: bytes) -> Printed:
        """What rendered bytes ask for, read back for the money guard. Raises ValueError."""
        ...

    async def submit(self, key: IssuerKey, body: bytes) -> Outcome:
        """Send frozen bytes once: no redirect, no retry, whatever happens."""
        ...

    async def ask(self, keys: Sequence[IssuerKey]) -> Mapping[IssuerKey, Outcome]:
        """What became of each key (≤ `profile.ask_batch`); every key asked for is in the answer."""
        ...

    async def revive(self, key: IssuerKey, serial: str) -> Outcome:
        """Have the issuer go on with what it holds under this key (re-seal, re-push, the red of an agreed form)."""
        ...


class Issuer(Channel, Protocol):
    """One account at an issuer. As a channel it makes blue invoices; red ones go through `red`."""

    @property
    def name(self) -> str:
        """The operator's name for it, as in `[issuers.NAME]`."""
        ...

    @property
    def tax_no(self) -> str:
        """The seller's tax number this account issues for."""
        ...

    @property
    def red(self) -> Channel:
        """How this issuer cancels blue invoices."""
        ...

    async def probe(self, *, issuing: bool = False) -> Verdict | None:
        """None when a harmless question is answered as it should be, else what is wrong.

        `issuing`: also whether a person must act before anything is issued (login, quota), as far as this can be asked.
        """
        ...


def channel_of(issuer: Issuer, *, is_red: bool) -> Channel:
    """The way an order of this colour goes."""
    return issuer.red if is_red else issuer


@dataclass(frozen=True, slots=True)
class Token:
    """A login at a party. `sealed` is encrypted with a key only that party's client can make."""

    sealed: bytes
    expires_at: datetime | None


class TokenShelf(Protocol):
    """Where fetched tokens survive restarts and are shared by workers (Nuonuo: 50 token calls in 30 days)."""

    async def get(self, issuer: str) -> Token | None: ...

    async def put(self, issuer: str, token: Token) -> None: ...

    async def may_fetch(self, issuer: str, at: datetime, rest_for: float, per_30_days: int) -> bool:
        """True for one caller only: notes the attempt durably before it is made.

        False while another attempt is younger than `rest_for` seconds or the 30-day allowance is used up.
        """
        ...
