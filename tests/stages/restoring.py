"""Saving, putting back and deleting stores, and what is looked at afterwards."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from daemon_parts import Daemon
from stage_parts import UPDATE, Open, submits

from syncd.domain.lifecycle import State
from syncd.faultpoint import armed
from syncd.sandbox import Sandbox
from syncd.store import migrate


def save(folder: Path, name: str = "backup.db") -> Path:
    """A backup as `syncd db backup` takes it."""
    copy = folder / name
    migrate.backup(f"sqlite:///{folder / 'syncd.db'}", copy)
    return copy


def put_back(folder: Path, copy: Path) -> None:
    delete(folder)
    shutil.copy2(copy, folder / "syncd.db")


def outside(sandbox: Sandbox) -> tuple[int, int]:
    """Writes that reached the issuer and WDT."""
    return submits(sandbox), len(sandbox.wdt.calls.of(UPDATE))


async def issue(daemon: Daemon, no: str) -> None:
    """The order is issued, and WDT has not been told yet."""
    await daemon.turn("poll", "pending")
    await daemon.turn("push")
    while await daemon.state(no) is not State.ISSUED:
        daemon.clock.advance(4)
        await daemon.turn("collect")


def delete(folder: Path) -> None:
    for path in folder.glob("syncd.db*"):
        path.unlink()


async def why(daemon: Daemon) -> str:
    here = await daemon.app.arming.instance()
    return "" if here.armed else here.why


async def arms(daemon: Daemon) -> bool:
    return await daemon.app.arming.rearm("operator")


async def comes_back(daemon: Daemon, arms: Callable[[Daemon], Awaitable[bool]] = arms) -> None:
    """What `syncd arm` does: look around, wait until nothing is missing, arm."""
    await daemon.app.arming.look_around()

    async def rebuilt() -> bool:
        return (await daemon.app.arming.rebuilding()).complete

    await daemon.until(rebuilt)
    assert await arms(daemon)


def all_is_well(sandbox: Sandbox, orders: int) -> None:
    counts = sandbox.counts()
    assert (counts["doubles"], counts["lost"], counts["written_back"]) == (0, 0, orders)
    assert len(sandbox.nuonuo.ledger) == orders


class Killed(BaseException):
    """The process ends here, as by kill -9."""


def dies_at(point: str) -> Callable[[str], None]:
    def strike(reached: str) -> None:
        if reached == point:
            raise Killed

    return strike


async def sends_nothing(daemon: Daemon, sandbox: Sandbox, since: tuple[int, int]) -> None:
    """Minutes pass, and no write reaches issuer or WDT that was not there at `since`."""
    await daemon.pass_by(timedelta(minutes=3))
    assert outside(sandbox) == since


async def dies_before_sending(opened: Open) -> None:
    """A daemon is killed when its intent is committed and nothing has been sent."""
    with pytest.raises(Killed):
        async with opened() as d:
            await d.turn("poll", "pending")
            with armed(dies_at("push.intended.after")):
                await d.turn("push")
