"""Which keys to ask about. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from syncd.domain.invoice import Colour, IssuerKey
from syncd.domain.key import issuer_key
from syncd.domain.order import OrderNo
from syncd.domain.outcome import Agreed, Dead, Outcome
from syncd.domain.ports import Issuer, channel_of

#: How many generations beyond the known one are looked at; a rebuilt store may stand behind by as many.
AHEAD = 3


@dataclass(frozen=True, slots=True)
class CollectRules:
    """The settings of this stage."""

    every: timedelta
    most_batches: int = 10


def key_of(issuer: Issuer, sid: str, no: OrderNo, *, is_red: bool, generation: int) -> IssuerKey:
    """The key of any generation of an order, sent or not: computed, so it can always be asked about."""
    profile = channel_of(issuer, is_red=is_red).profile
    return issuer_key(
        sid=sid,
        issuer_kind=profile.kind,
        seller_tax_no=issuer.tax_no,
        order_no=no,
        colour=Colour.RED if is_red else Colour.BLUE,
        generation=generation,
        length=profile.key_length,
    )


def needs_the_row(outcome: Outcome) -> bool:
    """Whether what to do next depends on what WDT asks for now."""
    return isinstance(outcome, Dead | Agreed)


def is_dead(outcome: Outcome) -> bool:
    """Whether this answer leaves room for a later generation to be the one that counts."""
    return isinstance(outcome, Dead)
