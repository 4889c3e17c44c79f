"""`syncd sim`: the simulators alone, with a settings file that fits them; the rehearsals are in `rehearse.py`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import typer

from syncd.cli import rehearse
from syncd.cli.frame import Frame, group, here, wait
from syncd.cli.words import Lang, helper

if TYPE_CHECKING:
    from syncd.sandbox import Sandbox

Weather = Literal["calm", "rough", "storm"]
#: The invoices that lie in the simulated buyers' wallets from the beginning, as cards demo_card_1, demo_card_2, …
CARDS = ("26952000000000000901", "26952000000000000902", "26952000000000000903")


@dataclass(frozen=True, slots=True)
class Ports:
    """One for each simulator; 0 is any free one."""

    wdt: int
    nuonuo: int
    top: int
    yuannian: int
    control: int


@dataclass(frozen=True, slots=True)
class Wish:
    """What the caller asked for."""

    rows: int
    seed: int
    faults: Weather
    ports: Ports
    write: Path | None


def _port(name: str, lang: Lang) -> Any:
    return typer.Option(0, name, metavar="PORT", min=0, max=65535, help=helper(lang)("opt.port"))


def register(app: typer.Typer, lang: Lang) -> None:
    """Add `syncd sim …`."""
    sim = group(app, "sim", lang)
    text = helper(lang)
    rehearse.register(sim, lang)

    @sim.command("serve", help=text("sim.serve"))
    def serve(
        ctx: typer.Context,
        rows: int = typer.Option(200, "--rows", metavar="N", min=0, max=100_000, help=text("opt.rows")),
        seed: int = typer.Option(1, "--seed", metavar="S", help=text("opt.seed")),
        faults: Weather = typer.Option("calm", "--faults", help=text("opt.faults")),
        port_wdt: int = _port("--port-wdt", lang),
        port_nuonuo: int = _port("--port-nuonuo", lang),
        port_top: int = _port("--port-top", lang),
        port_yuannian: int = _port("--port-yuannian", lang),
        port_control: int = _port("--port-control", lang),
        write: Path | None = typer.Option(None, "--write-config", metavar="PATH", help=text("opt.write_config")),
    ) -> None:
        ports = Ports(port_wdt, port_nuonuo, port_top, port_yuannian, port_control)
        wait(_serve(here(ctx), Wish(rows, seed, faults, ports, write)))


async def _serve(frame: Frame, wish: Wish) -> None:
    from syncd.cli.run import stop_on_signals
    from syncd.sandbox import Sandbox, SandboxOptions

    if wish.write is not None and wish.write.exists():
        raise frame.unusable("sim.exists", path=wish.write)
    ports = wish.ports
    options = SandboxOptions(
        seed=wish.seed, faults=wish.faults, wdt_port=ports.wdt, nuonuo_port=ports.nuonuo, top_port=ports.top,
        yuannian_port=ports.yuannian, control_port=ports.control,
    )  # fmt: skip
    stop = stop_on_signals()
    async with Sandbox(options) as sandbox:
        if wish.rows:
            sandbox.populate(wish.rows)
        for number, invoice_no in enumerate(CARDS, start=1):
            sandbox.yuannian.put_card(
                invoice_no, card_id=f"demo_card_{number}", encrypt_code=f"demo_code_{number}", openid="demo_openid"
            )
        _tell(frame, sandbox, wish)
        await stop.wait()


def _tell(frame: Frame, sandbox: Sandbox, wish: Wish) -> None:
    folder = Path() if wish.write is None else wish.write.parent
    say, text = frame.say, settings_text(sandbox.describe(), datetime.now(UTC), folder)
    urls = {"wdt": sandbox.wdt_url, "nuonuo": sandbox.nuonuo_url, "top": sandbox.top_url}
    print(say("sim.urls", **urls, yuannian=sandbox.yuannian_url, control=sandbox.control_url))
    if wish.write is not None:
        _write(wish.write, text)
        print(say("sim.written", path=wish.write))
    else:
        print(f"\n{text}")
    file = wish.write or Path("sim.toml")
    print(say("sim.try", file=file, control=sandbox.control_url), flush=True)


def _write(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def settings_text(described: dict[str, Any], now: datetime, folder: Path) -> str:
    """A complete settings file for a running sandbox, from what it says about itself; its store lies in `folder`."""
    from syncd.domain.clock import BEIJING

    wdt, nuonuo = described["wdt"], described["nuonuo"]
    top, yuannian = described["top"], described["yuannian"]
    start = (now.astimezone(BEIJING) - timedelta(days=3)).strftime("%Y-%m-%d %H:%M:%S")
    return f"""\
# For the simulators of `syncd sim serve`. Every credential in it is made up.
[store]
url = "sqlite:///{folder.resolve() / "sim.db"}"

[console]
listen = "127.0.0.1:8650"

[schedule]
poll = "5s"       # far below what a real WDT allows
mirror = "30s"

[poll]
start = "{start}"

[[merchants]]
name = "m001"
issuer = "main"

[merchants.wdt]
url = "{wdt["url"]}"
sid = "{wdt["sid"]}"
key = "{wdt["key"]}"
secret = "{wdt["secret"]}"
client_version = "{wdt["client_version"]}"
calls_per_minute = {wdt["calls_per_minute"]}

[merchants.alibaba]
url = "{top["url"]}"
app_key = "{top["app_key"]}"
secret = "{top["secret"]}"
session = "{top["session"]}"
tmc = true
link_by_trade = true

[merchants.yuannian]
url = "{yuannian["url"]}"
app_id = "{yuannian["app_id"]}"
token = "{yuannian["token"]}"
secret = "{yuannian["secret"]}"
sign_template = "{yuannian["sign_template"]}"

[issuers.main]
kind = "{nuonuo["kind"]}"
url = "{nuonuo["url"]}"
app_key = "{nuonuo["app_key"]}"
secret = "{nuonuo["app_secret"]}"
token = "{nuonuo["token"]}"
tax_no = "{nuonuo["tax_no"]}"
settle = "10s"
"""
