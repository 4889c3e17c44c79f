"""A file's address came from outside: where it may lie, and what counts as a file."""

from __future__ import annotations

import io
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from syncd.domain.centre import FileKind
from syncd.domain.trouble import Permanent, Transient
from syncd.wire.files import Files, _is_public, _looked_up

PDF = b"%PDF-1.4\n1 0 obj\n%%EOF\n"
Serve = Callable[[web.Request], Awaitable[web.StreamResponse]]


def ofd(name: str = "OFD.xml") -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr(name, "<ofd/>")
    return packed.getvalue()


@pytest.fixture
async def server() -> AsyncIterator[Callable[[Serve], Awaitable[str]]]:
    runners: list[web.AppRunner] = []

    async def serve(handler: Serve) -> str:
        app = web.Application()
        app.router.add_get("/{tail:.*}", handler)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        runners.append(runner)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    yield serve
    for runner in runners:
        await runner.cleanup()


def answer(body: bytes, status: int = 200, **headers: str) -> Serve:
    async def handler(_request: web.Request) -> web.Response:
        return web.Response(body=body, status=status, headers=headers)

    return handler


@pytest.mark.parametrize(
    ("body", "kind"), [(PDF, FileKind.PDF), (b"\xef\xbb\xbf" + PDF, FileKind.PDF), (ofd(), FileKind.OFD)]
)
async def test_a_file_is_what_its_first_bytes_say(
    server: Callable[[Serve], Awaitable[str]], body: bytes, kind: FileKind
) -> None:
    root = await server(answer(body))

    found = await Files(allow_loopback=True).fetch(f"{root}/a.pdf?sign=x%2Fy")

    assert (found.kind, found.content) == (kind, body)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"<html>please log in</html>", "no_file"),
        (ofd("other.xml"), "no_file"),
        (b"PK\x03\x04 broken", "no_file"),
        (b"", "no_file"),
        (PDF + b"x" * 2000, "too_large"),
    ],
)
async def test_what_is_no_file_is_not_kept(server: Callable[[Serve], Awaitable[str]], body: bytes, code: str) -> None:
    root = await server(answer(body))

    with pytest.raises(Permanent) as no:
        await Files(allow_loopback=True, most_bytes=1000).fetch(f"{root}/a.pdf")

    assert no.value.verdict.code == code
    assert "127.0.0.1" not in str(no.value)


@pytest.mark.parametrize(
    ("status", "again"), [(500, True), (503, True), (429, True), (404, False), (403, False), (204, False)]
)
async def test_a_status_says_whether_it_is_worth_trying_again(
    server: Callable[[Serve], Awaitable[str]], status: int, again: bool
) -> None:
    root = await server(answer(b"", status))

    with pytest.raises(Transient if again else Permanent):
        await Files(allow_loopback=True).fetch(f"{root}/a.pdf")


async def test_a_redirect_is_vetted_anew_and_not_followed_for_ever(server: Callable[[Serve], Awaitable[str]]) -> None:
    asked: list[str] = []

    async def inside(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(body=PDF)

    async def round_and_round(request: web.Request) -> web.Response:
        asked.append(request.path)
        raise web.HTTPFound("/again")

    target = await server(inside)
    root = await server(round_and_round)
    lookup = {"files.example.com": ["127.0.0.1"]}
    port = target.rpartition(":")[2]

    with pytest.raises(Permanent, match="redirects"):
        await Files(allow_loopback=True).fetch(f"{root}/a.pdf")
    with pytest.raises(Permanent, match="address"):  # no loopback: a public name that points inside
        await Files(lookup=lambda host, _: lookup[host]).fetch(f"https://files.example.com:{port}/a.pdf")

    assert asked == ["/a.pdf", "/again", "/again", "/again"]


@pytest.mark.parametrize("location", ["http://[::1", "http://a:99999/x", "//[zz]/", "http://\u00ff..x/"])
async def test_a_redirect_to_what_is_no_address_is_refused_by_name(
    server: Callable[[Serve], Awaitable[str]], location: str
) -> None:
    async def astray(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": location})

    root = await server(astray)

    with pytest.raises((Permanent, Transient)):
        await Files(allow_loopback=True).fetch(f"{root}/a.pdf")


HOSTILE = [
    *("127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "localhost", "127.0.0.1.", "0.0.0.0", "0"),
    *("[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1]"),
    *("10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1", "255.255.255.255"),
    *("[fc00::1]", "[ff02::1]", "198.18.0.1", "192.0.2.1", "240.0.0.1"),
]


@pytest.mark.parametrize("host", HOSTILE)
@pytest.mark.parametrize("scheme", ["https", "http"])
async def test_nothing_of_our_own_network_is_ever_called(host: str, scheme: str) -> None:
    """S13: whatever spelling, the looked-up address decides; none of these is dialled."""
    with pytest.raises((Permanent, Transient)) as refused:
        await Files(timeout=2.0).fetch(f"{scheme}://{host}:9/a.pdf")

    assert refused.value.verdict.code in ("address", "not_sent.dns")


@pytest.mark.parametrize(
    "url",
    [
        *("", "ftp://example.com/a", "file:///etc/passwd", "javascript:alert(1)", "//example.com/a", "https:///a"),
        *("https://user:pw@example.com/a", "https://example.com:0/a", "https://exa mple.com/\n", "https://[bad/a"),
        "https://example.com/" + "x" * 2000,
    ],
)
async def test_an_address_that_is_none_is_refused_for_good(url: str) -> None:
    with pytest.raises(Permanent, match="address"):
        await Files(lookup=lambda *_: ["93.184.216.34"]).fetch(url)


async def test_plain_http_is_refused_outside_this_machine() -> None:
    with pytest.raises(Permanent, match="address"):
        await Files(allow_loopback=True, lookup=lambda *_: ["93.184.216.34"]).fetch("http://example.com/a.pdf")


async def test_one_inner_address_among_public_ones_is_enough_to_refuse() -> None:
    """A name that answers with both is on its way to being rebound."""
    with pytest.raises(Permanent, match="address"):
        await Files(lookup=lambda *_: ["93.184.216.34", "10.0.0.5"]).fetch("https://example.com/a.pdf")


async def test_what_cannot_be_looked_up_is_tried_again() -> None:
    def nobody(_host: str, _port: int) -> list[str]:
        raise OSError("no such name")

    with pytest.raises(Transient):
        await Files(lookup=nobody).fetch("https://example.com/a.pdf")


@settings(max_examples=150, deadline=None)
@given(st.ip_addresses(v=4))
def test_an_address_hidden_in_a_longer_one_counts_as_itself(address: object) -> None:
    import ipaddress

    assert isinstance(address, ipaddress.IPv4Address)
    mapped = ipaddress.ip_address(f"::ffff:{address}")
    nat64 = ipaddress.ip_address(int(ipaddress.ip_address("64:ff9b::")) + int(address))

    assert _is_public(mapped) == _is_public(nat64) == _is_public(address)


def test_the_hosts_own_lookup_is_used() -> None:
    assert _looked_up("127.0.0.1", 80) == ["127.0.0.1"]
