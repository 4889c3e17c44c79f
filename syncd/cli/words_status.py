"""What `status` says: (Chinese, English)."""

from __future__ import annotations

STATUS: dict[str, tuple[str, str]] = {
    "status.daemon": ("守护进程：运行中（{who}）", "Daemon: running ({who})"),
    "status.no_daemon": ("守护进程：未运行", "Daemon: not running"),
    "status.worker": (
        "  进程 {owner}（{role}，自 {since}）：正在处理 {busy} 个单元，{silence}前有心跳",
        "  process {owner} ({role}, since {since}): {busy} units at work, heard {silence} ago",
    ),
    "status.worker_silent": (
        "  进程 {owner}（{role}，自 {since}）已失联 {silence}，其单元已由其他进程接手",
        "  process {owner} ({role}, since {since}) has been silent for {silence}: others have its units",
    ),
    "status.clock_wrong": (
        "    注意：其本机时钟比数据库{ahead} {off}，校准前不领取工作、不对外发送（docs/runbooks/clock-offset.md）。",
        (
            "    Beware: its host's clock is {off} {ahead} the database's; until that is set right it takes no work and"
            " sends nothing (docs/runbooks/clock-offset.md)."
        ),
    ),
    "status.clock.ahead": ("快", "ahead of"),
    "status.clock.behind": ("慢", "behind"),
    "status.settings_differ": (
        "  注意：各进程的配置不一致（进程与配置指纹：{who}）。请统一配置文件后重新加载。",
        "  Beware: the processes have different settings ({who}). Give all of them the same file and reload them.",
    ),
    "status.no_scheduler": (
        "没有调度进程在运行，到期的工作无人派发。请启动：syncd run --role scheduler",
        "No scheduler is running, so nothing that comes due is handed out. Start one: syncd run --role scheduler",
    ),
    "worker.all": ("调度并执行", "schedules and works"),
    "worker.scheduler": ("只调度", "schedules"),
    "worker.worker": ("只执行", "works"),
    "status.orders": ("单据", "Orders"),
    "status.hold": ("{merchant}：{hold} 挂起 {n} 单", "{merchant}: {n} held, {hold}"),
    "status.oldest_unknown": ("{merchant}：最早的未知结果提交于{age}", "{merchant}: oldest unknown outcome sent {age}"),
    "status.merchants": ("商户（{n} 个）", "Merchants ({n})"),
    "status.merchant": ("{merchant}：{told}", "{merchant}: {told}"),
    "status.between": ("，", ", "),
    "status.quiet": (
        "其余 {n} 个商户：{orders} 单均已办结，没有挂起、受阻或落后（全部明细：--json）",
        "The other {n}: {orders} orders, all settled; nothing held, at rest or behind (all of it: --json)",
    ),
    "status.held_for": ("挂起 {n}（{hold}）", "{n} held ({hold})"),
    "status.unknown_since": ("最早的未知结果提交于{age}", "oldest unknown outcome sent {age}"),
    "status.applications_for": ("发票申请待人工 {n}（{hold}）", "{n} applications held ({hold})"),
    "status.lane_rests": ("通道 {platform} 停歇", "lane {platform} rests"),
    "status.lags": ("{feed} 落后 {lag}", "{feed} {lag} behind"),
    "status.lanes": ("通道", "Lanes"),
    "status.all_open": ("全部畅通。", "All open."),
    "status.lane": ("{lane}：{state}，{until}；{reason}", "{lane}: {state}, {until}; {reason}"),
    "status.cursors": ("已拉取到（北京时间）", "Read up to (Beijing time)"),
    "status.cursor": ("{merchant} {feed}：{at}，落后 {lag}", "{merchant} {feed}: {at}, {lag} behind"),
    "status.debts": ("待回传：{debts}", "Open debts: {debts}"),
    "status.quarantined": ("无法识别而隔离的行：{n}", "Rows set aside because they could not be read: {n}"),
    "status.backfills": ("正在补拉历史：{n} 段", "Backfills under way: {n}"),
    "status.troubled": ("{unit} 连续 {n} 次受阻：{why}", "{unit} in trouble {n} times in a row: {why}"),
    "status.next.held": (
        "需要人工：{n} 单挂起 → syncd orders list --state HOLD",
        "Needs a person: {n} held → syncd orders list --state HOLD",
    ),
    "status.next.lane": (
        "需要人工：通道 {lane}（{reason}）→ 处理后 syncd lane resume {lane}",
        "Needs a person: lane {lane} ({reason}) → then syncd lane resume {lane}",
    ),
    "status.next.gaps": ("拉取有 {n} 处缺口 → syncd cursor audit", "{n} gaps in what was read → syncd cursor audit"),
    "status.next.daemon": ("守护进程未运行 → syncd run", "The daemon does not run → syncd run"),
    "status.nobody": ("没有需要人工处理的事。", "Nothing waits for a person."),
}
