"""What the simulated Nuonuo takes in and what it refuses (docs/wire/nuonuo.md)."""

import pytest
from sandbox_callers import line, order

TEN_OFF = line("-10.00", "-1.30", "-11.30", invoiceLineProperty="1")
DISCOUNTED = line(invoiceLineProperty="2")


async def test_acceptance_gives_a_serial_and_issues_nothing_yet(nuonuo, sandbox):
    told = await nuonuo.submit()

    assert (told["code"], told["describe"]) == ("E0000", "开票提交成功")
    assert told["result"]["invoiceSerialNum"]
    assert sandbox.nuonuo.ledger == []


@pytest.mark.parametrize(
    "name", ["orderNo", "invoiceDate", "invoiceType", "buyerName", "salerTaxNum", "clerk", "invoiceDetail"]
)
async def test_a_missing_required_field_is_e4000(nuonuo, sandbox, name):
    assert (await nuonuo.submit(**{name: None}))["code"] == "E4000"
    assert not sandbox.nuonuo.by_key


@pytest.mark.parametrize("name", ["goodsName", "withTaxFlag", "taxRate"])
async def test_a_missing_line_field_is_e4000(nuonuo, name):
    assert (await nuonuo.submit(invoiceDetail=[line(**{name: ""})]))["code"] == "E4000"


@pytest.mark.parametrize("fields", [{"invoiceType": 1}, {"buyerTel": 5}, {"invoiceDetail": [line(tax=13)]}])
async def test_every_value_must_be_a_text(nuonuo, fields):
    assert (await nuonuo.submit(**fields))["code"] == "E4000"


async def test_unknown_fields_are_ignored(nuonuo):
    assert (await nuonuo.submit(whatever=1, invoiceDetail=[line(more={"a": 1})]))["code"] == "E0000"


@pytest.mark.parametrize(
    ("name", "longest"),
    [("orderNo", 20), ("buyerName", 100), ("clerk", 20), ("buyerAccount", 100), ("salerAddress", 80)],
)
async def test_a_text_over_its_length_is_e4000(nuonuo, name, longest):
    told = await nuonuo.submit(**{"order_no": "K1", name: "K" * (longest + 1)})
    fits = await nuonuo.submit(**{"order_no": "K1", name: "K" * longest})

    assert (told["code"], fits["code"]) == ("E4000", "E0000")


async def test_the_limit_of_the_order_number_can_be_lifted(nuonuo, sandbox):
    sandbox.nuonuo.switches.order_no_limit = None

    assert (await nuonuo.submit("K" * 64))["code"] == "E0000"


@pytest.mark.parametrize(("kind", "longest"), [("pc", 200), ("bs", 200), ("p", 230)])
async def test_a_remark_may_have_200_characters_on_digital_invoices_and_230_on_others(nuonuo, kind, longest):
    fields = {"invoiceLine": kind, "buyerTaxNum": "91310115MA1K39423D"}

    over = await nuonuo.submit(remark="备" * (longest + 1), **fields)
    fits = await nuonuo.submit(remark="备" * longest, **fields)

    assert (over["code"], fits["code"]) == ("E4000", "E0000")


async def test_at_most_2000_lines(nuonuo):
    small = line("1.00", "0.13", "1.13")

    assert (await nuonuo.submit(invoiceDetail=[small] * 2001))["code"] == "E4000"
    assert (await nuonuo.submit(invoiceDetail=[small] * 2000))["code"] == "E0000"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"pushMode": None}, "E4000"),
        ({"pushMode": "1", "buyerPhone": "13800000000"}, "E0000"),
        ({"pushMode": "0"}, "E4000"),
        ({"pushMode": "2", "buyerPhone": "13800000000", "email": "a@example.com"}, "E0000"),
    ],
)
async def test_delivery_needs_the_address_it_goes_to(nuonuo, fields, code):
    assert (await nuonuo.submit(**fields))["code"] == code


@pytest.mark.parametrize(
    "fields",
    [
        {"invoiceLine": "bs"},
        {"invoiceLine": "xx"},
        {"invoiceType": "2"},
        {"invoiceDate": "2026/11/20"},
        {"buyerTel": "0" * 50, "buyerAddress": "路" * 51},
        {"naturalPersonVerifyFlag": "1"},
        {"invoiceDetail": [line(taxRate="13%")]},
        {"invoiceDetail": [line(goodsCode="abc")]},
        {"invoiceDetail": [line("0.00", "0.00", "0.00")]},
        {"invoiceDetail": [line(price="1")]},
        {"invoiceDetail": [line("100.001", "13.00", "113.001")]},
    ],
)
async def test_a_field_of_the_wrong_form_is_e4000(nuonuo, fields):
    assert (await nuonuo.submit(**fields))["code"] == "E4000"


