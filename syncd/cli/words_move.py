"""What `db move` says, and what is said of the stores at both its ends: (Chinese, English)."""

from __future__ import annotations

MOVE: dict[str, tuple[str, str]] = {
    "help.db.move": (
        (
            "把数据库整体迁到另一个数据库（SQLite ↔ PostgreSQL）：先用 --dry-run 试（不必停机），再停守护进程；"
            "复制、逐表核对行数与摘要，旧库永久停用，新库停用待 syncd arm。中断后可再次执行。"
            "\n\n含密码的地址请用 --to-file 或环境变量 SYNCD_MOVE_TO / SYNCD_MOVE_TO_FILE。"
            "\n\n例：syncd db move --to-file credentials/store__url --dry-run"
            "\n\n例：syncd db move --to sqlite:///back.db --yes"
        ),
        (
            "Move the store into another database (SQLite to PostgreSQL and back): look with --dry-run while the "
            "daemon works, then stop it. All of it is copied and compared, table by table; the old store is ended for "
            "good, the new one waits for `syncd arm`. Where it was interrupted, run it again.\n\nA URL with a password "
            "belongs into --to-file, SYNCD_MOVE_TO or SYNCD_MOVE_TO_FILE.\n\n"
            "Example: syncd db move --to-file credentials/store__url --dry-run\n\n"
            "Example: syncd db move --to sqlite:///back.db --yes"
        ),
    ),
    "help.opt.move_to": (
        "目标地址（含密码时同机用户可见）",
        "where to (a password in it can be seen by other users here)",
    ),
    "help.opt.move_to_file": ("从文件读取目标地址", "read the target's URL from a file"),
    "help.opt.move_dry_run": (
        "只检查两端并列出行数，不改动任何一方，不必停机",
        "look at both ends and count; changes neither, needs no outage",
    ),
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
        "目标 {target} 不为空（{tables}），不会写入。请换一个空库。",
        "The target {target} is not empty ({tables}); nothing is written to it. Name an empty database.",
    ),
    "move.target_other": (
        "目标 {target} 中已有别的程序或其他版本 syncd 的表，不会写入。请换一个空库。",
        "The target {target} holds tables of another program, or of another version of syncd. Name an empty database.",
    ),
    "move.target_unfit": (
        "目标 {target} 不能用：{why}（当前数据库未受影响）",
        "The target {target} will not do: {why} (the present store is not concerned).",
    ),
    "move.target_held": (
        "目标 {target} 正被另一个进程使用：{holder}。请先停止它。",
        "Another process works on the target {target}: {holder}. Stop it first.",
    ),
    "move.target_silent": (
        "目标 {target} 不能访问：{why}",
        "The target {target} cannot be used: {why}",
    ),
    "move.target_silent.remedy": (
        (
            "请检查目标地址，服务器是否在运行，库是否已建（CREATE DATABASE 库名 ENCODING 'UTF8' TEMPLATE template0），"
            "用户是否可以登录。当前数据库未受影响。"
        ),
        (
            "Look at its address, whether the server is up, whether the database was made (CREATE DATABASE NAME "
            "ENCODING 'UTF8' TEMPLATE template0), and whether the user may log in. The present store is not concerned."
        ),
    ),
    "move.interrupted": (
        "迁移中断：{why}。请再次执行同一命令：会接着完成，或说明问题所在。",
        "The move was interrupted: {why}. Run the same command again: it goes on from there, or says what is wrong.",
    ),
    "move.stop_first": (
        "注意：{holder} 正在使用当前数据库；真正迁移前须先停止它。",
        "Note: {holder} works on the present store; stop it before you move it.",
    ),
    "move.no_queue": (
        "注意：该用户不能在目标库新建 schema；多进程（distributed）引擎需要：GRANT CREATE ON DATABASE。",
        "Note: this user may not make a schema there, which a distributed engine needs: GRANT CREATE ON DATABASE.",
    ),
    "unsupported.url": (
        "数据库地址不能识别：应为 postgresql://用户:密码@主机:端口/库名",
        "the store's URL cannot be read: postgresql://USER:PASSWORD@HOST:PORT/NAME",
    ),
    "unsupported.option": (
        "数据库地址中有 PostgreSQL 客户端不认识的选项",
        "the store's URL asks for something that PostgreSQL's client does not know",
    ),
    "unsupported.driver": (
        '使用 PostgreSQL 需要 psycopg：pip install "syncd[distributed]"（{error}）',
        'a store on PostgreSQL needs psycopg: pip install "syncd[distributed]" ({error})',
    ),
    "unsupported.backend": ("本版本不支持 {kind} 数据库", "{kind} stores are not supported by this version"),
    "unsupported.no_file": ("数据库须为文件：sqlite:///路径", "the store must be a file: sqlite:///PATH"),
    "unsupported.backup": (
        "PostgreSQL 请用自带工具备份：pg_dump",
        "a store on PostgreSQL is copied by PostgreSQL's own means: pg_dump",
    ),
    "unsupported.too_old": (
        "PostgreSQL {version} 太旧，须 {oldest} 或更新",
        "PostgreSQL {version} is too old: {oldest} or newer is needed",
    ),
    "unsupported.encoding": (
        "库的编码是 {encoding}；请用 ENCODING 'UTF8' TEMPLATE template0 新建",
        "the database's encoding is {encoding}: make it with ENCODING 'UTF8' TEMPLATE template0",
    ),
    "unsupported.pooled": (
        "连接途中的连接池（如 PgBouncer）丢弃了会话设置，请直连 PostgreSQL",
        "a pooler on the way (PgBouncer?) drops the settings of sessions: connect to PostgreSQL itself",
    ),
    "unsupported.standby": ("服务器是只读备库，请指向主库", "the server is a standby: name the primary"),
    "unsupported.no_schema": (
        "search_path 中的 schema 不存在，请先新建",
        "no schema of its search path exists: make it first",
    ),
    "unsupported.no_right": (
        "用户 {user} 不能在 schema {schema} 建表；请由管理员执行 GRANT CREATE ON SCHEMA",
        "{user} may not make tables in the schema {schema}: let its owner GRANT CREATE ON SCHEMA",
    ),
    "unsupported.not_owner": (
        "表 {table} 属于另一个用户，{user} 不能清除上次未完成的副本",
        "the table {table} is another user's: {user} cannot drop the unfinished copy of an earlier attempt",
    ),
    "unsupported.no_write": ("{place} 不能写入", "{place} cannot be written to"),
    "unsupported.no_database": ("{place} 不是 SQLite 数据库", "{place} is no SQLite database"),
    "unsupported.misbuilt": (
        (
            "数据库的结构与本程序所需不符：{parts}（“+”为多出的必填列）。"
            "若由未发布的早期版本建成，请改 [store] url 另建新库（已开的发票会按单据算出的流水号找回），"
            "或用当时的版本继续、恢复它的备份；否则此库已损坏，请从备份恢复。"
        ),
        (
            "The store is not built as this program needs it: {parts} (+: a column too many that must be filled). "
            "If an unreleased version made it, start a new store beside it under another [store] url (what was issued "
            "is found again, by keys computed from the orders), or go on, or restore its backup, with that version. "
            "If not, it is damaged: restore a backup."
        ),
    ),
    "unsupported.occupied": ("库不为空（{tables}）", "it is not empty ({tables})"),
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
    "move.would_finish": (
        "旧库已交接给 {target}，只差收尾：不带 --dry-run 再次执行即可。未做任何改动。",
        "It was handed over to {target}, and only the end is missing: run it without --dry-run. Nothing was changed.",
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
