"""The verdict over both ledgers spots what was planted."""

from decimal import Decimal
from itertools import pairwise

import pytest
from sandbox_callers import NOON, failed, issued, line, order

from syncd.sandbox import DEMO, HEALTHY, Sandbox, SandboxOptions
from syncd.sandbox.wdt.document import cents


def as_order(row, key):
    """The issuer request of a row, as an honest client would carry it over."""
    lines = []
    for one in row["detail_list"]:
        net, tax, gross = (f"{Decimal(one[name]):.2f}" for name in ("sum_price", "tax", "sum_amount"))
        lines.append(
            line(net, tax, gross, goodsName=one["item_name"], taxRate=str(one["tax_rate"]),
                 invoiceLineProperty=str(one["row_type"]), goodsCode=one["tax_code"])
        )  # fmt: skip
    return order(
        key, buyerName=row["payer_name"], buyerTaxNum=row["payer_register_no"] or None, invoiceDetail=lines,
        invoiceLine={3: "pc", 4: "bs"}[row["invoice_type"]],
    )  # fmt: skip


async def issue(nuonuo, clock, row, key):
    """Have a row issued and give the invoice number(s)."""
    told = await nuonuo.call("requestBillingNew", {"order": as_order(row, key)})
    assert told["code"] == "E0000", told
    clock.pass_by(3)
    return [entry["invoiceNo"] for entry in (await nuonuo.query(key))["result"]]


@pytest.fixture
def no(sandbox):
    return sandbox.wdt.put_order({"invoice_amount": Decimal("226.00")}, modified=NOON - 1000)


async def test_an_order_that_ends_well_is_counted_once_everywhere(wdt, nuonuo, sandbox, clock, no):
    await wdt.search()
    (number,) = await issue(nuonuo, clock, sandbox.wdt.order(no), "K1")
    await wdt.update(issued(no, number))

    assert sandbox.counts() == {
        "read": 1, "issued": 1, "written_back": 1, "wrong": 0, "refused": 0, "held": 0, "doubles": 0, "lost": 0,
    }  # fmt: skip


async def test_an_order_nobody_issued_is_held_and_lost(wdt, sandbox, no):
    await wdt.search()

    assert {name: count for name, count in sandbox.counts().items() if count} == {"read": 1, "held": 1, "lost": 1}


async def test_an_invoice_wdt_was_not_told_of_is_lost(nuonuo, sandbox, clock, no):
    await issue(nuonuo, clock, sandbox.wdt.order(no), "K1")

    counted = sandbox.counts()
    assert (counted["issued"], counted["lost"], counted["doubles"]) == (1, 1, 0)


async def test_a_second_invoice_under_another_key_is_a_double(wdt, nuonuo, sandbox, clock, no):
    row = sandbox.wdt.order(no)
    (first,) = await issue(nuonuo, clock, row, "K1")
    (second,) = await issue(nuonuo, clock, row, "K2")
    await wdt.update(issued(no, second))

    counted = sandbox.counts()
    assert first != second
    assert (counted["issued"], counted["written_back"], counted["doubles"]) == (1, 1, 1)


async def test_an_invoice_no_document_asks_for_is_a_double(nuonuo, sandbox, clock):
    await nuonuo.submit("K1")
    clock.pass_by(3)

    assert sandbox.counts()["doubles"] == 1


async def test_a_foreign_number_is_wrong(wdt, nuonuo, sandbox, clock, no):
    await issue(nuonuo, clock, sandbox.wdt.order(no), "K1")
    await wdt.update(issued(no, "26339999999999999999"))

    counted = sandbox.counts()
    assert (counted["wrong"], counted["written_back"], counted["lost"]) == (1, 0, 1)


async def test_a_number_without_any_invoice_is_wrong_too(wdt, sandbox, no):
    await wdt.update(issued(no))

    assert sandbox.counts()["wrong"] == 1


async def test_an_85_is_refused_and_after_reopening_it_is_open_again(wdt, sandbox, no):
    await wdt.search()
    await wdt.update(failed(no))
    settled = sandbox.counts()
    sandbox.wdt.reopen(no)

    opened = sandbox.counts()
    assert (settled["refused"], settled["held"], settled["lost"]) == (1, 0, 0)
    assert (opened["refused"], opened["held"], opened["lost"]) == (0, 1, 1)


