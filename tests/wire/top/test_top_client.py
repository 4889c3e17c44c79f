import json
from datetime import timedelta
from urllib.parse import parse_qsl

import pytest
from structlog.testing import capture_logs
from top_parts import NOON, NUMBER, OFD, Hand, discount, line, request, returned
from wire_server import RawServer, reply, reset

from syncd.domain.centre import ApplyId, ApplyStatus, InvoiceUk
from syncd.domain.clock import BEIJING
from syncd.domain.invoice import Colour
from syncd.domain.trouble import Care, InDoubt, Permanent, Transient
from syncd.sandbox import Sandbox
from syncd.wire.http import Http
from syncd.wire.top.client import UPDATE, ReturnApi, TopClient, TopOptions
from syncd.wire.top.sign import SignMethod

OURS = InvoiceUk(NUMBER)


def application(sandbox: Sandbox, **more: object) -> ApplyId:
    return ApplyId(sandbox.top.put_application(**more).apply_id)  # type: ignore[arg-type]


# -- the way of an application -----------------------------------------------------------------------------------------


async def test_missing_invoices_are_returned_before_the_application_is_closed(sandbox: Sandbox, top: TopClient):
    """TOP will not close an application whose invoices it was never given (seed alibaba-apply-update)."""
    apply_id = application(sandbox)

    first = await top.update(apply_id, ApplyStatus.SUCCESS, [OURS])
    taken = await top.upload(returned(apply_id))
    second = await top.update(apply_id, ApplyStatus.SUCCESS, [OURS])

    assert (first.success, first.missing) == (False, (OURS,))
    assert taken
    assert (second.success, second.missing) == (True, ())
    assert sandbox.top.applications[apply_id].status == "inv_success"


@pytest.mark.parametrize("method", list(SignMethod))
async def test_every_way_of_signing_is_understood(sandbox: Sandbox, connect, method: SignMethod):
    client = connect(sandbox.top_url, options=TopOptions(sign_method=method))

    answer = await client.update(application(sandbox), ApplyStatus.FAILED, message="开票失败 & =+@%😀\n下一行")

    assert answer.success


@pytest.mark.parametrize("as_part", [False, True])
@pytest.mark.parametrize("file", [None, OFD])
async def test_a_file_arrives_as_text_and_as_a_part(sandbox: Sandbox, connect, as_part: bool, file):
    client = connect(sandbox.top_url, options=TopOptions(file_as_part=as_part))
    one = returned(application(sandbox)) if file is None else returned(application(sandbox), file=file)

    assert await client.upload(one)

    assert one.file is not None
    assert sandbox.top.uploads[0].file_size == len(one.file.content)


async def test_discounts_and_reds_pass_the_centres_own_checks(sandbox: Sandbox, top: TopClient):
    apply_id = application(sandbox)
    red = line(net=-line().net, tax=-line().tax, gross=-line().gross)
    asked = request(colour=Colour.RED, lines=(red,))

    assert await top.upload(returned(apply_id, request=request(lines=(line(property=2), discount(), line()))))
    assert await top.upload(returned(apply_id, request=asked, blue=OURS, invoice={"number": NUMBER[:-1] + "2"}))

    assert [upload.why_not for upload in sandbox.top.uploads] == ["", ""]


async def test_the_interface_by_trade_is_called_with_the_shops_session(sandbox: Sandbox, connect):
    client = connect(sandbox.top_url, options=TopOptions(return_api=ReturnApi.DETAIL_UPLOAD))
    apply_id = application(sandbox, tid="T1")

    assert await client.upload(returned(apply_id, platform_code="TM", platform_tid="T1"))

    assert sandbox.top.uploads[0].reaches == (apply_id,)


async def test_where_a_person_returns_invoices_nothing_is_sent(sandbox: Sandbox, connect):
    client = connect(sandbox.top_url, options=TopOptions(return_api=ReturnApi.NONE))

    with pytest.raises(ValueError):
        await client.upload(returned())

    assert len(sandbox.top.calls) == 0


