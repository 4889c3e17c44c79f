"""Every fault of TOP does what it says, and TOP at the control server."""

import asyncio
import json
import random

import aiohttp
import pytest
from sandbox_callers import NOON
from top_caller import NUMBER, TIME, UPDATE, UPLOAD, invoice

from syncd.sandbox.faults import TOP_ONLY, TRANSPORT, Faults

CUT = ("lost_before", "lost_after", "hung", "hung_before", "delayed")
ACTED = {
    "lost_after", "http_502_after", "http_500_after", "html_200_after", "truncated", "empty", "hung", "late_duplicate",
    "bom", "gzip", "text_html_type", "slow_drip",
} | {kind for kind in TOP_ONLY if kind.endswith("_after")}  # fmt: skip
SUB_CODES = {"isp": "isp.", "refused": "isp.http-connection-refuse", "isv": "isv.", "unknown": "biz.", "bare": ""}


@pytest.fixture
def quick(sandbox):
    """Hold what a proxy would do later, and let silence be short."""
    faults = sandbox.top.faults
    faults.hold_replays, faults.hang_for, faults.drip_every = True, 0.01, 0.0
    sandbox.top.put_application("A1")
    return sandbox


@pytest.fixture
def control(http, sandbox):
    async def ask(verb, path, said=None):
        answer = await http.request(verb, sandbox.control_url + path, data=json.dumps({} if said is None else said))
        return answer.status, await answer.json()

    return ask


async def send(top, method, **change):
    """The answer, or None when the connection was cut."""
    try:
        return await top.raw(method, **change)
    except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError):
        return None


async def test_each_fault_of_an_upload_acts_or_not_as_its_name_says(top, quick):
    """One number for each kind, so that each tells for itself."""
    acted, cut = set(), set()
    for at, kind in enumerate(TRANSPORT + TOP_ONLY):
        quick.top.bans.clear()
        quick.top.faults.force(UPLOAD, kind)
        answer = await send(top, UPLOAD, **invoice(number=f"{at:020d}"))
        acted |= {kind} & {kind for one in quick.top.uploads if one.number == f"{at:020d}"}
        cut |= {kind} if answer is None else set()
        assert quick.top.calls[-1].fault == kind

    assert acted == ACTED
    assert cut == set(CUT)
    assert quick.top.faults.happened == dict.fromkeys(TRANSPORT + TOP_ONLY, 1)


@pytest.mark.parametrize("kind", [kind for kind in TOP_ONLY if kind[:2] in ("15", "50")])
async def test_a_remote_error_has_the_sub_code_of_its_kind(top, quick, kind):
    quick.top.faults.force(TIME, kind)
    code, whose, _ = kind.split("_")

    error = (await top.call(TIME))["error_response"]

    assert (error["code"], error["msg"]) == (int(code), "Remote service error")
    assert error.get("sub_code", "").startswith(SUB_CODES[whose])
    assert (whose == "bare") == ("sub_code" not in error)


async def test_the_sub_code_of_the_servers_side_can_be_chosen(top, quick):
    quick.top.switches.isp_sub_code = "isp.http-read-timeout-tmall"
    quick.top.faults.force(TIME, "50_isp_after")

    assert await top.refusal(TIME) == (50, "isp.http-read-timeout-tmall")


async def test_the_gateway_may_be_unavailable(top, quick):
    quick.top.faults.force(TIME, "code_10")

    assert (await top.refusal(TIME))[0] == 10


@pytest.mark.parametrize("kind", ["http_500_before", "http_500_after"])
async def test_a_500_is_a_page(top, quick, kind):
    quick.top.faults.force(TIME, kind)

    answer = await top.raw(TIME)

    assert (answer.status, answer.content_type) == (500, "text/html")


