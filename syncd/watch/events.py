"""Every event a log line can carry: its level, what it means, and its fields. docs/events.md is drawn from it."""

from __future__ import annotations

import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Event:
    """What one event says. `level` names one level, several, or "any"; `fields` are the keys it may carry besides
    `at`, `level`, `event` and `exception`.
    """

    level: str
    en: str
    zh: str
    fields: tuple[str, ...] = ()


EVENTS: dict[str, Event] = {
    "alerts.failed": Event(
        "warning",
        "An alert channel did not take a message; it is tried again, later and later. Said once until it does.",
        "告警渠道未接收消息，将逐渐延长间隔重试；恢复前只记一次。",
        ("channel",),
    ),
    "alerts.recovered": Event(
        "info",
        "An alert channel takes messages again.",
        "告警渠道已恢复。",
        ("channel",),
    ),
    "alerts.told": Event(
        "info",
        "People were told that an outage began, grew or is over.",
        "已发出告警消息：开始、扩大或恢复。",
        ("edge", "alert", "count"),
    ),
    "collect.failed": Event(
        "warning",
        "The issuer confirmed that it made no invoice; WDT is owed a failure report.",
        "开票平台确认未开具；待向旺店通回传失败。",
        ("merchant", "order_no", "code"),
    ),
    "collect.issued": Event(
        "info",
        "An invoice exists and is recorded; WDT is owed its number. `late`: it came after the order had ended.",
        "发票已开具并入账，待回传；late 表示单据结束后才发现。",
        ("merchant", "order_no", "invoice_no", "late"),
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
    "config.warned": Event(
        "warning",
        "A setting is allowed but unwise; said once at start.",
        "配置可用但不建议，启动时提示一次。",
        ("why",),
    ),
    "console.opened": Event(
        "info",
        "Health and metrics can be asked for at this address.",
        "健康检查与指标已开始监听。",
        ("url",),
    ),
    "creds.refreshed": Event(
        "info",
        "A new access token was fetched and stored. A token call is scarce: 50 in 30 days at Nuonuo.",
        "已获取新令牌（诺诺 30 天限 50 次）。",
        ("issuer",),
    ),
    "cursor.backwards": Event(
        "warning",
        "Our clock stands before the cursor; nothing is read until it has caught up.",
        "本机时钟早于游标，暂停拉取。",
        ("merchant", "feed", "seconds"),
    ),
    "daemon.waiting_for_lock": Event(
        "info",
        "Another process holds the store; we wait so many seconds for it to end.",
        "数据库被其他进程占用，等待其退出。",
        ("holder", "seconds"),
    ),
    "db.corrupt": Event(
        "error",
        "The store's file is damaged: nothing is issued from it, the daemon does not start.",
        "数据库文件损坏，拒绝开票，进程不启动。",
        ("why",),
    ),
    "instance.armed": Event(
        "info",
        "The store may write to the outside again; `by` asked for it, `why` it had been disarmed.",
        "数据库恢复对外写入；by 为操作人，why 为此前停用原因。",
        ("by", "epoch", "why"),
    ),
    "instance.disarmed": Event(
        "warning",
        "The store reads and asks, and sends nothing until a person arms it.",
        "数据库已停用：只读取与查询，须人工 syncd arm 后才对外写入。",
        ("why", "about"),
    ),
    "instance.overtaken": Event(
        "error",
        "Another process goes on in our place, with a copy of this store or this one itself; we stop sending at once.",
        "另一进程已接替本库，立即停止对外写入。",
        ("by", "doubted"),
    ),
    "instance.witness_beside": Event(
        "warning",
        "The witness lies beside the store, so that a restored folder cannot be told: set [store] witness.",
        "见证文件与数据库同处一处，整体还原将无法识别，请设置 [store] witness。",
        ("folder",),
    ),
    "daemon.started": Event(
        "info",
        "The daemon runs. `leases_freed` and `recovered` say what the last run left behind.",
        "守护进程已启动；含上次遗留的租约与单据数。",
        ("merchants", "leases_freed", "recovered"),
    ),
    "daemon.stopped": Event(
        "info",
        "The daemon stopped. `left` units were still working; their outcomes are asked for at the next start.",
        "守护进程已停止；left 为未完成的单元数，下次启动时查询。",
        ("drained", "left"),
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
        "A submission was sent; `answer` is what the issuer said at once.",
        "已提交开票；answer 为即时答复。",
        ("merchant", "order_no", "answer"),
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
    "settings.kept": Event(
        "warning",
        "The settings were read again; the sections named changed, and count from the next start only.",
        "已重新读取配置；所列部分须重启后才生效。",
        ("names",),
    ),
    "settings.refused": Event(
        "error",
        "The settings were to be read again and are wrong: everything goes on under the old ones.",
        "重新读取的配置有误，继续使用原配置。",
        ("why",),
    ),
    "settings.reloaded": Event(
        "info",
        "The settings were read again, and everything goes on under them; calls under way had ended first.",
        "已按新配置继续运行；此前在途调用均已结束。",
        ("merchants",),
    ),
    "store.refused": Event(
        "warning",
        "The database did not take a transaction (locked, full, unreadable): nothing was written and nothing is sent.",
        "数据库拒绝事务（锁定、磁盘满等），未写入也不发送。",
        ("stage", "unit", "why"),
    ),
    "task.crashed": Event(
        "error",
        "An error nobody foresaw ended one unit's turn; the others go on. A fault of ours: report it.",
        "单元出现意外错误，其余照常；请上报。",
        ("stage", "unit"),
    ),
    "third_party.logged": Event(
        "any",
        "Another library, or Python itself, had something to say.",
        "第三方库或 Python 自身的日志。",
        ("logger", "message"),
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
    "wdt.read_retried": Event(
        "info",
        "A read of WDT failed and was tried again at once.",
        "旺店通读取失败，已立即重试。",
        ("sid", "method", "code", "attempt"),
    ),
    "web.failed": Event(
        "error",
        "A request for health or metrics met an error of ours; the caller saw a bare 500.",
        "健康检查或指标请求出错；调用方只看到 500。",
        ("path",),
    ),
    "write_back.confirmed": Event(
        "info",
        "WDT shows what we wrote; the debt is paid.",
        "旺店通已显示回传结果，回传完成。",
        ("merchant", "order_no", "status"),
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

_INTRODUCTION = """# Log events · 日志事件

This page is generated: `python -m syncd.watch.events > docs/events.md`. 本页由程序生成。

Each line is one JSON object: `at` (UTC), `level`, `event`, then the fields below; `exception` holds a traceback.
Names, tax numbers, phones, secrets and whole addresses do not appear. 日志不含姓名、税号、电话、密钥与完整网址。

| event | level | meaning | 含义 | fields |
|---|---|---|---|---|
"""


def render() -> str:
    """The whole page, events in alphabetical order."""
    rows = (
        f"| `{name}` | {event.level} | {event.en} | {event.zh} | {', '.join(f'`{key}`' for key in event.fields)} |\n"
        for name, event in sorted(EVENTS.items())
    )
    return _INTRODUCTION + "".join(rows)


if __name__ == "__main__":
    sys.stdout.write(render())
