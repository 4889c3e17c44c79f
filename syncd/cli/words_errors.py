"""What `syncd errors` and `syncd retry` say. Key → (Chinese, English), with the same format fields in both."""

from __future__ import annotations

from collections.abc import Mapping

ERRORS: Mapping[str, tuple[str, str]] = {
    "help.errors": (
        "错误目录：各平台的错误是什么意思、该由谁处理。\n\n例：syncd errors explain nuonuo E9130",
        (
            "The error catalogue: what the parties' messages mean and who owns them."
            "\n\nExample: syncd errors explain nuonuo E9130"
        ),
    ),
    "help.errors.check": (
        (
            "核对文件里的平台消息：逐条给出类别、责任人、含义与处理办法。"
            "每行一条“平台 代码: 文字”，或 JSON（platform、code、text），或 syncd 自己的日志。"
            "全部已归类退出码 0，有未归类的为 1，文件读不了为 2。"
            "\n\n例：syncd errors check messages.txt"
            "\n\n例：journalctl -u syncd -o cat | grep event | syncd errors check -"
        ),
        (
            "Look up every message in files: its class, owner, meaning and remedy. A line is"
            ' "PLATFORM CODE: TEXT", JSON with platform, code and text, or a line of syncd\'s own log.'
            " Exit code 0 when all are classified, 1 when any is not, 2 for an unreadable file."
            "\n\nExample: syncd errors check messages.txt"
            "\n\nExample: journalctl -u syncd -o cat | grep event | syncd errors check -"
        ),
    ),
    "help.errors.list": (
        "列出目录全部条目。\n\n例：syncd errors list --platform wdt",
        "List every entry of the catalogue.\n\nExample: syncd errors list --platform wdt",
    ),
    "help.errors.explain": (
        '解释一条消息；未归类时退出码为 1。\n\n例：syncd errors explain wdt 100 "权限不足"',
        'Explain one message; exit code 1 when it is unclassified.\n\nExample: syncd errors explain wdt 100 "权限不足"',
    ),
    "help.opt.messages": ("消息文件，- 为标准输入", "files of messages; - is standard input"),
    "help.opt.platform": ("平台：wdt、nuonuo、top、wire", "the platform: wdt, nuonuo, top, wire"),
    "help.opt.code": ("错误代码", "the error code"),
    "help.opt.text": ("平台返回的文字", "the party's own wording"),
    "column.entry": ("条目", "entry"),
    "column.codes": ("代码", "codes"),
    "column.class": ("类别", "class"),
    "column.owner": ("责任人", "owner"),
    "column.action": ("将要做的", "what is done"),
    "errors.unreadable": ("读不了 {file}：{why}", "{file} cannot be read: {why}"),
    "errors.none": ("没有找到任何平台消息。", "There is no message of a party in it."),
    "errors.checked": ("共 {n} 种消息，未归类 {unlisted} 种。", "{n} kinds of messages, {unlisted} unclassified."),
    "errors.class": ("类别：{care}；责任人：{owner}{rest}（{id}）", "class: {care}; owner: {owner}{rest} ({id})"),
    "errors.rest": ("；通道歇 {span}", "; the lane rests {span}"),
    "errors.remedy": ("怎么办：{text}", "What to do: {text}"),
    "errors.runbook": ("手册：{file}", "Runbook: {file}"),
    "errors.any_code": ("任意", "any"),
    "errors.unknown_platform": (
        "目录里没有平台“{name}”，可用：{known}。{near}",
        'The catalogue knows no platform "{name}"; there are {known}.{near}',
    ),
    "status.unclassified": (
        "未归类的平台消息：{n} 种（未因此重发任何东西）",
        "Unclassified messages of parties: {n} kinds (nothing was re-sent because of them)",
    ),
    "status.unclassified_one": (
        "{platform} {code}: {text}（{n} 次，最近{age}）",
        "{platform} {code}: {text} ({n} times, last {age})",
    ),
    "status.next.remedy": ("{text}手册：{file}", "{text} Runbook: {file}"),
    "status.next.unclassified": (
        "有平台消息未归类 → 请发给维护者收入目录；未重发任何东西。手册：docs/runbooks/unclassified.md",
        (
            "Messages nobody has classified → send them to the maintainers to be added to the catalogue;"
            " nothing was re-sent. Runbook: docs/runbooks/unclassified.md"
        ),
    ),
    # -- retry ---------------------------------------------------------------------------------------------------------
    "help.retry": (
        (
            "成批重试：对符合条件的单据逐张按 orders retry 的规则处理，绝不盲目重发。"
            "条件用逗号或 and 连接：state=HOLD、hold=poison_row、phase=unknown、merchant=m001、code=E9130、"
            "older_than=2h、no~FP2026*。"
            '\n\n例：syncd retry --where "hold=poison_row,merchant=m001" --dry-run'
            '\n\n例：syncd retry --where "state=INTENT and older_than=2h" --yes'
        ),
        (
            "Retry many orders: each one that meets the condition is treated as by `orders retry`, so nothing is sent"
            " blind. Conditions are joined by a comma or by `and`: state=HOLD, hold=poison_row, phase=unknown,"
            " merchant=m001, code=E9130, older_than=2h, no~FP2026*."
            '\n\nExample: syncd retry --where "hold=poison_row,merchant=m001" --dry-run'
            '\n\nExample: syncd retry --where "state=INTENT and older_than=2h" --yes'
        ),
    ),
    "help.opt.where": ("哪些单据，如 hold=poison_row,merchant=m001", "which orders, as hold=poison_row,merchant=m001"),
    "help.opt.dry_run": ("只列出将要做什么，不写任何东西", "list what would be done and write nothing"),
    "where.empty": ("--where 里没有条件。可用：{fields}", "--where holds no condition. Fields: {fields}"),
    "where.unreadable": (
        "看不懂条件“{term}”，应形如 state=HOLD 或 no~FP2026*。可用：{fields}",
        'The condition "{term}" should look like state=HOLD or no~FP2026*. Fields: {fields}',
    ),
    "where.unknown_field": (
        "没有条件“{name}”，可用：{fields}。{near}",
        'There is no field "{name}"; there are {fields}.{near}',
    ),
    "where.unknown_value": (
        "{name} 没有“{value}”，可用：{known}。{near}",
        '{name} cannot be "{value}"; there are {known}.{near}',
    ),
    "where.no_pattern": ("{name} 只能用 =，不能用 ~。", "{name} takes = and not ~."),
    "retry.nothing": ("没有符合条件的单据。", "No order meets the condition."),
    "retry.summary": (
        "符合条件 {n} 单：立即再处理 {retry}，放回待处理 {release}，不能重试 {none}。",
        "Meet the condition: {n}. Done now: {retry}. Back to waiting: {release}. Not possible: {none}.",
    ),
    "retry.more": (
        "（仅显示前 {shown} 单，全部请加 --json）",
        "(the first {shown} are shown; all of them with --json)",
    ),
    "retry.will.push": ("立即重新核对并提交", "checked anew and sent"),
    "retry.will.collect": ("立即向开票平台查询", "the issuer is asked"),
    "retry.will.write_back": ("立即回读核对", "WDT is looked at"),
    "retry.will.release": ("放回待处理，重新核对后提交", "back to waiting, checked anew and sent"),
    "retry.will.release_left": ("放回待处理，先查询再决定", "back to waiting; the issuer is asked first"),
    "retry.will.released_intent": (
        "放行：先按原流水号向开票平台查询，绝不换号重发",
        "released; the issuer is asked under the same key first",
    ),
    "retry.will.released_failed": (
        "放行：再向开票平台确认一次，然后回传失败",
        "released; the issuer is asked once more, then the failure is written back",
    ),
    "retry.will.released_issued": ("放行：再次回传发票号码", "released; its number is written back once more"),
    "retry.settings_differ": (
        "注意：各进程的配置仍不一致（syncd status）。请先统一并重新加载，否则其中一些会再次挂起。",
        (
            "Beware: the processes still have different settings (syncd status). Give all of them the same and reload"
            " them first, or some of these will be held again."
        ),
    ),
    "refusal.account_elsewhere": (
        "由账号 {account}（税号尾号 {was}）提交，这里的设置却是尾号 {now}：请先改正设置并重新加载，否则只会再次挂起。",
        (
            "it was sent by the account {account} of a tax number that ends in {was}, and these settings have one that"
            " ends in {now}: set them right and reload first, it would only be held again."
        ),
    ),
    "retry.cannot": ("不能：{why}", "not possible: {why}"),
    "retry.dry": ("以上仅为预览，未做任何改动。", "This was a look only; nothing was done."),
    "retry.done_all": ("已处理 {n} 单。", "Retried: {n}."),
    "retry.json_needs_yes": ("--json 时请加 --dry-run 或 --yes。", "With --json, add --dry-run or --yes."),
    "refusal.moved": ("刚刚发生了变化，不再符合条件。", "it has just moved and no longer meets the condition."),
    "refusal.held_by_a_person": (
        "由人工挂起；确要一并重试请在条件里写明 hold=by_operator。",
        "a person set it aside; to retry such orders, too, name hold=by_operator in the condition.",
    ),
}
