"""Writing back to the simulated WDT (docs/wire/wdt.md)."""

import pytest
from sandbox_callers import NOON, UPDATE, failed, issued


@pytest.fixture
def no(sandbox):
    return sandbox.wdt.put_order({}, modified=NOON - 3600)


async def test_an_issued_order_reaches_60_with_everything_that_was_written(wdt, sandbox, no):
    assert await wdt.update(issued(no)) == {"status": 0, "data": {"error_info": {}, "status": 0}}

    row = (await wdt.search(mode=1))["data"]["order"][0]
    assert (row["status"], row["invoice_no"], row["invoice_code"]) == (60, "26332000000000000001", "")
    assert (row["file_url"], row["invoice_time"]) == ("https://fp.example.com/1.pdf", "2026-11-20 09:58:07")
    assert row["invoice_outer_amount"] == 113


async def test_a_failed_order_reaches_85_with_its_reason(wdt, sandbox, no):
    await wdt.update(failed(no))

    row = sandbox.wdt.order(no)
    assert (row["status"], row["error_info"]) == (85, "购方税号不正确")


async def test_a_write_back_bumps_the_modified_time_so_that_it_comes_back_as_an_echo(wdt, sandbox, no):
    await wdt.update(issued(no))

    assert sandbox.wdt.document(no).modified == int(NOON)
    assert await wdt.numbers(start="2026-11-20 09:59:00", mode=1) == [no]


@pytest.mark.parametrize("first", [failed, issued])
async def test_85_may_be_followed_by_60_but_60_by_nothing(wdt, sandbox, no, first):
    await wdt.update(first(no))

    refused = await wdt.refusals(issued(no))

    assert bool(refused) == (first is issued)
    assert sandbox.wdt.order(no)["status"] == 60


@pytest.mark.parametrize("status", [5, 10, 20, 40, 50, 60, 110])
async def test_a_document_in_another_state_is_refused(wdt, sandbox, no, status):
    sandbox.wdt.set_status(no, status)

    assert await wdt.refusals(issued(no)) == {no: "单据状态不允许回传!"}
    assert sandbox.wdt.order(no)["status"] == status


async def test_an_unknown_number_does_not_exist(wdt):
    assert await wdt.refusals(issued("FP0")) == {"FP0": "发票不存在!"}


async def test_a_hidden_document_does_not_exist_unless_switched(wdt, sandbox, no):
    sandbox.wdt.revoke_shop("shop01")

    assert await wdt.refusals(issued(no)) == {no: "发票不存在!"}
    sandbox.wdt.switches.update_hidden = True
    assert await wdt.refusals(issued(no)) == {}


@pytest.mark.parametrize("status", [45, 50, 61, "x", None])
async def test_only_60_and_85_can_be_written(wdt, no, status):
    assert no in await wdt.refusals(issued(no, status=status))


@pytest.mark.parametrize(
    ("version", "update", "refused"),
    [
        ("1.5.8.0", issued, True),
        ("1.5.8.3", failed, True),
        ("1.5.8.4", issued, True),
        ("1.5.8.4", failed, False),
        ("1.5.9.0", failed, False),
    ],
)
async def test_the_file_url_is_required_by_client_version(wdt, sandbox, no, version, update, refused):
    sandbox.wdt.switches.client_version = version

    told = await wdt.refusals(update(no, file_url=None))

    assert told == ({no: "file_url不能为空"} if refused else {})


async def test_an_old_client_has_no_write_back_at_all(wdt, sandbox, no):
    sandbox.wdt.switches.client_version = "1.5.7.9"

    said = await wdt.update(issued(no))

    assert (said["status"], sandbox.wdt.order(no)["status"]) == (100, 45)


@pytest.mark.parametrize("field", ["invoice_no", "invoice_code"])
async def test_required_fields_are_required_in_strict_mode(wdt, no, field):
    assert await wdt.refusals(issued(no, **{field: None})) == {no: f"{field}不能为空"}


async def test_the_vendors_own_sample_is_taken_in_lenient_mode_only(wdt, sandbox, no):
    sample = {"invoice_order_no": no, "invoice_no": "pf0x00011111111"}

    strict = await wdt.refusals(sample)
    sandbox.wdt.switches.strict = False
    lenient = await wdt.refusals(sample)

    assert (list(strict), lenient) == ([no], {})
    assert sandbox.wdt.order(no)["status"] == 60


async def test_an_empty_code_or_number_can_be_refused(wdt, sandbox, no):
    sandbox.wdt.switches.empty_code = sandbox.wdt.switches.empty_number = False

    assert await wdt.refusals(issued(no)) == {no: "invoice_code不能为空"}
    assert await wdt.refusals(failed(no)) == {no: "invoice_no不能为空"}


