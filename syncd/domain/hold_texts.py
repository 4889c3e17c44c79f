"""Why an order is set aside, and what to do about it, in words a finance clerk understands.

Each hold has two parts, what happened and what to do next. The facts stored with the hold are the format fields; one
that is missing is shown as "?". Where the facts carry a `code`, the code's own text says what happened.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from syncd.domain.code_texts import ASKED_FIRST, CODE_TEXTS, PLACES, Pair
from syncd.domain.lifecycle import Hold
from syncd.domain.red_texts import RED_FORM
from syncd.domain.unfit_texts import FIELD_TEXTS, UNFIT_TEXTS, Unfitness, say

Language = Literal["zh", "en"]


@dataclass(frozen=True, slots=True)
class HoldText:
    """What happened, and what to do next."""

    what: str
    then: str


def sentence(hold: Hold, facts: Mapping[str, object], language: Language = "zh") -> str:
    """Both parts as one text."""
    text = explain(hold, facts, language)
    return f"{text.what}{text.then}" if language == "zh" else f"{text.what} {text.then}"


def explain(hold: Hold, facts: Mapping[str, object], language: Language = "zh") -> HoldText:
    """The sentences for a held order. Never raises, whatever the facts hold."""
    column = 0 if language == "zh" else 1
    what, then = HOLD_TEXTS[hold]
    code = str(facts.get("code", "")) or ("key_taken" if hold is Hold.KEY_COLLISION and "key" in facts else "")
    if code in CODE_TEXTS:
        what, own = CODE_TEXTS[code]
        then = own or then
    elif code in UNFIT_TEXTS:
        return HoldText(_unfit(code, facts, language), _filled(_UNFIT_THEN.get(code, then)[column], facts, column))
    return HoldText(_filled(what[column], facts, column), _filled(then[column], facts, column))


def _unfit(code: str, facts: Mapping[str, object], language: Language) -> str:
    wanted = _fields(UNFIT_TEXTS[code][0]) | _fields(UNFIT_TEXTS[code][1])
    return say(Unfitness(code, tuple((name, str(facts.get(name, "?"))) for name in sorted(wanted))), language)


def _fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


def _filled(template: str, facts: Mapping[str, object], column: int) -> str:
    known = {name: _said(name, facts.get(name), column) for name in _fields(template)}
    return template.format(**known)


def _said(name: str, value: object, column: int) -> str:
    if value is None or value == "":
        return "?"
    text = str(value)
    if name == "fields":
        return ("、", ", ")[column].join(_place(part, column) for part in text.split())
    return _place(text, column) if name == "field" else text


def _place(text: str, column: int) -> str:
    """A field's name for people; one of a line with the line's place. An unknown field keeps its own name."""
    *path, name = text.split(".")
    said = {**FIELD_TEXTS, **PLACES}.get(name, (name, name))[column]
    if len(path) == 2:
        return (f"第 {path[1]} 行{said}", f"{said} of line {path[1]}")[column]
    return said if not path else text


#: What to do about an order that does not fit, where it may be the settings that are wrong.
_UNFIT_THEN: dict[str, Pair] = {
    "seller_differs": (
        (
            "请核对哪一边不对：单据不对，在旺店通改正并保存，系统读到修改后会自动重新处理；账号的税号不对"
            "（设置写错，或各进程配置不一致），请集成方改正设置并重新加载，再执行"
            ' syncd retry --where "code=seller_differs" --dry-run。'
        ),
        (
            "Find out which is wrong. The order: correct it in WDT and save it; it goes on by itself once that is read."
            " The account's tax number (mistyped, or other than other processes have it): the integrator sets it right"
            ' and reloads, then syncd retry --where "code=seller_differs" --dry-run.'
        ),
    ),
}
_CORRECT: Pair = (
    "请在旺店通改正该单据并保存，系统读到修改后会自动重新处理。",
    "Correct the order in WDT and save it; it goes on by itself once the change is read.",
)
_SETTLE: Pair = (
    "请在开票平台核对并处理好，再以“线外已处理”放行。",
    "Settle it at the issuer, then release it as settled outside.",
)

#: Hold → what happened, what to do next; each (Chinese, English).
HOLD_TEXTS: dict[Hold, tuple[Pair, Pair]] = {
    Hold.CANCELLED_AFTER_ISSUE: (
        (
            "发票 {number} 已经开出，但单据在旺店通被取消了。",
            "Invoice {number} was issued, but the order was cancelled in WDT.",
        ),
        (
            "请决定：红冲这张发票，或在旺店通恢复单据后放行，由系统补回传。",
            "Decide: cancel the invoice with a red one, or restore the order in WDT and release it to be written back.",
        ),
    ),
    Hold.FOREIGN_NUMBER: (
        (
            "旺店通里的发票号码是 {wdt_number}，我们开出的是 {number}，两者不一致。",
            "WDT shows invoice number {wdt_number}, ours is {number}; they are not the same.",
        ),
        (
            "可能有人手工开过票：请核对两张发票，多余的一张红冲；处理好后放行。",
            "Somebody may have issued by hand: compare both, cancel the surplus one with a red invoice, then release.",
        ),
    ),
    Hold.KEY_COLLISION: (
        (
            "开票平台以本单流水号查到发票 {number}，内容却不符（{fields}；票面 {issued_total}，应为 {wanted_total}）。",
            (
                "Under this order's key the issuer holds invoice {number}, which differs in: {fields}"
                " (issued {issued_total}, wanted {wanted_total})."
            ),
        ),
        _SETTLE,
    ),
    Hold.CLASS_B_NOT_FOUND: (
        (
            "提交后没有得到答复，平台又查不到；该平台不能防止重复，因此不自动重发。",
            "No answer came and the issuer finds nothing; it does not refuse doubles, so nothing is sent again.",
        ),
        (
            "请在开票平台确认是否已开票。" + ASKED_FIRST[0],
            "Look at the issuer whether it was issued. " + ASKED_FIRST[1],
        ),
    ),
    Hold.CLASS_C_UNKNOWN: (
        (
            "提交结果未知，而该平台无法查询。",
            "Nobody told us what became of the submission, and this issuer cannot be asked.",
        ),
        (
            "请在开票平台确认是否已开票。" + ASKED_FIRST[0],
            "Look at the issuer whether it was issued. " + ASKED_FIRST[1],
        ),
    ),
    Hold.RESTORED_CLASS_C: (
        (
            "数据库由备份恢复，备份之后可能已提交过，而该平台无法查询。",
            "The store was restored from a backup; it may have been submitted since, and this issuer cannot be asked.",
        ),
        (
            "请在开票平台确认是否已开票。" + ASKED_FIRST[0],
            "Look at the issuer whether it was issued. " + ASKED_FIRST[1],
        ),
    ),
    Hold.SPLIT_INVOICES: (
        (
            "开票平台把一张单据拆成了多张发票（{numbers}），旺店通只能回填一个号码。",
            "The issuer made several invoices of one order ({numbers}); WDT can take one number only.",
        ),
        (
            "请在旺店通手工登记，或在开票平台红冲后重开；处理好后以“线外已处理”放行。",
            "Enter them in WDT by hand, or cancel them and issue anew; then release it as settled outside.",
        ),
    ),
    Hold.ISSUED_UNSIGNED: (
        (
            "发票已经开出，但签章一直失败：{text}",
            "The invoice exists, but sealing it keeps failing: {text}",
        ),
        (
            "请联系开票平台补签章，不要重开。" + ASKED_FIRST[0],
            "Have the issuer seal it; do not issue anew. " + ASKED_FIRST[1],
        ),
    ),
    Hold.RED_BLUE_MISMATCH: (
        ("红票与它要冲销的蓝票对不上。", "The red invoice does not fit the blue one it cancels."),
        _CORRECT,
    ),
    Hold.WDT_MISSING: (
        ("旺店通查不到这张单据了。", "WDT no longer knows this order."),
        (
            "请在旺店通确认单据是否被删除或接口授权被收回；恢复后放行。",
            "Look whether it was deleted there or the right to read it was withdrawn; release it once it is back.",
        ),
    ),
    Hold.POISON_ROW: (
        ("单据内容无法开票（{code}）。", "The order cannot be issued as it is ({code})."),
        _CORRECT,
    ),
    Hold.AMOUNT_OVER_LIMIT: (
        ("开票金额 {amount} 超过上限 {limit}。", "The amount {amount} is above the limit of {limit}."),
        (
            "请在旺店通拆单，或请集成方调整 amount_limit 设置后放行。",
            "Split the order in WDT, or have the integrator raise amount_limit, then release it.",
        ),
    ),
    Hold.URL_TOO_LONG: (
        (
            "发票 {number} 的文件地址超过旺店通允许的 255 个字符，无法回传。",
            "The file address of invoice {number} is longer than the 255 characters WDT takes.",
        ),
        (
            "请在旺店通手工登记该号码，再以“线外已处理”放行。",
            "Enter the number in WDT by hand, then release it as settled outside.",
        ),
    ),
    Hold.TOO_MANY_INVOICES: (
        ("一张单据对应的发票数量超过回传上限。", "There are more invoices for this order than can be written back."),
        ("请手工登记，再以“线外已处理”放行。", "Enter them by hand, then release it as settled outside."),
    ),
    Hold.TOP_MISSING_LOOP: (
        (
            "发票已上传给阿里发票中台，但它仍报告缺失。",
            "The invoice was uploaded to Alibaba's invoice centre, which still reports it missing.",
        ),
        ("请在阿里发票中台核对后放行。", "Look at Alibaba's invoice centre, then release it."),
    ),
    Hold.TOP_FOREIGN_INVOICE: (
        (
            "阿里发票中台该申请下的发票不是我们开出的。",
            "Alibaba's invoice centre holds another invoice for this application than ours.",
        ),
        ("请核对是否有人手工上传过发票，处理好后放行。", "Find out who uploaded it; release it when that is settled."),
    ),
    Hold.TOP_CANCELLED: (
        (
            "买家在阿里发票中台取消了申请，而发票已经开出。",
            "The application was cancelled at Alibaba's invoice centre after the invoice was issued.",
        ),
        ("请决定是否红冲，处理好后放行。", "Decide whether to cancel the invoice with a red one, then release it."),
    ),
    Hold.BY_OPERATOR: (
        ("由 {by} 人工挂起：{reason}", "Set aside by {by}: {reason}"),
        ("处理好后放行。", "Release it when that is settled."),
    ),
    Hold.VOIDED_OUTSIDE: (
        ("发票在开票平台被人作废了：{text}", "The invoice was voided at the issuer by somebody: {text}"),
        (
            "请确认作废是有意的；需要重开时请在旺店通另建单据，本单以“线外已处理”放行。",
            "Make sure that was meant; to issue anew make another order in WDT, and release this as settled outside.",
        ),
    ),
    Hold.RED_FORM: RED_FORM,
}
