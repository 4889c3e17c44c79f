"""Reading applications and the message queue."""

import json

import pytest
from sandbox_callers import NOON
from top_caller import CONFIRM, CONSUME, GET, NUMBER, OLD_GET, SESSION, TIME, beijing, compact

WRAPPER = "invoice_create_simple_result_dto"


async def test_the_clock_can_be_read(top, sandbox, clock):
    sandbox.top.skew = 30

    assert (await top.call(TIME))["time"] == beijing(NOON + 30)


# --- prod.apply.get ---


async def test_an_application_is_shown_with_its_buyer(top, sandbox):
    buyer = {"payer_name": "示例贸易有限公司", "payer_register_no": "91330106MA2CDEMO08", "payer_address": "示例路1号"}
    sandbox.top.put_application("A1", amount="226.00", tid="T1", business_type=1, **buyer)

    shown = await top.application()

    assert (shown["apply_id"], shown["apply_status"], shown["is_finally"]) == ("A1", "applying", False)
    assert (shown["apply_amount"], shown["platform_tid"], shown["business_type"]) == ("226.00", "T1", 1)
    assert (shown["payer_name"], shown["payer_address"]) == ("示例贸易有限公司", "示例路1号")
    assert "create_inv_results" not in shown


async def test_its_invoices_are_wrapped_in_plain_json(top, sandbox):
    sandbox.top.put_application("A1")
    await top.upload()
    await top.missing(NUMBER)

    told = await top.call(GET, simplify="", invoice_apply_query_dto=compact({"apply_id": "A1"}))

    shown = told["alibaba_einvoice_prod_apply_get_response"]["result"]["invoice_apply_dtl"]
    assert (shown["apply_status"], shown["is_finally"]) == ("inv_success", True)
    (result,) = shown["create_inv_results"][WRAPPER]
    assert (result["create_status"], result["invoice_no"], result["invoice_amount"]) == (
        "create_success", NUMBER, "113.00",
    )  # fmt: skip


@pytest.mark.parametrize("spelling", ["creating_inv", "craeting_inv"])
async def test_issuing_is_spelt_in_two_ways(top, sandbox, spelling):
    sandbox.top.put_application("A1")
    sandbox.top.switches.creating_spelling = spelling
    sandbox.top.set_status("A1", "creating_inv")

    assert (await top.application())["apply_status"] == spelling


@pytest.mark.parametrize("final", [True, False])
async def test_a_part_may_be_final_or_not(top, sandbox, final):
    sandbox.top.put_application("A1")
    sandbox.top.set_status("A1", "inv_part_success", final=final)

    assert (await top.application())["is_finally"] is final


@pytest.mark.parametrize(
    ("query", "code"), [("", 40), ("x", 41), ("[]", 41), ("{}", 40), (compact({"applyId": "A1"}), 41)]
)
async def test_its_query_is_an_object_with_an_id(top, query, code):
    assert (await top.refusal(GET, invoice_apply_query_dto=query))[0] == code


async def test_an_unknown_application_is_told_in_three_ways(top, sandbox):
    asked = {"invoice_apply_query_dto": compact({"apply_id": "A9", "need_download_url": True})}

    by_error = await top.refusal(GET, **asked)
    sandbox.top.switches.unknown_application = "inner"
    inner = await top.call(GET, **asked)
    sandbox.top.switches.unknown_application = "empty"
    empty = await top.call(GET, **asked)

    assert by_error == (15, "isv.invoice-apply-not-exist:A9")
    assert (inner["result"]["success"], bool(inner["result"]["result_msg"])) == (False, True)
    assert empty["result"] == {}


# --- apply.get ---


async def test_the_first_generation_reads_by_trade_and_forgets_the_id(top, sandbox):
    sandbox.top.put_application("A1", tid="T1")
    sandbox.top.put_application("A2", tid="T1")
    sandbox.top.cancel("A2")

    both = await top.call(OLD_GET, platform_tid="T1", session=SESSION)
    one = await top.call(OLD_GET, platform_tid="T1", apply_id="A1", session=SESSION, simplify="")
    none = await top.call(OLD_GET, platform_tid="T9", session=SESSION)

    assert [row["status"] for row in both["apply_list"]] == [1, 0]
    assert not any("apply_id" in row for row in both["apply_list"])
    (row,) = one["alibaba_einvoice_apply_get_response"]["apply_list"]["apply"]
    assert (row["platform_tid"], row["invoice_amount"]) == ("T1", "113.00")
    assert (none["is_success"], none.get("apply_list")) == (True, None)


