"""Every setting of the daemon, its kind, default and meaning. The names are a contract."""

from __future__ import annotations

from datetime import time, timedelta
from hashlib import sha256
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from syncd.config import rules
from syncd.config.fields import secrets_in
from syncd.config.parties import Issuer, Merchant
from syncd.config.section import Section
from syncd.config.values import (
    Addresses,
    Instant,
    Interval,
    Listen,
    Name,
    OptionalSecret,
    Safe,
    Says,
    Span,
    StoreUrl,
    Text,
    TimeOfDay,
    host_and_port,
)

_WIDEST = timedelta(days=30) - timedelta(seconds=3)  # R5: a second of overlap at both ends, one to spare


def _one_window(step: timedelta) -> timedelta:
    if step > _WIDEST:
        raise ValueError("must be at least three seconds below 30 days")
    return step


class Store(Section):
    """Where everything is remembered; 存储."""

    url: Annotated[StoreUrl, Says("sqlite:///FILE or postgresql://…", "数据库地址")] = SecretStr("sqlite:///syncd.db")
    witness: Annotated[
        Text,
        Says(
            "folder outside every back-up that tells a restored or copied store; empty: the user's state folder",
            "见证文件目录，须在备份范围之外，用于识别还原或复制的数据库；留空为用户状态目录",
        ),
    ] = ""
    wait_for_lock: Annotated[
        Span, Says("`syncd run` waits so long for a daemon that is about to stop", "启动时等待旧进程退出的时长")
    ] = timedelta(seconds=10)


class Engine(Section):
    """Who calls the stages; 引擎."""

    kind: Annotated[
        Literal["embedded", "distributed"], Says("one process, or many over PostgreSQL", "单机或分布式")
    ] = "embedded"


class Console(Section):
    """Health, metrics, API and console; 控制台."""

    listen: Annotated[Listen, Says("host:port; beyond loopback only with a token", "监听地址")] = "127.0.0.1:8650"
    token: Annotated[OptionalSecret, Says("bearer token; none: loopback only", "访问令牌")] = SecretStr("")

    @property
    def host(self) -> str:
        return host_and_port(self.listen)[0]

    @property
    def port(self) -> int:
        return host_and_port(self.listen)[1]


class Log(Section):
    """What is written to standard error; 日志."""

    format: Annotated[Literal["json", "text"], Says("json for machines, text for a terminal", "格式")] = "json"
    level: Annotated[Literal["debug", "info", "warning", "error"], Says("the least that is written", "最低级别")] = (
        "info"
    )


class Schedule(Section):
    """How often each stage looks for work; 调度间隔."""

    poll: Annotated[Interval, Safe.AT_LEAST, Says("new invoice orders", "拉取待开票单")] = timedelta(seconds=60)
    mirror: Annotated[Interval, Safe.AT_LEAST, Says("changes in every state", "镜像全部状态")] = timedelta(minutes=15)
    push: Annotated[Interval, Safe.AT_LEAST, Says("orders to be submitted", "提交开票")] = timedelta(seconds=2)
    collect: Annotated[Interval, Safe.AT_LEAST, Says("outcomes to be asked for", "查询结果")] = timedelta(seconds=2)
    write_back: Annotated[Interval, Safe.AT_LEAST, Says("debts to be paid", "回传")] = timedelta(seconds=2)
    reconcile: Annotated[TimeOfDay, Says("daily, Beijing time", "每日对账时刻（北京时间）")] = time(2, 30)


class Poll(Section):
    """How windows of last-update time are read; 拉取窗口."""

    start: Annotated[Instant | None, Says("first instant read, Beijing time; none: from now", "起始时间")] = None
    settle: Annotated[Span, Safe.AT_LEAST, Says("how far a window's end stays behind the present", "窗口收尾等待")] = (
        timedelta(seconds=300)
    )
    step: Annotated[
        Interval,
        AfterValidator(_one_window),
        Says(
            "width of the first window, below 30 days; the next follow from its density", "首个窗口跨度，其后按密度调整"
        ),
    ] = timedelta(days=1)
    page_size: Annotated[int, Field(ge=1, le=200), Says("rows a page", "每页行数")] = 100


