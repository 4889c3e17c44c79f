"""The processes at work on one store, in `syncd status`: who they are, and what is wrong with one of them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from syncd.cli import output
from syncd.cli.frame import Frame

if TYPE_CHECKING:
    from syncd.cli.status import Look
    from syncd.store.workers import WorkerView


def facts(worker: WorkerView) -> dict[str, Any]:
    """A process at work on the store, or one that fell silent."""
    return {
        "owner": worker.owner,
        "role": worker.role,
        "alive": worker.alive,
        "places": worker.places,
        "busy": worker.busy,
        "started_at": worker.started_at,
        "beat_at": worker.beat_at,
        "silent_for": round(worker.silent_for.total_seconds(), 1),
        "settings": worker.settings,
        "clock_off_seconds": round(worker.off.total_seconds(), 1),
        "clock_wrong": worker.astray,
    }


def show(frame: Frame, look: Look) -> None:
    """A line for each, and one for whatever keeps it, or all of them, from their work."""
    from syncd.store.workers import differ

    say = frame.say
    for worker in look.workers:
        _show_one(frame, worker)
    if differ(look.workers):
        shares = [f"{one.owner} {one.settings}" for one in look.workers if one.alive]
        print(output.inert(say("status.settings_differ", who=", ".join(shares))))
    if look.shared and not any(worker.alive and worker.role != "worker" for worker in look.workers):
        print(say("status.no_scheduler"))


def _show_one(frame: Frame, worker: WorkerView) -> None:
    say = frame.say
    words = {"owner": worker.owner, "role": say(f"worker.{worker.role}"), "busy": worker.busy}
    silence, since = output.span(worker.silent_for, say), output.beijing(worker.started_at)
    key = "status.worker" if worker.alive else "status.worker_silent"
    print(output.inert(say(key, **words, since=since, silence=silence)))
    if worker.alive and worker.astray:
        ahead = say("status.clock.ahead" if worker.off > timedelta(0) else "status.clock.behind")
        print(say("status.clock_wrong", off=output.span(worker.off, say), ahead=ahead))