async def test_a_truncated_answer_is_no_json_and_an_empty_one_is_empty(top, quick):
    for kind in ("truncated", "empty"):
        quick.top.faults.force(TIME, kind)

    cut, empty = [await (await top.raw(TIME)).read() for _ in range(2)]

    with pytest.raises(ValueError):
        json.loads(cut)
    assert (cut[:1], empty) == (b"{", b"")


@pytest.mark.parametrize(
    ("kind", "seconds", "elsewhere"), [("ban_app", 31062, True), ("ban_api", 5, False), ("ban_app_api", 2, False)]
)
async def test_a_ban_by_fault_goes_on_after_the_call_that_began_it(top, quick, clock, kind, seconds, elsewhere):
    quick.top.faults.force(UPDATE, kind)
    told = [await top.refusal(UPDATE, apply_id="A1", apply_status="confirmed") for _ in range(2)]
    other = await top.call(TIME)
    clock.pass_by(seconds)

    assert (told[0] == told[1], told[0][0]) == (True, 7)
    assert ("error_response" in other) == elsewhere
    assert (await top.call(UPDATE, apply_id="A1", apply_status="confirmed"))["update_success"]
    assert quick.top.rate_refused == 2 + elsewhere


async def test_the_slow_answer_outlasts_an_impatient_caller(top, quick):
    quick.top.faults.hang_for = 30
    quick.top.faults.force(UPLOAD, "hung")

    with pytest.raises(asyncio.TimeoutError):
        await top.send(top.params(UPLOAD, **invoice()), timeout=aiohttp.ClientTimeout(total=0.05))
    assert await top.missing(NUMBER) == []


async def test_a_delayed_upload_is_executed_after_its_caller_gave_up(top, quick):
    quick.top.faults.force(UPLOAD, "delayed")
    await send(top, UPLOAD, **invoice())
    before = await top.missing(NUMBER)

    quick.top_server.delivery.replay()

    assert (before, await top.missing(NUMBER)) == ([NUMBER], [])


async def test_an_upload_that_a_proxy_delivers_after_the_next_one_is_no_fault_of_the_caller(top, quick):
    quick.top.faults.force(UPLOAD, "delayed")
    await send(top, UPLOAD, **invoice())
    await top.upload()

    quick.top_server.delivery.replay()

    assert [(one.double, one.replayed) for one in quick.top.uploads] == [(False, False), (True, True)]
    assert quick.top.uploads_double() == 0


async def test_the_same_call_draws_the_same_fault_however_it_is_signed(top, quick, clock):
    """Of a call only what it asks for counts, not its stamp: one day can be played again."""
    quick.top.faults.use("storm")
    quick.top.faults.hang_for = 0.0
    for _ in range(3):
        await send(top, TIME)
        clock.pass_by(1)

    assert list(quick.top.faults.seen.values()) == [3]


def test_a_storm_draws_nothing_that_needs_a_person_or_lasts_for_hours():
    faults = Faults(TRANSPORT + TOP_ONLY, random.Random(7))
    faults.use("storm")

    struck = {kind for kind in (faults.strike(TIME) for _ in range(2000)) if kind}

    left_out = {"ban_app"} | {kind for kind in TOP_ONLY if kind.split("_")[1] in ("isv", "unknown", "bare")}
    assert struck == set(TRANSPORT + TOP_ONLY) - left_out


async def test_a_calm_day_is_calm_for_top_too(sandbox):
    sandbox.use_faults("rough")
    rough = sandbox.top.faults.profile
    sandbox.use_faults("calm")

    assert (rough, sandbox.top.faults.profile) == ("rough", "calm")


# --- the control server ---


async def test_top_is_described_with_the_credentials_of_its_settings(top, sandbox):
    described = sandbox.describe()["top"]

    assert set(described) == {"url", "app_key", "secret", "session"}
    assert described["url"] == sandbox.top_url
    assert sandbox.top_url.startswith("http://127.0.0.1:")
    account = sandbox.top.accounts[described["app_key"]]
    assert (account.secret, set(account.sessions)) == (described["secret"], {described["session"]})


