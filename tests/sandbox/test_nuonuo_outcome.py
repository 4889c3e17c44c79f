"""How orders end at the simulated Nuonuo, and what asking tells (docs/wire/nuonuo.md)."""

import json
from decimal import Decimal

import pytest
from aiohttp import web
from sandbox_callers import NOON, SELLER


async def end(nuonuo, clock, order_no="K1", **fields):
    """Submit, let the delay of three seconds pass, and give the entries of a query."""
    assert (await nuonuo.submit(order_no, **fields))["code"] == "E0000"
    clock.pass_by(3)
    return (await nuonuo.query(order_no))["result"]


async def test_an_order_goes_from_20_over_21_to_2_by_the_clock(nuonuo, sandbox, clock):
    await nuonuo.submit()
    seen = []

    for _ in range(4):
        seen.append((await nuonuo.status(), len(sandbox.nuonuo.ledger)))
        clock.pass_by(1)

    assert seen == [("20", 0), ("20", 0), ("21", 1), ("2", 1)]


async def test_an_order_goes_on_by_the_number_of_queries_when_so_switched(nuonuo, sandbox):
    sandbox.nuonuo.switches.progress = "calls"
    await nuonuo.submit()

    assert [await nuonuo.status() for _ in range(4)] == ["20", "21", "2", "2"]


async def test_an_issued_digital_invoice_has_twenty_digits_no_code_and_a_time_in_milliseconds(nuonuo, clock):
    (entry,) = await end(nuonuo, clock)

    assert entry["status"] == "2"
    assert len(entry["allElectronicInvoiceNumber"]) == 20
    assert entry["allElectronicInvoiceNumber"].startswith("2633")
    assert entry["invoiceNo"] == entry["allElectronicInvoiceNumber"]
    assert (entry["invoiceCode"], entry["checkCode"]) == ("", "")
    assert entry["invoiceTime"] == int((NOON + 2) * 1000)
    assert (entry["exTaxAmount"], entry["taxAmount"], entry["orderAmount"]) == ("100.00", "13.00", "113.00")


@pytest.mark.parametrize(("kind", "digits"), [("p", 0), ("c", 0), ("s", 0), ("b", 0), ("ec", 20), ("es", 20)])
async def test_other_kinds_have_a_code_and_eight_digits(nuonuo, clock, kind, digits):
    (entry,) = await end(nuonuo, clock, invoiceLine=kind, buyerTaxNum="91310115MA1K39423D")

    assert len(entry["invoiceNo"]) == 8
    assert len(entry["invoiceCode"]) in (10, 12)
    assert len(entry["allElectronicInvoiceNumber"]) == digits


async def test_the_pdf_is_served_by_the_sandbox(nuonuo, clock, http):
    (entry,) = await end(nuonuo, clock)

    answer = await http.get(entry["pdfUrl"])

    assert (answer.status, answer.content_type) == (200, "application/pdf")
    assert (await http.get(entry["pdfUrl"].replace("/26", "/99"))).status == 404


async def test_the_pdf_can_be_late_or_absent(nuonuo, sandbox, clock):
    sandbox.nuonuo.switches.file_delay = 60
    (early,) = await end(nuonuo, clock)
    clock.pass_by(60)
    later = (await nuonuo.query("K1"))["result"][0]
    (never,) = await end(nuonuo, clock, "K2", buyerName="未出版式示例有限公司")
    sandbox.nuonuo.switches.files = "absent"

    assert early["status"] == "2"
    assert (early["pdfUrl"], never["pdfUrl"]) == ("", "")
    assert later["pdfUrl"].endswith(".pdf")
    assert (await nuonuo.query("K1"))["result"][0]["pdfUrl"] == ""


async def test_an_unknown_order_is_e9500(nuonuo):
    assert await nuonuo.query("K9") == {"code": "E9500", "describe": "未查询到发票信息"}


async def test_a_fresh_order_can_stay_unseen_for_a_time_or_some_queries(nuonuo, sandbox, clock):
    sandbox.nuonuo.switches.hide_first_queries = 2
    await nuonuo.submit("K1")
    first = [await nuonuo.status("K1") for _ in range(3)]
    sandbox.nuonuo.switches.hide_first_queries = 0
    sandbox.nuonuo.switches.visibility_lag = 600
    await nuonuo.submit("K2")
    clock.pass_by(599)
    hidden = await nuonuo.status("K2")
    clock.pass_by(1)

    assert first == ["E9500", "E9500", "20"]
    assert (hidden, await nuonuo.status("K2")) == ("E9500", "2")


