"""The lifecycle as a Mermaid diagram, drawn from the table of steps: `python -m syncd.domain.lifecycle_drawing`.

docs/lifecycle.md holds what this prints, and a test compares the two.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping

from syncd.domain.lifecycle import STEPS, Event, State

BEGIN = "<!-- drawn from the table: python -m syncd.domain.lifecycle_drawing -->"
END = "<!-- end of the drawing -->"

#: Where an order that was never seen before begins (`sighting.observe`; a test holds the two together).
FIRST = (State.PENDING, State.MIRRORED)

Steps = Mapping[tuple[State, Event], State]


def drawing(steps: Steps = STEPS) -> str:
    """The page's generated part, markers included, ending in a newline. The same table gives the same text."""
    return "\n".join((BEGIN, "", "```mermaid", "stateDiagram-v2", *_edges(steps), "```", "", END, ""))


def drawn_in(page: str) -> str:
    """The generated part of `page`, markers included; empty where it has none."""
    start, end = page.find(BEGIN), page.find(END)
    return page[start : end + len(END)] + "\n" if 0 <= start < end else ""


def _edges(steps: Steps) -> Iterator[str]:
    """One arrow for each pair of states, labelled with all that leads from the one to the other."""
    for state in FIRST:
        yield f"    [*] --> {state}"
    labels: dict[tuple[State, State], list[str]] = {}
    for (before, event), after in steps.items():
        labels.setdefault((before, after), []).append(event.value)
    for (before, after), events in labels.items():
        yield f"    {before} --> {after}: {' / '.join(events)}"
    left = {before for before, _ in steps}
    for state in State:
        if state not in left:
            yield f"    {state} --> [*]"


if __name__ == "__main__":
    sys.stdout.write(drawing())
