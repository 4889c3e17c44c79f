"""What the commands say. Key → (Chinese, English), with the same format fields in both."""

from __future__ import annotations

from collections.abc import Mapping

SAID: Mapping[str, tuple[str, str]] = {
    "option.between": (
        "{name} 应在 {low} 到 {high} 之间，不能是 {given}。",
        "{name} must be from {low} to {high}, not {given}.",
    ),
    "option.least": ("{name} 至少为 {low}，不能是 {given}。", "{name} must be at least {low}, not {given}."),
    "file.unread": ("无法读取 {file}：{why}", "{file} cannot be read: {why}"),
    "file.unwritten": ("无法写入 {file}：{why}", "{file} cannot be written: {why}"),
    "file.exists": (
        "{file} 已存在；要覆盖请加 --overwrite。",
        "{file} is there already; add --overwrite to replace it.",
    ),
    "file.ENOENT": ("文件不存在", "no such file"),
    "file.ENOENT.folder": ("目录不存在", "no such folder"),
    "file.EISDIR": ("是目录，不是文件", "it is a folder, not a file"),
    "file.ENOTDIR": ("路径中有一段不是目录", "a part of the path is no folder"),
    "file.EACCES": ("没有权限", "permission denied"),
    # -- trouble -------------------------------------------------------------------------------------------------------
    "store.behind": (
        "数据库停在 {at} 版，比本程序旧。请运行：syncd db upgrade",
        "The store is at schema {at}, older than this program. Run: syncd db upgrade",
    ),
    "store.none": (
        "这个数据库还没有建立（看一下 [store] url 与当前目录）。请运行：syncd db upgrade",
        "This store does not exist yet (look at [store] url and the current folder). Run: syncd db upgrade",
    ),
    "store.not_ready": ("{why}。请运行：syncd db upgrade", "{why}. Run: syncd db upgrade"),
    "store.too_new": (
        "{why}。数据库由更新版本的程序写入，请升级 syncd。",
        "{why}. A newer program wrote this store; install that syncd.",
    ),
    "store.held": (
        "数据库正被另一个进程使用：{holder}。请先停止它。",
        "Another process works on this store: {holder}. Stop it first.",
    ),
    "store.busy": (
        "数据库正被另一个进程写入（{why}）：请稍后再试；若正在迁移（syncd db move），请等它结束。",
        "Another process is writing to the store ({why}): try again soon, or once a move (syncd db move) is over.",
    ),
    "store.no_server": (
        "数据库服务器没有响应，或拒绝连接：{why}。请核对 [store] url、用户与密码、连接数上限；可运行：syncd check",
        (
            "The store's server does not answer, or does not let us in: {why}. Look at [store] url, the user and its "
            "password, and how many sessions it allows; try: syncd check"
        ),
    ),
    "store.unavailable": (
        "数据库没有响应或已损坏：{why}。可运行：syncd db check",
        "The store does not answer, or is damaged: {why}. Try: syncd db check",
    ),
    "did_you_mean": ("是否指 {words}？", "Did you mean {words}?"),
    "unknown.merchant": ("设置里没有商户“{name}”。{near}", 'The settings know no merchant "{name}".{near}'),
    "unknown.lane": ("没有通道“{name}”。{near}", 'There is no lane "{name}".{near}'),
    "unknown.state": (
        "没有状态“{name}”，可用：{states}。{near}",
        'There is no state "{name}"; there are {states}.{near}',
    ),
    "order.unknown": ("没有单据“{no}”。{near}", 'There is no order "{no}".{near}'),
    "order.ambiguous": (
        "单号 {no} 在多个商户下都有：{merchants}。请加 --merchant。",
        "Several merchants have an order {no}: {merchants}. Add --merchant.",
    ),
    "order.refused": ("{no}：{why}", "{no}: {why}"),
    "order.moved": ("{no} 刚刚发生了变化，请重新查看。", "{no} has just moved; look at it again."),
    "time.unreadable": (
        '看不懂时间“{text}”，应形如 "2026-11-22 08:00"（北京时间）。',
        'The time "{text}" should look like "2026-11-22 08:00" (Beijing time).',
    ),
    "span.unreadable": (
        "看不懂时长“{text}”，应形如 90s、5m、2h、1d、1h30m，最长十年。",
        'The span "{text}" must look like 90s, 5m, 2h, 1d or 1h30m, ten years at most.',
    ),
    "reason.too_long": ("原因最多 {limit} 个字。", "A reason has at most {limit} characters."),
    "reason.unprintable": ("原因里有不可打印的字符。", "The reason holds characters that cannot be printed."),
    "ask.go_on": ("继续吗？", "Go on?"),
    "ask.nothing_done": ("未做任何改动。", "Nothing was done."),
    "yes": ("是", "yes"),
    "no": ("否", "no"),
    # -- units of time -------------------------------------------------------------------------------------------------
    "span.d": ("{n} 天", "{n} d"),
    "span.h": ("{n} 小时", "{n} h"),
    "span.min": ("{n} 分", "{n} min"),
    "span.s": ("{n} 秒", "{n} s"),
    "when.now": ("现在", "now"),
    "when.ahead": ("{span}后", "in {span}"),
    "when.ago": ("{span}前", "{span} ago"),
    # -- columns -------------------------------------------------------------------------------------------------------
    "column.merchant": ("商户", "merchant"),
    "column.no": ("发票单号", "order"),
    "column.state": ("状态", "state"),
    "column.wdt": ("旺店通", "wdt"),
    "column.amount": ("金额", "amount"),
    "column.invoice_no": ("发票号码", "invoice"),
    "column.changed": ("变动时间（北京）", "changed (Beijing)"),
    "column.why": ("原因", "why"),
    "column.count": ("数量", "count"),
    "column.meaning": ("含义", "meaning"),
    "column.lane": ("通道", "lane"),
    "column.until": ("到何时", "until"),
    "column.pace": ("次/分", "calls/min"),
    "column.feed": ("来源", "feed"),
    "column.origin": ("起点（北京）", "origin (Beijing)"),
    "column.position": ("已读到（北京）", "read up to (Beijing)"),
    "column.lag": ("落后", "behind"),
    # -- orders --------------------------------------------------------------------------------------------------------
    "orders.none": ("没有单据。", "There are no orders."),
    "orders.more": ("显示 {shown} 条，共 {total} 条；用 --limit 查看更多。", "{shown} of {total}; --limit shows more."),
    "orders.drifted": (
        "旺店通内容在提交后被改动，与已开发票可能不一致。",
        "It was changed in WDT after it was sent; the invoice may differ.",
    ),
    "show.merchant": ("商户", "merchant"),
    "show.invoice_order_no": ("发票单号", "order"),
    "show.state": ("状态", "state"),
    "show.phase": ("阶段", "phase"),
    "show.hold": ("挂起原因", "hold"),
    "show.text": ("说明", "text"),
    "show.invoice_no": ("发票号码", "invoice"),
    "show.wdt_status": ("旺店通状态", "wdt status"),
    "show.amount": ("开票金额", "amount"),
    "show.is_red": ("红票", "red"),
    "show.drifted": ("提交后改动", "changed since"),
    "show.changed_at": ("变动时间", "changed"),
    "show.payer": ("购买方", "payer"),
    "show.shop_no": ("店铺", "shop"),
    "show.hold_facts": ("挂起依据", "hold facts"),
    "show.held_from": ("挂起前状态", "held from"),
    "show.generation": ("代次", "generation"),
    "show.keys": ("流水号", "keys"),
    "show.next_at": ("下次处理", "next at"),
    "show.first_seen_at": ("首次读到", "first seen"),
    "show.seen_at": ("最近读到", "last seen"),
    "show.sent_at": ("提交时间", "sent"),
    "show.asked_at": ("查询时间", "asked"),
    "retry.done.push": ("已排到最前，马上重新核对并提交。", "due now: it is checked anew and sent."),
    "retry.done.collect": ("已排到最前，马上查询。", "due now: the issuer is asked."),
    "retry.done.write_back": ("已排到最前，马上回读核对。", "due now: WDT is looked at."),
    "retry.lane_rests": ("（通道 {lane} 歇息到 {until}）", "(lane {lane} rests until {until})"),
    "hold.no_reason": ("请用 --reason 说明原因。", "Say why with --reason."),
    "hold.done": (
        "{no} 已挂起。放行：syncd orders release {order}",
        "{no} is held. Let it go: syncd orders release {order}",
    ),
    "hold.in_flight": (
        "注意：它可能已经提交给开票平台；放行时会先查询。",
        "Mind: it may have reached the issuer already; it is asked for at the release.",
    ),
    "release.will.released_pending": (
        "{no} 从未提交，将重新核对；内容合格且旺店通仍为 45 时会开票。",
        "{no} was never sent: it is checked anew, and issued if it is sound and WDT still shows 45.",
    ),
    "release.will.released_intent": (
        "{no} 可能提交过：先按流水号向开票平台查询，绝不盲目重发。",
        "{no} may have been sent: the issuer is asked by its key first; nothing is sent blind.",
    ),
    "release.will.released_issued": (
        "{no} 已开票：将再次向旺店通回传发票号码。",
        "{no} was issued: its number is written back to WDT once more.",
    ),
    "release.will.released_failed": (
        "{no} 开票失败：再向开票平台确认一次，然后向旺店通回传失败。",
        "{no} failed: the issuer is asked once more, then the failure is written back to WDT.",
    ),
    "release.will.released_mirrored": (
        "{no} 视为已在线外处理：系统不再开票、不再查询、不再回传。",
        "{no} counts as settled outside: it is neither issued, asked for nor written back any more.",
    ),
    "release.vouched": (
        "你声明：蓝票 {blue} 确已开出，价税合计与本单 {amount} 相同（不计正负），且没有其他红票。",
        "You vouch: blue invoice {blue} exists, its total is this order's {amount} (sign aside), and no other red one.",
    ),
    "release.one_or_the_other": (
        "--settled-outside 与 --blue-exists 只能用一个。",
        "use --settled-outside or --blue-exists, not both.",
    ),
    "refusal.not_vouchable": (
        "--blue-exists 只用于因找不到蓝票或蓝票有疑问而挂起的红票。",
        "--blue-exists is for red orders held because their blue invoice is not known or disputed.",
    ),
    "release.done": ("{no} 已放行。查看：syncd explain {order}", "{no} is released. Follow it: syncd explain {order}"),
    "refusal.not_held": ("没有挂起（状态 {state}）。", "it is not held (state {state})."),
    "refusal.still_waiting": (
        "旺店通里仍是待开票（45）。请先在旺店通取消或登记，等系统读到后再执行。",
        "WDT still shows it waiting (45). Cancel it or enter the invoice there, and repeat this once it is read.",
    ),
    "refusal.ended_elsewhere": (
        "开票平台在它名下已有别的发票（{hold}），继续可能多开。请在平台处理好，再加 --settled-outside。",
        (
            "the issuer holds something else under its key ({hold}); going on could issue twice."
            " Settle it there, then add --settled-outside."
        ),
    ),
    "refusal.retry_needs_release": (
        "挂起前已是 {from} 状态，请核对后用 syncd orders release。",
        "it was held from {from}; look at it, then use syncd orders release.",
    ),
    "refusal.in_flight": (
        "正在提交中，最迟 {when} 自动查询。",
        "it is on its way to the issuer; it is asked for by itself at {when} at the latest.",
    ),
    "refusal.finished": (
        "已结束（{state}），没有可重试的。",
        "it has ended ({state}); there is nothing to do.",
    ),
    "refusal.cannot_hold": (
        "状态 {state} 不能挂起，只有未完成的单据可以。",
        "an order in {state} cannot be held; only unfinished ones can.",
    ),
    # -- lanes ---------------------------------------------------------------------------------------------------------
    "lane.remedy": (
        "{lane}（{since} 起，已试 {n} 次）：{remedy}",
        "{lane} (since {since}, tried {n} times): {remedy}",
    ),
    "lane.banned": (
        "{lane} 的账号被对方限流{call}，{at} 前不发请求；提前恢复通道也不会更早，频率随后逐分钟回升。",
        "The account of {lane} was throttled{call}: no call before {at}, resumed or not; then the pace grows slowly.",
    ),
    "lane.resumed_banned": (
        (
            "{lane} 已恢复，但对方的限流{call}仍到 {at}（北京时间），在此之前不发请求。"
            "对方控制台已重置时：syncd lane resume {lane} --lift-ban"
        ),
        (
            "{lane} is open again, but the party's ban{call} stays until {at} (Beijing time): no call before it. Once"
            " it was reset at the party's own console: syncd lane resume {lane} --lift-ban"
        ),
    ),
    "lane.banned_still": (
        (
            "{lane} 的通道本来就是畅通的，但对方的限流{call}仍到 {at}（北京时间），在此之前不发请求。"
            "对方控制台已重置时：syncd lane resume {lane} --lift-ban"
        ),
        (
            "{lane} was open already, but the party's ban{call} stays until {at} (Beijing time): no call before it."
            " Once it was reset at the party's own console: syncd lane resume {lane} --lift-ban"
        ),
    ),
    "lane.no_ban": ("{lane} 没有被限流，无需解除。", "{lane} is under no ban; there is nothing to lift."),
    "lane.will_lift": (
        (
            "将解除 {lane} 的限流（原到 {at}），同一账号的通道：{lanes}。"
            "只应在对方控制台已重置之后执行：否则对方会再次拒绝，限流可能更长。"
        ),
        (
            "The ban of {lane} (until {at}) will be forgotten, for all lanes of the account: {lanes}. Do this only"
            " once it was reset at the party's own console: else the party refuses again, and may ban for longer."
        ),
    ),
    "lane.lifted": ("已解除：{lanes}。几秒内继续。", "Lifted: {lanes}. They go on within seconds."),
    "lane.none": ("没有配置商户，也就没有通道。", "No merchant is configured, so there are no lanes."),
    "lane.open": ("畅通", "open"),
    "lane.resting": ("歇息", "resting"),
    "lane.paused": ("暂停", "paused"),
    "lane.until_resumed": ("直到恢复", "until resumed"),
    "lane.paused_until": ("{lane} 已暂停到 {at}（北京时间）。", "{lane} is paused until {at} (Beijing time)."),
    "lane.paused_open": (
        "{lane} 已暂停。恢复：syncd lane resume {lane}",
        "{lane} is paused. Open it again: syncd lane resume {lane}",
    ),
    "lane.resumed": ("{lane} 已恢复，立即继续。", "{lane} is open again and goes on at once."),
    "lane.was_open": ("{lane} 本来就是畅通的。", "{lane} was open already."),
    "lane.until_or_for": ("--until 与 --for 只能用一个。", "Give either --until or --for, not both."),
    "lane.until_past": ("--until 已经过去了。", "--until lies in the past."),
    # -- cursors and backfills -----------------------------------------------------------------------------------------
    "cursor.none": ("尚未开始拉取。", "Nothing has been read yet."),
    "cursor.backfill": (
        "补拉 {merchant} {feed}：已到 {at}，目标 {end}（{done}）",
        "backfill {merchant} {feed}: at {at} of {end} ({done})",
    ),
    "cursor.gap.missing": (
        "缺口 {merchant} {feed}：{start} 至 {end} 没有读过",
        "gap {merchant} {feed}: {start} to {end} was not read",
    ),
    "cursor.gap.twice": (
        "重叠 {merchant} {feed}：{start} 至 {end} 记录了两次",
        "overlap {merchant} {feed}: {start} to {end} is recorded twice",
    ),
    "cursor.gaps": ("共 {n} 处缺口。", "{n} gaps."),
    "cursor.no_gaps": ("没有缺口。", "No gaps."),
    "backfill.unsettled": (
        "结束时间太近或在将来；目前最晚可到 {latest}（北京时间）。",
        "The end is too near or in the future; it can be {latest} (Beijing time) at the latest.",
    ),
    "backfill.backwards": ("起点 {start} 不早于终点 {end}。", "The start {start} is not before the end {end}."),
    "backfill.known": ("这一段已经要求过了。", "Exactly this was asked for before."),
    "backfill.asked": (
        "{merchant}：将补拉 {start} 至 {end}（北京时间）。",
        "{merchant}: {start} to {end} (Beijing time) will be read.",
    ),
    "backfill.calls": (
        "至少 {calls} 次调用，约每满一页（{page} 行）一次；每分钟最多 {pace} 次，实时拉取和回传优先。",
        "At least {calls} calls, or one for each page of {page} rows, at up to {pace} a minute; live work goes first.",
    ),
    # -- store ---------------------------------------------------------------------------------------------------------
    "db.current": ("数据库已是最新（{revision}）。", "The store is up to date ({revision})."),
    "db.upgraded": ("数据库已由 {before} 升级到 {revision}。", "The store went from {before} to {revision}."),
    "db.none": ("{path} 还没有数据库", "there is no store at {path} yet"),
    "db.unknown_here": ("数据库版本 {revision} 不为本程序所知", "this program does not know schema {revision}"),
    "db.no_such_revision": (
        "不能从 {at} 降到“{revision}”，可选：{below}。",
        'The store is at {at} and cannot go back to "{revision}"; there are: {below}.',
    ),
    "db.downgrade_needs_yes": (
        "将从 {at} 降到 {revision}，新版本才有的数据会丢失。先备份（syncd db backup PATH），再加 --yes。",
        (
            "From {at} to {revision}: what only the newer schema holds is lost. Make a backup (syncd db backup PATH),"
            " then add --yes."
        ),
    ),
    "db.downgraded": ("数据库现为 {revision}。", "The store is now at {revision}."),
    "db.backup_by_server": (
        "数据库在 PostgreSQL 上，请用它自己的工具备份：pg_dump -Fc -f {path} {url}。还原后停发，需 syncd arm。",
        "The store is on PostgreSQL, whose own tools copy it: pg_dump -Fc -f {path} {url}. A restored one is disarmed.",
    ),
    "db.backup_exists": ("{path} 已存在，不会覆盖。", "{path} exists; nothing is overwritten."),
    "db.backed_up": ("已备份到 {path}（{size} 字节）。", "Copied to {path} ({size} bytes)."),
    "db.unsound": (
        "发现 {n} 个问题。请停止守护进程并从备份恢复。",
        "{n} problems. Stop the daemon and restore a backup.",
    ),
    "db.sound": ("数据库完好。", "The store is sound."),
    # -- health and simulators -----------------------------------------------------------------------------------------
    "health.answered": ("{url} 答复 {status} {body}", "{url} answered {status} {body}"),
    "health.silent": ("{url} 没有答复：{why}", "{url} does not answer: {why}"),
    "health.any_port": (
        "console.listen 用的是任意端口，请用 --url 指明地址。",
        "console.listen names any free port; give the address with --url.",
    ),
    "health.bad_url": ("--url 应为 http(s)://主机:端口", "--url should look like http://host:port"),
    "sim.urls": (
        (
            "模拟方已启动：\n  旺店通  {wdt}\n  诺诺    {nuonuo}\n  阿里    {top}\n  元年    {yuannian}"
            "\n  控制台  {control}"
        ),
        (
            "The simulators run:\n  WDT       {wdt}\n  Nuonuo    {nuonuo}\n  Alibaba   {top}\n  Yuannian  {yuannian}"
            "\n  control   {control}"
        ),
    ),
    "sim.exists": ("{path} 已存在，不会覆盖。", "{path} exists; nothing is overwritten."),
    "sim.written": ("设置已写入 {path}", "The settings are in {path}"),
    "sim.try": (
        (
            "试试：\n  syncd -c {file} check\n  syncd -c {file} run --once\n"
            "  syncd -c {file} wallet import demo_card_1 demo_code_1\n  curl {control}/counts\n按 Ctrl-C 结束。"
        ),
        (
            "Try:\n  syncd -c {file} check\n  syncd -c {file} run --once\n"
            "  syncd -c {file} wallet import demo_card_1 demo_code_1\n  curl {control}/counts\nPress Ctrl-C to end."
        ),
    ),
}
