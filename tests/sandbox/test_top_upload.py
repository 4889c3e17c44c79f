"""Returning invoices: what the centre takes, when it shows them, and what its ledger remembers."""

import base64

import pytest
from top_caller import DETAIL, NUMBER, PDF, SESSION, UPLOAD, compact, detail, invoice, line, red

OTHER = "26952000000000000002"
DUPLICATE = (15, "isv.data-duplicate-error")


@pytest.fixture(autouse=True)
def application(sandbox):
    return sandbox.top.put_application("A1", tid="TA1")


def file(content, kind="PDF"):
    return {"invoice_file_type": kind, "invoice_file_content": base64.b64encode(content).decode()}


def discounted():
    first = line(row_type=2)
    less = line(row_type=1, unit=None, quantity=None, price=None, sum_price="-10.00", tax="-1.30", amount="-11.30")
    return {"invoice_items": [first, less], "invoice_amount": "101.70", "sum_price": "90.00", "sum_tax": "11.70"}


async def test_a_sound_invoice_is_taken_and_shows(top, sandbox, application):
    assert await top.upload()

    (upload,) = sandbox.top.uploads
    assert (upload.apply_id, upload.number, upload.accepted, upload.double) == ("A1", NUMBER, True, False)
    assert [one.number for one in sandbox.top.applications["A1"].collected] == [NUMBER]
    assert await top.missing(NUMBER) == []


@pytest.mark.parametrize(
    "sound",
    [
        red(),
        invoice(**discounted()),
        invoice(**file(b"PK\x03\x04ofd", "OFD")),
        invoice(invoice_kind="1", invoice_file_type=None, invoice_file_content=None),
        invoice(invoice_items=[line(quantity="0.000001", price="50.123456")]),
        invoice(invoice_items=[line(tax="0.00", tax_rate="0", amount="100.00", zero_rate_flag="1")],
                invoice_amount="100.00", sum_tax="0.00"),
        invoice(business_type="1", payer_register_no="91330106MA2CDEMO08"),
        invoice(source="upload", apply_id=None, platform_code="TM", platform_tid="TA1", platform_user_id="1"),
        invoice(source="async", apply_id=None, serial_no="1", create_result="success"),
    ],
    ids=["red", "discount", "ofd", "paper", "decimals", "zero rate", "company", "no application", "direct"],
)  # fmt: skip
async def test_other_sound_invoices_are_taken_too(top, sandbox, sound):
    told = await top.call(UPLOAD, **sound)

    assert told.get("is_success"), told
    assert sandbox.top.uploads[0].accepted


@pytest.mark.parametrize(
    "gone",
    [
        "source", "apply_id", "invoice_no", "invoice_date", "invoice_type", "invoice_kind", "business_type",
        "invoice_amount", "sum_price", "sum_tax", "payer_name", "payee_register_no", "invoice_items",
        "invoice_file_type", "invoice_file_content",
    ],
)  # fmt: skip
async def test_nothing_that_is_needed_may_be_missing(top, gone):
    assert await top.refusal(UPLOAD, **invoice(**{gone: None})) == (40, "isv.missing-parameter")


