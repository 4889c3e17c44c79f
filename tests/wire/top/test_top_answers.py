import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from top_parts import vectors

from syncd.domain.centre import ApplyId, InvoiceUk
from syncd.wire.strict_json import Malformed
from syncd.wire.top import answers
from syncd.wire.top.answers import Refusal
from syncd.wire.top.client import CONSUME, GET, TIME, UPDATE


def said(method: str, **body: object) -> answers.Said:
    return answers.read(method, json.dumps(body, ensure_ascii=False).encode())


@pytest.mark.parametrize(("inputs", "expected"), vectors("top_parse_update"))
def test_an_update_is_understood_in_every_shape(inputs: dict, expected: dict):
    answer = answers.updated(answers.read(inputs["method"], inputs["json"].encode()))

    assert answer.success is expected["update_success"]
    assert [(uk.number, uk.code) for uk in answer.missing] == [
        (one["invoice_no"], one["invoice_code"]) for one in expected["missing"]
    ]
    assert answer.request_id == expected["request_id"]


@pytest.mark.parametrize(("inputs", "expected"), vectors("top_parse_error"))
def test_an_error_is_understood_with_or_without_its_parts(inputs: dict, expected: dict):
    with pytest.raises(Refusal) as caught:
        answers.read(UPDATE, inputs["json"].encode())

    refusal = caught.value
    assert refusal.code == str(expected["code"])
    told = (refusal.sub_code, refusal.sub_msg, refusal.request_id)
    assert told == tuple(expected[name] or "" for name in ("sub_code", "sub_msg", "request_id"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'{"error_response":[]}',
        b'{"error_response":{"msg":"x"}}',
        b'{"update_success":"maybe"}',
        b"{}",
        b'{"update_success":1}',
        b'{"update_success":false,"missing_invoices":"none"}',
        b'{"update_success":false,"missing_invoices":{"a":[],"b":[]}}',
        b'{"update_success":false,"missing_invoices":[{"invoice_code":"1"}]}',
        b'{"update_success":false,"missing_invoices":[7]}',
        b'{"alibaba_einvoice_prod_apply_update_response":[]}',
        b'{"update_success":true,"update_success":false}',
    ],
)
def test_an_answer_that_cannot_be_read_is_nobodys_word(body: bytes):
    with pytest.raises(Malformed):
        answers.updated(answers.read(UPDATE, body))


def test_texts_may_stand_for_truth_and_numbers_for_texts():
    answer = answers.updated(said(UPDATE, update_success="false", missing_invoices=[{"invoice_no": 88888888}]))

    assert answer.missing == (InvoiceUk("88888888"),)


def test_a_wrapped_null_is_an_empty_list():
    assert answers.updated(said(UPDATE, update_success=True, missing_invoices={"invoice_uk_dto": None})).missing == ()


def test_a_failure_inside_a_good_answer_is_a_failure():
    with pytest.raises(Refusal) as caught:
        said(GET, result={"success": False, "result_code": "X", "result_msg": "系统繁忙"}, request_id="r9")

    assert (caught.value.sub_code, caught.value.sub_msg, caught.value.request_id) == ("X", "系统繁忙", "r9")


def test_an_application_is_read_with_the_invoices_issued_for_it():
    told = {
        "apply_id": "A1",
        "apply_status": "craeting_inv",
        "is_finally": "false",
        "apply_amount": "113.00",
        "business_type": 1,
        "payer_name": "示例公司",
        "platform_code": "TM",
        "platform_tid": 4_160_600_490_938_325_999,
        "create_inv_results": {
            "invoice_create_simple_result_dto": [
                {"create_status": "waiting"},
                {"create_status": "create_success", "invoice_no": "00004349", "invoice_code": "044001"},
            ]
        },
    }
    body = {"alibaba_einvoice_prod_apply_get_response": {"result": {"invoice_apply_dtl": told}, "request_id": "r"}}

    found = answers.application(said(GET, **body), ApplyId("A1"))

    assert found is not None
    assert (found.status, found.final, found.amount, found.business_type) == ("creating_inv", False, Decimal(113), 1)
    assert found.platform_tid == "4160600490938325999"
    assert found.invoices == (InvoiceUk("00004349", "044001"),)


@pytest.mark.parametrize("body", [{}, {"result": {}}, {"result": None}, {"result": {"invoice_apply_dtl": None}}])
def test_an_answer_without_an_application_is_none(body: dict):
    assert answers.application(said(GET, **body), ApplyId("A1")) is None