@pytest.mark.parametrize(
    "switches",
    [
        {"empty_lists": spelling}
        for spelling in ("absent", "null", "object", "wrapped", "bare")
    ]
    + [{"uk_wrapper": "invoice_uk_d_t_o"}, {"uk_keys": "camel"}, {"gzip": True}, {"stored_code": "zeros"}],
)  # fmt: skip
async def test_every_dress_of_an_answer_is_understood(sandbox: Sandbox, top: TopClient, switches: dict):
    for name, value in switches.items():
        setattr(sandbox.top.switches, name, value)
    apply_id = application(sandbox)

    missed = await top.update(apply_id, ApplyStatus.SUCCESS, [OURS])
    await top.upload(returned(apply_id))
    done = await top.update(apply_id, ApplyStatus.SUCCESS, [OURS])

    assert [uk.normal() for uk in missed.missing] == [OURS.normal()]
    assert (done.success, done.missing) == (True, ())


async def test_a_repeated_upload_that_is_called_a_duplicate_was_taken(sandbox: Sandbox, top: TopClient):
    sandbox.top.switches.duplicate = "error"
    apply_id = application(sandbox)

    assert [await top.upload(returned(apply_id)) for _ in range(2)] == [True, True]


async def test_an_upload_the_centre_does_not_take_says_so(sandbox: Sandbox, top: TopClient):
    sandbox.top.switches.uploads = "refused"

    assert not await top.upload(returned(application(sandbox)))


async def test_done_and_missing_at_once_is_done_and_is_told(sandbox: Sandbox, top: TopClient):
    sandbox.top.switches.update_says = "true_with_missing"
    apply_id = application(sandbox)
    await top.upload(returned(apply_id))

    with capture_logs() as told:
        answer = await top.update(apply_id, ApplyStatus.SUCCESS, [OURS])

    assert answer.success
    assert answer.missing
    assert [one["event"] for one in told] == ["top.answered", "top.contradicted"]
    assert told[1]["request_id"] == answer.request_id != ""


# -- reading -----------------------------------------------------------------------------------------------------------


async def test_an_application_is_shown_as_it_stands(sandbox: Sandbox, top: TopClient):
    sandbox.top.switches.creating_spelling = "craeting_inv"
    apply_id = application(sandbox, amount="113.00", payer_name="示例公司", business_type=1, tid="T1")
    sandbox.top.set_status(apply_id, "creating_inv")

    found = await top.application(apply_id)

    assert found is not None
    assert (found.status, found.final, found.amount, found.business_type) == ("creating_inv", False, 113, 1)
    assert (found.payer_name, found.platform_code, found.platform_tid) == ("示例公司", "TM", "T1")


async def test_the_invoices_of_a_finished_application_are_named(sandbox: Sandbox, top: TopClient):
    apply_id = application(sandbox)
    await top.upload(returned(apply_id))
    await top.update(apply_id, ApplyStatus.SUCCESS, [OURS])

    found = await top.application(apply_id)

    assert found is not None
    assert (found.status, found.final) == ("inv_success", True)
    assert [uk.normal() for uk in found.invoices] == [OURS]


@pytest.mark.parametrize("says", ["error", "inner", "empty"])
async def test_an_application_nobody_knows_is_none(sandbox: Sandbox, top: TopClient, says):
    sandbox.top.switches.unknown_application = says

    assert await top.application(ApplyId("A404")) is None


async def test_messages_come_again_until_they_are_confirmed(sandbox: Sandbox, top: TopClient):
    apply_id = application(sandbox, tid="T1")
    sandbox.top.cancel(apply_id)

    first = await top.notices(1)
    again = await top.notices()
    await top.confirm([one.id for one in again])

    assert [one.apply_id for one in first] == [apply_id, ""]
    assert [one.id for one in first] == [one.id for one in again]
    assert first[1].trigger_status == "buyer_cancel"
    assert first[1].platform_tid == "T1"
    assert await top.notices() == ()


async def test_no_ids_are_no_call_and_odd_ids_are_refused(sandbox: Sandbox, top: TopClient):
    await top.confirm([])

    assert len(sandbox.top.calls) == 0
    for ids in (["1,2"], [""], ["1"] * 201):
        with pytest.raises(ValueError):
            await top.confirm(ids)


