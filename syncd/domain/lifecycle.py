"""The life of one invoice order: the only table of legal steps.

docs/lifecycle.md is drawn from it, the schema repeats it as a trigger, and nothing moves an order except `step`.
The T-numbers name the transitions explained there.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where an order stands. What each means after a crash is told in docs/lifecycle.md."""

    MIRRORED = "MIRRORED"  # known, not ours to issue
    PENDING = "PENDING"  # WDT said 45, no live submission
    INTENT = "INTENT"  # a submission is committed; it may have been sent: ask before sending again
    ISSUED = "ISSUED"  # the number is ours and durable; WDT is owed a 60
    FAILED = "FAILED"  # confirmed not issued; WDT is owed an 85
    DONE60 = "DONE60"  # WDT showed 60 with our number
    DONE85 = "DONE85"  # WDT showed 85
    CANCELLED = "CANCELLED"  # cancelled in WDT, nothing issued
    HOLD = "HOLD"  # a person must decide; nothing automatic happens


class Phase(StrEnum):
    """What an order waits for within its state."""

    NONE = ""
    READY = "ready"  # INTENT: cleared for sending the same bytes under the same key
    SENT = "sent"  # INTENT: handed to the network, no answer recorded
    ISSUING = "issuing"  # INTENT: accepted, being issued
    UNKNOWN = "unknown"  # INTENT: nobody told us
    REFUSED = "refused"  # INTENT: refused; to be confirmed by asking
    UNCLASSIFIED = "unclassified"  # INTENT: answered in words nobody has classified; ask, and never send again
    REVIVABLE = "revivable"  # INTENT: listed as failed; the issuer is to go on with the same key
    WAITING_BUYER = "waiting_buyer"  # INTENT: a red form waits for the buyer, who has 72 hours
    WAITING_BLUE = "waiting_blue"  # PENDING: a red order waits until the blue invoice it cancels is settled
    FILE_PENDING = "file_pending"  # ISSUED: the number is known, its file is not yet
    LEFT = "left"  # WDT moved it out of 45 before anything was sent: ask before believing
    REPENDED = "repended"  # back at 45 after 85 or a cancellation: ask before a new submission


class Event(StrEnum):
    """What can happen to an order."""

    WAITS = "waits"
    LEFT = "left"
    CANCELLED = "cancelled"
    INTENDED = "intended"
    ISSUED = "issued"
    REFUSED = "refused"
    WRITTEN_60 = "written_60"
    WRITTEN_85 = "written_85"
    REPENDED = "repended"
    RESUMED = "resumed"
    HELD = "held"
    CORRECTED = "corrected"
    RELEASED_PENDING = "released_pending"
    RELEASED_INTENT = "released_intent"
    RELEASED_ISSUED = "released_issued"
    RELEASED_FAILED = "released_failed"
    RELEASED_MIRRORED = "released_mirrored"


class Hold(StrEnum):
    """Why a person must decide. A closed list; each has a sentence for the clerk in `domain/hold_texts.py`."""

    CANCELLED_AFTER_ISSUE = "cancelled_after_issue"
    FOREIGN_NUMBER = "foreign_number"
    KEY_COLLISION = "key_collision"
    CLASS_B_NOT_FOUND = "class_b_not_found"
    CLASS_C_UNKNOWN = "class_c_unknown"
    RESTORED_CLASS_C = "restored_class_c"
    SPLIT_INVOICES = "split_invoices"
    ISSUED_UNSIGNED = "issued_unsigned"
    RED_BLUE_MISMATCH = "red_blue_mismatch"
    WDT_MISSING = "wdt_missing"
    POISON_ROW = "poison_row"
    AMOUNT_OVER_LIMIT = "amount_over_limit"
    URL_TOO_LONG = "url_too_long"
    TOO_MANY_INVOICES = "too_many_invoices"
    TOP_MISSING_LOOP = "top_missing_loop"
    TOP_FOREIGN_INVOICE = "top_foreign_invoice"
    TOP_CANCELLED = "top_cancelled"
    # More than the proof needed, because the commands, Nuonuo's own states and the bureau's red forms do:
    BY_OPERATOR = "by_operator"
    VOIDED_OUTSIDE = "voided_outside"
    RED_FORM = "red_form"


