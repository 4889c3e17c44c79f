"""Reading the settings again while the daemon runs: who asks for it, and what stays as it was."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from syncd.config import Settings, SettingsError

#: At a reload nobody is in a hurry: calls under way end as they would have.
RELOAD_WITHIN = 25.0
#: What stays as it was at the start, whatever a reloaded file says.
_FOR_GOOD = ("store", "engine", "console")


class Hangup:
    """Somebody asks for the settings to be read again."""

    def __init__(self, read: Callable[[], Settings] | None = None) -> None:
        self.heard = asyncio.Event()
        self._read = read

    def read(self) -> Settings:
        """The settings as they are now. Raises SettingsError."""
        if self._read is None:
            raise SettingsError(["these settings have no file to be read from again"])
        return self._read()


def kept(before: Settings, after: Settings) -> list[str]:
    """The sections that differ and stay as they were before."""
    return [name for name in _FOR_GOOD if getattr(before, name) != getattr(after, name)]


async def first_of(*events: asyncio.Event, timeout: float | None) -> None:
    """Until one of `events` is set, or `timeout` seconds are over."""
    waits = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waits, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
