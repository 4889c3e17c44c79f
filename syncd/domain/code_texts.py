"""What happened to a held order where its facts carry a code of their own, in words a finance clerk understands."""

from __future__ import annotations

from syncd.domain.red_texts import RED_TEXTS

Pair = tuple[str, str]

ASKED_FIRST: Pair = (
    "确认后可放行：系统会先向开票平台查询，再决定下一步。",
    "Release it when that is settled: the issuer is asked first, then the next step is taken.",
)

#: Codes that are not in `unfit_texts` → what happened, and what to do where that differs from the hold's own text.
CODE_TEXTS: dict[str, tuple[Pair, Pair | None]] = {
    "defect": (
        (
            "处理此单时程序出错（{error}），未提交开票。其他单据不受影响。",
            "The program itself failed over this order ({error}); nothing was submitted. Other orders go on.",
        ),
        (
            "请把日志中的 task.crashed 交给维护者；程序更新后放行。",
            "Give the log line task.crashed to whoever maintains the program; release the order once it is updated.",
        ),
    ),
    "row_unreadable": (
        ("旺店通返回的单据无法解析：{field}", "The order as WDT sent it cannot be read: {field}"),
        None,
    ),
    "unclassified_answer": (
        (
            "平台（{platform}）的答复不在错误目录里：{answer} {text}。随后查询确认未开票。",
            "The answer of {platform} is in no catalogue: {answer} {text}. Asked since, it knows of no invoice.",
        ),
        (
            "请弄清这句话的意思。放行后系统先再次查询，确认两次都没有，才以同一流水号再提交一次。",
            (
                "Find out what it means. Once released, the issuer is asked again; only if it finds nothing twice does"
                " the order go once more, under the same key."
            ),
        ),
    ),
    "duplicate_not_found": (
        (
            "开票平台 {rounds} 次说流水号重复，却又查不到该单，自相矛盾。",
            "The issuer said {rounds} times that it knows the key, and each time could not find it.",
        ),
        (
            "请联系开票平台查明。" + ASKED_FIRST[0],
            "Have the issuer look into it. " + ASKED_FIRST[1],
        ),
    ),
    "accepted_not_found": (
        (
            "开票平台曾受理本单，现在却查不到；单据在旺店通又改过，内容已与当时提交的不同。",
            "The issuer had accepted this order and does not find it now; in WDT it has been changed since.",
        ),
        (
            "请向开票平台确认没有开出发票。" + ASKED_FIRST[0],
            "Make sure at the issuer that no invoice exists. " + ASKED_FIRST[1],
        ),
    ),
    "stalled_again": (
        (
            "开票平台 {rounds} 次未能开出，每次都说是登录、认证或额度的问题：{text}",
            "The issuer failed {rounds} times, each time for want of a login, an identity check or a quota: {text}",
        ),
        (
            "请按提示在开票平台处理好，再放行：系统会以同一流水号继续。",
            "Do what it says at the issuer, then release the order: it goes on under the same key.",
        ),
    ),
    "second_invoice": (
        (
            "开票平台先报失败、后来又开出了本单的另一张发票（{numbers}）：本单现有不止一张发票。",
            (
                "The issuer first reported a failure and then issued after all: this order has more than one invoice"
                " ({numbers})."
            ),
        ),
        (
            "请立即核对并对多余的一张办理红冲，处理后以“线外已处理”放行。",
            "Check at once and have the surplus one reversed by a red invoice; then release it as settled outside.",
        ),
    ),
    "account_changed": (
        (
            "本单是用当时的开票账号 {account} 提交的；现在的账号（即使同名）平台或税号不同，无法查询其结果。",
            (
                "This order was submitted by the issuer account {account} of that time; the present one, whatever its"
                " name, is another seller's or another platform's and cannot be asked about it."
            ),
        ),
        (
            (
                "先看 syncd status：若账号配置改错，或有进程用着不同的配置，请先改正，再执行"
                ' syncd retry --where "code=account_changed" --dry-run（先按原流水号查询，不会重复开票）。'
                "否则请在原账号确认是否已开票；未确认前不要重开。"
            ),
            (
                "Look at syncd status first: where the account was changed by mistake, or a process has other settings,"
                ' set that right, then syncd retry --where "code=account_changed" --dry-run (asked under the same key'
                " first, never issued twice). Else find out at that account whether it was issued; do not issue anew"
                " before you know."
            ),
        ),
    ),
    "withdrawn_unissued": (
        (
            "买家在阿里撤回了申请 {apply_id}，本单尚未提交开票。",
            "The buyer withdrew application {apply_id} at Alibaba, and nothing was submitted for this order yet.",
        ),
        (
            "不再开票时请在旺店通取消该单；仍需开票则放行。",
            "If no invoice is wanted any more, cancel the order in WDT; release it to have it issued all the same.",
        ),
    ),
    "write_back_refused": (
        (
            "开票已有结果，但旺店通一再拒绝回传：{text}",
            "The order has ended at the issuer, but WDT keeps refusing to take the result: {text}",
        ),
        (
            "请在旺店通核对单据状态与内容，处理好后放行，系统会再次回传。",
            "Look at the order's state and content in WDT, then release it; the result is sent once more.",
        ),
    ),
    "invoice_number_form": (
        (
            "发票已经开出，但号码“{number}”、代码“{invoice_code}”的格式不合规范。",
            "The invoice was issued, but its number {number} with code {invoice_code} has no lawful form.",
        ),
        (
            "请与开票平台核对号码，在旺店通手工登记，再以“线外已处理”放行。",
            "Check the number with the issuer, enter it in WDT by hand, then release it as settled outside.",
        ),
    ),
    "seller_tax_no_differs": (
        (
            "单据的销售方税号 {order} 与开票账号的税号 {account} 不一致。",
            "The order's seller tax number {order} is not {account}, the one this issuer account issues for.",
        ),
        None,
    ),
    "key_taken": (
        (
            "本单的流水号 {key} 已被另一张单据占用。",
            "The key {key} of this order already belongs to another order.",
        ),
        None,
    ),
    "key_out_of_form": (
        ("流水号 {key} 不符合开票平台的格式。", "The key {key} does not have the form this issuer takes."),
        ("这是程序的问题，请联系集成方。", "That is a fault of ours; tell the integrator."),
    ),
    "text_missing": (("缺少必填内容：{field}。", "Something the issuer needs is blank: {field}."), None),
    "buyer_contact_too_long": (
        (
            "购买方电话与地址合计 {length} 个字，超过开票平台的上限 {limit} 个字。",
            "The buyer's phone and address have {length} characters together, more than the {limit} the issuer takes.",
        ),
        None,
    ),
    "zero_rate_contradicted": (
        (
            "第 {line} 行税率为 {rate}，却标注了零税率含义“{mark}”（免税、不征税或普通零税率），两者矛盾。",
            "Line {line} has rate {rate}, which its zero-rate meaning {mark} (exempt, untaxed or zero) contradicts.",
        ),
        None,
    ),
    "text_too_long": (
        (
            "{field}超过开票平台的上限 {limit} 个字。",
            "The {field} has more characters than the {limit} this issuer takes.",
        ),
        None,
    ),
    **RED_TEXTS,
}

#: What facts may name besides WDT's own fields → (Chinese, English).
PLACES: dict[str, Pair] = {
    "created": ("单据日期", "order date"),
    "extension_number": ("分机号设置", "extension number in the settings"),
    "clerk_id": ("开票员设置", "clerk id in the settings"),
    "department_id": ("部门设置", "department id in the settings"),
    "buyer_tax_no": ("购买方税号", "buyer's tax number"),
    "total": ("价税合计", "total"),
    "colour": ("红蓝票", "red or blue"),
    "blue": ("对应的蓝票", "the blue invoice it reverses"),
    "request": ("没有可比对的请求", "there is no request to compare with"),
    "order": ("该号码已记在另一张单据上", "the number is recorded under another order"),
}
