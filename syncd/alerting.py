"""From settings to the watch that tells people: its channels, its rules, and the task it runs in."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from syncd.config import Settings, SettingsError
from syncd.engine.supervise import supervised
from syncd.store.store import Store
from syncd.watch.alert_channels import BadAddress, Channel, NoApprise, opened
from syncd.watch.alert_facts import Limits
from syncd.watch.alert_watch import AlertWatch
from syncd.watch.alerts import Rules
from syncd.watch.gauges import Served

#: Seconds between two looks.
LOOK_EVERY = 15.0


def channels_of(settings: Settings) -> list[Channel]:
    """The channels of `[alerts] urls`. Nothing is sent. Raises: SettingsError."""
    try:
        return opened([url.get_secret_value() for url in settings.alerts.urls])
    except (BadAddress, NoApprise) as error:
        raise SettingsError([str(error)]) from None


def place() -> str:
    """How this installation is called in messages: by its host."""
    return socket.gethostname()


def watch_of(
    settings: Settings,
    store: Store,
    merchants: Sequence[Served],
    channels: Sequence[Channel],
) -> AlertWatch:
    """The watch over `store` that `[alerts]` asks for."""
    alerts = settings.alerts
    return AlertWatch(
        store,
        merchants,
        channels,
        language=alerts.language,
        rules=Rules(quiet_for=alerts.quiet_for),
        limits=Limits(alerts.resting_after, alerts.unknown_after, alerts.stale_after),
        place=place(),
    )


Speaks = Callable[[], Awaitable[bool]]


@asynccontextmanager
async def telling(
    watch: AlertWatch | None, every: float = LOOK_EVERY, *, speaks: Speaks | None = None
) -> AsyncIterator[None]:
    """The watch looks every so many seconds inside; what it sends at the end is not waited for.

    `speaks`: whether this process is the one, of many on one store, that tells people.
    """
    task = asyncio.create_task(_look(watch, every, speaks), name="alerts") if watch is not None else None
    try:
        yield
    finally:
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def _look(watch: AlertWatch, every: float, speaks: Speaks | None) -> None:
    while True:
        if speaks is None or await speaks():
            await supervised("alerts", "*", watch.look())
        await asyncio.sleep(every)