async def test_an_85_over_an_existing_invoice_is_lost(wdt, nuonuo, sandbox, clock, no):
    await issue(nuonuo, clock, sandbox.wdt.order(no), "K1")
    await wdt.update(failed(no))

    assert sandbox.counts()["lost"] == 1


async def test_a_planted_hold_is_held_and_never_lost(sandbox):
    sandbox.wdt.put_order({}, expect="hold")

    counted = sandbox.counts()
    assert (counted["held"], counted["lost"]) == (1, 0)


async def test_an_order_a_user_cancelled_is_not_lost(nuonuo, sandbox, clock, no):
    await issue(nuonuo, clock, sandbox.wdt.order(no), "K1")
    sandbox.wdt.cancel(no)

    assert sandbox.counts()["lost"] == 0


async def test_equal_documents_may_have_as_many_invoices_as_there_are_documents(nuonuo, sandbox, clock):
    for _ in range(2):
        no = sandbox.wdt.put_order({})
    row = sandbox.wdt.order(no)

    for key in ("K1", "K2"):
        await issue(nuonuo, clock, row, key)
    two = sandbox.counts()
    await issue(nuonuo, clock, row, "K3")

    assert (two["issued"], two["doubles"]) == (2, 0)
    assert sandbox.counts()["doubles"] == 1


async def test_an_order_edited_after_its_submit_still_owns_its_invoice(wdt, nuonuo, sandbox, clock, no):
    (number,) = await issue(nuonuo, clock, sandbox.wdt.order(no), "K1")
    sandbox.wdt.edit(no, payer_name="示例贸易有限公司", invoice_amount=Decimal("300.00"))
    await wdt.update(issued(no, number))

    counted = sandbox.counts()
    assert (counted["written_back"], counted["doubles"], counted["lost"]) == (1, 0, 0)


async def test_the_children_of_a_split_are_one_submission(nuonuo, sandbox, clock):
    no = sandbox.wdt.put_order({"payer_name": "拆分示例有限公司"})

    assert len(await issue(nuonuo, clock, sandbox.wdt.order(no), "K1")) == 2
    assert (sandbox.counts()["issued"], sandbox.counts()["doubles"]) == (1, 0)


async def test_an_invoice_with_other_totals_belongs_to_the_document_that_asked(wdt, nuonuo, sandbox, clock):
    no = sandbox.wdt.put_order({"payer_name": "差一分示例有限公司"})
    (number,) = await issue(nuonuo, clock, sandbox.wdt.order(no), "K1")
    await wdt.update(issued(no, number))

    assert (sandbox.counts()["written_back"], sandbox.counts()["doubles"]) == (1, 0)


async def test_a_voided_invoice_counts_as_none(nuonuo, sandbox, clock):
    no = sandbox.wdt.put_order({"payer_name": "作废示例有限公司"}, expect="hold")
    await issue(nuonuo, clock, sandbox.wdt.order(no), "K1")

    assert (sandbox.counts()["issued"], sandbox.counts()["doubles"]) == (0, 0)


async def test_a_test_that_knows_the_keys_can_link_them(nuonuo, sandbox, clock, no):
    other = sandbox.wdt.put_order({"payer_name": "示例贸易有限公司"})
    sandbox.link("K1", other)
    await issue(nuonuo, clock, sandbox.wdt.order(no), "K1")

    assert sandbox.counts()["issued"] == 1
    assert sandbox.nuonuo.ledger[0].wdt_order_no == other


async def test_a_whole_population_carried_over_honestly_balances(wdt, nuonuo, sandbox, clock):
    """Rows, validator and verdict agree: every healthy row is accepted and recognised."""
    numbers = sandbox.populate(120, HEALTHY)
    for at, no in enumerate(numbers):
        (number,) = await issue(nuonuo, clock, sandbox.wdt.order(no), f"K{at}")
        assert await wdt.refusals(issued(no, number)) == {}

    counted = sandbox.counts()
    assert (counted["issued"], counted["written_back"]) == (120, 120)
    assert (counted["doubles"], counted["lost"], counted["wrong"]) == (0, 0, 0)


def fill(rows, seed=1, mix=DEMO):
    sandbox = Sandbox(SandboxOptions(seed=seed, clock=lambda: NOON))
    return sandbox, sandbox.populate(rows, mix)


