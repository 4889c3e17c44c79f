"""What `db move` says, and what is said of the stores at both its ends: (Chinese, English)."""

from __future__ import annotations

MOVE: dict[str, tuple[str, str]] = {
    "help.db.move": (
        (
            "把数据库整体迁到另一个数据库（SQLite ↔ PostgreSQL）：先停守护进程；复制、逐表核对行数与摘要，"
            "旧库永久停用，新库停用待 syncd arm。中断后可再次执行。"
            "\n\n含密码的地址请用 --to-file 或环境变量 SYNCD_MOVE_TO / SYNCD_MOVE_TO_FILE。"
            "\n\n例：syncd db move --to-file credentials/store__url --dry-run"
            "\n\n例：syncd db move --to sqlite:///back.db --yes"
        ),
        (
            "Move the store into another database (SQLite to PostgreSQL and back): stop the daemon first. All of it is "
            "copied and compared, table by table; the old store is ended for good, the new one waits for `syncd arm`. "
            "Where it was interrupted, run it again.\n\nA URL with a password belongs into --to-file, SYNCD_MOVE_TO or "
            "SYNCD_MOVE_TO_FILE.\n\nExample: syncd db move --to-file credentials/store__url --dry-run\n\n"
            "Example: syncd db move --to sqlite:///back.db --yes"
        ),
    ),
    "help.opt.move_to": (
        "目标地址（含密码时同机用户可见）",
        "where to (a password in it can be seen by other users here)",
    ),
    "help.opt.move_to_file": ("从文件读取目标地址", "read the target's URL from a file"),
    "help.opt.move_dry_run": ("只检查并列出行数，不改动任何一方", "look and count; change neither side"),
    "move.both": ("--to 与 --to-file 只能用一个。", "Give --to or --to-file, not both."),
    "move.where": (
        "迁往何处？请用 --to、--to-file，或环境变量 SYNCD_MOVE_TO、SYNCD_MOVE_TO_FILE。",
        "Where to? Say --to, --to-file, or set SYNCD_MOVE_TO or SYNCD_MOVE_TO_FILE.",
    ),
    "move.file": ("{file} 应只含一行地址。", "{file} must hold one URL and nothing else."),
    "move.scheme": (
        "目标地址须为 sqlite:///文件 或 postgresql://用户:密码@主机:端口/库名。",
        "The target must be sqlite:///FILE or postgresql://USER:PASSWORD@HOST:PORT/NAME.",
    ),
    "move.visible": (
        "注意：--to 中的密码会被同机用户看到（ps）；请改用 --to-file 或 SYNCD_MOVE_TO。",
        "Note: other users of this machine can see the password in --to (ps); --to-file and SYNCD_MOVE_TO hide it.",
    ),
    "move.same": ("{url} 就是当前数据库。", "{url} is the store of the settings itself."),
    "move.never_started": (
        "{source} 从未使用过，无可迁移；直接修改 [store] url 即可。",
        "{source} was never worked on: there is nothing to move. Just change [store] url.",
    ),
    "move.not_empty": (
        "目标数据库不为空（{tables}），不会写入。请换一个空库。",
        "The target is not empty ({tables}); nothing is written to it. Name an empty database.",
    ),
    "move.elsewhere": (
        "本库已迁往 {where}，不能再迁往别处；请把 [store] url 指向新库。",
        "This store was moved to {where} already and cannot go anywhere else: point [store] url at the new one.",
    ),
    "move.at_work": (
        "仍有进程持有租约（{owners}）：请先停止全部守护进程；若已被强制结束，请等一分钟租约到期。",
        "Somebody still holds a lease ({owners}): stop every daemon; one that was killed keeps it for a minute.",
    ),
    "move.not_certain": (
        "不能确认本库是否最新（{why}）：请先启动一次并执行 syncd arm，再迁移。",
        "It is not certain that this store is the newest of its line ({why}): start it, `syncd arm`, then move it.",
    ),
    "move.not_certain.fine": ("上次迁移未完成的副本", "it is a copy that an earlier move did not finish"),
    "move.not_certain.restored": ("它是还原的旧备份", "it is an older backup"),
    "move.not_certain.witness_missing": ("见证文件不见了", "its witness is missing"),
    "move.not_certain.moved": ("它被移动或复制过", "it was moved or copied"),
    "move.not_certain.moved_away": ("它的后继已在别处运行", "another store goes on in its place"),
    "move.plan": (
        "{source} → {target}：共 {rows} 行。完成后旧库永久停用，新库停用待 syncd arm。",
        "{source} → {target}: {rows} rows. Afterwards the old store is ended for good; the new waits for `syncd arm`.",
    ),
    "move.question": ("开始迁移？", "Move it?"),
    "move.needs_yes": ("此处无法询问，请加 --yes。", "Nobody can be asked here: add --yes."),
    "move.leftover": (
        "目标中有上次未完成的副本，将清除后重新复制。",
        "The target holds the unfinished copy of an earlier attempt: it is dropped and made anew.",
    ),
    "move.progress.copy": ("复制 {table}：{done} / {of}", "copying {table}: {done} / {of}"),
    "move.progress.verify": ("核对 {table}：{done} / {of}", "comparing {table}: {done} / {of}"),
    "move.cannot_hold": (
        "目标数据库存不下某个值（{why}）。旧库未改动，目标仍为空。",
        "The target cannot hold a value ({why}). The old store is as it was, the target is still empty.",
    ),
    "move.no_witness": (
        "见证文件写不进去（{why}）。两库都不能对外写入；排除后再次执行同一命令即可完成。",
        "The witness cannot be written ({why}). Neither store can send; mend it and run the same command again.",
    ),
    "move.table": ("表", "table"),
    "move.rows": ("行数", "rows"),
    "move.digest": ("摘要", "digest"),
    "move.would_move": (
        "可以迁移：{source} → {target}。未做任何改动。",
        "It can be moved: {source} → {target}. Nothing was changed.",
    ),
    "move.moved": (
        (
            "已迁移并核对一致。下一步：\n1. 把 [store] url 指向 {target}\n2. syncd check\n3. syncd arm，然后启动\n"
            "旧库 {source} 已永久停用，确认无误后归档。"
        ),
        (
            "Moved, and both sides are the same. Next:\n1. point [store] url at {target}\n2. syncd check\n"
            "3. syncd arm, then start\nThe old store {source} is ended for good; put it away once all is well."
        ),
    ),
    "move.finished": (
        "上次迁移的收尾已完成。下一步：把 [store] url 指向 {target}，syncd check，syncd arm。",
        "What was left of an earlier move is done. Next: point [store] url at {target}, syncd check, syncd arm.",
    ),
    "move.already": (
        "早已迁往 {target}，无需操作；请把 [store] url 指向它。",
        "It was moved to {target} before; nothing is to be done. Point [store] url at it.",
    ),
    "move.differs": (
        "写入的与读出的不一致：{tables}。旧库 {source} 未改动，照常可用；目标永不能启用，再次执行将清除重来。",
        (
            "What was written is not what was read: {tables}. {source} is as it was and can go on; the target can "
            "never be armed, and another attempt makes it anew."
        ),
    ),
    "move.stuck.moving": (
        "这是未完成迁移的副本（来自 {about}），不能使用。请用旧库的配置再次执行 syncd db move。",
        (
            "This is a copy that a move from {about} did not finish; nothing works on it. Run `syncd db move` again "
            "with the settings of the old store."
        ),
    ),
    "move.stuck.moved_away": (
        "本库已迁往 {about}，永久停用。请把 [store] url 指向新库（手册 docs/runbooks/moved-store.md）。",
        (
            "This store was moved to {about} and is ended for good. Point [store] url at the new one "
            "(docs/runbooks/moved-store.md)."
        ),
    ),
    "arming.why.moving": ("未完成迁移的副本，来自 {about}", "it is a copy that a move from {about} did not finish"),
    "arming.why.moved_away": ("已迁往 {about}，永久停用", "it was moved to {about} and is ended for good"),
    "arming.why.moved_here": ("由 {about} 迁来，等待启用", "it was moved here from {about} and waits to be armed"),
    "arming.moved_here": (
        "数据库由 {about} 迁来，已核对一致，尚未启用（disarmed）：不开票、不回传。",
        "The store was moved here from {about}, is complete, and is still DISARMED: nothing is issued or written back.",
    ),
    "arming.remedy.stuck": ("手册 docs/runbooks/moved-store.md", "docs/runbooks/moved-store.md"),
    "arming.remedy.moved_here": (
        "确认旧库的守护进程都已停止，然后执行：syncd arm（手册 docs/runbooks/moved-store.md）",
        "Make sure that no daemon uses the old one any more, then: syncd arm (docs/runbooks/moved-store.md)",
    ),
}
