"""`syncd alerts`: whether the channels to people work."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import typer

from syncd.cli.frame import FAILED, FINE, Frame, group, here, leave, wait
from syncd.cli.words import Lang, helper

if TYPE_CHECKING:
    from syncd.watch.alert_channels import Channel


def register(app: typer.Typer, lang: Lang) -> None:
    """Add `syncd alerts …`."""
    alerts = group(app, "alerts", lang)
    text = helper(lang)

    @alerts.callback()
    def whole() -> None:
        """Without this Typer would make a group of one command that command itself."""

    @alerts.command("test", help=text("alerts.test"))
    def test(ctx: typer.Context) -> None:
        leave(wait(_test(here(ctx))))


async def _test(frame: Frame) -> int:
    from syncd.alerting import channels_of, place
    from syncd.watch.alert_channels import Note
    from syncd.watch.alert_texts import trial

    settings = frame.settings()
    channels = channels_of(settings)
    if not channels:
        raise frame.unusable("alerts.none")
    title, body = trial(settings.alerts.language, place())
    taken = await asyncio.gather(*(channel.send(Note(title, body)) for channel in channels))
    _print(frame, channels, taken)
    return FINE if all(taken) else FAILED


def _print(frame: Frame, channels: list[Channel], taken: list[bool]) -> None:
    for channel, was_taken in zip(channels, taken, strict=True):
        if was_taken:
            print(frame.say("alerts.taken", scheme=channel.scheme))
        else:
            print(frame.say("alerts.silent", scheme=channel.scheme))
            print(f"      → {frame.say('alerts.silent.remedy')}")
