import asyncio
import time
import traceback
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from wire_server import RawServer, hang, reply, reset, reset_after_headers

from syncd.domain.order import OrderNo, Search, WriteBack
from syncd.domain.ports import Erp
from syncd.domain.trouble import Care, InDoubt, Permanent, Transient, Trouble
from syncd.sandbox import Sandbox, SandboxOptions
from syncd.wire.http import Http
from syncd.wire.pace import Pacer
from syncd.wire.wdt.client import SEARCH, UPDATE, WdtClient
from syncd.wire.wdt.codec import TooLong
from syncd.wire.wdt.sign import Secret

RATE = "超过每分钟最大调用频率限制，请稍后重试"
GOOD_PAGE = reply({"status": 0, "data": {"total_count": 1, "order": [{"invoice_order_no": "FP1", "status": 45}]}})
NUMBER = "26112000000123456789"
URL = "https://fp.example.test/1.pdf"


@dataclass
class Hand:
    """A clock that runs with the host's, moved by hand, and a note of every wait."""

    skew: timedelta = timedelta()
    waits: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.skew

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(SandboxOptions(seed=1, calls_per_minute=0)) as running:
        yield running


@pytest.fixture
async def connect(hand: Hand) -> AsyncIterator[Callable[..., WdtClient]]:
    made: list[WdtClient] = []

    def make(url: str, **changed: object) -> WdtClient:
        settings: dict[str, object] = {
            "sid": "demo_sid",
            "key": "demo_sid-syncd",
            "secret": Secret.parse("demosecret:demosalt"),
            "http": Http("wdt", timeout=1.0),
            "pacer": Pacer(0),
            "clock": hand,
            "sleep": hand.sleep,
            "rng": lambda: 0.5,
            **changed,
        }
        made.append(WdtClient(url=url, **settings))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for client in made:
        await client.close()


@pytest.fixture
def wdt(sandbox: Sandbox, connect: Callable[..., WdtClient]) -> WdtClient:
    return connect(sandbox.wdt_url)


@pytest.fixture
def odd(raw_server: RawServer, connect: Callable[..., WdtClient]) -> WdtClient:
    """A client of a server that answers whatever the test says."""
    return connect(raw_server.url)


def last_minutes(**changed: object) -> Search:
    now = datetime.now(UTC).replace(microsecond=0)
    return Search(start=now - timedelta(minutes=10), end=now + timedelta(seconds=1), **changed)  # type: ignore[arg-type]


def issued(no: str) -> WriteBack:
    at = datetime(2026, 11, 20, 1, 58, 7, tzinfo=UTC)
    return WriteBack(OrderNo(no), 60, NUMBER, file_url=URL, issued_at=at, outer_amount=Decimal("113.00"))


def everything_said(error: BaseException) -> str:
    return f"{error} {error!r} " + "".join(traceback.format_exception(error))


def test_the_client_is_what_the_stages_ask_for(wdt: WdtClient):
    erp: Erp = wdt

    assert erp is wdt


async def test_a_page_is_read_with_its_total_and_the_clock_reading_of_its_stamp(sandbox: Sandbox, wdt: WdtClient):
    no = sandbox.wdt.put_order({"payer_name": "买方"})
    before = datetime.now(UTC)

    page = await wdt.search(last_minutes())

    assert [(row.no, row.status, row.payer_name) for row in page.rows] == [(no, 45, "买方")]
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
    assert (order.no, order.invoice_amount, row.amount) == (no, Decimal("113"), 1_130_000)
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


async def test_a_read_that_is_not_answered_in_time_is_transient(sandbox: Sandbox, connect: Callable[..., WdtClient]):
    """F68"""
    sandbox.wdt.faults.force("search", "hung", times=3)

    with pytest.raises(Transient) as caught:
        await connect(sandbox.wdt_url, http=Http("wdt", timeout=0.1)).search(last_minutes())

    assert caught.value.verdict.code == "timeout"


@pytest.mark.parametrize("fault", ["rate", "rate_concurrency"])
@pytest.mark.parametrize("comma", ["full", "half"])
async def test_a_throttled_read_rests_the_lane_and_is_not_repeated(
    sandbox: Sandbox, wdt: WdtClient, fault: str, comma: str
):
    """F76: the vendor wants five to ten minutes of silence after it."""
    sandbox.wdt.switches.rate_comma = comma  # type: ignore[assignment]
    sandbox.wdt.faults.force("*", fault, times=2)

    with pytest.raises(Transient) as read:
        await wdt.search(last_minutes())
    with pytest.raises(Transient) as write:
        await wdt.update([issued("FP1")])

    for caught in (read, write):
        assert (caught.value.verdict.care, caught.value.verdict.rest_for) == (Care.REST_LANE, 300)
    assert len(sandbox.wdt.calls) == 2


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
    sandbox: Sandbox, connect: Callable[..., WdtClient], wrong: dict[str, object]
):
    """F78, F54: hammering with a rotated key may lock the account."""
    client = connect(sandbox.wdt_url, **wrong)

    with pytest.raises(Permanent) as read:
        await client.search(last_minutes())
    with pytest.raises(Transient) as write:
        await client.update([issued("FP1")])

    assert read.value.verdict.care is write.value.verdict.care is Care.SETTINGS
    assert len(sandbox.wdt.calls) == 2


