"""Who is let in at the simulated Yuannian: addresses, envelope, time, token, signature (docs/wire/yuannian.md)."""

import base64
import json
from pathlib import Path

import pytest
from yuannian_caller import (
    IMPORT,
    IMPORT_H5,
    QRCODE,
    SEARCH,
    SIGN,
    STATUS,
    STATUS_H5,
    Yuannian,
    house_style,
    names,
    qs_key,
    top_style,
)

GOLDEN = Path(__file__).parents[1] / "golden" / "yuannian"
SEVEN = (IMPORT, STATUS, QRCODE, SEARCH, SIGN, IMPORT_H5, STATUS_H5)
SIGN_BODY = {"noncestr": "n", "jsapiTicket": "t", "timestamp": "1414587457", "url": "http://example.com"}


@pytest.fixture
def yuannian(http, sandbox, clock):
    return Yuannian(http, sandbox, clock)


def wire(answer):
    return json.loads(answer)


async def test_exactly_seven_addresses_are_served_and_only_by_post(yuannian, http, sandbox):
    statuses = {path: (await yuannian.post(path, b"{}")).status for path in SEVEN}
    gets = {(await http.get(sandbox.yuannian_url + path)).status for path in SEVEN}
    others = [f"{IMPORT}/", "/openapi/invoice/wechat/jsapi/sign", "/openapi/wechat/import", "/"]

    assert statuses == dict.fromkeys(SEVEN, 200)
    assert gets == {405}
    assert {(await yuannian.post(path, b"{}")).status for path in others} == {404}


@pytest.mark.parametrize(("spelling", "served"), [("qrcode", [200, 404]), ("grcode", [404, 200]), ("both", [200, 200])])
async def test_the_qr_interface_has_two_spellings(yuannian, sandbox, spelling, served):
    """The document prints `grcode`, which is probably a misread q."""
    sandbox.yuannian.switches.qr_path = spelling
    said = yuannian.envelope({"width": 100, "height": 100})

    both = [QRCODE, QRCODE.replace("qrcode", "grcode")]
    assert [(await yuannian.post(path, said)).status for path in both] == served


@pytest.mark.parametrize("raw", [b"", b"no json", b"[]", b'{"header":{}}', b'{"header":[],"body":{}}',
                                 b'{"header":{},"body":[]}', b'{"body":{}}'])  # fmt: skip
async def test_a_body_that_is_no_envelope_is_refused(yuannian, raw):
    answer = await yuannian.post(SIGN, raw)

    assert (answer.status, wire(await answer.read())["code"]) == (200, 1001)


@pytest.mark.parametrize("field", ["appId", "token", "sign", "timestamp", "vendor", "format", "version"])
async def test_every_field_of_the_header_is_needed_and_is_a_text(yuannian, field):
    absent = await yuannian.call(SIGN, SIGN_BODY, **{field: None})
    number = await yuannian.call(SIGN, SIGN_BODY, **{field: 1})

    assert (absent["code"], absent["message"]) == (1001, f"参数[{field}]不能为空")
    assert (number["code"], number["message"]) == (1001, f"参数[{field}]不正确：应为字符串")


@pytest.mark.parametrize(
    "wrong",
    [{"vendor": "wechat"}, {"format": "json"}, {"version": "1.0"}, {"timestamp": "2026-11-20 10:00:00"},
     {"timestamp": "2026-11-20T10:00"}, {"timestamp": "2026-13-20T10:00:00"}, {"timestamp": "2026-11-20T02:00:00"}],
)  # fmt: skip
async def test_fixed_values_and_the_time_in_beijing_are_checked(yuannian, wrong):
    told = await yuannian.call(SIGN, SIGN_BODY, **wrong)

    assert told["code"] == 1001
    assert next(iter(wrong)) in told["message"]


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("preset:top_style", top_style),
        ("preset:qs_key", qs_key),
        ("{appId}#{token}#{timestamp}#{secret}", house_style),
    ],
)
async def test_the_signed_text_is_whatever_the_test_chose(yuannian, sandbox, template, text):
    """Nobody knows the real one, so a client must be able to follow any."""
    sandbox.yuannian.switches.sign_template = template
    yuannian.text = text
    good = await yuannian.call(SIGN, SIGN_BODY)
    wrong_texts = [other for other in (top_style, qs_key, house_style) if other is not text]

    assert good["code"] == 1000
    for yuannian.text in wrong_texts:
        assert (await yuannian.call(SIGN, SIGN_BODY))["code"] == 1003


