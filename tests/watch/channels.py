"""Channels for the tests of alerts: one that writes down, and a real robot over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from syncd.watch.alert_channels import Note


@dataclass
class Notebook:
    """A channel that takes every message, or none while it is `deaf`."""

    scheme: str = "notebook"
    deaf: bool = False
    taken: list[Note] = field(default_factory=list)
    asked: int = 0

    async def send(self, note: Note) -> bool:
        self.asked += 1
        if self.deaf:
            return False
        self.taken.append(note)
        return True

    @property
    def titles(self) -> list[str]:
        return [note.title for note in self.taken]


@dataclass
class Robot:
    """What a chat robot behind HTTP received. `status` is what it answers; `hang` lets it answer never."""

    port: int = 0
    status: int = 200
    hang: bool = False
    received: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.port}/robot"

    async def take(self, request: web.Request) -> web.Response:
        if self.hang:
            await asyncio.sleep(3600)
        self.received.append(await request.json())
        return web.json_response({}, status=self.status)


@asynccontextmanager
async def robot() -> AsyncIterator[Robot]:
    """A robot on a free port of this machine."""
    made = Robot()
    app = web.Application()
    app.router.add_post("/robot", made.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.port = runner.addresses[0][1]
    try:
        yield made
    finally:
        await runner.cleanup()
