"""Why an invoice order must wait for a person, in words a finance clerk understands.

Codes are stable: the store keeps them, the console and the command line say them. A fact called `field` names a WDT
field: `sum_price` in the header, `detail_list.2.sum_price` in the second line (lines count from 1).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

_FACT_LIMIT = 60


@dataclass(frozen=True, slots=True)
class Unfitness:
    """An order that must be held; never repaired by us. `facts` name the places and the figures that disagree.

    Facts of `seller_differs` hold tax numbers: show them to people, keep them out of logs.
    """

    code: str
    facts: tuple[tuple[str, str], ...] = ()


def unfit(code: str, **facts: str | int | Decimal) -> Unfitness:
    """The hold `code` with its facts as text, each cut to a length that a line on the console can take."""
    return Unfitness(code, tuple((name, _said(value)) for name, value in facts.items()))


def _said(value: str | int | Decimal) -> str:
    """Hostile input may hold an integer too long for Python to print, or 5,000 decimals."""
    text = "…" if isinstance(value, int) and value.bit_length() > 64 else str(value)
    return text if len(text) <= _FACT_LIMIT else text[: _FACT_LIMIT - 1] + "…"


def say(unfitness: Unfitness, language: Literal["zh", "en"] = "zh") -> str:
    """The sentence for a person, with the facts in it and WDT's field names translated."""
    column = 0 if language == "zh" else 1
    facts = dict(unfitness.facts)
    if "field" in facts:
        facts["field"] = _place(facts["field"], column)
    return UNFIT_TEXTS[unfitness.code][column].format(**facts)


def _place(field: str, column: int) -> str:
    """`detail_list.2.tax` as "第 2 行税额" or "tax of line 2"; an unknown field keeps its own name."""
    *path, name = field.split(".")
    said = FIELD_TEXTS.get(name, (name, name))[column]
    if not path:
        return said
    return (f"第 {path[-1]} 行{said}", f"{said} of line {path[-1]}")[column]


#: WDT field → (Chinese, English), after the titles of seed wdt-search §4.
FIELD_TEXTS: dict[str, tuple[str, str]] = {
    "goods_amount": ("货品合计金额", "goods amount"),
    "goods_tax": ("货品合计税额", "goods tax"),
    "discount": ("税前折扣金额", "discount before tax"),
    "discount_tax": ("折扣税额", "discount tax"),
    "sum_price": ("税前金额", "amount before tax"),
    "sum_tax": ("实际合计税额", "total tax"),
    "invoice_amount": ("开票金额", "invoice amount"),
    "tax": ("税额", "tax"),
    "sum_amount": ("价税合计", "amount with tax"),
    "num": ("数量", "quantity"),
    "price": ("税前单价", "unit price before tax"),
    "item_name": ("发票项目名称", "item name"),
    "item_no": ("发票项目编码（规格）", "item number (specification)"),
    "unit_name": ("单位", "unit"),
    "tax_code": ("税务编码", "tax code"),
    "payer_name": ("购买方名称", "buyer's name"),
    "payer_register_no": ("购买方税号", "buyer's tax number"),
    "payer_address": ("购买方地址", "buyer's address"),
    "payer_phone": ("购买方电话", "buyer's phone"),
    "payer_bank": ("购买方开户行", "buyer's bank"),
    "payer_account": ("购买方银行账号", "buyer's bank account"),
    "payer_email": ("购买方邮箱", "buyer's e-mail"),
    "payee_name": ("销售方名称", "seller's name"),
    "payee_register_no": ("销售方税号", "seller's tax number"),
    "payee_address": ("销售方地址", "seller's address"),
    "payee_telno": ("销售方电话", "seller's phone"),
    "payee_bank_name": ("销售方开户行", "seller's bank"),
    "payee_bank_account": ("销售方银行账号", "seller's bank account"),
    "payee_operator": ("开票人", "drawer"),
    "payee_receiver": ("收款人", "payee"),
    "payee_checker": ("复核人", "checker"),
    "invoice_remark": ("发票备注", "remark"),
    "relation_invoice_no_out": ("关联发票号码", "number of the related invoice"),
    "relation_invoice_code": ("关联发票代码", "code of the related invoice"),
}

