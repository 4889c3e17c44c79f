"""What an engine is given, and what the program sees of it: the same for one process and for many."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

#: The keys of a stage whose time has come, longest waiting first.
Due = Callable[[str], Awaitable[Sequence[str]]]
#: One turn at a unit; whoever else has it, or had it a moment ago, is its own business.
Run = Callable[[str, str], Awaitable[object]]
#: Which units share places: stage and key to a name.
Group = Callable[[str, str], str]


@dataclass(frozen=True, slots=True)
class Drained:
    """How a stop went: units that ended by themselves, and units that had to be interrupted."""

    finished: int
    left: int


class Engine(Protocol):
    """Calls `due` and `run` until it is drained."""

    @property
    def ticked_at(self) -> float:
        """When the engine last showed that it turns, on the monotonic clock (seconds)."""
        ...

    @property
    def crashes(self) -> int:
        """Turns that ended in a defect."""
        ...

    def start(self) -> None:
        """Begin; what is due now is begun at once."""
        ...

    def wake_in(self, units: Mapping[tuple[str, str], float]) -> None:
        """These are due in so many seconds: none is begun later than that for want of a tick."""
        ...

    @property
    def busy(self) -> int:
        """How many units are running in this process."""
        ...

    @property
    def running(self) -> Collection[tuple[str, str]]:
        """The units that are running in this process: stage and key."""
        ...

    async def drain(self, deadline: float) -> Drained:
        """Begin nothing more, wait up to `deadline` seconds for what runs, then interrupt it."""
        ...


def by_stage(stage: str, _key: str) -> str:
    """Each stage for itself."""
    return stage
