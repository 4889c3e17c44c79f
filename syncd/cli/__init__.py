"""The command line: one module per command group, each with a `register(app, lang)`."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from typing import TYPE_CHECKING

from syncd.cli.words import Lang, language

if TYPE_CHECKING:
    import typer

#: In the order in which `syncd --help` lists them.
GROUPS = (
    *(
        "demo",
        "run",
        "check",
        "status",
        "explain",
        "orders",
        "retry",
        "errors",
        "link",
        "wallet",
        "lanes",
        "cursor",
        "arming",
        "db",
        "alerts",
        "health",
        "sim",
    ),
)


def build(lang: Lang) -> typer.Typer:
    """The whole command line with its help in `lang`."""
    from syncd.cli.frame import root

    app = root(lang)
    for name in GROUPS:
        module = f"{__name__}.{name}"
        if importlib.util.find_spec(module) is not None:
            importlib.import_module(module).register(app, lang)
    return app


def main() -> None:
    """Run the command line; ends the process with the exit codes of the contract."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character gets its code, never a traceback.
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    try:
        build(language(sys.argv[1:], os.environ))()
    finally:
        _flush()


def _flush() -> None:
    """Whoever read us may have gone: what is left is dropped without a word."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
