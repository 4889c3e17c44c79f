"""Who is let in by the simulated WDT (docs/wire/wdt.md)."""

import asyncio
import json
from pathlib import Path

import aiohttp
import pytest
from sandbox_callers import SEARCH, Clock, Wdt

from syncd.sandbox import Sandbox, SandboxOptions
from syncd.sandbox.wdt.sign import signature, split_appsecret

VECTORS = json.loads((Path(__file__).parents[1] / "data" / "vectors.json").read_text())["vectors"]
SIGNED = [vector for vector in VECTORS if vector["kind"] == "wdt_sign"]
SPLIT = [vector for vector in VECTORS if vector["kind"] == "wdt_appsecret_split"]


@pytest.mark.parametrize("vector", SIGNED, ids=lambda vector: vector["id"])
def test_every_published_signature_is_reproduced(vector):
    inputs = vector["inputs"]

    sign = signature(inputs["secret"], inputs["query"], inputs["body"].encode())

    assert sign == vector["expected"]["sign"]


@pytest.mark.parametrize("vector", SPLIT, ids=lambda vector: vector["id"])
def test_an_appsecret_is_split_at_its_first_colon(vector):
    assert split_appsecret(vector["inputs"]["appsecret"]) == tuple(vector["expected"].values())


def test_a_colon_in_the_salt_stays_there():
    assert split_appsecret("a:b:c") == ("a", "b:c")


@pytest.mark.parametrize("missing", ["sid", "key", "salt", "method", "v", "timestamp", "sign"])
async def test_a_call_without_a_public_parameter_is_refused(wdt, missing):
    query = wdt.query(SEARCH, b"[]")
    del query[missing]

    said = await (await wdt.post(query, b"[]")).json()

    assert said == {"status": 1, "message": "参数错误"}


async def test_only_post_on_one_path_is_served(wdt, sandbox, http):
    query = wdt.query(SEARCH, b"[]")

    assert (await http.get(sandbox.wdt_url, params=query)).status == 405
    assert (await http.post(sandbox.wdt_url + "/x", params=query)).status == 404


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        ("sid", "nobody", "sid is not exists"),
        ("key", "nobody", "app auth fail"),
        ("salt", "pepper", "验证失败"),
        ("secret", "wrong", "验证失败"),
    ],
)
async def test_a_stranger_is_told_what_is_wrong_with_status_1(wdt, attribute, value, message):
    setattr(wdt, attribute, value)

    assert await wdt.search() == {"status": 1, "message": message}


async def test_the_signature_covers_the_raw_bytes_of_the_body(wdt):
    """A fake that normalises the JSON before hashing would take a body that was signed differently."""
    signed = b'[{"start_time":"2026-11-19 00:00:00","end_time":"2026-11-20 00:00:00"}]'
    sent = json.dumps(json.loads(signed)).encode()

    said = await (await wdt.post(wdt.query(SEARCH, signed), sent)).json()

    assert said == {"status": 1, "message": "验证失败"}


@pytest.mark.parametrize("name", ["page_size", "page_no", "calc_total", "anything"])
async def test_every_query_parameter_is_signed(wdt, name):
    body = b"[]"
    query = wdt.query(SEARCH, body, page_size="10", page_no="0", calc_total="1", anything="x") | {name: "7"}

    said = await (await wdt.post(query, body)).json()

    assert said["message"] == "验证失败"


async def test_an_upper_case_signature_is_refused(wdt):
    query = wdt.query("system.Core.now", b"[]")

    said = await (await wdt.post(query | {"sign": query["sign"].upper()}, b"[]")).json()

    assert said["message"] == "验证失败"


async def test_a_salt_with_plus_slash_and_equals_survives_the_query(wdt, sandbox):
    sandbox.wdt.add_tenant("demo_sid", "other", "5ecret0:5alt+/=1")
    wdt.key, wdt.secret, wdt.salt = "other", "5ecret0", "5alt+/=1"

    assert (await wdt.call("system.Core.now", []))["status"] == 0


