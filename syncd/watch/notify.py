"""Tells systemd how we are: a datagram to $NOTIFY_SOCKET, or nothing where there is none."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping


class Notifier:
    """One service's line to systemd. Every call returns whether somebody was told; none raises.

    `watchdog_every` is how often, in seconds, `watchdog` should be called (half of what systemd allows), or None.
    Source: sd_notify(3), sd_watchdog_enabled(3).
    """

    def __init__(self, address: str | None, watchdog_every: float | None = None) -> None:
        self._address = f"\0{address[1:]}" if address and address.startswith("@") else address
        self.watchdog_every = watchdog_every

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Notifier:
        """From NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID; silent where they are absent or not for us."""
        address = env.get("NOTIFY_SOCKET", "")
        if not address.startswith(("/", "@")):
            return cls(None)
        return cls(address, _watchdog_every(env))

    def ready(self) -> bool:
        return self._send("READY=1")

    def reloading(self) -> bool:
        """The settings are read again; `ready` ends it."""
        return self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def watchdog(self) -> bool:
        return self._send("WATCHDOG=1")

    def stopping(self) -> bool:
        return self._send("STOPPING=1")

    def status(self, text: str) -> bool:
        """One line for `systemctl status`; line breaks in it would be read as further assignments."""
        return self._send(f"STATUS={' '.join(text.split())}")

    def _send(self, message: str) -> bool:
        if self._address is None:
            return False
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
                line.setblocking(False)  # a systemd that does not read must not stop the loop
                line.sendto(message.encode("utf-8", "replace"), self._address)
        except OSError:
            return False
        return True


def _watchdog_every(env: Mapping[str, str]) -> float | None:
    if env.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    allowed = env.get("WATCHDOG_USEC", "")
    if not allowed.isascii() or not allowed.isdigit() or int(allowed) == 0:
        return None
    return int(allowed) / 2 / 1_000_000
