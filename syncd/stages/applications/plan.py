"""What a message of the platform's queue means to us. Pure.

Topics and fields after what consumers of the queue have published; unknown ones are recorded with their own words and
mean nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from syncd.domain.application import Standing, usable_apply_id
from syncd.domain.centre import ApplyStatus, Notice
from syncd.store.applications import ApplicationView

#: The buyer takes an application back; such a message names the trade and no application.
BUYER_CANCEL = "buyer_cancel"
APPLY, UPDATE = "alibaba_invoice_Apply", "alibaba_einvoice_ApplyUpdate"


@dataclass(frozen=True, slots=True)
class ApplicationsRules:
    """The settings of this stage. `most` messages are asked for at once (10–200)."""

    every: timedelta
    most: int = 100


@dataclass(frozen=True, slots=True)
class Meet:
    """An application to be known from now on."""

    apply_id: str


@dataclass(frozen=True, slots=True)
class TakeBack:
    """The buyer withdrew: this application, or whatever was filed for the trade until then."""

    apply_id: str
    tid: str


@dataclass(frozen=True, slots=True)
class Shop:
    """A merchant as far as messages know one: its name, and the shop that they are about."""

    merchant: str
    seller_nick: str = ""


@dataclass(frozen=True, slots=True)
class Nothing:
    """Not about an application of ours, or nothing new. `odd`: it ought to have been."""

    odd: bool = False


def owner(seller_nick: str, reader: Shop, shops: Sequence[Shop]) -> str | None:
    """The merchant whom a message concerns, whoever of `shops` took it off the common queue; None where nobody knows.

    A reader whose settings name no shop has its queue for itself.
    """
    named = seller_nick.strip()
    if named:
        of_them = [one.merchant for one in shops if one.seller_nick == named]
        if of_them:
            return of_them[0]
        return None if reader.seller_nick else reader.merchant
    alone = all(one.merchant == reader.merchant for one in shops)
    return reader.merchant if alone or not reader.seller_nick else None


def meaning(notice: Notice) -> Meet | TakeBack | Nothing:
    """What to do about a message."""
    if notice.topic not in (APPLY, UPDATE):
        return Nothing()
    apply_id = notice.apply_id.strip()
    usable = usable_apply_id(apply_id)
    if notice.trigger_status == BUYER_CANCEL and not apply_id:
        return TakeBack("", notice.platform_tid) if notice.platform_tid else Nothing(odd=True)
    if not usable:
        return Nothing(odd=True)
    if notice.trigger_status == BUYER_CANCEL or notice.status == ApplyStatus.CANCELLED:
        return TakeBack(apply_id, notice.platform_tid)
    return Meet(apply_id)


def concerns(seen: ApplicationView, apply_id: str, withdrawn_at: datetime | None) -> bool:
    """Whether a withdrawal means this application: a newer one for the same trade stands."""
    if seen.state in (Standing.WITHDRAWN,):
        return False
    if apply_id:
        return seen.apply_id == apply_id
    return seen.noticed_at is None or withdrawn_at is None or seen.noticed_at <= withdrawn_at
