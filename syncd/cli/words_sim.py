"""What `syncd sim` says. Key → (Chinese, English)."""

from __future__ import annotations

from collections.abc import Mapping

SIM: Mapping[str, tuple[str, str]] = {
    "help.sim": (
        "模拟的旺店通与诺诺，以及故障情景演练。\n\n例：syncd sim serve --write-config sim.toml\n\n例：syncd sim list",
        (
            "Simulated WDT and Nuonuo, and rehearsals of days that go wrong."
            "\n\nExample: syncd sim serve --write-config sim.toml\n\nExample: syncd sim list"
        ),
    ),
    "help.sim.list": ("列出全部情景。\n\n例：syncd sim list", "Every scenario.\n\nExample: syncd sim list"),
    "help.sim.run": (
        (
            "按种子演练一个情景：真实程序、真实数据库、真实 HTTP，输出 JSON 数字。"
            "全部断言成立且故障确实发生过才以 0 结束，否则为 1。"
            "\n\n例：syncd sim run lost-answer --rows 500 --seed 1..4 --assert 'max_issued_per_order=1,lost=0'"
        ),
        (
            "Play a scenario: the real program, a real store, real HTTP; figures as JSON. Ends 0 only if every"
            " assertion holds and the faults really happened, else 1."
            "\n\nExample: syncd sim run lost-answer --rows 500 --seed 1..4 --assert 'max_issued_per_order=1,lost=0'"
        ),
    ),
    "help.sim.replay": (
        "按记录重演一次，并与当时的数字和每单经过比较：相同为 0，不同为 1。\n\n例：syncd sim replay run.jsonl",
        (
            "Play a recorded run again and compare its figures and every order's story: 0 when they are the same,"
            " else 1.\n\nExample: syncd sim replay run.jsonl"
        ),
    ),
    "help.opt.scenario": ("情景名称，见 syncd sim list", "the scenario, as in syncd sim list"),
    "help.opt.seeds": ("种子，或区间如 1..20", "the seed, or several as 1..20"),
    "help.opt.workers": ("共用同一数据库的工作者个数", "how many workers share the store"),
    "help.opt.assert": ("数字须满足，如 'doubles=0,read>=100'", "what figures must be, as 'doubles=0,read>=100'"),
    "help.opt.jobs": ("同时演练几个种子；0 为每核一个", "how many seeds at a time; 0 is one per core"),
    "help.opt.twin": (
        "换上一个故意写错的版本（文件:名称），情景应当发现它",
        "put a deliberately wrong version in place (FILE:NAME); the scenario should notice",
    ),
    "help.opt.sim_store": (
        "数据库：sqlite，postgresql（临时启动一个），或 postgresql://… 服务器地址（在其中建库，用完即删）",
        "the store: sqlite, postgresql (a server is started), or the URL of a server, where a database is made",
    ),
    "help.opt.transcript": ("把这一次记录到文件，供 replay", "write the run to a file, for replay"),
    "help.opt.replay": ("run --transcript 写下的文件", "a file written by run --transcript"),
    "column.scenario": ("情景", "scenario"),
    "column.promise": ("说明", "what it is and promises"),
    "unknown.scenario": ("没有情景“{name}”。{near}", 'There is no scenario "{name}".{near}'),
    "sim.demand": (
        "看不懂断言“{part}”，应为 名称=数字，可用 = != < <= > >=",
        'Cannot read the assertion "{part}": it should be NAME=NUMBER, with = != < <= > or >=',
    ),
    "sim.seeds": ("看不懂种子“{text}”，应为 7 或 1..20", 'Cannot read the seed "{text}": it should be 7 or 1..20'),
    "sim.one_transcript": (
        "{path}：一个记录文件只记一个种子，且不覆盖已有文件。",
        "{path}: a transcript holds one seed, and no file is overwritten.",
    ),
    "sim.no_transcript": ("{path} 不是可重演的记录文件。", "{path} is no transcript that could be played again."),
    "sim.no_twin": ("找不到“{twin}”，应为 文件:函数名", 'There is no "{twin}": it should be FILE:FUNCTION'),
    "sim.store": (
        "看不懂数据库“{text}”，应为 sqlite、postgresql 或 postgresql://…",
        'Cannot read the store "{text}": it should be sqlite, postgresql or postgresql://…',
    ),
    "sim.other_store": ("这个情景不能在这种数据库上演练：{why}", "This scenario is not for that store: {why}"),
    "sim.well": ("种子 {seed}：全部成立", "seed {seed}: all holds"),
    "sim.broken": ("种子 {seed}：不成立：{why}", "seed {seed}: does not hold: {why}"),
}