async def test_escaped_and_plain_texts_are_both_accepted_if_signed_as_sent(wdt, sandbox):
    no = sandbox.wdt.put_order({})
    for body in (f'[{{"invoice_order_no":"{no}","x":"税"}}]', f'[{{"invoice_order_no":"{no}","x":"\\u7a0e"}}]'):
        query = wdt.query(SEARCH, body.encode(), page_size="10", page_no="0", calc_total="1")

        said = await (await wdt.post(query, body.encode())).json()

        assert said["data"]["total_count"] == 1


async def test_another_version_is_status_8(wdt):
    assert await wdt.call(SEARCH, [], v="2.0") == {"status": 8, "message": "版本错误"}


@pytest.mark.parametrize(("off", "status"), [(-121, 7), (-120, 0), (120, 0), (121, 7)])
async def test_a_timestamp_may_be_120_seconds_off(wdt, clock, off, status):
    stamp = str(int(clock()) - 1_325_347_200 + off)

    assert (await wdt.call("system.Core.now", [], timestamp=stamp))["status"] == status


async def test_plain_unix_seconds_are_a_clock_error(wdt, clock):
    said = await wdt.call("system.Core.now", [], timestamp=str(int(clock())))

    assert said == {"status": 7, "message": "时间戳错误"}


async def test_unix_milliseconds_leak_a_java_error(wdt):
    said = await wdt.call("system.Core.now", [], timestamp="1665947116495")

    assert said == {"status": 1, "message": 'For input string: "1665947116495"'}


async def test_a_skewed_clock_refuses_good_stamps_and_shows_in_the_date_header(wdt, sandbox):
    sandbox.wdt.skew = 300

    answer = await wdt.post(wdt.query("system.Core.now", b"[]"), b"[]")

    assert (await answer.json())["status"] == 7
    assert answer.headers["Date"] == "Fri, 20 Nov 2026 02:05:00 GMT"


async def test_core_now_answers_the_fake_clock(wdt, sandbox):
    sandbox.wdt.skew = 60

    assert await wdt.call("system.Core.now", []) == {"status": 0, "data": {"now": 469_792_860}}


async def test_an_address_outside_the_list_is_status_6(wdt, sandbox):
    sandbox.wdt.switches.allowed_ips = frozenset({"10.0.0.1"})

    assert await wdt.search() == {"status": 6, "message": "ip限制"}


async def test_an_account_with_a_dynamic_password_is_status_3(wdt, sandbox):
    sandbox.wdt.switches.dynamic_password = True

    assert await wdt.search() == {"status": 3, "message": "需要动态口令"}


async def test_a_method_that_was_not_granted_is_refused(wdt):
    assert await wdt.call("goods.Goods.queryWithSpec", [{}]) == {"status": 100, "message": "权限不足"}


async def test_a_revoked_method_is_refused(wdt, sandbox):
    sandbox.wdt.tenants["demo_sid"].credentials["demo_sid-syncd"].methods.discard(SEARCH)

    assert (await wdt.search())["message"] == "权限不足"


@pytest.mark.parametrize(("comma", "sign"), [("full", "，"), ("half", ",")])
async def test_the_call_after_the_limit_gets_the_pacing_text(wdt, sandbox, comma, sign):
    sandbox.wdt.calls_per_minute = 3
    sandbox.wdt.switches.rate_comma = comma

    said = [await wdt.call("system.Core.now", []) for _ in range(4)]

    assert [one["status"] for one in said] == [0, 0, 0, 100]
    assert said[3]["message"] == f"超过每分钟最大调用频率限制{sign}请稍后重试"


async def test_a_blocked_credential_does_not_recover_early(wdt, sandbox, clock):
    sandbox.wdt.calls_per_minute = 2
    sandbox.wdt.switches.rate_block_for = 300

    for _ in range(3):
        await wdt.call("system.Core.now", [])
    clock.pass_by(299)
    still = await wdt.call("system.Core.now", [])
    clock.pass_by(2)
    again = await wdt.call("system.Core.now", [])

    assert (still["status"], again["status"]) == (100, 0)