async def test_applications_are_put_shown_moved_and_withdrawn(control, top, sandbox):
    _, made = await control("POST", "/top/applications", {"apply_id": "A1", "amount": "226.00", "tid": "T1"})
    await control("POST", "/top/applications", {"apply_id": "A2", "announce": ""})
    statuses = []
    for action, body in (
        ("demand", {"number": "1"}),
        ("collect", {"number": "1"}),
        ("status", {"status": "creating_inv"}),
        ("cancel", {}),
    ):
        status, _ = await control("POST", f"/top/applications/A1/{action}", body)
        statuses.append(status)
    _, (shown,) = await control("GET", "/top/applications?tid=T1&status=cancelled")
    _, messages = await control("GET", "/top/messages")

    assert (made["amount"], statuses) == ("226.00", [200] * 4)
    assert [one["number"] for one in shown["collected"]] == ["1"]
    assert [message["topic"][-11:] for message in messages] == ["voice_Apply", "ApplyUpdate", "voice_Apply"]


async def test_uploads_and_figures_are_shown(control, top, sandbox):
    sandbox.top.put_application("A1")
    await top.upload()
    await top.upload()

    _, uploads = await control("GET", "/top/uploads?apply_id=A1")
    _, none = await control("GET", "/top/uploads?apply_id=A2")
    _, figures = await control("GET", "/top/figures?issued=1,2")

    assert ([one["double"] for one in uploads], none) == ([False, True], [])
    assert figures == {
        "uploads": 2, "double": 1, "hasty": 1, "rate_refused": 0, "reused_stamps": 0, "complaints": [], "foreign": 2,
    }  # fmt: skip


async def test_bans_sessions_rights_switches_faults_and_the_clock_are_at_hand(control, top, sandbox):
    await control("POST", "/top/ban", {"kind": "api", "seconds": 60, "method": UPDATE})
    banned = await top.refusal(UPDATE)
    await control("POST", "/top/sessions", {"state": "expired"})
    expired = await top.refusal(TIME, session="demo_top_session")
    await control("POST", "/top/sessions", {"state": "ok"})
    renewed = await top.call(TIME, session="demo_top_session")
    await control("POST", "/top/rights", {"method": TIME, "granted": False})
    denied = await top.refusal(TIME)
    await control("POST", "/top/rights", {"method": TIME, "granted": True})
    _, switches = await control("POST", "/switches", {"party": "top", "collect_after": 90, "uk_keys": "camel"})
    await control("POST", "/faults", {"party": "top", "method": TIME, "kind": "50_isv_before"})
    struck = await top.refusal(TIME)
    await control("POST", "/clock", {"party": "top", "skew": 700})
    _, faults = await control("GET", "/faults")
    _, calls = await control("GET", "/calls?party=top")

    assert (banned[0], expired[0], denied[0], struck[0]) == (7, 27, 11, 50)
    assert "time" in renewed
    assert (switches["collect_after"], switches["uk_keys"], sandbox.top.now()) == (90, "camel", NOON + 700)
    assert faults["top"]["happened"] == {"50_isv_before": 1}
    assert calls["by_method"] == {UPDATE: 1, TIME: 4}


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/top/applications/A9/cancel", {}, 404),
        ("/top/applications", {"amount": "x"}, 400),
        ("/top/applications", {"colour": "x"}, 400),
        ("/top/applications", [], 400),
        ("/top/ban", {"kind": "x", "seconds": 1}, 400),
        ("/top/sessions", {"state": "x"}, 400),
        ("/top/sessions", {"state": "expired", "token": "x"}, 400),
        ("/switches", {"party": "top", "x": 1}, 400),
    ],
)
async def test_mistakes_are_answered_in_json(control, path, body, status):
    answered, told = await control("POST", path, body)

    assert (answered, bool(told["error"])) == (status, True)
