"""How requests may be laid out and how answers look: every shape the vendor's own clients and pages show."""

import gzip
import json
from xml.etree import ElementTree

import aiohttp
import pytest
from top_caller import (
    APP_KEY,
    CONFIRM,
    CONSUME,
    NUMBER,
    OLD_GET,
    PDF,
    SESSION,
    TIME,
    UPDATE,
    UPLOAD,
    invoice,
    sign,
    uks,
)

from syncd.sandbox import Sandbox, SandboxOptions

SYSTEM = ("method", "app_key", "session", "timestamp", "format", "v", "sign_method", "sign", "simplify")
ROOT = "alibaba_einvoice_prod_apply_update_response"


@pytest.fixture
def missing(top, sandbox):
    """Ask for two invoices that were never given to the centre."""
    sandbox.top.put_application("A1")

    async def ask(**change):
        more = {"apply_id": "A1", "apply_status": "inv_success", "invoice_uks": uks("88888888", "1", invoice_code="9")}
        return await top.raw(UPDATE, **more, **change)

    return ask


# --- requests ---


async def test_system_parameters_may_stand_in_the_query_and_the_rest_in_the_body(top, sandbox):
    sandbox.top.put_application("A1")
    whole = top.params(UPDATE, apply_id="A1", apply_status="confirmed")
    query = {name: text for name, text in whole.items() if name in SYSTEM}
    body = {name: text for name, text in whole.items() if name not in SYSTEM}

    split = await top.send(body, params=query)
    in_query = await top.send(params=top.params(TIME))
    nothing = await top.send()

    assert json.loads(await split.read())["update_success"]
    assert json.loads(await in_query.read())["time"]
    assert b"<code>21</code>" in await nothing.read()
    assert sandbox.top.complaints == []


async def test_a_parameter_sent_in_both_places_is_answered_loudly(top, sandbox):
    params = top.params(TIME)

    answer = await top.send(params, params={"app_key": APP_KEY})

    assert answer.status == 400
    assert await answer.text() == f"sandbox: {TIME}: the parameter app_key is sent twice (again in the body)"
    assert len(sandbox.top.complaints) == 1


async def test_a_parameter_sent_twice_in_one_place_is_too(top, sandbox):
    params = [*top.params(TIME).items(), ("app_key", APP_KEY)]

    assert (await top.send(params)).status == 400


async def test_an_empty_parameter_is_answered_loudly(top, sandbox):
    answer = await top.send(top.params(CONSUME) | {"group_name": ""})

    assert answer.status == 400
    assert sandbox.top.complaints == [f"{CONSUME}: the parameter group_name is empty"]


@pytest.mark.parametrize(("how", "codes"), [("signed", [None, 25]), ("dropped", [25, None])])
async def test_a_quiet_gateway_signs_an_empty_parameter_or_drops_it(top, sandbox, how, codes):
    """Not known: one vendor's client signs its bare name, others never send it."""
    sandbox.top.switches.loud, sandbox.top.switches.empty_values = False, how
    dropped = top.params(CONSUME) | {"group_name": ""}
    signed = dropped | {"sign": sign(top.secret, top.sign_method, dropped)}

    told = [json.loads(await (await top.send(params)).read()) for params in (signed, dropped)]

    assert [one.get("error_response", {}).get("code") for one in told] == codes
    assert len(sandbox.top.complaints) == 2


async def test_a_parameter_the_method_does_not_have_is_answered_loudly(top, sandbox):
    """The real gateway would pass over a misspelt name in silence."""
    answer = await top.raw(UPDATE, apply_id="A1", apply_state="cancelled")

    assert answer.status == 400
    assert sandbox.top.complaints == [f"{UPDATE}: there is no parameter apply_state"]


async def test_zero_is_not_empty(top, sandbox):
    sandbox.top.put_application("A1")

    assert await top.upload(business_type="0", invoice_kind="0")
    assert sandbox.top.complaints == []


async def test_files_travel_as_parts_that_are_not_signed(top, sandbox):
    """Every text part is signed, whatever its place among the parts."""
    sandbox.top.put_application("A1")
    form = aiohttp.FormData(default_to_multipart=True)
    form.add_field("invoice_file_data", PDF, filename="1.pdf", content_type="application/pdf")
    for name, text in top.params(UPLOAD, **invoice(invoice_file_content=None)).items():
        form.add_field(name, text)

    told = json.loads(await (await top.send(form)).read())

    assert told["is_success"]
    (upload,) = sandbox.top.uploads
    assert (upload.file_size, upload.accepted) == (len(PDF), True)
    assert sandbox.top.calls[-1].params["invoice_file_data"] == f"({len(PDF)} bytes)"


async def test_a_text_part_of_a_multipart_body_that_was_changed_is_noticed(top, sandbox):
    form = aiohttp.FormData(default_to_multipart=True)
    for name, text in (top.params(TIME) | {"timestamp": "2026-11-20 10:00:01"}).items():
        form.add_field(name, text)

    assert json.loads(await (await top.send(form)).read())["error_response"]["code"] == 25


# --- answers ---


async def test_an_answer_without_a_format_is_xml(missing):
    answer = await missing(format="", simplify="")

    tree = ElementTree.fromstring(await answer.text())
    assert answer.content_type == "text/xml"
    assert tree.tag == ROOT
    assert [one.findtext("invoice_no") for one in tree.iterfind("missing_invoices/invoice_uk_dto")] == ["88888888", "1"]
    assert (tree.findtext("update_success"), bool(tree.findtext("request_id"))) == ("false", True)


