from decimal import Decimal

import pytest
from wdt_parts import NUMBER, URL, Connect, issued
from wire_server import RawServer, reply

from syncd.domain.order import OrderNo, WriteBack
from syncd.domain.trouble import Care, InDoubt, Permanent, Transient, Trouble
from syncd.sandbox import Sandbox
from syncd.wire.http import Http
from syncd.wire.wdt.client import UPDATE, WdtClient
from syncd.wire.wdt.codec import TooLong


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
    sandbox: Sandbox, connect: Connect, switches: dict[str, object]
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


async def test_an_older_client_gets_an_address_with_a_failure(sandbox: Sandbox, connect: Connect):
    sandbox.wdt.switches.client_version = "1.5.8.2"
    no = sandbox.wdt.put_order({})
    document = WriteBack(OrderNo(no), 85, error_text="x")

    without = await connect(sandbox.wdt_url).update([document])
    told = await connect(sandbox.wdt_url, client_version="1.5.8.2", failed_file_url=URL).update([document])

    assert without.refused == {no: "file_url不能为空"}
    assert told.refused == {}


async def test_a_client_without_the_method_is_a_matter_of_settings(sandbox: Sandbox, connect: Connect):
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


async def test_a_write_back_that_is_not_answered_in_time_is_in_doubt(sandbox: Sandbox, connect: Connect):
    """F82"""
    no = sandbox.wdt.put_order({})
    sandbox.wdt.faults.force("updateInvoice", "hung")

    with pytest.raises(InDoubt) as caught:
        await connect(sandbox.wdt_url, http=Http("wdt", timeout=0.1)).update([issued(no)])

    assert caught.value.verdict.code == "timeout"
    assert sandbox.wdt.order(no)["status"] == 60


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
