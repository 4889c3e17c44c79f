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
    "daemon.lock_lost": Event(
        "warning",
        "PostgreSQL ended the session that held the store for us; it is taken again as soon as the server answers.",
        "占用数据库的会话被 PostgreSQL 断开，恢复后将重新占用。",
        (),
    ),
    "daemon.lock_regained": Event("info", "The store is held by us again.", "已重新占用数据库。", ()),
    "daemon.lock_taken": Event(
        "error",
        "While the server was away another process took the store; our leases are void, its own hold.",
        "断开期间数据库被其他进程占用；本进程的租约作废，以对方为准。",
        ("holder",),
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
    "engine.interrupted": Event(
        "warning",
        "The queue in the database cannot be used; work waits until it can, and begins anew.",
        "任务队列不可用，待数据库恢复后重新开始。",
        ("why",),
    ),
    "engine.job_lost": Event(
        "warning",
        "A unit ended here that others had given up waiting for: this process was silent for too long.",
        "本进程曾长时间无响应，该单元已由其他进程接手。",
        ("unit",),
    ),
    "engine.job_reaped": Event(
        "warning",
        "The worker that had this unit fell silent; its place in the queue was cleared away.",
        "持有该单元的进程已失联，其队列占用已清除。",
        ("unit",),
    ),
    "engine.not_told": Event(
        "warning",
        "Workers could not be told at once of something that came due; the next tick finds it.",
        "未能立即通知工作进程，下一次调度会补上。",
        ("why",),
    ),
    "engine.queue_made": Event(
        "info",
        "The tables of the queue were made, in a schema of their own.",
        "已建立任务队列的数据表（独立 schema）。",
        ("schema",),
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
    "instance.moved_away": Event(
        "info",
        "This store was copied and ended: it goes on at `to`, and nothing is ever sent from here again.",
        "本库已迁出并永久停用，由 to 接替。",
        ("to", "epoch"),
    ),
    "instance.moved_here": Event(
        "info",
        "This store is the complete successor of `source`; it sends once a person has armed it.",
        "本库已接替 source，经 syncd arm 后对外写入。",
        ("source", "epoch"),
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
    "instance.vouched": Event(
        "info",
        "This host had no witness yet; a worker that is at work on the store knows it by its own.",
        "本机尚无见证文件，已由正在运行的其他进程作证后建立。",
        ("epoch",),
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
    "move.differs": Event(
        "error",
        "A store was copied and read back differently: the old one goes on, the copy can never be armed.",
        "复制后核对不一致：旧库照常，副本永不启用。",
        ("tables",),
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
    "store.analysed": Event(
        "info",
        "The server knew too little of how a table's rows are spread to plan well, and was told to look.",
        "数据库缺少该表的统计信息，已执行 ANALYZE。",
        ("table",),
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
    "worker.joined": Event(
        "info",
        "This process works on the store together with others, in this role.",
        "本进程已加入，与其他进程共同工作。",
        ("owner", "role"),
    ),
    "worker.left": Event(
        "info",
        "This process left the others; what it still held is free.",
        "本进程已退出，占用的单元已释放。",
        ("owner", "leases_freed"),
    ),
    "worker.unheard": Event(
        "warning",
        "This process could not say that it lives; told once until it can. After five seconds others take its work.",
        "心跳无法写入数据库，恢复前只记一次；超过 5 秒其单元由其他进程接手。",
        ("why",),
    ),
    "worker.was_silent": Event(
        "warning",
        "This process said nothing for so long (blocked, frozen, cut off) that others took over its work.",
        "本进程曾失联（阻塞、冻结或断网），其单元已由其他进程接手。",
        ("seconds",),
    ),
    "worker.sessions_ended": Event(
        "warning",
        "Another process fell silent with transactions open (frozen, suspended); they were rolled back, and their "
        "locks given to those who waited. It goes on when it wakes; what it writes late is refused.",
        "另一进程失联时仍有未结束的事务（如被冻结或挂起），已回滚并释放其锁；该进程恢复后可自行继续。",
        ("owner", "sessions"),
    ),
    "worker.sessions_left": Event(
        "warning",
        "The database does not let this process end what silent ones left open; told once. Until they wake or their "
        "connection breaks, their locks may keep others waiting: let the role execute pg_terminate_backend.",
        "数据库不允许本进程结束失联进程遗留的事务（只提示一次），其锁可能让他人等待；请允许执行 pg_terminate_backend。",
        ("why",),
    ),
    "worker.settings_differ": Event(
        "warning",
        "Processes at work on this store have different settings; `syncd status` shows which. Orders may be held that "
        "another process would send: give all of them the same file, and reload them.",
        "共用本库的进程配置不一致，详见 syncd status；个别单据可能因此被挂起。请统一配置后重新加载。",
        (),
    ),
    "worker.settings_alike": Event(
        "info", "All processes at work on this store have the same settings again.", "各进程配置已一致。", ()
    ),
    "worker.clock_off": Event(
        "error",
        "This host's clock is too far off the database's to decide anything by (positive: ahead): this process takes no"
        " work and sends nothing until it is right. Let a time service set it.",
        "本机时钟与数据库相差过大（正数为偏快），本进程不再领取工作、不对外写入；请校时。",
        ("seconds",),
    ),
    "worker.clock_right": Event(
        "info", "This host's clock agrees with the database's again.", "本机时钟已与数据库一致。", ()
    ),
    "web.failed": Event(
        "error",
        "A request for health or metrics met an error of ours; the caller saw a bare 500.",
        "健康检查或指标请求出错；调用方只看到 500。",
        ("path",),
    ),
}
