"""Many merchants in `syncd status`: a line for each about whom there is something to say, one for all the others."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import TYPE_CHECKING

from syncd.cli import output
from syncd.cli.frame import Frame
from syncd.domain.lifecycle import OPEN, State

if TYPE_CHECKING:
    from syncd.cli.status import Look

#: More than this would push what a person must do off the screen; --json has everything of everybody.
MANY = 12
#: Who was read up to an hour ago is behind: the widest gap between two looks is a quarter of that.
_BEHIND = timedelta(hours=1)


def merchants(look: Look) -> list[str]:
    """Whoever is configured, or has orders."""
    return sorted({*look.names.values(), *(name for name, _ in look.states)})


def show(frame: Frame, look: Look, names: list[str]) -> None:
    """In place of a table of all their orders, applications and cursors."""
    say = frame.say
    told = _told(frame, look)
    print(f"\n{say('status.merchants', n=len(names))}")
    for name in names:
        if name in told:
            print(
                f"  {output.inert(say('status.merchant', merchant=name, told=say('status.between').join(told[name])))}"
            )
    quiet = {name for name in names if name not in told}
    if quiet:
        orders = sum(n for (name, _), n in look.states.items() if name in quiet)
        print(f"  {say('status.quiet', n=len(quiet), orders=f'{orders:,}')}")


def _told(frame: Frame, look: Look) -> dict[str, list[str]]:
    """What there is to say of each: what waits, what is held, what is unknown for long, what rests, what lags."""
    say = frame.say
    told: dict[str, list[str]] = defaultdict(list)
    for (name, state), number in look.states.items():
        if state in OPEN or state is State.HOLD:
            told[name].append(f"{state} {number:,}")
    for (name, hold), number in sorted(look.holds.items()):
        told[name].append(say("status.held_for", hold=hold, n=number))
    for name, since in look.oldest_unknown.items():
        told[name].append(say("status.unknown_since", age=output.relative(since, look.now, say)))
    for (name, why), number in sorted(look.stuck_applications.items()):
        told[name].append(say("status.applications_for", hold=why, n=number))
    for lane in {*(one.name for one in look.lanes), *look.bans}:
        name, _, platform = lane.partition("/")
        told[name].append(say("status.lane_rests", platform=platform))
    for at in look.cursors:
        if look.now - at.position > _BEHIND:
            lag = output.span(look.now - at.position, say)
            told[look.merchant(at.sid)].append(say("status.lags", feed=at.feed, lag=lag))
    return told
