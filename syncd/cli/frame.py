"""What every command stands in: global options, settings, the store, and errors turned into exit codes."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import sys
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import typer
from typer.core import TyperGroup

from syncd.cli import usage
from syncd.cli.troubles import Failed, Unusable, known, lines_and_code
from syncd.cli.words import Lang, Say, helper, speaker

if TYPE_CHECKING:
    from syncd.config import Settings
    from syncd.store.store import Store

FINE, FAILED, USAGE, PERSON, DISARMED = 0, 1, 2, 3, 4

T = TypeVar("T")
_WITH_VALUE = ("-c", "--config", "--lang")
_WITH_ITS_VALUE = ("--config=", "--lang=")


@dataclass(frozen=True, slots=True)
class Frame:
    """The global options of one call."""

    lang: Lang
    config: Path | None

    @property
    def say(self) -> Say:
        """The catalogue in the caller's language."""
        return speaker(self.lang)

    def settings(self) -> Settings:
        """The settings of this call. Raises SettingsError, which becomes its lines and exit code 2."""
        from syncd.config import load

        return load(self.config, os.environ)

    def unusable(self, key: str, **fields: object) -> Unusable:
        """A mistake in what was typed, to be raised: exit code 2."""
        return Unusable(self.say(key, **fields))

    def failed(self, key: str, **fields: object) -> Failed:
        """Something that did not work out, to be raised: exit code 1."""
        return Failed(self.say(key, **fields))

    def nearest(self, word: str, known_words: Iterable[str]) -> str:
        """ " Did you mean m001?" with a blank before it, or nothing."""
        import difflib

        near = difflib.get_close_matches(word, list(known_words), n=3, cutoff=0.5)
        return " " + self.say("did_you_mean", words=", ".join(near)) if near else ""

    def merchant(self, settings: Settings, name: str) -> str:
        """`name` if the settings know such a merchant. Raises Unusable, naming the nearest."""
        names = [str(merchant.name) for merchant in settings.merchants]
        if name not in names:
            raise self.unusable("unknown.merchant", name=name, near=self.nearest(name, names))
        return name

    @asynccontextmanager
    async def store(self, settings: Settings, *, changes: bool = False) -> AsyncIterator[Store]:
        """The store as it stands: neither made, upgraded nor locked; a daemon may be at work on it meanwhile.

        Nothing is written to one that was moved away, or that a move has not finished. `changes`: say so before
        anything else is said or asked. Raises: NotReady, TooNew, UnsupportedStore, InAMove.
        """
        from syncd.domain.clock import SystemClock
        from syncd.store import migrate
        from syncd.store.store import Store
        from syncd.watch import logs

        # What a command does is told by it and by the journal: a log beside that is for trouble, and not on its output.
        logs.configure(settings.log.format, "warning", sys.stderr.buffer, secrets=settings.secrets())
        url = settings.store.url.get_secret_value()
        migrate.require_current(url)
        async with Store.at(url, SystemClock()) as store:
            store.by_hand = True
            if changes:
                async with store.read() as tx:
                    await tx.instance.require_workable()
            yield store


def here(ctx: typer.Context) -> Frame:
    """The frame of the command that `ctx` belongs to."""
    frame = ctx.find_root().obj
    assert isinstance(frame, Frame)
    return frame


def wait(work: Coroutine[Any, Any, T]) -> T:
    """Run the asynchronous part of a command."""
    return asyncio.run(work)


def leave(code: int) -> None:
    """End the command with this exit code."""
    if code:
        raise typer.Exit(code)


class Root(TyperGroup):
    """The top of the command line: global options anywhere, and no traceback for trouble that has a name."""

    lang: Lang = "en"

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> Any:
        given = list(sys.argv[1:] if args is None else args)
        for parameter in self.params:  # the two that Typer adds by itself
            if parameter.name in ("install_completion", "show_completion"):
                parameter.help = helper(self.lang)(parameter.name)  # type: ignore[attr-defined]
        try:
            return super().main(hoisted(given), *rest, **extra)
        except SystemExit:
            raise
        except known() as error:
            lines, code = lines_and_code(error, self.lang)
            for line in lines:
                print(line, file=sys.stderr)
            sys.exit(code)

    def make_context(self, *given: Any, **named: Any) -> Any:
        with usage.told_in(self.lang):
            return super().make_context(*given, **named)

    def invoke(self, ctx: Any) -> Any:
        with usage.told_in(self.lang):
            return super().invoke(ctx)


def asked(args: Sequence[str]) -> str:
    """The word after the global options; empty where one of them, or its absence, asks for more than one command."""
    rest = list(args)
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option in _WITH_VALUE:
            del rest[:1]
        elif not option.startswith(_WITH_ITS_VALUE):
            return ""
    return rest[0] if rest else ""


def hoisted(args: Sequence[str]) -> list[str]:
    """`args` with the global options first, wherever they stood; what follows `--` is left alone."""
    front: list[str] = []
    rest: list[str] = []
    todo = list(args)
    while todo:
        arg = todo.pop(0)
        if arg == "--":
            rest += [arg, *todo]
            break
        if arg in _WITH_VALUE:
            if not todo:
                return [*front, arg]  # Typer says that its value is missing
            front += [arg, todo.pop(0)]
        elif arg.startswith(_WITH_ITS_VALUE):
            front.append(arg)
        else:
            rest.append(arg)
    return front + rest


def later(name: str) -> ModuleType:
    """A module that is loaded when something in it is first looked at; what is put into it before that stays."""
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def root(lang: Lang) -> typer.Typer:
    """The empty command line with its global options."""
    text = helper(lang)
    panels: Any = later("typer.rich_utils")
    panels.OPTIONS_PANEL_TITLE = text("panel.options")
    panels.ARGUMENTS_PANEL_TITLE = text("panel.arguments")
    panels.COMMANDS_PANEL_TITLE = text("panel.commands")
    panels.ERRORS_PANEL_TITLE = text("panel.error")
    say = speaker(lang)
    panels.DEFAULT_STRING = say("option.default")
    panels.REQUIRED_LONG_STRING = say("option.required")
    app = typer.Typer(
        cls=type("Root", (Root,), {"lang": lang}),
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback(help=text("syncd"))
    def syncd(
        ctx: typer.Context,
        config: Path | None = typer.Option(None, "-c", "--config", metavar="FILE", help=text("config")),
        _lang: Literal["zh", "en"] | None = typer.Option(None, "--lang", help=text("lang")),
        _version: bool = typer.Option(False, "--version", is_eager=True, callback=_show_version, help=text("version")),
    ) -> None:
        ctx.obj = Frame(lang, config)

    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        from syncd import __version__

        print(f"syncd {__version__}")
        raise typer.Exit


def group(app: typer.Typer, name: str, lang: Lang) -> typer.Typer:
    """A command group of its own, as `syncd orders`."""
    made = typer.Typer(help=helper(lang)(name), no_args_is_help=True, rich_markup_mode="rich")
    app.add_typer(made, name=name)
    return made
