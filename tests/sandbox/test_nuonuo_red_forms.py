"""Red confirmation forms at the simulated Nuonuo (docs/wire/nuonuo.md, docs/amounts.md)."""

import json
from decimal import Decimal

import pytest
from sandbox_callers import NOON, SELLER, issued, line

HOUR = 3600
BUYER_TAX = "91310115MA1K39423D"
OUTSIDE = "25332000000000000077"


@pytest.fixture
async def blue(nuonuo, sandbox, clock):
    """The number of an issued blue invoice over 113.00."""
    sandbox.nuonuo.switches.red_step = sandbox.nuonuo.switches.red_delay = 10
    await nuonuo.submit("B1")
    clock.pass_by(3)
    return (await nuonuo.query("B1"))["result"][0]["invoiceNo"]


def applying(blue, bill_id="R1", **fields):
    full = {
        "billId": bill_id, "blueInvoiceLine": "pc", "applySource": "0", "blueElecInvoiceNumber": blue,
        "sellerTaxNo": SELLER, "buyerName": "个人", "redReason": "1", **fields,
    }  # fmt: skip
    return {name: value for name, value in full.items() if value is not None}


@pytest.fixture
def save(nuonuo):
    async def apply(blue, bill_id="R1", **fields):
        return await nuonuo.call("saveInvoiceRedConfirm", applying(blue, bill_id, **fields))

    return apply


@pytest.fixture
def look(nuonuo):
    async def ask(bill_id="R1", **fields):
        told = await nuonuo.call("queryInvoiceRedConfirm", {"identity": "0", "billId": bill_id, **fields})
        return told["result"]["list"][0] if told["code"] == "E0000" and told["result"]["list"] else told

    return ask


async def refresh(nuonuo, form):
    return await nuonuo.call("refreshInvoiceRedConfirm", {"identity": "0", "billUuid": form["billUuid"]})


async def test_a_form_at_01_is_followed_by_a_red_invoice_with_its_own_number(nuonuo, save, look, sandbox, clock, blue):
    """01 is not the end: the bureau issues the red invoice a while later, and it is read by its serial."""
    told = await save(blue)
    early = await look()
    clock.pass_by(10)
    begun = await look()
    clock.pass_by(3)
    done = await look()

    (red,) = (await nuonuo.call("queryInvoiceResult", {"serialNos": [done["invoiceSerialNum"]]}))["result"]
    assert told == {"code": "E0000", "describe": "请求成功", "result": "R1"}
    assert (early["billStatus"], early["invoiceSerialNum"], early["openStatus"]) == ("01", None, 0)
    assert (begun["redInvoiceNumber"], begun["openStatus"]) == (None, 0)
    assert begun["invoiceSerialNum"]
    assert (done["redInvoiceNumber"], done["openStatus"]) == (red["allElectronicInvoiceNumber"], 1)
    assert (done["taxExcludedAmount"], done["taxAmount"]) == ("-100.00", "-13.00")
    assert len(red["allElectronicInvoiceNumber"]) == 20
    assert red["allElectronicInvoiceNumber"] != blue
    assert (red["status"], red["invoiceType"], red["oldEleInvoiceNumber"]) == ("2", "2", blue)
    assert (red["exTaxAmount"], red["taxAmount"], red["orderAmount"]) == ("-100.00", "-13.00", "-113.00")
    entry = sandbox.nuonuo.ledger[-1]
    assert (entry.colour, entry.blue_number, entry.bill_id) == ("red", blue, "R1")


async def test_the_red_invoice_has_the_order_number_the_form_asked_for(nuonuo, save, clock, blue):
    await save(blue, orderNo="RED01")
    clock.pass_by(20)

    (red,) = (await nuonuo.query("RED01"))["result"]
    assert (red["status"], red["orderAmount"]) == ("2", "-113.00")


async def test_a_form_may_be_applying_first_without_number_and_uuid(save, look, sandbox, clock, blue):
    sandbox.nuonuo.script_red("R1", "15-01")
    await save(blue)
    applying_now = await look()
    clock.pass_by(10)
    taken_in = await look()

    assert [applying_now[name] for name in ("billStatus", "billNo", "billUuid")] == ["15", "", ""]
    assert taken_in["billStatus"] == "01"
    assert taken_in["billNo"]
    assert taken_in["billUuid"]


