"""`syncd demo`: simulators, daemon and store in one process, with the orders' life to watch."""

from __future__ import annotations

import asyncio
import shlex
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from syncd.cli.frame import FAILED, FINE, PERSON, Frame, here, leave, wait
from syncd.cli.output import inert, is_terminal, show_json
from syncd.cli.run import stop_on_signals
from syncd.cli.words import Lang, Say, helper

if TYPE_CHECKING:
    from rich.table import Table

    from syncd.app import App, Settled
    from syncd.cli.demo_customers import Customers
    from syncd.sandbox import Sandbox

Weather = Literal["calm", "rough", "storm"]
#: An order that needs longer than this under "storm" would be a defect.
PATIENCE = 600.0
#: Held orders that are told with their reason.
SHOWN = 5
#: What must be 0 in the simulators' ledgers.
WRONG = ("doubles", "lost", "uploads_double", "uploads_foreign", "red_before_blue", "red_over_blue")


@dataclass(frozen=True, slots=True)
class Wish:
    """What the caller asked for."""

    once: bool
    rows: int
    seed: int
    faults: Weather
    folder: Path
    as_json: bool


def register(app: typer.Typer, lang: Lang) -> None:
    """Add `demo`."""
    text = helper(lang)

    @app.command("demo", help=text("demo"))
    def demo(
        ctx: typer.Context,
        once: bool = typer.Option(False, "--once", help=text("demo.once")),
        rows: int = typer.Option(200, "--rows", metavar="N", min=1, max=100_000, help=text("demo.rows")),
        seed: int = typer.Option(1, "--seed", metavar="S", help=text("demo.seed")),
        faults: Weather = typer.Option("calm", "--faults", help=text("demo.faults")),
        folder: Path | None = typer.Option(None, "--dir", metavar="FOLDER", help=text("demo.dir")),
        as_json: bool = typer.Option(False, "--json", help=text("demo.json")),
    ) -> None:
        frame = here(ctx)
        chosen = folder or Path(tempfile.mkdtemp(prefix="syncd-demo-"))
        if (chosen / "syncd.db").exists():
            raise frame.unusable("demo.folder_used", folder=chosen)
        chosen.mkdir(parents=True, exist_ok=True)
        leave(wait(_demo(frame, Wish(once or as_json or not is_terminal(), rows, seed, faults, chosen, as_json))))


async def _demo(frame: Frame, wish: Wish) -> int:
    from syncd.app import open_app
    from syncd.cli.demo_customers import Customers
    from syncd.config import load
    from syncd.sandbox import Sandbox, SandboxOptions
    from syncd.watch import logs

    options = SandboxOptions(seed=wish.seed, calls_per_minute=0, faults=wish.faults, issue_delay=(0.2, 1.5))
    async with Sandbox(options) as sandbox:
        customers = Customers(sandbox)
        customers.apply(sandbox.populate(wish.rows))
        path = wish.folder / "syncd.toml"
        path.write_text(settings_text(sandbox, wish.folder), encoding="utf-8")
        settings = load(path, {})
        with (wish.folder / "syncd.log").open("ab", buffering=0) as log:
            logs.configure("json", "info", log, secrets=settings.secrets())
            async with open_app(settings, tick=0.2) as app:
                return await _show(frame, wish, customers, app)


async def _show(frame: Frame, wish: Wish, customers: Customers, app: App) -> int:
    began, sandbox = time.monotonic(), customers.sandbox
    async with app.turning():
        settled = await _watch(frame.say, wish, customers, app)
        seconds = time.monotonic() - began
        if wish.as_json:
            show_json(await _summary(customers, app, wish, seconds))
        else:
            await _verdict(frame, customers, app, wish, seconds)
        if not wish.once:
            print(f"\n{frame.say('demo.stay')}", flush=True)
            await stop_on_signals().wait()
    told = {**sandbox.counts(), **customers.told()}
    if not settled.done or any(told[wrong] for wrong in WRONG):
        return FAILED
    return PERSON if settled.needs_a_person else FINE


async def _watch(say: Say, wish: Wish, customers: Customers, app: App) -> Settled:
    show = _silent if wish.as_json else _live if is_terminal() else _plain
    if not wish.as_json:
        print(say("demo.intro", rows=wish.rows, seed=wish.seed, faults=wish.faults))
    return await show(say, customers, app)


