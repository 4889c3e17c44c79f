import asyncio
import gzip
import traceback
import zlib
from datetime import UTC, datetime
from importlib.metadata import version

import pytest
from wire_server import RawServer, broken_chunks, drip, hang, not_http, reply, reset, reset_after_headers

from syncd.domain.trouble import Care, InDoubt, Transient, Trouble
from syncd.wire.http import Http

SALTED = {"sid": "demo_sid", "salt": "canary+salt/=", "sign": "canarysign"}
BODY = b"canarybody"


async def test_what_is_sent_arrives_byte_for_byte_and_the_answer_comes_back_whole(raw_server: RawServer):
    raw_server.answer(reply("好", status=404, headers={"Date": "Fri, 20 Nov 2026 02:00:00 GMT", "X-Trace": "t1"}))

    async with Http("wdt") as http:
        answer = await http.post(
            raw_server.url, body="[1 ,  2]号".encode(), headers={"Content-Type": "application/json"}, params=SALTED
        )

    assert (answer.status, answer.body) == (404, "好".encode())
    assert answer.headers["x-trace"] == "t1"
    assert answer.server_date == datetime(2026, 11, 20, 2, tzinfo=UTC)
    assert raw_server.arrived[0].body == "[1 ,  2]号".encode()
    assert raw_server.arrived[0].query == SALTED


async def test_an_announcement_is_not_taken_for_the_answer_that_follows_it(raw_server: RawServer):
    """ "Go on" and "early hints" come before the answer proper; a connection that gave both is kept."""
    raw_server.answer(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + reply('{"a":1}'))

    async with Http("wdt") as http:
        answers = [await http.post(raw_server.url, body=b"[]") for _ in range(2)]

    assert [(one.status, one.body) for one in answers] == [(200, b'{"a":1}')] * 2
    assert raw_server.connections == 1


async def test_an_answer_nobody_asked_for_is_not_taken_for_that_to_the_next_request(raw_server: RawServer):
    """Whatever came late on a kept connection, perhaps a second time, says nothing of what is sent next."""

    async def twice(server: RawServer, writer: asyncio.StreamWriter) -> None:
        writer.write(reply("first"))
        await server.released.wait()
        writer.write(reply("once more"))
        await writer.drain()

    raw_server.answer(twice, reply("another's"), reply("second"))
    async with Http("wdt") as http, Http("wdt") as another:
        first = await http.post(raw_server.url, body=b"[1]")
        raw_server.released.set()
        await another.post(raw_server.url, body=b"[0]")  # by then it has come
        second = await http.post(raw_server.url, body=b"[2]")

    assert (first.body, second.body) == (b"first", b"second")
    assert [one.body for one in raw_server.arrived] == [b"[1]", b"[0]", b"[2]"]


async def test_what_is_sent_names_the_server_the_length_and_who_asks(raw_server: RawServer):
    async with Http("wdt") as http:
        await http.post(raw_server.url, body="号".encode(), headers={"Content-Type": "application/json"})

    line, *fields = raw_server.arrived[0].head.strip().split("\r\n")
    assert line == "POST /openapi HTTP/1.1"
    assert sorted(fields) == [
        "Accept-Encoding: gzip, deflate",
        "Accept: */*",
        "Content-Length: 3",
        "Content-Type: application/json",
        f"Host: 127.0.0.1:{raw_server.port}",
        "User-Agent: syncd",
    ]


@pytest.mark.parametrize("header", ["yesterday", "", "Fri, 99 Nov 2026 02:00:00 GMT"])
async def test_an_unreadable_date_is_no_date(raw_server: RawServer, header: str):
    raw_server.answer(reply("{}", headers={"Date": header}))

    async with Http("wdt") as http:
        answer = await http.post(raw_server.url, body=b"[]")

    assert answer.server_date is None


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_answer_and_is_never_followed(raw_server: RawServer, status: int):
    """S11: a POST that follows a redirect may be executed twice, elsewhere, with the salt in its query."""
    async with RawServer() as canary, Http("wdt") as http:
        raw_server.answer(reply("", status=status, headers={"Location": canary.url}))

        answer = await http.post(raw_server.url, body=b"[]", params=SALTED)

        assert answer.status == status
        assert canary.connections == 0


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_server_error_is_returned_and_sent_once(raw_server: RawServer, status: int):
    """F47: what a 5xx means is the party's business; here it is neither raised nor sent again."""
    raw_server.answer(reply("<html>", status=status))

    async with Http("wdt") as http:
        answer = await http.post(raw_server.url, body=b"[]")

    assert answer.status == status
    assert len(raw_server.arrived) == 1


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (reset, "reset"),  # F36, F82
        (reset_after_headers, "payload"),  # F51
        (broken_chunks, "payload"),
        (not_http, "protocol"),
        (hang, "timeout"),
        (drip, "timeout"),  # F50
    ],
)
async def test_whatever_goes_wrong_after_sending_is_in_doubt_and_not_repeated(
    raw_server: RawServer, script: object, code: str
):
    raw_server.answer(script)  # type: ignore[arg-type]

    async with Http("nuonuo", timeout=0.3) as http:
        with pytest.raises(InDoubt) as caught:
            await http.post(raw_server.url, body=b"[]", params=SALTED)
    raw_server.released.set()

    assert (caught.value.verdict.code, caught.value.verdict.care) == (code, Care.UNKNOWN)
    assert caught.value.verdict.platform == "nuonuo"
    assert len(raw_server.arrived) == 1


