"""The person on call: a channel that takes every message, and the watch that is set to it."""

from __future__ import annotations

from dataclasses import dataclass, field

from syncd.app import App, served_by
from syncd.watch.alert_channels import Note
from syncd.watch.alert_watch import AlertWatch


@dataclass(slots=True)
class Phone:
    """Every message that would have reached somebody, in order."""

    scheme: str = "phone"
    notes: list[Note] = field(default_factory=list)

    async def send(self, note: Note) -> bool:
        self.notes.append(note)
        return True

    @property
    def rung(self) -> int:
        """How many messages told of something wrong; that it is over is no alarm."""
        return sum(note.urgency != "success" for note in self.notes)

    def watch(self, app: App) -> AlertWatch:
        """The daemon's own watch over its store, with this phone as the only channel."""
        return AlertWatch(app.store, served_by(app.parties), [self], language="zh", place="rehearsal")