def test_an_answer_about_another_application_is_nobodys_word():
    with pytest.raises(Malformed):
        answers.application(said(GET, result={"invoice_apply_dtl": {"apply_id": "A2"}}), ApplyId("A1"))


def test_an_unknown_status_is_kept_as_text():
    body = {"result": {"invoice_apply_dtl": {"apply_status": "200"}}}

    found = answers.application(said(GET, **body), ApplyId("A1"))

    assert found is not None
    assert found.status == "200"


def test_messages_are_read_and_a_strange_one_keeps_its_content():
    content = '{"apply_id":"","platform_tid":"T1","platform_code":"TM","trigger_status":"buyer_cancel"}'
    given = [
        {"id": 4_160_600_490_938_325_001, "topic": "t", "content": content, "pub_time": "2026-11-20 12:00:00"},
        {"id": 2, "topic": "other", "content": "no json", "pub_time": "soon"},
        {"id": 3, "topic": "other"},
    ]

    first, second, third = answers.notices(said(CONSUME, messages={"tmc_message": given}))

    assert (first.id, first.apply_id, first.platform_tid) == ("4160600490938325001", "", "T1")
    assert first.trigger_status == "buyer_cancel"
    assert first.published_at == datetime(2026, 11, 20, 4, tzinfo=UTC)
    assert (second.content, second.apply_id, second.published_at) == ("no json", "", None)
    assert (third.id, third.content) == ("3", "")


def test_the_gateways_clock_is_told_in_beijing_time():
    assert answers.server_time(said(TIME, time_get_response={"time": "2026-11-20 12:00:00"})).hour == 4
    with pytest.raises(Malformed):
        answers.server_time(said(TIME, time="soon"))


def page(**changes: object) -> bytes:
    """A page of two messages, the first with these members; what cannot be written plainly is escaped."""
    content = json.dumps({"apply_id": "A1", "platform_tid": "T1", "seller_nick": "shop_one"})
    one = {"id": 1, "topic": "alibaba_invoice_Apply", "pub_time": "2026-11-21 10:00:00", "content": content}
    two = {**one, "id": 2, "content": content.replace("A1", "A2"), "user_nick": "shop_two"}
    return json.dumps({"messages": {"tmc_message": [{**one, **changes}, two]}, "request_id": "r"}).encode()


@pytest.mark.parametrize(
    "changes",
    [
        {"topic": "a\0b"},
        {"content": "\ud800"},
        {"content": '{"apply_id":"A1","platform_tid":"T\\u0000\\ud800"}'},
        {"pub_time": "0001-01-01 00:00:00"},
        {"user_id": 10**30},
        {"id": ""},
        {"id": "x-1"},
        {"id": "\uff11"},
        {"id": None, "content": {"apply_id": "A1"}},
    ],
)
def test_one_odd_message_leaves_its_neighbour_readable(changes: dict[str, object]) -> None:
    first, second = answers.notices(answers.read(CONSUME, page(**changes), leniently=True))

    assert (second.id, second.apply_id, second.seller_nick) == ("2", "A2", "shop_one")
    assert first.confirmable is ("id" not in changes)
    assert first.id
    assert (first.platform_tid + first.content + first.topic).encode()


def test_what_is_no_message_at_all_and_a_broken_byte_leave_the_rest_readable() -> None:
    body = page().replace(b'"tmc_message": [', b'"tmc_message": [null, 7, ').replace(b"T1", b"\xff\xfe")

    found = answers.notices(answers.read(CONSUME, body, leniently=True))

    assert [one.id for one in found if one.confirmable] == ["1", "2"]
    with pytest.raises(Malformed):
        answers.read(CONSUME, body)


def test_messages_without_an_id_are_told_apart_by_their_words() -> None:
    one, two, again = (
        answers.notices(answers.read(CONSUME, page(id="", content=content), leniently=True))[0].id
        for content in ("a", "b", "a")
    )

    assert one == again != two


def test_the_shop_is_what_the_content_says_else_whose_queue_it_is() -> None:
    plain = json.dumps({"apply_id": "A1"})

    found = answers.notices(answers.read(CONSUME, page(content=plain, user_nick="shop_two"), leniently=True))

    assert [one.seller_nick for one in found] == ["shop_two", "shop_one"]
