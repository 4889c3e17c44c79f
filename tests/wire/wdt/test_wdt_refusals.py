import asyncio
from datetime import timedelta

import pytest
from wdt_parts import NUMBER, Connect, Hand, everything_said, issued, last_minutes
from wire_server import RawServer, hang, reply, reset, reset_after_headers

from syncd.domain.trouble import Care, InDoubt, Paced, Permanent, Transient, Trouble
from syncd.sandbox import Sandbox
from syncd.wire.http import Http
from syncd.wire.wdt.client import WdtClient
from syncd.wire.wdt.sign import Secret


@pytest.mark.parametrize("fault", ["rate", "rate_concurrency"])
@pytest.mark.parametrize("comma", ["full", "half"])
async def test_a_throttled_read_rests_the_lane_and_is_not_repeated(
    sandbox: Sandbox, connect: Connect, fault: str, comma: str
):
    """F76: the vendor wants five to ten minutes of silence after it."""
    reader, writer = connect(sandbox.wdt_url), connect(sandbox.wdt_url)
    sandbox.wdt.switches.rate_comma = comma  # type: ignore[assignment]
    sandbox.wdt.faults.force("*", fault, times=2)

    with pytest.raises(Transient) as read:
        await reader.search(last_minutes())
    with pytest.raises(Transient) as write:
        await writer.update([issued("FP1")])

    for caught in (read, write):
        assert (caught.value.verdict.care, caught.value.verdict.rest_for) == (Care.REST_LANE, 300)
    with pytest.raises(Paced):
        await reader.update([issued("FP1")])
    assert len(sandbox.wdt.calls) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"secret": Secret("demo_wrong", "demosalt")},
        {"secret": Secret("demosecret", "demo_wrong")},
        {"sid": "nobody"},
        {"key": "nobody"},
    ],
)
async def test_wrong_credentials_are_a_matter_of_settings_and_are_tried_once(
    sandbox: Sandbox, connect: Connect, wrong: dict[str, object]
):
    """F78, F54: hammering with a rotated key may lock the account."""
    client = connect(sandbox.wdt_url, **wrong)

    with pytest.raises(Permanent) as read:
        await client.search(last_minutes())
    with pytest.raises(Transient) as write:
        await client.update([issued("FP1")])

    assert read.value.verdict.care is write.value.verdict.care is Care.SETTINGS
    assert len(sandbox.wdt.calls) == 2


@pytest.mark.parametrize("skew", [-3600, 3600])
async def test_a_wrong_clock_is_reported_with_its_offset_and_never_corrected_in_silence(
    sandbox: Sandbox, wdt: WdtClient, hand: Hand, skew: int
):
    """F77: windows are measured with the same clock, so a shifted stamp would only hide the fault."""
    hand.skew = timedelta(seconds=skew)

    for call in (wdt.search(last_minutes()), wdt.update([issued("FP1")]), wdt.search(last_minutes())):
        with pytest.raises(Transient) as caught:
            await call
        assert (caught.value.verdict.care, caught.value.verdict.code) == (Care.CLOCK, "7")

    assert wdt.clock_offset == pytest.approx(-skew, abs=2)
    assert len(sandbox.wdt.calls) == 3
    hand.skew = timedelta()
    assert (await wdt.search(last_minutes())).count == 0
    assert wdt.clock_offset == pytest.approx(0, abs=2)


async def test_a_write_back_to_a_closed_door_was_certainly_not_applied(
    connect: Connect, unused_tcp_port: int, hand: Hand
):
    """F52: a read is tried again, a write is left to the stage."""
    client = connect(f"http://127.0.0.1:{unused_tcp_port}/openapi")

    with pytest.raises(Transient):
        await client.update([issued("FP1")])
    assert hand.waits == []
    with pytest.raises(Transient):
        await client.search(last_minutes())
    assert len(hand.waits) == 2


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_answers_nothing(raw_server: RawServer, connect: Connect, status: int):
    """S11: for a read the address is wrong, for a write nobody knows what a proxy did."""
    async with RawServer() as canary:
        raw_server.answer(reply("", status=status, headers={"Location": canary.url}))
        client = connect(raw_server.url)

        with pytest.raises(Transient) as read:
            await client.search(last_minutes())
        with pytest.raises(InDoubt):
            await client.update([issued("FP1")])

        assert read.value.verdict.care is Care.SETTINGS
        assert canary.connections == 0
        assert len(raw_server.arrived) == 2


@pytest.mark.parametrize(
    ("header", "rest_for"), [({}, 300), ({"Retry-After": "77"}, 77), ({"Retry-After": "soon"}, 300)]
)
async def test_a_gateway_that_throttles_is_obeyed(
    raw_server: RawServer, connect: Connect, header: dict[str, str], rest_for: float
):
    """F46"""
    raw_server.answer(reply("slow down", status=429, headers=header))
    reader, writer = connect(raw_server.url), connect(raw_server.url)

    for call in (reader.search(last_minutes()), writer.update([issued("FP1")])):
        with pytest.raises(Transient) as caught:
            await call
        assert (caught.value.verdict.care, caught.value.verdict.rest_for) == (Care.REST_LANE, rest_for)
    assert len(raw_server.arrived) == 2


@pytest.mark.parametrize("status", [400, 403, 404, 500, 503])
async def test_an_http_error_is_not_read_as_an_answer(raw_server: RawServer, odd: WdtClient, status: int):
    """F47: not even where its body looks like one."""
    raw_server.answer(reply({"status": 0, "data": {"order": []}}, status=status))

    with pytest.raises(Transient):
        await odd.search(last_minutes())
    with pytest.raises(InDoubt) as caught:
        await odd.update([issued("FP1")])

    assert caught.value.verdict.code == f"http_{status}"


async def test_no_error_shows_credentials_even_where_the_server_quotes_them(raw_server: RawServer, connect: Connect):
    """S05, F116: a gateway's error page may repeat our whole signed query."""
    odd = connect(raw_server.url, http=Http("wdt", timeout=0.1))
    said = repr(odd)

    async def quote(server: RawServer, writer: asyncio.StreamWriter) -> None:
        target = server.arrived[-1].head.split(" ")[1]
        writer.write(reply({"status": 1, "message": f"bad call {target} demosecret\n\x1b[31m forged line" + "x" * 500}))
        await writer.drain()

    for script in (quote, reset, reset_after_headers, hang, reply("<html>", status=502)):
        raw_server.answer(script)
        for call in (odd.search(last_minutes()), odd.update([issued("FP1")])):
            with pytest.raises(Trouble) as caught:
                await call
            said += everything_said(caught.value)
            assert len(caught.value.verdict.text) <= 200
            assert "\n" not in caught.value.verdict.text
            assert "\x1b" not in caught.value.verdict.text
    raw_server.released.set()

    assert "bad call" in said
    for hidden in ("demosalt", "demosecret", raw_server.arrived[-1].query["sign"], NUMBER, "\x1b"):
        assert hidden not in said
