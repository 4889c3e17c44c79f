"""The Alibaba part of an order's story: which applications it ends, where they stand, and who must act."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from syncd.cli import output
from syncd.cli.explain_owed import TOP, Around, waiting
from syncd.cli.frame import Frame
from syncd.cli.lane_words import reason
from syncd.cli.words import Lang, speaker
from syncd.domain.application import Standing, Stuck
from syncd.domain.application_texts import explain

if TYPE_CHECKING:
    from syncd.store.applications import ApplicationView
    from syncd.store.journal import Entry


def held(entry: Entry, lang: Lang) -> str | None:
    """The line of the story that says why an application was held; None for any other line."""
    if entry.event != "alibaba.held" or entry.facts.get("stuck") not in set(Stuck):
        return None
    apply_id = str(entry.facts.get("application", "?"))
    what, _ = explain(Stuck(entry.facts["stuck"]), apply_id, entry.facts, lang)
    return speaker(lang)("explain.application_held", apply_id=apply_id, why=what)


def facts(applications: Sequence[ApplicationView], lang: Lang, around: Around) -> list[dict[str, Any]]:
    """The applications of an order for --json; `waits` says why one of them is not ended yet."""
    from syncd.cli.link import facts as as_listed

    told = [(seen, waiting(seen, around)) for seen in applications]
    return [
        {**as_listed(seen, [], lang), "waits": why.said(speaker(lang)) if why is not None else None}
        for seen, why in told
    ]


def show(frame: Frame, applications: Sequence[ApplicationView], around: Around) -> None:
    """Where each application stands, why it waits, and what a person is to do about it."""
    if not applications:
        return
    say, now = frame.say, around.now
    print(f"\n{say('explain.applications')}")
    for seen in applications:
        when = f", {output.when(seen.next_at, now, say)}" if seen.next_at and seen.state is not Standing.DONE else ""
        state = say(f"application.{seen.state}")
        print(f"  {output.inert(say('explain.application', apply_id=seen.apply_id, state=state, when=when))}")
        if (why := waiting(seen, around)) is not None and seen.hold is None:
            print(f"    {output.inert(why.said(say))}")
        if seen.answer and seen.request_id:
            line = say("explain.application_answer", answer=seen.answer, request_id=seen.request_id)
            print(f"    {output.inert(line)}")
        if seen.hold is not None:
            for line in explain(seen.hold, seen.apply_id, seen.hold_facts, frame.lang):
                print(f"    {output.inert(line)}")
    _rest(frame, applications, around)


def _rest(frame: Frame, applications: Sequence[ApplicationView], around: Around) -> None:
    if not any(seen.state in (Standing.WAITING, Standing.OWED) for seen in applications):
        return
    say, lane = frame.say, around.rest(TOP)
    if lane is not None:
        until = output.when(lane.until, around.now, say) if lane.until else say("lane.until_resumed")
        why = reason(lane, frame.lang)
        print(f"  {output.inert(say('explain.lane', lane=lane.name, reason=why, until=until))}")