async def test_a_failed_application_says_why_and_leads_to_nothing(save, look, sandbox, clock, blue):
    sandbox.nuonuo.script_red(blue, "15-16", message="该发票已全额冲红")
    await save(blue)
    clock.pass_by(1000)

    form = await look()
    assert (form["billStatus"], form["billMessage"]) == ("16", "该发票已全额冲红")
    assert len(sandbox.nuonuo.ledger) == 1


async def test_a_form_that_waits_shows_the_buyers_answer_only_when_refreshed(nuonuo, save, look, sandbox, clock, blue):
    sandbox.nuonuo.script_red("R1", "02")
    await save(blue)
    sandbox.nuonuo.bureau.buyer_confirms("R1")
    clock.pass_by(20)

    stale = await look()
    await refresh(nuonuo, stale)
    fresh = await look()
    assert (stale["billStatus"], stale["redInvoiceNumber"]) == ("02", None)
    assert fresh["billStatus"] == "04"
    assert fresh["confirmTime"] == "2026-11-20 10:00:03"
    assert fresh["redInvoiceNumber"] == sandbox.nuonuo.ledger[-1].number


async def test_a_day_range_refreshes_too_and_a_live_copy_needs_none(nuonuo, save, look, sandbox, clock, blue):
    sandbox.nuonuo.script_red("R1", "02-05")
    await save(blue)
    clock.pass_by(11)
    stale = await look()
    days = {"identity": "0", "startTime": "2026-11-20", "endTime": "2026-11-20"}
    told = await nuonuo.call("refreshInvoiceRedConfirm", days)
    fresh = await look()
    sandbox.nuonuo.switches.red_copy = "live"
    sandbox.nuonuo.script_red("R2", "02-05")
    await save(blue, "R2")
    clock.pass_by(11)

    assert (stale["billStatus"], fresh["billStatus"], told["code"]) == ("02", "05", "E0000")
    assert (await look("R2"))["billStatus"] == "05"


@pytest.mark.parametrize(
    "state", ["03", "05", "06", "07", "08", "09", "10", "11", "12", "13", "99"]
)  # 99: a code nobody has heard of
async def test_every_other_state_can_be_played_and_issues_nothing(save, look, sandbox, clock, blue, state):
    sandbox.nuonuo.script_red("R1", state)
    await save(blue)
    clock.pass_by(HOUR)

    assert (await look())["billStatus"] == state
    assert [one.colour for one in sandbox.nuonuo.ledger] == ["blue"]


async def test_a_form_nobody_answers_lapses_after_72_hours_and_another_may_follow(save, sandbox, clock, blue):
    sandbox.nuonuo.script_red("R1", "02", times=1)
    await save(blue)
    clock.pass_by(72 * HOUR - 1)
    waiting = sandbox.nuonuo.bureau.form("R1").status
    refused = await save(blue, "R2")
    clock.pass_by(1)

    assert (waiting, sandbox.nuonuo.bureau.form("R1").status) == ("02", "07")
    assert refused["code"] == "E9103"
    assert (await save(blue, "R3"))["code"] == "E0000"


async def test_the_buyer_may_refuse(save, sandbox, clock, blue):
    sandbox.nuonuo.script_red("R1", "02")
    await save(blue)
    sandbox.nuonuo.bureau.buyer_denies("R1")
    clock.pass_by(100 * HOUR)

    assert sandbox.nuonuo.bureau.form("R1").status == "05"
    assert len(sandbox.nuonuo.ledger) == 1
    with pytest.raises(ValueError, match="not 02"):
        sandbox.nuonuo.bureau.buyer_confirms("R1")


@pytest.mark.parametrize(("how", "code"), [("E9106", "E9106"), ("E9999", "E9999"), ("same", "E0000")])
async def test_a_bill_id_is_taken_for_ever(save, sandbox, clock, blue, how, code):
    sandbox.nuonuo.switches.red_repeat = how
    sandbox.nuonuo.script_red("R1", "15-16")
    await save(blue)
    clock.pass_by(1000)

    again = await save(blue)
    assert again["code"] == code
    assert again.get("result", "R1") == "R1"
    assert len(sandbox.nuonuo.bureau.forms) == 1


async def test_a_bill_id_refused_at_once_stays_free_unless_so_switched(save, sandbox, blue):
    await save(blue, buyerName="别人")
    free = await save(blue, buyerName="别人")
    sandbox.nuonuo.switches.burn_on_refusal = True
    await save(blue, buyerName="别人")

    assert free["code"] == "E9116"
    assert (await save(blue))["code"] == "E9106"