async def test_telephone_and_address_may_only_be_omitted_when_the_console_has_them(nuonuo, sandbox):
    seller = next(iter(sandbox.nuonuo.sellers.values()))
    seller.has_address = False

    assert (await nuonuo.submit())["code"] == "E4000"
    assert (await nuonuo.submit(salerTel="0571-1", salerAddress="示例路1号"))["code"] == "E0000"


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("E0000", [DISCOUNTED, TEN_OFF]),
        ("E9104", [DISCOUNTED, line("10.00", "1.30", "11.30", invoiceLineProperty="1")]),
        ("E9105", [DISCOUNTED, TEN_OFF | {"goodsName": "别的商品"}]),
        ("E9108", [DISCOUNTED, line("-100.01", "-13.00", "-113.01", invoiceLineProperty="1")]),
        ("E9110", [DISCOUNTED, line(), TEN_OFF]),
        ("E9110", [line(), TEN_OFF]),
        ("E9110", [TEN_OFF, DISCOUNTED]),
        ("E9110", [DISCOUNTED]),
        ("E9111", [DISCOUNTED, TEN_OFF | {"num": "1", "price": "-10"}]),
        ("E9112", [DISCOUNTED, line("-10.00", "-0.90", "-10.90", invoiceLineProperty="1", taxRate="0.09")]),
        ("E9114", [DISCOUNTED, TEN_OFF | {"num": "-1", "price": "10"}]),
        ("E9122", [line(price="50", num="3")]),
        ("E0000", [line(price="33.33333333", num="3")]),
        ("E9122", [line(price="33.32", num="3")]),
        ("E0000", [line(price="113", num="1", withTaxFlag="1")]),
        ("E9123", [line(tax="")]),
        ("E9130", [line("100.00", "13.00", "113.01")]),
        ("E9131", [line("100.00", "13.07", "113.07")]),
        ("E0000", [line("100.00", "13.06", "113.06")]),
        ("E0000", [line("3.53", "0.47", "4.00")]),
    ],
)
async def test_amounts_and_discounts_follow_the_rules(nuonuo, sandbox, code, lines):
    told = await nuonuo.submit(invoiceDetail=lines)

    assert told["code"] == code
    assert len(sandbox.nuonuo.by_key) == (code == "E0000")


async def test_amounts_left_out_are_computed_from_price_and_quantity(nuonuo, sandbox, clock):
    bare = line("", "", "", price="56.5", num="2", withTaxFlag="1")

    await nuonuo.submit(invoiceDetail=[bare])
    clock.pass_by(3)

    invoice = sandbox.nuonuo.ledger[0]
    assert (str(invoice.net), str(invoice.tax), str(invoice.total)) == ("100.00", "13.00", "113.00")


async def test_a_second_submit_of_a_number_is_e9106_even_after_a_failure(nuonuo, clock, sandbox):
    await nuonuo.submit(buyerName="开票失败示例有限公司")
    clock.pass_by(10)
    assert await nuonuo.status() == "22"

    assert (await nuonuo.submit())["code"] == "E9106"
    assert sandbox.nuonuo.ledger == []


async def test_a_number_is_unique_per_seller(nuonuo, sandbox):
    other = "91310115MA1K39423D"
    sandbox.nuonuo.add_seller(other, ["demo_key"])

    mine = await nuonuo.submit("K1")
    theirs = await nuonuo.call("requestBillingNew", {"order": order("K1", salerTaxNum=other)}, userTax=other)

    assert (mine["code"], theirs["code"]) == ("E0000", "E0000")


@pytest.mark.parametrize(("burn", "code"), [(False, "E0000"), (True, "E9106")])
async def test_a_refused_number_stays_free_unless_switched(nuonuo, sandbox, burn, code):
    sandbox.nuonuo.switches.burn_on_refusal = burn
    await nuonuo.submit(invoiceDetail=[line("1.00", "1.00", "2.00")])

    assert (await nuonuo.submit())["code"] == code


async def test_a_refusal_at_once_can_be_scripted_by_the_buyers_name(nuonuo, sandbox):
    refused = await nuonuo.submit("K1", buyerName="同步拒绝示例有限公司")
    too_large = await nuonuo.submit("K2", buyerName="超限示例有限公司")

    assert (refused["code"], too_large["code"]) == ("E9101", "E9154")
    assert not sandbox.nuonuo.by_key


async def test_a_busy_vendor_creates_nothing_the_first_time(nuonuo, sandbox):
    busy = await nuonuo.submit(buyerName="先忙后收示例有限公司")
    unknown = await nuonuo.status()
    again = await nuonuo.submit(buyerName="先忙后收示例有限公司")

    assert (busy["code"], unknown, again["code"]) == ("E9601", "E9500", "E0000")
