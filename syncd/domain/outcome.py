"""What an issuer's word amounts to. Only these; "no answer" is one of them and is never "no"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from syncd.domain.invoice import Invoice
from syncd.domain.trouble import Verdict

#: What a call that got no answer of the party's own ended with.
_SILENCE = re.compile(r"not_sent[. ]|timeout|reset|payload|protocol|http_5|malformed")


def is_silence(cause: str) -> bool:
    """Whether a call ended without an answer of the party's own."""
    return _SILENCE.match(cause) is not None


@dataclass(frozen=True, slots=True)
class Issued:
    """The invoice exists and is complete, though its file may still be missing."""

    invoice: Invoice


@dataclass(frozen=True, slots=True)
class Processing:
    """The issuer has it (accepted, issuing, or issued and being signed): ask later.

    `for_buyer`: it waits for the buyer, who has until the profile's `lapses_after`. `unclassified`: it is in a state
    that no catalogue knows, which is told to people and believed to be no failure.
    """

    serial: str = ""
    exists: bool = False
    for_buyer: bool = False
    unclassified: Verdict | None = None


@dataclass(frozen=True, slots=True)
class SealFailed:
    """The invoice exists, its seal does not: revive it, never report it as failed (Nuonuo 24)."""

    serial: str
    text: str
    invoice: Invoice | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """Refused in answer to the submission; as far as they say, nothing was created."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Failed:
    """Accepted earlier and failed since; the issuer itself lists the key as dead (Nuonuo 22)."""

    code: str
    text: str
    serial: str = ""


@dataclass(frozen=True, slots=True)
class Stalled:
    """Listed as dead, but not because of this invoice (login, quota): the issuer can be asked to go on with the key."""

    verdict: Verdict
    serial: str = ""


@dataclass(frozen=True, slots=True)
class Agreed:
    """Both sides have agreed, and this issuer makes the red invoice only when it is told to."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """The issuer holds it in a state that only a person can decide about. It is not dead: nothing else may be sent."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class AlreadyReversed:
    """Refused, because the blue invoice is reversed, or is being: by ourselves under this key, or by somebody else."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The key is known there already: ask."""


@dataclass(frozen=True, slots=True)
class NotFound:
    """The issuer knows nothing under this key, as of now."""


@dataclass(frozen=True, slots=True)
class Voided:
    """The invoice was issued and voided by somebody."""

    invoice: Invoice | None
    text: str


@dataclass(frozen=True, slots=True)
class Split:
    """One request became several invoices; WDT can take one number only."""

    invoices: tuple[Invoice, ...]


@dataclass(frozen=True, slots=True)
class Blocked:
    """Not this invoice's fault: login, account, quota, credentials, rate. The lane rests."""

    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody told us: a time-out, a reset, a 5xx, an unreadable or unclassified answer."""

    cause: str
    sent: bool = True  # False only where not one byte of the request can have left (connection refused)
    unclassified: Verdict | None = None  # the issuer's own word, which no catalogue knows

    @property
    def silent(self) -> bool:
        """Whether nobody spoke, as opposed to words that tell nothing."""
        return is_silence(self.cause)


Outcome = (
    Issued
    | Processing
    | SealFailed
    | Refused
    | Failed
    | Stalled
    | Agreed
    | Stopped
    | AlreadyReversed
    | Duplicate
    | NotFound
    | Voided
    | Split
    | Blocked
    | Unknown
)

#: Nothing is alive under the key, as of now.
Dead = NotFound | Failed | Stalled