@pytest.mark.parametrize(
    ("flawed", "code"),
    [
        (invoice(source="mail"), 41),
        (invoice(invoice_type="green"), 41),
        (invoice(invoice_kind="3"), 41),
        (invoice(business_type="2"), 41),
        (invoice(business_type="1"), 40),
        (invoice(business_type="1", payer_register_no="91330106ma2cdemo08"), 41),
        (invoice(invoice_kind="2"), 40),
        (red(normal_invoice_no=None), 40),
        (red(invoice_kind="2", payer_register_no="91330106MA2CDEMO08"), 40),
        (red(invoice_type="blue"), 41),
        (invoice(invoice_type="red", normal_invoice_no="1"), 41),
        (invoice(invoice_date="20261120"), 41),
        (invoice(invoice_amount="113"), 41),
        (invoice(invoice_amount="113.000"), 41),
        (invoice(sum_price="100.01"), 41),
        (invoice(invoice_amount="113.01", sum_tax="13.01"), 41),
        (invoice(invoice_items=[]), 40),
        (invoice(invoice_items=[line() for _ in range(101)]), 41),
        (invoice(invoice_items="{}"), 41),
        (invoice(invoice_items=[line(itemName="x")]), 41),
        (invoice(invoice_items=[line(row_type="0")]), 41),
        (invoice(invoice_items=[line(row_type=3)]), 41),
        (invoice(invoice_items=[line(row_type=True)]), 41),
        (invoice(invoice_items=[line(item_name=None)]), 40),
        (invoice(invoice_items=[line(amount="113.01")], invoice_amount="113.01", sum_tax="13.01"), 41),
        (invoice(invoice_items=[line(amount=113.0)]), 41),
        (invoice(invoice_items=[line(tax_rate="13%")]), 41),
        (invoice(invoice_items=[line(zero_rate_flag="1")]), 41),
        (invoice(invoice_items=[line(quantity="0")]), 41),
        (invoice(invoice_items=[line(quantity="-1")]), 41),
        (invoice(invoice_items=[line(quantity="1.0000001")]), 41),
        (invoice(invoice_items=[line(price="50")]), 41),
        (invoice(**file(b"<html>")), 41),
        (invoice(**file(PDF, "OFD")), 41),
        (invoice(**file(PDF, "JPG")), 41),
        (invoice(invoice_file_content="JVBERi0*"), 41),
        (invoice(invoice_file_data="JVBERi0x"), 41),
        (invoice(invoice_file_content=None, invoice_file_data="JVBERi0x"), 41),
    ],
    ids=str,
)
async def test_every_flaw_is_refused_and_remembered(top, sandbox, flawed, code):
    refused = await top.refusal(UPLOAD, **flawed)

    assert refused[0] == code
    (upload,) = sandbox.top.uploads
    assert (upload.accepted, upload.why_not.startswith(str(code))) == (False, True)
    assert sandbox.top.applications["A1"].collected == []


@pytest.mark.parametrize("kept", ["unit", "quantity", "price"])
async def test_a_discount_row_has_no_unit_quantity_or_price(top, kept):
    change = discounted()
    change["invoice_items"][1][kept] = {"unit": "袋", "quantity": "1", "price": "10.00"}[kept]

    assert (await top.refusal(UPLOAD, **invoice(**change)))[0] == 41


async def test_an_unknown_application_is_an_error_of_the_backend(top, sandbox):
    assert await top.refusal(UPLOAD, **invoice("A9")) == (15, "isv.invoice-apply-not-exist:A9")
    assert sandbox.top.uploads[0].why_not.startswith("isv.invoice-apply-not-exist")


async def test_the_fields_of_the_payee_and_the_size_of_files_can_be_made_strict(top, sandbox):
    sandbox.top.switches.payee_needed = True
    without = await top.refusal(UPLOAD, **invoice())
    sandbox.top.switches.payee_needed, sandbox.top.switches.largest_file = False, 10

    assert without[0] == 40
    assert (await top.refusal(UPLOAD, **invoice()))[0] == 41


async def test_an_empty_code_can_be_refused(top, sandbox):
    sandbox.top.switches.empty_code = "reject"

    assert (await top.refusal(UPLOAD, **invoice()))[0] == 41
    assert await top.upload(number="12345678", invoice_code="011001800411")


# --- collection ---


async def test_collection_takes_seconds(top, sandbox, clock):
    sandbox.top.switches.collect_after = 90
    await top.upload()
    clock.pass_by(89)
    early = await top.missing(NUMBER)
    clock.pass_by(1)

    assert early == [NUMBER]
    assert await top.missing(NUMBER) == []
    assert sandbox.top.uploads[0].collected_at == clock()


async def test_collection_takes_so_many_calls(top, sandbox):
    sandbox.top.switches.collect_calls = 2
    await top.upload()

    assert [await top.missing(NUMBER) for _ in range(3)] == [[NUMBER], [NUMBER], []]


async def test_a_delay_set_later_does_not_concern_what_is_on_its_way(top, sandbox):
    await top.upload()
    sandbox.top.switches.collect_after = 90

    assert await top.missing(NUMBER) == []


@pytest.mark.parametrize(("mode", "said"), [("refused", False), ("never_collected", True)])
async def test_an_upload_can_be_refused_or_never_show(top, sandbox, clock, mode, said):
    sandbox.top.switches.uploads = mode

    assert await top.upload() == said
    clock.pass_by(10**6)
    assert await top.missing(NUMBER) == [NUMBER]
    assert sandbox.top.uploads[0].accepted == said


async def test_one_number_can_be_treated_by_itself(top, sandbox):
    sandbox.top.upload_modes[OTHER] = "refused"

    assert [await top.upload(), await top.upload(number=OTHER)] == [True, False]


# --- the ledger's figures ---


