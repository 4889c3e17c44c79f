"""What is said about a disarmed store: (Chinese, English)."""

from __future__ import annotations

ARMING: dict[str, tuple[str, str]] = {
    "help.disarm": (
        '立即停止一切对外写入（开票、回传、续开），读取与查询照常。\n\n例：syncd disarm --reason "怀疑有副本在运行"',
        (
            "Stop every write to the outside at once (issuing, write-back, re-sealing); reading and asking go on.\n\n"
            'Example: syncd disarm --reason "a copy may be at work"'
        ),
    ),
    "help.arm": (
        "重新允许对外写入：先重读旺店通、逐单询问开票平台，补回遗忘的部分。\n\n例：syncd arm --yes --timeout 900",
        (
            "Allow writes to the outside again, after what the store has forgotten was read and asked for anew.\n\n"
            "Example: syncd arm --yes --timeout 900"
        ),
    ),
    "help.opt.disarm_reason": ("原因，写入日志（勿写个人信息）", "why; kept in the journal, so no personal data"),
    "help.opt.arm_timeout": ("最多等待秒数", "wait so many seconds at most"),
    "arming.why.restored": (
        "这是还原的旧备份：对外写入已进行到第 {seen} 批，超出本库的记录",
        "it is an older backup: {seen} batches have gone out, more than it remembers",
    ),
    "arming.why.witness_missing": (
        "见证文件不见了，无法确认本库是否最新",
        "its witness is missing, so nothing tells whether it is the newest",
    ),
    "arming.why.moved": (
        "本库被移动或复制：见证文件记录的位置是 {about}",
        "it was moved or copied: its witness knows it at {about}",
    ),
    "arming.why.overtaken": (
        "另一个进程已接替本库对外写入（{about}）",
        "another process has taken over in its place ({about})",
    ),
    "arming.why.deleted": (
        "原数据库已被删除，且有平台不能识别重复单号",
        "the database that was here is gone, and not every issuer refuses a number it knows",
    ),
    "arming.why.operator": ("由人工停用：{about}", "a person has disarmed it: {about}"),
    "arming.disarmed": (
        "数据库已停用（disarmed），自 {since} 起不再开票、不再回传：{why}。",
        "The store is DISARMED since {since}; nothing is issued and nothing written back: {why}.",
    ),
    "arming.remedy": (
        "确认没有另一个副本在运行，然后执行：syncd arm（手册 docs/runbooks/restored-store.md）",
        "Make sure that no other copy is at work, then: syncd arm (docs/runbooks/restored-store.md)",
    ),
    "arming.note": (
        "注意：数据库已停用，改动已记录，但在 syncd arm 之前不会对外发送。",
        "Note: the store is disarmed. This is written down, and nothing is sent before `syncd arm`.",
    ),
    "disarm.done": (
        "已停用：不再对外写入。恢复：syncd arm",
        "Disarmed: nothing goes out any more. Back again: syncd arm",
    ),
    "disarm.already": ("已经停用。", "It is disarmed already."),
    "disarm.no_reason": ("请用 --reason 说明原因。", "Say why: --reason."),
    "arm.already": ("未停用，无需操作。", "The store is armed; nothing is to be done."),
    "arm.question": (
        "没有其他副本在运行，允许本库重新对外写入？",
        "Is no other copy of this store at work, and may it write to the outside again?",
    ),
    "arm.needs_yes": ("此处无法询问，请加 --yes。", "Nobody can be asked here: add --yes."),
    "arm.asked_daemon": ("已通知守护进程（{who}），等待其补回……", "The daemon ({who}) was told; waiting for it …"),
    "arm.beside": (
        "与正在运行的进程（{who}）一起读取与询问……",
        "Reading and asking along with the processes at work ({who}) …",
    ),
    "arm.here": ("守护进程未运行，由本命令读取与询问……", "No daemon runs: this command reads and asks by itself …"),
    "arm.progress": (
        "待重读：{feeds}；待询问单据：{orders}",
        "still to be read: {feeds}; orders to be asked about: {orders}",
    ),
    "arm.nothing": ("无", "nothing"),
    "arm.found": (
        "补回：已开发票 {adopted} 张；待开 {pending} 单；尚无定论 {doubted} 单（逐单等待，不发送）；挂起 {held} 单。",
        "Found: {adopted} invoices; {pending} orders wait; {doubted} without a certain answer wait on; {held} held.",
    ),
    "arm.foreign": (
        "另有 {n} 单旺店通显示已开票而本库没有记录：在遗忘的时段内开具并回传，或由他人开具。",
        "For {n} more orders WDT shows an invoice unknown here: of the forgotten time, or somebody else's.",
    ),
    "arm.done": ("已恢复对外写入。", "Armed: the store writes to the outside again."),
    "arm.not_yet": (
        "在时限内未能补回全部内容，仍然停用。查看 syncd status，排除后再执行 syncd arm。",
        "Not everything could be read and asked in time; it stays disarmed. See syncd status, then syncd arm again.",
    ),
    "db.backup_disarmed": (
        "还原此备份后，首次启动为停用状态：读取并询问，经 syncd arm 后才对外写入。",
        "Put back, this copy starts disarmed: it reads and asks, and writes outside only after `syncd arm`.",
    ),
    "db.corrupt": (
        "db.corrupt：数据库文件已损坏，拒绝开票：{why}。请停机并用备份还原，见 docs/runbooks/restored-store.md。",
        "db.corrupt: the store's file is damaged, nothing is issued: {why}. See docs/runbooks/restored-store.md.",
    ),
    "db.network": (
        "数据库位于网络文件系统（{kind}），其锁不可靠：请把 [store] url 移到本机磁盘。",
        "The store is on a network file system ({kind}), whose locks lie: move [store] url to a local disk.",
    ),
    "db.witness_unusable": (
        "[store] witness 不可写：{why}。请修正权限或改用其他目录。",
        "[store] witness cannot be used: {why}. Mend its permissions or name another folder.",
    ),
    "db.finding": ("{text}：{n} 单，例如 {example}", "{text}: {n}, for example {example}"),
    "db.finding.remedy": (
        "先停止守护进程并备份，再执行 syncd explain {example}",
        "stop the daemon, take a backup, then: syncd explain {example}",
    ),
    "db.gaps": ("拉取有 {n} 处缺口", "{n} gaps in what was read"),
    "db.gaps.remedy": ("syncd cursor audit，再用 syncd backfill 补读", "syncd cursor audit, then syncd backfill"),
    "db.rule.order_without_row": ("单据没有旺店通原始内容", "without the row that WDT sent"),
    "db.rule.intent_without_submission": ("在途单据没有提交记录", "on its way without a submission"),
    "db.rule.two_live_submissions": (
        "单据的提交代次超前于单据本身",
        "a submission of a later generation than the order knows",
    ),
    "db.rule.submission_without_request": ("提交记录没有请求内容", "a submission without its frozen bytes"),
    "db.rule.issued_without_invoice": ("已开票单据没有发票", "issued without an invoice"),
    "db.rule.two_invoices": ("一单有两张发票而未挂起", "two invoices for one order that is not held"),
    "db.rule.nothing_owed": ("已开票或已失败，但没有待回传", "issued or failed, and nothing is owed to WDT"),
    "db.rule.hold_from_nowhere": ("挂起单据没有来处", "held, and from nowhere"),
    "db.rule.cursor_before_origin": ("游标早于起点", "a cursor before its origin"),
    "check.armed": ("可对外写入", "may write to the outside"),
    "check.would_disarm": (
        "下次启动将停用：{why}",
        "the next start will disarm it: {why}",
    ),
    "event.order.believed": (
        "已向平台确认：遗忘的时段内未提交过，照常开票",
        "confirmed at the issuer: not sent in the forgotten time; it is sent like any other",
    ),
}