async def test_the_result_is_a_list_of_those_found_and_serials_win_over_numbers(nuonuo):
    serial = (await nuonuo.submit("K1"))["result"]["invoiceSerialNum"]
    await nuonuo.submit("K2")

    both = await nuonuo.query("K1", "K2", "K9")
    by_serial = await nuonuo.call("queryInvoiceResult", {"serialNos": [serial], "orderNos": ["K2"]})
    details = await nuonuo.call("queryInvoiceResult", {"orderNos": ["K1"], "isOfferInvoiceDetail": "1"})

    assert [entry["orderNo"] for entry in both["result"]] == ["K1", "K2"]
    assert [entry["orderNo"] for entry in by_serial["result"]] == ["K1"]
    assert details["result"][0]["invoiceItems"][0]["itemName"] == "演示商品"


@pytest.mark.parametrize("asked", [["K"] * 51, [], "K1", [1]])
async def test_at_most_fifty_texts_can_be_asked_for(nuonuo, asked):
    assert (await nuonuo.call("queryInvoiceResult", {"orderNos": asked}))["code"] == "E4000"


async def test_a_failed_order_says_why_and_creates_nothing(nuonuo, sandbox, clock):
    (entry,) = await end(nuonuo, clock, buyerName="开票失败示例有限公司")

    assert (entry["status"], entry["invoiceNo"]) == ("22", "")
    assert entry["failCause"] == "购方税号不存在或已注销"
    assert sandbox.nuonuo.ledger == []


async def test_an_unsealed_invoice_exists_and_one_push_seals_it(nuonuo, sandbox, clock):
    (entry,) = await end(nuonuo, clock, buyerName="签章失败示例有限公司")
    pushed = await nuonuo.call("reInvoice", {"fpqqlsh": "", "orderno": "K1"})
    during = await nuonuo.status()
    clock.pass_by(3)

    assert (entry["status"], len(entry["invoiceNo"])) == ("24", 20)
    assert (pushed["code"], during, await nuonuo.status()) == ("E0000", "21", "2")
    assert [invoice.number for invoice in sandbox.nuonuo.ledger] == [entry["invoiceNo"]]


async def test_a_stuck_seal_answers_e9613(nuonuo, clock):
    await end(nuonuo, clock, buyerName="签章卡住示例有限公司")

    assert (await nuonuo.call("reInvoice", {"orderno": "K1"}))["code"] == "E9613"


async def test_the_21st_push_of_a_day_is_e9613_and_tomorrow_is_another_day(nuonuo, sandbox, clock):
    await end(nuonuo, clock, buyerName="开票失败示例有限公司")
    codes = []
    for _ in range(21):
        codes.append((await nuonuo.call("reInvoice", {"orderno": "K1"}))["code"])
        clock.pass_by(3)
        await nuonuo.status()
    clock.pass_by(86_400)

    assert codes == ["E0000"] * 20 + ["E9613"]
    assert (await nuonuo.call("reInvoice", {"orderno": "K1"}))["code"] == "E0000"


async def test_a_push_of_a_failed_order_may_issue_it_under_the_same_number(nuonuo, sandbox, clock):
    sandbox.nuonuo.script("K1", "fail", times=1, cause="税局系统异常")
    (entry,) = await end(nuonuo, clock)

    await nuonuo.call("reInvoice", {"orderno": "K1"})
    clock.pass_by(3)

    assert entry["failCause"] == "税局系统异常"
    assert await nuonuo.status() == "2"
    assert len(sandbox.nuonuo.invoices_of("K1")) == 1


async def test_a_push_of_an_issued_or_running_order_is_answered_so(nuonuo, clock):
    await nuonuo.submit()
    running = await nuonuo.call("reInvoice", {"orderno": "K1"})
    clock.pass_by(3)
    issued = await nuonuo.call("reInvoice", {"orderno": "K1"})

    assert "开票中" in running["describe"]
    assert "发票已生成" in issued["describe"]
    assert (await nuonuo.call("reInvoice", {"orderno": "K9"}))["code"] == "E9500"
    assert (await nuonuo.call("reInvoice", {}))["code"] == "E4000"


