"""What people are told, in Chinese and English: what, since when, how many, what to do now, and where to read on.

Names of lanes and merchants, counts and codes go in; no buyer, no tax number, no text of a party.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from syncd.domain.clock import BEIJING
from syncd.domain.lifecycle import Hold
from syncd.watch.alerts import RUNBOOKS, Edge, Kind, Message
from syncd.watch.redaction import masked

Language = Literal["zh", "en"]
Pair = tuple[str, str]

_MOST_NAMED = 10
_LONGEST_CODE = 60

#: What it is, as the title says it; then what to do now.
TEXTS: Mapping[Kind, tuple[Pair, Pair]] = {
    Kind.SECOND_INVOICE: (
        ("一单两票：{count} 张单据", "Two invoices for one order: {count} orders"),
        (
            (
                "立即处理：syncd orders list --state HOLD 找出单据，syncd explain 单号 查看两个发票号，"
                "到开票平台红冲多余的一张。"
            ),
            (
                "Act now: find them with `syncd orders list --state HOLD`, see both numbers with `syncd explain NO`,"
                " and cancel the surplus invoice with a red one at the issuer."
            ),
        ),
    ),
    Kind.LANE_PERSON: (
        (
            "需要人工：{count} 条通道停在登录、凭据或额度上",
            "A person is needed: {count} lanes stopped at login, credentials or quota",
        ),
        (
            (
                "看 syncd lane list 的原因，到平台登录或更新凭据；之后自动恢复，或用 syncd lane resume 通道 立即恢复。"
                "单据只是等待，不会失败。"
            ),
            (
                "Read the reason in `syncd lane list`, then log in there or renew the credentials. The lane recovers by"
                " itself, at once with `syncd lane resume LANE`. The orders wait; none fails."
            ),
        ),
    ),
    Kind.LANE_RESTING: (
        ("{count} 条通道长时间暂停", "{count} lanes have rested for long"),
        (
            "多为限流、对方不可达或本机时钟偏差：看 syncd lane list 与 syncd check。单据只是等待，不会失败。",
            "Throttled, out of reach, or a wrong clock: see `syncd lane list`, `syncd check`. Orders wait; none fails.",
        ),
    ),
    Kind.HELD: (
        ("{count} 张单据挂起", "{count} orders held"),
        (
            "syncd orders list --state HOLD 列出单据与原因，syncd explain 单号 说明怎么办。",
            "`syncd orders list --state HOLD` names them with the reasons, `syncd explain NO` says what to do.",
        ),
    ),
    Kind.UNKNOWN: (
        ("开票结果超过 15 分钟未知：{count} 个商户", "Outcomes unknown for too long: {count} merchants"),
        (
            "程序会一直查询，绝不盲目重发，请勿在开票平台手工补开。看 syncd lane list 与开票平台是否可用。",
            (
                "It goes on asking and never sends blind; do not issue by hand at the issuer. See `syncd lane list`,"
                " and whether the issuer answers at all."
            ),
        ),
    ),
    Kind.CURSOR: (
        ("待开票单停止拉取：{count} 个商户", "Orders are read no more: {count} merchants"),
        (
            "看 syncd status 与 syncd check；恢复后从原处续读，不会漏单。",
            "See `syncd status` and `syncd check`. It goes on where it stood; nothing is skipped.",
        ),
    ),
    Kind.DISARMED: (
        ("未武装：只读取，不开票也不回传", "Disarmed: it reads, and sends nothing"),
        (
            "这是还原或复制的存储时的保护。确认没有另一个实例在运行后，按手册重新武装。",
            "This protects a restored or copied store. Make sure no other instance runs, then follow the runbook.",
        ),
    ),
    Kind.STORE: (
        ("存储异常", "Trouble with the store"),
        (
            "看磁盘空间（df）与 syncd db check；空间恢复后自动继续。重启或强制结束都是安全的。",
            (
                "Look at the disk (`df`) and `syncd db check`. It goes on by itself once there is room. Restarting or"
                " killing it is safe."
            ),
        ),
    ),
}

#: Why orders are held, in a word or two.
HOLDS: Mapping[Hold, Pair] = {
    Hold.POISON_ROW: ("数据有误", "bad data"),
    Hold.AMOUNT_OVER_LIMIT: ("超过限额", "over the limit"),
    Hold.RED_BLUE_MISMATCH: ("红票", "red orders"),
    Hold.KEY_COLLISION: ("流水号冲突", "key collision"),
    Hold.FOREIGN_NUMBER: ("旺店通为他人发票号", "foreign number in WDT"),
    Hold.CANCELLED_AFTER_ISSUE: ("开票后取消", "cancelled after issue"),
    Hold.SPLIT_INVOICES: ("一单多票", "several invoices"),
    Hold.ISSUED_UNSIGNED: ("未签章", "not sealed"),
    Hold.VOIDED_OUTSIDE: ("已在平台作废", "voided at the issuer"),
    Hold.RED_FORM: ("红字确认单", "red confirmation forms"),
    Hold.URL_TOO_LONG: ("版式文件地址过长", "address too long"),
    Hold.WDT_MISSING: ("旺店通查无此单", "missing in WDT"),
    Hold.CLASS_B_NOT_FOUND: ("平台查无此票", "not found at the issuer"),
    Hold.CLASS_C_UNKNOWN: ("结果无法查询", "outcome cannot be asked"),
    Hold.RESTORED_CLASS_C: ("还原后无法查询", "restored, cannot be asked"),
    Hold.TOO_MANY_INVOICES: ("发票过多", "too many invoices"),
    Hold.TOP_MISSING_LOOP: ("阿里反复报缺票", "Alibaba misses it again and again"),
    Hold.TOP_FOREIGN_INVOICE: ("阿里已有他票", "foreign invoice at Alibaba"),
    Hold.TOP_CANCELLED: ("申请已取消", "application cancelled"),
    Hold.BY_OPERATOR: ("人工挂起", "set aside by a person"),
}
#: What is held beside orders.
_APPLICATIONS: Pair = ("阿里发票申请", "applications at Alibaba")
_PARTS: Mapping[str, Pair] = {
    "unreadable": ("数据库无法读取", "the database does not answer"),
    "disk": ("磁盘将满或只读", "the disk is nearly full"),
    "wal": ("预写日志（WAL）过大", "the write-ahead log grows"),
}
_WORDS: Mapping[str, Pair] = {
    "began": ("【告警】", "[alert] "),
    "grew": ("【告警·增加】", "[alert, more] "),
    "over": ("【已恢复】", "[over] "),
    "since": ("开始：{at}（北京时间）", "Since: {at} (Beijing time)"),
    "about": ("涉及：{names}", "Which: {names}"),
    "and_more": ("{names} 等共 {count} 个", "{names} and {more} more"),
    "waiting": ("等待中的单据：{n} 张", "Orders waiting: {n}"),
    "codes": ("平台代码：{codes}", "Codes: {codes}"),
    "reasons": ("原因：{reasons}", "Reasons: {reasons}"),
    "do": ("怎么办：{text}", "What to do: {text}"),
    "runbook": ("手册：docs/runbooks/{file}", "Runbook: docs/runbooks/{file}"),
    "lasted": ("持续：{span}", "It lasted {span}"),
    "test.title": ("测试消息", "a test"),
    "test.body": ("收到这条消息，说明告警渠道可用。", "If you read this, the alert channel works."),
}


def title(message: Message, language: Language, place: str) -> str:
    """One line: whether it began or is over, what, and which installation says so."""
    column = _column(language)
    what = TEXTS[message.kind][0][column].format(count=message.count)
    return f"{_WORDS[message.edge][column]}{what} · syncd {place}"


def body(message: Message, language: Language, now: datetime) -> str:
    """The lines below the title."""
    column = _column(language)

    def word(name: str, **fields: object) -> str:
        return _WORDS[name][column].format(**fields)

    lines = [word("since", at=_beijing(message.since))]
    if message.about:
        lines.append(word("about", names=_names(message, column)))
    if message.edge is Edge.OVER:
        return "\n".join([*lines, word("lasted", span=_span(now, message.since))])
    lines += _figures(message, column)
    lines.append(word("do", text=TEXTS[message.kind][1][column]))
    lines.append(word("runbook", file=RUNBOOKS[message.kind]))
    return "\n".join(lines)


def trial(language: Language, place: str) -> Pair:
    """Title and body of what `syncd alerts test` sends."""
    column = _column(language)
    return f"syncd {place} · {_WORDS['test.title'][column]}", _WORDS["test.body"][column]


def _column(language: Language) -> int:
    return 0 if language == "zh" else 1


def _names(message: Message, column: int) -> str:
    shown = [_PARTS[one][column] if one in _PARTS else one for one in message.about[:_MOST_NAMED]]
    names = ("、" if column == 0 else ", ").join(shown)
    more = len(message.about) - _MOST_NAMED
    return names if more <= 0 else _WORDS["and_more"][column].format(names=names, count=len(message.about), more=more)


def _figures(message: Message, column: int) -> list[str]:
    facts = dict(message.facts)
    if message.kind is Kind.HELD:
        reasons = [f"{count} {_reason(reason)[column]}" for reason, count in facts.items()]
        return [_WORDS["reasons"][column].format(reasons=("，" if column == 0 else ", ").join(reasons))]
    lines = []
    if "waiting" in facts:
        lines.append(_WORDS["waiting"][column].format(n=facts["waiting"]))
    if facts.get("codes"):
        lines.append(_WORDS["codes"][column].format(codes=masked(facts["codes"])[:_LONGEST_CODE]))
    return lines


def _beijing(at: datetime) -> str:
    return at.astimezone(BEIJING).strftime("%Y-%m-%d %H:%M")


def _span(now: datetime, since: datetime) -> str:
    minutes = max(int((now - since).total_seconds()) // 60, 0)
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    return " ".join(f"{n}{unit}" for n, unit in ((days, "d"), (hours, "h"), (minutes, "min")) if n) or "< 1 min"


def _reason(reason: str) -> Pair:
    if reason == "application":
        return _APPLICATIONS
    return HOLDS[Hold(reason)] if reason in HOLDS else (reason, reason)