async def test_a_list_without_elements_is_absent_in_xml(top, sandbox):
    sandbox.top.put_application("A1")
    sandbox.top.switches.empty_lists = "wrapped"

    answer = await top.raw(UPDATE, apply_id="A1", apply_status="confirmed", format="xml", simplify="")

    tree = ElementTree.fromstring(await answer.text())
    assert [child.tag for child in tree] == ["update_success", "request_id"]


async def test_json_is_rooted_and_its_lists_are_wrapped(missing):
    told = json.loads(await (await missing(simplify="")).read())

    assert list(told) == [ROOT]
    assert told[ROOT]["missing_invoices"]["invoice_uk_dto"][0] == {"invoice_no": "88888888", "invoice_code": "9"}
    assert told[ROOT]["update_success"] is False


@pytest.mark.parametrize("simplify", ["true", "1"])
async def test_simplified_json_is_flat_and_its_lists_are_bare(missing, simplify):
    told = json.loads(await (await missing(simplify=simplify)).read())

    assert [one["invoice_no"] for one in told["missing_invoices"]] == ["88888888", "1"]
    assert (told["update_success"], set(told)) == (False, {"missing_invoices", "update_success", "request_id"})


async def test_the_root_drops_the_prefix_of_taobao_alone(top):
    told = [await top.call(method, simplify="", session=SESSION, platform_tid="") for method in (TIME, CONSUME)]
    other = await top.call(OLD_GET, simplify="", session=SESSION, platform_tid="T1")

    assert [list(one) for one in told] == [["time_get_response"], ["tmc_messages_consume_response"]]
    assert list(other) == ["alibaba_einvoice_apply_get_response"]


@pytest.mark.parametrize("simplify", ["", "true"])
async def test_an_error_has_the_same_root_in_both_modes(top, simplify):
    told = await top.call(UPDATE, simplify=simplify)

    error = told["error_response"]
    assert (error["code"], error["msg"]) == (40, "Missing Required Arguments")
    assert (error["sub_code"], error["sub_msg"]) == ("isv.missing-parameter", "缺少必要参数: apply_id")
    assert error["request_id"]


async def test_an_error_may_lack_everything_but_code_and_text(top, sandbox):
    sandbox.top.switches.request_id_in_errors, sandbox.top.switches.code_as_text = False, True

    told = await top.call(TIME, timestamp="x")

    assert told == {"error_response": {"code": "31", "msg": "Invalid Timestamp"}}


async def test_every_reply_has_its_own_request_id_and_the_type_of_a_script(top):
    answers = [await top.raw(TIME), await top.raw(TIME), await top.raw(UPDATE)]

    ids = [json.loads(await answer.read()) for answer in answers]
    seen = {told.get("request_id") or told["error_response"]["request_id"] for told in ids}
    assert len(seen) == 3
    assert {(answer.status, answer.content_type, answer.charset) for answer in answers} == {
        (200, "text/javascript", "utf-8")
    }


@pytest.mark.parametrize(
    ("how", "flat", "rooted"),
    [
        ("absent", "absent", "absent"),
        ("null", None, None),
        ("object", {}, {}),
        ("wrapped", {"invoice_uk_dto": []}, {"invoice_uk_dto": []}),
        ("bare", [], []),
    ],
)
async def test_no_elements_can_be_said_in_five_ways(top, sandbox, how, flat, rooted):
    sandbox.top.put_application("A1")
    sandbox.top.switches.empty_lists = how
    asked = {"apply_id": "A1", "apply_status": "confirmed"}

    told = [await top.call(UPDATE, **asked), (await top.call(UPDATE, **asked, simplify=""))[ROOT]]

    assert [one.get("missing_invoices", "absent") for one in told] == [flat, rooted]


async def test_the_wrapper_and_the_keys_have_two_spellings_each(missing, sandbox):
    sandbox.top.switches.uk_wrapper, sandbox.top.switches.uk_keys = "invoice_uk_d_t_o", "camel"

    told = json.loads(await (await missing(simplify="")).read())

    listed = told[ROOT]["missing_invoices"]["invoice_uk_d_t_o"]
    assert listed[0] == {"invoiceNo": "88888888", "invoiceCode": "9"}


async def test_an_answer_may_be_compressed_for_who_takes_it(top, sandbox):
    sandbox.top.switches.gzip = True
    async with aiohttp.ClientSession(auto_decompress=False) as plain:
        packed = await plain.post(sandbox.top_url, data=top.params(TIME), headers={"Accept-Encoding": "gzip"})
        loose = await plain.post(sandbox.top_url, data=top.params(TIME), headers={"Accept-Encoding": "identity"})

        assert packed.headers["Content-Encoding"] == "gzip"
        assert json.loads(gzip.decompress(await packed.read()))["time"]
        assert json.loads(await loose.read())["time"]
    assert (await top.call(TIME))["time"]


async def test_the_journal_keeps_every_call_with_its_answer(top, sandbox):
    sandbox.top.put_application("A1")
    await top.upload()
    await top.missing(NUMBER)
    await top.call(CONFIRM)

    log = sandbox.top.calls

    assert [(call.method, call.answer) for call in log] == [(UPLOAD, "ok"), (UPDATE, "ok"), (CONFIRM, "40")]
    assert log.by_answer[CONFIRM, "40"] == 1
    assert log[0].params["invoice_no"] == NUMBER
    assert log[0].params["invoice_file_content"].endswith("characters)")


async def test_two_sandboxes_of_one_seed_draw_the_same_ids(clock):
    worlds = [Sandbox(SandboxOptions(seed=seed, clock=clock)).top for seed in (5, 5, 6)]

    ids = [world.put_application().apply_id for world in worlds]
    assert ids[0] == ids[1] != ids[2]
    assert worlds[0].next_request_id() == worlds[1].next_request_id() != worlds[2].next_request_id()