async def test_the_signature_covers_the_body_and_is_written_in_capitals(yuannian):
    said = yuannian.envelope(SIGN_BODY)
    changed = {**said, "body": {**SIGN_BODY, "noncestr": "m"}}
    lower = {**said, "header": {**said["header"], "sign": said["header"]["sign"].lower()}}

    codes = [wire(await (await yuannian.post(SIGN, one)).read())["code"] for one in (said, changed, lower)]
    assert codes == [1000, 1003, 1003]


@pytest.mark.parametrize(("written", "accepted"), [("compact", True), ("sorted", False), ("none", False)])
async def test_the_body_can_be_signed_in_several_forms(yuannian, sandbox, written, accepted):
    sandbox.yuannian.switches.sign_body = written

    assert ((await yuannian.call(SIGN, SIGN_BODY))["code"] == 1000) is accepted


async def test_the_token_looks_like_the_sample_and_names_another_subject(sandbox):
    head, payload, _ = sandbox.yuannian.token.split(".")

    assert json.loads(base64.urlsafe_b64decode(head)) == {"alg": "HS512"}
    assert json.loads(base64.urlsafe_b64decode(payload + "=="))["sub"] == "100003"
    sample = json.loads((GOLDEN / "import-request.json").read_bytes())["header"]["token"]
    assert sample.split(".")[0] == head


async def test_a_token_ends_when_it_says_and_when_it_is_withdrawn(yuannian, sandbox, clock):
    token = yuannian.header["token"] = sandbox.yuannian.issue_token(60)
    alive = await yuannian.call(SIGN, SIGN_BODY)
    clock.pass_by(60)
    ended = await yuannian.call(SIGN, SIGN_BODY)
    yuannian.header["token"] = sandbox.yuannian.token
    sandbox.yuannian.expire_token(sandbox.yuannian.token)

    exp = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))["exp"]
    assert exp == clock()
    assert (alive["code"], ended["code"], ended["message"]) == (1000, 1002, "token无效或已过期")
    assert (await yuannian.call(SIGN, SIGN_BODY))["code"] == 1002


async def test_a_token_belongs_to_its_application(yuannian, sandbox):
    other = sandbox.yuannian.add_app("100009", "other_secret")
    unknown = await yuannian.call(SIGN, SIGN_BODY, appId="100001")
    foreign = await yuannian.call(SIGN, SIGN_BODY, token=other.grant(sandbox.yuannian.rng))

    assert (unknown["code"], foreign["code"]) == (1004, 1002)


async def test_who_is_not_let_in_can_be_told_by_http(yuannian, sandbox):
    sandbox.yuannian.switches.auth_errors = "http"

    answers = [
        await yuannian.post(SIGN, yuannian.envelope(SIGN_BODY, **wrong)) for wrong in ({"token": "x"}, {"sign": "x"})
    ]
    assert [answer.status for answer in answers] == [401, 401]


async def test_tokens_can_be_had_in_the_usual_way(yuannian, http, sandbox, clock):
    form = {"grant_type": "client_credentials", "client_id": "100002", "client_secret": "demo_secret"}
    told = await (await http.post(sandbox.yuannian_token_url, data=form)).json()
    yuannian.header["token"] = told["access_token"]
    good = await yuannian.call(SIGN, SIGN_BODY)
    clock.pass_by(told["expires_in"])
    refused = await http.post(sandbox.yuannian_token_url, data=form | {"client_secret": "x"})

    assert (good["code"], (await yuannian.call(SIGN, SIGN_BODY))["code"]) == (1000, 1002)
    assert refused.status == 401
    assert sandbox.yuannian.apps["100002"].token_calls == 1


@pytest.mark.parametrize(("down", "status"), [("502", 502), ("cut", None), ("hang", None)])
async def test_it_can_be_down_and_then_nothing_is_done(yuannian, sandbox, down, status):
    card = sandbox.yuannian.put_card("26332000000000000001", openid="o1")
    sandbox.yuannian.switches.down = down
    sandbox.yuannian.faults.hang_for = 0.05

    if status is None:
        with pytest.raises(Exception, match=r"(?i)disconnected|reset"):
            await yuannian.update("o1", "LOCK", card)
    else:
        assert (await yuannian.post(STATUS, b"{}")).status == status
    sandbox.yuannian.switches.down = ""
    assert card.status.endswith("INIT")
    assert (await yuannian.update("o1", "LOCK", card))["code"] == 1000


