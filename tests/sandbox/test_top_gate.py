"""Who is let into the gateway, and with which of its codes everybody else is refused."""

import json
from pathlib import Path

import pytest
from sandbox_callers import NOON
from top_caller import (
    APP_KEY,
    CONSUME,
    DETAIL,
    GET,
    OLD_GET,
    SESSION,
    TIME,
    UPDATE,
    UPLOAD,
    beijing,
    detail,
    invoice,
    sign,
    uks,
)

from syncd.sandbox.top.sign import canonical, is_signed, signature

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "vectors.json").read_text())["vectors"]
SIGNED = [vector for vector in VECTORS if vector["kind"] == "top_sign"]
API = "accesscontrol.limited-by-api-access-count"


@pytest.mark.parametrize("vector", SIGNED, ids=lambda vector: vector["id"])
def test_the_server_and_the_caller_sign_as_the_vectors_say(vector):
    inputs, expected = vector["inputs"], vector["expected"]
    asked = inputs["sign_method"], inputs["secret"], inputs["params"]

    assert signature(*asked) == expected["sign"] == sign(asked[1], asked[0], asked[2])
    assert is_signed(*asked, expected["sign"])
    assert not is_signed(*asked, expected["sign"].lower())
    assert canonical(inputs["params"]) == expected.get("canonical", canonical(inputs["params"]))


@pytest.mark.parametrize("sign_method", ["md5", "hmac", "hmac-sha256"])
async def test_all_three_ways_of_signing_are_taken(top, sign_method):
    top.sign_method = sign_method

    assert (await top.call(TIME))["time"] == beijing(NOON)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"method": ""}, 21),
        ({"method": "alibaba.einvoice.prod.apply.upgrade"}, 22),
        ({"app_key": ""}, 28),
        ({"app_key": "87654321"}, 29),
        ({"v": ""}, 32),
        ({"v": "two"}, 33),
        ({"v": "1.0"}, 34),
        ({"timestamp": ""}, 30),
        ({"timestamp": "1795140000000"}, 31),
        ({"timestamp": "2026-11-20T10:00:00"}, 31),
        ({"timestamp": "2026-11-20"}, 31),
        ({"sign": ""}, 24),
        ({"sign": "0" * 64}, 25),
        ({"sign_method": "sha1"}, 25),
        ({"sign_method": ""}, 25),
        ({"session": "nobody's"}, 27),
    ],
)
async def test_every_flaw_has_its_code(top, change, code):
    params = top.params(TIME, **change)

    told = json.loads(await (await top.send(params)).read())

    assert told["error_response"]["code"] == code
    assert told["error_response"]["msg"]


async def test_an_unknown_format_is_refused_in_xml(top):
    told = await (await top.raw(TIME, format="yaml")).text()

    assert "<error_response><code>23</code><msg>Invalid Format</msg>" in told


async def test_only_post_is_allowed(top, http, sandbox):
    answer = await http.get(sandbox.top_url, params=top.params(TIME))

    assert (answer.status, json.loads(await answer.read())["error_response"]["code"]) == (200, 9)


async def test_the_flaws_are_looked_for_in_a_fixed_order(top, sandbox):
    """One call with every flaw; mending one after another shows the next."""
    sandbox.top.deny(OLD_GET)
    sandbox.top.ban("api", 60)
    wrong = {"method": "x", "app_key": "x", "v": "1.0", "timestamp": "x", "sign": "x"}
    mending = [("method", OLD_GET), ("app_key", APP_KEY), ("v", "2.0"), ("timestamp", beijing(NOON))]
    codes = []
    for name, text in mending:
        codes.append((await top.refusal("x", **wrong))[0])
        wrong[name] = text
    codes.append((await top.refusal("x", **wrong))[0])
    codes.append((await top.refusal(OLD_GET))[0])
    codes.append((await top.refusal(OLD_GET, session=SESSION))[0])
    sandbox.top.allow(OLD_GET)
    codes.append((await top.refusal(OLD_GET, session=SESSION))[0])
    sandbox.top.bans.clear()
    codes.append((await top.refusal(OLD_GET, session=SESSION))[0])

    assert codes == [22, 29, 34, 31, 25, 26, 11, 7, 40]


async def test_a_lower_case_sign_is_wrong(top):
    params = top.params(TIME)

    told = json.loads(await (await top.send(params | {"sign": params["sign"].lower()})).read())

    assert told["error_response"]["code"] == 25


