"""Hands messages to channels: each takes a message once, a silent one is tried again, later and later."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass, field

import structlog

from syncd.watch.alert_channels import Channel, Note

log = structlog.get_logger("syncd.alerts")

#: Seconds until a channel that took nothing is tried again: doubled each time, up to the longest.
_FIRST_WAIT, _LONGEST_WAIT = 30.0, 900.0
#: A channel that is dead for days keeps this many of the latest messages.
_MOST_LETTERS = 20


@dataclass(slots=True)
class _Letter:
    """One message on its way. `taken` once any channel took it; a withdrawn one is not delivered any more."""

    note: Note
    taken: bool = False
    withdrawn: bool = False


@dataclass(slots=True)
class _Line:
    """One channel and what it has not taken yet."""

    channel: Channel
    letters: deque[_Letter] = field(default_factory=lambda: deque(maxlen=_MOST_LETTERS))
    failures: int = 0
    try_at: float = float("-inf")

    async def flush(self, now: float) -> None:
        """Send what waits, in order, until the channel does not take one."""
        while self.letters and now >= self.try_at:
            letter = self.letters[0]
            if not letter.withdrawn:
                if not await self.channel.send(letter.note):
                    self._failed(now)
                    return
                self._recovered()
                letter.taken = True
            if self.letters and self.letters[0] is letter:  # a full queue may have dropped it meanwhile
                self.letters.popleft()

    def _failed(self, now: float) -> None:
        self.failures += 1
        self.try_at = now + min(_FIRST_WAIT * 2 ** min(self.failures - 1, 10), _LONGEST_WAIT)
        if self.failures == 1:
            log.warning("alerts.failed", channel=self.channel.scheme)

    def _recovered(self) -> None:
        if self.failures:
            log.info("alerts.recovered", channel=self.channel.scheme)
        self.failures = 0


class Post:
    """All channels. A message counts as said once one of them took it; the others get it when they can."""

    def __init__(self, channels: Sequence[Channel], monotonic: Callable[[], float]) -> None:
        self._lines = [_Line(channel) for channel in channels]
        self._monotonic = monotonic
        self._open: dict[Hashable, _Letter] = {}

    async def deliver(self, key: Hashable, note: Note) -> bool:
        """Whether a channel has taken this message, now or since it was first handed in under `key`."""
        letter = self._open.get(key)
        if letter is None:
            letter = self._open[key] = _Letter(note)
            for line in self._lines:
                line.letters.append(letter)
        await self.flush()
        if letter.taken:
            del self._open[key]
        return letter.taken

    async def flush(self) -> None:
        """Give every channel what it has not taken yet, if it is time to try it again."""
        now = self._monotonic()
        await asyncio.gather(*(line.flush(now) for line in self._lines))

    def withdraw(self, wanted: Collection[Hashable]) -> None:
        """Forget messages nobody has taken and nobody wants said any more."""
        for key in [key for key in self._open if key not in wanted]:
            letter = self._open.pop(key)
            letter.withdrawn = not letter.taken
