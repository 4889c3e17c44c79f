"""Why a red order waits for a person, in words a finance clerk understands; part of `hold_texts`."""

from __future__ import annotations

Pair = tuple[str, str]

_LOOK: Pair = (
    (
        "请先核对蓝票。确认它已开出、金额与本单相同、且没有其他红票后，"
        "用 syncd orders release 单号 --blue-exists “依据” 放行。"
    ),
    (
        "Look at the blue invoice first. Once you know that it exists, has this order's total and no other red one,"
        ' release with: syncd orders release NO --blue-exists "how you know".'
    ),
)
_BY_HAND: Pair = (
    "请在开票平台办理，在旺店通登记结果，再以“线外已处理”放行。",
    "See to it at the issuer, enter the result in WDT, then release this order as settled outside.",
)
_ASKED_AGAIN: Pair = (
    "处理好后放行：系统会再次查询确认单，再决定下一步。",
    "Release it when that is settled: the form is asked about again, then the next step is taken.",
)

#: Code → what happened, and what to do where that differs from the hold's own text.
RED_TEXTS: dict[str, tuple[Pair, Pair | None]] = {
    "blue_unknown": (
        (
            "找不到对应的蓝票 {blue}：不是本系统开出的，旺店通里也没有显示该号码的单据。",
            "Blue invoice {blue} is not known: it was not issued here, and no order in WDT shows that number.",
        ),
        _LOOK,
    ),
    "blue_disputed": (
        (
            "对应的蓝票 {blue} 所在的单据 {blue_order} 自身有待处理的问题，不能据此红冲。",
            "Order {blue_order}, which shows blue invoice {blue}, waits for a person itself.",
        ),
        _LOOK,
    ),
    "blue_total_unknown": (
        (
            "对应的蓝票 {blue} 的金额不明，无法判断是否全额红冲。",
            "The total of blue invoice {blue} is not known, so nobody can say whether this reverses it in full.",
        ),
        _LOOK,
    ),
    "blue_voided": (
        ("对应的蓝票 {blue} 已在平台作废，不能再红冲。", "Blue invoice {blue} was voided; it cannot be reversed."),
        None,
    ),
    "blue_is_red": (
        ("对应的发票 {blue} 本身就是红票。", "Invoice {blue}, which this is to reverse, is itself a red one."),
        None,
    ),
    "blue_of_another_seller": (
        (
            "对应的蓝票 {blue} 是另一个销售方开具的。",
            "Blue invoice {blue} was issued by another seller.",
        ),
        None,
    ),
    "blue_of_another_buyer": (
        (
            "对应的蓝票 {blue} 的购买方与本单不同（税号不一致）。",
            "Blue invoice {blue} is another buyer's: the tax numbers differ.",
        ),
        None,
    ),
    "red_partial": (
        (
            "红票金额 {red} 小于蓝票金额 {blue_total}：部分红冲须逐行指明，本系统不自动办理。",
            (
                "The red total {red} is less than the blue one's {blue_total}: reversing a part names single lines,"
                " which is not done here by itself."
            ),
        ),
        _BY_HAND,
    ),
    "red_over_blue": (
        (
            "红票金额 {red} 超过蓝票 {blue} 可红冲的金额（蓝票 {blue_total}，已红冲 {taken}）。",
            (
                "The red total {red} is more than is left of blue invoice {blue} (total {blue_total},"
                " reversed already {taken})."
            ),
        ),
        None,
    ),
    "red_forgotten": (
        (
            "单据 {other} 也要红冲蓝票 {blue}，而它是否办过红字确认单、结果如何，本系统无从得知。",
            (
                "Order {other} was to reverse blue invoice {blue} as well, and nobody here can learn whether a form"
                " was raised for it and what became of that."
            ),
        ),
        _LOOK,
    ),
    "red_kind_mismatch": (
        (
            "单据票种与蓝票号码 {blue} 不符：20 位号码是数电发票，8 位号码加代码是税控发票。",
            "The order's kind does not fit blue number {blue}: 20 digits are fully digital, 8 with a code tax-control.",
        ),
        None,
    ),
    "red_needs_confirmation_form": (
        (
            "红票不能按蓝票的方式提交，需要先办红字确认单。",
            "A red order cannot be submitted like a blue one: it takes a confirmation form first.",
        ),
        None,
    ),
    "already_reversed": (
        (
            "开票平台说该蓝票已被红冲：{text}。以本单流水号没有查到红票，可能是他人办理的。",
            "The issuer says that this blue invoice is reversed already: {text}. Nothing is under this key.",
        ),
        (
            "请在开票平台查明是谁红冲的；若已有红票，在旺店通登记后以“线外已处理”放行。",
            "Find out at the issuer who reversed it; enter its red invoice in WDT and release this as settled outside.",
        ),
    ),
    "red_form_03": (
        ("购买方发起了红字确认单，等待销售方确认：{text}", "The buyer has raised a form that waits for us: {text}"),
        None,
    ),
    "red_form_06": (
        ("红字确认单已被销售方（我方）否认：{text}", "The form was refused on the seller's side, ours: {text}"),
        None,
    ),
    "red_form_11": (
        (
            "红字确认单因纳税人状态异常被税局阻断：{text}",
            "The bureau blocks the form, because a taxpayer's state is irregular: {text}",
        ),
        None,
    ),
    "red_form_13": (
        ("蓝票已开具退税申请单，红冲被阻断：{text}", "A tax refund was applied for on the blue invoice: {text}"),
        None,
    ),
    "red_form_ended": (
        (
            "红字确认单已终止（{text}），但上面显示有红票，而该红票查询不到：不会当作失败处理。",
            "The form has ended ({text}), yet it shows a red invoice, which is not found: it is not called a failure.",
        ),
        (
            "请在开票平台核对是否已有红票；核实后放行会再次查询，或在旺店通登记后以“线外已处理”放行。",
            (
                "Look at the issuer whether the red invoice exists. Released, it is asked about again; or enter the"
                " invoice in WDT and release this as settled outside."
            ),
        ),
    ),
    "red_form_changed": (
        (
            "红字确认单双方已确认，但单据在旺店通又改过或已不待开票，不会自动开具红票。",
            "Both sides agreed to the form, but the order was changed in WDT since, or waits no more: none is issued.",
        ),
        (
            "请决定：在开票平台撤销确认单，或恢复单据内容后放行。",
            "Decide: withdraw the form at the issuer, or put the order back as it was and release it.",
        ),
    ),
    "red_not_issued": (
        (
            "红字确认单已确认，但红票开具失败：{text}",
            "The form is agreed to, but making the red invoice failed: {text}",
        ),
        None,
    ),
    "red_form_overdue": (
        (
            "红字确认单早已超过 72 小时，平台却仍显示待购买方确认。",
            "The red form is long past its 72 hours, and the issuer still shows it waiting for the buyer.",
        ),
        None,
    ),
    "red_form_stuck": (
        (
            "红字确认单已确认，请求开具 {rounds} 次仍没有红票。",
            "The form is agreed to; the issuer was told {rounds} times to make the red invoice, and there is none.",
        ),
        None,
    ),
    "card_locked": (
        (
            "蓝票在购买方微信卡包中正在报销（锁定），等待已超过时限。",
            "The blue invoice has been locked for reimbursement in the buyer's wallet for too long.",
        ),
        ("请与购买方核实；确认可以红冲后放行。", "Ask the buyer; release the order once it may be reversed."),
    ),
    "card_closed": (
        (
            "蓝票在购买方微信卡包中已核销报销，红冲须由人决定。",
            "The blue invoice has been reimbursed and closed in the buyer's wallet.",
        ),
        ("请与购买方核实；确认可以红冲后放行。", "Ask the buyer; release the order once it may be reversed."),
    ),
    "card_unknown": (
        (
            "蓝票在购买方微信卡包中的状态一直查不到（设置为查不到时等待），等待已超过时限。",
            "Where the blue invoice stands in the buyer's wallet could not be learned for too long.",
        ),
        ("请与购买方核实；确认可以红冲后放行。", "Ask the buyer; release the order once it may be reversed."),
    ),
    "card_cancelled": (
        (
            "蓝票在购买方微信卡包中已标为红冲：请先核对是否已有红票。",
            "The buyer's wallet shows the blue invoice as reversed: look for a red one that exists already.",
        ),
        ("确认没有其他红票后放行。", "Release the order once you know that there is no other red invoice."),
    ),
}

RED_FORM: tuple[Pair, Pair] = (
    ("红字确认单需要人工处理（{code}）。", "The red confirmation form needs a person ({code})."),
    _ASKED_AGAIN,
)
