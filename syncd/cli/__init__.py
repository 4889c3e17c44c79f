"""The command line: one module per command group, each with a `register(app, lang)`."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from syncd.cli.words import Lang, language

if TYPE_CHECKING:
    import typer

#: Each command and the module that has it, in the order of `syncd --help`, which lists groups of commands last.
COMMANDS: Mapping[str, str] = {
    "demo": "demo",
    "run": "run",
    "check": "check",
    "status": "status",
    "explain": "explain",
    "orders": "orders",
    "retry": "retry",
    "errors": "errors",
    "link": "link",
    "wallet": "wallet",
    "lane": "lanes",
    "cursor": "cursor",
    "backfill": "cursor",
    "disarm": "arming",
    "arm": "arming",
    "db": "db",
    "alerts": "alerts",
    "health": "health",
    "sim": "sim",
}


def build(lang: Lang, args: Sequence[str] = ()) -> typer.Typer:
    """The command line with its help in `lang`: all of it, or no more than the one command that `args` ask for."""
    from syncd.cli.frame import asked, root

    app = root(lang)
    command = asked(args)
    modules = [COMMANDS[command]] if command in COMMANDS else dict.fromkeys(COMMANDS.values())
    for module in modules:
        importlib.import_module(f"{__name__}.{module}").register(app, lang)
    return app


def main() -> None:
    """Run the command line; ends the process with the exit codes of the contract."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character gets its code, never a traceback.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    args = sys.argv[1:]
    try:
        build(language(args, os.environ), args)()
    finally:
        _flush()


def _flush() -> None:
    """Whoever read us may have gone: what is left is dropped without a word."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