@pytest.mark.parametrize("collect_after", [0, 300])
async def test_the_same_invoice_again_is_a_double_shown_or_not(top, sandbox, clock, collect_after):
    sandbox.top.switches.collect_after = collect_after
    await top.upload()
    clock.pass_by(200)

    assert await top.upload()
    assert sandbox.top.uploads_double() == 1
    assert [one.double for one in sandbox.top.uploads] == [False, True]
    assert sandbox.top.uploads_hasty() == 0
    assert sandbox.top.uploads_hasty(grace=201) == 1


async def test_a_double_can_be_an_error(top, sandbox):
    sandbox.top.switches.duplicate = "error"
    await top.upload()

    assert await top.refusal(UPLOAD, **invoice()) == DUPLICATE
    assert len(sandbox.top.applications["A1"].collected) == 1


async def test_the_same_number_for_another_application_or_with_another_code_is_none(top, sandbox):
    sandbox.top.put_application("A2")
    await top.upload()
    await top.upload(apply_id="A2")
    await top.upload(invoice_code="011001800411")
    doubles = sandbox.top.uploads_double()
    await top.upload(invoice_code="000000000000")

    assert (doubles, sandbox.top.uploads_double()) == (0, 1)


async def test_again_after_a_refusal_or_a_loss_is_none(top, sandbox, clock):
    sandbox.top.upload_modes = {NUMBER: "refused", OTHER: "never_collected"}
    for number in (NUMBER, OTHER):
        await top.upload(number=number)
    sandbox.top.upload_modes = {}
    for number in (NUMBER, OTHER):
        await top.upload(number=number)

    assert (sandbox.top.uploads_double(), sandbox.top.uploads_hasty()) == (0, 1)
    assert await top.missing(NUMBER, OTHER) == []


async def test_uploads_of_invoices_nobody_issued_are_counted(top, sandbox):
    await top.upload()
    await top.upload(number=OTHER)

    assert sandbox.top.uploads_foreign({NUMBER}) == 1
    assert sandbox.top.uploads_foreign({NUMBER, OTHER}) == 0


async def test_what_a_proxy_repeats_is_no_fault_of_the_caller(top, sandbox):
    sandbox.top.faults.hold_replays = True
    sandbox.top.faults.force(UPLOAD, "late_duplicate")
    await top.upload()

    assert sandbox.top_server.delivery.replay() == 1
    assert [(one.double, one.replayed) for one in sandbox.top.uploads] == [(False, False), (True, True)]
    assert (sandbox.top.uploads_double(), sandbox.top.uploads_hasty()) == (0, 0)


# --- detail.upload ---


async def test_a_trade_can_be_given_its_invoice(top, sandbox, application):
    assert (await top.call(DETAIL, **detail(), session=SESSION))["is_success"]

    (upload,) = sandbox.top.uploads
    assert (upload.method, upload.apply_id, upload.platform_tid) == (DETAIL, "A1", "TA1")
    assert await top.missing(NUMBER) == []


async def test_a_trade_nobody_applied_for_can_be_too(top, sandbox):
    assert (await top.call(DETAIL, **detail("T9"), session=SESSION))["is_success"]
    assert [one.reaches for one in sandbox.top.uploads] == [()]
    await top.call(DETAIL, **detail("T8"), session=SESSION)
    await top.call(DETAIL, **detail("T9"), session=SESSION)

    assert [one.double for one in sandbox.top.uploads] == [False, False, True]


@pytest.mark.parametrize(
    ("flawed", "code"),
    [
        (detail(platform_tid=None), 40),
        (detail(platform_code=None), 40),
        (detail(invoice_kind="6"), 41),
        (detail(invoice_code="0110018004111"), 41),
        (detail(invoice_items=[line(row_type=0)]), 41),
        (detail(invoice_items=[line(row_type="0", item_no="103")]), 41),
        (detail(invoice_items=[line(row_type="0") for _ in range(201)]), 41),
        (detail(sum_tax="13.01"), 41),
        (detail(invoice_type="red"), 40),
    ],
    ids=str,
)
async def test_its_fields_are_checked_likewise(top, sandbox, flawed, code):
    assert (await top.refusal(DETAIL, **flawed, session=SESSION))[0] == code
    assert not sandbox.top.uploads[0].accepted


async def test_two_hundred_lines_fit(top):
    many = [line(row_type="0") for _ in range(200)]
    whole = detail(invoice_items=many, invoice_amount="22600.00", sum_price="20000.00", sum_tax="2600.00")

    assert (await top.call(DETAIL, **whole, session=SESSION))["is_success"]
    assert compact(many) == whole["invoice_items"]