async def test_the_gateways_clock_is_read(sandbox: Sandbox, top: TopClient):
    sandbox.top.skew = 90

    assert await top.server_time() == NOON + timedelta(seconds=90)


# -- what is sent ------------------------------------------------------------------------------------------------------


async def test_everything_travels_in_the_body_stamped_in_beijing_and_nothing_is_empty(
    raw_server: RawServer, odd: TopClient, hand: Hand
):
    raw_server.answers = [reply({"update_success": True})]

    await odd.update(ApplyId("A1"), ApplyStatus.SUCCESS, [OURS])
    hand.move(1)
    await odd.update(ApplyId("A1"), ApplyStatus.SUCCESS, [OURS])

    first, second = (dict(parse_qsl(one.body.decode(), keep_blank_values=True)) for one in raw_server.arrived)
    assert raw_server.arrived[0].query == {}
    assert first["timestamp"] == NOON.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M:%S") == "2026-11-20 12:00:00"
    assert (first["format"], first["simplify"], first["v"]) == ("json", "true", "2.0")
    assert "" not in first.values()
    assert "session" not in first
    assert first["sign"] != second["sign"]
    assert json.loads(first["invoice_uks"]) == [{"invoice_no": NUMBER}]


# -- when it does not go well ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("http_500_before", InDoubt),
        ("http_500_after", InDoubt),
        ("html_200", InDoubt),
        ("empty", InDoubt),
        ("truncated", InDoubt),
        ("lost_after", InDoubt),
        ("code_10", InDoubt),
        ("15_isp_before", InDoubt),
        ("50_isp_after", InDoubt),
        ("15_refused_before", Transient),
        ("50_refused_before", Transient),
        ("15_isv_before", Permanent),
        ("15_unknown_before", Permanent),
        ("50_bare_before", Permanent),
    ],
)
async def test_a_write_is_in_doubt_unless_it_certainly_was_not_done(sandbox, top, kind: str, expected: type):
    apply_id = application(sandbox)
    sandbox.top.faults.force("*", kind, times=2)

    with pytest.raises(expected) as update:
        await top.update(apply_id, ApplyStatus.SUCCESS, [OURS])
    with pytest.raises(expected) as upload:
        await top.upload(returned(apply_id))

    assert update.value.verdict.platform == upload.value.verdict.platform == "top"
    if expected is InDoubt:
        assert update.value.verdict.care is Care.UNKNOWN


@pytest.mark.parametrize("kind", ["http_500_before", "html_200", "empty", "truncated", "lost_after", "15_isp_after"])
async def test_a_read_without_an_answer_taught_nothing_and_may_be_asked_again(sandbox, top, kind: str):
    apply_id = application(sandbox)
    sandbox.top.faults.force("*", kind, times=1)

    with pytest.raises(Transient):
        await top.application(apply_id)

    assert await top.application(apply_id) is not None


@pytest.mark.parametrize("kind", ["15_unknown_before", "50_bare_after"])
async def test_what_nobody_has_classified_is_shown_and_never_taken_for_anything(sandbox, top, kind: str):
    apply_id = application(sandbox)
    sandbox.top.faults.force("*", kind, times=2)

    with pytest.raises(Permanent) as write:
        await top.upload(returned(apply_id))
    with pytest.raises(Permanent) as read:
        await top.application(apply_id)

    assert write.value.verdict.care is read.value.verdict.care is Care.UNCLASSIFIED


@pytest.mark.parametrize("says", [15, 50])
async def test_a_refusal_is_of_this_document_alone(sandbox: Sandbox, top: TopClient, says):
    sandbox.top.switches.business_code = says

    with pytest.raises(Permanent) as caught:
        await top.update(ApplyId("A404"), ApplyStatus.SUCCESS, [OURS])

    assert caught.value.verdict.care is Care.DATA


