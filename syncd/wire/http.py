"""The only place that turns HTTP into `Transient` and `InDoubt`.

An answer of any status is returned as it is; what it means is the party's business. What is raised says only how
far the request can have got: `Transient` when certainly not one byte of it left, `InDoubt` from the first byte on.

Connections, TLS and the reading of answers are aiohttp's; its session is not used. It serves redirects, cookies,
retries and proxies, all of which are refused here, and costs more than the rest of a call. Without it there is one line
before which nothing was written, and after which something may have been.
"""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache, lru_cache
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

import aiohttp
from aiohttp.connector import Connection
from aiohttp.http import HttpProcessingError
from yarl import URL

from syncd.domain.trouble import Care, InDoubt, Transient, Verdict

#: Only these are offered: brotli and zstd gain nothing here and widen what a hostile answer can reach.
ENCODINGS = "gzip, deflate"
#: Shorter than any server's patience we know of, so that a request seldom meets a connection just being closed.
KEEP_ALIVE_FOR = 10.0
_CHUNK = 1 << 16
_ALWAYS = {"Accept": "*/*", "Accept-Encoding": ENCODINGS, "User-Agent": "syncd"}
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer, whatever its status. `headers` is case-insensitive; `server_date` is its `Date` in UTC."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    server_date: datetime | None


class _Address:
    """A server as aiohttp's pool of connections knows it, and what of every request to it is the same.

    `url` is scheme, host and path. Raises ValueError for anything else.
    """

    def __init__(self, url: str, loop: asyncio.AbstractEventLoop) -> None:
        parsed = URL(url)
        if parsed.scheme not in ("http", "https") or parsed.raw_query_string or parsed.raw_user is not None:
            raise ValueError("not an address that can be called")
        self.server = aiohttp.ClientRequest("POST", parsed, loop=loop)
        self._line = f"POST {parsed.raw_path}"
        self._host = self.server.headers["Host"]

    def request(self, params: Mapping[str, str], fields: Sequence[str], body: bytes) -> bytes:
        """The bytes of one request; `fields` are its other headers."""
        query = f"?{urlencode(params)}" if params else ""
        line = f"{self._line}{query} HTTP/1.1\r\nHost: {self._host}\r\nContent-Length: {len(body)}\r\n"
        return "".join([line, "\r\n".join(fields), "\r\n\r\n"]).encode() + body


#: A thousand merchants call the same address.
_known = lru_cache(maxsize=256)(_Address)


class _TooLarge(Exception):
    """The answer is longer than we are willing to hold."""


