"""What `run` and `demo` say. Key → (Chinese, English)."""

from __future__ import annotations

from collections.abc import Mapping

MAIN: Mapping[str, tuple[str, str]] = {
    "help.run": (
        (
            "运行守护进程：读取待开票单、提交开票、查询结果、回传旺店通。"
            "收到 SIGTERM 后十秒内收尾退出，随时被杀都安全。"
            "\n\n例：syncd -c syncd.toml run\n\n例：syncd run --once --timeout 600"
        ),
        (
            "Run the daemon: read what waits, have it issued, learn outcomes, write back. Ends within ten seconds of"
            " SIGTERM; killing it at any instant is safe.\n\nExample: syncd -c syncd.toml run\n\n"
            "Example: syncd run --once --timeout 600"
        ),
    ),
    "help.run.once": (
        (
            "运行到一分钟内没有可自动处理的事为止：退出码 0，有待人工处理为 3；"
            "以后才到期的阿里申请与等待购买方的红票留给下次"
        ),
        (
            "run until nothing is left to do within a minute without a person: exit 0, 3 when a person is needed; "
            "applications at Alibaba due later, and red orders that wait for the buyer, are left to another run"
        ),
    ),
    "help.run.timeout": (
        "与 --once 同用：最多运行的秒数，到时未办完则退出码 1",
        "with --once: give up after S seconds, exit 1",
    ),
    "help.run.role": (
        "分布式：all 调度并执行（缺省），scheduler 只调度，worker 只执行",
        "distributed: all (default) schedules and works, scheduler and worker do one of the two",
    ),
    "help.run.concurrency": (
        "分布式：本进程内每个阶段同时处理的单元数；缺省 16",
        "distributed: units of each stage at work at once in this process; 16 if not given",
    ),
    "run.alone": (
        '{option} 仅用于分布式：[engine] kind = "distributed"；单机模式由一个进程完成全部工作。',
        '{option} is for many processes: [engine] kind = "distributed"; embedded, one process does everything.',
    ),
    "run.later": (
        (
            "眼下能办的已办完；{n} 项（阿里申请、等待购买方或蓝票的红票、定时暂停的通道）要等到以后，"
            "最早 {at}（北京时间）：届时再运行。"
        ),
        (
            "What can be done now is done; {n} applications at Alibaba, red orders that wait and orders behind a "
            "timed pause come due later, the first at {at} (Beijing time): run again then."
        ),
    ),
    "run.settled": ("已全部处理完毕。", "Everything is settled."),
    "run.person": (
        "自动处理已完成；{held}挂起待人工处理{stuck}。下一步：syncd status",
        "All that could be done is done; {held} wait for a person{stuck}. Next: syncd status",
    ),
    "run.held": ("{held} 单", "{held} held orders"),
    "run.held_applications": ("{held} 个阿里发票申请", "{held} held applications at Alibaba"),
    "run.and": ("、", " and "),
    "option.default": ("[缺省：{}]", "[default: {}]"),
    "option.required": ("[必填]", "[required]"),
    "settings.explained": (
        "→ 全部设置项见 docs/settings.md；改好后先执行 syncd check。",
        "→ Every setting is explained in docs/settings.md; once it is corrected, run syncd check.",
    ),
    "run.stuck": ("，以下通道需要人工：{lanes}", ", and these lanes need one: {lanes}"),
    "run.unfinished": (
        "时间已到，仍有 {unsettled} 项（单据、申请）未办完；再次运行会接着办。",
        "Out of time with {unsettled} orders and applications unsettled; another run goes on where this one stopped.",
    ),
    "help.demo": (
        (
            "演示：模拟的旺店通与诺诺、真实的守护进程与数据库，无需任何配置，只用本机回环地址。"
            "\n\n例：syncd demo\n\n例：syncd demo --once --seed 1 --json\n\n"
            "例：syncd demo --once --faults rough --rows 500"
        ),
        (
            "A demonstration: simulated WDT and Nuonuo, the real daemon and store, nothing to configure, loopback only."
            "\n\nExample: syncd demo\n\nExample: syncd demo --once --seed 1 --json\n\n"
            "Example: syncd demo --once --faults rough --rows 500"
        ),
    ),
    "help.demo.once": ("办完即退出（输出到管道时总是如此）", "end when everything is settled (always so in a pipe)"),
    "help.demo.rows": ("待开票单数", "how many invoice orders wait"),
    "help.demo.seed": ("随机种子：同一种子，同样的单据与故障", "the seed: the same orders and faults again"),
    "help.demo.faults": (
        "网络与平台的恶劣程度：calm 平静，rough 颠簸，storm 风暴",
        "how badly the network and the parties behave",
    ),
    "help.demo.dir": (
        "数据库、日志与设置文件的存放目录（缺省为临时目录）",
        "where store, log and settings go (default: a temporary folder)",
    ),
    "help.demo.json": ("结束时输出一个 JSON 对象", "print one JSON object at the end"),
    "demo.folder_used": (
        "{folder} 里已有演示数据；请换一个目录或先删除它",
        "{folder} holds a demonstration already; choose another or delete it",
    ),
    "demo.intro": (
        "演示 {rows} 张待开票单：模拟旺店通 → syncd → 模拟诺诺 → 回传（种子 {seed}，故障 {faults}）",
        (
            "{rows} invoice orders wait: simulated WDT → syncd → simulated Nuonuo → written back"
            " (seed {seed}, faults {faults})"
        ),
    ),
    "demo.read": ("已读取", "read"),
    "demo.pending": ("待提交", "waiting"),
    "demo.issuing": ("开票中", "issuing"),
    "demo.issued": ("已开票", "issued"),
    "demo.written": ("已回传", "written back"),
    "demo.refused": ("开票失败已回传", "refused, written back"),
    "demo.held": ("挂起待人工", "held"),
    "demo.line": (
        (
            "已读取 {read} · 待提交 {pending} · 开票中 {issuing} · 已开票 {issued} · 已回传 {written}"
            " · 失败 {refused} · 挂起 {held}"
        ),
        (
            "read {read} · waiting {pending} · issuing {issuing} · issued {issued} · written back {written}"
            " · refused {refused} · held {held}"
        ),
    ),
    "demo.verdict": (
        (
            "模拟方账本：开票 {issued} 单，回传 {written_back} 单，重复 {doubles}，丢失 {lost}，"
            "挂起 {held}（用时 {seconds:.1f} 秒）"
        ),
        (
            "By the simulators' own ledgers: {issued} issued, {written_back} written back, {doubles} doubles,"
            " {lost} lost, {held} held ({seconds:.1f} s)"
        ),
    ),
    "demo.customers": (
        (
            "顾客侧：阿里开票申请 {applications} 件，完结 {closed} 件；退货红票 {reds} 张，微信卡券置为已冲红 "
            "{cards_cancelled} 张；重复回传 {uploads_double}，误传他人发票 {uploads_foreign}"
        ),
        (
            "customers: {applications} applications at Alibaba, {closed} closed; red invoices for goods sent back "
            "{reds}, WeChat cards set to reversed {cards_cancelled}; returned twice {uploads_double}, foreign ones "
            "returned {uploads_foreign}"
        ),
    ),
    "demo.faults_happened": ("期间发生的故障：{faults}", "faults that happened meanwhile: {faults}"),
    "demo.held_why": ("挂起的单据（需要财务处理）：", "Held, for a person:"),
    "demo.more": ("……另有 {n} 张", "… and {n} more"),
    "demo.next": ("接下来可以看：", "Where to look next:"),
    "demo.next.list": ("哪些单据挂起、为什么", "what is held, and why"),
    "demo.next.explain": ("一张单据的完整经过", "one order's whole story"),
    "demo.next.links": ("阿里的开票申请", "the applications at Alibaba"),
    "demo.next.cards": ("顾客微信里的发票", "invoices in customers' WeChat wallets"),
    "demo.next.status": ("全局状态", "where everything stands"),
    "demo.next.audit": ("拉取窗口有无缺口", "is there any gap in what was read"),
    "demo.next.log": ("守护进程的日志", "the daemon's log"),
    "demo.stay": (
        "模拟方与守护进程仍在运行；按 Ctrl-C 结束。",
        "Simulators and daemon keep running; press Ctrl-C to end.",
    ),
}