async def test_pacing_counts_each_credential_on_its_own(wdt, sandbox):
    sandbox.wdt.calls_per_minute = 1
    sandbox.wdt.add_tenant("demo_sid", "other", "s:t")
    await wdt.call("system.Core.now", [])
    wdt.key, wdt.secret, wdt.salt = "other", "s", "t"

    assert (await wdt.call("system.Core.now", []))["status"] == 0


async def test_a_second_call_in_flight_is_refused_where_only_one_may_be(wdt, sandbox):
    sandbox.wdt.switches.max_concurrent = 1
    sandbox.wdt.switches.latency = 0.05

    said = await asyncio.gather(*(wdt.call("system.Core.now", []) for _ in range(3)))

    texts = [one.get("message", "") for one in said]
    assert sorted(one["status"] for one in said) == [0, 100, 100]
    assert "超过每分钟最大并发次数限制，请稍后重试" in texts


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ({}, "invalid argument count"),
        ([{}, {}], "invalid argument count"),
        ([], "invalid argument count"),
        ([[]], "argument type mismatch"),
        (["x"], "argument type mismatch"),
    ],
)
async def test_search_takes_an_array_of_one_map(wdt, args, message):
    said = await wdt.call(SEARCH, args, page_size="1", page_no="0", calc_total="0")

    assert said == {"status": 1, "message": message}


async def test_a_body_that_is_no_json_is_refused(wdt):
    said = await (await wdt.post(wdt.query(SEARCH, b"<a/>"), b"<a/>")).json()

    assert said["status"] == 1


async def test_a_form_is_refused(wdt):
    body = b"a=1"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    said = await (await wdt.post(wdt.query(SEARCH, body), body, headers=headers)).json()

    assert said["status"] == 1


async def test_errors_are_http_200_and_the_sdk_header_is_ignored(wdt):
    answer = await wdt.post({"sid": "x"}, b"[]", headers={"X-Version-SDK": "php-3.0"})

    assert answer.status == 200
    assert (await answer.json())["status"] == 1


async def test_in_strict_tenant_mode_a_second_sid_on_a_connection_is_not_found(wdt, sandbox):
    sandbox.wdt.switches.one_sid_per_connection = True
    sandbox.wdt.add_tenant("second", "k2", "s2:t2")

    first = await wdt.call("system.Core.now", [])
    wdt.sid, wdt.key, wdt.secret, wdt.salt = "second", "k2", "s2", "t2"
    shared = await wdt.call("system.Core.now", [])
    query = wdt.query("system.Core.now", b"[]")
    async with aiohttp.ClientSession() as own:
        apart = await (await own.post(sandbox.wdt_url, params=query, data=b"[]")).json()

    assert (first["status"], shared["message"], apart["status"]) == (0, "sid is not found", 0)


async def test_two_tenants_see_only_their_own_documents_even_with_equal_numbers(wdt, sandbox):
    sandbox.wdt.add_tenant("second", "k2", "s2:t2")
    sandbox.wdt.put_order({"invoice_order_no": "FP1", "payer_name": "示例甲"}, modified=1_795_139_000)
    sandbox.wdt.put_order({"invoice_order_no": "FP1", "payer_name": "示例乙"}, sid="second", modified=1_795_139_000)

    mine = (await wdt.search())["data"]["order"]
    wdt.sid, wdt.key, wdt.secret, wdt.salt = "second", "k2", "s2", "t2"
    theirs = (await wdt.search())["data"]["order"]

    assert [row["payer_name"] for row in mine] == ["示例甲"]
    assert [row["payer_name"] for row in theirs] == ["示例乙"]


async def test_calls_are_remembered_but_only_so_many(wdt, sandbox):
    await wdt.search()

    call = sandbox.wdt.calls[-1]
    assert (call.method, call.answer, call.params["page_no"]) == (SEARCH, "ok", "0")
    assert sandbox.wdt.calls.recent.maxlen == 2000
    assert sandbox.wdt.calls.of("search") == [call]


async def test_the_limit_of_the_options_reaches_the_server(clock: Clock, http):
    async with Sandbox(SandboxOptions(clock=clock, calls_per_minute=1)) as sandbox:
        wdt = Wdt(http, sandbox, clock)

        said = [(await wdt.call("system.Core.now", []))["status"] for _ in range(2)]

    assert said == [0, 100]
