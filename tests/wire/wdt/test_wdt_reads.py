import asyncio
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from wdt_parts import Connect, Hand, last_minutes
from wire_server import RawServer, reply, reset, reset_after_headers

from syncd.domain.order import OrderNo, Search
from syncd.domain.ports import Erp
from syncd.domain.trouble import Care, Permanent, Transient
from syncd.sandbox import Sandbox
from syncd.wire.http import Http
from syncd.wire.pace import Pacer
from syncd.wire.wdt.client import SEARCH, WdtClient
from syncd.wire.wdt.sign import Secret

GOOD_PAGE = reply({"status": 0, "data": {"total_count": 1, "order": [{"invoice_order_no": "FP1", "status": 45}]}})


def test_the_client_is_what_the_stages_ask_for(wdt: WdtClient):
    erp: Erp = wdt

    assert erp is wdt


async def test_a_page_is_read_with_its_total_and_the_clock_reading_of_its_stamp(sandbox: Sandbox, wdt: WdtClient):
    no = sandbox.wdt.put_order({"payer_name": "买方"})
    before = datetime.now(UTC)

    page = await wdt.search(last_minutes())

    assert [(row.no, row.status, row.read().payer_name) for row in page.rows] == [(no, 45, "买方")]
    assert page.total == 1
    assert before <= page.asked_at <= datetime.now(UTC)
    assert wdt.decode(page.rows[0].raw).invoice_amount == Decimal("113")


async def test_pages_totals_modes_and_numbers_are_asked_for_as_told(sandbox: Sandbox, wdt: WdtClient):
    nos = [sandbox.wdt.put_order({}) for _ in range(5)]
    sandbox.wdt.cancel(nos[0])

    second = await wdt.search(last_minutes(page_no=1, page_size=3, with_total=False))
    everything = await wdt.search(last_minutes(every_status=True))
    cancelled = await wdt.search(last_minutes(every_status=True, status=5))
    by_number = await wdt.search(Search(order_no=OrderNo(nos[0]), every_status=True))

    assert (second.count, second.total) == (1, None)
    assert (everything.count, everything.total) == (5, 5)
    assert [row.no for row in cancelled.rows] == [row.no for row in by_number.rows] == [nos[0]]


@pytest.mark.parametrize(
    "switches",
    [
        {"fields": "sample"},
        {"decimals": "string", "created": "string"},
        {"empty_as_null": True, "extra_fields": True},
        {"total_count": "zero"},
        {"total_count": "always"},
    ],
)
async def test_rows_are_decoded_in_every_dress(sandbox: Sandbox, wdt: WdtClient, switches: dict[str, object]):
    no = sandbox.wdt.put_order({})
    for name, value in switches.items():
        setattr(sandbox.wdt.switches, name, value)

    (row,) = (await wdt.search(last_minutes())).rows

    order = wdt.decode(row.raw)
    assert (order.no, order.invoice_amount, row.read().amount) == (no, Decimal("113"), 1_130_000)
    assert len(order.lines) == 1


@pytest.mark.parametrize("fault", ["bom", "gzip", "text_html_type", "slow_drip"])
async def test_a_good_page_in_an_odd_dress_is_a_good_page(sandbox: Sandbox, wdt: WdtClient, fault: str):
    sandbox.wdt.put_order({})
    sandbox.wdt.faults.force("search", fault)

    assert (await wdt.search(last_minutes())).count == 1
    assert len(sandbox.wdt.calls) == 1


