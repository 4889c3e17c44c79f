"""`syncd run`: the daemon, and one pass of it."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Literal, TypedDict

import typer

from syncd.cli.arming import told
from syncd.cli.frame import DISARMED, FAILED, FINE, PERSON, Frame, here, leave, wait
from syncd.cli.output import beijing
from syncd.cli.words import Lang, helper

if TYPE_CHECKING:
    from syncd.config import Settings


def register(app: typer.Typer, lang: Lang) -> None:
    """Add `run`."""
    text = helper(lang)

    @app.command("run", help=text("run"))
    def run(
        ctx: typer.Context,
        once: bool = typer.Option(False, "--once", help=text("run.once")),
        timeout: float | None = typer.Option(None, "--timeout", metavar="S", min=1.0, help=text("run.timeout")),
        role: Part | None = typer.Option(None, "--role", help=text("run.role")),
        concurrency: int | None = typer.Option(
            None, "--concurrency", metavar="N", min=1, max=1000, help=text("run.concurrency")
        ),
    ) -> None:
        frame = here(ctx)
        share = Share(role, concurrency)
        leave(wait(_once(frame, timeout, share) if once else _daemon(frame, share)))


class Part(StrEnum):
    """What one process of many does."""

    ALL = "all"
    SCHEDULER = "scheduler"
    WORKER = "worker"


@dataclass(frozen=True, slots=True)
class Share:
    """What this process takes on, as far as it was said."""

    role: Part | None = None
    concurrency: int | None = None

    def of(self, frame: Frame, settings: Settings) -> Taken:
        """What `open_app` is told. Raises Unusable where one process does everything."""
        taken: Taken = {}
        if (self.role or self.concurrency) and settings.engine.kind != "distributed":
            raise frame.unusable("run.alone", option="--role" if self.role else "--concurrency")
        if self.role:
            taken["role"] = self.role.value
        if self.concurrency:
            taken["concurrency"] = self.concurrency
        return taken


class Taken(TypedDict, total=False):
    """The part of `open_app`'s arguments that says what a process takes on."""

    role: Literal["all", "scheduler", "worker"]
    concurrency: int


async def _daemon(frame: Frame, share: Share) -> int:
    """Run until told to stop, then drain."""
    _without_colours()
    from syncd.app import open_app
    from syncd.reload import Hangup
    from syncd.watch.notify import Notifier

    settings = frame.settings()
    taken = share.of(frame, settings)
    _begin_logging(settings)
    await asyncio.to_thread(_warn_of_sessions, settings.store.url.get_secret_value())
    stop = stop_on_signals()
    hangup = Hangup(partial(_read_again, frame, settings.secrets()))
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hangup.heard.set)
    async with open_app(settings, wait_for_lock=settings.store.wait_for_lock.total_seconds(), **taken) as app:
        _collect_seldom()
        await app.serve(stop, Notifier.from_env(os.environ), hangup)
    return FINE


def _without_colours() -> None:
    """What shows tracebacks on a terminal is not loaded with structlog, which can be told so in no other way.

    It does without where there is none, and a log never needs it; Typer loads it when it has something to show.
    """
    if "rich" in sys.modules or "structlog" in sys.modules:
        return
    sys.modules["rich"] = None  # type: ignore[assignment]
    try:
        import_module("structlog")
    finally:
        del sys.modules["rich"]


def _collect_seldom() -> None:
    """Orders come and go without cycles: looking for some after each few hundred objects finds nothing for its time."""
    gc.freeze()  # what is here by now stays, and need not be walked through
    gc.collect()  # what comes from now on is not compared with it when it is said to be much
    gc.set_threshold(5_000, 5, 5)


def _read_again(frame: Frame, known: frozenset[str]) -> Settings:
    """The settings as they are now; what was a secret before stays one in the logs. Raises SettingsError."""
    settings = frame.settings()
    _begin_logging(settings, known)
    return settings


def stop_on_signals() -> asyncio.Event:
    """Set by SIGTERM or SIGINT; a second one ends the process at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for wanted in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(wanted, _stop_or_die, stop, wanted)
    return stop


def _stop_or_die(stop: asyncio.Event, wanted: signal.Signals) -> None:
    if stop.is_set():  # asked twice: what is under way becomes an unknown outcome, and will be asked about
        os._exit(128 + wanted)
    stop.set()


async def _once(frame: Frame, timeout: float | None, share: Share) -> int:
    from syncd.app import open_app

    settings = frame.settings()
    taken = share.of(frame, settings)
    _begin_logging(settings)
    await asyncio.to_thread(_warn_of_sessions, settings.store.url.get_secret_value())
    async with open_app(settings, tick=0.2, **taken) as app:
        settled = await app.once(timeout)
        instance = await app.arming.instance()
    say = frame.say
    if not instance.armed:
        print("\n".join(told(say, instance)), file=sys.stderr)
        return DISARMED
    if not settled.done:
        print(say("run.unfinished", unsettled=settled.unsettled), file=sys.stderr)
        return FAILED
    if settled.later:
        print(say("run.later", n=settled.later, at=beijing(settled.next_at)), file=sys.stderr)
    if settled.needs_a_person:
        stuck = say("run.stuck", lanes=", ".join(settled.stuck)) if settled.stuck else ""
        held = say("run.held", held=settled.held) if settled.held or not settled.held_applications else ""
        at_centre = say("run.held_applications", held=settled.held_applications) if settled.held_applications else ""
        both = say("run.and") if held and at_centre else ""
        print(say("run.person", held=f"{held}{both}{at_centre}", stuck=stuck), file=sys.stderr)
        return PERSON
    if not settled.later:
        print(say("run.settled"), file=sys.stderr)
    return FINE


def _warn_of_sessions(url: str) -> None:
    """Those at work and this one may need more sessions than the server has: told before they starve each other."""
    from structlog import get_logger

    from syncd.store import postgres
    from syncd.store.troubles import StoreUnavailable

    if not postgres.is_postgresql(url):
        return
    try:
        allowed, others = postgres.sessions(url)
    except StoreUnavailable:  # it is said when the store is opened
        return
    needed = postgres.SESSIONS * (others + 1)
    if allowed < needed:
        why = f"the server allows {allowed} sessions, {others + 1} processes may need {needed}: raise max_connections"
        get_logger("syncd.cli").warning("config.warned", why=why)


def _begin_logging(settings: Settings, known: frozenset[str] = frozenset()) -> None:
    from structlog import get_logger

    from syncd.watch import logs

    secrets = settings.secrets() | known
    logs.configure(settings.log.format, settings.log.level, sys.stderr.buffer, secrets=secrets)
    log = get_logger("syncd.cli")
    for warning in settings.warnings:
        log.warning("config.warned", why=warning)
