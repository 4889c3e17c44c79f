from __future__ import annotations

import pytest

from syncd.domain.outcome import AlreadyReversed, Blocked, Duplicate, Failed, NotFound, Processing, Refused, Unknown
from syncd.domain.trouble import LANE_WIDE, Care, Verdict
from syncd.wire.issuers.nuonuo.errors import CODES, Meaning, Said, after_revive, after_submit, verdict

DATA = [
    "E4000", "E9101", "E9102", "E9104", "E9105", "E9107", "E9108", "E9110", "E9111", "E9112", "E9114",
    *(f"E{number}" for number in range(9121, 9132)), "E9138", "E9154",
]  # fmt: skip
RED = ["E9113", *(f"E{number}" for number in range(9115, 9121))]
SETTINGS = ["E9301", "E9302", "E9338", "070101", "070304", "070305", "070307"]


def test_the_table_holds_exactly_the_published_codes() -> None:
    others = {"E0000", "E9103", "E9106", "E9500", "070306", "E9613", "E9601", "E9999"}

    assert set(CODES) == {*DATA, *RED, *SETTINGS} | others


def test_accepted_is_not_issued() -> None:
    said = Said("E0000", "开票提交成功", {"invoiceSerialNum": "S1"})

    assert after_submit(said) == Processing("S1")


@pytest.mark.parametrize("result", [None, [], {}, {"invoiceSerialNum": None}, "S1"])
def test_accepted_without_a_serial_is_accepted(result: object) -> None:
    assert after_submit(Said("E0000", "", result)) == Processing("")


def test_a_used_order_number_is_a_question_and_no_refusal() -> None:
    assert after_submit(Said("E9106", "订单编号不能重复")) == Duplicate()


@pytest.mark.parametrize("code", DATA + RED)
def test_a_permanent_code_refuses_the_submission(code: str) -> None:
    assert after_submit(Said(code, "购方信息不正确")) == Refused(code, "购方信息不正确")


def test_a_blue_that_is_reversed_already_is_no_refusal_of_the_red() -> None:
    """Perhaps this very order reversed it: what exists under its key decides."""
    assert after_submit(Said("E9103", "该发票不能重复冲红")) == AlreadyReversed("E9103", "该发票不能重复冲红")


@pytest.mark.parametrize("code", SETTINGS)
def test_what_is_not_the_invoices_fault_rests_the_seller(code: str) -> None:
    outcome = after_submit(Said(code, "x"))

    assert outcome == Blocked(Verdict(Care.SETTINGS, "nuonuo", code, "x", 300.0))


def test_a_used_up_token_quota_waits_for_a_person() -> None:
    assert after_submit(Said("070306", "x")) == Blocked(Verdict(Care.PERSON, "nuonuo", "070306", "x", 3600.0))


@pytest.mark.parametrize("code", ["E9601", "E9999", "E9500", "E9613"])
def test_a_code_that_does_not_settle_the_submission_is_unknown(code: str) -> None:
    assert after_submit(Said(code, "系统异常")) == Unknown(f"code {code}")


@pytest.mark.parametrize("code", ["E9777", "", "S0000"])
def test_a_code_nobody_has_listed_is_unknown_and_carries_the_issuers_own_word(code: str) -> None:
    """So that a stage can see that nothing may be sent again on account of it."""
    unheard = Verdict(Care.UNCLASSIFIED, "nuonuo", code, "系统异常")

    assert after_submit(Said(code, "系统异常")) == Unknown(f"code {code}", unclassified=unheard)
    assert after_revive(Said(code, "系统异常")) == Unknown(f"code {code}", unclassified=unheard)


@pytest.mark.parametrize("text", ["发票已生成，无需再重试开票", "开票中，请耐心等待开票结果"])
def test_an_answer_that_only_says_under_way_is_known(text: str) -> None:
    assert after_revive(Said("E9777", text)) == Unknown("code E9777")


@pytest.mark.parametrize("text", ["可用授信额度不足", "剩余额度不足，请调整"])
def test_a_used_up_credit_line_waits_for_a_person_at_the_tax_bureau(text: str) -> None:
    outcome = after_submit(Said("E9777", text))

    assert isinstance(outcome, Blocked)
    assert outcome.verdict.care is Care.PERSON


@pytest.mark.parametrize(
    "text",
    [
        "开票员未登录电子税务局，请先登录",
        "请重新登陆",
        "请扫码",
        "需要人脸识别",
        "实名认证已过期",
        "Please LOGIN first",
    ],
)
@pytest.mark.parametrize("code", ["E9777", "E9999"])
def test_a_gone_drawer_is_told_by_the_text_where_the_code_says_nothing(code: str, text: str) -> None:
    outcome = after_submit(Said(code, text))

    assert outcome == Blocked(Verdict(Care.PERSON, "nuonuo", code, text, 300.0))


def test_the_same_words_under_a_code_of_its_own_change_nothing() -> None:
    assert after_submit(Said("E9101", "登录名不正确")) == Refused("E9101", "登录名不正确")


@pytest.mark.parametrize("text", ["请求过于频繁", "接口限流", "Too Many Requests"])
def test_a_pacing_text_rests_the_lane(text: str) -> None:
    outcome = after_submit(Said("E9777", text))

    assert isinstance(outcome, Blocked)
    assert outcome.verdict.care is Care.REST_LANE


@pytest.mark.parametrize("code", [*CODES, "E9777"])
def test_no_answer_to_a_revival_ends_the_life_of_an_invoice_that_exists(code: str) -> None:
    assert not isinstance(after_revive(Said(code, "x")), Refused | Failed | NotFound)


def test_an_accepted_revival_is_under_way() -> None:
    assert after_revive(Said("E0000", "", {"invoiceSerialNum": "S1"})) == Processing("S1")
    assert after_revive(Said("E9613", "该发票今日重试次数已达上限")) == Unknown("code E9613")


@pytest.mark.parametrize("code", list(CODES))
def test_a_lane_wide_verdict_says_how_long_to_rest(code: str) -> None:
    found = verdict(Said(code, "x"))

    assert found.care not in LANE_WIDE or found.rest_for or CODES[code].meaning is Meaning.LIMIT


def test_an_unlisted_code_is_unclassified() -> None:
    assert verdict(Said("E9777", "什么")) == Verdict(Care.UNCLASSIFIED, "nuonuo", "E9777", "什么")
