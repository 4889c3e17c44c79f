"""How the simulated WDT writes its rows (docs/wire/wdt.md)."""

import json
from decimal import Decimal

import pytest
from sandbox_callers import NOON, SEARCH


async def test_all_fields_of_the_paper_are_written(wdt, sandbox):
    sandbox.wdt.put_order({}, modified=NOON - 100)

    row = (await wdt.search())["data"]["order"][0]

    assert {"invoice_type", "payee_register_no", "invoice_mask", "trade_no", "tax_control_no"} <= row.keys()
    assert {"row_type", "tid", "oid", "trade_no", "platform_id"} <= row["detail_list"][0].keys()


async def test_the_printed_sample_lacks_eleven_order_fields_and_five_line_fields(wdt, sandbox):
    sandbox.wdt.switches.fields = "sample"
    sandbox.wdt.put_order({}, modified=NOON - 100)

    row = (await wdt.search())["data"]["order"][0]

    assert not {"invoice_type", "payee_register_no", "invoice_no", "flag_name", "trade_no"} & row.keys()
    assert not {"row_type", "tid", "oid", "trade_no", "platform_id"} & row["detail_list"][0].keys()
    assert {"discount", "discount_tax"} <= row["detail_list"][0].keys()


async def test_null_relation_fields_are_omitted_and_filled_ones_are_not(wdt, sandbox):
    sandbox.wdt.put_order({"relation_invoice_no_out": None}, modified=NOON - 100)
    sandbox.wdt.put_order({"is_red": True, "relation_invoice_no_out": "26" * 10}, modified=NOON - 90)

    blue, red = (await wdt.search())["data"]["order"]

    assert "relation_invoice_no_out" not in blue
    assert red["relation_invoice_no_out"] == "26" * 10


@pytest.mark.parametrize(("created", "kind"), [("number", int), ("string", str)])
async def test_created_is_milliseconds_as_number_or_text(wdt, sandbox, created, kind):
    sandbox.wdt.switches.created = created
    sandbox.wdt.put_order({"created": 1549943699000}, modified=NOON - 100)

    row = (await wdt.search())["data"]["order"][0]

    assert isinstance(row["created"], kind)
    assert int(row["created"]) == 1549943699000


@pytest.mark.parametrize(("decimals", "shown"), [("number", 113.0), ("string", "113.0000")])
async def test_amounts_are_numbers_or_texts(wdt, sandbox, decimals, shown):
    sandbox.wdt.switches.decimals = decimals
    sandbox.wdt.put_order({}, modified=NOON - 100)

    row = (await wdt.search())["data"]["order"][0]

    assert row["invoice_amount"] == shown
    assert row["detail_list"][0]["sum_amount"] == shown


async def test_empty_texts_may_be_nulls_and_unknown_fields_may_appear(wdt, sandbox):
    sandbox.wdt.switches.empty_as_null = True
    sandbox.wdt.switches.extra_fields = True
    sandbox.wdt.put_order({}, modified=NOON - 100)

    row = (await wdt.search())["data"]["order"][0]

    assert row["payer_register_no"] is None
    assert row["x_new_flag"] is True


async def test_discount_lines_may_come_with_a_positive_sign(wdt, sandbox):
    sandbox.wdt.switches.discount_sign = "positive"
    cut = {"item_name": "x", "row_type": "1", "sum_price": -10, "tax": Decimal("-1.30"), "sum_amount": Decimal("-11.3")}
    sandbox.wdt.put_order({"detail_list": [cut]}, modified=NOON - 100)

    line = (await wdt.search())["data"]["order"][0]["detail_list"][0]

    assert (line["sum_price"], line["tax"], line["sum_amount"]) == (10, 1.30, 11.3)


async def test_every_digit_of_an_amount_survives(wdt, sandbox):
    sandbox.wdt.put_order({"invoice_amount": Decimal("123456789012345.6789")}, modified=NOON - 100)
    body = b'[{"start_time":"2026-11-20 00:00:00","end_time":"2026-11-20 12:00:00"}]'
    query = wdt.query(SEARCH, body, page_no="0", page_size="1", calc_total="0")

    said = json.loads(await (await wdt.post(query, body)).read(), parse_float=Decimal)

    assert said["data"]["order"][0]["invoice_amount"] == Decimal("123456789012345.6789")


async def test_the_money_identities_hold_with_the_tax_remainder_of_the_sample(sandbox):
    no = sandbox.wdt.put_order({"invoice_amount": Decimal("4.00")})

    row = sandbox.wdt.order(no)

    line = row["detail_list"][0]
    assert line["sum_price"] + line["tax"] == line["sum_amount"] == row["invoice_amount"] == Decimal("4.00")
    assert row["goods_amount"] - row["discount"] == row["sum_price"]
    assert row["sum_price"] + row["sum_tax"] == row["invoice_amount"]
