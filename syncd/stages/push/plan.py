"""What may be sent, and exactly what: an order becomes a frozen submission or is set aside. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from syncd.domain.invoice import Expected, IssuerKey
from syncd.domain.key import issuer_key
from syncd.domain.lifecycle import Hold
from syncd.domain.mapping import MappingOptions, Unfitness, notices, to_request
from syncd.domain.order import InvoiceOrder
from syncd.domain.payload import payload_hash
from syncd.domain.ports import Issuer, Unfit


@dataclass(frozen=True, slots=True)
class PushRules:
    """The settings of this stage."""

    every: timedelta
    max_read_age: timedelta
    batch: int
    concurrency: int


@dataclass(frozen=True, slots=True)
class Submit:
    """Send these bytes under this key."""

    key: IssuerKey
    body: bytes
    payload_hash: bytes
    expected: Expected
    notices: tuple[str, ...]  # what was arranged on the way, by name: a discount moved, an e-mail dropped


@dataclass(frozen=True, slots=True)
class PutAside:
    """Never sent as it is: a person corrects the row, or decides."""

    hold: Hold
    facts: tuple[tuple[str, str], ...]


def plan(
    order: InvoiceOrder, *, sid: str, generation: int, issuer: Issuer, mapping: MappingOptions
) -> Submit | PutAside:
    """Freeze the submission of one order, or say why it must be held. Nothing is repaired on the way."""
    request = to_request(order, mapping)
    if isinstance(request, Unfitness):
        return _aside(request.code, request.facts)
    key = issuer_key(
        sid=sid,
        issuer_kind=issuer.profile.kind,
        seller_tax_no=issuer.tax_no,
        order_no=order.no,
        colour=request.colour,
        generation=generation,
        length=issuer.profile.key_length,
    )
    try:
        body = issuer.render(request, key)
    except Unfit as unfit:
        return _aside(unfit.code, tuple(unfit.facts.items()))
    expected = Expected(request.buyer.tax_no, request.total, request.colour)
    return Submit(key, body, payload_hash(order), expected, notices(order, request))


_OWN_HOLD = {"amount_over_limit": Hold.AMOUNT_OVER_LIMIT}
_RED = ("red_without_blue", "red_needs_confirmation_form")


def _aside(code: str, facts: tuple[tuple[str, str], ...]) -> PutAside:
    hold = Hold.RED_BLUE_MISMATCH if code in _RED else _OWN_HOLD.get(code, Hold.POISON_ROW)
    return PutAside(hold, (("code", code), *facts))
