"""Three kinds of trouble, and what each asks for.

`Transient`: nothing happened there, try again later. `Permanent`: they understood and said no. `InDoubt`: it may
have happened. The verdict inside says who must act and how long the lane rests.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Care(StrEnum):
    """What an error means and who owns it."""

    RETRY_SOON = "retry_soon"
    REST_LANE = "rest_lane"  # throttled: leave the party alone for `rest_for`
    CLOCK = "clock"  # our clock is off
    SETTINGS = "settings"  # integrator: credentials, permission, address
    DATA = "data"  # clerk: this document's content
    PERSON = "person"  # someone must act at the issuer: login, face, quota
    REFUSED = "refused"  # no, for good
    SPLIT = "split"  # ask for less: the window is too wide
    UNKNOWN = "unknown"  # nobody told us
    UNCLASSIFIED = "unclassified"  # said something we have no rule for: never re-sent


#: These stop the whole lane, not the one document that met them.
LANE_WIDE = frozenset({Care.REST_LANE, Care.CLOCK, Care.SETTINGS, Care.PERSON})


@dataclass(frozen=True, slots=True)
class Verdict:
    """One party's error, understood. `text` is the party's own wording, for logs and people."""

    care: Care
    platform: str
    code: str
    text: str
    rest_for: float | None = None  # seconds

    def __str__(self) -> str:
        return f"{self.platform} {self.code}: {self.text}"


class Trouble(Exception):
    """A call that did not end well."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(str(verdict))
        self.verdict = verdict


class Transient(Trouble):
    """Nothing happened there; try again, later and later."""


class Permanent(Trouble):
    """They understood and said no; a person or the shop must act."""


class InDoubt(Trouble):
    """It may have happened: a time-out after sending, a broken answer."""


class Paced(Exception):
    """The credential is at rest until `until`: nothing was sent, nothing went wrong, and whoever asked comes back."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"at rest until {until}")
        self.until = until