async def test_an_agreed_application_is_a_two(top, sandbox):
    sandbox.top.put_application("A1", tid="T1")
    sandbox.top.set_status("A1", "confirmed")

    told = await top.call(OLD_GET, platform_tid="T1", session=SESSION)

    assert told["apply_list"][0]["status"] == 2


# --- messages ---


async def test_an_application_is_announced_with_its_trade(top, sandbox):
    sandbox.top.put_application("A1", tid="T1")

    (message,) = await top.messages()

    told = json.loads(message["content"])
    assert message["topic"] == "alibaba_invoice_Apply"
    assert (told["apply_id"], told["platform_tid"], told["trigger_status"]) == ("A1", "T1", "buyer_payed")
    assert message["pub_time"] == beijing(NOON)
    assert message["id"] > 2**53


async def test_it_may_be_announced_by_the_other_generation_or_not_at_all(top, sandbox):
    sandbox.top.put_application("A1", announce="ApplyUpdate")
    sandbox.top.put_application("A2", announce="")

    (message,) = await top.messages()

    assert message["topic"] == "alibaba_einvoice_ApplyUpdate"
    assert json.loads(message["content"])["is_finally"] == "false"


async def test_a_withdrawal_names_the_trade_alone(top, sandbox):
    sandbox.top.put_application("A1", tid="T1", announce="")
    sandbox.top.cancel("A1")

    (message,) = await top.messages()

    told = json.loads(message["content"])
    assert (told["apply_id"], told["platform_tid"], told["trigger_status"]) == ("", "T1", "buyer_cancel")
    assert (await top.application())["apply_status"] == "cancelled"
    with pytest.raises(ValueError, match="finished"):
        sandbox.top.cancel("A1")


async def test_messages_come_again_until_they_are_confirmed(top, sandbox):
    for at in range(3):
        sandbox.top.put_application(f"A{at}")
    first = [message["id"] for message in await top.messages()]

    await top.call(CONFIRM, s_message_ids=",".join(map(str, [*first[:2], 1])))

    assert [message["id"] for message in await top.messages()] == first[2:]
    assert [message["id"] for message in await top.messages()] == first[2:]
    assert [message.delivered for message in sandbox.top.messages] == [1, 1, 3]
    assert [message.confirmed for message in sandbox.top.messages] == [True, True, False]


async def test_they_may_come_again_only_after_a_while(top, sandbox, clock):
    sandbox.top.switches.redeliver_after = 60
    sandbox.top.put_application("A1")
    counts = [len(await top.messages()) for _ in range(2)]
    clock.pass_by(60)

    assert (counts, len(await top.messages())) == ([1, 0], 1)


async def test_a_confirmation_can_be_lost(top, sandbox):
    sandbox.top.switches.lost_confirms = 1
    sandbox.top.put_application("A1")
    (message,) = await top.messages()

    told = [await top.call(CONFIRM, s_message_ids=str(message["id"])) for _ in range(2)]

    assert [one["is_success"] for one in told] == [True, True]
    assert await top.messages() == []
    assert sandbox.top.messages[0].confirmed


async def test_no_more_messages_come_than_were_asked_for(top, sandbox):
    for _ in range(12):
        sandbox.top.put_application()

    assert len(await top.messages(quantity="10")) == 10
    assert len(await top.messages(group_name="default")) == 12


@pytest.mark.parametrize("quantity", ["9", "201", "x", "-10"])
async def test_a_quantity_is_ten_to_two_hundred(top, quantity):
    assert await top.refusal(CONSUME, quantity=quantity) == (41, "isv.invalid-parameter")


@pytest.mark.parametrize(("ids", "code"), [("", 40), ("1,x", 41), (",".join(map(str, range(201))), 41)])
async def test_confirmations_are_up_to_two_hundred_numbers(top, ids, code):
    assert (await top.refusal(CONFIRM, s_message_ids=ids))[0] == code


async def test_each_application_has_its_own_queue(top, sandbox):
    sandbox.top.add_account("222", top.secret)
    sandbox.top.put_application("A1", app_key="222")
    mine, theirs = await top.messages(), await top.messages(app_key="222")

    await top.call(CONFIRM, s_message_ids=str(theirs[0]["id"]))

    assert (mine, len(theirs), len(await top.messages(app_key="222"))) == ([], 1, 1)


async def test_a_message_of_any_topic_can_be_queued(top, sandbox):
    sandbox.top.put_message("alibaba_invoice_GetXmlFile", "12345678", {"invoice_no": NUMBER})

    (message,) = await top.messages()

    assert json.loads(message["content"]) == {"invoice_no": NUMBER}