#: Hold code → (Chinese, English) with the facts as format fields.
UNFIT_TEXTS: dict[str, tuple[str, str]] = {
    "text_unusable": (
        "{field}含有无法识别的字符（损坏的编码），请在旺店通重新填写。",
        "The {field} holds broken characters; type it anew in WDT.",
    ),
    "type_unknown": (
        "发票类型“{invoice_type}”无法识别，无法确定开哪种发票。",
        "The invoice type {invoice_type!r} is unknown, so the kind of invoice is not known.",
    ),
    "business_type_unknown": (
        "开票类型“{business_type}”无法识别，应为 0（个人）或 1（企业）。",
        "The business type {business_type} is unknown; it should be 0 (person) or 1 (company).",
    ),
    "seller_differs": (
        "单据的销售方税号 {given} 与开票账号的税号 {ours} 不一致。",
        "The order's seller tax number {given} is not {ours}, the one this issuer account issues for.",
    ),
    "buyer_name_missing": ("购买方名称（抬头）为空。", "The buyer's name is blank."),
    "buyer_name_too_long": (
        "购买方名称有 {length} 个字，超过 {limit} 个字；名称不能截断，请修改。",
        "The buyer's name has {length} characters, more than {limit}; a name is never cut, please correct it.",
    ),
    "buyer_tax_no_missing": (
        "企业抬头或专用发票必须有购买方税号，单据中为空。",
        "A company buyer or a special invoice needs the buyer's tax number; it is blank.",
    ),
    "buyer_tax_no_malformed": (
        "购买方税号格式不对（现有 {length} 位）：应为 15 至 20 位数字或字母。",
        "The buyer's tax number ({length} characters) should be 15 to 20 digits and letters.",
    ),
    "buyer_tax_no_check_digit": (
        "购买方税号的校验位不对，可能输错了一位。",
        "The check digit of the buyer's tax number is wrong; a character may be mistyped.",
    ),
    "remark_too_long": (
        "发票备注有 {length} 个字，超过 {limit} 个字。",
        "The remark has {length} characters, more than {limit}.",
    ),
    "no_lines": ("单据没有开票明细。", "The order has no lines."),
    "too_many_lines": (
        "单据有 {count} 行明细，超过一张发票的上限 {limit} 行。",
        "The order has {count} lines, more than the {limit} one invoice can hold.",
    ),
    "item_name_missing": (
        "第 {line} 行的发票项目名称和项目编码都为空。",
        "Line {line} has neither an item name nor an item number.",
    ),
    "item_text_too_long": (
        "{field}有 {length} 个字，超过 {limit} 个字。",
        "The {field} has {length} characters, more than {limit}.",
    ),
    "tax_code_missing": ("第 {line} 行没有税务编码。", "Line {line} has no tax code."),
    "tax_code_malformed": (
        "第 {line} 行的税务编码“{tax_code}”不对：应为 19 位数字，或完整层级的短码。",
        "The tax code {tax_code!r} of line {line} should be 19 digits, or a short form that ends at a level.",
    ),
    "rate_unknown": (
        "第 {line} 行的税率“{rate}”无法使用：应为 0 到 1 之间的小数，例如 0.13。",
        "The rate {rate!r} of line {line} cannot be used; it should be a decimal from 0 to below 1, as 0.13.",
    ),
    "zero_rate_unexplained": (
        "第 {line} 行税率为 0，但没有规定税务编码 {tax_code} 是免税、不征税还是普通零税率。",
        "Line {line} has rate 0, and no rule says whether tax code {tax_code} is exempt, untaxed or zero-rated.",
    ),
    "row_type_unknown": (
        "第 {line} 行的行类型“{row_type}”无法识别。",
        "The row type {row_type} of line {line} is unknown.",
    ),
    "amount_missing": ("{field}没有填写。", "The {field} is missing."),
    "amount_out_of_range": (
        "{field}不是一个可用的数字，或者大得不合理。",
        "The {field} is no usable number, or is unreasonably large.",
    ),
    "amount_not_in_cents": (
        "{field}是 {amount}，精确到了分以下，发票金额只能到分。",
        "The {field} is {amount}; money on an invoice has at most two decimals.",
    ),
    "signs_mixed": (
        "金额有正有负，无法判断方向：{field}是 {amount}，与同组其他金额相反。",
        "Signs are mixed: the {field} is {amount}, against the others of its group.",
    ),
    "net_total_differs": (
        "合计金额不符：货品金额减折扣应为 {expected}，单据写的是 {given}。",
        "Totals disagree: goods amount less discount is {expected}, the order says {given}.",
    ),
    "tax_total_differs": (
        "合计税额不符：货品税额减折扣税额应为 {expected}，单据写的是 {given}。",
        "Totals disagree: goods tax less discount tax is {expected}, the order says {given}.",
    ),
    "gross_total_differs": (
        "开票金额不符：合计金额加合计税额应为 {expected}，单据写的是 {given}。",
        "Totals disagree: amount plus tax is {expected}, the order's invoice amount says {given}.",
    ),
    "request_differs": (
        "待发送的请求与单据不符（{field}）：应为 {expected}，请求里是 {given}。未发送，请联系技术支持。",
        (
            "The request does not say what the order says ({field}): {expected} wanted, {given} in it."
            " It was not sent; call support."
        ),
    ),
    "amount_not_positive": (
        "开票金额是 {amount}，必须大于 0。",
        "The invoice amount is {amount}; it must be above zero.",
    ),
    "amount_over_limit": (
        "开票金额 {amount} 超过设定的单张上限 {limit}。",
        "The invoice amount {amount} is above the limit of {limit} per order.",
    ),
    "line_amount_not_positive": (
        "第 {line} 行的金额是 {amount}，必须大于 0。",
        "The amount of line {line} is {amount}; it must be above zero.",
    ),
    "line_sum_differs": (
        "第 {line} 行不符：金额加税额应为 {expected}，单据写的是 {given}。",
        "Line {line} disagrees: amount plus tax is {expected}, the order says {given}.",
    ),
    "line_tax_off": (
        "第 {line} 行税额不符：金额乘税率应为 {expected}，单据写的是 {given}，相差超过允许的误差。",
        "The tax of line {line} is off: amount × rate is {expected}, the order says {given}, beyond the tolerance.",
    ),
    "quantity_negative": (
        "第 {line} 行的数量是 {num}，蓝票的数量不能为负。",
        "The quantity of line {line} is {num}; on a blue invoice it cannot be negative.",
    ),
    "goods_amount_differs": (
        "明细与合计不符：明细金额（折扣前）之和为 {expected}，货品合计金额是 {given}。",
        "Lines and header disagree: the lines' amounts before discount sum to {expected}, the header says {given}.",
    ),
    "goods_tax_differs": (
        "明细与合计不符：明细税额（折扣前）之和为 {expected}，货品合计税额是 {given}。",
        "Lines and header disagree: the lines' tax before discount sums to {expected}, the header says {given}.",
    ),
    "discount_differs": (
        "折扣不符：明细折扣之和为 {expected}，单据折扣是 {given}。",
        "Discounts disagree: those of the lines sum to {expected}, the header says {given}.",
    ),
    "discount_tax_differs": (
        "折扣税额不符：明细折扣税额之和为 {expected}，单据折扣税额是 {given}。",
        "Discount taxes disagree: those of the lines sum to {expected}, the header says {given}.",
    ),
    "discount_unallocated": (
        "单据有折扣 {discount}，但没有任何明细行承担它。",
        "The order has a discount of {discount} that no line carries.",
    ),
    "discount_ambiguous": (
        "第 {line} 行的折扣无法确定归属或金额，请在旺店通核对折扣行。",
        "It is not clear which discount belongs to line {line}; check the discount lines in WDT.",
    ),
    "discount_line_astray": (
        "第 {line} 行是折扣行，但找不到它所属的被折扣行（名称、税率、税务编码须相同）。",
        "Line {line} is a discount, but no discounted line has the same name, rate and tax code.",
    ),
    "discounted_line_alone": (
        "第 {line} 行是被折扣行，但没有对应的折扣行。",
        "Line {line} is marked discounted, but has no discount line.",
    ),
    "discount_too_large": (
        "第 {line} 行的折扣 {discount} 大于该行金额 {amount}。",
        "The discount {discount} on line {line} is larger than the line's {amount}.",
    ),
    "red_without_blue": (
        "红票没有填写对应蓝票的发票号码。",
        "The red invoice does not name the blue invoice it cancels.",
    ),
    "blue_number_malformed": (
        "对应蓝票的号码“{number}”、代码“{invoice_code}”不对：应为 20 位号码，或 8 位号码加 10 或 12 位代码。",
        "The blue invoice {number!r}, code {invoice_code!r}, should be 20 digits alone or 8 with a code of 10 or 12.",
    ),
}