async def test_a_session_that_ran_out_is_a_persons_matter(sandbox: Sandbox, connect):
    client = connect(sandbox.top_url, options=TopOptions(return_api=ReturnApi.DETAIL_UPLOAD))
    sandbox.top.expire_session("demo_top_session")

    with pytest.raises(Permanent) as caught:
        await client.upload(returned(application(sandbox), platform_code="TM", platform_tid="T1"))

    assert (caught.value.verdict.care, caught.value.verdict.code) == (Care.PERSON, "27")


@pytest.mark.parametrize(
    ("wrong", "code"), [({"secret": "demo_wrong"}, "25"), ({"app_key": "87654321"}, "29")], ids=["secret", "app_key"]
)
async def test_wrong_credentials_are_a_matter_of_settings(sandbox: Sandbox, connect, wrong: dict, code: str):
    with pytest.raises(Permanent) as caught:
        await connect(sandbox.top_url, **wrong).server_time()

    assert (caught.value.verdict.care, caught.value.verdict.code) == (Care.SETTINGS, code)


async def test_a_missing_right_is_a_matter_of_settings(sandbox: Sandbox, top: TopClient):
    apply_id = application(sandbox)
    sandbox.top.deny(UPDATE)

    with pytest.raises(Permanent) as caught:
        await top.update(apply_id, ApplyStatus.SUCCESS, [OURS])

    assert caught.value.verdict.care is Care.SETTINGS


async def test_a_clock_that_is_off_is_a_matter_of_the_clock(sandbox: Sandbox, top: TopClient):
    """F103: a stamp of eight hours ago is what a codec with the host's zone would send."""
    sandbox.top.skew = 8 * 3600

    with pytest.raises(Transient) as caught:
        await top.server_time()

    assert caught.value.verdict.care is Care.CLOCK


@pytest.mark.parametrize("status", [301, 302, 404, 502])
async def test_a_status_is_no_answer(raw_server: RawServer, odd: TopClient, status: int):
    """S11: redirects are not followed."""
    raw_server.answers = [reply("<html>", status, {"Location": raw_server.url})]

    with pytest.raises(InDoubt):
        await odd.update(ApplyId("A1"), ApplyStatus.SUCCESS, [OURS])
    with pytest.raises(Transient) as read:
        await odd.server_time()

    assert read.value.verdict.care is (Care.SETTINGS if status < 400 else Care.RETRY_SOON)
    assert len(raw_server.arrived) == 2


async def test_nobody_there_is_no_doubt(connect):
    client = connect("http://127.0.0.1:9/router/rest")

    with pytest.raises(Transient):
        await client.update(ApplyId("A1"), ApplyStatus.SUCCESS, [OURS])


async def test_a_cut_connection_leaves_a_write_in_doubt(raw_server: RawServer, connect):
    raw_server.answers = [reset]
    client = connect(raw_server.url, http=Http("top", timeout=1.0))

    with pytest.raises(InDoubt):
        await client.upload(returned())


# -- what is told ------------------------------------------------------------------------------------------------------


async def test_every_call_is_told_with_the_platforms_request_id(sandbox: Sandbox, top: TopClient):
    with capture_logs() as told:
        await top.server_time()
        with pytest.raises(Permanent):
            await top.update(ApplyId("A404"), ApplyStatus.SUCCESS, [OURS])
        await top.application(ApplyId("A404"))

    assert [one["event"] for one in told] == ["top.answered", "top.troubled", "top.answered"]
    assert all(one["request_id"] and one["merchant"] == "m001" for one in told)


async def test_what_the_gateway_quotes_of_our_credentials_is_not_repeated(raw_server: RawServer, connect):
    """S03."""
    quoted = {"code": 15, "sub_code": "x", "sub_msg": "demo_canary_secret / demo_canary_session \x1b[31m"}
    raw_server.answers = [reply({"error_response": quoted})]
    client = connect(raw_server.url, secret="demo_canary_secret", session="demo_canary_session")

    with capture_logs() as told, pytest.raises(Permanent) as caught:
        await client.server_time()

    shown = f"{caught.value} {caught.value!r} {told} {client!r}"
    assert "canary" not in shown
    assert "\x1b" not in shown
