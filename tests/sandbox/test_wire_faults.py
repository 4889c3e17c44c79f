"""Every fault does what it says, and whether it acted is visible in the ledgers."""

import asyncio
import json
import random

import aiohttp
import pytest
from sandbox_callers import NOON, SEARCH, UPDATE, Wdt, failed, issued, order

from syncd.sandbox import Sandbox, SandboxOptions
from syncd.sandbox.faults import NUONUO_ONLY, TRANSPORT, WDT_ONLY, Faults

CUT = ("lost_before", "lost_after", "hung", "hung_before", "delayed")
GOOD = ("late_duplicate", "bom", "gzip", "text_html_type", "slow_drip")
CODES = {
    "status_4": (4, "数据库错误"),
    "status_5": (5, "未知错误1"),
    "status_99": (99, "其他错误"),
    "status_1064": (1064, "Unknown Database Error"),
    "status_100": (100, "未知错误"),
    "status_100_after": (100, "未知错误"),
    "rate": (100, "超过每分钟最大调用频率限制，请稍后重试"),
    "rate_concurrency": (100, "超过每分钟最大并发次数限制，请稍后重试"),
}
ACTED = {
    "lost_after", "http_502_after", "html_200_after", "truncated", "empty", "hung", "status_100_after",
    "E9999_after", *GOOD,
}  # fmt: skip


async def send(post):
    """The raw bytes of an answer and its response, or None when the connection was cut."""
    try:
        answer = await post
    except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError):
        return None
    return answer


async def write_back(wdt, no):
    body = json.dumps([[issued(no)]]).encode()
    return await send(wdt.post(wdt.query(UPDATE, body), body))


@pytest.fixture
def quick(sandbox):
    """Hold what a proxy would do later, and let silence be short."""
    for faults in (sandbox.wdt.faults, sandbox.nuonuo.faults):
        faults.hold_replays, faults.hang_for, faults.drip_every = True, 0.02, 0.0
    return sandbox


@pytest.mark.parametrize("kind", TRANSPORT + WDT_ONLY)
async def test_each_fault_of_a_write_back_acts_or_not_as_its_name_says(wdt, quick, kind):
    no = quick.wdt.put_order({})
    quick.wdt.faults.force("updateInvoice", kind)

    answer = await write_back(wdt, no)

    assert quick.wdt.order(no)["status"] == (60 if kind in ACTED else 45)
    assert quick.wdt.faults.happened == {kind: 1}
    assert quick.wdt.calls[-1].fault == kind
    assert (answer is None) == (kind in CUT)


@pytest.mark.parametrize("kind", TRANSPORT + NUONUO_ONLY)
async def test_each_fault_of_a_submit_acts_or_not_as_its_name_says(nuonuo, quick, clock, kind):
    quick.nuonuo.faults.force("requestBillingNew", kind)

    answer = await send(nuonuo.post("requestBillingNew", {"order": order()}))
    clock.pass_by(3)

    assert len(quick.nuonuo.invoices_of("K1")) == (kind in ACTED)
    assert quick.nuonuo.faults.happened == {kind: 1}
    assert (answer is None) == (kind in CUT)


@pytest.mark.parametrize("kind", GOOD)
async def test_a_good_answer_in_an_unusual_dress_says_the_same(wdt, quick, kind):
    no = quick.wdt.put_order({})
    quick.wdt.faults.force("updateInvoice", kind)

    answer = await write_back(wdt, no)

    assert json.loads((await answer.read()).decode("utf-8-sig"))["status"] == 0
    assert (answer.content_type == "text/html") == (kind == "text_html_type")
    assert (answer.headers.get("Content-Encoding") == "gzip") == (kind == "gzip")
    assert (await answer.read()).startswith(b"\xef\xbb\xbf") == (kind == "bom")


