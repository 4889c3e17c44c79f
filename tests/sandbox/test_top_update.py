"""`prod.apply.update`: all or nothing, and what a finished application answers."""

import json

import pytest
from sandbox_callers import NOON
from top_caller import NUMBER, UPDATE, compact, uks

OTHER = "26952000000000000002"
PAPER = "12345678"
CODE = "6666666666"


@pytest.fixture
def application(sandbox):
    return sandbox.top.put_application("A1")


async def test_an_application_ends_when_all_its_invoices_are_collected(top, sandbox, application):
    await top.upload()
    short = await top.missing(NUMBER, OTHER)
    after = application.status
    await top.upload(number=OTHER)

    assert (short, after) == ([OTHER], "applying")
    assert await top.missing(NUMBER, OTHER) == []
    assert (application.status, application.final) == ("inv_success", True)
    assert [key.number for key in application.told] == [NUMBER, OTHER]


async def test_collected_invoices_of_another_application_do_not_count(top, sandbox, application):
    sandbox.top.put_application("A2")
    await top.upload(apply_id="A2")

    assert await top.missing(NUMBER) == [NUMBER]


@pytest.mark.parametrize(
    ("sent", "asked", "found"),
    [
        ({"invoice_code": CODE}, {"invoice_code": CODE}, True),
        ({"invoice_code": CODE}, {}, False),
        ({}, {"invoice_code": CODE}, False),
        ({}, {"invoice_code": "000000000000"}, True),
        ({"invoice_code": "00000000"}, {}, True),
    ],
)
async def test_codes_are_compared_with_none_and_zeros_alike(top, application, sent, asked, found):
    await top.upload(number=PAPER, **sent)

    told = await top.call(UPDATE, apply_id="A1", apply_status="inv_success", invoice_uks=uks(PAPER, **asked))

    assert told["update_success"] == found


async def test_numbers_keep_their_leading_zeros(top, application):
    await top.upload(number="00004349")

    assert await top.missing("4349") == ["4349"]
    assert await top.missing("00004349") == []


@pytest.mark.parametrize("stored", ["empty", "zeros"])
async def test_a_code_the_centre_forgets_never_clears(top, sandbox, application, stored):
    sandbox.top.switches.stored_code = stored
    await top.upload(number=PAPER, invoice_code=CODE)
    asked = {"apply_id": "A1", "apply_status": "inv_success"}

    with_code = await top.call(UPDATE, **asked, invoice_uks=uks(PAPER, invoice_code=CODE))
    without = await top.call(UPDATE, **asked, invoice_uks=uks(PAPER))

    assert (with_code["update_success"], without["update_success"]) == (False, True)
    assert application.collected[0].code == ("" if stored == "empty" else "000000000000")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"apply_id": ""}, 40),
        ({"apply_status": ""}, 40),
        ({"apply_status": "success"}, 41),
        ({"invoice_uks": ""}, 40),
        ({"invoice_uks": "[]"}, 40),
        ({"invoice_uks": uks(*map(str, range(101)))}, 41),
        ({"invoice_uks": compact({"invoice_no": "1"})}, 41),
        ({"invoice_uks": "[1]"}, 41),
        ({"invoice_uks": "12345678"}, 41),
        ({"invoice_uks": "not json"}, 41),
        ({"invoice_uks": compact([{"invoiceNo": "1"}])}, 41),
        ({"invoice_uks": compact([{"invoice_code": "1"}])}, 41),
        ({"invoice_uks": compact([{"invoice_no": 12345678}])}, 41),
        ({"apply_status": "inv_failed"}, 41),
        ({"apply_status": "cancelled"}, 41),
    ],
)
async def test_bad_parameters_are_refused_with_40_or_41(top, application, change, code):
    sound = {"apply_id": "A1", "apply_status": "inv_success", "invoice_uks": uks(NUMBER)}

    sub_code = {40: "isv.missing-parameter", 41: "isv.invalid-parameter"}[code]
    assert await top.refusal(UPDATE, **(sound | change)) == (code, sub_code)
    assert (application.status, application.update_calls) == ("applying", 0)


async def test_a_hundred_invoices_can_be_told_at_once(top, application):
    assert len(await top.missing(*map(str, range(100)))) == 100


@pytest.mark.parametrize("code", [15, 50])
async def test_an_unknown_application_is_an_error_of_the_backend(top, sandbox, code):
    sandbox.top.switches.business_code = code

    told = await top.refusal(UPDATE, apply_id="A9", apply_status="confirmed")

    assert told == (code, "isv.invoice-apply-not-exist:A9")


