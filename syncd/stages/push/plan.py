"""What may be sent, and exactly what: an order becomes a frozen submission or is set aside. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from syncd.domain import money_guard
from syncd.domain.invoice import Colour, Expected, IssuerKey
from syncd.domain.key import issuer_key
from syncd.domain.lifecycle import Hold
from syncd.domain.mapping import MappingOptions, notices, to_request
from syncd.domain.money_guard import Wanted
from syncd.domain.order import InvoiceOrder
from syncd.domain.payload import payload_hash
from syncd.domain.ports import Channel, Issuer, Unfit, channel_of
from syncd.domain.red_gate import PATIENCE
from syncd.domain.unfit_texts import Unfitness, unfit
from syncd.stages.settling import is_unchanged
from syncd.store.submissions import Stored


@dataclass(frozen=True, slots=True)
class PushRules:
    """The settings of this stage."""

    every: timedelta
    max_read_age: timedelta
    batch: int
    concurrency: int
    red_wait: timedelta = PATIENCE  # for a blue invoice that nobody knows


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
    order: InvoiceOrder, *, sid: str, generation: int, issuer: Issuer, mapping: MappingOptions,
    blue_total: Decimal | None = None,
) -> Submit | PutAside:  # fmt: skip
    """Freeze the submission of one order, or say why it must be held. Nothing is repaired on the way.

    `blue_total`: what the blue invoice amounts to that a red order cancels, as the red gate found it.
    """
    request = to_request(order, mapping)
    if isinstance(request, Unfitness):
        return _aside(request.code, request.facts)
    channel = channel_of(issuer, is_red=request.colour is Colour.RED)
    key = issuer_key(
        sid=sid,
        issuer_kind=channel.profile.kind,
        seller_tax_no=issuer.tax_no,
        order_no=order.no,
        colour=request.colour,
        generation=generation,
        length=channel.profile.key_length,
    )
    try:
        body = channel.render(request, key)
    except Unfit as refused:
        return _aside(refused.code, tuple(refused.facts.items()))
    asked = money_guard.wanted(order, blue_total)
    differs = asked if isinstance(asked, Unfitness) else guarded(channel, body, asked)
    if differs is not None:
        return _aside(differs.code, differs.facts)
    blue = "" if request.blue is None else str(request.blue)
    expected = Expected(request.buyer.tax_no, request.total, request.colour, blue)
    return Submit(key, body, payload_hash(order), expected, notices(order, request))


@dataclass(frozen=True, slots=True)
class SameBytes:
    """What is frozen is what the order still asks for: it goes again, byte for byte."""


def again(
    order: InvoiceOrder, frozen: Stored, *, accepted: bool, sid: str, generation: int, issuer: Issuer,
    mapping: MappingOptions, blue_total: Decimal | None = None,
) -> SameBytes | Submit | PutAside:  # fmt: skip
    """What goes out for an order that is cleared for sending again: nothing of it is alive at the issuer (T09).

    A row that was corrected meanwhile gets new bytes: under the same key as a new revision, or under the key of
    `generation` where the frozen one is listed as failed. `accepted`: the issuer once took the frozen bytes, and does
    not find them any more; then a person decides which of the two is meant.
    """
    if is_unchanged(order, frozen, generation):
        asked = money_guard.wanted(order, blue_total)
        channel = channel_of(issuer, is_red=frozen.expected.colour is Colour.RED)
        differs = asked if isinstance(asked, Unfitness) else guarded(channel, frozen.body, asked)
        return SameBytes() if differs is None else _aside(differs.code, differs.facts)
    if accepted and frozen.generation == generation:
        return PutAside(Hold.CLASS_B_NOT_FOUND, (("code", "accepted_not_found"),))
    return plan(order, sid=sid, generation=generation, issuer=issuer, mapping=mapping, blue_total=blue_total)


def guarded(channel: Channel, body: bytes, asked: Wanted) -> Unfitness | None:
    """The last look at the money before bytes leave, first time or again: None when they say what was asked."""
    try:
        printed = channel.printed(body)
    except (ValueError, ArithmeticError):
        return unfit("request_differs", field="detail_list", expected="", given="?")
    return money_guard.guard(printed, asked)


_OWN_HOLD = {"amount_over_limit": Hold.AMOUNT_OVER_LIMIT}
_RED = ("red_without_blue", "blue_number_malformed", "red_kind_mismatch", "red_needs_confirmation_form")


def _aside(code: str, facts: tuple[tuple[str, str], ...]) -> PutAside:
    hold = Hold.RED_BLUE_MISMATCH if code in _RED else _OWN_HOLD.get(code, Hold.POISON_ROW)
    return PutAside(hold, (("code", code), *facts))
