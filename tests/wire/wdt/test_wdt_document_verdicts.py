"""What WDT says about one refused document is judged, so that a stage need not read Chinese."""

from __future__ import annotations

import json

import pytest

from syncd.domain.order import OrderNo
from syncd.domain.trouble import Care
from syncd.wire.wdt.codec import parse_update
from syncd.wire.wdt.errors import of_document

A, B, C = OrderNo("FP1"), OrderNo("FP2"), OrderNo("FP3")


@pytest.mark.parametrize(
    ("text", "care"),
    [
        ("发票不存在!", Care.DATA),
        ("单据不存在", Care.DATA),
        ("file_url不能为空", Care.REFUSED),
        ("权限不足", Care.SETTINGS),
        ("超过每分钟最大调用频率限制,请稍后重试", Care.REST_LANE),
        ("未知错误", Care.UNCLASSIFIED),
        ("单据状态不允许回传!", Care.UNCLASSIFIED),
        ("", Care.UNCLASSIFIED),
    ],
)
def test_a_documents_text_is_judged_as_the_same_text_of_a_whole_call(text: str, care: Care) -> None:
    """F79, F81. The seed's own sample, and what nobody has published."""
    judged = of_document(text)

    assert (judged.care, judged.platform, judged.code, judged.text) == (care, "wdt", "100", text)


def test_every_refused_document_has_a_verdict_and_no_other_has() -> None:
    """F80."""
    body = json.dumps({"status": 0, "data": {"status": 0, "error_info": {"fp1 ": "发票不存在!", "FP2": "星期四不收"}}})

    answer = parse_update(body.encode(), [A, B, C])

    assert answer.verdicts.keys() == answer.refused.keys() == {A, B}
    assert {no: judged.care for no, judged in answer.verdicts.items()} == {A: Care.DATA, B: Care.UNCLASSIFIED}
    assert {no: judged.text for no, judged in answer.verdicts.items()} == answer.refused


def test_an_accepted_batch_has_no_verdicts() -> None:
    assert parse_update(b'{"status":0,"error_info":{}}', [A]).verdicts == {}