async def test_the_sign_is_that_of_the_text_that_is_sent(top, sandbox):
    """Another spacing of the same JSON is another text; values are signed raw, whatever is in them."""
    sandbox.top.put_application("A1")
    params = top.params(UPDATE, apply_id="A1", apply_status="inv_success", invoice_uks=uks("1" * 20))
    spaced = params | {"invoice_uks": params["invoice_uks"].replace(":", ": ")}

    told = json.loads(await (await top.send(spaced)).read())
    odd = await top.call(UPDATE, apply_id="A1", apply_status="inv_failed", message="@a&b=c+d%41 数电票\n🧾")

    assert told["error_response"]["code"] == 25
    assert odd["update_success"]
    assert sandbox.top.applications["A1"].message == "@a&b=c+d%41 数电票\n🧾"


@pytest.mark.parametrize(("off", "fine"), [(600, True), (-600, True), (601, False), (-601, False), (-8 * 3600, False)])
async def test_a_timestamp_may_be_ten_minutes_off_and_is_in_beijing_time(top, off, fine):
    """A stamp in UTC is eight hours old."""
    told = await top.call(TIME, timestamp=beijing(NOON + off))

    assert ("time" in told) == fine
    assert fine or told["error_response"]["code"] == 31


async def test_the_window_follows_the_gateways_own_clock(top, sandbox):
    sandbox.top.skew = 700

    assert (await top.refusal(TIME))[0] == 31
    assert (await top.call(TIME, timestamp=beijing(NOON + 700)))["time"] == beijing(NOON + 700)


async def test_epoch_milliseconds_are_taken_in_the_lenient_mode_alone(top, sandbox):
    sandbox.top.switches.epoch_stamps = True

    assert "time" in await top.call(TIME, timestamp=f"{int(NOON)}000")


async def test_a_request_that_is_sent_again_unchanged_is_counted(top, sandbox, clock):
    """An equal call within one second cannot be told from one that was signed anew."""
    params = top.params(TIME)
    await top.send(params)
    await top.send(params)
    within = sandbox.top.reused_stamps, sandbox.top.repeated_stamps
    clock.pass_by(5)
    await top.call(TIME)
    await top.send(params)

    assert within == (0, 1)
    assert (sandbox.top.reused_stamps, sandbox.top.repeated_stamps) == (1, 2)


# --- sessions and rights ---


@pytest.mark.parametrize("method", [OLD_GET, DETAIL])
async def test_methods_of_the_first_generation_need_a_session(top, method):
    given = detail() if method == DETAIL else {"platform_tid": "TA1"}

    assert await top.refusal(method, **given) == (26, "")
    assert (await top.call(method, **given, session=SESSION))["is_success"]


@pytest.mark.parametrize("method", [UPDATE, GET, UPLOAD, CONSUME, TIME])
async def test_the_others_do_not(top, sandbox, method):
    told = await top.call(method)

    assert told.get("error_response", {}).get("code") in (None, 40)


async def test_a_session_can_be_made_a_duty_of_any_method(top, sandbox):
    sandbox.top.switches.needs_session = {UPLOAD: True}
    sandbox.top.put_application("A1")

    assert await top.refusal(UPLOAD, **invoice()) == (26, "")
    assert (await top.call(UPLOAD, **invoice(), session=SESSION))["is_success"]


async def test_a_session_expires_and_another_one_is_taken(top, sandbox):
    sandbox.top.expire_session()
    expired = await top.refusal(OLD_GET, platform_tid="T", session=SESSION)
    sandbox.top.add_session("demo_second")

    assert expired == (27, "session-expired")
    assert "error_response" not in await top.call(OLD_GET, platform_tid="T", session="demo_second")


async def test_a_session_of_another_application_is_told_apart(top, sandbox):
    sandbox.top.add_account("222", "demo_other", "demo_their_session")

    assert await top.refusal(OLD_GET, session="demo_their_session") == (27, "sessionkey-not-generated-by-server")
    assert await top.refusal(OLD_GET, session="demo_nobody") == (27, "invalid-sessionkey")


async def test_a_session_that_is_not_needed_may_be_ignored(top, sandbox):
    sandbox.top.expire_session()
    checked = await top.refusal(TIME, session=SESSION)
    sandbox.top.switches.stray_session = "ignored"

    assert checked == (27, "session-expired")
    assert "time" in await top.call(TIME, session=SESSION)