async def test_a_blue_can_be_reversed_once(save, sandbox, clock, blue):
    await save(blue, "R1")
    waiting = await save(blue, "R2")
    clock.pass_by(20)
    issued_already = await save(blue, "R3")

    assert (waiting["code"], issued_already["code"]) == ("E9103", "E9103")
    assert [one.colour for one in sandbox.nuonuo.ledger] == ["blue", "red"]


async def test_an_unfit_form_is_refused_or_fails_later_as_switched(save, look, sandbox, clock, blue):
    refused = await save(OUTSIDE)
    sandbox.nuonuo.switches.red_unfit = "fail"
    taken = await save(OUTSIDE)
    clock.pass_by(11)

    assert (refused["code"], taken["code"]) == ("E9115", "E0000")
    assert ((await look())["billStatus"], (await look())["billMessage"]) == ("16", "未查询到对应的蓝字发票")
    assert (sandbox.red_before_blue(), sandbox.red_over_blue()) == (0, 0)


async def test_a_blue_that_was_declared_can_be_reversed_although_it_was_issued_elsewhere(save, sandbox, clock, blue):
    sandbox.nuonuo.declare_blue(OUTSIDE, Decimal("50.00"), Decimal("6.50"))
    told = await save(OUTSIDE)
    clock.pass_by(20)

    assert told["code"] == "E0000"
    assert sandbox.nuonuo.ledger[-1].total == Decimal("-56.50")
    assert sandbox.red_before_blue() == 0


async def test_a_trusting_bureau_lets_the_figures_show_what_went_wrong(save, sandbox, clock, blue):
    sandbox.nuonuo.switches.red_unfit = "accept"
    await save(OUTSIDE, "R1")
    await save(blue, "R2")
    await save(blue, "R3")
    clock.pass_by(20)

    assert len(sandbox.nuonuo.ledger) == 4
    assert (sandbox.red_before_blue(), sandbox.red_over_blue()) == (1, 1)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"buyerName": "别人"}, "E9116"),
        ({"buyerTaxNo": BUYER_TAX}, "E9117"),
        ({"blueInvoiceLine": "bs"}, "E9118"),
        ({"sellerTaxNo": "91310115MA1K39423X"}, "E9302"),
        ({"redReason": "5"}, "E4000"),
        ({"redReason": None}, "E4000"),
        ({"applySource": "2"}, "E4000"),
        ({"blueInvoiceLine": "xx"}, "E4000"),
        ({"blueElecInvoiceNumber": None}, "E4000"),
        ({"blueElecInvoiceNumber": "123"}, "E4000"),
        ({"billId": "R" * 33}, "E4000"),
        ({"orderNo": "R" * 21}, "E4000"),
        ({"buyerName": 7}, "E4000"),
        ({"orderNo": "B1"}, "E9106"),
        ({"detail": [{"blueDetailIndex": "1", "goodsName": "演示商品", "taxRate": "0.13",
                      "taxExcludedAmount": "-1.00", "taxAmount": "-0.13"}]}, "E9119"),
    ],
)  # fmt: skip
async def test_a_wrong_form_is_refused_and_nothing_is_created(save, sandbox, blue, fields, code):
    assert (await save(blue, **fields))["code"] == code
    assert not sandbox.nuonuo.bureau.forms


async def test_a_digital_number_may_stand_in_the_other_field(save, blue):
    assert (await save(None, blueInvoiceNumber=blue))["code"] == "E0000"


async def test_parts_add_up_to_the_blue_and_no_further_where_they_are_allowed(save, sandbox, clock, blue):
    sandbox.nuonuo.switches.red_partial = "allow"
    part = {"blueDetailIndex": "1", "goodsName": "演示商品", "taxRate": "0.13"}
    half = [part | {"taxExcludedAmount": "-50.00", "taxAmount": "-6.50"}]
    cent = [part | {"taxExcludedAmount": "-0.01", "taxAmount": "0"}]

    codes = [(await save(blue, f"R{at}", detail=lines))["code"] for at, lines in enumerate([half, half, cent])]
    clock.pass_by(20)
    assert codes == ["E0000", "E0000", "E9120"]
    assert [str(one.total) for one in sandbox.nuonuo.ledger] == ["113.00", "-56.50", "-56.50"]
    assert sandbox.red_over_blue() == 0