@pytest.mark.parametrize("kind", ["http_502_before", "http_502_after"])
async def test_a_502_is_a_page_with_that_status(wdt, quick, kind):
    quick.wdt.faults.force("updateInvoice", kind)

    answer = await write_back(wdt, quick.wdt.put_order({}))

    assert (answer.status, answer.content_type) == (502, "text/html")


@pytest.mark.parametrize("kind", ["html_200", "html_200_after"])
async def test_a_login_page_comes_with_status_200(wdt, quick, kind):
    quick.wdt.faults.force("updateInvoice", kind)

    answer = await write_back(wdt, quick.wdt.put_order({}))

    assert (answer.status, answer.content_type) == (200, "text/html")
    assert "登录" in await answer.text()


async def test_a_truncated_answer_is_no_json_and_an_empty_one_is_empty(wdt, quick):
    quick.wdt.faults.force("updateInvoice", "truncated")
    quick.wdt.faults.force("updateInvoice", "empty")

    cut, empty = [await (await write_back(wdt, quick.wdt.put_order({}))).read() for _ in range(2)]

    assert cut.startswith(b"{")
    with pytest.raises(ValueError):
        json.loads(cut)
    assert empty == b""


@pytest.mark.parametrize("kind", CODES)
async def test_wdt_voices_its_own_faults_with_status_and_text(wdt, quick, kind):
    quick.wdt.faults.force("search", kind)

    said = await wdt.search()

    assert (said["status"], said["message"]) == CODES[kind]


@pytest.mark.parametrize(("kind", "code"), [("E9999", "E9999"), ("E9999_after", "E9999"), ("E9601", "E9601")])
async def test_nuonuo_voices_its_own_faults_with_a_code(nuonuo, quick, kind, code):
    quick.nuonuo.faults.force("requestBillingNew", kind)

    assert (await nuonuo.submit())["code"] == code


async def test_a_duplicated_submit_is_refused_the_second_time(nuonuo, quick, clock):
    quick.nuonuo.faults.force("requestBillingNew", "late_duplicate")
    await nuonuo.submit()

    assert quick.nuonuo_server.delivery.replay() == 1
    clock.pass_by(3)

    assert quick.nuonuo.calls.by_answer["nuonuo.OpeMplatform.requestBillingNew", "E9106"] == 1
    assert len(quick.nuonuo.invoices_of("K1")) == 1


async def test_a_delayed_submit_is_executed_after_its_caller_gave_up(nuonuo, quick, clock):
    quick.nuonuo.faults.force("requestBillingNew", "delayed")
    await send(nuonuo.post("requestBillingNew", {"order": order()}))
    before = await nuonuo.status()

    quick.nuonuo_server.delivery.replay()

    assert (before, await nuonuo.status()) == ("E9500", "20")


async def test_a_proxy_repeats_by_itself_a_bit_later(nuonuo, sandbox, until):
    sandbox.nuonuo.faults.replay_after = 0.01
    sandbox.nuonuo.faults.force("requestBillingNew", "late_duplicate")
    await nuonuo.submit()

    await until(lambda: sandbox.nuonuo.calls.by_answer["nuonuo.OpeMplatform.requestBillingNew", "E9106"] == 1)


async def test_a_late_85_can_strike_a_document_that_was_reopened(wdt, quick):
    """A proxy may deliver a write-back long after it was given up."""
    no = quick.wdt.put_order({})
    quick.wdt.faults.force("updateInvoice", "delayed")
    body = json.dumps([[failed(no)]]).encode()
    await send(wdt.post(wdt.query(UPDATE, body), body))

    quick.wdt_server.delivery.replay()

    assert quick.wdt.order(no)["status"] == 85


async def test_a_replay_after_two_minutes_is_too_old_for_wdt(wdt, quick, clock):
    no = quick.wdt.put_order({})
    quick.wdt.faults.force("updateInvoice", "delayed")
    await write_back(wdt, no)
    clock.pass_by(121)

    quick.wdt_server.delivery.replay()

    assert quick.wdt.order(no)["status"] == 45
    assert quick.wdt.calls.by_answer[UPDATE, "7"] == 1


