"""What a scenario is: a name, what it promises, how it is played, and which figures it must end with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from syncd.scenarios.world import World

Play = Callable[["World"], Awaitable[None]]

#: What every scenario must end with, unless it says otherwise for a figure.
ALWAYS = "doubles=0, lost=0, wrong=0"


@dataclass(frozen=True, slots=True)
class Scenario:
    """`sometimes` are counters that must not stay 0: the faults the scenario is about.

    `faults` are rows of the fault matrix that it covers; `rows` and `workers` what it is played with by default.
    """

    name: str
    zh: str
    en: str
    play: Play
    must: str = ALWAYS
    sometimes: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    rows: int = 100
    workers: int = 1
    #: "sqlite" or "postgresql" where the day is about that store alone, "own server" where it kills PostgreSQL itself;
    #: "" for a day that is the same on both.
    only: str = ""
