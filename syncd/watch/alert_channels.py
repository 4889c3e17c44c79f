"""Where messages go: DingTalk, WeCom, Feishu, mail and whatever else Apprise knows by an address.

Apprise is an extra of the package and slow to import: nothing here imports it before a channel is opened. A channel
is called in a daemon thread, which neither the loop nor the end of the process waits for. Its address is a secret:
only its scheme is ever shown.
"""

from __future__ import annotations

import asyncio
import importlib.util
import threading
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, Protocol

#: Longer than Apprise's own time-outs of connecting and reading.
SEND_WITHIN = 30.0
Urgency = Literal["info", "success", "warning", "failure"]


class BadAddress(ValueError):
    """Apprise does not know what to do with an address; `position` counts from 0, `scheme` is all that is shown."""

    def __init__(self, position: int, scheme: str) -> None:
        super().__init__(f'alerts.urls[{position}] ("{scheme}://…") is no address that Apprise can send to')
        self.position = position
        self.scheme = scheme


class NoApprise(Exception):
    """The extra is not installed."""

    def __init__(self) -> None:
        super().__init__("alerts.urls needs the package apprise: pip install -c constraints.txt '.[alerts]'")


@dataclass(frozen=True, slots=True)
class Note:
    """One message as a channel takes it."""

    title: str
    body: str
    urgency: Urgency = "info"


class Channel(Protocol):
    """One way to people."""

    @property
    def scheme(self) -> str:
        """What kind of channel it is, for logs: "dingtalk", "mailto"."""
        ...

    async def send(self, note: Note) -> bool:
        """Whether the other side took it; False also for a time-out. Raises nothing."""
        ...


def installed() -> bool:
    """Whether the extra is there."""
    return importlib.util.find_spec("apprise") is not None


def scheme_of(url: str) -> str:
    """The part of an address that is no secret."""
    scheme = url.partition("://")[0] if "://" in url else "?"
    return scheme if scheme.isascii() and scheme.isalnum() and len(scheme) <= 20 else "?"


def opened(urls: Sequence[str], within: float = SEND_WITHIN) -> list[Channel]:
    """A channel for each address. Nothing is sent. Raises: BadAddress, NoApprise."""
    if not urls:
        return []
    if not installed():
        raise NoApprise
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its imports lean on what Python 3.13 drops
        return [_Apprise(scheme_of(url), _notifier(position, url), within) for position, url in enumerate(urls)]


def _notifier(position: int, url: str) -> Callable[[Note], bool]:
    from apprise import Apprise, NotifyType
    from apprise.logger import logger

    # It would log each failed attempt, and at levels below warning the addresses; we say once that one failed.
    logger.disabled = True
    plugin = Apprise.instantiate(url, suppress_exceptions=True)
    if plugin is None:
        raise BadAddress(position, scheme_of(url))
    return partial(_notify, plugin.notify, NotifyType)


def _notify(notify: Callable[..., object], urgency: Callable[[str], object], note: Note) -> bool:
    return bool(notify(body=note.body, title=note.title, notify_type=urgency(note.urgency)))


class _Apprise:
    """A plug-in of Apprise, which blocks while it sends."""

    def __init__(self, scheme: str, notify: Callable[[Note], bool], within: float) -> None:
        self.scheme = scheme
        self._notify = notify
        self._within = within

    async def send(self, note: Note) -> bool:
        try:
            return await asyncio.wait_for(self._in_thread(note), self._within)
        except TimeoutError:
            return False

    def _in_thread(self, note: Note) -> asyncio.Future[bool]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bool] = loop.create_future()

        def tell(taken: bool) -> None:
            if not answer.done():
                answer.set_result(taken)

        def work() -> None:
            taken = False
            try:
                taken = self._notify(note)
            except (OSError, ValueError, TypeError, RuntimeError, LookupError, AttributeError):  # a plug-in's fault
                taken = False
            finally:
                try:
                    loop.call_soon_threadsafe(tell, taken)
                except RuntimeError:  # the loop has closed meanwhile: nobody waits for the answer
                    pass

        threading.Thread(target=work, name=f"alert-{self.scheme}", daemon=True).start()
        return answer
