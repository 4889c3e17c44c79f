"""What an operator's word may do to an order: retry, hold, release. Pure; none of it leads to a second invoice.

A released order goes back to where the hold found it, and where something may have been sent the issuer is asked
first (T22). Nothing here gives a submission a new key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from syncd.domain.lifecycle import OPEN, RELEASES, Event, Hold, Phase, State
from syncd.domain.order import WdtStatus

#: The issuer has something under our key that is not this order's one invoice: going on could only add to it.
ENDED_ELSEWHERE = frozenset({Hold.KEY_COLLISION, Hold.SPLIT_INVOICES, Hold.VOIDED_OUTSIDE})

#: A red order is held for these because nobody has shown the blue invoice, or what became of another red order of it;
#: a person's word stands in for that.
VOUCHABLE = frozenset({"blue_unknown", "blue_disputed", "blue_total_unknown", "red_forgotten"})

#: The code of a hold that is no fault of the order's: whoever held it had another account than the order was sent to.
ACCOUNT_CHANGED = "account_changed"

#: A column's new value; instants are aware UTC.
Value = datetime | Phase | int | str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """What is stored about an order, as far as these decisions need it."""

    state: State
    phase: Phase
    wdt_status: int
    hold: Hold | None = None
    held_from: State | None = None
    held_phase: Phase | None = None
    code: str = ""  # of the hold


@dataclass(frozen=True, slots=True)
class Change:
    """What to write: the step (None: the state stays), the columns, what is owed to WDT again, whom to wake."""

    event: Event | None
    columns: Mapping[str, Value]
    wake: tuple[str, ...]
    owes: WdtStatus | None = None
    look_now: bool = False  # its open debt is due now


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not; `why` names a sentence."""

    why: str
    facts: Mapping[str, str] = field(default_factory=dict)


_NO_HOLD: Mapping[str, Value] = {"hold": None, "hold_facts": None, "held_from": None, "held_phase": None}


def release(
    order: Standing, now: datetime, *, settled_outside: bool = False, vouched: bool = False
) -> Change | Refusal:
    """What letting a held order go does to it.

    `vouched`: a person says that the blue invoice of this red order exists, and that the order reverses it in full.

    `settled_outside`: a person has dealt with it elsewhere and it is to be left alone from now on. Refused while WDT
    shows 45, because the next reading would make it waiting, and then issued, again.
    """
    if order.state is not State.HOLD or order.hold is None or order.held_from is None:
        return Refusal("not_held", {"state": order.state})
    if vouched and (order.code not in VOUCHABLE or order.held_from is not State.PENDING):
        return Refusal("not_vouchable")
    if settled_outside:
        if order.wdt_status == WdtStatus.WAITING:
            return Refusal("still_waiting")
        return Change(Event.RELEASED_MIRRORED, {**_NO_HOLD, "phase": Phase.NONE, "sweep_at": None}, ())
    if order.hold in ENDED_ELSEWHERE:
        return Refusal("ended_elsewhere", {"hold": order.hold})
    event = RELEASES.get(order.held_from)
    if event is None:
        return Refusal("not_held", {"state": order.held_from})
    return _back(order, event, now)


def _back(order: Standing, event: Event, now: datetime) -> Change:
    columns: dict[str, Value] = {**_NO_HOLD, "phase": Phase.NONE, "next_at": now, "tries": 0, "unheard": 0}
    match event:
        case Event.RELEASED_PENDING if order.wdt_status == WdtStatus.WAITING:
            return Change(event, columns, ("push",))
        case Event.RELEASED_PENDING:  # WDT has moved on while it was held: ask before believing, never send
            return Change(event, {**columns, "phase": Phase.LEFT}, ("collect",))
        case Event.RELEASED_INTENT:
            asked: dict[str, Value] = {"phase": Phase.UNKNOWN, "missed_at": None, "revives": 0, "duplicates": 0}
            if order.held_phase is Phase.UNCLASSIFIED:  # it was no refusal, and must not be reported as one
                asked |= {"refusal_code": None, "refusal_text": None}
            return Change(event, {**columns, **asked}, ("collect",))
        case Event.RELEASED_ISSUED:
            phase = Phase.FILE_PENDING if order.held_phase is Phase.FILE_PENDING else Phase.NONE
            return Change(event, {**columns, "phase": phase}, ("collect", "write_back"), owes=WdtStatus.ISSUED)
        case Event.RELEASED_FAILED:  # asked again before it is reported
            look: dict[str, Value] = {"asked_at": None, "sweep_at": now, "revives": 0}
            return Change(event, {**columns, **look}, ("collect", "write_back"), owes=WdtStatus.OFFLINE_FAILED)
        case _:
            return Change(event, {**columns, "sweep_at": None}, ())


def retry(order: Standing, now: datetime) -> Change | Refusal:
    """What "do it now" does: plan again, send, ask or look, whichever the order waits for."""
    soon: dict[str, Value] = {"next_at": now}
    match order.state, order.phase:
        case State.HOLD, _:
            if order.held_from is State.PENDING or _only_to_be_asked(order):
                return release(order, now)
            return Refusal("retry_needs_release", {"from": str(order.held_from)})
        case State.PENDING, Phase.LEFT:
            return Change(None, soon, ("collect",))
        case State.PENDING, _:
            return Change(None, soon, ("push",))
        case State.INTENT, Phase.SENT:
            return Refusal("in_flight")
        case State.INTENT, Phase.READY | Phase.REVIVABLE:
            return Change(None, soon, ("push",))
        case State.INTENT, _:
            return Change(None, soon, ("collect",))
        case ((State.ISSUED | State.FAILED), _):
            return Change(None, soon, ("collect", "write_back"), look_now=True)
        case _:
            return Refusal("finished", {"state": order.state})


def _only_to_be_asked(order: Standing) -> bool:
    """Whether nobody need look before it is released: nothing was found wrong, and the issuer is asked by its key.

    Not what was cancelled: a release of that ends the search for a late invoice. Nor what somebody has put back to
    waiting: WDT would be told once more that it failed.
    """
    if order.held_from is State.CANCELLED or order.held_phase is Phase.REPENDED:
        return False
    return order.code == ACCOUNT_CHANGED


def hold(order: Standing) -> Change | Refusal:
    """Whether a person may set the order aside; the hold itself is `BY_OPERATOR`, its debts are void meanwhile."""
    if order.state not in OPEN:
        return Refusal("cannot_hold", {"state": order.state})
    return Change(Event.HELD, {}, ())