async def test_a_slow_body_ends_at_the_deadline(raw_server: RawServer):
    """F50: bytes keep coming, so only a deadline for the whole call ends it."""
    raw_server.answer(drip)
    started = asyncio.get_running_loop().time()

    async with Http("wdt", timeout=0.3) as http:
        with pytest.raises(InDoubt):
            await http.post(raw_server.url, body=b"[]")
    raw_server.released.set()

    assert asyncio.get_running_loop().time() - started < 1.3


async def test_a_kept_connection_that_died_is_in_doubt_and_not_silently_sent_again(raw_server: RawServer):
    """aiohttp repeats idempotent methods on a dead connection; a POST must not be among them."""
    raw_server.answer(reply("{}"), reset)

    async with Http("wdt") as http:
        await http.post(raw_server.url, body=b"[1]")
        with pytest.raises(InDoubt):
            await http.post(raw_server.url, body=b"[2]")

    assert [one.body for one in raw_server.arrived] == [b"[1]", b"[2]"]


async def test_a_refused_connection_has_certainly_sent_nothing(raw_server: RawServer, unused_tcp_port: int):
    """F52"""
    async with Http("wdt") as http:
        with pytest.raises(Transient) as caught:
            await http.post(f"http://127.0.0.1:{unused_tcp_port}/openapi", body=b"[]", params=SALTED)

    assert caught.value.verdict.code == "not_sent.refused"
    assert caught.value.verdict.care is Care.RETRY_SOON


async def test_an_unknown_host_has_certainly_sent_nothing():
    """F52"""
    async with Http("wdt") as http:
        with pytest.raises(Transient) as caught:
            await http.post("http://no-such-host.invalid/openapi", body=b"[]", params=SALTED)

    assert caught.value.verdict.code in ("not_sent.dns", "not_sent.timeout")


async def test_waiting_in_vain_for_a_connection_has_certainly_sent_nothing(raw_server: RawServer):
    raw_server.answer(hang)

    async with Http("wdt", limit=1, connect_timeout=0.05, timeout=30) as http:
        first = asyncio.create_task(http.post(raw_server.url, body=b"first"))
        await raw_server.asked.wait()
        with pytest.raises(Transient) as caught:
            await http.post(raw_server.url, body=b"second", params=SALTED)
        raw_server.released.set()
        with pytest.raises(InDoubt):
            await first

    assert caught.value.verdict.code == "not_sent.timeout"
    assert [one.body for one in raw_server.arrived] == [b"first"]


async def test_a_closed_client_sends_nothing(raw_server: RawServer):
    http = Http("wdt")
    await http.close()

    with pytest.raises(Transient) as caught:
        await http.post(raw_server.url, body=b"[]")

    assert caught.value.verdict.code == "not_sent.closed"
    assert raw_server.connections == 0


@pytest.mark.parametrize(
    "url", ["not an address?salt=canary", "ftp://127.0.0.1/x?salt=canary", "http://127.0.0.1:99999/canary"]
)
async def test_an_address_that_is_none_is_a_matter_of_settings(url: str):
    async with Http("wdt") as http:
        with pytest.raises(Transient) as caught:
            await http.post(url, body=b"[]")

    assert (caught.value.verdict.care, caught.value.verdict.code) == (Care.SETTINGS, "not_sent.url")
    assert "canary" not in _everything_said(caught.value)


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\0b"])
async def test_a_header_cannot_be_broken_into_two(raw_server: RawServer, value: str):
    """S43"""
    async with Http("wdt") as http:
        with pytest.raises(ValueError):
            await http.post(raw_server.url, body=b"[]", headers={"X-Nuonuo-Sign": value})

    assert raw_server.connections == 0


async def test_no_error_carries_the_query(raw_server: RawServer, unused_tcp_port: int):
    """S05: aiohttp quotes the whole URL in several of its texts, and WDT wants its salt in the query."""
    raw_server.answer(reset, reset_after_headers, broken_chunks, not_http, hang)
    said = ""

    async with Http("wdt", timeout=0.2) as http:
        for url in [raw_server.url] * 5 + [f"http://127.0.0.1:{unused_tcp_port}", "http://no-such-host.invalid/"]:
            with pytest.raises(Trouble) as caught:
                await http.post(url, body=BODY, params=SALTED)
            said += _everything_said(caught.value)
    raw_server.released.set()

    assert "canary" not in said
    assert len(raw_server.arrived) == 5