@pytest.mark.parametrize(
    "fault",
    [
        "lost_before", "lost_after", "http_502_before", "html_200", "truncated", "empty",  # F47, F48, F49, F51
        "status_4", "status_5", "status_99", "status_1064",
    ],
)  # fmt: skip
async def test_a_read_is_tried_again_stamped_and_signed_anew(sandbox: Sandbox, wdt: WdtClient, hand: Hand, fault: str):
    """F68"""
    sandbox.wdt.put_order({})
    sandbox.wdt.faults.force("search", fault, times=2)
    slept = hand.sleep

    async def later(seconds: float) -> None:
        hand.skew += timedelta(seconds=2)
        await slept(seconds)

    wdt._sleep = later

    page = await wdt.search(last_minutes())

    calls = sandbox.wdt.calls.of(SEARCH)
    assert page.count == 1
    assert len({call.params["timestamp"] for call in calls}) == len({call.params["sign"] for call in calls}) == 3
    assert hand.waits == [0.75, 1.5]
    assert page.asked_at.timestamp() // 1 - 1325347200 == int(calls[-1].params["timestamp"])


@pytest.mark.parametrize("fault", ["lost_before", "http_502_before", "html_200", "truncated", "empty", "status_99"])
async def test_a_read_is_tried_three_times_at_most_and_ends_transient(sandbox: Sandbox, wdt: WdtClient, fault: str):
    """F68: nothing was learned, and it is never in doubt."""
    sandbox.wdt.faults.force("search", fault, times=9)

    with pytest.raises(Transient) as caught:
        await wdt.search(last_minutes())

    assert caught.value.verdict.care is Care.RETRY_SOON
    assert len(sandbox.wdt.calls) == 3


async def test_a_read_that_is_not_answered_in_time_is_transient(sandbox: Sandbox, connect: Connect):
    """F68"""
    sandbox.wdt.faults.force("search", "hung", times=3)

    with pytest.raises(Transient) as caught:
        await connect(sandbox.wdt_url, http=Http("wdt", timeout=0.1)).search(last_minutes())

    assert caught.value.verdict.code == "timeout"


async def test_an_unclassified_text_stops_a_read_at_once_without_being_a_failure(sandbox: Sandbox, wdt: WdtClient):
    """F79"""
    sandbox.wdt.faults.force("search", "status_100")

    with pytest.raises(Transient) as caught:
        await wdt.search(last_minutes())

    assert caught.value.verdict.care is Care.UNCLASSIFIED
    assert len(sandbox.wdt.calls) == 1


async def test_a_window_that_is_too_wide_must_be_split(wdt: WdtClient):
    now = datetime.now(UTC)

    with pytest.raises(Permanent) as caught:
        await wdt.search(Search(start=now - timedelta(days=31), end=now))

    assert caught.value.verdict.care is Care.SPLIT


async def test_a_forbidden_address_is_a_matter_of_settings(sandbox: Sandbox, wdt: WdtClient):
    """F78: status 6."""
    sandbox.wdt.switches.allowed_ips = frozenset()

    with pytest.raises(Permanent) as caught:
        await wdt.search(last_minutes())

    assert (caught.value.verdict.care, caught.value.verdict.code) == (Care.SETTINGS, "6")


async def test_the_servers_clock_can_be_asked(sandbox: Sandbox, wdt: WdtClient, hand: Hand):
    sandbox.wdt.skew = 60
    near = await wdt.server_now()
    hand.skew = timedelta(days=1)
    far = await wdt.server_now()

    for told in (near, far):
        assert told is not None
        assert (told - datetime.now(UTC)).total_seconds() == pytest.approx(60, abs=2)


async def test_a_server_that_does_not_tell_its_clock_has_a_date(raw_server: RawServer, odd: WdtClient):
    date = {"Date": "Fri, 20 Nov 2026 02:00:00 GMT"}
    raw_server.answer(reply({"status": 0, "data": {"time": "?"}}, headers=date), reply({"status": 0}))

    assert await odd.server_now() == datetime(2026, 11, 20, 2, tzinfo=UTC)
    assert await odd.server_now() is None


async def test_a_server_that_refuses_to_tell_its_clock_says_why(raw_server: RawServer, odd: WdtClient):
    raw_server.answer(reply({"status": 6, "message": "ip限制"}))

    with pytest.raises(Permanent):
        await odd.server_now()