async def test_a_tax_control_blue_needs_number_and_code(nuonuo, save, sandbox, clock, blue):
    await nuonuo.submit("P1", invoiceLine="p")
    clock.pass_by(3)
    (paper,) = (await nuonuo.query("P1"))["result"]
    by_number = {"blueInvoiceLine": "p", "blueInvoiceNumber": paper["invoiceNo"]}
    missing = await save(None, **by_number)
    told = await save(None, **by_number, blueInvoiceCode=paper["invoiceCode"], orderNo="RED01")
    clock.pass_by(20)

    (red,) = (await nuonuo.query("RED01"))["result"]
    assert (missing["code"], told["code"]) == ("E4000", "E0000")
    assert (red["oldInvoiceCode"], red["oldInvoiceNo"]) == (paper["invoiceCode"], paper["invoiceNo"])
    assert red["oldEleInvoiceNumber"] == ""


async def test_a_fresh_form_can_stay_unseen_and_an_unknown_one_is_told_either_way(look, save, sandbox, clock, blue):
    sandbox.nuonuo.switches.hide_first_queries = 1
    await save(blue)
    hidden = await look()
    seen = await look()
    sandbox.nuonuo.switches.red_not_found = "E9500"

    assert hidden == {"code": "E0000", "describe": "请求成功", "result": {"total": 0, "list": []}}
    assert seen["billStatus"] == "01"
    assert (await look("R9"))["code"] == "E9500"


async def test_forms_are_listed_by_day_status_and_page(nuonuo, save, sandbox, clock, blue):
    sandbox.nuonuo.switches.red_partial = "allow"
    cent = [{"blueDetailIndex": "1", "goodsName": "演示商品", "taxRate": "0.13", "taxExcludedAmount": "-0.01",
             "taxAmount": "0"}]  # fmt: skip
    for at in range(3):
        await save(blue, f"R{at}", detail=cent)
    days = {"identity": "0", "billTimeStart": "2026-11-20", "billTimeEnd": "2026-11-20"}

    async def ask(**fields):
        return await nuonuo.call("queryInvoiceRedConfirm", {**days, **fields})

    second = (await ask(pageNo="2", pageSize="2"))["result"]
    assert (second["total"], [form["billId"] for form in second["list"]]) == (3, ["R2"])
    assert (await ask(billStatus="02"))["result"]["total"] == 0
    assert (await ask(identity="1"))["result"]["total"] == 0
    for wrong in ({"pageSize": "51"}, {"billTimeEnd": ""}, {"billTimeStart": "2026-08-01"}, {"identity": "2"}):
        assert (await ask(**wrong))["code"] == "E4000", wrong


async def test_where_nothing_is_automatic_the_red_is_issued_by_a_call_and_once(
    nuonuo, save, look, sandbox, clock, blue
):
    sandbox.nuonuo.switches.red_auto = False
    await save(blue)
    clock.pass_by(HOUR)
    form = await look()
    call = {"orderNo": "RED01", "taxNum": SELLER, "elecInvoiceNumber": blue, "billNo": form["billNo"],
            "billUuid": form["billUuid"], "invoiceLine": "pc"}  # fmt: skip
    told = await nuonuo.call("fastInvoiceRed", call)
    again = await nuonuo.call("fastInvoiceRed", call)
    other = await nuonuo.call("fastInvoiceRed", {**call, "orderNo": "RED02"})
    clock.pass_by(3)

    assert form["invoiceSerialNum"] is None
    assert told["result"]["invoiceSerialNum"] == (await look())["invoiceSerialNum"]
    assert (again["code"], other["code"]) == ("E9106", "E9103")
    assert (await nuonuo.query("RED01"))["result"][0]["orderAmount"] == "-113.00"


async def test_a_red_that_comes_by_itself_cannot_be_issued_by_a_call_as_well(nuonuo, save, look, blue):
    await save(blue)
    uuid = (await look())["billUuid"]

    assert (await nuonuo.call("fastInvoiceRed", {"orderNo": "RED01", "billUuid": uuid}))["code"] == "E9103"
    assert (await nuonuo.call("fastInvoiceRed", {"orderNo": "RED01", "billUuid": "no"}))["code"] == "E9500"
    assert (await nuonuo.call("fastInvoiceRed", {"orderNo": "RED01"}))["code"] == "E4000"


async def test_a_red_order_that_failed_at_the_bureau_can_be_pushed_again(nuonuo, save, look, sandbox, clock, blue):
    sandbox.nuonuo.script(lambda order: order.order_no == "RED01", "fail", times=1)
    await save(blue, orderNo="RED01")
    clock.pass_by(13)
    failed = await nuonuo.status("RED01")
    serial = (await look())["invoiceSerialNum"]
    await nuonuo.call("reInvoice", {"fpqqlsh": serial})
    clock.pass_by(3)

    assert (failed, await nuonuo.status("RED01")) == ("22", "2")
    assert [one.colour for one in sandbox.nuonuo.ledger] == ["blue", "red"]