async def _to_the_end(customers: Customers, app: App) -> Settled:
    """Until the customers have done what they do, and only a person could go on."""
    await customers.send_back(app, PATIENCE)
    return await app.until_settled(PATIENCE)


# -- watching --------------------------------------------------------------------------------------------------------


async def _silent(_say: Say, customers: Customers, app: App) -> Settled:
    return await _to_the_end(customers, app)


async def _plain(say: Say, customers: Customers, app: App) -> Settled:
    """One line whenever the figures have changed, at most every two seconds."""
    told: dict[str, str] = {"line": ""}

    async def tell() -> None:
        while True:
            line = say("demo.line", **await figures(app))
            if line != told["line"]:
                print(line, flush=True)
                told["line"] = line
            await asyncio.sleep(2.0)

    return await _beside(customers, app, tell)


async def _live(say: Say, customers: Customers, app: App) -> Settled:
    """A table that follows the orders through their life."""
    from rich.live import Live

    with Live(refresh_per_second=5, transient=False) as live:

        async def draw() -> None:
            while True:
                live.update(await _table(say, app))
                await asyncio.sleep(0.25)

        settled = await _beside(customers, app, draw)
        live.update(await _table(say, app))
    return settled


async def _beside(customers: Customers, app: App, tell: Callable[[], Coroutine[Any, Any, None]]) -> Settled:
    """Run everything to its end while `tell` tells about it."""
    telling = asyncio.create_task(tell())
    try:
        return await _to_the_end(customers, app)
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


async def figures(app: App) -> dict[str, int]:
    """How many orders are where, from the store."""
    async with app.store.read() as tx:
        states = await tx.board.by_state()
    count = {str(state): number for (_, state), number in states.items()}
    return {
        "read": sum(count.values()) - count.get("MIRRORED", 0),
        "pending": count.get("PENDING", 0),
        "issuing": count.get("INTENT", 0),
        "issued": count.get("ISSUED", 0) + count.get("DONE60", 0),
        "written": count.get("DONE60", 0),
        "refused": count.get("FAILED", 0) + count.get("DONE85", 0),
        "held": count.get("HOLD", 0),
    }


async def _table(say: Say, app: App) -> Table:
    from rich.box import ROUNDED
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    from syncd.domain.lifecycle import State

    now = await figures(app)
    table = Table(box=ROUNDED, show_header=False, min_width=64)
    table.add_column(no_wrap=True)
    table.add_column(justify="right", min_width=6)
    table.add_column(min_width=36)
    colours = {"pending": "cyan", "issuing": "blue", "issued": "magenta", "written": "green", "held": "yellow"}
    for name in ("read", "pending", "issuing", "issued", "written", "refused", "held"):
        style = colours.get(name, "white")
        bar = ProgressBar(total=max(now["read"], 1), completed=now[name], complete_style=style, width=40)
        table.add_row(Text(say(f"demo.{name}")), Text(str(now[name])), bar)
    async with app.store.read() as tx:
        held = await tx.board.orders(state=State.HOLD, limit=1000)
    reasons = Counter(order.hold_facts.get("code") or str(order.hold) for order in held)
    for reason, number in sorted(reasons.items()):
        table.add_row(Text(f"  {reason}", style="dim"), Text(str(number), style="dim"), Text(""))
    return table


# -- telling ---------------------------------------------------------------------------------------------------------


async def _summary(customers: Customers, app: App, wish: Wish, seconds: float) -> dict[str, object]:
    """What --json prints. `counts` and `customers` come from the simulators' ledgers, not from our store."""
    sandbox = customers.sandbox
    async with app.store.read() as tx:
        holds = {reason: number for (_, reason), number in (await tx.board.by_hold()).items()}
    return {
        "counts": sandbox.counts(),
        "customers": customers.told(),
        "holds": holds,
        "faults": _happened(sandbox),
        "seed": wish.seed,
        "rows": wish.rows,
        "seconds": round(seconds, 1),
        "folder": str(wish.folder),
    }


