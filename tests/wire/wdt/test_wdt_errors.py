import json
import time
from pathlib import Path

import pytest

from syncd.domain.trouble import LANE_WIDE, Care, InDoubt, Permanent, Transient
from syncd.wire.wdt.errors import TABLE, UNLISTED, Refusal, classify, of_read, of_write

VECTORS = [
    one
    for one in json.loads((Path(__file__).parents[2] / "data" / "vectors.json").read_text())["vectors"]
    if one["kind"] == "wdt_error_class"
]
CARE = {
    "CFG": Care.SETTINGS,
    "REQ": Care.REFUSED,
    "REQ_SPLIT": Care.SPLIT,
    "CLK": Care.CLOCK,
    "RATE": Care.REST_LANE,
    "TRANS": Care.RETRY_SOON,
    "DOC": Care.DATA,
    "TRANS_ONCE_THEN_DOC": Care.UNCLASSIFIED,
}


def test_all_forty_vectors_are_here():
    assert len(VECTORS) == 40
    assert {one["expected"]["class"] for one in VECTORS} == CARE.keys()


@pytest.mark.parametrize("vector", VECTORS, ids=lambda one: one["id"])
def test_every_known_error_has_its_class_and_its_owner(vector: dict):
    inputs = vector["inputs"]

    rule = classify(inputs["status"], inputs["message"])

    assert rule.wdt_class == vector["expected"]["class"]
    if inputs["status"] != 8:
        assert rule.care is CARE[rule.wdt_class]


def test_every_line_of_the_table_is_reached_by_some_vector():
    reached = {id(classify(one["inputs"]["status"], one["inputs"]["message"])) for one in VECTORS}

    assert [rule for rule in TABLE if id(rule) not in reached] == []


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (100, "单据状态不允许回传"),
        (100, ""),
        (1, "whatever"),
        (-1, ""),
        (9999, "验证失败"),
        (1, "数据库错误"),
        (0, "x"),
    ],
)
def test_what_nobody_told_us_about_is_unclassified(code: int, text: str):
    """F79"""
    assert classify(code, text) is UNLISTED


@pytest.mark.parametrize("text", ["超过每分钟最大调用频率限制，请", "超过每分钟最大并发次数限制,请"])
@pytest.mark.parametrize("code", [100, 1, 99])
def test_throttling_rests_the_lane_for_five_minutes_and_touches_nothing(code: int, text: str):
    """F46, F76: either comma, whatever the code."""
    for trouble in (of_read(Refusal(code, text)), of_write(Refusal(code, text))):
        assert isinstance(trouble, Transient)
        assert (trouble.verdict.care, trouble.verdict.rest_for) == (Care.REST_LANE, 300)


@pytest.mark.parametrize(
    ("code", "text", "read", "write"),
    [
        (7, "时间戳错误", Transient, Transient),  # F77
        (6, "ip限制", Permanent, Transient),  # F78
        (1, "验证失败", Permanent, Transient),  # F78
        (1, "sid is not found", Permanent, Transient),
        (100, "权限不足", Permanent, Transient),
        (8, "版本错误", Permanent, Transient),
        (1, "argument type mismatch", Permanent, Permanent),
        (100, "Data truncation: Data too long for column file_url", Permanent, Permanent),
        (100, "file_urlmust not be null", Permanent, Permanent),
        (100, "您的查询时间过宽,查询时间不能大于30天", Permanent, Permanent),
        (4, "数据库错误", Transient, InDoubt),
        (5, "未知错误1", Transient, InDoubt),
        (99, "其他错误", Transient, InDoubt),
        (1064, "Unknown Database Error", Transient, InDoubt),
        (100, "invalid http status 502", Transient, InDoubt),
        (100, "未知错误", Transient, InDoubt),
        (100, "单据状态不允许回传", Transient, InDoubt),  # F79
    ],
)
def test_a_write_is_in_doubt_unless_the_text_proves_that_nothing_was_applied(
    code: int, text: str, read: type, write: type
):
    assert type(of_read(Refusal(code, text))) is read
    assert type(of_write(Refusal(code, text))) is write


def test_a_transient_refusal_of_a_write_always_concerns_the_whole_lane():
    """Otherwise a stage would repeat a write that the content itself makes impossible."""
    for one in VECTORS:
        trouble = of_write(Refusal(one["inputs"]["status"], one["inputs"]["message"]))
        assert not isinstance(trouble, Transient) or trouble.verdict.care in LANE_WIDE


def test_no_pattern_is_slow_on_a_hostile_text():
    """S35"""
    for text in ("超过每分钟最大" * 20_000, "invalid http status " + "1" * 100_000, "For input string " * 6000):
        started = time.perf_counter()
        classify(100, text)
        assert time.perf_counter() - started < 0.1
