"""The least of HTTP/1.1 that keeps a client busy: keep-alive, Content-Length, and nothing checked."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from urllib.parse import parse_qsl, unquote

LARGEST_HEAD = 1 << 16


@dataclass(frozen=True, slots=True)
class Request:
    """One request; names of headers in lower case, values of the query decoded."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class Traffic:
    """What came in. Instants are of the host's monotonic clock, which every process on it shares.

    `delay` (seconds) is waited before each answer, beside all others; `most` are the calls in flight at once.
    """

    delay: float = 0.0
    calls: Counter[str] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)
    first_at: float = 0.0
    last_at: float = 0.0
    _now: Counter[str] = field(default_factory=Counter)

    def arrived(self, method: str) -> None:
        """Count one call."""
        self.last_at = time.monotonic()
        self.first_at = self.first_at or self.last_at
        self.calls[method] += 1
        self._now[method] += 1
        self.most[method] = max(self.most[method], self._now[method])

    def answered(self, method: str) -> None:
        """It has had its answer."""
        self._now[method] -= 1


#: The name a call is counted under ("" is not counted nor delayed) and its answer.
Handler = Callable[[Request], tuple[str, bytes]]


class Connection(asyncio.Protocol):
    """One client's connection. A request that cannot be read closes it."""

    def __init__(self, handler: Handler, traffic: Traffic) -> None:
        self._handler = handler
        self._traffic = traffic
        self._received = bytearray()
        self._transport: asyncio.WriteTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio's."""
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """asyncio's."""
        self._received += data
        while (request := self._next()) is not None:
            self._answer(request)

    def _next(self) -> Request | None:
        """The next whole request, if there is one."""
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return None
        line, *fields = self._received[:end].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (one.partition(":") for one in fields)}
        until = end + 4 + int(headers.get("content-length", "0"))
        if len(self._received) < until:
            return None
        body = bytes(self._received[end + 4 : until])
        del self._received[:until]
        path, _, query = line.split(" ")[1].partition("?")
        return Request(unquote(path), dict(parse_qsl(query)), headers, body)

    def _answer(self, request: Request) -> None:
        began = time.monotonic()
        method, body = self._handler(request)
        if not method:
            self._send(body)
            return
        self._traffic.arrived(method)
        rest = self._traffic.delay - (time.monotonic() - began)
        if rest > 0:
            asyncio.get_running_loop().call_later(rest, self._finish, method, body)
        else:
            self._finish(method, body)

    def _finish(self, method: str, body: bytes) -> None:
        self._traffic.answered(method)
        self._send(body)

    def _send(self, body: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(_head(len(body)))
        self._transport.write(body)


_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\nDate: %s\r\n\r\n"
_date: tuple[int, bytes] = (0, b"")


def _head(length: int) -> bytes:
    global _date
    second = int(time.time())
    if _date[0] != second:
        _date = second, formatdate(second, usegmt=True).encode()
    return _HEAD % (length, _date[1])