async def test_a_stamp_is_made_after_the_wait_for_a_turn(sandbox: Sandbox, connect: Connect, hand: Hand):
    """A stamp lives for 120 seconds, a queue may be longer."""

    class Slow(Pacer):
        async def _come(self, *, patient: bool, alone: bool) -> None:
            hand.skew += timedelta(seconds=90)

    sandbox.wdt.skew = 90
    client = connect(sandbox.wdt_url, pacer=Slow(0))

    page = await client.search(last_minutes())

    assert int(sandbox.wdt.calls[0].params["timestamp"]) == int(page.asked_at.timestamp()) - 1325347200
    assert page.asked_at - datetime.now(UTC) > timedelta(seconds=80)


async def test_one_call_is_under_way_at_a_time(sandbox: Sandbox, wdt: WdtClient):
    """WDT counts calls in flight per credential besides calls per minute."""
    sandbox.wdt.switches.max_concurrent = 1
    sandbox.wdt.switches.latency = 0.01

    pages = await asyncio.gather(*(wdt.search(last_minutes()) for _ in range(5)))

    assert len(pages) == 5


async def test_every_attempt_takes_a_turn(sandbox: Sandbox, connect: Connect):
    pacer = Pacer(6000)
    sandbox.wdt.faults.force("search", "status_4", times=2)
    started = pacer.reserve() + time.monotonic()

    await connect(sandbox.wdt_url, pacer=pacer).search(last_minutes())

    assert pacer.tat - started == pytest.approx(0.04, abs=0.02)


async def test_two_tenants_never_share_a_connection(sandbox: Sandbox, connect: Connect):
    sandbox.wdt.add_tenant("demo_two", "demo_two-syncd", "demosecret2:demosalt2")
    sandbox.wdt.switches.one_sid_per_connection = True
    one = connect(sandbox.wdt_url)
    two = connect(
        sandbox.wdt_url, sid="demo_two", key="demo_two-syncd", secret=Secret("demosecret2", "demosalt2"),
        http=Http("wdt"),
    )  # fmt: skip

    for _ in range(2):
        assert (await one.search(last_minutes())).count == 0
        assert (await two.search(last_minutes())).count == 0


@pytest.mark.parametrize("salt", ["5alt+/=1", "a b%20c&d", "盐"])
async def test_a_salt_of_any_characters_arrives_undamaged(sandbox: Sandbox, connect: Connect, salt: str):
    """An un-escaped + would arrive as a space."""
    sandbox.wdt.add_tenant("demo+sid", "demo key", f"5ecret0:{salt}")
    client = connect(sandbox.wdt_url, sid="demo+sid", key="demo key", secret=Secret("5ecret0", salt))

    assert (await client.search(last_minutes())).count == 0
    assert sandbox.wdt.calls[0].params["salt"] == salt


async def test_a_read_recovers_from_a_connection_that_died(raw_server: RawServer, odd: WdtClient):
    raw_server.answer(GOOD_PAGE, reset, reset_after_headers, GOOD_PAGE)

    assert (await odd.search(last_minutes())).count == 1
    assert (await odd.search(last_minutes())).count == 1
    assert len(raw_server.arrived) == 4


async def test_a_control_character_in_a_credential_is_refused(connect: Connect):
    """S43"""
    for wrong in ({"sid": "demo\r\nsid"}, {"key": "demo\nkey"}):
        with pytest.raises(ValueError):
            connect("http://127.0.0.1:1/", **wrong)


async def test_a_cancelled_call_leaves_the_client_usable(sandbox: Sandbox, connect: Connect):
    """F67"""
    sandbox.wdt.faults.force("search", "hung")
    client = connect(sandbox.wdt_url)
    call = asyncio.create_task(client.search(last_minutes()))
    async with asyncio.timeout(5):
        while not len(sandbox.wdt.calls):  # noqa: ASYNC110 - the sandbox has no event for this
            await asyncio.sleep(0)

    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    assert (await client.search(last_minutes())).count == 0
