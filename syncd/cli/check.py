"""`syncd check`: the preflight, each line with its remedy."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from syncd.cli import options, output
from syncd.cli.frame import DISARMED, FAILED, FINE, Frame, here, leave, wait
from syncd.cli.words import Lang, helper

if TYPE_CHECKING:
    from syncd.cli.preflight import Finding

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "bold red"}


def register(app: typer.Typer, lang: Lang) -> None:
    """Add `syncd check`."""

    @app.command("check", help=helper(lang)("check"))
    def command(ctx: typer.Context, as_json: bool = options.as_json(lang)) -> None:
        leave(_check(here(ctx), as_json))


def _check(frame: Frame, as_json: bool) -> int:
    from syncd.cli.preflight import ARMING, look
    from syncd.watch import logs

    settings = frame.settings()
    logs.configure("text", "error", sys.stderr.buffer, secrets=settings.secrets())
    found = wait(look(frame, settings))
    if as_json:
        output.show_json(
            [{"level": one.level, "subject": one.subject, "text": one.text, "remedy": one.remedy} for one in found]
        )
    else:
        _print(frame, found)
    failed = {one.subject for one in found if one.level == "fail"}
    if failed == {ARMING}:
        return DISARMED
    return FAILED if failed else FINE


def _print(frame: Frame, found: Sequence[Finding]) -> None:
    for one in found:
        _mark(one.level, f"{one.subject}: {one.text}")
        if one.remedy:
            print(f"      → {output.inert(one.remedy)}")
    failed = sum(one.level == "fail" for one in found)
    warned = sum(one.level == "warn" for one in found)
    print(frame.say("check.sum", failed=failed, warned=warned))


def _mark(level: str, text: str) -> None:
    line = output.inert(text)
    if not output.is_terminal():
        print(f"{level:4}  {line}")
        return
    from rich.console import Console
    from rich.text import Text

    Console(file=sys.stdout, highlight=False, soft_wrap=True).print(Text(f"{level:4}", _COLOURS[level]) + f"  {line}")