async def test_a_hung_answer_ends_when_the_server_stops(clock, until):
    async with aiohttp.ClientSession() as http:
        sandbox = Sandbox(SandboxOptions(clock=clock, calls_per_minute=0))
        await sandbox.start()
        wdt = Wdt(http, sandbox, clock)
        sandbox.wdt.faults.force("search", "hung")
        waiting = asyncio.ensure_future(send(wdt.post(wdt.query(SEARCH, b"[]"), b"[]")))
        await until(lambda: bool(sandbox.wdt.faults.happened))

        await sandbox.stop()

        assert await waiting is None


async def test_silence_lasts_as_long_as_the_sleep_it_was_given(clock):
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    options = SandboxOptions(clock=clock, sleep=sleep, calls_per_minute=0)
    async with Sandbox(options) as sandbox, aiohttp.ClientSession() as http:
        wdt = Wdt(http, sandbox, clock)
        sandbox.wdt.faults.force("search", "hung")

        assert await send(wdt.post(wdt.query(SEARCH, b"[]"), b"[]")) is None

    assert slept == [30.0]


async def test_a_fault_can_be_forced_for_the_second_of_several_calls(wdt, quick):
    quick.wdt.faults.force("search", "status_4", times=2, skip=1)

    assert [(await wdt.search())["status"] for _ in range(4)] == [0, 4, 4, 0]


async def test_faults_strike_the_token_service_too(quick, http):
    quick.nuonuo.faults.force("accessToken", "http_502_after")

    answer = await http.post(quick.token_url, data={"client_id": "demo_key"})

    assert (answer.status, quick.nuonuo.token_calls) == (502, 0)
    assert quick.nuonuo.calls.by_answer["accessToken", "070101"] == 1


def test_an_unknown_kind_or_profile_is_refused():
    faults = Faults(TRANSPORT, random.Random(1))

    with pytest.raises(ValueError, match="unknown fault kind"):
        faults.force("*", "rate")
    with pytest.raises(ValueError, match="unknown fault profile"):
        faults.use("hurricane")


@pytest.mark.parametrize(("profile", "low", "high"), [("calm", 0, 0), ("rough", 90, 150), ("storm", 260, 340)])
def test_the_profiles_strike_their_share_of_calls_with_every_kind(profile, low, high):
    faults = Faults(TRANSPORT + WDT_ONLY, random.Random(7))
    faults.use(profile)

    struck = [kind for kind in (faults.strike(SEARCH) for _ in range(1000)) if kind]

    assert low <= len(struck) <= high
    assert not {"rate", "rate_concurrency"} & set(struck)
    if profile == "storm":
        assert set(struck) == set(TRANSPORT + WDT_ONLY) - {"rate", "rate_concurrency"}


def test_the_same_seed_draws_the_same_faults_and_calm_ends_them():
    first, second = (Faults(TRANSPORT, random.Random(3)) for _ in range(2))
    first.use("storm")
    second.use("storm")

    assert [first.strike("a") for _ in range(50)] == [second.strike("a") for _ in range(50)]
    first.calm()
    assert not any(first.strike("a") for _ in range(50))


async def test_a_storm_leaves_the_ledgers_in_agreement_with_the_documents(wdt, nuonuo, quick, clock):
    """Whatever strikes, an order number makes at most one invoice."""
    quick.use_faults("storm")
    for faults in (quick.wdt.faults, quick.nuonuo.faults):
        faults.hang_for = 0.001
    for _ in range(3):
        for at in range(15):
            await send(nuonuo.post("requestBillingNew", {"order": order(f"K{at}")}))
    quick.nuonuo_server.delivery.replay()
    clock.pass_by(10)

    assert all(len(quick.nuonuo.invoices_of(f"K{at}")) <= 1 for at in range(15))
    assert sum(quick.nuonuo.faults.happened.values()) > 3
    assert clock() - 10 == NOON
