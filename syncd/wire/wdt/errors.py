"""What WDT's error answers mean: one table, because the code alone says next to nothing.

Status 100 is rate limit, permission, validation and accident in one; only the text tells them apart, and the vendor
prints the same sentence with either comma. Source: the vendor's flagship error page and method pages. Not said
there: numbers of the limits, the text of a write-back refused for its state.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from syncd.domain.trouble import Care, InDoubt, Permanent, Transient, Trouble, Verdict

PLATFORM = "wdt"
#: The vendor: after a rate refusal leave the interface alone for 5 to 10 minutes. Credentials: one probe in five.
REST_FOR = 300.0
CLOCK_REST_FOR = 60.0


class Refusal(Exception):
    """An answer whose status is not 0, before anybody judged it."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(code)
        self.code = code
        self.text = text


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table: `codes` None is any code; `pattern` is searched for in the text, case ignored."""

    codes: frozenset[int] | None
    pattern: str
    wdt_class: str
    care: Care
    rest_for: float | None = None

    def matches(self, code: int, text: str) -> bool:
        return (self.codes is None or code in self.codes) and re.search(self.pattern, text, re.IGNORECASE) is not None


def _rule(codes: tuple[int, ...], pattern: str, wdt_class: str) -> Rule:
    care, rest_for = _CARE[wdt_class]
    return Rule(frozenset(codes) or None, pattern, wdt_class, care, rest_for)


_CARE: dict[str, tuple[Care, float | None]] = {
    "CFG": (Care.SETTINGS, REST_FOR),
    "REQ": (Care.REFUSED, None),
    "REQ_SPLIT": (Care.SPLIT, None),
    "CLK": (Care.CLOCK, CLOCK_REST_FOR),
    "RATE": (Care.REST_LANE, REST_FOR),
    "TRANS": (Care.RETRY_SOON, None),
    "DOC": (Care.DATA, None),
    "TRANS_ONCE_THEN_DOC": (Care.UNCLASSIFIED, None),
}

#: First match wins. The texts are the vendor's literals, cut where parameters and commas begin.
TABLE: tuple[Rule, ...] = (
    _rule((), r"超过每分钟最大(调用频率|并发次数)限制", "RATE"),
    _rule((7,), r"", "CLK"),
    _rule((3, 6), r"", "CFG"),
    Rule(frozenset({8}), r"", "REQ", Care.SETTINGS, REST_FOR),  # a version we do not speak stops every call
    _rule((1,), r"sid is not (exists|found)|验证失败|app auth fail", "CFG"),
    _rule((1,), r"参数错误|参数个数错误|invalid argument count|argument type mismatch|For input string", "REQ"),
    _rule((2,), r"", "REQ"),
    _rule((4, 5, 99, 1064), r"", "TRANS"),
    _rule((100,), r"权限不足|API used internal only", "CFG"),
    _rule((100,), r"查询时间过宽|查询条件太过宽", "REQ_SPLIT"),
    _rule((100,), r"仅支持分页查询|必须包含起止时间|Unparseable date|日期格式不合法", "REQ"),
    _rule((100,), r"must not be null|不能为空|Data truncation|SQL异常", "REQ"),
    _rule((100,), r"单据不存在|未找到符合条件的|未找到对应的单据", "DOC"),
    _rule((100,), r"invalid http status \d+", "TRANS"),
    _rule((100,), r"^未知错误", "TRANS_ONCE_THEN_DOC"),
)
UNLISTED = Rule(None, r"", "UNLISTED", Care.UNCLASSIFIED)

#: Classes after which certainly nothing of a write was applied, and whether the whole lane must rest.
_GATE = frozenset({Care.SETTINGS, Care.CLOCK, Care.REST_LANE})
_SAID_NO = frozenset({Care.REFUSED, Care.SPLIT, Care.DATA})


def classify(code: int, text: str) -> Rule:
    """The line of the table for this answer; `UNLISTED` where there is none."""
    return next((rule for rule in TABLE if rule.matches(code, text)), UNLISTED)


def verdict(refusal: Refusal) -> Verdict:
    """The refusal in the catalogue's words. The text is WDT's own."""
    rule = classify(refusal.code, refusal.text)
    return Verdict(rule.care, PLATFORM, str(refusal.code), refusal.text, rule.rest_for)


def of_read(refusal: Refusal) -> Trouble:
    """Nothing was learned: Permanent where asking the same again cannot help, else Transient."""
    judged = verdict(refusal)
    if judged.care in _SAID_NO or judged.care is Care.SETTINGS:
        return Permanent(judged)
    return Transient(judged)


def of_write(refusal: Refusal) -> Trouble:
    """Transient where the gate stopped it, Permanent where the content did, InDoubt for everything else.

    A database error or a failed upstream may come after some documents were stored.
    """
    judged = verdict(refusal)
    if judged.care in _GATE:
        return Transient(judged)
    return Permanent(judged) if judged.care in _SAID_NO else InDoubt(judged)
