"""Events of the program itself: start, settings, store, health, messages to people."""

from __future__ import annotations

from collections.abc import Mapping

from syncd.watch.event_list.event import Event

OF_THE_PROGRAM: Mapping[str, Event] = {
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
    "web.failed": Event(
        "error",
        "A request for health or metrics met an error of ours; the caller saw a bare 500.",
        "健康检查或指标请求出错；调用方只看到 500。",
        ("path",),
    ),
}