@pytest.mark.parametrize(
    ("field", "longest"),
    [
        ("invoice_no", 40),
        ("invoice_code", 40),
        ("file_url", 255),
        ("ofd_url", 255),
        ("xml_url", 255),
        ("error_info", 100),
    ],
)
async def test_one_text_too_long_sinks_the_whole_call(wdt, sandbox, no, field, longest):
    other = sandbox.wdt.put_order({})

    said = await wdt.update(issued(other), issued(no, **{field: "税" * (longest + 1)}))

    assert said == {"status": 100, "message": f"Data truncation: Data too long for column {field}"}
    assert sandbox.wdt.order(other)["status"] == 45
    assert await wdt.refusals(issued(no, **{field: "税" * longest})) == {}


async def test_an_emoji_is_a_database_error_unless_allowed(wdt, sandbox, no):
    said = await wdt.update(failed(no, "购方\U0001f600"))
    sandbox.wdt.switches.emoji = "allow"

    assert said["status"] == 100
    assert said["message"].startswith("SQL异常")
    assert await wdt.refusals(failed(no, "购方\U0001f600")) == {}


async def test_good_documents_are_applied_beside_refused_ones(wdt, sandbox, no):
    said = await wdt.update(issued("FP0"), issued(no))

    assert said["status"] == 0
    assert said["data"]["error_info"] == {"FP0": "发票不存在!"}
    assert sandbox.wdt.order(no)["status"] == 60


@pytest.mark.parametrize(
    ("reply", "error_info", "none", "good", "bad"),
    [
        ("flat", "map", "map", {"error_info": {}, "status": 0}, {"FP0": "发票不存在!"}),
        ("flat", "map", "list", {"error_info": [], "status": 0}, {"FP0": "发票不存在!"}),
        (
            "wrapped", "list", "list", {"status": 0, "data": {"error_info": [], "status": 0}},
            [{"order_no": "FP0", "message": "发票不存在!"}],
        ),
    ],
)  # fmt: skip
async def test_the_reply_comes_in_any_shape(wdt, sandbox, no, reply, error_info, none, good, bad):
    switches = sandbox.wdt.switches
    switches.reply, switches.error_info, switches.no_errors = reply, error_info, none

    assert await wdt.update(issued(no)) == good
    told = await wdt.update(issued("FP0"))
    assert told.get("data", told)["error_info"] == bad


async def test_a_batch_over_the_cap_is_refused_as_a_whole(wdt, sandbox, no):
    sandbox.wdt.switches.batch_cap = 2

    said = await wdt.update(issued(no), issued("FP1"), issued("FP2"))

    assert (said["status"], sandbox.wdt.order(no)["status"]) == (100, 45)


@pytest.mark.parametrize(("policy", "status", "refused"), [("last_wins", 60, 0), ("refuse", 45, 1)])
async def test_a_number_given_twice_is_refused_or_its_last_update_wins(wdt, sandbox, no, policy, status, refused):
    sandbox.wdt.switches.duplicates = policy

    told = await wdt.refusals(failed(no), issued(no))

    assert (len(told), sandbox.wdt.order(no)["status"]) == (refused, status)


@pytest.mark.parametrize("args", [{}, [], [{}, {}], [[], []]])
async def test_update_takes_one_list(wdt, args):
    assert await wdt.call(UPDATE, args) == {"status": 1, "message": "invalid argument count"}


@pytest.mark.parametrize("args", [[{}], [["x"]], ["x"]])
async def test_a_map_where_the_list_should_be_is_a_type_mismatch(wdt, args):
    assert await wdt.call(UPDATE, args) == {"status": 1, "message": "argument type mismatch"}


async def test_a_bad_time_or_amount_is_refused_per_document(wdt, no):
    assert no in await wdt.refusals(issued(no, invoice_time="2026/11/20"))
    assert no in await wdt.refusals(issued(no, invoice_outer_amount="x"))


async def test_users_cancel_reopen_and_edit_documents(wdt, sandbox, no):
    sandbox.wdt.cancel(no)
    cancelled = await wdt.numbers()
    sandbox.wdt.reopen(no)
    sandbox.wdt.edit(no, payer_name="示例贸易有限公司")

    assert cancelled == []
    assert sandbox.wdt.order(no)["payer_name"] == "示例贸易有限公司"
    assert await wdt.numbers() == [no]


async def test_only_failed_and_cancelled_documents_can_be_reopened(sandbox, no):
    with pytest.raises(ValueError, match="only 85 and 5"):
        sandbox.wdt.reopen(no)


async def test_a_number_is_given_only_once(sandbox, no):
    with pytest.raises(ValueError, match="exists already"):
        sandbox.wdt.put_order({"invoice_order_no": no})
