"""A run as a file: what to repeat and what came out, one JSON value a line, so that two runs can be compared."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from syncd.scenarios.run import Order, Result

_FORMAT = "syncd-transcript/1"
#: Figures of the machine, not of the story.
_OF_THE_MACHINE = ("seconds", "orders_per_second")


class NoTranscript(Exception):
    """The file is none of ours."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """The order that was played, its figures, and every order's end with the events that led to it."""

    order: Order
    figures: dict[str, float]
    story: tuple[str, ...]


def of(result: Result) -> Transcript:
    """What of a result can be met again."""
    figures = {name: value for name, value in result.figures.items() if _of_the_story(name)}
    return Transcript(result.order, figures, result.story)


def write(path: Path, result: Result) -> None:
    """Save the run. Raises FileExistsError."""
    made = of(result)
    lines = [{"format": _FORMAT, **made.order.facts()}, made.figures, *made.story]
    with path.open("x", encoding="utf-8") as file:
        file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)


def read(path: Path) -> Transcript:
    """The run in a file. Raises NoTranscript, OSError."""
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        head, figures, *story = lines
        if head.pop("format") != _FORMAT:
            raise NoTranscript(str(path))
        return Transcript(Order(**head), figures, tuple(story))
    except (ValueError, TypeError, AttributeError, KeyError) as unreadable:
        raise NoTranscript(str(path)) from unreadable


def differences(then: Transcript, now: Transcript) -> list[str]:
    """Where a repeated run came out otherwise: figures first, then orders."""
    found = [
        f"{name}: then {then.figures.get(name)}, now {now.figures.get(name)}"
        for name in sorted(then.figures.keys() | now.figures.keys())
        if then.figures.get(name) != now.figures.get(name)
    ]
    known = set(then.story)
    found += [f"now: {line}" for line in now.story if line not in known]
    return found


def _of_the_story(name: str) -> bool:
    return name not in _OF_THE_MACHINE and not name.endswith(("_ms", "_ratio", "_seconds"))