async def test_a_forbidden_address_is_a_matter_of_settings(sandbox: Sandbox, wdt: WdtClient):
    """F78: status 6."""
    sandbox.wdt.switches.allowed_ips = frozenset()

    with pytest.raises(Permanent) as caught:
        await wdt.search(last_minutes())

    assert (caught.value.verdict.care, caught.value.verdict.code) == (Care.SETTINGS, "6")


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


async def test_a_stamp_is_made_after_the_wait_for_a_turn(
    sandbox: Sandbox, connect: Callable[..., WdtClient], hand: Hand
):
    """A stamp lives for 120 seconds, a queue may be longer."""

    class Slow(Pacer):
        async def turn(self) -> None:
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


async def test_every_attempt_takes_a_turn(sandbox: Sandbox, connect: Callable[..., WdtClient]):
    pacer = Pacer(6000)
    sandbox.wdt.faults.force("search", "status_4", times=2)
    started = pacer.reserve() + time.monotonic()

    await connect(sandbox.wdt_url, pacer=pacer).search(last_minutes())

    assert pacer.tat - started == pytest.approx(0.04, abs=0.02)


async def test_two_tenants_never_share_a_connection(sandbox: Sandbox, connect: Callable[..., WdtClient]):
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
async def test_a_salt_of_any_characters_arrives_undamaged(
    sandbox: Sandbox, connect: Callable[..., WdtClient], salt: str
):
    """An un-escaped + would arrive as a space."""
    sandbox.wdt.add_tenant("demo+sid", "demo key", f"5ecret0:{salt}")
    client = connect(sandbox.wdt_url, sid="demo+sid", key="demo key", secret=Secret("5ecret0", salt))

    assert (await client.search(last_minutes())).count == 0
    assert sandbox.wdt.calls[0].params["salt"] == salt


@pytest.mark.parametrize(
    "switches",
    [
        {},
        {"reply": "flat"},
        {"error_info": "list"},
        {"reply": "flat", "error_info": "list", "no_errors": "list"},
        {"empty_code": False},
    ],
)
async def test_a_partial_batch_is_told_document_by_document(
    sandbox: Sandbox, connect: Callable[..., WdtClient], switches: dict[str, object]
):
    """F80, F81, F91"""
    for name, value in switches.items():
        setattr(sandbox.wdt.switches, name, value)
    nos = [sandbox.wdt.put_order({}) for _ in range(3)]
    sandbox.wdt.set_status(nos[2], 60)
    client = connect(sandbox.wdt_url, empty_code="-" if switches.get("empty_code") is False else "")
    failed = WriteBack(OrderNo(nos[1]), 85, error_text="购方税号不正确😀\n")

    answer = await client.update([issued(nos[0]), failed, issued(nos[2]), issued("FPnobody")])

    assert answer.refused == {nos[2]: "单据状态不允许回传!", "FPnobody": "发票不存在!"}
    good, bad = sandbox.wdt.order(nos[0]), sandbox.wdt.order(nos[1])
    assert (good["status"], good["invoice_no"], good["file_url"]) == (60, NUMBER, URL)
    assert (good["invoice_time"], good["invoice_outer_amount"]) == ("2026-11-20 09:58:07", Decimal("113.00"))
    assert (bad["status"], bad["error_info"]) == (85, "购方税号不正确")


async def test_nothing_to_write_back_is_no_call(sandbox: Sandbox, wdt: WdtClient):
    assert (await wdt.update([])).refused == {}
    assert len(sandbox.wdt.calls) == 0


async def test_an_older_client_gets_an_address_with_a_failure(sandbox: Sandbox, connect: Callable[..., WdtClient]):
    sandbox.wdt.switches.client_version = "1.5.8.2"
    no = sandbox.wdt.put_order({})
    document = WriteBack(OrderNo(no), 85, error_text="x")

    without = await connect(sandbox.wdt_url).update([document])
    told = await connect(sandbox.wdt_url, client_version="1.5.8.2", failed_file_url=URL).update([document])

    assert without.refused == {no: "file_url不能为空"}
    assert told.refused == {}


async def test_a_client_without_the_method_is_a_matter_of_settings(sandbox: Sandbox, connect: Callable[..., WdtClient]):
    client = connect(sandbox.wdt_url, client_version="1.5.7.9")

    with pytest.raises(Transient) as caught:
        await client.update([issued("FP1")])

    assert caught.value.verdict.care is Care.SETTINGS
    assert len(sandbox.wdt.calls) == 0