def _happened(sandbox: Sandbox) -> dict[str, int]:
    parties = (sandbox.wdt, sandbox.nuonuo, sandbox.top, sandbox.yuannian)
    return dict(sorted(sum((one.faults.happened for one in parties), Counter()).items()))


async def _verdict(frame: Frame, customers: Customers, app: App, wish: Wish, seconds: float) -> None:
    from syncd.domain.hold_texts import explain
    from syncd.domain.lifecycle import State

    say, sandbox = frame.say, customers.sandbox
    print()
    print(say("demo.verdict", seconds=seconds, **sandbox.counts()))
    print(say("demo.customers", **customers.told()))
    faults = _happened(sandbox)
    if faults:
        print(say("demo.faults_happened", faults=", ".join(f"{kind} {number}" for kind, number in faults.items())))
    async with app.store.read() as tx:
        held = await tx.board.orders(state=State.HOLD, limit=1000)
    if held:
        print(f"\n{say('demo.held_why')}")
    for order in held[:SHOWN]:
        assert order.hold is not None
        print(f"  {order.no}  {inert(explain(order.hold, order.hold_facts, frame.lang).what)}")
    if len(held) > SHOWN:
        print(f"  {say('demo.more', n=len(held) - SHOWN)}")
    _next(say, wish, [*customers.returned, *(order.no for order in held)][:1])


def _next(say: Say, wish: Wish, example: Sequence[str]) -> None:
    syncd = f"{shlex.quote(sys.argv[0])} -c {shlex.quote(str(wish.folder / 'syncd.toml'))}"
    print(f"\n{say('demo.next')}")
    steps: Mapping[str, str] = {
        "list": f"{syncd} orders list --state HOLD",
        "explain": f"{syncd} explain {example[0] if example else 'NO'}",
        "links": f"{syncd} link --list",
        "cards": f"{syncd} wallet list",
        "status": f"{syncd} status",
        "audit": f"{syncd} cursor audit",
        "log": str(wish.folder / "syncd.log"),
    }
    width = max(len(command) for command in steps.values())
    for name, command in steps.items():
        print(f"  {command:<{width}}  # {say(f'demo.next.{name}')}")


def settings_text(sandbox: Sandbox, folder: Path) -> str:
    """A settings file for the simulators: hasty intervals, since nobody's limits are at stake."""
    top, yuannian = sandbox.describe()["top"], sandbox.describe()["yuannian"]
    start = (datetime.now(UTC) + timedelta(hours=8) - timedelta(days=3)).strftime("%Y-%m-%d %H:%M:%S")
    return f"""\
# Made by `syncd demo`. The credentials are made up, the intervals far below what real parties allow.
[store]
url = "sqlite:///{folder.resolve() / "syncd.db"}"
witness = "{folder.resolve() / "witness"}"
[console]
listen = "127.0.0.1:0"
[schedule]
poll = "1s"
mirror = "10s"
push = "0.2s"
collect = "0.2s"
write_back = "0.2s"
[poll]
start = "{start}"
[write_back]
confirm_after = "0.5s"
[[merchants]]
name = "m001"
issuer = "main"
[merchants.wdt]
url = "{sandbox.wdt_url}"
sid = "demo_sid"
key = "demo_sid-syncd"
secret = "demosecret:demosalt"
calls_per_minute = 1200
timeout = "3s"
[merchants.alibaba]
url = "{top["url"]}"
app_key = "{top["app_key"]}"
secret = "{top["secret"]}"
session = "{top["session"]}"
calls_per_second = 100
calls_per_day = 1000000
tmc = true
link_by_trade = true
grace = "2s"
timeout = "3s"
[merchants.yuannian]
url = "{yuannian["url"]}"
app_id = "{yuannian["app_id"]}"
token = "{yuannian["token"]}"
secret = "{yuannian["secret"]}"
sign_template = "{yuannian["sign_template"]}"
red_guard = "block"
allow_cancel = true
timeout = "3s"
[issuers.main]
kind = "nuonuo"
url = "{sandbox.nuonuo_url}"
app_key = "demo_key"
secret = "demo_secret"
token = "demo_token"
tax_no = "339902999999789113"
settle = "2s"
timeout = "3s"
calls_per_minute = 6000
"""