async def test_cancellation_passes_through_untouched(raw_server: RawServer):
    """F67"""
    raw_server.answer(hang)

    async with Http("wdt") as http:
        call = asyncio.create_task(http.post(raw_server.url, body=b"[]"))
        await raw_server.asked.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    raw_server.released.set()


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_compressed_answer_is_read(raw_server: RawServer, encoding: str):
    body = b'{"status":0}' * 1000
    packed = gzip.compress(body) if encoding == "gzip" else zlib.compress(body)
    raw_server.answer(reply(packed, headers={"Content-Encoding": encoding}))

    async with Http("wdt") as http:
        answer = await http.post(raw_server.url, body=b"[]")

    assert answer.body == body
    assert "Accept-Encoding: gzip, deflate\r\n" in raw_server.arrived[0].head


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_compression_bomb_is_stopped_early(raw_server: RawServer, encoding: str):
    """F123, S33: 256 MB of zeros come as 250 KB; no more than the cap and a buffer may ever be in memory."""
    packed = _bomb(encoding, 256)
    raw_server.answer(reply(packed, headers={"Content-Encoding": encoding}))

    async with Http("wdt", max_body=2**20, timeout=10) as http:
        with pytest.raises(InDoubt) as caught:
            await http.post(raw_server.url, body=b"[]")

    assert len(packed) < 2**20
    assert caught.value.verdict.code == "too_large"


async def test_a_long_plain_answer_is_stopped_and_one_of_the_allowed_length_is_not(raw_server: RawServer):
    raw_server.answer(reply(b"x" * 1000), reply(b"x" * 1001))

    async with Http("wdt", max_body=1000) as http:
        whole = await http.post(raw_server.url, body=b"[]")
        with pytest.raises(InDoubt) as caught:
            await http.post(raw_server.url, body=b"[]")

    assert len(whole.body) == 1000
    assert caught.value.verdict.code == "too_large"


async def test_damaged_compression_is_in_doubt(raw_server: RawServer):
    raw_server.answer(reply(b"not gzip at all", headers={"Content-Encoding": "gzip"}))

    async with Http("wdt") as http:
        with pytest.raises(InDoubt) as caught:
            await http.post(raw_server.url, body=b"[]")

    assert caught.value.verdict.code == "payload"


async def test_connections_are_kept_within_one_client_and_never_shared_between_two(raw_server: RawServer):
    """WDT's gateway ties a connection to a tenant, so every credential has its own client."""
    async with Http("wdt") as one, Http("wdt") as other:
        for http in (one, one, other, other):
            await http.post(raw_server.url, body=b"[]")

    assert [arrived.connection for arrived in raw_server.arrived] == [1, 1, 2, 2]


async def test_connections_can_be_closed_after_each_call(raw_server: RawServer):
    async with Http("wdt", force_close=True) as http:
        for _ in range(3):
            await http.post(raw_server.url, body=b"[]")

    assert [arrived.connection for arrived in raw_server.arrived] == [1, 2, 3]
    assert all("Connection: close\r\n" in arrived.head for arrived in raw_server.arrived)


async def test_cookies_are_not_kept(raw_server: RawServer):
    raw_server.answer(reply("{}", headers={"Set-Cookie": "session=canary"}))

    async with Http("wdt") as http:
        await http.post(raw_server.url, body=b"[]")
        await http.post(raw_server.url, body=b"[]")

    assert "canary" not in raw_server.arrived[1].head


async def test_a_proxy_in_the_environment_is_ignored(raw_server: RawServer, monkeypatch: pytest.MonkeyPatch):
    """A proxy somebody set for a shell would see every signed query."""
    async with RawServer() as proxy, Http("wdt") as http:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")

        await http.post(raw_server.url, body=b"[]")

        assert proxy.connections == 0
        assert len(raw_server.arrived) == 1


async def test_thousands_of_empty_compressed_pieces_are_refused_at_once(raw_server: RawServer):
    """F124"""
    raw_server.answer(reply(gzip.compress(b"") * 20_000, headers={"Content-Encoding": "gzip"}))
    started = asyncio.get_running_loop().time()

    async with Http("wdt") as http:
        try:
            answered = (await http.post(raw_server.url, body=b"[]")).body
        except InDoubt:
            answered = b""

    assert answered == b""
    assert asyncio.get_running_loop().time() - started < 1


def test_the_http_library_is_one_without_the_known_decompression_holes():
    """S33: CVE-2026-128131 was closed in 3.14.4."""
    assert tuple(int(part) for part in version("aiohttp").split(".")[:3]) >= (3, 14, 4)


def _everything_said(error: BaseException) -> str:
    """What a log line could ever show of it, its causes included."""
    return f"{error} {error!r} " + "".join(traceback.format_exception(error, chain=True))


def _bomb(encoding: str, megabytes: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31 if encoding == "gzip" else 15)
    return b"".join(packer.compress(bytes(2**20)) for _ in range(megabytes)) + packer.flush()
