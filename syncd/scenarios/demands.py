"""What figures must be: `lost=0, read>=500`, in the words of the command line and of the scenarios themselves."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "!=": operator.ne,
    "==": operator.eq,
    "=": operator.eq,
    "<": operator.lt,
    ">": operator.gt,
}
_ONE = re.compile(r"\s*([a-z][a-z0-9_.]*)\s*(<=|>=|!=|==|=|<|>)\s*(-?\d+(?:\.\d+)?)\s*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Demand:
    """One figure, how it is compared, and with what."""

    name: str
    sign: str
    value: float

    def holds(self, figures: Mapping[str, float]) -> bool:
        """Whether `figures` has this figure and it is as demanded."""
        return self.name in figures and _COMPARE[self.sign](figures[self.name], self.value)

    def __str__(self) -> str:
        return f"{self.name}{self.sign}{self.value:g}"


def demands(text: str) -> tuple[Demand, ...]:
    """The demands in a comma-separated text. Raises ValueError naming the part that cannot be read."""
    found: list[Demand] = []
    for part in filter(str.strip, text.split(",")):
        match = _ONE.fullmatch(part)
        if match is None:
            raise ValueError(part.strip())
        found.append(Demand(match[1], match[2], float(match[3])))
    return tuple(found)


def broken(figures: Mapping[str, float], wanted: Sequence[Demand]) -> list[str]:
    """The demands that do not hold, with the figure that was met instead."""
    return [
        f"{demand} but it is {figures[demand.name]:g}" if demand.name in figures else f"{demand} but it was not counted"
        for demand in wanted
        if not demand.holds(figures)
    ]
