"""Help texts. Key → (Chinese, English); an example stands in a paragraph of its own."""

from __future__ import annotations

from collections.abc import Mapping

HELP: Mapping[str, tuple[str, str]] = {
    "help.syncd": (
        (
            "旺店通待开票单 → 开票平台 → 回传旺店通：一张单据绝不开出两张发票，也不丢一张。"
            "\n\n退出码：0 正常，1 失败，2 用法或设置有误，3 有事待人工处理，4 已解除武装。"
            "\n\n例：syncd demo\n\n例：syncd -c /etc/syncd/syncd.toml status"
        ),
        (
            "Invoice orders waiting in WDT → issuer → written back: never two invoices for one order, none lost."
            "\n\nExit codes: 0 fine, 1 failed, 2 usage or settings, 3 something waits for a person, 4 disarmed."
            "\n\nExample: syncd demo\n\nExample: syncd -c /etc/syncd/syncd.toml status"
        ),
    ),
    "help.config": (
        "设置文件（放在命令前后均可）；缺省为 $SYNCD_CONFIG、./syncd.toml、/etc/syncd/syncd.toml",
        "settings file, before or after the command; else $SYNCD_CONFIG, ./syncd.toml, /etc/syncd/syncd.toml",
    ),
    "help.lang": (
        "语言 zh 或 en；缺省看 $SYNCD_LANG，再看系统语言",
        "language, zh or en; else $SYNCD_LANG, else the locale",
    ),
    "help.version": ("显示版本号", "show the version"),
    "help.install_completion": ("为当前 shell 安装命令补全", "install completion for the current shell"),
    "help.show_completion": ("显示当前 shell 的补全脚本", "show the completion script of the current shell"),
    "help.panel.options": ("选项", "Options"),
    "help.panel.arguments": ("参数", "Arguments"),
    "help.panel.commands": ("命令", "Commands"),
    "help.panel.error": ("错误", "Error"),
    # -- commands ------------------------------------------------------------------------------------------------------
    "help.check": (
        (
            "上线前检查：设置、数据库、时钟、各账号与权限，每项给出补救办法。不改动任何东西，守护进程运行时也可使用。"
            "\n\n例：syncd check\n\n例：syncd check --json"
        ),
        (
            "Preflight: settings, store, clock, credentials, permissions, each with its remedy. Changes nothing;"
            " may run beside a daemon.\n\nExample: syncd check\n\nExample: syncd check --json"
        ),
    ),
    "help.status": (
        "总览：各商户单据、挂起原因、通道、游标、待回传；末尾列出需要人工处理的事。\n\n例：syncd status",
        (
            "Where everything stands: orders, holds, lanes, cursors, debts; ends with what needs a person."
            "\n\nExample: syncd status"
        ),
    ),
    "help.explain": (
        (
            "一张单据的来龙去脉：发生过什么、现在如何、下一步何时发生、该由谁处理。"
            "\n\n例：syncd explain FP202611200017\n\n例：syncd explain FP202611200017 --merchant m001 --json"
        ),
        (
            "One order's story: what happened, where it stands, what happens next and when, and who must act."
            "\n\nExample: syncd explain FP202611200017\n\nExample: syncd explain FP202611200017 --merchant m001 --json"
        ),
    ),
    "help.orders": (
        "单据：列出、查看、立即重试、挂起、放行。\n\n例：syncd orders list --state HOLD",
        "Orders: list, show, retry, hold, release.\n\nExample: syncd orders list --state HOLD",
    ),
    "help.orders.list": (
        (
            "列出单据，最近变动的在前。缺省显示 50 条；--json 时为全部。"
            "\n\n例：syncd orders list --state HOLD --merchant m001\n\n例：syncd orders list --json --limit 1000"
        ),
        (
            "List orders, latest change first: 50 of them, all with --json."
            "\n\nExample: syncd orders list --state HOLD --merchant m001"
            "\n\nExample: syncd orders list --json --limit 1000"
        ),
    ),
    "help.orders.show": (
        "查看一张单据的全部字段。\n\n例：syncd orders show FP202611200017 --raw",
        (
            "Show everything stored about one order."
            "\n\nExample: syncd orders show FP202611200017\n\nExample: syncd orders show FP202611200017 --raw"
        ),
    ),
    "help.orders.retry": (
        (
            "立即再处理：挂起且未提交过的重新核对，结果未知的马上查询，待回传的马上回读。绝不会因此重复开票。"
            "\n\n例：syncd orders retry FP202611200017 FP202611200018"
        ),
        (
            "Do it now: a held order that was never sent is checked anew, an unknown outcome is asked for, a write-back"
            " is looked at. It never issues twice.\n\nExample: syncd orders retry FP202611200017 FP202611200018"
        ),
    ),
    "help.orders.hold": (
        '挂起一张未完成的单据，直到放行。\n\n例：syncd orders hold FP202611200017 --reason "客户要求改抬头"',
        (
            "Set an unfinished order aside until it is released."
            '\n\nExample: syncd orders hold FP202611200017 --reason "buyer wants another title"'
        ),
    ),
    "help.orders.release": (
        (
            "放行挂起的单据：回到挂起前的位置，可能提交过的先向开票平台查询。"
            "平台上已有别的发票时，只能用 --settled-outside 声明已在线外处理。"
            "\n\n例：syncd orders release FP202611200017"
            "\n\n例：syncd orders release FP202611200017 --settled-outside --yes"
        ),
        (
            "Let a held order go on where the hold found it; where something may have been sent the issuer is asked"
            " first. Where the issuer holds another invoice, --settled-outside is the only way."
            "\n\nExample: syncd orders release FP202611200017"
            "\n\nExample: syncd orders release FP202611200017 --settled-outside --yes"
        ),
    ),
    "help.lane": (
        "通道（商户/平台）：查看、暂停、恢复。\n\n例：syncd lane list",
        "Lanes (merchant/platform): list, pause, resume.\n\nExample: syncd lane list",
    ),
    "help.lane.list": (
        "列出全部通道及其状态、原因和期限。\n\n例：syncd lane list --json",
        "List every lane with its state, reason and until when.\n\nExample: syncd lane list --json",
    ),
    "help.lane.pause": (
        (
            "暂停一条通道；单据等待，不算失败。"
            '\n\n例：syncd lane pause m001/main --reason "税号变更" --for 2h'
            '\n\n例：syncd lane pause m001/wdt --reason "盘点" --until "2026-11-22 08:00"'
        ),
        (
            "Stop a lane; its orders wait and do not fail."
            '\n\nExample: syncd lane pause m001/main --reason "tax number changes" --for 2h'
            '\n\nExample: syncd lane pause m001/wdt --reason "stock-taking" --until "2026-11-22 08:00"'
        ),
    ),
    "help.lane.resume": (
        (
            "恢复一条暂停或歇息的通道，并立即继续；对方说明的限流期限不变，除非 --lift-ban。"
            "\n\n例：syncd lane resume m001/main\n\n例：syncd lane resume m001/top --lift-ban"
        ),
        (
            "Open a paused or resting lane and go on at once; a ban that the party told of stays, but for --lift-ban."
            "\n\nExample: syncd lane resume m001/main\n\nExample: syncd lane resume m001/top --lift-ban"
        ),
    ),
    "help.cursor": (
        "拉取窗口的游标。\n\n例：syncd cursor audit",
        "Cursors of what has been read.\n\nExample: syncd cursor audit",
    ),
    "help.cursor.audit": (
        "核对拉取窗口有无缺口；有缺口时退出码为 1。\n\n例：syncd cursor audit",
        "Look for gaps in what has been read; exit code 1 on any.\n\nExample: syncd cursor audit",
    ),
    "help.backfill": (
        (
            "补拉一段历史（北京时间），与实时拉取并行，优先级较低。"
            "\n\n例：syncd backfill m001 --from 2026-10-01"
            '\n\n例：syncd backfill m001 --from "2026-10-01 08:00" --to 2026-11-01'
        ),
        (
            "Read a stretch of the past (Beijing time) beside the live tail, at lower priority."
            "\n\nExample: syncd backfill m001 --from 2026-10-01"
            '\n\nExample: syncd backfill m001 --from "2026-10-01 08:00" --to 2026-11-01'
        ),
    ),
    "help.db": (
        "数据库：升级、降级、备份、检查。\n\n例：syncd db backup /backup/syncd.db",
        "The store: upgrade, downgrade, backup, check.\n\nExample: syncd db backup /backup/syncd.db",
    ),
    "help.db.upgrade": (
        "把数据库升级到本程序的版本（守护进程启动时也会自动升级）。\n\n例：syncd db upgrade",
        "Bring the store to this program's schema; a starting daemon does so too.\n\nExample: syncd db upgrade",
    ),
    "help.db.downgrade": (
        "把数据库降级到旧版本；须先停止守护进程，请先备份。\n\n例：syncd db downgrade base --yes",
        (
            "Take the store back to an older schema; stop the daemon and make a backup first."
            "\n\nExample: syncd db downgrade base --yes"
        ),
    ),
    "help.db.backup": (
        "备份数据库，运行中也可；不覆盖已有文件。\n\n例：syncd db backup /backup/syncd-20261121.db",
        "Copy the store, in use or not; never overwrites.\n\nExample: syncd db backup /backup/syncd-20261121.db",
    ),
    "help.db.check": (
        "检查数据库文件是否完好；有问题时退出码为 1。\n\n例：syncd db check",
        "Look whether the store's file is sound; exit code 1 when it is not.\n\nExample: syncd db check",
    ),
    "help.health": (
        "询问守护进程是否存活：退出码 0 或 1。\n\n例：syncd health\n\n例：syncd health --url http://127.0.0.1:8650",
        (
            "Ask the daemon whether it is alive: exit code 0 or 1."
            "\n\nExample: syncd health\n\nExample: syncd health --url http://127.0.0.1:8650"
        ),
    ),
    "help.sim.serve": (
        (
            "运行模拟方直到 Ctrl-C，并给出配套的设置文件。"
            "\n\n例：syncd sim serve --rows 500 --write-config sim.toml"
            "\n\n例：syncd sim serve --faults rough --port-wdt 9001"
        ),
        (
            "Run the simulators until Ctrl-C, with a settings file that fits them."
            "\n\nExample: syncd sim serve --rows 500 --write-config sim.toml"
            "\n\nExample: syncd sim serve --faults rough --port-wdt 9001"
        ),
    ),
    # -- options -------------------------------------------------------------------------------------------------------
    "help.opt.json": ("输出一个 JSON 值", "print one JSON value"),
    "help.opt.merchant": ("只看该商户", "this merchant only"),
    "help.opt.yes": ("不再询问", "do not ask"),
    "help.opt.reason": ("原因，写入单据经过（勿写个人信息）", "why; kept in the history, so no personal data"),
    "help.opt.no": ("发票单号", "invoice order number"),
    "help.opt.nos": ("一个或多个发票单号", "one or more invoice order numbers"),
    "help.opt.state": ("只看该状态，如 HOLD、PENDING、DONE60", "this state only, such as HOLD, PENDING, DONE60"),
    "help.opt.limit": ("最多 N 条", "at most N"),
    "help.opt.raw": ("附上旺店通原始内容（含个人信息）", "with the row as WDT sent it (holds personal data)"),
    "help.opt.blue_exists": (
        "声明红票对应的蓝票已核对：确已开出、由本单全额红冲；写明依据（记入日志）",
        "vouch for a red order's blue invoice: it exists and this reverses it in full; say how you know (journalled)",
    ),
    "help.opt.settled_outside": (
        "已在线外处理，系统不再过问 （须已离开旺店通 45 状态）",
        "dealt with elsewhere; left alone from now on (it must have left status 45 in WDT)",
    ),
    "help.opt.lift_ban": (
        "解除对方的限流期限（仅在对方控制台已重置之后）",
        "forget the party's ban, once it was reset at the party's own console",
    ),
    "help.opt.lane": ("通道，如 m001/wdt、m001/main", "a lane, such as m001/wdt or m001/main"),
    "help.opt.until": ('到何时（北京时间），如 "2026-11-22 08:00"', 'until when, Beijing time, as "2026-11-22 08:00"'),
    "help.opt.for": ("多久，如 90s、2h、1d", "for how long, as 90s, 2h, 1d"),
    "help.opt.backfill_merchant": ("商户代号", "the merchant's name"),
    "help.opt.from": ("起（北京时间）", "from, Beijing time"),
    "help.opt.to": ("止（北京时间）；缺省到已拉取的起点或当前", "to; default: where reading began, or the present"),
    "help.opt.feed": ("pending 待开票；mirror 全部状态", "pending: the work list; mirror: every state"),
    "help.opt.revision": ("目标版本，base 为清空", "the revision to go back to; base drops everything"),
    "help.opt.backup": ("备份文件，须不存在", "the copy; must not exist"),
    "help.opt.url": ("守护进程地址；缺省取自设置", "the daemon's address; default: as the settings say"),
    "help.opt.rows": ("待开票单数", "how many orders wait"),
    "help.opt.seed": ("随机种子", "the seed"),
    "help.opt.faults": ("故障程度：calm、rough、storm", "how badly the network and the parties behave"),
    "help.opt.port": ("端口，0 为任意空闲端口", "port; 0 is any free one"),
    "help.opt.write_config": ("把设置写入该文件（须不存在）", "write the settings to this file (must not exist)"),
}
