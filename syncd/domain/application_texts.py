"""Why a buyer's application at the invoice centre waits for a person, and what to do, in a clerk's words.

The facts stored with the hold are the format fields; one that is missing is shown as "?".
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from typing import Literal

from syncd.domain.application import Stuck

Language = Literal["zh", "en"]
#: What happened, and what to do next, each in (Chinese, English).
Pair = tuple[str, str]

_RETRY: Pair = (
    "处理好后执行 syncd link --retry {apply_id}。",
    "When that is done: syncd link --retry {apply_id}.",
)
_COMPARE: Pair = (
    "请核对两边；关联有误时 syncd link --remove 后重新关联，确属本单则 syncd link --retry {apply_id} --as-it-is。",
    (
        "Compare the two. If the link is wrong, take it back with syncd link --remove and link again; if it is right"
        " after all: syncd link --retry {apply_id} --as-it-is."
    ),
)
_SETTLED: Pair = (
    "请在阿里发票中台处理完毕，再执行 syncd link --settled {apply_id}。",
    "Settle it at the invoice centre, then: syncd link --settled {apply_id}.",
)

TEXTS: Mapping[Stuck, tuple[Pair, Pair]] = {
    Stuck.MISSING_LOOP: (
        (
            "发票 {invoices} 已回传，但平台多次查询仍称未归集。",
            "The centre was given {invoices} and still says, time and again, that it has not collected them.",
        ),
        (
            "请核对平台上的号码与代码写法（见 digital_invoice_code 设置）。" + _RETRY[0],
            "Look how the centre spells number and code (setting digital_invoice_code). " + _RETRY[1],
        ),
    ),
    Stuck.FOREIGN_INVOICE: (
        (
            "平台称还缺发票 {foreign}，但这不是我们为该申请开的票；不会上传，更不会因此开票。",
            (
                "The centre wants {foreign}, which is none of the invoices we issued for this application: it is"
                " neither returned nor ever issued for that."
            ),
        ),
        (
            "请查明是谁开的票、由谁回传。" + _RETRY[0],
            "Find out whose it is and who returns it. " + _RETRY[1],
        ),
    ),
    Stuck.CANCELLED: (
        (
            "买家已取消该申请，但发票 {invoices} 已经开出。",
            "The buyer withdrew this application after {invoices} had been issued.",
        ),
        (
            "可能需要红冲，请与买家确认。" + _SETTLED[0],
            "A red invoice may be needed: ask the buyer. " + _SETTLED[1],
        ),
    ),
    Stuck.TOO_MANY_INVOICES: (
        (
            "该申请共有 {count} 张发票，超过平台一次可报的 {most} 张；不会截断上报。",
            (
                "{count} invoices belong to this application, and the centre takes {most} at once: none is left out"
                " silently, so nothing is sent."
            ),
        ),
        _SETTLED,
    ),
    Stuck.BY_HAND: (
        (
            "平台缺发票 {invoices}，而设置 return_api = none，须人工回传。",
            "The centre lacks {invoices}, and by the setting return_api = none a person returns them.",
        ),
        (
            "请在平台回传这些发票。" + _RETRY[0],
            "Return them at the centre. " + _RETRY[1],
        ),
    ),
    Stuck.NO_FILE: (
        (
            "平台缺发票 {invoices}，但版式文件取不到（{why}），没有文件不能回传。",
            (
                "The centre lacks {invoices}, whose files could not be fetched ({why}); without its file an electronic"
                " invoice cannot be returned."
            ),
        ),
        (
            "请在开票平台确认文件可下载，或人工回传。" + _RETRY[0],
            "See that the files can be downloaded from the issuer, or return them by hand. " + _RETRY[1],
        ),
    ),
    Stuck.CONTRADICTION: (
        (
            "平台多次答复“未完成”，却没有说缺哪张发票（请求号 {request_id}）。",
            'The centre answered "not done" several times and named nothing that is missing (request {request_id}).',
        ),
        (
            "请凭请求号询问平台。" + _RETRY[0],
            "Ask the centre, quoting the request. " + _RETRY[1],
        ),
    ),
    Stuck.ENDED_OTHERWISE: (
        (
            "平台显示该申请已以“{status}”结束，与我们的结果（{invoices}）不符。",
            'The centre shows this application ended as "{status}", which is not how it ended with us ({invoices}).',
        ),
        _SETTLED,
    ),
    Stuck.UNKNOWN: (
        (
            "平台查不到申请 {apply_id}，可能关联时写错。",
            "The centre knows no application {apply_id}: the link may be mistyped.",
        ),
        (
            "用 syncd link --remove 取消后重新关联；确认无误则 syncd link --retry {apply_id}。",
            "Take the link back with syncd link --remove and link again; or: syncd link --retry {apply_id}.",
        ),
    ),
    Stuck.AMOUNT_DIFFERS: (
        (
            "平台申请金额 {theirs} 元，我们开出的合计 {ours} 元。",
            "The application asks for {theirs}, and the invoices for it come to {ours}.",
        ),
        _COMPARE,
    ),
    Stuck.PAYER_DIFFERS: (
        (
            "平台申请的购方（{theirs}）与所开发票的购方（{ours}）不同。",
            "The application names another buyer ({theirs}) than the invoices ({ours}).",
        ),
        _COMPARE,
    ),
    Stuck.PARTLY_FAILED: (
        (
            "该申请的单据中 {issued} 单已开票、{failed} 单最终失败，既不能报全部成功也不能报失败。",
            (
                "Of the orders of this application {issued} were issued and {failed} failed for good: neither success"
                " nor failure can be told."
            ),
        ),
        (
            "请让失败单据重新开票，或取消其关联，或设置 part_success = true。" + _RETRY[0],
            "Have the failed ones issued, or take back their links, or set part_success = true. " + _RETRY[1],
        ),
    ),
    Stuck.ORDER_CANCELLED: (
        (
            "关联的单据 {orders} 已在旺店通取消。",
            "The linked orders {orders} were cancelled in WDT.",
        ),
        (
            "其余发票即为全部时，用 syncd link --remove 取消其关联；否则在平台处理后 syncd link --settled {apply_id}。",
            (
                "If the other invoices are all there is, take back the link with syncd link --remove; else settle it at"
                " the centre, then: syncd link --settled {apply_id}."
            ),
        ),
    ),
    Stuck.REFUSED: (
        ("平台拒绝：{text}（{call}）。", "The centre refused: {text} ({call})."),
        _RETRY,
    ),
    Stuck.UNCLASSIFIED: (
        (
            "平台的答复无人认识：{text}（{call}），不会自动重试。",
            "The centre said something nobody has classified: {text} ({call}). It is not tried again by itself.",
        ),
        _RETRY,
    ),
    Stuck.TROUBLE: (
        (
            "平台对该申请连续出错：{text}（{call}）。",
            "The centre fails at this one application, again and again: {text} ({call}).",
        ),
        _RETRY,
    ),
    Stuck.REVERSED: (
        (
            "关联的发票 {invoices} 已被红字发票冲红，尚未告知平台，不再自动回传成功。",
            "Red invoices cancelled the linked {invoices} before the centre was told: it is told no success.",
        ),
        _SETTLED,
    ),
    Stuck.ROW_CHANGED: (
        (
            "单据 {orders} 在旺店通的内容已不是开票时的内容，不能据此回传发票。",
            "WDT's row of {orders} no longer says what was issued, so the invoice cannot be returned from it.",
        ),
        (
            "请人工回传，或在旺店通改回。" + _RETRY[0],
            "Return it by hand, or put the row right in WDT. " + _RETRY[1],
        ),
    ),
}


def explain(stuck: Stuck, apply_id: str, facts: Mapping[str, object], language: Language = "zh") -> tuple[str, str]:
    """What happened and what to do next. Never raises, whatever the facts hold."""
    column = 0 if language == "zh" else 1
    what, then = TEXTS[stuck]
    known = {**facts, "apply_id": apply_id}
    return _filled(what[column], known), _filled(then[column], known)


def sentence(stuck: Stuck, apply_id: str, facts: Mapping[str, object], language: Language = "zh") -> str:
    """Both parts as one text."""
    what, then = explain(stuck, apply_id, facts, language)
    return f"{what}{then}" if language == "zh" else f"{what} {then}"


def _filled(template: str, facts: Mapping[str, object]) -> str:
    wanted = {name for _, name, _, _ in string.Formatter().parse(template) if name}
    return template.format(**{name: facts.get(name) or "?" for name in wanted})
