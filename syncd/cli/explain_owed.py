"""What is still owed for an order that is finished at WDT, to the invoice centre or a buyer's card: when and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from syncd.cli.words import Say
from syncd.domain.application import Standing
from syncd.domain.lifecycle import FINAL, State

if TYPE_CHECKING:
    from syncd.store.applications import ApplicationId, ApplicationView
    from syncd.store.dossier import DebtView
    from syncd.store.lanes import Lane

TOP, YUANNIAN = "top", "yuannian"
#: Standings in which the centre is still to be told something.
_OPEN = (Standing.WAITING, Standing.OWED, Standing.HELD)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What happens next: a sentence's key, when (None: not by itself), who must act, and the lane it waits for."""

    key: str
    at: datetime | None
    who: str
    lane: Lane | None = None
    until: str = ""  # Beijing time; when what it waits for is over
    application: Waiting | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """An application the centre is to be told about. `why`: a word's key; `others`: orders it waits for."""

    apply_id: str
    why: str
    at: datetime | None
    tries: int = 0
    others: str = ""

    def said(self, say: Say) -> str:
        """Why it waits."""
        return say(f"alibaba.waits.{self.why}", n=self.tries, others=self.others or "-")


@dataclass(frozen=True, slots=True)
class Around:
    """What the rest of the store says: lanes, bans of the merchant's accounts by platform, who is linked to what."""

    lanes: Sequence[Lane]
    now: datetime
    bans: Mapping[str, datetime] = field(default_factory=dict)
    linked: Mapping[ApplicationId, Sequence[tuple[str, str]]] = field(default_factory=dict)

    def rest(self, platform: str) -> Lane | None:
        """The lane to `platform`, where it stands still."""
        for lane in self.lanes:
            ended = lane.until is not None and lane.until <= self.now
            if lane.platform == platform and lane.state != "open" and not ended:
                return lane
        return None


def waiting(seen: ApplicationView, around: Around) -> Waiting | None:
    """Why an application that is not ended waits; None for one that is."""
    if seen.state not in _OPEN:
        return None
    others = [no for no, state in around.linked.get(seen.id, ()) if State(state) not in FINAL]
    return Waiting(str(seen.apply_id), _why(seen, around), seen.next_at, seen.tries, " ".join(others))


def _why(seen: ApplicationView, around: Around) -> str:
    from syncd.store.applications import FOR_A_FILE, PARKED

    if seen.state is Standing.HELD:
        return "held"
    if seen.next_at is None:
        return "orders"
    if TOP in around.bans:
        return "banned"
    if seen.next_at <= around.now:
        return "due"
    if seen.answer == PARKED:
        return "parked"
    if seen.tries:
        return "trouble"
    reasons = {FOR_A_FILE: "file", "missing": "collecting", "returning": "collecting", "blank": "blank"}
    return reasons.get(seen.answer, "due")


def left_over(applications: Sequence[ApplicationView], debts: Sequence[DebtView], around: Around) -> Outlook | None:
    """What a finished order still waits for: first what needs a person, then what comes first; None for nothing."""
    found = [one for seen in applications if (one := _to_centre(seen, around)) is not None]
    found += [_to_card(debt, around) for debt in debts if debt.target == "wallet" and debt.state in ("owed", "sent")]
    return min(found, key=_urgency, default=None)


def _urgency(one: Outlook) -> tuple[bool, bool, float]:
    return one.who == "system", one.at is None, one.at.timestamp() if one.at else 0.0


def _to_centre(seen: ApplicationView, around: Around) -> Outlook | None:
    told = waiting(seen, around)
    if told is None:
        return None
    lane, ban = around.rest(TOP), around.bans.get(TOP)
    at = told.at if ban is None or told.at is None else max(told.at, ban)
    if told.why == "held":
        return Outlook("alibaba", None, "clerk", application=told)
    if lane is None or told.why == "orders":
        return Outlook("alibaba", at, "integrator" if told.why == "parked" else "system", application=told)
    return Outlook("alibaba", _after(at, lane), owner(lane), lane, application=told)


def _to_card(debt: DebtView, around: Around) -> Outlook:
    lane, key = around.rest(YUANNIAN), "wallet.again" if debt.tries else "wallet"
    ban = around.bans.get(YUANNIAN)
    at = debt.next_at if ban is None else max(debt.next_at, ban)
    if lane is None:
        return Outlook(key, at, "system")
    return Outlook(key, _after(at, lane), owner(lane), lane)


def _after(at: datetime | None, lane: Lane) -> datetime | None:
    return max(at, lane.until) if at is not None and lane.until is not None else None


def owner(lane: Lane) -> str:
    """Who can open a lane that stands still."""
    if lane.state == "paused":
        return "operator"
    care = lane.reason.partition(":")[0]
    return {"settings": "integrator", "person": "clerk", "clock": "integrator"}.get(care, "system")
