"""Fetching the file of an issued invoice from where its issuer says it lies.

The address came from outside, so it is not trusted: https only, no private, loopback or otherwise unroutable address,
looked up once and dialled as looked up, each redirect vetted anew. What comes back is believed by its first bytes
alone, and is not held beyond a few megabytes.
"""

from __future__ import annotations

import asyncio
import io
import ipaddress
import socket
import time
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.http import HttpProcessingError
from yarl import URL

from syncd.domain.centre import FileKind, InvoiceFile
from syncd.domain.trouble import Care, Permanent, Transient, Verdict
from syncd.faultpoint import reached

#: Bytes of one file; redirects that are followed; seconds for the whole of it.
MOST_BYTES, MOST_REDIRECTS, TIMEOUT = 5 * 2**20, 3, 10.0
_CHUNK = 1 << 16
#: Addresses that carry an IPv4 address inside: what is inside counts.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
#: (host, port) → the addresses it has. The host's own lookup, but for tests.
Lookup = Callable[[str, int], Sequence[str]]


class Files:
    """Fetches files over https; with `allow_loopback` also over plain http from this machine, as in a rehearsal."""

    def __init__(
        self,
        *,
        allow_loopback: bool = False,
        timeout: float = TIMEOUT,
        most_bytes: int = MOST_BYTES,
        lookup: Lookup | None = None,
        on_call: Callable[[str, float], None] | None = None,
    ) -> None:
        self._allow_loopback = allow_loopback
        self._timeout = aiohttp.ClientTimeout(total=timeout, connect=min(5.0, timeout))
        self._most_bytes = most_bytes
        self._lookup = lookup or _looked_up
        self._on_call = on_call or _nobody

    async def fetch(self, url: str) -> InvoiceFile:
        """The file at `url`. Raises Transient (try again), Permanent (an address or a content that is no use)."""
        reached("files.fetch.before")
        began, outcome = time.monotonic(), "in_doubt"
        try:
            found = _checked(await self._follow(url))
            outcome = "ok"
        except (Transient, Permanent) as trouble:
            outcome = "not_sent" if trouble.verdict.code.startswith("not_sent") else "http_4xx"
            raise
        finally:
            self._on_call(outcome, time.monotonic() - began)
        reached("files.fetch.after")
        return found

    async def _follow(self, url: str) -> bytes:
        for _ in range(MOST_REDIRECTS + 1):
            target = _address(url)
            answer = await self._get(target)
            if isinstance(answer, bytes):
                return answer
            url = _led_to(target, answer)
        raise Permanent(_verdict(Care.DATA, "redirects", "too many redirects"))

    async def _get(self, target: URL) -> bytes | str:
        """The body, or where it is said to lie instead."""
        addresses = await self._vetted(target)
        connector = aiohttp.TCPConnector(resolver=_Known(addresses), limit=1, force_close=True)
        headers = {"User-Agent": "syncd", "Accept-Encoding": "identity"}
        try:
            async with (
                aiohttp.ClientSession(
                    connector=connector,
                    timeout=self._timeout,
                    cookie_jar=aiohttp.DummyCookieJar(),
                    trust_env=False,
                    auto_decompress=False,
                ) as session,
                session.get(target, headers=headers, allow_redirects=False) as response,
            ):
                if response.status in (301, 302, 303, 307, 308) and response.headers.get("Location"):
                    return response.headers["Location"]
                _refuse_status(response.status)
                return await self._read(response)
        except (aiohttp.ClientError, HttpProcessingError, OSError) as error:
            cause = type(error).__name__.lstrip("_")
        # Raised out here: the original quotes the address, which may be signed.
        raise Transient(_verdict(Care.RETRY_SOON, "not_sent.network", cause))

    async def _vetted(self, target: URL) -> list[str]:
        """Its addresses, every one of them public. Raises Permanent where one is not."""
        host, port = target.raw_host or "", target.port or 443
        try:
            found = await asyncio.to_thread(self._lookup, host, port)
        except (OSError, UnicodeError):
            raise Transient(_verdict(Care.RETRY_SOON, "not_sent.dns", "cannot be looked up")) from None
        addresses = [ipaddress.ip_address(one.partition("%")[0]) for one in found]
        here = bool(addresses) and all(one.is_loopback for one in addresses)
        if here and self._allow_loopback:
            return [str(one) for one in addresses]
        if target.scheme != "https" or not addresses or not all(map(_is_public, addresses)):
            raise Permanent(_verdict(Care.SETTINGS, "address", "not an address that may be called"))
        return [str(one) for one in addresses]

    async def _read(self, response: aiohttp.ClientResponse) -> bytes:
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise Permanent(_verdict(Care.DATA, "encoding", "packed, although asked for plain"))
        received = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK):
            received += chunk
            if len(received) > self._most_bytes:
                raise Permanent(_verdict(Care.DATA, "too_large", f"longer than {self._most_bytes} bytes"))
        return bytes(received)


class _Known(AbstractResolver):
    """Gives the addresses that were vetted, and asks nobody again."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        """Nothing to let go of."""


def _address(url: str) -> URL:
    """What may be asked for at all. Raises Permanent."""
    refused = Permanent(_verdict(Care.SETTINGS, "address", "not an address that may be called"))
    if not url.isprintable() or len(url) > 2000:
        raise refused
    try:
        target = URL(url, encoded=True)
        odd = target.scheme not in ("https", "http") or not target.raw_host or target.port == 0
        named = target.user is not None or target.password is not None
    except ValueError:
        raise refused from None
    if odd or named:
        raise refused
    return target


def _led_to(target: URL, location: str) -> str:
    """The address that a redirect names. Raises Permanent where it is none."""
    try:
        return str(target.join(URL(location, encoded=True)))
    except ValueError:
        raise Permanent(_verdict(Care.DATA, "redirect", "redirects to what is no address")) from None


def _is_public(address: Address) -> bool:
    """Whether anybody may be there but this machine and its own network."""
    inside = _inside(address)
    if inside is not None:
        return _is_public(inside)
    return address.is_global and not address.is_multicast


def _inside(address: Address) -> ipaddress.IPv4Address | None:
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.teredo[1] if address.teredo is not None else None


def _looked_up(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _refuse_status(status: int) -> None:
    if status == 200:
        return
    if status >= 500 or status in (408, 425, 429):
        raise Transient(_verdict(Care.RETRY_SOON, f"http_{status}", "not served now"))
    raise Permanent(_verdict(Care.DATA, f"http_{status}", "not served"))


def _checked(content: bytes) -> InvoiceFile:
    """What the bytes themselves say they are. Raises Permanent: a login page is no invoice."""
    if b"%PDF-" in content[:1024]:
        return InvoiceFile(FileKind.PDF, content)
    if content.startswith(b"PK\x03\x04") and _is_ofd(content):
        return InvoiceFile(FileKind.OFD, content)
    raise Permanent(_verdict(Care.DATA, "no_file", "neither PDF nor OFD"))


def _is_ofd(content: bytes) -> bool:
    """Only the directory is read; nothing is unpacked. What zipfile cannot read (NotImplementedError) is no OFD."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            return "OFD.xml" in packed.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return False


def _verdict(care: Care, code: str, text: str) -> Verdict:
    return Verdict(care, "files", code, text)


def _nobody(*_: Any) -> None:
    """Nobody wants to know."""