async def test_rights_and_addresses_are_checked(top, sandbox):
    sandbox.top.deny(TIME)
    no_right = await top.refusal(TIME)
    sandbox.top.allow(TIME)
    sandbox.top.accounts[APP_KEY].allowed_ips = {"203.0.113.7"}

    assert no_right == (11, "isv.permission-api-package-limit")
    assert await top.refusal(TIME) == (11, "isv.permission-ip-whitelist-limit")


async def test_several_applications_live_beside_each_other(top, sandbox):
    sandbox.top.put_application("A1")
    sandbox.top.add_account("222", "demo_other")
    top.secret = "demo_other"

    assert "time" in await top.call(TIME, app_key="222")
    code, sub_code = await top.refusal(UPDATE, app_key="222", apply_id="A1", apply_status="confirmed")
    assert (code, sub_code) == (15, "isv.invoice-apply-not-exist:A1")


# --- code 7 ---


@pytest.mark.parametrize(
    ("kind", "sub_code", "seconds", "elsewhere", "other_app"),
    [
        ("app", "accesscontrol.limited-by-app-access-count", 31062, 7, None),
        ("api", API, 5, None, 7),
        ("app_api", "accesscontrol.limited-by-app-api-access-count", 2, None, None),
    ],
)
async def test_a_ban_lasts_as_long_as_it_says(top, sandbox, clock, kind, sub_code, seconds, elsewhere, other_app):
    sandbox.top.add_account("222", top.secret)
    sandbox.top.ban(kind, seconds, app_key=APP_KEY, method=TIME)

    first = (await top.call(TIME))["error_response"]
    clock.pass_by(seconds - 0.5)
    last = (await top.call(TIME))["error_response"]
    others = [await top.call(CONSUME), await top.call(TIME, app_key="222")]
    clock.pass_by(0.5)

    assert (first["code"], first["msg"], first["sub_code"]) == (7, "App Call Limited", sub_code)
    assert first["sub_msg"] == f"This ban will last for {seconds} more seconds"
    assert last["sub_msg"] == "This ban will last for 1 more seconds"
    assert [told.get("error_response", {}).get("code") for told in others] == [elsewhere, other_app]
    assert "time" in await top.call(TIME)


async def test_calls_during_a_ban_are_counted_and_prolong_nothing(top, sandbox, clock):
    sandbox.top.ban("api", 10)
    for _ in range(9):
        await top.call(TIME)
        clock.pass_by(1)
    told = (await top.call(TIME))["error_response"]["sub_msg"]
    clock.pass_by(1)

    assert told == "This ban will last for 1 more seconds"
    assert "time" in await top.call(TIME)
    assert (sandbox.top.rate_refused, sandbox.top.calls.by_answer[TIME, "7"]) == (10, 10)


async def test_a_ban_may_keep_its_length_to_itself(top, sandbox):
    sandbox.top.switches.ban_text = "bare"
    sandbox.top.ban("app", 60)

    assert (await top.call(TIME))["error_response"]["sub_msg"] == "App Call Limited"


async def test_a_limit_per_second_bans_for_a_second(top, sandbox, clock):
    sandbox.top.switches.per_second = 2
    told = ["error_response" in await top.call(TIME) for _ in range(3)]
    other = await top.call(CONSUME)
    clock.pass_by(1)

    assert told == [False, False, True]
    assert "error_response" not in other
    assert "time" in await top.call(TIME)


async def test_a_days_quota_bans_until_midnight_in_beijing(top, sandbox, clock):
    sandbox.top.switches.per_day = 1
    await top.call(TIME)

    told = (await top.call(CONSUME))["error_response"]
    clock.pass_by(14 * 3600)

    assert told["sub_code"] == "accesscontrol.limited-by-app-access-count"
    assert told["sub_msg"] == f"This ban will last for {14 * 3600} more seconds"
    assert "time" in await top.call(TIME)


async def test_a_banned_call_executes_nothing(top, sandbox):
    sandbox.top.put_application("A1")
    sandbox.top.ban("app_api", 5, method=UPDATE)

    await top.call(UPDATE, apply_id="A1", apply_status="confirmed")

    assert sandbox.top.applications["A1"].status == "applying"