#: Holds that mean "this row cannot be sent as it is"; nothing was sent, so a corrected row goes on by itself.
CORRECTABLE = frozenset({Hold.POISON_ROW, Hold.AMOUNT_OVER_LIMIT, Hold.RED_BLUE_MISMATCH})

STEPS: dict[tuple[State, Event], State] = {
    (State.MIRRORED, Event.WAITS): State.PENDING,  # T01
    (State.PENDING, Event.LEFT): State.MIRRORED,  # T19
    (State.PENDING, Event.CANCELLED): State.CANCELLED,  # T19
    (State.PENDING, Event.INTENDED): State.INTENT,  # T03
    (State.PENDING, Event.ISSUED): State.ISSUED,  # T19: the issuer has it already (a rebuilt store)
    (State.PENDING, Event.HELD): State.HOLD,
    (State.INTENT, Event.ISSUED): State.ISSUED,  # T05, T08
    (State.INTENT, Event.REFUSED): State.FAILED,  # T11
    (State.INTENT, Event.CANCELLED): State.CANCELLED,  # cancelled in WDT and confirmed never taken by the issuer
    (State.INTENT, Event.HELD): State.HOLD,
    (State.ISSUED, Event.WRITTEN_60): State.DONE60,  # T13
    (State.ISSUED, Event.HELD): State.HOLD,  # T14, T15
    (State.DONE60, Event.HELD): State.HOLD,  # a second invoice came to light
    (State.FAILED, Event.WRITTEN_85): State.DONE85,  # T16
    (State.FAILED, Event.ISSUED): State.ISSUED,  # T17
    (State.FAILED, Event.CANCELLED): State.CANCELLED,
    (State.FAILED, Event.HELD): State.HOLD,
    (State.DONE85, Event.ISSUED): State.ISSUED,  # T17
    (State.DONE85, Event.REPENDED): State.PENDING,  # T18
    (State.DONE85, Event.RESUMED): State.INTENT,  # T18: unchanged, so the issuer goes on with the same key
    (State.DONE85, Event.CANCELLED): State.CANCELLED,
    (State.DONE85, Event.HELD): State.HOLD,
    (State.CANCELLED, Event.ISSUED): State.ISSUED,  # T17
    (State.CANCELLED, Event.REPENDED): State.PENDING,  # T18
    (State.CANCELLED, Event.RESUMED): State.INTENT,  # T18
    (State.CANCELLED, Event.HELD): State.HOLD,
    (State.HOLD, Event.CORRECTED): State.PENDING,  # nothing was sent and the row was corrected in WDT
    (State.HOLD, Event.RELEASED_PENDING): State.PENDING,  # T22
    (State.HOLD, Event.RELEASED_INTENT): State.INTENT,  # T22
    (State.HOLD, Event.RELEASED_ISSUED): State.ISSUED,  # T22
    (State.HOLD, Event.RELEASED_FAILED): State.FAILED,  # T22
    (State.HOLD, Event.RELEASED_MIRRORED): State.MIRRORED,  # T22: settled outside, leave it alone
}

#: Back to where the hold found it; what a state may have in flight decides, not the operator's wish.
RELEASES: dict[State, Event] = {
    State.PENDING: Event.RELEASED_PENDING,
    State.INTENT: Event.RELEASED_INTENT,
    State.ISSUED: Event.RELEASED_ISSUED,
    State.FAILED: Event.RELEASED_FAILED,
    State.DONE60: Event.RELEASED_ISSUED,
    State.DONE85: Event.RELEASED_FAILED,
    State.CANCELLED: Event.RELEASED_MIRRORED,
}

#: Nothing more is due in these, but for a late-issue sweep.
FINAL = frozenset({State.DONE60, State.DONE85, State.CANCELLED, State.MIRRORED})
OPEN = frozenset({State.PENDING, State.INTENT, State.ISSUED, State.FAILED})


class IllegalStep(ValueError):
    """An event that the table does not know for this state: a defect, never data."""


def step(state: State, event: Event) -> State:
    """The state after `event`. Raises IllegalStep where the table has no such edge."""
    try:
        return STEPS[(state, event)]
    except KeyError:
        raise IllegalStep(f"{event} cannot happen to an order in {state}") from None


def allowed_moves() -> tuple[tuple[State, State], ...]:
    """Each (from, to) pair of the table once, sorted: what the schema's trigger permits."""
    return tuple(sorted({(before, after) for (before, _), after in STEPS.items()}))
