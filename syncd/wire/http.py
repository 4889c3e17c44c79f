"""The only place that turns HTTP into `Transient` and `InDoubt`.

An answer of any status is returned as it is; what it means is the party's business. What is raised says only how
far the request can have got: `Transient` when certainly not one byte of it left, `InDoubt` from the first byte on.
"""

from __future__ import annotations

import re
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache, lru_cache
from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp.connector import Connection
from aiohttp.http import HttpProcessingError

from syncd.domain.trouble import Care, InDoubt, Transient, Trouble, Verdict

#: Only these are offered: brotli and zstd gain nothing here and widen what a hostile answer can reach.
ENCODINGS = "gzip, deflate"
#: Shorter than any server's patience we know of, so that a request seldom meets a connection just being closed.
KEEP_ALIVE_FOR = 10.0
_CHUNK = 1 << 16
_LINE_BREAK = re.compile("[\r\n\0]")


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer, whatever its status. `headers` is case-insensitive; `server_date` is its `Date` in UTC."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    server_date: datetime | None


class _TooLarge(Exception):
    """The answer is longer than we are willing to hold."""


class _Pool(aiohttp.TCPConnector):
    """Gives out no connection on which something has come already: nobody asked for it, so it answers nothing."""

    async def connect(self, *given: Any, **named: Any) -> Connection:
        while True:
            connection = await super().connect(*given, **named)
            if connection.protocol is None or not len(connection.protocol):
                return connection
            connection.close()


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
        self._timeout = aiohttp.ClientTimeout(total=timeout, connect=connect_timeout)
        self._limit = limit
        self._max_body = max_body
        self._force_close = force_close
        self._tls = tls
        self._on_call = on_call or _nobody
        self._session: aiohttp.ClientSession | None = None
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
        if self._session is not None:
            await self._session.close()

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
        sent_headers = {"Accept-Encoding": ENCODINGS, "User-Agent": "syncd", **(headers or {})}
        _refuse_line_breaks(sent_headers)
        began = time.monotonic()
        outcome = "in_doubt"  # also where the call is cancelled
        try:
            reply = await self._exchange(url, body, sent_headers, params)
            outcome = "ok" if 200 <= reply.status < 300 else f"http_{reply.status // 100}xx"
            return reply
        except Transient:
            outcome = "not_sent"
            raise
        except (aiohttp.ClientError, HttpProcessingError, OSError, _TooLarge) as error:
            trouble = self._trouble(error)
            outcome = "not_sent" if isinstance(trouble, Transient) else "in_doubt"
        finally:
            self._on_call(outcome, time.monotonic() - began)
        # Raised out here so that the original, whose text may quote the signed URL, is not its context.
        raise trouble

    async def _exchange(
        self, url: str, body: bytes, headers: Mapping[str, str], params: Mapping[str, str] | None
    ) -> Reply:
        request = self._open().post(url, data=body, headers=headers, params=params, allow_redirects=False)
        async with request as response:
            received = await self._read(response)
            return Reply(response.status, received, response.headers, _server_date(response.headers.get("Date", "")))

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        """The decompressed body; stops, and drops the connection, as soon as it is longer than allowed."""
        length = response.content_length
        if length is not None and length <= self._max_body and "Content-Encoding" not in response.headers:
            return await response.read()
        received = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK):
            received += chunk
            if len(received) > self._max_body:
                response.close()
                raise _TooLarge
        return bytes(received)

    def _open(self) -> aiohttp.ClientSession:
        if self._closed:
            raise Transient(Verdict(Care.RETRY_SOON, self.platform, "not_sent.closed", "this client is closed"))
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=self._connector(),
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                auto_decompress=True,
            )
        return self._session

    def _connector(self) -> _Pool:
        tls = self._tls or _verifying()
        if self._force_close:
            return _Pool(limit=self._limit, ssl=tls, force_close=True)
        return _Pool(limit=self._limit, ssl=tls, keepalive_timeout=KEEP_ALIVE_FOR)

    def _trouble(self, error: Exception) -> Trouble:
        for kind, code, care in _NOT_SENT:
            if isinstance(error, kind):
                return Transient(Verdict(care, self.platform, code, _describe(error)))
        for kind, code in _IN_DOUBT:
            if isinstance(error, kind):
                return InDoubt(Verdict(Care.UNKNOWN, self.platform, code, _describe(error)))
        return InDoubt(Verdict(Care.UNKNOWN, self.platform, "protocol", _describe(error)))


#: First match wins; every class here is raised by the connector alone, before a byte of the request is written.
_NOT_SENT: tuple[tuple[type[Exception], str, Care], ...] = (
    (aiohttp.ClientConnectorCertificateError, "not_sent.certificate", Care.SETTINGS),
    (aiohttp.ClientConnectorSSLError, "not_sent.tls", Care.RETRY_SOON),
    (aiohttp.ClientConnectorDNSError, "not_sent.dns", Care.RETRY_SOON),
    (aiohttp.ClientConnectorError, "not_sent.refused", Care.RETRY_SOON),
    (aiohttp.ConnectionTimeoutError, "not_sent.timeout", Care.RETRY_SOON),
    (aiohttp.InvalidURL, "not_sent.url", Care.SETTINGS),
    (aiohttp.NonHttpUrlClientError, "not_sent.url", Care.SETTINGS),
)
_IN_DOUBT: tuple[tuple[type[Exception], str], ...] = (
    (_TooLarge, "too_large"),
    (TimeoutError, "timeout"),
    (aiohttp.ClientPayloadError, "payload"),
    (aiohttp.ServerDisconnectedError, "reset"),
    (OSError, "reset"),
)


def _nobody(_outcome: str, _seconds: float) -> None:
    """Nobody wants to know."""


def _describe(error: Exception) -> str:
    """The error's name only: aiohttp's own texts quote the whole URL ("Connection timeout to host …")."""
    return type(error).__name__.lstrip("_")


def _refuse_line_breaks(headers: Mapping[str, str]) -> None:
    if _LINE_BREAK.search("".join((*headers.keys(), *headers.values()))):
        raise ValueError("a header has a line break in it")


@lru_cache(maxsize=16)  # a server says the same for a second
def _server_date(header: str) -> datetime | None:
    try:
        stated = parsedate_to_datetime(header)
    except ValueError:
        return None
    return stated.replace(tzinfo=UTC) if stated.tzinfo is None else stated.astimezone(UTC)