class Push(Section):
    """How orders are submitted; 提交开票."""

    max_read_age: Annotated[
        Interval, Safe.AT_MOST, Says("how old a reading of status 45 may be when we send", "状态读取有效期")
    ] = timedelta(seconds=120)
    batch: Annotated[int, Field(ge=1, le=500), Says("orders claimed at once", "每批单数")] = 20
    concurrency: Annotated[int, Field(ge=1, le=64), Says("orders worked on at once", "并发数")] = 4
    red_wait: Annotated[
        Span,
        Says(
            "how long a red order waits for a blue invoice that nobody knows before a person is asked",
            "红票找不到蓝票时的等待时间，超过后交人处理",
        ),
    ] = timedelta(hours=2)
    on_cancel_after_issue: Annotated[
        Literal["hold"], Says("an order cancelled after its invoice was issued waits for a person", "开票后取消")
    ] = "hold"


class Collect(Section):
    """How outcomes are asked for; 查询结果."""

    most_batches: Annotated[
        int,
        Field(ge=1, le=100),
        Says("questions to one issuer in one turn, each for up to 50 orders", "每轮查询次数上限"),
    ] = 10


class WriteBackSettings(Section):
    """How results are told to WDT; 回传."""

    batch: Annotated[int, Field(ge=1, le=50), Says("documents a call", "每批单数")] = 20
    confirm_after: Annotated[Span, Says("wait before reading back what we wrote", "回读确认等待")] = timedelta(
        seconds=2
    )
    most_reads: Annotated[
        int, Field(ge=1, le=100), Says("documents in doubt read by number in one turn", "每轮单号回读上限")
    ] = 10


class Alerts(Section):
    """Messages to people, one when an outage begins and one when it ends; 告警消息."""

    urls: Annotated[
        Addresses,
        Says("addresses as Apprise knows them; in `urls_file` one a line", "Apprise 格式的渠道地址；文件中每行一个"),
    ] = ()
    language: Annotated[Literal["zh", "en"], Says("of the messages", "消息语言")] = "zh"
    quiet_for: Annotated[Interval, Says("held orders are told about this seldom", "挂起单据的最短通知间隔")] = (
        timedelta(hours=6)
    )
    resting_after: Annotated[Interval, Says("a lane at rest for longer is told about", "通道暂停超过此时长才通知")] = (
        timedelta(minutes=30)
    )
    unknown_after: Annotated[
        Interval, Says("an outcome unknown for longer is told about", "结果未知超过此时长才通知")
    ] = timedelta(minutes=15)
    stale_after: Annotated[
        Interval, Says("a work list not read for longer is told about", "停止拉取超过此时长才通知")
    ] = timedelta(minutes=30)


class Settings(Section):
    """The whole settings file. Made by `load`, or by `from_mapping` where there is no file."""

    store: Store = Store()
    engine: Engine = Engine()
    console: Console = Console()
    log: Log = Log()
    schedule: Schedule = Schedule()
    poll: Poll = Poll()
    push: Push = Push()
    collect: Collect = Collect()
    write_back: WriteBackSettings = WriteBackSettings()
    alerts: Alerts = Alerts()
    merchants: tuple[Merchant, ...] = ()
    issuers: dict[Name, Issuer] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        found = rules.contradictions(self)
        if found:
            raise rules.Contradictions(found)
        return self

    @property
    def warnings(self) -> list[str]:
        """What is allowed but unwise, one line each; said once at start."""
        return rules.warnings(self)

    def secrets(self) -> frozenset[str]:
        """Every secret value, whole and in the parts it is used in, for the redaction of logs."""
        return frozenset(secrets_in(self)) - {""}

    @property
    def fingerprint(self) -> str:
        """The same for all processes that do the same work the same way; no secret goes into it."""
        work = self.model_dump_json(exclude={"store", "engine", "console", "log", "alerts"})
        return sha256(work.encode()).hexdigest()[:12]

    def merchant(self, name: str) -> Merchant:
        """The merchant of that name. Raises KeyError."""
        for merchant in self.merchants:
            if merchant.name == name:
                return merchant
        raise KeyError(name)