async def test_a_split_order_has_two_entries_that_add_up(nuonuo, clock, sandbox):
    entries = await end(nuonuo, clock, buyerName="拆分示例有限公司")

    assert len({entry["invoiceNo"] for entry in entries}) == 2
    assert sum(Decimal(entry["orderAmount"]) for entry in entries) == Decimal("113.00")
    assert [str(invoice.requested_total) for invoice in sandbox.nuonuo.ledger] == ["113.00", "113.00"]


async def test_a_voided_invoice_is_status_3(nuonuo, sandbox, clock):
    (entry,) = await end(nuonuo, clock, buyerName="作废示例有限公司")

    assert entry["status"] == "3"
    assert [invoice.voided for invoice in sandbox.nuonuo.ledger] == [True]


async def test_totals_can_differ_by_a_cent(nuonuo, clock):
    (entry,) = await end(nuonuo, clock, buyerName="差一分示例有限公司")

    assert (entry["taxAmount"], entry["orderAmount"]) == ("13.01", "113.01")


async def test_a_failed_order_can_be_issued_after_all(nuonuo, sandbox, clock):
    """The order that makes a sweep for late issues necessary."""
    (entry,) = await end(nuonuo, clock, buyerName="先拒后开示例有限公司")
    clock.pass_by(1)

    assert (entry["status"], await nuonuo.status()) == ("22", "2")
    assert len(sandbox.nuonuo.ledger) == 1


async def test_an_order_can_be_stuck_for_days(nuonuo, clock):
    await end(nuonuo, clock, buyerName="开票卡住示例有限公司")
    clock.pass_by(3 * 86_400)

    assert await nuonuo.status() == "20"


async def test_outcomes_can_be_scripted_by_the_end_of_an_order_number_or_a_predicate(nuonuo, sandbox, clock):
    sandbox.nuonuo.script("-F", "fail")
    sandbox.nuonuo.script(lambda one: one.seller_tax_no == SELLER and one.order_no == "K2", "seal_fail", times=1)

    assert (await end(nuonuo, clock, "K1-F"))[0]["status"] == "22"
    assert (await end(nuonuo, clock, "K2"))[0]["status"] == "24"
    assert (await end(nuonuo, clock, "K3"))[0]["status"] == "2"


async def test_without_login_an_order_waits_at_20_and_goes_on_after_it(nuonuo, sandbox, clock):
    sandbox.nuonuo.login = "logged_out"
    (entry,) = await end(nuonuo, clock)
    clock.pass_by(600)
    sandbox.nuonuo.login = "ok"
    clock.pass_by(1)

    assert (entry["status"], await nuonuo.status()) == ("20", "2")
    assert sandbox.nuonuo.ledger[0].issued_at == NOON + 603


@pytest.mark.parametrize(("mode", "code", "status"), [("refuse", "E9999", "E9500"), ("fail", "E0000", "22")])
async def test_without_login_an_order_can_also_be_refused_or_fail(nuonuo, sandbox, clock, mode, code, status):
    sandbox.nuonuo.switches.logged_out = mode
    sandbox.nuonuo.login = "identity_needed"

    told = await nuonuo.submit()
    clock.pass_by(3)

    assert (told["code"], await nuonuo.status()) == (code, status)
    assert sandbox.nuonuo.ledger == []


@pytest.mark.parametrize(
    ("state", "login", "identity"), [("ok", "1", "1"), ("logged_out", "0", "1"), ("identity_needed", "1", "2")]
)
async def test_the_session_can_be_asked_for(nuonuo, sandbox, state, login, identity):
    sandbox.nuonuo.login = state

    by_login = await nuonuo.call("getCertificationStatus", {"queryType": "2"})
    by_identity = await nuonuo.call("getCertificationStatus", {"queryType": "1"})

    assert by_login["result"]["loginStatus"] == login
    assert by_identity["result"]["certificationStatus"] == identity