def test_the_same_seed_makes_the_same_rows_and_another_seed_others():
    first, second, third = fill(30), fill(30), fill(30, seed=2)

    rows = [[sandbox.wdt.document(no).row for no in numbers] for sandbox, numbers in (first, second, third)]
    assert rows[0] == rows[1] != rows[2]


@pytest.mark.parametrize("rows", [1, 20, 400])
def test_a_population_has_its_held_and_refused_rows_and_a_background(rows):
    sandbox, numbers = fill(rows)

    expected = [sandbox.wdt.document(no).expect for no in numbers]
    assert len(set(numbers)) == rows
    assert all(sandbox.wdt.document(no).status == 45 for no in numbers)
    if rows == 20:
        assert (expected.count("hold"), expected.count("refuse")) == (1, 1)
    if rows == 400:
        assert (expected.count("hold"), expected.count("refuse")) == (12, 8)
        assert {document.status for document in sandbox.wdt.documents.values()} == {5, 20, 45, 60}


def test_rows_are_spread_over_two_days_and_only_a_few_are_fresh():
    sandbox, numbers = fill(400)

    ages = [NOON - sandbox.wdt.document(no).modified for no in numbers]
    fresh = [age for age in ages if age <= 61]
    assert 0 < len(fresh) < 40
    assert all(400 <= age <= 2 * 86_400 + 1 for age in ages if age > 61)


def test_every_healthy_row_satisfies_the_identities_and_has_a_goods_name_of_its_own():
    sandbox, numbers = fill(300, mix=HEALTHY)

    rows = [sandbox.wdt.order(no) for no in numbers]
    assert len({row["detail_list"][0]["item_name"] for row in rows}) == 300
    for row in rows:
        lines = row["detail_list"]
        assert sum(Decimal(one["sum_price"]) for one in lines) == row["sum_price"]
        assert sum(Decimal(one["tax"]) for one in lines) == row["sum_tax"]
        assert row["goods_amount"] - row["discount"] == row["sum_price"]
        assert row["goods_tax"] - row["discount_tax"] == row["sum_tax"]
        assert row["sum_price"] + row["sum_tax"] == row["invoice_amount"] == cents(row["invoice_amount"])
        assert all(one["sum_price"] + one["tax"] == one["sum_amount"] for one in lines)
        assert all(abs(one["sum_price"] * one["tax_rate"] - one["tax"]) <= Decimal("0.06") for one in lines)
        assert all(len(one["item_name"]) <= 40 for one in lines)
        assert len(row["invoice_remark"]) <= 200


def test_a_population_has_variety():
    sandbox, numbers = fill(400, mix=HEALTHY)

    rows = [sandbox.wdt.order(no) for no in numbers]
    lines = [one for row in rows for one in row["detail_list"]]
    assert {row["invoice_type"] for row in rows} == {3, 4}
    assert {row["business_type"] for row in rows} == {0, 1}
    assert len({row["shop_no"] for row in rows}) == 6
    assert {one["row_type"] for one in lines} == {"0", "1", "2"}
    assert max(one.get("num", 0) for one in lines) >= 200
    assert max(len(row["invoice_remark"]) for row in rows) >= 150
    discounts = [(above, one) for above, one in pairwise(lines) if one["row_type"] == "1"]
    assert all(above["row_type"] == "2" and above["item_name"] == one["item_name"] for above, one in discounts)
    assert not any("num" in one for _, one in discounts)


def test_each_kind_of_row_to_be_held_breaks_one_rule():
    sandbox, numbers = fill(400)

    held = [sandbox.wdt.order(no) for no in numbers if sandbox.wdt.document(no).expect == "hold"]
    assert any(row["invoice_type"] == 99 for row in held)
    assert any(row["business_type"] == 1 and not row["payer_register_no"] for row in held)
    assert any(row["sum_price"] + row["sum_tax"] != row["invoice_amount"] for row in held)
    assert any(one["sum_price"] is None for row in held for one in row["detail_list"])
    assert any(
        abs(one["sum_price"] * one["tax_rate"] - one["tax"]) > Decimal("0.06")
        for row in held
        for one in row["detail_list"]
        if one["sum_price"] is not None
    )