@pytest.mark.parametrize(("agreement", "status", "colours"), [("1", "04", ["blue", "red"]), ("0", "06", ["blue"])])
async def test_a_form_the_buyer_raised_is_answered_by_the_seller(
    nuonuo, sandbox, clock, blue, agreement, status, colours
):
    bureau = sandbox.nuonuo.bureau
    bureau.raise_by_buyer(sandbox.nuonuo.blue(blue), "C1")
    asked = bureau.form("C1").status
    answer = {"identity": "0", "billId": "C1", "confirmAgreement": agreement}
    foreign = await nuonuo.call("confirm", {**answer, "identity": "1"})
    told = await nuonuo.call("confirm", answer)
    clock.pass_by(20)

    assert (asked, bureau.form("C1").status) == ("03", status)
    assert (foreign["code"], told["code"]) == ("E9120", "E0000")
    assert [one.colour for one in sandbox.nuonuo.ledger] == colours


@pytest.mark.parametrize(("path", "ends"), [("01", "08"), ("02", "08"), ("02-04", "09")])
async def test_an_own_form_can_be_withdrawn_until_its_red_is_made(nuonuo, save, sandbox, clock, blue, path, ends):
    sandbox.nuonuo.script_red("R1", path)
    sandbox.nuonuo.switches.red_delay = 100
    await save(blue)
    clock.pass_by(11)
    withdraw = {"identity": "0", "billId": "R1"}
    told = await nuonuo.call("confirmInfoCancel", withdraw)
    clock.pass_by(100 * HOUR)

    assert (told["code"], sandbox.nuonuo.bureau.form("R1").status) == ("E0000", ends)
    assert len(sandbox.nuonuo.ledger) == 1
    assert (await nuonuo.call("confirmInfoCancel", withdraw))["code"] == "E9120"


async def test_a_form_whose_red_exists_cannot_be_withdrawn(nuonuo, save, clock, blue):
    await save(blue)
    clock.pass_by(20)

    assert (await nuonuo.call("confirmInfoCancel", {"identity": "0", "billId": "R1"}))["code"] == "E9120"


async def test_a_logged_out_drawer_holds_forms_up(save, look, sandbox, clock, blue):
    sandbox.nuonuo.script_red("R1", "15-01")
    await save(blue)
    sandbox.nuonuo.login = "logged_out"
    clock.pass_by(HOUR)
    held = await look()
    sandbox.nuonuo.login = "ok"
    clock.pass_by(30)

    assert held["billStatus"] == "15"
    assert (await look())["redInvoiceNumber"]


async def test_a_lost_answer_leaves_a_form_that_a_query_finds(nuonuo, save, look, sandbox, blue):
    sandbox.nuonuo.faults.force("saveInvoiceRedConfirm", "E9999_after")
    told = await save(blue)

    assert told["code"] == "E9999"
    assert (await look())["billStatus"] == "01"
    assert sandbox.nuonuo.faults.happened_to["nuonuo.OpeMplatform.saveInvoiceRedConfirm", "E9999_after"] == 1


async def test_a_form_moves_with_queries_when_so_switched(save, look, sandbox, blue):
    sandbox.nuonuo.switches.progress = "calls"
    sandbox.nuonuo.script_red("R1", "15-01")
    await save(blue)

    assert [(await look())["billStatus"] for _ in range(3)] == ["15", "01", "01"]
    assert (await look())["invoiceSerialNum"]


async def test_the_control_server_plays_the_bureau_and_the_buyer(http, sandbox, save, clock, blue):
    async def ask(verb, path, said=None):
        return await (await http.request(verb, sandbox.control_url + path, data=json.dumps(said or {}))).json()

    no = sandbox.wdt.put_order({})
    await ask("POST", "/red/blues", {"number": OUTSIDE, "net": "50.00", "tax": 6.5})
    await ask("POST", "/red/script", {"match": OUTSIDE, "path": "02"})
    told = await save(OUTSIDE)
    await ask("POST", "/red/forms/R1/move", {"path": "04"})
    clock.pass_by(20)
    (form,) = await ask("GET", "/red/forms")
    made = await ask("POST", "/red/orders", {"no": no, "invoice_no": OUTSIDE, "gross": "11.30"})

    assert told["code"] == "E0000"
    assert (form["status"], form["total"], form["red"]) == ("04", "-56.50", sandbox.nuonuo.ledger[-1].number)
    assert sandbox.wdt.order(made["no"])["relation_invoice_no_out"] == OUTSIDE
    assert await ask("GET", "/red/figures") == {"red_before_blue": 0, "red_over_blue": 0}
    assert "error" in await ask("POST", "/red/forms/R9/move", {"path": "04"})