@pytest.mark.parametrize("status", ["inv_failed", "cancelled"])
async def test_a_failure_needs_a_message_unless_switched_off(top, sandbox, application, status):
    sandbox.top.switches.message_needed = False

    assert (await top.call(UPDATE, apply_id="A1", apply_status=status))["update_success"]
    assert application.final


async def test_the_same_final_status_again_is_true(top, application):
    await top.upload()

    assert [await top.missing(NUMBER) for _ in range(3)] == [[], [], []]
    assert [status for _, status, _ in application.history] == ["applying", "inv_success"]


@pytest.mark.parametrize(
    ("how", "said", "status"),
    [("true", True, "inv_success"), ("ignored", True, "cancelled"), ("false", False, "cancelled")],
)
async def test_another_status_for_a_finished_application_has_many_answers(top, sandbox, application, how, said, status):
    sandbox.top.switches.after_final = how
    sandbox.top.cancel("A1")
    await top.upload()

    told = await top.update(NUMBER)

    assert (told["update_success"], told.get("missing_invoices"), application.status) == (said, None, status)


async def test_it_is_an_error_by_default(top, sandbox, application):
    sandbox.top.cancel("A1")

    refused = await top.refusal(UPDATE, apply_id="A1", apply_status="inv_success", invoice_uks=uks(NUMBER))

    assert refused == (15, "isv.invoice-apply-status-error")
    assert application.status == "cancelled"


async def test_both_spellings_of_issuing_are_taken(top, application):
    for status in ("creating_inv", "craeting_inv"):
        await top.call(UPDATE, apply_id="A1", apply_status=status)

    assert [status for _, status, _ in application.history] == ["applying", "creating_inv", "creating_inv"]


async def test_a_part_is_told_without_an_end(top, application):
    await top.upload()

    assert (await top.update(NUMBER, status="inv_part_success"))["update_success"]
    assert (application.status, application.final) == ("inv_part_success", False)


async def test_the_centre_can_contradict_itself(top, sandbox, application):
    await top.upload()
    sandbox.top.switches.update_says = "false_without_missing"
    refused = await top.update(NUMBER)
    still = application.status
    sandbox.top.switches.update_says = "true_with_missing"
    taken = await top.update(NUMBER)

    assert (refused["update_success"], refused.get("missing_invoices"), still) == (False, None, "applying")
    assert (taken["update_success"], len(taken["missing_invoices"])) == (True, 1)
    assert application.status == "inv_success"


async def test_it_can_even_finish_what_it_misses(top, sandbox, application):
    sandbox.top.switches.update_says = "true_with_missing"
    await top.upload()

    told = await top.update(NUMBER, OTHER)

    assert (told["update_success"], [one["invoice_no"] for one in told["missing_invoices"]]) == (True, [OTHER])
    assert application.status == "inv_success"


async def test_the_centre_can_ask_for_an_invoice_nobody_here_issued(top, sandbox, application):
    sandbox.top.demand("A1", "99999999", "011")
    await top.upload()

    told = await top.update(NUMBER)

    assert told["missing_invoices"] == [{"invoice_no": "99999999", "invoice_code": "011"}]
    sandbox.top.collect("A1", "99999999", "011")
    assert await top.missing(NUMBER) == []


async def test_an_application_can_be_finished_by_another_channel(top, sandbox, application):
    sandbox.top.collect("A1", NUMBER)
    sandbox.top.set_status("A1", "inv_success")

    assert await top.missing(NUMBER) == []
    assert application.history[-1] == (NOON, "inv_success", "platform")


async def test_no_application_has_an_id_twice(sandbox, application):
    with pytest.raises(ValueError, match="A1 exists already"):
        sandbox.top.put_application("A1")
    with pytest.raises(KeyError):
        sandbox.top.put_application(app_key="nobody")


async def test_a_change_of_status_is_announced_with_its_misspelling(top, sandbox, application):
    sandbox.top.switches.creating_spelling = "craeting_inv"
    await top.call(UPDATE, apply_id="A1", apply_status="creating_inv")

    *_, last = await top.messages()

    told = json.loads(last["content"])
    assert last["topic"] == "alibaba_einvoice_ApplyUpdate"
    assert (told["apply_id"], told["apply_status"], told["is_finally"]) == ("A1", "craeting_inv", "false")