async def test_scanning_the_code_logs_the_drawer_in_and_codes_are_limited(nuonuo, sandbox, clock):
    sandbox.nuonuo.login = "logged_out"
    first = await nuonuo.call("getQrCode", {"queryType": "2"})
    soon = await nuonuo.call("getQrCode", {"queryType": "2"})
    shown = await nuonuo.call("getQrCode", {"queryType": "3"})
    await nuonuo.call("verifyComplete", {"queryType": "0"})

    assert (first["code"], soon["code"]) == ("E0000", "E9999")
    assert shown["result"]["qrCode"]
    assert sandbox.nuonuo.login == "ok"


async def test_the_credit_line_falls_by_the_net_amount(nuonuo, sandbox, clock):
    sandbox.nuonuo.quota = Decimal("150.00")
    await end(nuonuo, clock, "K1")
    told = await nuonuo.call("getCreditLine", {"queryType": "1"})
    (over,) = await end(nuonuo, clock, "K2")
    sandbox.nuonuo.quota = Decimal("100.00")
    clock.pass_by(1)

    assert told["result"]["availableCreditLine"] == "50.00"
    assert over["status"] == "20"
    assert await nuonuo.status("K2") == "2"


async def test_an_order_over_the_credit_line_can_also_fail(nuonuo, sandbox, clock):
    sandbox.nuonuo.switches.quota = "fail"
    sandbox.nuonuo.quota = Decimal("1.00")

    (entry,) = await end(nuonuo, clock)

    assert (entry["status"], entry["failCause"]) == ("22", "可用授信额度不足")


class Listener:
    """A callback address that keeps what it gets and answers from a list."""

    def __init__(self, answers):
        self.answers, self.got = answers, []

    async def receive(self, request):
        form = await request.post()
        self.got.append((form["operater"], form["orderno"], json.loads(form["content"])))
        answer = self.answers.pop(0) if self.answers else {"status": "0000", "message": "同步成功"}
        return web.json_response(answer)


@pytest.fixture
async def listener():
    heard = Listener([])
    app = web.Application()
    app.router.add_post("/callback", heard.receive)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    heard.url = f"http://127.0.0.1:{runner.addresses[0][1]}/callback"
    yield heard
    await runner.cleanup()


@pytest.mark.parametrize(
    ("buyer", "c_status"), [("个人", "1"), ("开票失败示例有限公司", "2"), ("签章失败示例有限公司", "3")]
)
async def test_a_callback_tells_the_end_in_its_own_numbers(nuonuo, clock, listener, until, buyer, c_status):
    await nuonuo.submit(buyerName=buyer, callBackUrl=listener.url)
    clock.pass_by(3)

    await until(lambda: bool(listener.got))

    operater, order_no, content = listener.got[0]
    assert (operater, order_no) == ("callback", "K1")
    assert (content["c_orderno"], content["c_status"]) == ("K1", c_status)


async def test_a_callback_is_repeated_until_it_is_answered_0000(nuonuo, sandbox, clock, listener, until):
    sandbox.nuonuo.switches.callback_every = 0.01
    listener.answers = [{"status": "9999"}, {}]
    await nuonuo.submit(callBackUrl=listener.url)
    clock.pass_by(3)

    await until(lambda: sandbox.nuonuo_server.callbacks.accepted == ["K1"])

    assert len(listener.got) == 3


async def test_a_seal_that_succeeds_later_is_called_back_again(nuonuo, clock, listener, until):
    await nuonuo.submit(buyerName="签章失败示例有限公司", callBackUrl=listener.url)
    clock.pass_by(3)
    await until(lambda: len(listener.got) == 1)
    await nuonuo.call("reInvoice", {"orderno": "K1"})
    clock.pass_by(3)

    await until(lambda: len(listener.got) == 2)

    assert [content["c_status"] for _, _, content in listener.got] == ["3", "1"]


async def test_anybody_can_forge_a_callback_for_an_unknown_order(sandbox, listener):
    answer = await sandbox.nuonuo_server.callbacks.forge(listener.url, "K-none")

    assert json.loads(answer)["status"] == "0000"
    assert listener.got[0][2]["c_orderno"] == "K-none"
    assert sandbox.nuonuo.ledger == []


async def test_delays_are_drawn_by_seed_and_order(sandbox, nuonuo):
    sandbox.nuonuo.issue_delay = (0.0, 10.0)
    await nuonuo.submit("K1")
    await nuonuo.submit("K2")

    delays = [submission.delay for submission in sandbox.nuonuo.by_serial.values()]
    assert len(set(delays)) == 2