async def test_a_code_may_be_a_text(yuannian, sandbox):
    sandbox.yuannian.switches.code_as = "string"

    assert (await yuannian.call(SIGN, SIGN_BODY))["code"] == "1000"
    assert (await yuannian.call(SIGN, {}))["code"] == "1001"


async def test_faults_strike_before_or_after_the_work(yuannian, sandbox):
    card = sandbox.yuannian.put_card("26332000000000000001", openid="o1")
    sandbox.yuannian.faults.force("status.update", "code_9999")
    before = await yuannian.update("o1", "LOCK", card)
    untouched = card.status
    sandbox.yuannian.faults.force("status.update", "code_9999_after")
    after = await yuannian.update("o1", "LOCK", card)

    assert (before["code"], untouched) == (9999, "INVOICE_REIMBURSE_INIT")
    assert (after["code"], card.status) == (9999, "INVOICE_REIMBURSE_LOCK")
    assert sandbox.yuannian.faults.happened_to["status.update", "code_9999_after"] == 1
    assert [call.fault for call in sandbox.yuannian.calls.of("status.update")] == ["code_9999", "code_9999_after"]


async def test_an_answer_can_be_lost_and_a_request_come_twice(yuannian, sandbox):
    card = sandbox.yuannian.put_card("26332000000000000001")
    sandbox.yuannian.faults.hold_replays = True
    sandbox.yuannian.faults.force("import", "late_duplicate")
    await yuannian.import_(card)

    assert sandbox.yuannian_server.delivery.replay() == 1
    assert len(sandbox.yuannian.imports) == 2


async def test_the_control_server_knows_the_wallets(http, sandbox, yuannian):
    async def ask(verb, path, said=None):
        return await (await http.request(verb, sandbox.control_url + path, data=json.dumps(said or {}))).json()

    made = await ask("POST", "/yuannian/cards", {"number": "26332000000000000001", "status": "INIT", "openid": "o1"})
    await ask("POST", f"/yuannian/cards/{made['card_id']}/status", {"status": "LOCK"})
    await ask("POST", "/yuannian/scan", {"content": "BX1", "card_ids": [made["card_id"]]})
    await ask("POST", "/yuannian/access_tokens", {"token": "at", "account": "shop"})
    (change,) = await ask("GET", "/yuannian/changes")
    (card,) = await ask("GET", "/yuannian/cards?number=26332000000000000001")

    assert (change["by"], card["status"]) == ("employer", "INVOICE_REIMBURSE_LOCK")
    assert (await yuannian.search(bizCode="BX1"))["invoiceCount"] == "1"
    assert sandbox.yuannian.access_tokens == {"at": "shop"}
    assert (await ask("GET", "/describe"))["yuannian"] == {
        "url": sandbox.yuannian_url, "app_id": "100002", "token": sandbox.yuannian.token, "secret": "demo_secret",
        "sign_template": "preset:top_style",
    }  # fmt: skip


def test_the_samples_of_the_paper_are_complete_json():
    """Every interface has its printed request; three have a printed reply."""
    requests = sorted(path.name for path in GOLDEN.glob("*-request.json"))
    replies = [json.loads(path.read_bytes()) for path in sorted(GOLDEN.glob("*-reply.json"))]

    assert len(requests) == 7
    assert [reply["code"] for reply in replies] == [1000] * 3
    rows = [*replies[0]["data"], *replies[1]["data"], *replies[2]["data"]["invoiceList"]]
    for row in rows:
        lines = sum(round(float(line["unitPrice"]) * 100) for line in row["invoiceLineList"])
        assert lines == round(float(row["totalAmount"]) * 100)


async def test_requests_like_the_printed_ones_are_understood(yuannian, sandbox):
    """The printed envelopes go through once token, time and signature are of today."""
    named = names(sandbox.yuannian.put_card("26332000000000000001", openid="o0DJf1RczdV5qFpibifJZvtP8kTc"))
    paths = {"import": IMPORT, "import-jsapi": IMPORT_H5, "status-update": STATUS, "status-update-jsapi": STATUS_H5,
             "qrcode": QRCODE, "search": SEARCH, "jsapi-sign": SIGN}  # fmt: skip

    for name, path in paths.items():
        printed = json.loads((GOLDEN / f"{name}-request.json").read_bytes())
        body = printed["body"] | ({"invoiceList": named} if "invoiceList" in printed["body"] else {})
        paging = {part: printed["header"][part] for part in ("page", "size") if part in printed["header"]}
        assert (await yuannian.call(path, body, **paging))["code"] == 1000, name