async def test_a_document_that_would_sink_its_batch_is_not_sent(sandbox: Sandbox, wdt: WdtClient):
    """F89, F90"""
    too_long = WriteBack(OrderNo("FP2"), 60, NUMBER, file_url="https://" + "x" * 250)

    with pytest.raises(TooLong):
        await wdt.update([issued("FP1"), too_long])

    assert len(sandbox.wdt.calls) == 0


@pytest.mark.parametrize(
    "fault",
    [
        "lost_before", "lost_after", "http_502_before", "http_502_after", "html_200", "html_200_after", "truncated",
        "empty", "status_4", "status_5", "status_99", "status_1064", "status_100", "status_100_after", "delayed",
    ],
)  # fmt: skip
async def test_a_write_back_whose_end_is_unknown_is_in_doubt_and_sent_once(
    sandbox: Sandbox, wdt: WdtClient, fault: str
):
    """F47-F49, F51, F79, F82: also where nothing was done, because the answer does not prove it."""
    no = sandbox.wdt.put_order({})
    sandbox.wdt.faults.hold_replays = True
    sandbox.wdt.faults.force("updateInvoice", fault)

    with pytest.raises(InDoubt):
        await wdt.update([issued(no)])

    assert len(sandbox.wdt.calls.of(UPDATE)) == 1


async def test_a_write_back_that_is_not_answered_in_time_is_in_doubt(
    sandbox: Sandbox, connect: Callable[..., WdtClient]
):
    """F82"""
    no = sandbox.wdt.put_order({})
    sandbox.wdt.faults.force("updateInvoice", "hung")

    with pytest.raises(InDoubt) as caught:
        await connect(sandbox.wdt_url, http=Http("wdt", timeout=0.1)).update([issued(no)])

    assert caught.value.verdict.code == "timeout"
    assert sandbox.wdt.order(no)["status"] == 60


async def test_a_write_back_to_a_closed_door_was_certainly_not_applied(
    connect: Callable[..., WdtClient], unused_tcp_port: int, hand: Hand
):
    """F52: a read is tried again, a write is left to the stage."""
    client = connect(f"http://127.0.0.1:{unused_tcp_port}/openapi")

    with pytest.raises(Transient):
        await client.update([issued("FP1")])
    assert hand.waits == []
    with pytest.raises(Transient):
        await client.search(last_minutes())
    assert len(hand.waits) == 2


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (100, "Data truncation: Data too long for column file_url", Permanent),
        (100, "file_urlmust not be null", Permanent),
        (1, "argument type mismatch", Permanent),
        (8, "版本错误", Transient),
        (100, "权限不足", Transient),
        (100, "单次最多允许回传10条单据", InDoubt),
    ],
)
async def test_a_write_back_refused_as_a_whole(
    raw_server: RawServer, odd: WdtClient, status: int, message: str, kind: type[Trouble]
):
    raw_server.answer(reply({"status": status, "message": message}))

    with pytest.raises(kind) as caught:
        await odd.update([issued("FP1")])

    assert type(caught.value) is kind
    assert caught.value.verdict.text == message
    assert len(raw_server.arrived) == 1


async def test_a_bare_text_is_a_batch_that_failed(raw_server: RawServer, odd: WdtClient):
    raw_server.answer(reply({"status": 0, "error_info": "未知错误"}))

    with pytest.raises(Permanent) as caught:
        await odd.update([issued("FP1")])

    assert caught.value.verdict.code == "batch"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_answers_nothing(raw_server: RawServer, connect: Callable[..., WdtClient], status: int):
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
    raw_server: RawServer, odd: WdtClient, header: dict[str, str], rest_for: float
):
    """F46"""
    raw_server.answer(reply("slow down", status=429, headers=header))

    for call in (odd.search(last_minutes()), odd.update([issued("FP1")])):
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


async def test_a_read_recovers_from_a_connection_that_died(raw_server: RawServer, odd: WdtClient):
    raw_server.answer(GOOD_PAGE, reset, reset_after_headers, GOOD_PAGE)

    assert (await odd.search(last_minutes())).count == 1
    assert (await odd.search(last_minutes())).count == 1
    assert len(raw_server.arrived) == 4


async def test_no_error_shows_credentials_even_where_the_server_quotes_them(
    raw_server: RawServer, connect: Callable[..., WdtClient]
):
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


async def test_a_control_character_in_a_credential_is_refused(connect: Callable[..., WdtClient]):
    """S43"""
    for wrong in ({"sid": "demo\r\nsid"}, {"key": "demo\nkey"}):
        with pytest.raises(ValueError):
            connect("http://127.0.0.1:1/", **wrong)


async def test_a_cancelled_call_leaves_the_client_usable(sandbox: Sandbox, connect: Callable[..., WdtClient]):
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
