"""Messages found in files, whoever wrote them."""

from __future__ import annotations

import json
import time

import pytest

from syncd.catalogue.messages import Message, plain, read_line, top_text, without_numbers
from syncd.domain.trouble import Care, Verdict


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("wdt 100: 权限不足", Message("wdt", "100", "权限不足")),
        ("  WDT  7 :时间戳错误 ", Message("wdt", "7", "时间戳错误")),
        ("nuonuo E9500", Message("nuonuo", "E9500", "")),
        ("nuonuo status 99: x", Message("nuonuo", "status 99", "x")),
        ("top 15: isv.a-not-exist:b c", Message("top", "15", "isv.a-not-exist:b c")),
        ('{"platform": "wdt", "code": 100, "text": "权限不足"}', Message("wdt", "100", "权限不足")),
        ('{"platform": "wdt", "status": 100, "message": "权限不足"}', Message("wdt", "100", "权限不足")),
        ('{"platform": "nuonuo", "code": "E9601", "describe": "忙"}', Message("nuonuo", "E9601", "忙")),
        (
            '{"platform":"top","code":15,"msg":"Remote service error","sub_code":"isv.x","sub_msg":"非法"}',
            Message("top", "15", "isv.x 非法"),
        ),
        ('{"platform":"top","code":7,"msg":"App Call Limited"}', Message("top", "7", "App Call Limited")),
        ('{"status": 100, "message": "权限不足"}', Message("wdt", "100", "权限不足")),
        ('{"code": "E9106", "describe": "x", "result": {}}', Message("nuonuo", "E9106", "x")),
        ('{"error_response": {"code": 27, "msg": "Invalid session"}}', Message("top", "27", "Invalid session")),
        ('{"code": "100"}', Message("?", "100", "")),
        ("no message of anybody: 1", Message("no", "message of anybody", "1")),
        ("只有文字", Message("?", "?", "只有文字")),
        ("{broken", Message("?", "?", "{broken")),
        ("", None),
        ("   ", None),
        ("# wdt 100: x", None),
    ],
)
def test_a_line_is_one_message_or_none(line: str, message: Message | None) -> None:
    assert read_line(line) == message


@pytest.mark.parametrize(
    ("event", "fields", "message"),
    [
        ("lane.rested", {"lane": "m001/wdt", "code": "7", "why": "时间戳错误"}, Message("wdt", "7", "时间戳错误")),
        ("lane.rested", {"lane": "a/b/main", "code": "E9301", "why": "x"}, Message("nuonuo", "E9301", "x")),
        ("lane.rested", {"lane": "m001/top", "code": "7", "why": "x"}, Message("top", "7", "x")),
        ("top.troubled", {"code": "15", "text": "isv.x y"}, Message("top", "15", "isv.x y")),
        ("wdt.read_retried", {"sid": "s", "code": "4"}, Message("wdt", "4", "")),
        ("write_back.unknown", {"cause": "timeout"}, Message("wdt", "timeout", "")),
        ("issue.unclassified", {"code": "E9777", "text": "什么"}, Message("nuonuo", "E9777", "什么")),
        ("collect.failed", {"code": "22"}, Message("nuonuo", "22", "")),
        ("unit.troubled", {"why": "wdt 100: 未知错误"}, Message("wdt", "100", "未知错误")),
        ("unit.troubled", {"why": "database is locked"}, None),
        ("write_back.postponed", {"why": "file_pending"}, None),
        ("order.held", {"code": "gross_total_differs"}, None),
        ("push.submitted", {"answer": "Processing"}, None),
    ],
)
def test_of_our_own_log_only_what_repeats_a_party_is_read(
    event: str, fields: dict[str, str], message: Message | None
) -> None:
    line = json.dumps({"at": "2026-11-20T04:00:00Z", "level": "info", "event": event, **fields}, ensure_ascii=False)

    assert read_line(line) == message


def test_a_verdict_written_out_is_read_back() -> None:
    verdict = Verdict(Care.UNCLASSIFIED, "wdt", "100", "单据状态不允许回传!")

    assert plain(str(verdict)) == Message("wdt", "100", "单据状态不允许回传!")


def test_the_same_words_about_two_orders_are_one_kind() -> None:
    one, other = read_line("wdt 100: 单据FP202611200017不存在"), read_line("wdt 100: 单据FP202611200018不存在")

    assert one is not None
    assert other is not None
    assert one.kind == other.kind
    assert one != other


@pytest.mark.parametrize(
    ("text", "without"),
    [
        ("税号91310000MA1K00000X有误", "税号#有误"),
        ("订单 FP202611200017 重复", "订单 # 重复"),
        ("不能大于30天，第 12 行", "不能大于30天，第 12 行"),
        ("invalid http status 502", "invalid http status 502"),
        ("", ""),
    ],
)
def test_long_numbers_are_nobodys_business(text: str, without: str) -> None:
    assert without_numbers(text) == without


def test_the_text_of_top_is_what_stands_behind_the_code() -> None:
    assert top_text("isv.x", "非法", "Remote service error") == "isv.x 非法"
    assert top_text("", "", "App Call Limited") == "App Call Limited"


@pytest.mark.parametrize("word", ["a ", " ", "1", "a:", "{", '{"a":', "wdt ", "wdt\t"])
def test_no_line_keeps_the_reader_busy(word: str) -> None:
    """S35"""
    line = "wdt " + (word * (100_000 // len(word)))

    started = time.perf_counter()
    read_line(line)
    without_numbers(line)

    assert time.perf_counter() - started < 0.25
