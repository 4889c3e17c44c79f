"""What seeing a row means for the order we know by that number. A sighting may delay an order, never mis-issue it."""

from __future__ import annotations

from dataclasses import dataclass

from syncd.domain.lifecycle import CORRECTABLE, Event, Hold, Phase, State, step
from syncd.domain.order import Glance, WdtStatus


@dataclass(frozen=True, slots=True)
class Known:
    """The stored side of an order, as far as a sighting needs it."""

    state: State
    phase: Phase
    wdt_status: int
    content_hash: bytes
    hold: Hold | None = None
    submitted: bool = False  # a submission row exists for it


@dataclass(frozen=True, slots=True)
class Sighting:
    """What becomes of the order: its state and phase, the event to journal, and whether it is due now."""

    state: State
    phase: Phase
    event: str | None = None
    due: bool = False
    drifted: bool = False  # changed after we froze a request for it


def observe(known: Known | None, row: Glance) -> Sighting:
    """Where `row` leaves the order (T01, T18, T19, T21). Unknown statuses are stored and left alone."""
    waits = row.status == WdtStatus.WAITING
    if known is None:
        return Sighting(State.PENDING if waits else State.MIRRORED, Phase.NONE, due=waits)
    changed = known.content_hash != row.content_hash
    match known.state:
        case State.MIRRORED if waits:
            return Sighting(step(State.MIRRORED, Event.WAITS), Phase.NONE, "order.waits", due=True)
        case State.PENDING:
            return _pending(known, waits, changed)
        case State.HOLD if waits and changed and not known.submitted and known.hold in CORRECTABLE:
            return Sighting(step(State.HOLD, Event.CORRECTED), Phase.NONE, "order.corrected", due=True)
        case State.DONE85 | State.CANCELLED if waits and known.phase is not Phase.REPENDED:
            return Sighting(known.state, Phase.REPENDED, "order.repended", due=True)
        case State.DONE85 | State.CANCELLED if not waits and known.phase is Phase.REPENDED:
            return Sighting(known.state, Phase.NONE)
        case State.INTENT if known.phase is Phase.READY and not waits:
            # Cleared for sending again, but WDT no longer waits for it: ask once more instead (T09).
            return Sighting(State.INTENT, Phase.UNKNOWN, "order.left", due=True, drifted=changed)
        case State.INTENT | State.ISSUED | State.FAILED | State.DONE60:
            moved = row.status != known.wdt_status
            reopened = moved and waits and known.state is State.DONE60
            due = moved and known.state is not State.INTENT
            return Sighting(known.state, known.phase, "order.reopened" if reopened else None, due, drifted=changed)
        case _:
            return Sighting(known.state, known.phase)


def _pending(known: Known, waits: bool, changed: bool) -> Sighting:
    if waits and known.phase is Phase.WAITING_BLUE:
        return Sighting(State.PENDING, Phase.NONE if changed else known.phase, due=changed)
    if waits:
        back = known.phase is Phase.LEFT
        return Sighting(State.PENDING, Phase.NONE, "order.waits" if back else None, due=back)
    if known.phase is Phase.LEFT:
        return Sighting(State.PENDING, Phase.LEFT)
    return Sighting(State.PENDING, Phase.LEFT, "order.left", due=True)
