"""`syncd disarm` and `syncd arm`: whether this store may write to anybody outside."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING

import typer

from syncd.cli import options, output
from syncd.cli.finding import operator
from syncd.cli.frame import FAILED, FINE, Frame, here, leave, wait
from syncd.cli.words import Lang, Say, helper

if TYPE_CHECKING:
    from syncd.config import Settings
    from syncd.store.instance import Instance, Rebuilding
    from syncd.store.store import Store

_LONGEST_REASON = 200
_LOOK_EVERY = 0.2


def register(app: typer.Typer, lang: Lang) -> None:
    """Add `disarm` and `arm`."""
    text = helper(lang)

    @app.command("disarm", help=text("disarm"))
    def disarm(
        ctx: typer.Context,
        reason: str = typer.Option(..., "--reason", metavar="TEXT", help=text("opt.disarm_reason")),
    ) -> None:
        wait(_disarm(here(ctx), reason))

    @app.command("arm", help=text("arm"))
    def arm(
        ctx: typer.Context,
        yes: bool = options.yes(lang),
        timeout: float = typer.Option(600.0, "--timeout", metavar="S", min=1.0, help=text("opt.arm_timeout")),
    ) -> None:
        leave(wait(_arm(here(ctx), yes, timeout)))


def told(say: Say, instance: Instance) -> list[str]:
    """Why it is disarmed and what to do, for people."""
    if instance.stuck:
        return [output.inert(say(f"move.stuck.{instance.why}", about=instance.about))]
    if instance.why == "moved_here" and instance.disarmed_at is None:
        return [output.inert(say("arming.moved_here", about=instance.about)), say("arming.remedy.moved_here")]
    since = output.beijing(instance.disarmed_at) if instance.disarmed_at else "?"
    why = say(f"arming.why.{instance.why}", about=instance.about, seen=instance.epoch)
    return [output.inert(say("arming.disarmed", since=since, why=why)), say("arming.remedy")]


async def note_if_disarmed(frame: Frame, store: Store) -> None:
    """A word without which "now" would be a lie; what was written down stands."""
    async with store.read() as tx:
        instance = await tx.instance.get()
    if instance is not None and not instance.armed:
        print(frame.say("arming.note"), file=sys.stderr)


# -- disarming ---------------------------------------------------------------------------------------------------------


async def _disarm(frame: Frame, reason: str) -> None:
    from syncd.store.guard import disarm

    said = reason.strip()
    if not said or not said.isprintable() or len(said) > _LONGEST_REASON:
        raise frame.unusable("disarm.no_reason")
    async with frame.store(frame.settings(), changes=True) as store:
        async with store.read() as tx:
            known = await tx.instance.get()
        if known is not None and not known.armed:
            print(frame.say("disarm.already"))
            return
        await disarm(store, said, operator())
    print(frame.say("disarm.done"))


# -- arming ------------------------------------------------------------------------------------------------------------


async def _arm(frame: Frame, yes: bool, timeout: float) -> int:
    """Through the daemon where one is at work, else by itself."""
    from syncd.store.lock import HeldElsewhere
    from syncd.watch import logs

    settings = frame.settings()
    logs.configure("text", "error", sys.stderr.buffer, secrets=settings.secrets())
    try:
        return await _by_itself(frame, settings, yes, timeout)
    except HeldElsewhere as daemon:
        return await _through(frame, settings, daemon.holder, yes, timeout)


async def _by_itself(frame: Frame, settings: Settings, yes: bool, timeout: float) -> int:
    from syncd.app import open_app
    from syncd.store.lock import holder

    others = holder(settings.store.url.get_secret_value())  # before we are one of them
    async with open_app(settings, tick=0.2) as app:
        arming = app.arming
        if not _wanted(frame, await arming.instance(), yes):
            return FINE
        beside = frame.say("arm.beside", who=others) if others else frame.say("arm.here")
        print(output.inert(beside), file=sys.stderr)
        await arming.look_around()
        async with app.turning(listen=False):
            found = await _watched(frame.say, arming.rebuilding, timeout)
        return _over(frame.say, found, armed=found.complete and await arming.rearm(operator()))


async def _through(frame: Frame, settings: Settings, daemon: str, yes: bool, timeout: float) -> int:
    async with frame.store(settings, changes=True) as store:
        async with store.read() as tx:
            instance = await tx.instance.get()
        if not _wanted(frame, instance, yes):
            return FINE
        names = {merchant.wdt.sid: str(merchant.name) for merchant in settings.merchants}
        print(output.inert(frame.say("arm.asked_daemon", who=daemon)), file=sys.stderr)
        await _ask(store, names.values())
        try:
            found, armed = await _awaited(frame.say, store, names, timeout)
        finally:
            await _withdraw(store)
    return _over(frame.say, found, armed=armed)


def _wanted(frame: Frame, instance: Instance | None, yes: bool) -> bool:
    """Say how it stands and ask; False where it is armed. Raises Unusable, Failed."""
    if instance is None or instance.armed:
        print(frame.say("arm.already"))
        return False
    for line in told(frame.say, instance):
        print(line)
    if yes:
        return True
    if not sys.stdin.isatty():
        raise frame.unusable("arm.needs_yes")
    if not typer.confirm(frame.say("arm.question")):
        raise frame.failed("ask.nothing_done")
    return True


async def _ask(store: Store, merchants: Iterable[str]) -> None:
    from syncd.stages.poll.plan import FEEDS

    async with store.begin(fact="arming.asked") as tx:
        await tx.instance.ask_to_arm(operator())
        for merchant in merchants:
            await tx.units.wake("collect", merchant)
            for feed in FEEDS:
                await tx.units.wake("poll", f"{merchant}/{feed}")


async def _withdraw(store: Store) -> None:
    """Whoever stops waiting has not armed: the daemon must not do it behind their back, hours later."""
    async with store.begin(fact="arming.withdrawn") as tx:
        await tx.instance.withdraw()


async def _awaited(say: Say, store: Store, names: Mapping[str, str], timeout: float) -> tuple[Rebuilding, bool]:
    """What the daemon has found, and whether it has armed the store."""
    from syncd.store.instance import Rebuilding

    last = Rebuilding()
    armed = False

    async def look() -> Rebuilding:
        nonlocal last, armed
        async with store.read() as tx:
            instance = await tx.instance.get()
            armed = instance is not None and instance.armed
            if not armed:
                last = await tx.instance.rebuilding(names)
        return last

    await _watched(say, look, timeout, over=lambda: armed)
    return last, armed


async def _watched(
    say: Say, look: Callable[[], Awaitable[Rebuilding]], timeout: float, over: Callable[[], bool] | None = None
) -> Rebuilding:
    """Tell how far it is until it is complete, or `over`, or the time is."""
    deadline = time.monotonic() + timeout
    told_last = ""
    while True:
        found = await look()
        line = _progress(say, found)
        if line != told_last:
            print(output.inert(line), file=sys.stderr, flush=True)
            told_last = line
        if (over() if over else found.complete) or time.monotonic() > deadline:
            return found
        await asyncio.sleep(_LOOK_EVERY)


def _progress(say: Say, found: Rebuilding) -> str:
    feeds = ", ".join(f"{sid}/{feed}" for sid, feed in found.unread) or say("arm.nothing")
    return say("arm.progress", feeds=feeds, orders=sum(found.unasked.values()))


def _over(say: Say, found: Rebuilding, *, armed: bool) -> int:
    numbers = {"adopted": found.adopted, "pending": found.pending, "doubted": found.doubted, "held": found.held}
    print(say("arm.found", **numbers))
    if found.foreign:
        print(say("arm.foreign", n=found.foreign))
    print(say("arm.done" if armed else "arm.not_yet"))
    return FINE if armed else FAILED
