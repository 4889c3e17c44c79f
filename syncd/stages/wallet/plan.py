"""What a page of cards says about the reading, and what a card's state says about a debt to it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from syncd.domain.wallet import CardPage, Reimburse
from syncd.store.instants import from_ms, to_ms

#: The widest window of last-change time that is read at once.
STEP = timedelta(days=1)
#: Two windows overlap by so much: whether an end is included is not said there.
OVERLAP = timedelta(seconds=1)
#: Pages of one window; beyond it the platform repeats itself in a way we do not know.
MOST_PAGES = 200
#: So often CANCEL is said to one card that does not show it.
MOST_TRIES = 5


# -- the search feed ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """How far the feed has been read, and when it is read next; kept in the unit's notes."""

    position: datetime
    due_at: datetime

    @classmethod
    def read(cls, notes: str) -> Place | None:
        """The place in a unit's notes; None before the first reading."""
        position, _, due_at = notes.partition(" ")
        if not (position.isdigit() and due_at.isdigit()):
            return None
        return cls(from_ms(int(position)), from_ms(int(due_at)))

    def written(self) -> str:
        """For the unit's notes."""
        return f"{to_ms(self.position)} {to_ms(self.due_at)}"


@dataclass(frozen=True, slots=True)
class Reading:
    """What the pages of one window have shown so far."""

    page_no: int = 1
    count: int | None = None
    firsts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Complete:
    """The window has been shown whole."""


@dataclass(frozen=True, slots=True)
class Unstable:
    """Cards came or went meanwhile: the window is read again another time."""


def after(reading: Reading, page: CardPage) -> Reading | Complete | Unstable:
    """What to do after this page of `reading`: the next one, or the end.

    The end is an empty page, the last by the platform's own count, or one that begins like an earlier one: whether
    pages count from 0 or 1 and what comes behind the last is not said there. Rows may repeat within a page.
    """
    if not page.cards:
        return Complete()
    if reading.count is not None and page.count != reading.count:
        return Unstable()
    first = (page.cards[0].card_id, page.cards[0].biz_code)
    if first in reading.firsts or reading.page_no >= min(page.total_pages, MOST_PAGES):
        return Complete()
    return Reading(reading.page_no + 1, page.count, (*reading.firsts, first))


# -- the debt to a card ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Paid:
    """The card shows that it was reversed."""


@dataclass(frozen=True, slots=True)
class Say:
    """Set it to CANCEL."""


@dataclass(frozen=True, slots=True)
class Later:
    """Nothing fresh is known of it now."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """It cannot be done from here: a person is told why."""

    why: str


Step = Paid | Say | Later | GiveUp


def cancel_step(status: Reimburse | None, *, fresh: bool, tries: int, refusal: str = "") -> Step:
    """What a card's state means for the debt to it; `refusal`: why it was refused just now, as far as it was.

    A lock is no obstacle by itself (whether an import locks is not said there): the platform's answer tells.
    """
    if not fresh:
        return Later()
    match status:
        case Reimburse.CANCEL:
            return Paid()
        case Reimburse.CLOSURE:
            return GiveUp("closure")
        case _ if refusal:
            return GiveUp(refusal)
        case _ if tries >= MOST_TRIES:
            return GiveUp("not_taken")
        case _:
            return Say()