def test_a_path_must_be_made_of_codes(sandbox):
    with pytest.raises(ValueError, match="no path of red states"):
        sandbox.nuonuo.script_red("R1", "fail")


# --- red documents in WDT, and the verdict ---


@pytest.fixture
async def reversed_pair(wdt, nuonuo, sandbox, clock):
    """A blue document that is issued and written back, and a red document of it."""
    sandbox.nuonuo.switches.red_step = sandbox.nuonuo.switches.red_delay = 1
    blue_no = sandbox.wdt.put_order({}, modified=NOON - 1000)
    await nuonuo.submit("B1", invoiceDetail=[line()])
    clock.pass_by(3)
    number = (await nuonuo.query("B1"))["result"][0]["invoiceNo"]
    await wdt.update(issued(blue_no, number))
    return blue_no, sandbox.wdt.put_red_of(blue_no), number


@pytest.mark.parametrize("sign", ["negative", "positive"])
async def test_a_red_document_names_its_blue_and_keeps_the_identities(sandbox, reversed_pair, sign):
    blue_no, _, number = reversed_pair
    row = sandbox.wdt.order(sandbox.wdt.put_red_of(blue_no, sign=sign))

    factor = -1 if sign == "negative" else 1
    assert (row["is_red"], row["relation_invoice_no_out"], row["status"]) == (True, number, 45)
    assert row["invoice_amount"] == 113 * factor
    assert row["sum_price"] + row["sum_tax"] == row["invoice_amount"]
    assert row["detail_list"][0]["sum_amount"] == 113 * factor
    assert "relation_invoice_code" not in row
    assert row["invoice_no"] == ""


async def test_a_partial_red_document_and_one_without_relation(sandbox):
    blue_no = sandbox.wdt.put_order({})

    partial = sandbox.wdt.order(sandbox.wdt.put_red_of(blue_no, invoice_no=OUTSIDE, gross=Decimal("11.30")))
    alone = sandbox.wdt.order(sandbox.wdt.put_red_of(blue_no))
    assert (partial["invoice_amount"], partial["relation_invoice_no_out"]) == (Decimal("-11.30"), OUTSIDE)
    assert "relation_invoice_no_out" not in alone


async def test_a_red_belongs_to_its_red_document_and_never_to_the_blue_one(wdt, save, sandbox, clock, reversed_pair):
    _, red_no, number = reversed_pair
    await save(number)
    clock.pass_by(10)
    red = sandbox.nuonuo.ledger[-1].number
    before = sandbox.counts()
    await wdt.update(issued(red_no, red, invoice_outer_amount=-113.0))

    counted = sandbox.counts()
    assert (before["issued"], before["written_back"], before["lost"]) == (2, 1, 1)
    assert (counted["written_back"], counted["doubles"], counted["lost"], counted["wrong"]) == (2, 0, 0, 0)
    assert (sandbox.most_invoices_per_document(), sandbox.wrong_amounts()) == (1, 0)
    assert (sandbox.red_before_blue(), sandbox.red_over_blue()) == (0, 0)


async def test_the_blue_number_written_to_a_red_document_is_wrong(wdt, save, sandbox, clock, reversed_pair):
    _, red_no, number = reversed_pair
    await save(number)
    clock.pass_by(10)
    await wdt.update(issued(red_no, number))

    assert sandbox.counts()["wrong"] == 1


async def test_a_second_red_of_one_document_is_a_double(save, sandbox, clock, reversed_pair):
    _, _, number = reversed_pair
    sandbox.nuonuo.switches.red_unfit = "accept"
    await save(number, "R1")
    await save(number, "R2")
    clock.pass_by(10)

    assert sandbox.counts()["doubles"] == 1
    assert sandbox.most_invoices_per_document() == 2


async def test_a_red_nobody_asked_for_is_a_double(save, sandbox, clock, blue):
    sandbox.nuonuo.declare_blue(OUTSIDE, Decimal("50.00"), Decimal("6.50"))
    await save(OUTSIDE)
    clock.pass_by(20)

    assert sandbox.counts()["doubles"] == 2  # this one, and the blue one without a document