@cache
def _verifying() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class Http:
    """One credential's connections: POST once, no redirect, no retry, no cookie, no proxy, certificates verified.

    One per credential, because WDT's gateway ties a connection to a tenant (`sid is not found` when it is shared).
    `timeout` bounds the whole call in seconds, `connect_timeout` the wait for a connection; `max_body` counts
    bytes after decompression. `tls` replaces the host's trust store, for an in-house issuer's own authority.
    `on_call` is told of each call how it ended ("ok", "http_4xx", …, "not_sent", "in_doubt") and how many seconds
    it took.
    """

    def __init__(
        self,
        platform: str,
        *,
        timeout: float = 20.0,
        connect_timeout: float = 5.0,
        limit: int = 8,
        max_body: int = 8 * 2**20,
        force_close: bool = False,
        tls: ssl.SSLContext | None = None,
        on_call: Callable[[str, float], None] | None = None,
    ) -> None:
        self.platform = platform
        self._timeout = timeout
        self._connecting = aiohttp.ClientTimeout(connect=min(timeout, connect_timeout))
        self._limit = limit
        self._max_body = max_body
        self._force_close = force_close
        self._always = {**_ALWAYS, "Connection": "close"} if force_close else _ALWAYS
        self._tls = tls
        self._on_call = on_call or _nobody
        self._pool: aiohttp.TCPConnector | None = None
        self._closed = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let go of the connections; a later `post` is refused. Calls under way end in doubt."""
        self._closed = True
        if self._pool is not None:
            await self._pool.close()

    async def post(
        self,
        url: str,
        *,
        body: bytes,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Reply:
        """Send `body` once and return the answer, whatever its status.

        Raises: Transient (nothing was sent), InDoubt (anything from the first byte on), ValueError (a line break
        in a header; nothing was sent). No text of these carries the URL's query, where WDT wants its salt.
        """
        fields = _fields({**self._always, **(headers or {})})
        began = time.monotonic()
        outcome = "in_doubt"  # also where the call is cancelled
        try:
            reply = await self._exchange(url, params or {}, fields, body)
            outcome = "ok" if 200 <= reply.status < 300 else f"http_{reply.status // 100}xx"
            return reply
        except Transient:
            outcome = "not_sent"
            raise
        except (aiohttp.ClientError, HttpProcessingError, OSError, _TooLarge) as error:
            trouble = InDoubt(Verdict(Care.UNKNOWN, self.platform, _code_of(error), _describe(error)))
        finally:
            self._on_call(outcome, time.monotonic() - began)
        # Raised out here so that the original, whose text may quote the signed URL, is not its context.
        raise trouble

    async def _exchange(self, url: str, params: Mapping[str, str], fields: Sequence[str], body: bytes) -> Reply:
        deadline = asyncio.get_running_loop().time() + self._timeout
        address = self._address(url)
        request = address.request(params, fields, body)
        connection = await self._connected(address)
        try:
            async with asyncio.timeout_at(deadline):
                reply = await self._answered(connection, request)
        except BaseException:  # what may still come is nobody's answer
            connection.close()
            raise
        connection.release()
        return reply

    async def _connected(self, address: _Address) -> Connection:
        """A connection on which nothing is written yet. Raises Transient."""
        try:
            return await self._open().connect(address.server, [], self._connecting)
        except (aiohttp.ClientError, OSError) as error:
            trouble = self._not_sent(error)
        raise trouble

    async def _answered(self, connection: Connection, request: bytes) -> Reply:
        protocol, transport = connection.protocol, connection.transport
        if protocol is None or transport is None or transport.is_closing() or len(protocol):
            # It was closed in the same moment, or somebody answers there who was not asked: it is nobody's answer.
            raise self._not_sent(aiohttp.ServerDisconnectedError())
        protocol.set_response_params(read_until_eof=True)
        transport.write(request)  # from here on it may have been sent
        message, content = await protocol.read()
        while 100 <= message.code < 200 and message.code != 101:  # "go on", and the like: the answer is yet to come
            message, content = await protocol.read()
        received = await self._read(message.headers, content)
        return Reply(message.code, received, message.headers, _server_date(message.headers.get("Date", "")))

    async def _read(self, headers: Mapping[str, str], content: aiohttp.StreamReader) -> bytes:
        """The decompressed body; stops as soon as it is longer than allowed."""
        length = headers.get("Content-Length")
        if length is not None and int(length) <= self._max_body and "Content-Encoding" not in headers:
            return await content.read()
        received = bytearray()
        async for chunk in content.iter_chunked(_CHUNK):
            received += chunk
            if len(received) > self._max_body:
                raise _TooLarge
        return bytes(received)

    def _address(self, url: str) -> _Address:
        try:
            return _known(url, asyncio.get_running_loop())
        except ValueError as error:  # aiohttp's InvalidURL is one
            trouble = Transient(Verdict(Care.SETTINGS, self.platform, "not_sent.url", _describe(error)))
        raise trouble

    def _open(self) -> aiohttp.TCPConnector:
        if self._closed:
            raise Transient(Verdict(Care.RETRY_SOON, self.platform, "not_sent.closed", "this client is closed"))
        if self._pool is None:
            tls = self._tls or _verifying()
            if self._force_close:
                self._pool = aiohttp.TCPConnector(limit=self._limit, ssl=tls, force_close=True)
            else:
                self._pool = aiohttp.TCPConnector(limit=self._limit, ssl=tls, keepalive_timeout=KEEP_ALIVE_FOR)
        return self._pool

    def _not_sent(self, error: Exception) -> Transient:
        found = ((code, care) for kind, code, care in _NOT_SENT if isinstance(error, kind))
        code, care = next(found, ("not_sent.refused", Care.RETRY_SOON))
        return Transient(Verdict(care, self.platform, code, _describe(error)))


#: Why there was no connection; first match wins.
_NOT_SENT: tuple[tuple[type[Exception], str, Care], ...] = (
    (aiohttp.ClientConnectorCertificateError, "not_sent.certificate", Care.SETTINGS),
    (aiohttp.ClientConnectorSSLError, "not_sent.tls", Care.RETRY_SOON),
    (aiohttp.ClientConnectorDNSError, "not_sent.dns", Care.RETRY_SOON),
    (TimeoutError, "not_sent.timeout", Care.RETRY_SOON),
)
#: What became of an answer that was waited for.
_IN_DOUBT: tuple[tuple[type[Exception], str], ...] = (
    (_TooLarge, "too_large"),
    (TimeoutError, "timeout"),
    (aiohttp.ClientPayloadError, "payload"),
    (aiohttp.ServerDisconnectedError, "reset"),
    (OSError, "reset"),
)


def _code_of(error: Exception) -> str:
    return next((code for kind, code in _IN_DOUBT if isinstance(error, kind)), "protocol")


def _nobody(_outcome: str, _seconds: float) -> None:
    """Nobody wants to know."""


def _describe(error: Exception) -> str:
    """The error's name only: aiohttp's own texts quote the whole URL ("Connection timeout to host …")."""
    return type(error).__name__.lstrip("_")


def _fields(headers: Mapping[str, str]) -> list[str]:
    fields = [f"{name}: {value}" for name, value in headers.items()]
    if _CONTROL.search("".join(fields)):
        raise ValueError("a header has a line break in it")
    return fields


@lru_cache(maxsize=16)  # a server says the same for a second
def _server_date(header: str) -> datetime | None:
    try:
        stated = parsedate_to_datetime(header)
    except ValueError:
        return None
    return stated.replace(tzinfo=UTC) if stated.tzinfo is None else stated.astimezone(UTC)
