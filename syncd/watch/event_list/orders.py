"""Events of an order's way: reading, issuing, collecting, writing back, and the lanes they go by."""

from __future__ import annotations

from collections.abc import Mapping

from syncd.watch.event_list.event import Event

OF_ORDERS: Mapping[str, Event] = {
    "collect.failed": Event(
        "warning",
        "The issuer confirmed that it made no invoice; WDT is owed a failure report.",
        "开票平台确认未开具；待向旺店通回传失败。",
        ("merchant", "order_no", "code"),
    ),
    "collect.issued": Event(
        "info",
        "So many invoices exist and are recorded; WDT is owed their numbers. `late`: how many of them came after their "
        "order had ended. The journal names each.",
        "本批发票已开具并入账，待回传；late 为单据结束后才发现的张数；逐单见流水日志。",
        ("merchant", "invoices", "late"),
    ),
    "collect.revived": Event(
        "info",
        "The issuer was asked to go on with an invoice whose sealing had failed.",
        "已请求开票平台继续处理签章失败的发票。",
        ("merchant", "order_no", "answer"),
    ),
    "collect.second_invoice": Event(
        "error",
        "A generation its issuer had listed as failed was issued after all, beside the later one: two invoices exist.",
        "平台曾报失败的流水号事后又开出发票，本单已有两张发票。",
        ("merchant", "order_no"),
    ),
    "cursor.backwards": Event(
        "warning",
        "Our clock stands before the cursor; nothing is read until it has caught up.",
        "本机时钟早于游标，暂停拉取。",
        ("merchant", "feed", "seconds"),
    ),
    "issue.key_mismatch": Event(
        "warning",
        "The issuer answered for keys nobody had asked about; those answers were ignored.",
        "开票平台返回了未查询的流水号，已忽略。",
        ("issuer", "asked", "strays"),
    ),
    "issue.text_cut": Event(
        "warning",
        "A remark was too long and was cut, as `cut_remark` allows.",
        "备注超长，已按设置截断。",
        ("issuer", "order_no"),
    ),
    "issue.unclassified": Event(
        "warning",
        "The issuer said something we have no rule for. Nothing is sent again because of it.",
        "开票平台返回未知错误码，不会因此重发。",
        ("issuer", "method", "code", "text"),
    ),
    "lane.recovered": Event(
        "info",
        "A lane that rested works again.",
        "通道已恢复。",
        ("lane",),
    ),
    "lane.rested": Event(
        "warning",
        "A lane is left alone: throttled, logged out or refused. Its rows wait and are not failed.",
        "通道暂停（限流、未登录或被拒），单据等待而非失败。",
        ("lane", "care", "code", "why", "until"),
    ),
    "order.drifted": Event(
        "warning",
        "WDT shows another content or amount than the one that was issued. Nothing is sent again.",
        "旺店通内容或金额与已开发票不一致，不会重发。",
        ("merchant", "order_no"),
    ),
    "order.held": Event(
        "warning",
        "A person must decide; `hold` is the reason.",
        "单据挂起，需人工处理。",
        ("merchant", "order_no", "hold", "code"),
    ),
    "order.parked": Event(
        "error",
        "Handling this order ran into a defect of ours twice and again: it is held, or left alone for hours where it"
        " may have been sent. Its neighbours go on.",
        "处理该单据反复触发程序缺陷：已挂起或暂缓处理，不影响其他单据。",
        ("merchant", "order_no", "state"),
    ),
    "poll.backfill_advanced": Event(
        "info",
        "A window of the past was read completely.",
        "历史窗口已完整读取。",
        ("merchant", "to", "end"),
    ),
    "poll.page_kept": Event(
        "info",
        "A page of invoice orders was stored.",
        "已保存一页开票单。",
        ("merchant", "feed", "rows", "new"),
    ),
    "poll.row_quarantined": Event(
        "warning",
        "A row could not be read and was set aside with its bytes; its neighbours went on.",
        "无法解析的行已隔离，其余照常。",
        ("merchant", "why"),
    ),
    "poll.gap_found": Event(
        "error",
        "The day's second reading found rows that no window had shown; they are stored now. Must stay rare.",
        "每日复读发现此前窗口漏读的单据，现已入库；不应经常发生。",
        ("merchant", "rows", "start"),
    ),
    "poll.unstable": Event(
        "warning",
        "A window changed while it was read, time and again; the cursor stays where it was.",
        "窗口读取期间持续变化，游标不动。",
        ("merchant", "why", "start", "end"),
    ),
    "poll.unreadable": Event(
        "warning",
        "WDT would not show one order by its number; the others are read all the same.",
        "按单号读取某单被旺店通拒绝；其他单据照常读取。",
        ("merchant", "order_no", "why"),
    ),
    "poll.window_completed": Event(
        "debug",
        "Every row of a window is stored and the cursor moved.",
        "窗口已完整保存，游标前移。",
        ("merchant", "rows", "calls"),
    ),
    "push.resent": Event(
        "info",
        "The issuer proved to know nothing of a submission; the same bytes go once more under the same key.",
        "开票平台确认无此单，以同一流水号重发相同内容。",
        ("merchant", "order_no", "same_key"),
    ),
    "push.revived": Event(
        "info",
        "The issuer goes on with a submission it had listed as failed, under the same key; `time` counts these.",
        "已请求开票平台以同一流水号继续其曾报失败的单据；time 为第几次。",
        ("merchant", "order_no", "time"),
    ),
    "push.submitted": Event(
        "info",
        "So many submissions were sent; `answers` is what the issuer said at once, how often. The journal names each.",
        "本批已提交开票；answers 为各种即时答复及次数；逐单见流水日志。",
        ("merchant", "documents", "answers"),
    ),
    "push.unknown": Event(
        "warning",
        "Nobody told us what became of a submission; it will be asked for, never sent blind.",
        "提交结果未知，将按流水号查询，绝不盲目重发。",
        ("merchant", "order_no"),
    ),
    "restore.detected": Event(
        "error, warning",
        "The store is not the newest of its line: restored, moved or copied. `fresh`: the one that was here is gone.",
        "本库不是最新：被还原、移动或复制；fresh 表示原库已被删除。",
        ("why", "fresh", "epoch_db", "epoch_seen", "known_at", "doubted"),
    ),
    "restore.witness_missing": Event(
        "error",
        "Nothing tells whether this store is the newest of its line; it is treated as restored.",
        "见证文件缺失，按还原处理。",
        ("epoch_db", "doubted"),
    ),
    "red.blocked": Event(
        "info",
        "A red order waits: nobody can say what became of its blue invoice, or another red of it is on its way.",
        "红票等待中：蓝票结果未明，或同一蓝票的另一张红票在途。",
        ("merchant", "order_no", "why"),
    ),
    "red.refused": Event(
        "warning",
        "A red order was held before anything was sent, because it does not fit its blue invoice.",
        "红票与蓝票不符，未提交即挂起。",
        ("merchant", "order_no", "code"),
    ),
    "red.warned": Event(
        "warning",
        "A red order goes although the buyer's wallet says that the blue invoice is being reimbursed, or says nothing.",
        "买方卡包显示蓝票在报销或状态不明，红票仍按设置提交。",
        ("merchant", "order_no", "why"),
    ),
    "unit.fenced": Event(
        "warning",
        "A turn ended after its lease had gone to another worker; nothing of it was written.",
        "租约已被他人接管，本轮结果未写入。",
        ("stage", "unit", "epoch", "why"),
    ),
    "unit.troubled": Event(
        "warning",
        "A turn failed for a known reason and will be tried again, later and later.",
        "本轮因已知原因失败，将逐渐延长间隔后重试。",
        ("stage", "unit", "failures", "why"),
    ),
    "unit.unknown": Event(
        "warning",
        "Another process has a merchant in its settings that ours do not name; whoever knows it does its work. "
        "Said once for each unit: give all processes the same settings, and reload them.",
        "其他进程的配置中有本进程不认识的商户，其工作由认识它的进程完成。每个单元只记一次：请让所有进程使用相同的配置并重新加载。",
        ("stage", "unit"),
    ),
    "wdt.read_retried": Event(
        "info",
        "A read of WDT failed and was tried again at once.",
        "旺店通读取失败，已立即重试。",
        ("sid", "method", "code", "attempt"),
    ),
    "write_back.confirmed": Event(
        "info",
        "WDT shows what we wrote of so many documents; these debts are paid. The journal names each.",
        "旺店通已显示回传结果，documents 为本批完成单数；逐单见流水日志。",
        ("merchant", "documents"),
    ),
    "write_back.postponed": Event(
        "info, warning",
        "A write-back waits, for the reason given.",
        "回传推迟。",
        ("merchant", "order_no", "documents", "why"),
    ),
    "write_back.sent": Event(
        "info",
        "Results were sent to WDT; they count once they are read back.",
        "结果已发送至旺店通，待回读确认。",
        ("merchant", "documents", "refused"),
    ),
    "write_back.unknown": Event(
        "warning",
        "Nobody told us whether a write-back was applied; it is read back.",
        "回传结果未知，将回读确认。",
        ("merchant", "documents", "cause"),
    ),
}
